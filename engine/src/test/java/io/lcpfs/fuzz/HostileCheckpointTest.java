package io.lcpfs.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Pool;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.CheckpointRecord;
import io.lcpfs.format.Disk;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.Uberblock;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Checkpoints that verify and lie. */
class HostileCheckpointTest {
  private static byte[] image = {};

  @BeforeAll
  static void aPoolWithACheckpoint() {
    byte[] bytes = SoundImage.get().copy();
    try (Pool pool =
        Pool.open(
            List.of(new ImageDevice(bytes)),
            OpenOptions.standard().withTuning(SoundImage.tuning()),
            Lie.env())) {
      PosixFileSystem fs = pool.datasets().getFirst().fileSystem();
      write(fs, "/then", 1);
      pool.checkpoints().take();
      write(fs, "/then", 2);
      for (int i = 0; i < 4; i++) {
        write(fs, "/now" + i, 3 + i);
        pool.sync();
      }
    }
    image = bytes;
  }

  private static void write(PosixFileSystem fs, String name, int seed) {
    byte[] content = new byte[200_000];
    new Random(seed).nextBytes(content);
    int flags = OpenFlags.O_RDWR | OpenFlags.O_CREAT;
    try (FileHandle file = fs.paths().open(name.getBytes(UTF_8), flags, 0644, Caller.ROOT)) {
      file.write(0, MemorySegment.ofArray(content), 0, content.length);
    }
  }

  private static PoolForge forge() {
    return new PoolForge(image.clone());
  }

  private static PoolForge with(UnaryOperator<CheckpointRecord> edit) {
    PoolForge forge = forge();
    forge.editUberblock(u -> with(u, u.root(), edit.apply(u.checkpoint())));
    return forge;
  }

  private static Uberblock with(Uberblock u, BlockPointer root, CheckpointRecord checkpoint) {
    return new Uberblock(
        u.txg(),
        u.timestampNanos(),
        u.poolGuid(),
        u.forkId(),
        root,
        u.layoutGeneration(),
        u.layoutChecksum(),
        u.configGeneration(),
        u.configChecksum(),
        checkpoint);
  }

  /** Changes the tree of the checkpoint; the pool's own stays as it is. */
  private static PoolForge inside(Consumer<PoolForge> edit) {
    PoolForge forge = forge();
    Uberblock sound = forge.uberblock();
    CheckpointRecord kept = sound.checkpoint();
    forge.editUberblock(u -> with(u, kept.root(), CheckpointRecord.NONE));
    edit.accept(forge);
    BlockPointer root = forge.uberblock().root();
    forge.editUberblock(
        u ->
            with(
                u, sound.root(), new CheckpointRecord(kept.txg(), kept.timestampNanos(), 0, root)));
    return forge;
  }

  /** Reads, uses, goes back: all must end well. */
  private static HostileRun.Outcome survived(PoolForge forge) {
    HostileRun.Outcome read = HostileRun.read(forge.bytes().clone(), Lie.env());
    HostileRun.use(forge.bytes().clone(), Lie.env());
    HostileRun.goBack(forge.bytes(), Lie.env());
    return read;
  }

  private static void told(PoolForge forge) {
    HostileRun.Outcome outcome = survived(forge);
    boolean said =
        outcome.told() || outcome.refusals().stream().anyMatch(text -> text.contains("checkpoint"));
    assertThat(said).as(outcome.toString()).isTrue();
  }

  @Test
  void theImageItselfIsSound() {
    assertThat(forge().uberblock().checkpoint().isActive()).isTrue();
    HostileRun.Outcome outcome = survived(forge());
    assertThat(outcome.imported()).isTrue();
    assertThat(outcome.findings()).isEmpty();
  }

  @Test
  void everyByteOfTheRecordMayBeWrong() {
    long from = Disk.offset(Uberblock.LAYOUT, "checkpoint_txg");
    for (int at = 0; at < 152; at += 17) {
      long offset = from + at;
      PoolForge forge = forge();
      forge.editUberblockBytes(
          unit -> unit.set(Disk.U8, offset, (byte) (unit.get(Disk.U8, offset) ^ 0x41)));
      survived(forge);
    }
  }

  @Test
  void anImpossibleRecordIsRefused() {
    assertThat(
            List.of(
                with(c -> new CheckpointRecord(1L << 40, c.timestampNanos(), 0, c.root())),
                with(c -> new CheckpointRecord(-5, c.timestampNanos(), 0, c.root())),
                with(c -> new CheckpointRecord(c.txg() - 1, c.timestampNanos(), 0, c.root())),
                with(c -> new CheckpointRecord(c.txg(), 0, 1, c.root())),
                with(c -> new CheckpointRecord(c.txg(), 0, 1L << 40, c.root())),
                with(c -> new CheckpointRecord(c.txg(), 0, 0, BlockPointer.HOLE))))
        .allSatisfy(forge -> assertThat(survived(forge).imported()).isFalse());
  }

  @Test
  void aCheckpointWhoseMapsAreDamagedIsGivenUpAndThePoolIsUsable() {
    PoolForge cut =
        inside(
            f ->
                f.meta()
                    .find(d -> d.type() == ObjectType.SPACE_MAP)
                    .getFirst()
                    .editBonus(bonus -> Disk.putU64(bonus, 16, 512)));
    byte[] used = cut.bytes().clone();
    assertThat(HostileRun.use(used, Lie.env()).imported()).isTrue();
    assertThat(new PoolForge(used).uberblock().checkpoint().isNone()).isTrue();
    assertThat(HostileRun.goBack(cut.bytes(), Lie.env()).imported()).isFalse();
  }

  @Test
  void aSpaceMapThatOwnsLessThanTheCheckpointHasIsFound() {
    told(
        inside(
            f ->
                f.meta()
                    .find(d -> d.type() == ObjectType.SPACE_MAP)
                    .forEach(
                        map ->
                            map.editBonus(
                                bonus -> {
                                  Disk.putU64(bonus, 8, 0);
                                  Disk.putU64(bonus, 16, 0);
                                }))));
  }

  @Test
  void aTreeWithDamageIsFound() {
    told(
        inside(
            f ->
                f.meta()
                    .find(d -> d.type() == ObjectType.DATASET)
                    .getFirst()
                    .editBonus(bonus -> Disk.putU64(bonus, 24, 12345))));
  }

  @Test
  void aDirectoryThatIsNoneIsToldOf() {
    told(
        inside(
            f ->
                f.meta()
                    .find(d -> d.type() == ObjectType.ZAP)
                    .getFirst()
                    .editContent(block -> block.fill((byte) 7))));
  }

  @Test
  void aLogHeadThatDoesNotDecodeDoesNotStopTheReturn() {
    survived(
        inside(
            f ->
                f.meta()
                    .find(d -> d.type() == ObjectType.INTENT_LOG)
                    .forEach(
                        log ->
                            log.editBonus(
                                bonus ->
                                    Disk.putU32(
                                        bonus,
                                        Disk.offset(IntentLogRecord.LAYOUT, "segment_bytes"),
                                        3)))));
  }
}
