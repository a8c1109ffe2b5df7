package io.lcpfs.fuzz;

import static io.lcpfs.posix.PathCalls.path;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Pool;
import io.lcpfs.format.Disk;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.ReferencesRecord;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Block reference tables that verify and lie. */
class HostileReferencesTest {
  private static List<PoolForge.Obj> tables(PoolForge forge) {
    List<PoolForge.Obj> found = forge.meta().find(d -> d.type() == ObjectType.BLOCK_REFERENCES);
    assertThat(found).isNotEmpty();
    return found;
  }

  /** The place of a count that is not 0 in the only block of a table. */
  private static long counted(MemorySegment block) {
    for (long at = 0; at < block.byteSize(); at += ReferencesRecord.ENTRY_BYTES) {
      if (Disk.u32(block, at) != 0) {
        return at;
      }
    }
    throw new AssertionError("no count");
  }

  private static long uncounted(MemorySegment block) {
    for (long at = 0; at < block.byteSize(); at += ReferencesRecord.ENTRY_BYTES) {
      if (Disk.u32(block, at) == 0) {
        return at;
      }
    }
    throw new AssertionError("all are counted");
  }

  @Test
  void countsThatLieAreTold() {
    for (long count : new long[] {0, 1, 3, 1 << 30, 0xffffffffL}) {
      Lie.told(
          forge ->
              tables(forge)
                  .getFirst()
                  .root()
                  .edit(block -> Disk.putU32(block, counted(block), count)));
    }
    for (long count : new long[] {1, 0x80000000L}) {
      Lie.told(
          forge ->
              tables(forge)
                  .getFirst()
                  .root()
                  .edit(block -> Disk.putU32(block, uncounted(block), count)));
    }
  }

  @Test
  void countsThatLieTogetherWithTheirSumsAreTold() {
    for (int more : new int[] {1, -1}) {
      // A forged block lies where another one does, which is told as well: look for the right one.
      HostileRun.Outcome outcome =
          Lie.told(
              forge -> {
                tables(forge)
                    .getFirst()
                    .root()
                    .edit(
                        block -> {
                          long at = counted(block);
                          Disk.putU32(block, at, Disk.u32(block, at) + more);
                        });
                tables(forge)
                    .getFirst()
                    .editBonus(
                        bonus -> {
                          Disk.putU64(bonus, 16, Disk.u64(bonus, 16) + more);
                          Disk.putU64(bonus, 32, Disk.u64(bonus, 32) + more * 4096L);
                        });
              });
      String what = more > 0 ? "it would never be freed" : "one reference more than the 1 counted";
      assertThat(outcome.findings())
          .filteredOn(finding -> finding.check().equals("ReferenceTableCheck"))
          .singleElement()
          .matches(finding -> finding.what().contains(what), what);
    }
  }

  @Test
  void sumsThatLieAreTold() {
    for (long offset = 0; offset < 40; offset += 8) {
      long at = offset;
      for (long value : new long[] {0, 1L << 40, -8}) {
        HostileRun.Outcome outcome =
            Lie.told(
                forge ->
                    tables(forge).getFirst().editBonus(bonus -> Disk.putU64(bonus, at, value + 7)));
        assertThat(outcome.findings())
            .anyMatch(finding -> finding.check().equals("ReferenceTableCheck"));
      }
    }
  }

  @Test
  void everyByteOfATableMayBeWrong() {
    for (int at = 0; at < ReferencesRecord.BYTES; at += 9) {
      int offset = at;
      Lie.survived(
          forge ->
              tables(forge)
                  .getFirst()
                  .editBonus(bonus -> bonus.set(Disk.U8, offset, (byte) (offset * 41 + 3))));
    }
    for (int at = 0; at < 64; at += 11) {
      int offset = at;
      Lie.survived(
          forge ->
              tables(forge)
                  .getFirst()
                  .root()
                  .edit(block -> block.set(Disk.U8, offset, (byte) 0x77)));
    }
  }

  private static PoolForge.Obj names(PoolForge forge) {
    List<Long> tables = tables(forge).stream().map(PoolForge.Obj::number).toList();
    PoolForge.Obj[] found = new PoolForge.Obj[1];
    ForgedZap.edit(
        forge,
        forge.meta().object(1),
        (zap, world) ->
            found[0] =
                forge
                    .meta()
                    .object(zap.getLong("block_references".getBytes(StandardCharsets.US_ASCII))));
    assertThat(tables).isNotEmpty();
    return found[0];
  }

  private static String firstName(Zap zap) {
    String[] name = new String[1];
    zap.iterateLong(
        0,
        (cookie, text, object) -> {
          name[0] = new String(text, StandardCharsets.US_ASCII);
          return false;
        });
    return name[0];
  }

  @Test
  void namesThatLeadNowhereOrElsewhereAreTold() {
    for (String name : new String[] {"x", "0", "01", "7777777"}) {
      Lie.told(
          forge ->
              ForgedZap.edit(
                  forge,
                  names(forge),
                  (zap, world) ->
                      zap.putLong(
                          world.tx,
                          name.getBytes(StandardCharsets.US_ASCII),
                          tables(forge).getFirst().number())));
    }
    for (long target : new long[] {0, 2, Long.MAX_VALUE}) {
      Lie.told(
          forge ->
              ForgedZap.edit(
                  forge,
                  names(forge),
                  (zap, world) ->
                      zap.putLong(
                          world.tx, firstName(zap).getBytes(StandardCharsets.US_ASCII), target)));
    }
  }

  @Test
  void nothingThatMayBeSharedIsFreedWhileTheTableCannotBeRead() {
    PoolForge forge = PoolForge.fresh();
    ForgedZap.edit(
        forge,
        names(forge),
        (zap, world) -> zap.putLong(world.tx, "x".getBytes(StandardCharsets.US_ASCII), 5));
    OpenOptions options = OpenOptions.standard().withTuning(SoundImage.tuning());
    try (Pool pool = Pool.open(List.of(new ImageDevice(forge.bytes())), options, Lie.env())) {
      assertThat(pool.status().problems())
          .anyMatch(line -> line.contains("references") && line.contains("pool verify"));
      PosixFileSystem fs = pool.dataset("tank").fileSystem();
      byte[] before = content(fs);
      fs.paths().unlink(path("/tall"), Caller.ROOT);
      for (int i = 0; i < 6; i++) {
        SoundImage.write(fs, "/new" + i, SoundImage.noise(90 + i, 200_000), 0);
        pool.sync();
      }
      assertThat(content(fs)).isEqualTo(before).isEqualTo(SoundImage.noise(21, 290 * 4096));
      assertThat(content(pool.dataset("tank/a").fileSystem())).isEqualTo(before);
    }
  }

  private static byte[] content(PosixFileSystem fs) {
    byte[] content = new byte[290 * 4096];
    try (FileHandle file = fs.paths().open(path("/clone"), OpenFlags.O_RDONLY, 0, Caller.ROOT)) {
      assertThat(file.read(0, MemorySegment.ofArray(content), 0, content.length))
          .isEqualTo(content.length);
    }
    return content;
  }
}
