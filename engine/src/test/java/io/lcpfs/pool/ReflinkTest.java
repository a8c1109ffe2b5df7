package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Features;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is shared when a file is cloned, and what becomes of it. */
@Timeout(120)
class ReflinkTest {
  private static final int RECORD = 8192;
  private static final int RECORDS = 40;

  private final PoolWorld world = new PoolWorld();
  private final MemoryDisk disk = MemoryDisk.ofBytes(512, 64 << 20);
  private final byte[] content = new byte[RECORDS * RECORD + 1000];
  private PoolEngine pool;
  private PosixFileSystem fs;

  @BeforeEach
  void aFileOnDisk() {
    pool = world.create(disk);
    world.format(pool).close();
    fs = mount("");
    new Random(1).nextBytes(content);
    write("f", content, 0);
    pool.sync();
  }

  @AfterEach
  void close() {
    pool.close();
    world.close();
  }

  private PosixFileSystem mount(String path) {
    return PosixFileSystem.open(
        pool.objectSet(path, DatasetPolicy.DEFAULT),
        world.env,
        FsOptions.DEFAULTS.withRecordBytes(RECORD));
  }

  private FileHandle open(String name) {
    return open(fs, name);
  }

  private static FileHandle open(PosixFileSystem fs, String name) {
    int flags = OpenFlags.O_RDWR | OpenFlags.O_CREAT;
    return fs.paths().open(name.getBytes(UTF_8), flags, 0644, Caller.ROOT);
  }

  private void write(String name, byte[] bytes, long offset) {
    try (FileHandle file = open(name)) {
      assertThat(file.write(offset, MemorySegment.ofArray(bytes), 0, bytes.length))
          .isEqualTo(bytes.length);
    }
  }

  private byte[] read(PosixFileSystem fs, String name) {
    try (FileHandle file = open(fs, name)) {
      byte[] bytes = new byte[(int) file.size()];
      assertThat(file.read(0, MemorySegment.ofArray(bytes), 0, bytes.length))
          .isEqualTo(bytes.length);
      return bytes;
    }
  }

  private long copy(String from, long fromOffset, String to, long toOffset, long length) {
    try (FileHandle in = open(from);
        FileHandle out = open(to)) {
      return out.copyFrom(in, fromOffset, toOffset, length);
    }
  }

  private void copyWhole(String from, String to) {
    assertThat(copy(from, 0, to, 0, Long.MAX_VALUE)).isEqualTo(read(fs, from).length);
  }

  /** The data blocks of files, by inode. */
  private TreeMap<Long, List<BlockPointer>> blocks() {
    pool.sync();
    List<Object[]> found = new java.util.ArrayList<>();
    PoolWorld.eachBlock(
        (OpenPool) pool,
        PoolWorld.objects(pool),
        (object, block, pointer) -> {
          if (object > 0 && pointer.level() == 0 && !pointer.type().isMetadata()) {
            found.add(new Object[] {object, pointer});
          }
        });
    return found.stream()
        .collect(
            Collectors.groupingBy(
                pair -> (Long) pair[0],
                TreeMap::new,
                Collectors.mapping(pair -> (BlockPointer) pair[1], Collectors.toList())));
  }

  private long inode(String name) {
    try (FileHandle file = open(name)) {
      return file.inode();
    }
  }

  private List<BlockPointer> blocksOf(String name) {
    return blocks().getOrDefault(inode(name), List.of());
  }

  @Test
  void aCloneHasTheSameBlocksBornAnew() {
    long before = pool.status().txg();
    copyWhole("f", "g");
    assertThat(read(fs, "g")).isEqualTo(content);
    List<BlockPointer> source = blocksOf("f");
    List<BlockPointer> clone = blocksOf("g");
    assertThat(clone).hasSize(RECORDS + 1).hasSameSizeAs(source);
    for (int i = 0; i < clone.size(); i++) {
      assertThat(clone.get(i).dva(0)).isEqualTo(source.get(i).dva(0));
      assertThat(clone.get(i).physicalBirth()).isEqualTo(source.get(i).physicalBirth());
      assertThat(clone.get(i).logicalBirth()).isGreaterThan(before);
      assertThat(clone.get(i).clonedIn(source.get(i).logicalBirth())).isEqualTo(source.get(i));
    }
    CloneSavings savings = pool.cloneSavings();
    assertThat(savings.storedBytes()).isGreaterThanOrEqualTo(content.length);
    assertThat(savings.savedBytes()).isEqualTo(savings.storedBytes());
    assertThat(savings.ratioPercent()).isEqualTo(200);
    world.assertFilesClean(pool);
    assertThat(pool.verify(p -> {}).counts()).containsEntry("cloned blocks", RECORDS + 1L);
  }

  @Test
  void theLogicalUseGrowsAndTheFreeSpaceDoesNot() {
    long used = pool.dataset("").referencedBytes();
    long allocated = pool.status().allocatedBytes();
    copyWhole("f", "g");
    pool.sync();
    assertThat(pool.dataset("").referencedBytes() - used).isGreaterThan(content.length);
    assertThat(pool.status().allocatedBytes() - allocated).isLessThan(content.length / 2);
  }

  @Test
  void whatOneSideChangesTheOtherKeeps() {
    copyWhole("f", "g");
    byte[] changed = content.clone();
    Arrays.fill(changed, 3 * RECORD + 5, 3 * RECORD + 25, (byte) 9);
    write("f", new byte[] {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}, 24_581);
    assertThat(read(fs, "g")).isEqualTo(content);
    assertThat(read(fs, "f")).isEqualTo(changed);
    pool.sync();
    assertThat(pool.cloneSavings().savedBytes())
        .isEqualTo(pool.cloneSavings().storedBytes())
        .isLessThan(content.length);
    fs.paths().unlink("g".getBytes(UTF_8), Caller.ROOT);
    pool.sync();
    assertThat(pool.cloneSavings()).isEqualTo(new CloneSavings(0, 0));
    assertThat(read(fs, "f")).isEqualTo(changed);
    world.assertFilesClean(pool);
  }

  @Test
  void theSourceMayGoInTheGroupOfTheClone() {
    for (int round = 0; round < 5; round++) {
      copyWhole("f", "g");
      copyWhole("g", "h");
      fs.paths().unlink("f".getBytes(UTF_8), Caller.ROOT);
      fs.paths().unlink("g".getBytes(UTF_8), Caller.ROOT);
      fs.paths().rename("h".getBytes(UTF_8), "f".getBytes(UTF_8), 0, Caller.ROOT);
      assertThat(read(fs, "f")).isEqualTo(content);
      pool.sync();
    }
    assertThat(pool.cloneSavings()).isEqualTo(new CloneSavings(0, 0));
    assertThat(read(fs, "f")).isEqualTo(content);
    world.assertFilesClean(pool);
  }

  @Test
  void whatDoesNotLieAtRecordsIsCopied() {
    write("g", new byte[3 * RECORD], 0);
    pool.sync();
    assertThat(copy("f", 100, "g", 200, 2 * RECORD)).isEqualTo(2 * RECORD);
    pool.sync();
    assertThat(pool.cloneSavings().savedBytes()).isZero();
    byte[] there = read(fs, "g");
    assertThat(Arrays.copyOfRange(there, 200, 200 + 2 * RECORD))
        .isEqualTo(Arrays.copyOfRange(content, 100, 100 + 2 * RECORD));
    // Both ends of this one do not fill a record, five in between do.
    assertThat(copy("f", RECORD - 10, "g", 4 * RECORD - 10, 5 * RECORD + 30))
        .isEqualTo(5 * RECORD + 30);
    pool.sync();
    assertThat(pool.cloneSavings().savedBytes()).isEqualTo(5 * RECORD);
    there = read(fs, "g");
    assertThat(Arrays.copyOfRange(there, 4 * RECORD - 10, there.length))
        .isEqualTo(Arrays.copyOfRange(content, RECORD - 10, 6 * RECORD + 20));
    world.assertFilesClean(pool);
  }

  @Test
  void recordsOfAnotherSizeAndUnsyncedOnesAreCopied() {
    write("wide", new byte[2048], 0);
    byte[] tail = Arrays.copyOf(content, 3000);
    write("small", tail, 0);
    pool.sync();
    copyWhole("small", "small2");
    write("f", Arrays.copyOf(content, RECORD), 0); // the first record is dirty now
    copyWhole("f", "g");
    assertThat(read(fs, "small2")).isEqualTo(tail);
    assertThat(read(fs, "g")).isEqualTo(content);
    pool.sync();
    assertThat(pool.cloneSavings().savedBytes())
        .isGreaterThanOrEqualTo((RECORDS - 1L) * RECORD)
        .isLessThan((long) RECORDS * RECORD);
    world.assertFilesClean(pool);
  }

  @Test
  void aLongUnsyncedFileIsSyncedRatherThanCopied() {
    fs.close();
    pool.close();
    world.tuning = world.tuning.withCacheBytes(96L << 20).withDirtyBytes(64L << 20);
    pool = world.open(disk);
    fs = mount("");
    byte[] large = new byte[6 << 20];
    new Random(2).nextBytes(large);
    write("large", large, 0);
    copyWhole("large", "g");
    pool.sync();
    assertThat(pool.cloneSavings().savedBytes()).isEqualTo(large.length);
    assertThat(read(fs, "g")).isEqualTo(large);
  }

  @Test
  void holesAndLongFilesAreClonedInSeveralTransactions() {
    long far = 20_000L * RECORD;
    write("f", content, far);
    pool.sync();
    assertThat(copy("f", 0, "g", 0, Long.MAX_VALUE)).isEqualTo(far + content.length);
    try (FileHandle g = open("g")) {
      assertThat(g.seekHole(0)).isEqualTo((RECORDS + 1L) * RECORD);
      assertThat(g.seekData((RECORDS + 1L) * RECORD)).isEqualTo(far);
      pool.sync();
      assertThat(g.seekHole(0)).isEqualTo((RECORDS + 1L) * RECORD);
      assertThat(g.seekData((RECORDS + 1L) * RECORD)).isEqualTo(far);
      byte[] there = new byte[content.length];
      assertThat(g.read(far, MemorySegment.ofArray(there), 0, there.length))
          .isEqualTo(there.length);
      assertThat(there).isEqualTo(content);
    }
    world.assertFilesClean(pool);
  }

  @Test
  void rangesThatOverlapAreRefusedAndOthersOfOneFileAreNot() {
    assertThatThrownBy(() -> copy("f", 0, "f", RECORD, 2 * RECORD))
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
    assertThat(copy("f", 0, "f", 4 * RECORD, 4 * RECORD)).isEqualTo(4 * RECORD);
    byte[] expected = content.clone();
    System.arraycopy(content, 0, expected, 4 * RECORD, 4 * RECORD);
    assertThat(read(fs, "f")).isEqualTo(expected);
    pool.sync();
    assertThat(pool.cloneSavings().savedBytes()).isEqualTo(4 * RECORD);
    assertThat(read(fs, "f")).isEqualTo(expected);
    world.assertFilesClean(pool);
  }

  @Test
  void filesOfOtherDatasetsAndOfTheirSnapshotsShareTooAndOutliveThem() {
    pool.createDataset("d", new TreeMap<>());
    var objects = pool.objectSet("d", DatasetPolicy.DEFAULT);
    try (Tx tx = objects.begin(256 << 10)) {
      PosixFileSystem.format(tx, objects, world.env);
    }
    PosixFileSystem other = mount("d");
    try (FileHandle in = open("f");
        FileHandle out = open(other, "f")) {
      assertThat(out.isBesides(in)).isTrue();
      assertThat(out.copyFrom(in, 0, 0, Long.MAX_VALUE)).isEqualTo(content.length);
    }
    fs.paths().unlink("f".getBytes(UTF_8), Caller.ROOT);
    pool.snapshot(List.of("d"), "s");
    PosixFileSystem old =
        PosixFileSystem.open(
            pool.snapshotObjects("d", "s"), world.env, FsOptions.DEFAULTS.withReadOnly(true));
    try (FileHandle in = old.paths().open("f".getBytes(UTF_8), OpenFlags.O_RDONLY, 0, Caller.ROOT);
        FileHandle out = open("back")) {
      assertThat(out.copyFrom(in, 0, 0, Long.MAX_VALUE)).isEqualTo(content.length);
    }
    pool.sync();
    assertThat(pool.cloneSavings().savedBytes()).isGreaterThanOrEqualTo(content.length);
    old.close();
    other.close();
    pool.destroySnapshots("d", List.of("s"), false);
    pool.destroyDataset("d");
    assertThat(read(fs, "back")).isEqualTo(content);
    fs.close();
    pool.close();
    pool = world.open(disk);
    fs = mount("");
    assertThat(read(fs, "back")).isEqualTo(content);
    settle();
    assertThat(pool.cloneSavings()).isEqualTo(new CloneSavings(0, 0));
    world.assertFilesClean(pool);
  }

  private void settle() {
    long end = System.nanoTime() + 20_000_000_000L;
    while (pool.status().freeingBytes() > 0) {
      assertThat(System.nanoTime()).as("freeing goes on").isLessThan(end);
      Thread.onSpinWait();
    }
    pool.sync();
  }

  @Test
  void nothingIsClonedOutOfWhatIsBeingDestroyed() {
    pool.snapshot(List.of(""), "s");
    PosixFileSystem old =
        PosixFileSystem.open(
            pool.snapshotObjects("", "s"), world.env, FsOptions.DEFAULTS.withReadOnly(true));
    try (FileHandle in = old.paths().open("f".getBytes(UTF_8), OpenFlags.O_RDONLY, 0, Caller.ROOT);
        FileHandle out = open("g")) {
      pool.destroySnapshots("", List.of("s"), false);
      assertThat(out.copyFrom(in, 0, 0, Long.MAX_VALUE)).isEqualTo(content.length);
    }
    pool.sync();
    assertThat(pool.cloneSavings().savedBytes()).isZero();
    assertThat(read(fs, "g")).isEqualTo(content);
    old.close();
    world.assertFilesClean(pool);
  }

  @Test
  void aPoolWithoutTheFeatureCopiesUntilItIsUpgraded() {
    ((OpenPool) pool)
        .parts()
        .sync
        .changeConfig(
            config ->
                config.withFeatures(
                    Features.KNOWN.stream()
                        .filter(feature -> !feature.equals(Features.BLOCK_CLONING))
                        .toList()));
    pool.sync();
    copyWhole("f", "g");
    pool.sync();
    assertThat(pool.cloneSavings().savedBytes()).isZero();
    assertThat(pool.upgrade()).containsExactly("block_cloning");
    pool.sync();
    copyWhole("f", "h");
    pool.sync();
    assertThat(pool.cloneSavings().savedBytes()).isGreaterThan(content.length);
    assertThat(read(fs, "g")).isEqualTo(content);
    assertThat(read(fs, "h")).isEqualTo(content);
    world.assertFilesClean(pool);
  }

  @Test
  void clonesAreRemovedFromAFullPool() {
    Random random = new Random(7);
    byte[] large = new byte[12 << 20];
    random.nextBytes(large);
    write("large", large, 0);
    pool.sync();
    for (int i = 0; i < 6; i++) {
      copyWhole("large", "c" + i);
    }
    byte[] junk = new byte[64 << 10];
    boolean full = false;
    for (int at = 0; !full; at++) {
      random.nextBytes(junk);
      try (FileHandle file = open("c" + at % 6)) {
        long offset = (long) random.nextInt(190) * (64 << 10);
        full = file.write(offset, MemorySegment.ofArray(junk), 0, junk.length) < junk.length;
      } catch (PoolException e) {
        assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
        full = true;
      }
    }
    for (int i = 0; i < 6; i++) {
      fs.paths().unlink(("c" + i).getBytes(UTF_8), Caller.ROOT);
    }
    pool.sync();
    assertThat(read(fs, "large")).isEqualTo(large);
    fs.paths().unlink("large".getBytes(UTF_8), Caller.ROOT);
    pool.sync();
    assertThat(pool.cloneSavings()).isEqualTo(new CloneSavings(0, 0));
    assertThat(pool.dataset("").referencedBytes()).isLessThan(1 << 20);
    world.assertFilesClean(pool);
  }
}
