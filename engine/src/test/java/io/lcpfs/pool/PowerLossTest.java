package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The power goes at any write; the import finds all operations up to one at or after the last sync.
 */
@Timeout(300)
class PowerLossTest {
  private static final int SEEDS =
      Boolean.getBoolean("lcpfs.trust.all") ? 1000 : Integer.getInteger("lcpfs.trust.seeds", 30);
  private static final long FIRST_SEED = Long.getLong("lcpfs.trust.seed", 1);
  private static final int OPERATIONS = 120;

  private final PoolWorld world = new PoolWorld();

  PowerLossTest() {
    world.tuning =
        world
            .tuning
            .withCacheBytes(8 << 20)
            .withDirtyBytes(2 << 20)
            .withTxgTimeoutNanos(3_000_000)
            .withMemory(new RecycledMemory());
  }

  @AfterEach
  void close() {
    world.close();
  }

  /** The files by name after each operation, and how many operations the last sync covered. */
  private static final class History {
    final List<TreeMap<String, byte[]>> states = new ArrayList<>();
    int synced;

    History(TreeMap<String, byte[]> first) {
      states.add(first);
    }

    TreeMap<String, byte[]> next() {
      TreeMap<String, byte[]> state = new TreeMap<>(states.getLast());
      states.add(state);
      return state;
    }

    void allSynced() {
      synced = states.size() - 1;
    }
  }

  private static byte[] path(String name) {
    return name.getBytes(UTF_8);
  }

  private static TreeMap<String, byte[]> read(PosixFileSystem fs) {
    TreeMap<String, byte[]> files = new TreeMap<>();
    for (byte[] name : fs.paths().names(path("/"), Caller.ROOT)) {
      try (FileHandle file =
          fs.paths().open(name, OpenFlags.O_RDONLY | OpenFlags.O_NOATIME, 0, Caller.ROOT)) {
        byte[] content = new byte[(int) file.size()];
        int n =
            content.length == 0
                ? 0
                : file.read(0, MemorySegment.ofArray(content), 0, content.length);
        assertThat(n).isEqualTo(content.length);
        files.put(new String(name, UTF_8), content);
      }
    }
    return files;
  }

  private static boolean same(TreeMap<String, byte[]> a, TreeMap<String, byte[]> b) {
    return a.keySet().equals(b.keySet())
        && a.keySet().stream().allMatch(name -> Arrays.equals(a.get(name), b.get(name)));
  }

  /** One operation, noted before it is done: a crash may leave it done or not. */
  private static void operate(PosixFileSystem fs, History history, Random random) {
    List<String> names = List.copyOf(history.states.getLast().keySet());
    String name =
        names.isEmpty() || random.nextInt(5) == 0
            ? "f" + random.nextInt(30)
            : names.get(random.nextInt(names.size()));
    if (!names.contains(name)) {
      history.next().put(name, new byte[0]);
      fs.create(fs.rootInode(), path(name), 0x1A4, OpenFlags.O_WRONLY, Caller.ROOT)
          .handle()
          .close();
      return;
    }
    switch (random.nextInt(10)) {
      case 0 -> {
        history.next().remove(name);
        fs.unlink(fs.rootInode(), path(name), Caller.ROOT);
      }
      case 1 -> {
        String to = "r" + random.nextInt(30);
        TreeMap<String, byte[]> state = history.next();
        byte[] content = state.remove(name);
        state.put(to, content);
        fs.rename(fs.rootInode(), path(name), fs.rootInode(), path(to), 0, Caller.ROOT);
      }
      case 2 -> {
        int size = random.nextInt(300_000);
        history.next().computeIfPresent(name, (n, content) -> Arrays.copyOf(content, size));
        fs.paths().setattr(path(name), false, new SetAttr().size(size), Caller.ROOT);
      }
      default -> write(fs, history, name, random);
    }
  }

  private static void write(PosixFileSystem fs, History history, String name, Random random) {
    int at = random.nextInt(3) == 0 ? random.nextInt(200_000) : random.nextInt(3000);
    byte[] bytes =
        new byte[random.nextInt(4) == 0 ? random.nextInt(100_000) + 1 : random.nextInt(3000) + 1];
    random.nextBytes(bytes);
    history
        .next()
        .computeIfPresent(
            name,
            (n, content) -> {
              byte[] after = Arrays.copyOf(content, Math.max(content.length, at + bytes.length));
              System.arraycopy(bytes, 0, after, at, bytes.length);
              return after;
            });
    try (FileHandle file = fs.paths().open(path(name), OpenFlags.O_WRONLY, 0, Caller.ROOT)) {
      assertThat(file.write(at, MemorySegment.ofArray(bytes), 0, bytes.length))
          .isEqualTo(bytes.length);
    }
  }

  /** Works until the power goes or enough was done. */
  private void work(CrashDisk disk, History history, Random random) {
    try (PoolEngine pool = world.open(disk)) {
      PosixFileSystem fs = world.mount(pool);
      for (int i = 0; i < OPERATIONS && !disk.isDead(); i++) {
        if (random.nextInt(8) == 0) {
          fs.sync();
          history.allSynced();
        } else {
          operate(fs, history, random);
        }
      }
      disk.crash();
      fs.close();
    } catch (PoolException e) {
      assertThat(e.errno()).as(e.getMessage()).isEqualTo(Errno.EIO);
      assertThat(disk.isDead()).as(e.getMessage()).isTrue();
    }
    disk.crash();
  }

  /**
   * Imports, perhaps losing power again on the way; answers what is there, the pool being sound.
   */
  private TreeMap<String, byte[]> recover(byte[] image, Random random) {
    byte[] onDisk = image;
    for (int again = random.nextInt(3); again > 0; again--) {
      CrashDisk disk = new CrashDisk(onDisk, 1 + random.nextInt(30), random.nextLong(), false);
      try (PoolEngine pool = world.open(disk)) {
        assertThat(pool.status().health()).isIn(Health.ONLINE, Health.SUSPENDED, Health.FAULTED);
        disk.crash();
      } catch (PoolException e) {
        assertThat(e.errno()).as(e.getMessage()).isEqualTo(Errno.EIO);
        assertThat(disk.isDead()).as("import of a disk with power: " + e.getMessage()).isTrue();
      }
      onDisk = disk.crash();
    }
    BlockDevice disk = new MemoryDisk(512, onDisk);
    try (PoolEngine pool = world.open(disk);
        PosixFileSystem fs = world.mount(pool)) {
      TreeMap<String, byte[]> files = read(fs);
      assertThat(pool.verify(p -> {}).findings()).isEmpty();
      return files;
    }
  }

  private void live(byte[] formatted, long seed, boolean lying) {
    Random random = new Random(seed);
    byte[] image = formatted;
    History history = new History(new TreeMap<>());
    // Several lives of one pool: what a crash leaves is what the next one begins with.
    for (int life = 0; life < 3; life++) {
      CrashDisk disk = new CrashDisk(image, 1 + random.nextInt(400), random.nextLong(), lying);
      work(disk, history, random);
      image = disk.crash();
      TreeMap<String, byte[]> found = recover(image, random);
      List<TreeMap<String, byte[]>> allowed =
          history.states.subList(history.synced, history.states.size());
      assertThat(allowed.stream().anyMatch(state -> same(state, found)))
          .as(
              "life "
                  + life
                  + ": files "
                  + found.keySet()
                  + " are those of an operation from "
                  + history.synced
                  + " to "
                  + (history.states.size() - 1))
          .isTrue();
      history = new History(found);
    }
  }

  private byte[] formatted() {
    MemoryDisk disk = MemoryDisk.ofBytes(512, 16 << 20);
    try (PoolEngine pool = world.create(disk);
        PosixFileSystem fs = world.format(pool)) {
      fs.sync();
    }
    return disk.image();
  }

  @Test
  void everyPowerLossLeavesAllOperationsUpToOneAtOrAfterTheLastSync() {
    byte[] formatted = formatted();
    for (long seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      try {
        live(formatted, seed, false);
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + " (-Dlcpfs.trust.seed=" + seed + ")", e);
      }
    }
  }

  /** What the test above is worth: it must notice flushes that do nothing. */
  @Test
  void everyDiskThatLiesAboutItsFlushesIsFoundOut() {
    byte[] formatted = formatted();
    boolean foundOut = false;
    for (long seed = 1; seed <= 20 && !foundOut; seed++) {
      try {
        live(formatted, seed, true);
      } catch (RuntimeException | AssertionError e) {
        foundOut = true;
      }
    }
    assertThat(foundOut).isTrue();
  }
}
