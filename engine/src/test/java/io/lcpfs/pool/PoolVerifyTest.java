package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Compression;
import io.lcpfs.env.RealEnv;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.Dva;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SpaceMapHead;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.vdev.TileMap;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PoolVerifyTest {
  private static final long TX = 100_000;

  private final RealEnv env = new RealEnv();
  private final Kept device = new Kept(96 << 20);
  private OpenPool pool;

  @BeforeEach
  void create() {
    Tuning tuning =
        Tuning.standard()
            .withCacheBytes(32L << 20)
            .withDirtyBytes(8L << 20)
            .withTxgTimeoutNanos(3_600_000_000_000L)
            .withPoison(true);
    pool =
        (OpenPool)
            PoolEngines.create(
                List.of(device), CreateOptions.named("tank").withTuning(tuning), env);
    pool.createDataset("a", new TreeMap<>());
    pool.createDataset("a/b", new TreeMap<>());
  }

  @AfterEach
  void close() {
    pool.close();
    env.close();
  }

  private List<VerifyReport.Finding> verify() {
    return pool.verify(p -> {}).findings();
  }

  private void assertFound(String check, String what) {
    List<VerifyReport.Finding> findings = verify();
    assertThat(findings)
        .as("all findings")
        .anySatisfy(
            finding -> {
              assertThat(finding.check()).isEqualTo(check);
              assertThat(finding.where() + ": " + finding.what()).contains(what);
            });
  }

  /** Changes a ZAP of the pool's own, behind the back of its owner. */
  private void change(long object, BiConsumer<Tx, Zap> how) {
    try (Dnode dnode = pool.meta().hold(object);
        Tx tx = pool.meta().begin(TX)) {
      how.accept(tx, Zap.open(dnode, env));
    }
    pool.sync();
  }

  private long entry(String name) {
    try (Dnode directory = pool.meta().hold(MetaDirectory.OBJECT)) {
      return Zap.open(directory, env).getLong(name.getBytes(UTF_8));
    }
  }

  private DatasetRecord record(long object) {
    try (Dnode dnode = pool.meta().hold(object)) {
      return DatasetRecord.decode(dnode.bonus());
    }
  }

  private long child(long parent, String name) {
    try (Dnode dnode = pool.meta().hold(record(parent).childrenZap())) {
      return Zap.open(dnode, env).getLong(name.getBytes(UTF_8));
    }
  }

  private void setBonus(long object, byte[] bonus) {
    try (Dnode dnode = pool.meta().hold(object);
        Tx tx = pool.meta().begin(TX)) {
      dnode.setBonus(tx, bonus);
    }
    pool.sync();
  }

  private void fill(String dataset, int objects, int bytes) {
    ObjectSet set =
        pool.objectSet(
            dataset, new DatasetPolicy(Compression.OFF, ChecksumType.BLAKE3, 131_072, 1, false));
    Random random = new Random(objects);
    byte[] content = new byte[bytes];
    for (int i = 0; i < objects; i++) {
      random.nextBytes(content);
      try (Tx tx = set.begin(bytes + TX);
          Dnode dnode = set.create(tx, ObjectType.FILE, 512)) {
        dnode.write(tx, 0, MemorySegment.ofArray(content), 0, bytes, 131_072);
      }
    }
    pool.sync();
  }

  @Test
  void aSoundPoolIsCleanAndEverythingIsCounted() {
    fill("a", 70, 3000);
    fill("a/b", 5, 700_000);
    VerifyReport report = pool.verify(p -> {});
    assertThat(report.findings()).isEmpty();
    assertThat(report.counts().get("datasets")).isEqualTo(3);
    assertThat(report.counts().get("bytes allocated")).isEqualTo(report.bytesChecked());
  }

  @Test
  void everyObjectThatNothingRefersToIsFound() {
    long orphan;
    try (Tx tx = pool.meta().begin(TX);
        Dnode dnode = pool.meta().create(tx, ObjectType.ZAP, 512)) {
      Zap.create(tx, dnode, env);
      orphan = dnode.number();
    }
    assertFound("ReferenceCheck", "pool object " + orphan + ": a ZAP that nothing refers to");
  }

  @Test
  void everyHoleInTheDirectoryIsFound() {
    long history = entry(MetaDirectory.HISTORY);
    change(MetaDirectory.OBJECT, (tx, zap) -> zap.remove(tx, "history".getBytes(UTF_8)));
    assertFound("DirectoryCheck", "'history' is missing");
    assertFound("ReferenceCheck", "pool object " + history + ": a HISTORY that nothing");
    change(MetaDirectory.OBJECT, (tx, zap) -> zap.putLong(tx, "history".getBytes(UTF_8), 999));
    assertFound("ReferenceCheck", "refers to object 999, which is no HISTORY");
    change(
        MetaDirectory.OBJECT,
        (tx, zap) -> {
          zap.putLong(tx, "history".getBytes(UTF_8), history);
          zap.putLong(tx, "strange".getBytes(UTF_8), history);
        });
    assertFound("DirectoryCheck", "unknown name 'strange'");
  }

  @Test
  void everyDatasetThatIsInTheTreeTwiceIsFoundAndTheWalkEnds() {
    long root = entry(MetaDirectory.ROOT_DATASET);
    long a = child(root, "a");
    long b = child(a, "b");
    change(record(b).childrenZap(), (tx, zap) -> zap.putLong(tx, "loop".getBytes(UTF_8), a));
    assertFound(
        "ReferenceCheck",
        "dataset /a/b/loop: refers to object " + a + ", which something else refers to");
  }

  @Test
  void everyDatasetOutsideTheTreeIsFound() {
    long root = entry(MetaDirectory.ROOT_DATASET);
    long a = child(root, "a");
    change(record(root).childrenZap(), (tx, zap) -> zap.remove(tx, "a".getBytes(UTF_8)));
    assertFound("ReferenceCheck", "pool object " + a + ": a DATASET that nothing refers to");
  }

  @Test
  void everyChildThatIsNoDatasetOrBadlyNamedIsFound() {
    long root = entry(MetaDirectory.ROOT_DATASET);
    long children = record(root).childrenZap();
    change(
        children,
        (tx, zap) -> {
          zap.putLong(tx, "zap".getBytes(UTF_8), record(root).propertiesZap());
          zap.putLong(tx, "x/y".getBytes(UTF_8), 77);
          zap.put(tx, "short".getBytes(UTF_8), new byte[] {1});
          zap.putLong(tx, new byte[] {(byte) 0xC3}, 5);
        });
    assertFound("ReferenceCheck", "dataset /zap: refers to object");
    assertFound("DatasetCheck", "a child with the name 'x/y'");
    assertFound("DirectoryCheck", "'short' has 1 bytes");
    assertFound("DirectoryCheck", "a name that is not UTF-8");
  }

  @Test
  void everyGuidOfTwoDatasetsIsFoundAndWrongSumsToo() {
    long a = child(entry(MetaDirectory.ROOT_DATASET), "a");
    DatasetRecord old = record(a);
    setBonus(
        a,
        new DatasetRecord(
                record(child(a, "b")).guid(),
                old.creationTxg(),
                0,
                old.childrenZap(),
                old.propertiesZap(),
                4096,
                0,
                0,
                0,
                old.snapshots(),
                old.heritage(),
                old.remains(),
                old.objectSet())
            .encode());
    assertFound("DatasetCheck", "another dataset has its guid");
    assertFound("DatasetCheck", "used_bytes is 4096, found 0");
  }

  @Test
  void everyDatasetThatDoesNotDecodeIsFound() {
    long a = child(entry(MetaDirectory.ROOT_DATASET), "a");
    setBonus(a, new byte[3]);
    assertFound("DatasetCheck", "dataset /a: corrupt dataset.size: value 3");
  }

  @Test
  void everyEntryOfDestroyedDatasetsIsChecked() {
    change(
        entry(MetaDirectory.DESTROYED),
        (tx, zap) -> {
          zap.putLong(tx, "12".getBytes(UTF_8), child(entry(MetaDirectory.ROOT_DATASET), "a"));
        });
    assertFound("DatasetCheck", "destroyed dataset 12: is object");
    assertFound("ReferenceCheck", "destroyed dataset 12: refers to object");
  }

  @Test
  void everyMissingStrangeOrSharedSpaceMapIsFound() {
    long maps = entry(MetaDirectory.SPACE_MAPS);
    long second = pool.spaceMaps().object(2).number();
    change(
        maps,
        (tx, zap) -> {
          zap.remove(tx, "1".getBytes(UTF_8));
          zap.putLong(tx, "3".getBytes(UTF_8), second);
          zap.putLong(tx, "four".getBytes(UTF_8), second);
        });
    assertFound("SpaceMapCheck", "space map of metaslab 1: is missing");
    assertFound("ReferenceCheck", "space map of metaslab 3: refers to object " + second);
    assertFound("SpaceMapCheck", "'four' is no metaslab's id");
  }

  /**
   * Writes heads that the sync does not write anew, which those of maps are that change meanwhile.
   */
  private void spoilHeads(long metaslabDelta, long lengthDelta, long allocatedDelta) {
    try (Tx tx = pool.meta().begin(TX)) {
      for (var metaslab : pool.parts().allocator.metaslabs()) {
        Dnode map = pool.spaceMaps().object(metaslab.id());
        SpaceMapHead head = SpaceMapHead.decode(map.bonus());
        map.setBonus(
            tx,
            new SpaceMapHead(
                    head.metaslab() + metaslabDelta,
                    head.lengthBytes() + lengthDelta,
                    head.allocatedBytes() + allocatedDelta)
                .encode());
      }
    }
    pool.sync();
  }

  private void bindManyMetaslabs() {
    fill("a", 40, 700_000);
  }

  @Test
  void everyHeadThatDoesNotFitItsRecordsIsFound() {
    bindManyMetaslabs();
    assertThat(verify()).isEmpty();
    spoilHeads(0, 0, 8192);
    assertFound("SpaceMapCheck", "allocated_bytes is");
  }

  @Test
  void everyHeadOfAnotherMetaslabIsFound() {
    bindManyMetaslabs();
    spoilHeads(1, 0, 0);
    assertFound("SpaceMapCheck", "is that of metaslab");
  }

  @Test
  void everyHeadLongerThanItsObjectIsFound() {
    bindManyMetaslabs();
    // The sync itself would refuse a map that it has to write: take one that it leaves alone.
    TreeMap<Integer, byte[]> resting = new TreeMap<>();
    pool.parts()
        .allocator
        .metaslabs()
        .forEach(
            metaslab -> resting.put(metaslab.id(), pool.spaceMaps().object(metaslab.id()).bonus()));
    for (int i = 0; i < 4; i++) {
      setBonus(entry(MetaDirectory.HISTORY), History.emptyBonus());
      resting
          .entrySet()
          .removeIf(
              entry ->
                  !Arrays.equals(
                      pool.spaceMaps().object(entry.getKey()).bonus(), entry.getValue()));
    }
    SpaceMapHead head = SpaceMapHead.decode(resting.firstEntry().getValue());
    setBonus(
        pool.spaceMaps().object(resting.firstKey()).number(),
        new SpaceMapHead(head.metaslab(), 1 << 30, head.allocatedBytes()).encode());
    assertFound("SpaceMapCheck", "bytes of records in");
  }

  @Test
  void everyLeakAndEveryMapThatMemoryContradictsIsFound() {
    pool.sync();
    pool.parts()
        .sync
        .whileStill(
            () -> {
              // Allocated for a group that has not come: neither a block nor a record knows of it.
              pool.parts()
                  .allocator
                  .allocate(8192, pool.parts().txgs.openTxg(), Dva.NONE, Dva.NONE);
              List<VerifyReport.Finding> findings =
                  new PoolVerify(
                          pool.parts().context,
                          pool.parts().sync.committed().root(),
                          pool.parts().allocator,
                          pool.parts().devices.tiles(),
                          p -> {})
                      .run()
                      .findings();
              assertThat(findings)
                  .anySatisfy(
                      f ->
                          assertThat(f.what())
                              .contains("8192 bytes: is allocated, but no block is there"));
              assertThat(findings)
                  .anySatisfy(
                      f -> assertThat(f.what()).contains("in memory").contains("are allocated"));
            });
  }

  @Test
  void everyHistoryThatDoesNotDecodeIsFound() {
    pool.addHistory("me", "did it");
    assertThat(verify()).isEmpty();
    setBonus(entry(MetaDirectory.HISTORY), new byte[] {5, 0, 0, 0, 0, 0, 0, 0});
    assertFound("HistoryCheck", "history: corrupt history.record");
  }

  @Test
  void everyDamagedCopyIsFoundOnceInTheSameOrder() {
    fill("a", 30, 1_000_000);
    ObjectSet set = pool.objectSet("a", DatasetPolicy.DEFAULT);
    TileMap tiles = pool.parts().devices.tiles();
    List<String> spoiled = new ArrayList<>();
    int[] seen = {0};
    PoolWorld.eachBlock(
        pool,
        set,
        (object, blockId, pointer) -> {
          if (pointer.type() == ObjectType.FILE && pointer.level() == 0 && seen[0]++ % 3 == 0) {
            device.damage(tiles.deviceOffset(pointer.dva(0), 512), 512);
            spoiled.add("copy 0 of " + pointer);
          }
        });
    assertThat(spoiled).hasSizeGreaterThan(50);
    List<VerifyReport.Finding> first = verify();
    assertThat(first).hasSameSizeAs(spoiled);
    for (int i = 0; i < first.size(); i++) {
      assertThat(first.get(i).what()).startsWith(spoiled.get(i));
    }
    assertThat(verify()).isEqualTo(first);
  }
}
