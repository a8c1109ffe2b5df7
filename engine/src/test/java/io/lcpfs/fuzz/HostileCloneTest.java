package io.lcpfs.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Pool;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.Disk;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.pool.OpenOptions;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Clones and their origins that lie. */
class HostileCloneTest {
  private static final long ORIGIN = 96;
  private static final long INHERITED = 104;
  private static final long FREED_OBJECT = 112;
  private static final long FREED_BLOCK = 120;
  private static final long CLONES_ZAP = 72;

  private static PoolForge.Obj origin(PoolForge forge) {
    DatasetRecord clone = DatasetRecord.decode(forge.dataset("a/d").record().bonus());
    return forge.meta().object(clone.heritage().origin());
  }

  private static PoolForge.Obj clones(PoolForge forge) {
    SnapshotRecord record = SnapshotRecord.decode(origin(forge).record().bonus());
    return forge.meta().object(record.clonesZap());
  }

  @Test
  void everyByteOfWhatACloneSaysOfItsOriginMayBeWrong() {
    for (long at = ORIGIN; at < FREED_BLOCK + 8; at++) {
      long offset = at;
      Lie.survived(
          forge ->
              forge
                  .dataset("a/d")
                  .editBonus(bonus -> bonus.set(Disk.U8, offset, (byte) (offset * 37 + 1))));
    }
  }

  @Test
  void anOriginThatIsAnotherIsTold() {
    for (String of : List.of("a", "a/b", "a/d")) {
      Lie.told(
          forge -> {
            long dataset = forge.dataset(of).number();
            long other =
                forge.meta().find(d -> d.type() == ObjectType.SNAPSHOT).stream()
                    .filter(o -> o.number() != origin(forge).number())
                    .filter(
                        o -> SnapshotRecord.decode(o.record().bonus()).datasetObject() == dataset)
                    .findFirst()
                    .orElseThrow()
                    .number();
            forge.dataset("a/d").editBonus(bonus -> Disk.putU64(bonus, ORIGIN, other));
          });
    }
    for (long none : new long[] {0, 1, 2, 77_777, Long.MAX_VALUE, -1}) {
      Lie.told(forge -> forge.dataset("a/d").editBonus(bonus -> Disk.putU64(bonus, ORIGIN, none)));
    }
  }

  @Test
  void datasetsThatAreClonesOfEachOtherAreTold() {
    Lie.told(
        forge -> {
          long clone = forge.dataset("a/d").number();
          long own =
              forge.meta().find(d -> d.type() == ObjectType.SNAPSHOT).stream()
                  .filter(o -> SnapshotRecord.decode(o.record().bonus()).datasetObject() == clone)
                  .findFirst()
                  .orElseThrow()
                  .number();
          forge.dataset("a").editBonus(bonus -> Disk.putU64(bonus, ORIGIN, own));
        });
  }

  @Test
  void sizesThatLieAreTold() {
    for (long lie : new long[] {0, 4096, -1, Long.MIN_VALUE}) {
      Lie.told(
          forge -> forge.dataset("a/d").editBonus(bonus -> Disk.putU64(bonus, INHERITED, lie)));
    }
  }

  @Test
  void clonesThatASnapshotNamesOrForgetsAreTold() {
    for (long none : new long[] {0, 1, 2, 77_777, Long.MAX_VALUE, -1}) {
      Lie.told(forge -> origin(forge).editBonus(bonus -> Disk.putU64(bonus, CLONES_ZAP, none)));
    }
    Lie.told(
        forge -> {
          long other = forge.dataset("a/c").number();
          ForgedZap.edit(
              forge,
              clones(forge),
              (zap, world) -> zap.putLong(world.tx, Long.toString(other).getBytes(UTF_8), other));
        });
    Lie.told(
        forge -> {
          long clone = forge.dataset("a/d").number();
          ForgedZap.edit(
              forge,
              clones(forge),
              (zap, world) -> zap.remove(world.tx, Long.toString(clone).getBytes(UTF_8)));
        });
  }

  @Test
  void aDestroyedDatasetThatLiesAboutWhatIsFreedIsSurvived() {
    for (long object : new long[] {1, 5, -1, Long.MAX_VALUE - 2, Long.MAX_VALUE - 1}) {
      for (long block : new long[] {0, 3, -1, Long.MAX_VALUE}) {
        Lie.survived(
            forge -> {
              PoolForge.Obj gone = forge.dataset("a/c");
              gone.editBonus(
                  bonus -> {
                    Disk.putU64(bonus, FREED_OBJECT, object);
                    Disk.putU64(bonus, FREED_BLOCK, block);
                  });
            });
      }
    }
  }

  @Test
  void aCloneWithoutItsOriginFreesNothing() {
    PoolForge forge = PoolForge.fresh();
    origin(forge).editBonus(bonus -> Disk.putU64(bonus, 0, 0));
    OpenOptions options = OpenOptions.standard().withTuning(SoundImage.tuning());
    try (Pool pool = Pool.open(List.of(new ImageDevice(forge.bytes())), options, Lie.env())) {
      SoundImage.write(
          pool.dataset("tank/a/d").fileSystem(), "/changed", SoundImage.noise(92, 30_000), 0);
      pool.sync();
      long before = pool.status().allocatedBytes();
      SoundImage.write(
          pool.dataset("tank/a/d").fileSystem(), "/more", SoundImage.noise(93, 30_000), 0);
      pool.sync();
      assertThat(pool.status().allocatedBytes()).isGreaterThan(before);
      assertThat(pool.verify(progress -> {}).findings())
          .anyMatch(finding -> finding.check().equals("SnapshotCheck"));
    }
  }
}
