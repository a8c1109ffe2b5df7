package io.lcpfs.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.FileTree;
import io.lcpfs.api.Pool;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BookmarkRecord;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.DeadlistRecord;
import io.lcpfs.format.Disk;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Snapshots and lists of dead blocks that verify and lie. */
class HostileSnapshotTest {
  private static List<PoolForge.Obj> all(PoolForge forge, ObjectType type) {
    return forge.meta().find(d -> d.type() == type);
  }

  private static PoolForge.Obj names(PoolForge forge, String dataset) {
    DatasetRecord record = DatasetRecord.decode(forge.dataset(dataset).record().bonus());
    return forge.meta().object(record.snapshots().namesZap());
  }

  @Test
  void everyByteOfASnapshotMayBeWrong() {
    for (int at = 0; at < SnapshotRecord.BYTES; at += 3) {
      int offset = at;
      Lie.survived(
          forge ->
              all(forge, ObjectType.SNAPSHOT)
                  .get(1)
                  .editBonus(bonus -> bonus.set(Disk.U8, offset, (byte) (offset * 37 + 1))));
    }
  }

  @Test
  void everyByteOfAListOfDeadBlocksMayBeWrong() {
    for (int at = 0; at < DeadlistRecord.BYTES; at++) {
      int offset = at;
      Lie.survived(
          forge ->
              all(forge, ObjectType.DEADLIST)
                  .getFirst()
                  .editBonus(bonus -> bonus.set(Disk.U8, offset, (byte) 0xc3)));
    }
    for (int at = 0; at < 2 * DeadlistRecord.BLOCK_BYTES; at++) {
      int offset = at;
      Lie.survived(
          forge ->
              all(forge, ObjectType.DEADLIST)
                  .getFirst()
                  .root()
                  .edit(block -> block.set(Disk.U8, offset, (byte) 0x5a)));
    }
  }

  @Test
  void sizesThatLieAreTold() {
    for (long offset : new long[] {32, 40, 56}) {
      Lie.told(
          forge ->
              all(forge, ObjectType.SNAPSHOT)
                  .get(1)
                  .editBonus(bonus -> Disk.putU64(bonus, offset, 4096 + offset)));
    }
    for (long offset : new long[] {0, 8, 16}) {
      Lie.told(
          forge ->
              all(forge, ObjectType.DEADLIST)
                  .getFirst()
                  .editBonus(bonus -> Disk.putU64(bonus, offset, 1 << 30)));
    }
  }

  @Test
  void aSnapshotOfAnotherDatasetIsTold() {
    Lie.told(
        forge -> {
          long other = forge.dataset("a/c").number();
          all(forge, ObjectType.SNAPSHOT)
              .getFirst()
              .editBonus(bonus -> Disk.putU64(bonus, 24, other));
        });
  }

  private static byte[] packed(FileTree tree) {
    PosixFileSystem fs = tree.fileSystem();
    byte[] content = new byte[130_000];
    try (FileHandle file =
        fs.paths().open("/packed".getBytes(UTF_8), OpenFlags.O_RDONLY, 0, Caller.ROOT)) {
      int count = file.read(0, MemorySegment.ofArray(content), 0, content.length);
      return Arrays.copyOf(content, count);
    }
  }

  @Test
  void aDatasetWithADamagedSnapshotIsUsedAndFreesNothingThatOneMayHave() {
    PoolForge forge = PoolForge.fresh();
    long dataset = forge.dataset("a/b").number();
    all(forge, ObjectType.SNAPSHOT).stream()
        .filter(o -> SnapshotRecord.decode(o.record().bonus()).datasetObject() == dataset)
        .max(Comparator.comparingLong(o -> SnapshotRecord.decode(o.record().bonus()).txg()))
        .orElseThrow()
        .editBonus(bonus -> Disk.putU64(bonus, 0, 0));
    OpenOptions options = OpenOptions.standard().withTuning(SoundImage.tuning());
    try (Pool pool = Pool.open(List.of(new ImageDevice(forge.bytes())), options, Lie.env())) {
      byte[] first = packed(pool.snapshot("tank/a/b@s1"));
      byte[] second = packed(pool.snapshot("tank/a/b@s2"));
      assertThat(first).isNotEqualTo(second);
      Dataset used = pool.dataset("tank/a/b");
      for (int i = 0; i < 6; i++) {
        byte[] next = SoundImage.noise(80 + i, 125_000);
        SoundImage.write(used.fileSystem(), "/packed", next, 0);
        pool.sync();
        assertThat(packed(used)).isEqualTo(next);
      }
      assertThat(packed(pool.snapshot("tank/a/b@s1"))).isEqualTo(first);
      assertThat(packed(pool.snapshot("tank/a/b@s2"))).isEqualTo(second);
      assertThatThrownBy(() -> used.snapshot("x")).isInstanceOf(PoolException.class);
      assertThatThrownBy(() -> used.destroySnapshots(List.of("s1")))
          .isInstanceOf(PoolException.class);
      assertThat(pool.verify(progress -> {}).findings())
          .anyMatch(finding -> finding.check().equals("SnapshotCheck"))
          .noneMatch(
              finding ->
                  finding.check().equals("BlockCheck")
                      && finding.where().startsWith("dataset object " + dataset));
    }
  }

  @Test
  void namesThatLeadNowhereOrElsewhereAreTold() {
    for (long target : new long[] {1, 2, 1 << 20, Long.MAX_VALUE}) {
      Lie.told(
          forge ->
              ForgedZap.edit(
                  forge,
                  names(forge, "a/b"),
                  (zap, world) -> zap.putLong(world.tx, new byte[] {'s', '2'}, target)));
    }
    Lie.told(
        forge -> {
          long second = all(forge, ObjectType.SNAPSHOT).get(1).number();
          ForgedZap.edit(
              forge,
              names(forge, "a/b"),
              (zap, world) -> zap.putLong(world.tx, new byte[] {'x'}, second));
        });
  }

  private static PoolForge.Obj held(PoolForge forge) {
    return all(forge, ObjectType.SNAPSHOT).stream()
        .filter(o -> SnapshotRecord.decode(o.record().bonus()).holds().zap() != 0)
        .findFirst()
        .orElseThrow();
  }

  private static PoolForge.Obj holds(PoolForge forge) {
    return forge.meta().object(SnapshotRecord.decode(held(forge).record().bonus()).holds().zap());
  }

  @Test
  void holdsThatLeadElsewhereAreTold() {
    for (long target : new long[] {2, 1 << 20, -1}) {
      Lie.told(forge -> held(forge).editBonus(bonus -> Disk.putU64(bonus, 80, target)));
    }
    Lie.told(forge -> held(forge).editBonus(bonus -> Disk.putU64(bonus, 80, 0)));
    Lie.told(
        forge -> {
          long names = names(forge, "a/b").number();
          held(forge).editBonus(bonus -> Disk.putU64(bonus, 80, names));
        });
    Lie.told(
        forge -> {
          long zap = holds(forge).number();
          all(forge, ObjectType.SNAPSHOT).stream()
              .filter(o -> o.number() != held(forge).number())
              .findFirst()
              .orElseThrow()
              .editBonus(bonus -> Disk.putU64(bonus, 80, zap));
        });
    for (int flags : new int[] {2, 3, 1 << 31}) {
      Lie.told(forge -> held(forge).editBonus(bonus -> Disk.putU32(bonus, 68, flags)));
    }
    Lie.survived(
        forge ->
            all(forge, ObjectType.SNAPSHOT).stream()
                .filter(o -> o.number() != held(forge).number())
                .findFirst()
                .orElseThrow()
                .editBonus(bonus -> Disk.putU32(bonus, 68, 1)));
  }

  @Test
  void tagsThatAreNoneAreTold() {
    byte[][] tags = {new byte[255], {(byte) 0xff, (byte) 0xfe}};
    for (byte[] tag : tags) {
      Lie.survived(
          forge ->
              ForgedZap.edit(forge, holds(forge), (zap, world) -> zap.putLong(world.tx, tag, 7)));
    }
    Lie.told(
        forge ->
            ForgedZap.edit(
                forge,
                holds(forge),
                (zap, world) -> zap.put(world.tx, new byte[] {'x'}, new byte[100])));
    Lie.told(
        forge ->
            ForgedZap.edit(
                forge,
                holds(forge),
                (zap, world) -> zap.putLong(world.tx, new byte[] {'x'}, Long.MIN_VALUE)));
    Lie.survived(
        forge ->
            ForgedZap.edit(
                forge,
                holds(forge),
                (zap, world) -> {
                  zap.remove(world.tx, "keep".getBytes(UTF_8));
                  zap.remove(world.tx, "another".getBytes(UTF_8));
                }));
  }

  private static PoolForge.Obj bookmarks(PoolForge forge) {
    DatasetRecord record = DatasetRecord.decode(forge.dataset("a/b").record().bonus());
    return forge.meta().object(record.bookmarksZap());
  }

  @Test
  void bookmarksThatLieAreTold() {
    for (long target : new long[] {2, 1 << 20, -1, 0}) {
      Lie.told(forge -> forge.dataset("a/b").editBonus(bonus -> Disk.putU64(bonus, 128, target)));
    }
    Lie.told(
        forge -> {
          long names = names(forge, "a/b").number();
          forge.dataset("a/b").editBonus(bonus -> Disk.putU64(bonus, 128, names));
        });
    byte[] sound = new BookmarkRecord(1, 2, 3, 4).encode();
    for (int at : new int[] {0, 15, 31, 27}) {
      byte[] lie = sound.clone();
      lie[at] = (byte) (at == 0 ? 0 : 0xff);
      Lie.told(
          forge ->
              ForgedZap.edit(
                  forge,
                  bookmarks(forge),
                  (zap, world) -> zap.put(world.tx, new byte[] {'x'}, lie)));
    }
    for (byte[] lie :
        List.of(new byte[31], new byte[200], new BookmarkRecord(1, 1L << 40, 3, 4).encode())) {
      Lie.told(
          forge ->
              ForgedZap.edit(
                  forge,
                  bookmarks(forge),
                  (zap, world) -> zap.put(world.tx, new byte[] {'x'}, lie)));
    }
    Lie.told(
        forge ->
            ForgedZap.edit(
                forge,
                bookmarks(forge),
                (zap, world) -> zap.put(world.tx, new byte[] {'a', '/', 'b'}, sound)));
  }
}
