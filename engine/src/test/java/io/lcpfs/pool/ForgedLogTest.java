package io.lcpfs.pool;

import static io.lcpfs.pool.LogWorld.b;
import static io.lcpfs.pool.LogWorld.noise;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.posix.OpenFlags;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Logs that are damaged, and logs that verify and lie. */
@Timeout(180)
class ForgedLogTest {
  private static final int[] WORDS = {0, 1, 15, 17, 0x7fff_ffff, 0x8000_0000, -1, 1 << 20};

  private LogWorld world;
  private byte[] image;
  private String before;
  private String after;

  @BeforeEach
  void crashWithTwoBatches() {
    world = new LogWorld(16 << 20);
    world.write("/first", 0, noise(1, 600));
    world.fsyncByLog("/first");
    before = world.tree();
    world.paths.mkdir(b("/second"), 0x1ED, LogWorld.ROOT);
    world.write("/second/file", 0, noise(2, 300));
    world.fsyncByLog("/second/file");
    after = world.tree();
    image = world.crash();
  }

  @AfterEach
  void close() {
    world.env.close();
  }

  private void mount(byte[] bytes) {
    world.open(bytes);
    world.mount(LogWorld.OPTIONS);
  }

  /** Opens the image; the log's damage is told, and the dataset can be used. */
  private void assertToldAndUsable(String what, byte[] bytes) {
    mount(bytes);
    assertThat(world.pool.status().problems())
        .as(what)
        .singleElement()
        .asString()
        .contains("intent log");
    world.write("/afterwards", 0, noise(3, 100));
    world.warmUp();
    String now = world.tree();
    mount(world.crash());
    assertThat(world.tree()).as(what).isEqualTo(now);
    assertThat(world.pool.status().problems()).isEmpty();
    world.crash();
  }

  @Test
  void theImageItselfIsReplayed() {
    mount(image.clone());
    assertThat(world.tree()).isEqualTo(after);
    world.assertClean();
    world.pool.close();
  }

  @Test
  void aDamagedBatchEndsTheLogWithWhatWasBefore() {
    ForgedLog forge = new ForgedLog(image.clone());
    int length = forge.batch(-1).bytes();
    for (int at : new int[] {0, 9, 17, 25, 33, 41, 72, 108, length - 1}) {
      byte[] bytes = image.clone();
      bytes[new ForgedLog(bytes).batch(-1).at() + at] ^= 0x10;
      mount(bytes);
      assertThat(world.tree()).as("byte " + at).isEqualTo(before);
      world.assertClean();
      world.crash();
    }
  }

  @Test
  void aBatchThatIsGoneEndsTheLogThere() {
    byte[] bytes = image.clone();
    ForgedLog forge = new ForgedLog(bytes);
    ForgedLog.Batch first = forge.batch(-2);
    MemorySegment.ofArray(bytes).asSlice(first.at(), first.bytes()).fill((byte) 0);
    mount(bytes);
    assertThat(world.tree()).doesNotContain("/first").doesNotContain("/second");
    world.assertClean();
    world.crash();
  }

  /** Changes the last batch, and makes its checksum right. */
  private byte[] forged(Consumer<MemorySegment> change) {
    byte[] bytes = image.clone();
    new ForgedLog(bytes).edit(-1, change);
    return bytes;
  }

  @Test
  void recordsThatAreNoneAreTold() {
    for (int word : WORDS) {
      assertToldAndUsable("record_bytes " + word, forged(batch -> Disk.putU32(batch, 72, word)));
      assertToldAndUsable("entry_bytes " + word, forged(batch -> Disk.putU32(batch, 92, word)));
    }
    assertToldAndUsable("count", forged(batch -> Disk.putU32(batch, 28, -1)));
    assertToldAndUsable("entries", forged(batch -> Disk.putU32(batch, 76, 0x7fff_ffff)));
    for (long word : new long[] {Long.MAX_VALUE, -1}) {
      mount(forged(batch -> Disk.putU64(batch, 32, word)));
      assertThat(world.tree()).as("after " + word).isEqualTo(before);
      world.assertClean();
      world.crash();
    }
    assertToldAndUsable("kind", forged(batch -> Disk.putU16(batch, 88, 99)));
  }

  @Test
  void everyEntryThatCannotBeDoneIsTold() {
    long object = 1; // the master record, a ZAP
    long file = inode("/warm");
    forgedEntries("no object", e -> e.entry(3, 1_000_000, 8));
    forgedEntries("object 0", e -> e.entry(2, 0, 0));
    forgedEntries("negative object", e -> e.entry(2, -1, 0));
    forgedEntries("object there", e -> e.u32(e.entry(1, file, 8), 20, 512));
    forgedEntries("type", e -> e.u32(e.entry(1, 5000, 8), 999, 512));
    forgedEntries("block size 0", e -> e.u32(e.entry(1, 5000, 8), 20, 0));
    forgedEntries("huge number", e -> e.u32(e.entry(1, Long.MAX_VALUE, 8), 20, 512));
    forgedEntries("short create", e -> e.entry(1, 5000, 4));
    forgedEntries("long bonus", e -> e.entry(3, file, 321));
    forgedEntries("short write", e -> e.entry(4, file, 9));
    forgedEntries("negative write", e -> e.u64(e.entry(4, file, 17), -1, 4096));
    forgedEntries("odd block", e -> e.u64(e.entry(4, file, 17), 0, 4097));
    forgedEntries("no block", e -> e.u64(e.entry(4, file, 17), 0, 0));
    forgedEntries("negative range", e -> e.u64(e.entry(5, file, 16), -5, 5));
    forgedEntries("long range", e -> e.u64(e.entry(5, file, 16), 5, Long.MAX_VALUE));
    forgedEntries("short salts", e -> e.entry(6, file, 9));
    forgedEntries("name 0", e -> e.u32(e.entry(7, object, 9), 0, 1));
    forgedEntries("no ZAP", e -> e.u32(e.entry(7, file, 10), 1, 1));
    forgedEntries("name beyond", e -> e.u32(e.entry(7, object, 10), 100, 1));
    forgedEntries("long name", e -> e.u32(e.entry(7, object, 9009), 9000, 1));
    forgedEntries("long value", e -> e.u32(e.entry(7, object, 20_009), 1, 20_000));
    forgedEntries("remove no name", e -> e.entry(8, object, 0));
    forgedEntries(
        "freed twice",
        e -> {
          e.entry(2, file, 0);
          e.entry(2, file, 0);
        });
    forgedEntries(
        "created where it was freed",
        e -> {
          e.entry(2, file, 0);
          e.u32(e.entry(1, file, 8), 20, 512);
        });
    forgedEntries(
        "a ZAP with a second block",
        e -> {
          e.u64(e.entry(4, object, 17), 100_000, 4096);
          for (int i = 0; i < 40; i++) {
            e.u32(e.entry(7, object, 8 + 200 + 100), 200, 100);
          }
          e.entry(2, file, 0);
          e.entry(2, file, 0);
        });
  }

  private long inode(String path) {
    mount(image.clone());
    long inode = world.paths.lstat(b(path), LogWorld.ROOT).inode();
    world.crash();
    return inode;
  }

  /** The last batch with one record of these entries: told, and nothing but PoolExceptions. */
  private void forgedEntries(String what, Consumer<ForgedLog.Entries> entries) {
    byte[] bytes = image.clone();
    new ForgedLog(bytes).replace(-1, entries);
    try {
      world.open(bytes);
      world.objects();
      assertThat(world.pool.status().problems()).as(what).isNotEmpty();
      // What was done of it may have left no file system; that is told, too.
      world.mount(LogWorld.OPTIONS);
      world.write("/afterwards", 0, noise(3, 100));
      world.fsync("/afterwards");
    } catch (PoolException e) {
      assertThat(world.pool.status().problems()).as(what + ": " + e).isNotEmpty();
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(what, e);
    } finally {
      world.crash();
    }
  }

  @Test
  void aReadOnlyImportNeitherReplaysNorWrites() {
    byte[] bytes = image.clone();
    world.disk = new LogWorld.CountedDisk(bytes, 3);
    world.pool =
        PoolEngines.open(
            java.util.List.of(world.disk), world.options().withReadOnly(true), world.env);
    world.mount(LogWorld.OPTIONS.withReadOnly(true));
    assertThat(world.tree()).doesNotContain("/first");
    world.fsync("/warm");
    assertThat(world.disk.writes.get()).isZero();
    assertThat(world.disk.flushes.get()).isZero();
    world.pool.close();
    assertThat(world.disk.crash()).isEqualTo(image);
  }

  @Test
  void aReplayThatMemoryRunsOutOnGoesOnWhereItWas() {
    world.open(image.clone());
    world.mount(LogWorld.OPTIONS);
    world.warmUp();
    for (int i = 0; i < 40; i++) {
      world.write("/many" + i, 0, noise(i, 300));
      world.paths.rename(b("/many" + i), b("/moved" + i), 0, LogWorld.ROOT);
    }
    world.fsyncByLog("/warm");
    String all = world.tree();
    byte[] left = world.crash();
    int interrupted = 0;
    for (long n = 1; n < 400; n = n * 5 / 4 + 1) {
      boolean crashes = n % 2 == 0;
      world.open(left.clone());
      world.failFrom(n);
      try {
        world.objects();
      } catch (PoolException e) {
        assertThat(e.errno()).isEqualTo(io.lcpfs.error.Errno.ENOMEM);
        interrupted++;
        world.failIn(-1);
        if (crashes) {
          world.pool.sync();
          world.open(world.crash());
        }
      }
      world.failIn(-1);
      world.mount(LogWorld.OPTIONS);
      assertThat(world.tree()).as("allocation " + n).isEqualTo(all);
      world.assertClean();
      world.crash();
    }
    assertThat(interrupted).isGreaterThan(2);
    assertThat(world.env.probes).contains(io.lcpfs.env.CodeProbe.LOG_REPLAY_RESUMED);
  }

  @Test
  void oneAllocationThatFailsDuringAReplayIsTriedAgain() {
    world.open(image.clone());
    world.mount(LogWorld.OPTIONS);
    world.warmUp();
    for (int i = 0; i < 20; i++) {
      world.write("/many" + i, 0, noise(i, 300));
    }
    world.fsyncByLog("/warm");
    String all = world.tree();
    byte[] left = world.crash();
    // The first ones are for the root block of the dataset, its accounts, and for reading the log.
    for (long n = 11; n < 86; n += 3) {
      world.open(left.clone());
      world.failIn(n);
      world.mount(LogWorld.OPTIONS);
      world.failIn(-1);
      assertThat(world.tree()).as("allocation " + n).isEqualTo(all);
      world.assertClean();
      world.crash();
    }
  }

  @Test
  void aDestroyedDatasetTakesItsLogAlong() {
    world.open(image.clone());
    world.mount(LogWorld.OPTIONS);
    world.pool.createDataset("child", new java.util.TreeMap<>());
    var objects = world.pool.objectSet("child", DatasetPolicy.DEFAULT);
    try (var tx = objects.begin(256 << 10)) {
      io.lcpfs.posix.PosixFileSystem.format(tx, objects, world.env);
    }
    var fs = io.lcpfs.posix.PosixFileSystem.open(objects, world.env, LogWorld.OPTIONS);
    var open = fs.paths().open(b("/f"), OpenFlags.O_CREAT | OpenFlags.O_RDWR, 0x1A4, LogWorld.ROOT);
    for (int i = 0; i < 5; i++) {
      open.write(0, MemorySegment.ofArray(noise(i, 500)), 0, 500);
      open.fsync();
    }
    long before = world.pool.status().allocatedBytes();
    world.pool.destroyDataset("child");
    for (int i = 0; i < 50 && world.pool.status().freeingBytes() > 0; i++) {
      try {
        open.fsync(); // by who still has it open
      } catch (PoolException e) {
        assertThat(e.errno()).isNotNull();
      }
      world.env.sleep(10_000_000);
    }
    world.pool.sync();
    world.pool.sync();
    assertThat(world.pool.status().allocatedBytes()).isLessThan(before - 16 * (32 << 10));
    world.assertClean();
    open(world.crash());
    world.assertClean();
    world.crash();
  }

  private void open(byte[] bytes) {
    mount(bytes);
  }
}
