package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.ObjectAccounts.Owner;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random histories of files that change their sizes and owners, against owners that are noted down
 * here; a snapshot keeps the accounts of its time, and the pool's own recount of every object and
 * byte agrees. {@code -Dlcpfs.trust.all=true} takes 200 histories instead of 6.
 */
@Timeout(180)
class OwnerModelTest {
  private static final int STEPS = 300;

  private final PoolWorld world = new PoolWorld();
  private final MemoryDisk disk = MemoryDisk.ofBytes(512, 96 << 20);
  private @Nullable PoolEngine opened;

  /** By path: uid, gid, project. */
  private final TreeMap<String, int[]> files = new TreeMap<>();

  private final Map<String, List<OwnerSpace>> snapshots = new HashMap<>();
  private int made;

  @AfterEach
  void close() {
    PoolEngine left = opened;
    if (left != null) {
      left.close();
    }
    world.close();
  }

  static LongStream seeds() {
    return LongStream.rangeClosed(1, Boolean.getBoolean("lcpfs.trust.all") ? 200 : 6);
  }

  private static byte[] path(String name) {
    return name.getBytes(UTF_8);
  }

  private static PosixFileSystem mount(PoolWorld world, PoolEngine pool) {
    return PosixFileSystem.open(PoolWorld.objects(pool), world.env, FsOptions.DEFAULTS);
  }

  private static String any(TreeMap<String, int[]> files, Random random) {
    return new ArrayList<>(files.keySet()).get(random.nextInt(files.size()));
  }

  private void make(PosixFileSystem fs, Random random) {
    Caller caller = Caller.of(random.nextInt(4) * 1000, random.nextInt(3) * 100);
    String name = "f" + made++;
    switch (random.nextInt(5)) {
      case 0 -> fs.paths().mkdir(path(name), 0777, caller);
      case 1 -> fs.paths().symlink(path("d/".repeat(1 + random.nextInt(450))), path(name), caller);
      default ->
          fs.paths().open(path(name), OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0666, caller).close();
    }
    files.put(name, new int[] {caller.uid(), caller.gid(), 0});
  }

  private void write(PosixFileSystem fs, Random random) {
    try (FileHandle file =
        fs.paths().open(path(any(files, random)), OpenFlags.O_RDWR, 0, Caller.ROOT)) {
      if (random.nextInt(4) == 0) {
        file.truncate(random.nextInt(random.nextBoolean() ? 3000 : 200_000));
      } else {
        byte[] data = new byte[1 + random.nextInt(random.nextInt(4) > 0 ? 2000 : 300_000)];
        random.nextBytes(data);
        // Half of the files stay small enough for a tail, until one of these writes makes them
        // leave.
        int at = random.nextInt(3) > 0 ? random.nextInt(1500) : random.nextInt(300_000);
        file.write(at, MemorySegment.ofArray(data), 0, data.length);
      }
    } catch (PoolException e) {
      assertThat(e.errno()).isIn(Errno.EISDIR, Errno.ENOENT); // a directory, or where a link leads
    }
  }

  private void remove(PosixFileSystem fs, Random random) {
    String name = any(files, random);
    try {
      fs.paths().unlink(path(name), Caller.ROOT);
    } catch (PoolException e) {
      assertThat(e.errno()).isIn(Errno.EISDIR, Errno.EPERM);
      fs.paths().rmdir(path(name), Caller.ROOT);
    }
    files.remove(name);
  }

  private void give(PosixFileSystem fs, Random random) {
    String name = any(files, random);
    int uid = random.nextInt(5) * 1000;
    int gid = random.nextInt(5) * 100;
    int project = random.nextInt(3);
    SetAttr owners = new SetAttr().uid(uid).gid(gid).project(project);
    fs.paths().setattr(path(name), false, owners, Caller.ROOT);
    files.put(name, new int[] {uid, gid, project});
  }

  private static Map<String, Long> counts(List<OwnerSpace> owners) {
    Map<String, Long> found = new TreeMap<>();
    owners.forEach(one -> found.put(one.owner() + " " + one.id(), one.objects()));
    return found;
  }

  private Map<String, Long> model() {
    Map<String, Long> counts = new TreeMap<>();
    counts.merge("USER 0", 1L, Long::sum); // the root directory
    counts.merge("GROUP 0", 1L, Long::sum);
    counts.merge("PROJECT 0", 1L, Long::sum);
    files
        .values()
        .forEach(
            owner -> {
              counts.merge("USER " + owner[0], 1L, Long::sum);
              counts.merge("GROUP " + owner[1], 1L, Long::sum);
              counts.merge("PROJECT " + owner[2], 1L, Long::sum);
            });
    return counts;
  }

  private void check(PoolEngine pool) {
    // What has no name any more goes in the background.
    long end = System.nanoTime() + 20_000_000_000L;
    while (true) {
      pool.sync();
      Map<String, Long> found = counts(pool.owners("", ""));
      if (found.equals(model()) || System.nanoTime() > end) {
        assertThat(found).isEqualTo(model());
        break;
      }
    }
    snapshots.forEach(
        (name, owners) -> assertThat(pool.owners("", name)).as(name).isEqualTo(owners));
    long bytes = sum(pool.owners("", ""), Owner.USER);
    assertThat(bytes).isEqualTo(sum(pool.owners("", ""), Owner.GROUP));
    assertThat(bytes).isEqualTo(sum(pool.owners("", ""), Owner.PROJECT));
    PoolWorld.assertClean(pool);
  }

  private static long sum(List<OwnerSpace> owners, Owner owner) {
    return owners.stream().filter(o -> o.owner() == owner).mapToLong(OwnerSpace::bytes).sum();
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everyOwnerHasWhatItsFilesAre(long seed) {
    Random random = new Random(seed);
    PoolEngine pool = world.create(disk);
    opened = pool;
    world.format(pool).close();
    PosixFileSystem fs = mount(world, pool);
    fs.paths().setattr(path("/"), true, new SetAttr().mode(0777), Caller.ROOT);
    for (int step = 0; step < STEPS; step++) {
      int kind = random.nextInt(100);
      if (files.isEmpty() || kind < 25) {
        make(fs, random);
      } else if (kind < 60) {
        write(fs, random);
      } else if (kind < 75) {
        give(fs, random);
      } else if (kind < 87) {
        remove(fs, random);
      } else if (kind < 92) {
        pool.sync();
      } else if (kind < 94) {
        check(pool);
        pool.snapshot(List.of(""), "s" + step);
        snapshots.put("s" + step, pool.owners("", "s" + step));
      } else if (kind < 95 && !snapshots.isEmpty()) {
        String gone = new TreeSet<>(snapshots.keySet()).getFirst();
        pool.destroySnapshots("", List.of(gone), false);
        snapshots.remove(gone);
      } else if (kind < 97) {
        fs.close();
        pool.close();
        pool = world.open(disk);
        opened = pool;
        fs = mount(world, pool);
        check(pool);
      }
    }
    check(pool);
    fs.close();
    pool.close();
  }

  private static void write(PosixFileSystem fs, String name, Caller caller, int bytes) {
    try (FileHandle file =
        fs.paths().open(path(name), OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0666, caller)) {
      byte[] data = new byte[bytes];
      new Random(bytes).nextBytes(data);
      file.write(0, MemorySegment.ofArray(data), 0, bytes);
    }
  }

  private static void refused(Runnable what, String why) {
    try {
      what.run();
    } catch (PoolException e) {
      assertThat(e.errno()).isEqualTo(Errno.EDQUOT);
      assertThat(e.getMessage()).contains(why, "; ");
      return;
    }
    throw new AssertionError("was not refused");
  }

  @Test
  void quotasOfOwnersAreKept() {
    PoolEngine pool = world.create(disk);
    opened = pool;
    PosixFileSystem fs = world.format(pool);
    fs.paths().setattr(path("/"), true, new SetAttr().mode(0777), Caller.ROOT);
    Caller alice = Caller.of(1000, 100);
    Caller bob = Caller.of(2000, 100);
    pool.setLocalProperties("", Map.of("userquota@1000", "1000000", "groupobjquota@100", "4"));
    write(fs, "a1", alice, 900_000);
    pool.sync();
    write(fs, "a2", alice, 200_000);
    pool.sync();
    refused(() -> write(fs, "a1", alice, 10), "userquota@1000");
    refused(() -> fs.paths().mkdir(path("d"), 0777, alice), "userquota@1000");
    write(fs, "b1", bob, 900_000);
    refused(
        () -> fs.paths().setattr(path("b1"), true, new SetAttr().uid(1000).gid(100), Caller.ROOT),
        "userquota@1000");
    fs.paths().unlink(path("a1"), alice);
    pool.sync();
    pool.sync();
    write(fs, "a3", alice, 500_000);
    write(fs, "b2", bob, 10);
    pool.sync();
    refused(() -> write(fs, "b3", bob, 10), "groupobjquota@100");
    write(fs, "b2", bob, 20);
    fs.close();
    pool.close();
    PoolEngine again = world.open(disk);
    opened = again;
    PosixFileSystem later = mount(world, again);
    refused(() -> write(later, "b3", bob, 10), "groupobjquota@100");
    again.removeLocalProperty("", "groupobjquota@100");
    write(later, "b3", bob, 10);
    assertThat(again.owners("", "").stream().filter(o -> o.id() == 1000).map(OwnerSpace::quota))
        .containsExactly(1_000_000L);
    later.close();
    PoolWorld.assertClean(again);
  }
}
