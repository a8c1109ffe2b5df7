package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random histories over a tree of datasets with quotas and reservations, against sums that are
 * written down here a second time: after each step what is used and available is equal, who was
 * refused had no room, who was admitted had some, and the pool's own recount agrees. {@code
 * -Dlcpfs.trust.all=true} takes 200 histories instead of 6.
 */
@Timeout(180)
class SpaceModelTest {
  private static final int STEPS = 220;
  private static final List<String> PATHS = List.of("", "a", "a/b", "a/b/c", "a/d", "e");

  /** What one transaction may go beyond a quota, and metadata that it did not count on. */
  private static final long OVERSHOOT = (1 << 20) + (256 << 10);

  private final PoolWorld world = new PoolWorld();
  private @Nullable PoolEngine opened;
  private final Map<String, PosixFileSystem> mounts = new TreeMap<>();
  private final Map<String, SpaceRules> rules = new TreeMap<>();
  private final Map<String, List<String>> files = new TreeMap<>();
  private final Map<String, List<String>> snapshots = new TreeMap<>();
  private int made;
  private static int refusedWrites;
  private static int refusedRules;

  @AfterEach
  void close() {
    PoolEngine left = opened;
    if (left != null) {
      left.close();
    }
    world.close();
  }

  @AfterAll
  static void somethingWasRefused() {
    assertThat(refusedWrites).as("writes refused").isPositive();
    assertThat(refusedRules).as("rules refused").isPositive();
  }

  static LongStream seeds() {
    return LongStream.rangeClosed(1, Boolean.getBoolean("lcpfs.trust.all") ? 200 : 6);
  }

  private PoolEngine pool() {
    PoolEngine now = opened;
    if (now == null) {
      throw new AssertionError("no pool");
    }
    return now;
  }

  // ---- the sums, once more

  private List<String> children(String path) {
    return files.keySet().stream().filter(p -> !p.isEmpty() && parent(p).equals(path)).toList();
  }

  private static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash < 0 ? "" : path.substring(0, slash);
  }

  private SpaceRules rule(String path) {
    return rules.getOrDefault(path, SpaceRules.NONE);
  }

  private long head(String path) {
    return pool().dataset(path).referencedBytes();
  }

  private long stored(String path) {
    return head(path) + pool().dataset(path).snapshotBytes();
  }

  private long unfilledHead(String path, SpaceRules with) {
    return with.refreservation() == 0
        ? 0
        : Math.max(0, with.refreservation() - pool().writtenBytes(path, ""));
  }

  private long below(String path) {
    long sum = 0;
    for (String child : children(path)) {
      sum += Math.max(used(child), rule(child).reservation());
    }
    return sum;
  }

  private long used(String path) {
    return used(path, rule(path));
  }

  private long used(String path, SpaceRules with) {
    return stored(path) + unfilledHead(path, with) + below(path);
  }

  private long room(String path) {
    long bytes;
    if (path.isEmpty()) {
      long all = files.keySet().stream().mapToLong(this::stored).sum();
      bytes = Math.max(0, pool().availableBytes() - (used("") - all));
    } else {
      bytes = room(parent(path)) + Math.max(0, rule(path).reservation() - used(path));
    }
    long quota = rule(path).quota();
    return quota == 0 ? bytes : Math.min(bytes, Math.max(0, quota - used(path)));
  }

  private long available(String path) {
    long bytes = room(path) + unfilledHead(path, rule(path));
    long refquota = rule(path).refquota();
    return refquota == 0 ? bytes : Math.min(bytes, Math.max(0, refquota - head(path)));
  }

  /** What is freed in the background is another's test: here it has to end first. */
  private void settle() {
    long end = System.nanoTime() + 20_000_000_000L;
    pool().sync();
    while (pool().status().freeingBytes() > 0) {
      assertThat(System.nanoTime()).as("freeing goes on").isLessThan(end);
      Thread.onSpinWait();
    }
    pool().sync();
  }

  private void check() {
    settle();
    for (String path : files.keySet()) {
      SpaceInfo space = pool().space(path);
      assertThat(space.usedBytes()).as("used of /" + path).isEqualTo(used(path));
      assertThat(pool().space(path).availableBytes())
          .as("available of /" + path)
          .isEqualTo(available(path));
      assertThat(space.datasetBytes()).isEqualTo(head(path));
      assertThat(space.childrenBytes()).isEqualTo(below(path));
    }
  }

  // ---- what is done

  private void format(String path) {
    ObjectSet objects = pool().objectSet(path, DatasetPolicy.DEFAULT);
    try (Tx tx = objects.beginFreeing(256 << 10)) {
      PosixFileSystem.format(tx, objects, world.env);
    }
  }

  private void mount(String path) {
    mounts.put(
        path,
        PosixFileSystem.open(
            pool().objectSet(path, DatasetPolicy.DEFAULT), world.env, FsOptions.DEFAULTS));
  }

  private void create(String path) {
    try {
      pool().createDataset(path, new TreeMap<>());
    } catch (PoolException e) {
      assertThat(e.errno()).as(e.getMessage()).isEqualTo(Errno.EDQUOT);
      assertThat(reachedAbove(path, parent(path))).as(e.getMessage()).isTrue();
      return;
    }
    format(path);
    files.put(path, new ArrayList<>());
    snapshots.put(path, new ArrayList<>());
    mount(path);
  }

  /** Whether a quota at or above is reached, which is why somebody was refused. */
  private boolean reachedAbove(String path, String from) {
    for (String at = from; ; at = parent(at)) {
      if (rule(at).quota() > 0 && used(at) >= rule(at).quota()) {
        return true;
      }
      if (at.isEmpty()) {
        return files.containsKey(path)
            && rule(path).refquota() > 0
            && head(path) >= rule(path).refquota();
      }
    }
  }

  private void write(String path, Random random) {
    List<String> known = files.get(path);
    PosixFileSystem fs = mounts.get(path);
    if (known == null || fs == null) {
      return;
    }
    boolean fresh = known.isEmpty() || random.nextInt(3) > 0;
    String name = fresh ? "f" + made++ : known.get(random.nextInt(known.size()));
    byte[] data = new byte[1 + random.nextInt(random.nextBoolean() ? 2000 : 900_000)];
    random.nextBytes(data);
    Map<String, Long> before = new TreeMap<>();
    files.keySet().forEach(p -> before.put(p, used(p)));
    try (FileHandle file =
        fs.paths()
            .open(name.getBytes(UTF_8), OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0644, Caller.ROOT)) {
      if (!known.contains(name)) {
        known.add(name);
      }
      long at = fresh ? 0 : random.nextInt(400_000);
      file.write(at, MemorySegment.ofArray(data), 0, data.length);
    } catch (PoolException e) {
      refusedWrites++;
      pool().sync();
      if (e.errno() == Errno.EDQUOT) {
        assertThat(reachedAbove(path, path)).as("/" + path + ": " + e.getMessage()).isTrue();
        assertThat(available(path)).as("/" + path + ": " + e.getMessage()).isZero();
      } else {
        assertThat(e.errno()).as(e.getMessage()).isEqualTo(Errno.ENOSPC);
        assertThat(available(path)).isLessThan(4 << 20);
      }
    }
    pool().sync();
    for (String at = path; ; at = parent(at)) {
      long quota = rule(at).quota();
      if (quota > 0) {
        Long was = before.get(at);
        assertThat(used(at))
            .as("quota of /" + at)
            .isLessThanOrEqualTo(Math.max(quota, was == null ? 0 : was) + OVERSHOOT);
      }
      if (at.isEmpty()) {
        break;
      }
    }
  }

  private void remove(String path, Random random) {
    List<String> known = files.get(path);
    PosixFileSystem fs = mounts.get(path);
    if (known == null || fs == null || known.isEmpty()) {
      return;
    }
    String name = known.remove(random.nextInt(known.size()));
    fs.paths().unlink(name.getBytes(UTF_8), Caller.ROOT);
  }

  private void snapshot(String path) {
    String name = "s" + made++;
    long unique = pool().writtenBytes(path, "");
    long need = Math.min(unique, rule(path).refreservation());
    boolean fits = need <= room(path);
    try {
      pool().snapshot(List.of(path), name);
      assertThat(fits).as("a snapshot of /" + path).isTrue();
      list(snapshots, path).add(name);
    } catch (PoolException e) {
      assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
      assertThat(fits).as(e.getMessage()).isFalse();
    }
  }

  private static List<String> list(Map<String, List<String>> of, String path) {
    return of.computeIfAbsent(path, p -> new ArrayList<>());
  }

  private void destroySnapshot(String path, Random random) {
    List<String> known = list(snapshots, path);
    if (!known.isEmpty()) {
      pool().destroySnapshots(path, List.of(known.remove(random.nextInt(known.size()))), false);
    }
  }

  private void destroy(String path) {
    if (!path.isEmpty() && children(path).isEmpty() && list(snapshots, path).isEmpty()) {
      PosixFileSystem fs = mounts.remove(path);
      if (fs != null) {
        fs.close();
      }
      pool().destroyDataset(path);
      files.remove(path);
      rules.remove(path);
    }
  }

  private void setRule(String path, Random random) {
    String name = SpaceRules.NAMES.get(random.nextInt(4));
    long about = random.nextBoolean() ? used(path) : head(path);
    long value =
        switch (random.nextInt(5)) {
          case 0 -> 0;
          case 1 -> Math.max(1, about - random.nextInt(1 << 20));
          case 2 -> about + random.nextInt(4 << 20);
          case 3 -> random.nextInt(40 << 20);
          default -> random.nextInt(120) * (1L << 20);
        };
    SpaceRules old = rule(path);
    SpaceRules next = with(old, name, value);
    boolean allowed = allowed(path, name, old, next);
    try {
      pool().setLocalProperties(path, Map.of(name, Long.toString(value)));
      assertThat(allowed).as(name + "=" + value + " of /" + path).isTrue();
      rules.put(path, next);
    } catch (PoolException e) {
      refusedRules++;
      assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
      assertThat(e.getMessage()).contains("; ").contains(name);
      assertThat(allowed).as(e.getMessage()).isFalse();
    }
  }

  private static SpaceRules with(SpaceRules old, String name, long value) {
    return new SpaceRules(
        name.equals("quota") ? value : old.quota(),
        name.equals("refquota") ? value : old.refquota(),
        name.equals("reservation") ? value : old.reservation(),
        name.equals("refreservation") ? value : old.refreservation(),
        0,
        0);
  }

  private boolean allowed(String path, String name, SpaceRules old, SpaceRules next) {
    long more =
        Math.max(used(path, next), next.reservation())
            - Math.max(used(path, old), old.reservation());
    String above = path.isEmpty() ? path : parent(path);
    return switch (name) {
      case "quota" ->
          next.quota() == 0
              || next.quota() == old.quota()
              || (next.quota() >= used(path) && next.quota() >= next.reservation());
      case "refquota" ->
          next.refquota() == 0
              || next.refquota() == old.refquota()
              || (next.refquota() >= head(path) && next.refquota() >= next.refreservation());
      case "reservation" ->
          next.reservation() <= old.reservation()
              || ((next.quota() == 0 || next.reservation() <= next.quota())
                  && (more <= 0 || more <= room(above)));
      default ->
          next.refreservation() <= old.refreservation()
              || ((next.refquota() == 0 || next.refreservation() <= next.refquota())
                  && (next.quota() == 0 || used(path, next) <= next.quota())
                  && (more <= 0 || more <= room(above)));
    };
  }

  private void reopen(MemoryDisk disk) {
    mounts.values().forEach(PosixFileSystem::close);
    mounts.clear();
    pool().close();
    opened = world.open(disk);
    files.keySet().forEach(this::mount);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void whatIsUsedAndAvailableIsWhatTheRulesSay(long seed) {
    Random random = new Random(seed);
    MemoryDisk disk = MemoryDisk.ofBytes(512, 128 << 20);
    opened = world.create(disk);
    format("");
    files.put("", new ArrayList<>());
    mount("");
    for (int step = 0; step < STEPS; step++) {
      String path = PATHS.get(random.nextInt(PATHS.size()));
      int kind = random.nextInt(100);
      if (!files.containsKey(path)) {
        if (files.containsKey(parent(path))) {
          create(path);
        }
      } else if (kind < 55) {
        write(path, random);
      } else if (kind < 65) {
        remove(path, random);
      } else if (kind < 72) {
        snapshot(path);
      } else if (kind < 78) {
        destroySnapshot(path, random);
      } else if (kind < 80) {
        destroy(path);
      } else if (kind < 96) {
        setRule(path, random);
      } else if (kind < 97) {
        reopen(disk);
      } else {
        PoolWorld.assertClean(pool());
      }
      check();
    }
    PoolWorld.assertClean(pool());
    mounts.values().forEach(PosixFileSystem::close);
  }
}
