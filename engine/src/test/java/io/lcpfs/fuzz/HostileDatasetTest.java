package io.lcpfs.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SpaceMapHead;
import io.lcpfs.format.SpaceMapRecord;
import io.lcpfs.pool.OpenOptions;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Datasets, properties, space maps and history that verify and lie. */
class HostileDatasetTest {
  private static final List<String> DIRECTORY =
      List.of("space_maps", "root_dataset", "pool_properties", "history", "destroyed");

  private static void edit(PoolForge forge, String dataset, UnaryOperator<DatasetRecord> edit) {
    forge
        .dataset(dataset)
        .set(
            d ->
                new DnodeRecord(
                    d.type(),
                    d.levels(),
                    d.blockBytes(),
                    d.indirectShift(),
                    d.blockCount(),
                    d.storedBytes(),
                    d.generation(),
                    d.inTail(),
                    d.tailBytes(),
                    d.root(),
                    edit.apply(DatasetRecord.decode(d.bonus())).encode()));
  }

  private static DatasetRecord with(
      DatasetRecord d, long children, long properties, BlockPointer objects) {
    return new DatasetRecord(
        d.guid(),
        d.creationTxg(),
        d.creationSeconds(),
        children,
        properties,
        d.usedBytes(),
        d.logicalBytes(),
        d.kind(),
        d.intentLog(),
        d.snapshots(),
        d.heritage(),
        d.remains(),
        objects);
  }

  private static DatasetRecord record(PoolForge forge, String dataset) {
    return DatasetRecord.decode(forge.dataset(dataset).record().bonus());
  }

  private static PoolForge.Obj children(PoolForge forge, String dataset) {
    return forge.meta().object(record(forge, dataset).childrenZap());
  }

  private static PoolForge.Obj properties(PoolForge forge, String dataset) {
    return forge.meta().object(record(forge, dataset).propertiesZap());
  }

  private static byte[] name(String text) {
    return text.getBytes(UTF_8);
  }

  private static PoolForge.Obj only(PoolForge forge, ObjectType type) {
    return forge.meta().find(d -> d.type() == type).getFirst();
  }

  // ---- datasets

  @Test
  void datasetsThatLeadInACircleAreTold() {
    Lie.told(
        forge -> {
          long root = forge.dataset("").number();
          ForgedZap.edit(
              forge,
              children(forge, "a/b"),
              (zap, world) -> zap.insertLong(world.tx, name("again"), root));
        });
    Lie.told(
        forge ->
            edit(
                forge,
                "a/c",
                d -> with(d, record(forge, "a").childrenZap(), d.propertiesZap(), d.objectSet())));
  }

  @Test
  void aDatasetWithManyNamesIsToldAndNotListedForEver() {
    Lie.told(
        forge -> {
          long b = forge.dataset("a/b").number();
          long c = forge.dataset("a/c").number();
          long a = forge.dataset("a").number();
          ForgedZap.edit(
              forge,
              children(forge, "a"),
              (zap, world) -> {
                zap.putLong(world.tx, name("b"), b);
                zap.putLong(world.tx, name("c"), b);
              });
          ForgedZap.edit(
              forge,
              children(forge, "a/b"),
              (zap, world) -> {
                zap.putLong(world.tx, name("b"), c);
                zap.putLong(world.tx, name("c"), c);
              });
          ForgedZap.edit(
              forge,
              children(forge, "a/c"),
              (zap, world) -> {
                zap.putLong(world.tx, name("b"), a);
                zap.putLong(world.tx, name("c"), a);
              });
        });
  }

  @Test
  void aDamagedDatasetHidesNoOther() {
    List<Consumer<PoolForge>> lies =
        List.of(
            forge -> forge.dataset("a/b").editBonus(bonus -> bonus.fill((byte) 0)),
            forge -> forge.dataset("a/b").edit(dnode -> dnode.fill((byte) 0xff)),
            forge -> properties(forge, "a/b").edit(dnode -> dnode.fill((byte) 0xff)),
            forge -> properties(forge, "a/b").editContent(zap -> zap.fill((byte) 7)));
    for (Consumer<PoolForge> lie : lies) {
      PoolForge forge = PoolForge.fresh();
      lie.accept(forge);
      OpenOptions options =
          OpenOptions.standard().withReadOnly(true).withTuning(SoundImage.tuning());
      try (Pool pool = Pool.open(List.of(new ImageDevice(forge.bytes())), options, Lie.env())) {
        assertThat(pool.datasets())
            .extracting(Dataset::name)
            .containsExactly("tank", "tank/a", "tank/a/b", "tank/a/c", "tank/a/d");
        assertThat(pool.datasets())
            .extracting(Dataset::isReadable)
            .containsExactly(true, true, false, true, true);
        assertThat(pool.dataset("tank/a/c").property("user:note").value()).isEqualTo("hello");
        assertThat(pool.dataset("tank").fileSystem().statfs()).isNotNull();
        assertThat(pool.verify(progress -> {}).findings())
            .anyMatch(finding -> finding.toString().contains("tank/a/b"));
      }
    }
  }

  @Test
  void ofDamagedChildrenThoseBeforeTheDamageAreListed() {
    PoolForge forge = PoolForge.fresh();
    children(forge, "a").edit(dnode -> dnode.fill((byte) 0xff));
    OpenOptions options = OpenOptions.standard().withTuning(SoundImage.tuning());
    try (Pool pool = Pool.open(List.of(new ImageDevice(forge.bytes())), options, Lie.env())) {
      assertThat(pool.datasets()).extracting(Dataset::name).containsExactly("tank", "tank/a");
      assertThat(pool.dataset("tank/a").isReadable()).isTrue();
      pool.createDataset("tank/other", Map.of(), false);
      pool.destroyDataset("tank/other", false);
      assertThat(pool.verify(progress -> {}).findings())
          .anyMatch(finding -> finding.check().equals("DatasetCheck"));
    }
  }

  @Test
  void nothingIsDestroyedOrRenamedWhileADatasetHasTwoNames() {
    PoolForge forge = PoolForge.fresh();
    long c = forge.dataset("a/c").number();
    ForgedZap.edit(
        forge, children(forge, "a"), (zap, world) -> zap.putLong(world.tx, name("b"), c));
    OpenOptions options = OpenOptions.standard().withTuning(SoundImage.tuning());
    try (Pool pool = Pool.open(List.of(new ImageDevice(forge.bytes())), options, Lie.env())) {
      assertThatThrownBy(() -> pool.destroyDataset("tank/a/c", true))
          .isInstanceOf(PoolException.class)
          .hasMessageContaining("another dataset");
      assertThatThrownBy(() -> pool.renameDataset("tank/a/b", "tank/a/c/b"))
          .isInstanceOf(PoolException.class)
          .hasMessageContaining("another dataset");
    }
  }

  private static void received(PoolForge forge, Map<String, String> entries) {
    ForgedZap.edit(
        forge,
        properties(forge, "a/b"),
        (zap, world) -> entries.forEach((key, value) -> zap.put(world.tx, name(key), name(value))));
  }

  @Test
  void receivedPropertiesThatCannotBeAreTold() {
    for (Map<String, String> lie :
        List.of(
            Map.of("$exec", "off"),
            Map.of("$", "1", "$exec", "off", "?exec", "on"),
            Map.of("?", "1"),
            Map.of("!", "inherit"),
            Map.of("$", "1", "!exec", "perhaps"))) {
      Lie.told(forge -> received(forge, lie));
    }
  }

  @Test
  void receivedValuesThatAreNoneDoNotCount() {
    PoolForge forge = PoolForge.fresh();
    received(
        forge,
        Map.of(
            "$",
            "1",
            "$atime",
            "perhaps",
            "$quota",
            "-1",
            "$user:ok",
            "yes",
            "?setuid",
            "on",
            "$userquota@x",
            "1",
            "$mountpoint",
            "../x",
            "$ exec",
            "off",
            "$copies",
            "9"));
    HostileRun.use(forge.bytes().clone(), Lie.env());
    OpenOptions options = OpenOptions.standard().withTuning(SoundImage.tuning());
    try (Pool pool = Pool.open(List.of(new ImageDevice(forge.bytes())), options, Lie.env())) {
      var dataset = pool.dataset("tank/a/b");
      assertThat(dataset.property("atime").value()).isEqualTo("on");
      assertThat(dataset.property("quota").value()).isEqualTo("0");
      assertThat(dataset.property("copies").value()).isEqualTo("1");
      assertThat(dataset.property("mountpoint").value()).isEqualTo("/tank/a/b");
      assertThat(dataset.property("user:ok").sourceText()).isEqualTo("received");
      assertThat(dataset.property("setuid").sourceText()).isEqualTo("default");
      dataset.inheritReceived("setuid");
      assertThat(dataset.property("setuid").sourceText()).isEqualTo("received");
    }
  }

  @Test
  void childrenThatAreNoDatasetsAreTold() {
    for (long object : new long[] {0, 1, -1, 77_777, Long.MAX_VALUE, Long.MIN_VALUE}) {
      Lie.told(
          forge ->
              ForgedZap.edit(
                  forge,
                  children(forge, "a"),
                  (zap, world) ->
                      zap.put(
                          world.tx,
                          name("b"),
                          java.nio.ByteBuffer.allocate(8)
                              .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                              .putLong(object)
                              .array())));
    }
    Lie.told(
        forge ->
            ForgedZap.edit(
                forge,
                children(forge, "a"),
                (zap, world) -> zap.put(world.tx, name("b"), new byte[1])));
  }

  @Test
  void namesThatNoDatasetMayHaveAreTold() {
    for (String bad : List.of("x/y", "..", ".", "@", "a@b", "\n", "\u0000", "x".repeat(1000))) {
      Lie.survived(
          forge -> {
            long c = forge.dataset("a/c").number();
            ForgedZap.edit(
                forge,
                children(forge, "a"),
                (zap, world) -> {
                  zap.remove(world.tx, name("c"));
                  zap.putLong(world.tx, name(bad), c);
                });
          });
    }
  }

  @Test
  void zapsOfDatasetsThatAreNoneAreTold() {
    for (long object : new long[] {0, -1, 77_777, Long.MAX_VALUE}) {
      Lie.told(forge -> edit(forge, "a/b", d -> with(d, object, d.propertiesZap(), d.objectSet())));
      Lie.told(forge -> edit(forge, "a/b", d -> with(d, d.childrenZap(), object, d.objectSet())));
    }
    Lie.told(
        forge -> {
          long self = forge.dataset("a/b").number();
          edit(forge, "a/b", d -> with(d, self, self, d.objectSet()));
        });
  }

  @Test
  void objectSetsThatBelongToOthersAreTold() {
    List<Function<PoolForge, BlockPointer>> others =
        List.of(
            forge -> forge.meta().root().pointer(),
            forge -> forge.files("").root().pointer(),
            forge -> forge.file("/one").root().pointer(),
            forge -> forge.meta().dnodes().block(0, 0).pointer());
    for (Function<PoolForge, BlockPointer> other : others) {
      Lie.told(
          forge -> {
            BlockPointer stolen = other.apply(forge);
            edit(forge, "a/b", d -> with(d, d.childrenZap(), d.propertiesZap(), stolen));
          });
    }
  }

  @Test
  void sizesOfDatasetsThatLieAreTold() {
    for (long used : new long[] {0, -1, Long.MAX_VALUE, Long.MIN_VALUE}) {
      Lie.told(
          forge ->
              edit(
                  forge,
                  "",
                  d ->
                      new DatasetRecord(
                          d.guid(),
                          Long.MAX_VALUE,
                          Long.MAX_VALUE,
                          d.childrenZap(),
                          d.propertiesZap(),
                          used,
                          used,
                          d.kind(),
                          d.intentLog(),
                          d.snapshots(),
                          d.heritage(),
                          d.remains(),
                          d.objectSet())));
    }
  }

  @Test
  void everyByteOfADatasetMayBeWrong() {
    for (int at = 0; at < DatasetRecord.BYTES; at += 5) {
      int offset = at;
      PoolForge forge = PoolForge.fresh();
      forge.dataset("a/b").editBonus(d -> Disk.putU8(d, offset, Disk.u8(d, offset) ^ 0xa5));
      HostileRun.use(forge.bytes(), Lie.env());
    }
  }

  @Test
  void propertiesThatNobodyCouldSetAreNoTrouble() {
    for (String property :
        List.of(
            "recordsize",
            "compression",
            "checksum",
            "copies",
            "atime",
            "mountpoint",
            "readonly",
            "canmount",
            "user:x",
            "unknown",
            "guid",
            "")) {
      for (String value :
          List.of(
              "7", "-1", "zstd-99", "lzma--3", "\0", "x".repeat(1000), "99999999999999999999")) {
        PoolForge forge = PoolForge.fresh();
        ForgedZap.edit(
            forge,
            properties(forge, ""),
            (zap, world) ->
                zap.put(world.tx, name(property.isEmpty() ? " " : property), name(value)));
        HostileRun.use(forge.bytes(), Lie.env());
      }
    }
  }

  // ---- the pool's own objects

  @Test
  void directoriesOfThePoolThatLieAreTold() {
    for (String key : DIRECTORY) {
      for (long value : new long[] {1, 0, -3, 77_777, Long.MAX_VALUE}) {
        Lie.told(
            forge ->
                ForgedZap.edit(
                    forge,
                    forge.meta().object(1),
                    (zap, world) -> zap.putLong(world.tx, name(key), value)));
      }
    }
    Lie.told(forge -> forge.meta().object(1).edit(dnode -> dnode.fill((byte) 0)));
  }

  @Test
  void liveDatasetsAmongTheDestroyedAreSurvived() {
    for (String dataset : List.of("", "a", "a/b")) {
      Lie.survived(
          forge -> {
            long object = forge.dataset(dataset).number();
            long[] destroyed = new long[1];
            ForgedZap.edit(
                forge,
                forge.meta().object(1),
                (zap, world) -> destroyed[0] = zap.getLong(name("destroyed")));
            ForgedZap.edit(
                forge,
                forge.meta().object(destroyed[0]),
                (zap, world) -> zap.putLong(world.tx, name(Long.toString(object)), object));
          });
    }
  }

  @Test
  void thingsThatAreNoDatasetsAmongTheDestroyedAreSurvived() {
    for (long object : new long[] {1, 77_777, -5, Long.MAX_VALUE}) {
      Lie.survived(
          forge -> {
            long[] destroyed = new long[1];
            ForgedZap.edit(
                forge,
                forge.meta().object(1),
                (zap, world) -> destroyed[0] = zap.getLong(name("destroyed")));
            ForgedZap.edit(
                forge,
                forge.meta().object(destroyed[0]),
                (zap, world) -> zap.putLong(world.tx, name("x"), object));
          });
    }
  }

  // ---- history

  @Test
  void historiesThatLieAreTold() {
    for (long length : new long[] {-1, 1, 4095, 1 << 20, 2 << 20, Long.MAX_VALUE}) {
      Lie.survived(
          forge -> only(forge, ObjectType.HISTORY).editBonus(b -> Disk.putU64(b, 0, length)));
    }
    for (int field : new int[] {0, 4, 8, 16}) {
      for (long value : new long[] {0, 1, 23, 0xffff, 0xffff_ffffL}) {
        Lie.survived(
            forge ->
                only(forge, ObjectType.HISTORY).editContent(c -> Disk.putU32(c, field, value)));
      }
    }
  }

  // ---- space maps

  private static void records(PoolForge forge, long claimed, long... records) {
    PoolForge.Obj map = only(forge, ObjectType.SPACE_MAP);
    long metaslab = Disk.u64(java.lang.foreign.MemorySegment.ofArray(map.record().bonus()), 0);
    map.block(0, 0)
        .edit(
            block -> {
              for (int i = 0; i < records.length; i++) {
                Disk.putU64(block, 8L * i, records[i]);
              }
            });
    map.editBonus(
        b -> {
          Disk.putU64(b, 0, metaslab);
          Disk.putU64(b, 8, 8L * records.length);
          Disk.putU64(b, 16, claimed);
        });
  }

  private static long alloc(long offset, long bytes) {
    return SpaceMapRecord.block(SpaceMapRecord.ALLOC, offset, bytes);
  }

  private static long free(long offset, long bytes) {
    return SpaceMapRecord.block(SpaceMapRecord.FREE, offset, bytes);
  }

  @Test
  void spaceMapsThatContradictThemselvesAreRefused() {
    long txg = SpaceMapRecord.txg(3);
    Lie.refused(forge -> records(forge, 8192, txg, alloc(0, 8192), alloc(4096, 4096)));
    Lie.refused(forge -> records(forge, 0, txg, alloc(0, 8192), free(4096, 4096)));
    Lie.refused(forge -> records(forge, 0, txg, free(0, 4096)));
    Lie.refused(forge -> records(forge, 0, txg, alloc(1 << 20, 4096)));
    Lie.refused(forge -> records(forge, 0, txg, alloc(0, 1L << 30)));
    Lie.refused(forge -> records(forge, 512, txg, alloc(512, 512)));
    Lie.refused(forge -> records(forge, 4096, txg, txg, alloc(0, 4096)));
    Lie.refused(forge -> records(forge, 4096, SpaceMapRecord.txg(1L << 61), alloc(0, 4096)));
    Lie.refused(forge -> records(forge, 0, SpaceMapRecord.bitmap(0, 100_000), -1, -1));
    Lie.refused(forge -> records(forge, 0, SpaceMapRecord.bitmap(0, 64), -1));
    Lie.refused(forge -> records(forge, 99, txg, alloc(0, 4096)));
  }

  @Test
  void spaceMapsThatForgetBlocksAreToldByTheCheck() {
    Lie.told(forge -> records(forge, 4096, SpaceMapRecord.txg(3), alloc(0, 4096)));
    Lie.told(forge -> records(forge, 0));
  }

  @Test
  void lengthsOfSpaceMapsThatLieAreRefused() {
    for (long length : new long[] {1L << 20, 1L << 40, -8, 7, Long.MAX_VALUE}) {
      Lie.refused(
          forge -> only(forge, ObjectType.SPACE_MAP).editBonus(b -> Disk.putU64(b, 8, length)));
    }
    for (long metaslab : new long[] {0, 2, 99, -1}) {
      Lie.refused(
          forge -> only(forge, ObjectType.SPACE_MAP).editBonus(b -> Disk.putU64(b, 0, metaslab)));
    }
  }

  @Test
  void aSpaceMapFoldedOntoItselfIsRefusedBeforeItIsReplayed() {
    Lie.refused(
        forge -> {
          PoolForge.Obj map = only(forge, ObjectType.SPACE_MAP);
          byte[] records = new byte[4096];
          for (int at = 0; at < 4096; at += 16) {
            java.lang.foreign.MemorySegment segment =
                java.lang.foreign.MemorySegment.ofArray(records);
            Disk.putU64(segment, at, alloc(0, 4096));
            Disk.putU64(segment, at + 8, free(0, 4096));
          }
          BlockPointer below = forge.store(records, ObjectType.SPACE_MAP, 0, 5, 1);
          for (int level = 1; level < 6; level++) {
            byte[] indirect = new byte[4096];
            for (int at = 0; at < 4096; at += BlockPointer.BYTES) {
              below.encode(java.lang.foreign.MemorySegment.ofArray(indirect), at);
            }
            below = forge.store(indirect, ObjectType.SPACE_MAP, level, 5, 1L << (5 * level));
          }
          BlockPointer root = below;
          long metaslab =
              Disk.u64(java.lang.foreign.MemorySegment.ofArray(map.record().bonus()), 0);
          map.set(
              d ->
                  new DnodeRecord(
                      d.type(),
                      6,
                      4096,
                      12,
                      1 << 25,
                      d.storedBytes(),
                      d.generation(),
                      false,
                      0,
                      root,
                      new SpaceMapHead(metaslab, 1L << 37, 0).encode()));
        });
  }
}
