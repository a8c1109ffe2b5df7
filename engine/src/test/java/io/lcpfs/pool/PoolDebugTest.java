package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Compression;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.Dva;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.TreeWalk;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PoolDebugTest {
  private static final long TX = 200_000;
  private static final String SMALL = "a small content that a person can read";

  private final RealEnv env = new RealEnv();
  private final Kept device = new Kept(96 << 20);
  private OpenPool pool;
  private long small;
  private long large;
  private long zap;

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
    ObjectSet objects = objects();
    try (Tx tx = objects.begin(3_000_000)) {
      try (Dnode dnode = objects.create(tx, ObjectType.FILE, 512)) {
        small = dnode.number();
        byte[] text = SMALL.getBytes(StandardCharsets.UTF_8);
        dnode.write(tx, 0, MemorySegment.ofArray(text), 0, text.length, 131_072);
        dnode.setBonus(tx, "bonus of a file".getBytes(StandardCharsets.UTF_8));
      }
      try (Dnode dnode = objects.create(tx, ObjectType.FILE, 512)) {
        large = dnode.number();
        byte[] content = new byte[1_000_000];
        new Random(1).nextBytes(content);
        dnode.write(tx, 0, MemorySegment.ofArray(content), 0, content.length, 131_072);
        dnode.write(tx, 50L * 131_072, MemorySegment.ofArray(content), 0, 1000, 131_072);
      }
      try (Dnode dnode = objects.create(tx, ObjectType.DIRECTORY, 512)) {
        zap = dnode.number();
        Zap.create(tx, dnode, env);
        for (int i = 0; i < 1500; i++) {
          Zap.open(dnode, env).putLong(tx, ("name" + i).getBytes(StandardCharsets.UTF_8), i);
        }
      }
    }
    pool.sync();
  }

  @AfterEach
  void close() {
    pool.close();
    env.close();
  }

  private ObjectSet objects() {
    return pool.objectSet(
        "a/b", new DatasetPolicy(Compression.OFF, ChecksumType.BLAKE3, 131_072, 1, false));
  }

  private String print(String what, String... arguments) {
    String text = pool.debug(what, List.of(arguments));
    assertThat(text).endsWith("\n");
    return text;
  }

  @Test
  void labelsShowConfigurationActivityRingAndLayoutSlots() {
    String text = print("label");
    assertThat(text)
        .contains(
            "label 0 at 0",
            "label 3 at",
            "pool 'tank'",
            "ACTIVE",
            "no sign of activity",
            "configuration as before",
            "uberblock ring:",
            "of 32 slots",
            "layout slot B front",
            "layout slot A back",
            "sectors of 4096");
    assertThat(print("label", "verbose").lines().count()).isGreaterThan(text.lines().count());
    assertThat(PoolEngines.debugDevice(device, "label", List.of())).isEqualTo(text);
  }

  @Test
  void whatWasCommittedIsShown() {
    assertThat(print("uberblock"))
        .contains(
            "uberblock of txg " + pool.status().txg(),
            "meta object set OBJECT_SET L0",
            "checkpoint txg 0");
    assertThat(print("layout")).contains("metaslab 1: group 0, single, NORMAL", "device:tile 0:0");
    assertThat(print("config"))
        .contains("feature tail_blocks (incompatible)", "device 0 of group 0");
  }

  @Test
  void thePoolsOwnObjectsAndAllDatasetsAreListed() {
    assertThat(print("mos"))
        .contains(
            "object 1: ZAP, levels 1",
            "space_maps -> object ",
            "root_dataset -> object ",
            ": SPACE_MAP, levels 1",
            ": HISTORY");
    String datasets = print("dataset");
    assertThat(datasets.lines().map(line -> line.replaceAll(":.*", "")).toList())
        .containsExactly("/", "/a", "/a/b");
    String one = print("dataset", "a/b");
    assertThat(one)
        .contains(
            "file system, created in txg",
            "3 objects",
            "object " + small + ": FILE",
            "in tail " + SMALL.length());
    assertThat(print("dataset", "/a/b").replace("/a/b", "a/b")).isEqualTo(one);
    assertThat(print("dataset", "tank/a/b").replace("tank/a/b", "a/b")).isEqualTo(one);
    String number = datasets.lines().toList().get(2).replaceAll(".*: object (\\d+),.*", "$1");
    assertThat(print("dataset", number)).contains("object " + small + ": FILE");
    assertThat(print("dataset", "tank")).contains("no objects");
  }

  @Test
  void objectsShowDnodeBonusTailAndTree() {
    assertThat(print("object", "a/b", "" + small))
        .contains(
            "FILE, levels 1",
            "slot " + small + " of tail block 0",
            "|bonus of a file|",
            "level 0: 0 blocks, 0 bytes");
    assertThat(print("object", "a/b", "" + small, "-v")).contains("|a small content |");
    assertThat(print("object", "a/b", "" + large))
        .contains("level 1: 1 blocks", "level 0: 9 blocks, 1179648 bytes");
    assertThat(print("object", "a/b", "" + large, "-v"))
        .contains("level 0 block 50: FILE L0")
        .doesNotContain("level 0 block 49:");
    assertThat(print("object", "a/b", "dnodes", "-v")).contains("level 0 block 0: DNODE L0");
    String number =
        print("dataset").lines().toList().get(1).replaceAll(".*: object (\\d+),.*", "$1");
    assertThat(print("object", "mos", number)).contains("DATASET", "guid ", "children in object");
  }

  @Test
  void blocksShowBytesAsStoredAndAsDecoded() {
    String pointer = print("block", "a/b", "" + large, "0", "3");
    assertThat(pointer).contains("level 0 block 3 of object " + large + ": FILE L0");
    String address =
        pointer.lines().findFirst().orElseThrow().replaceAll(".*FILE L0 ([0-9a-f:]+) .*", "$1");
    List<String> decoded = pointer.lines().skip(1).toList();
    assertThat(print("block", address + ":131072").lines().skip(1).toList()).isEqualTo(decoded);
    assertThat(print("block", address).lines().count()).isEqualTo(1 + 4096 / 16);
    assertThat(print("block", address + ":100").lines().count()).isEqualTo(1 + 7);
    assertThat(print("block", "a/b", "" + large, "1", "0"))
        .contains("level 0 block 7: FILE", "level 0 block 50: FILE")
        .doesNotContain("block 20:");
    assertThat(print("block", "a/b", "" + large, "0", "20")).contains(": hole");
    assertThat(print("block", "a/b", "" + small, "0", "0")).contains("|a small content |");
    assertThat(print("block", "a/b", "tails", "0", "0")).contains("TAILS L0", "a small content");
  }

  @Test
  void zapsAndSpaceMapsAreDecoded() {
    assertThat(print("zap", "a/b", "" + zap)).contains("tree of level 1", "\"name1499\" = 0x5db");
    assertThat(print("zap", "mos", "1")).contains("\"root_dataset\" = 0x");
    assertThat(print("spacemap")).contains("metaslab 1: 1048576 bytes, allocated ", "in object");
    assertThat(print("spacemap", "1"))
        .contains("space map of metaslab 1 in object", "txg ", "alloc 0 ");
  }

  @Test
  void gangsShowTheirPiecesAndWhatIsNoneIsSaid() {
    List<BlockPointer> gangs = new ArrayList<>();
    ObjectSet objects = objects();
    byte[] content = new byte[16 << 20];
    new Random(2).nextBytes(content);
    try (Tx tx = objects.begin(17 << 20);
        Dnode dnode = objects.create(tx, ObjectType.FILE, 512)) {
      // Larger than a quarter of a metaslab: it takes a gang, whatever is free.
      dnode.write(tx, 0, MemorySegment.ofArray(content), 0, 1 << 20, 1 << 20);
    }
    pool.sync();
    pool.parts()
        .sync
        .whileStill(
            () ->
                new TreeWalk(
                        pool.parts().context,
                        new TreeWalk.Visitor() {
                          @Override
                          public boolean block(long object, long blockId, BlockPointer pointer) {
                            if (Dva.isGang(pointer.dva(0))) {
                              gangs.add(pointer);
                            }
                            return true;
                          }

                          @Override
                          public void object(long number, DnodeRecord dnode) {}

                          @Override
                          public void damaged(String where, String what) {
                            throw new AssertionError(where + what);
                          }
                        })
                    .objectSet(objects.root()));
    assertThat(gangs).isNotEmpty();
    assertThat(print("gang", Dva.toString(gangs.getFirst().dva(0))))
        .contains("gang header at", "1048576 bytes", "GANG_HEADER L0");
    assertThat(print("gang", "1:0")).contains("problem: no gang header at 1:0: corrupt gang.magic");
    assertThat(pool.verify(p -> {}).findings()).isEmpty();
  }

  @Test
  void everyTextEndsAtItsLimitAndSaysSo() {
    for (String[] words :
        new String[][] {
          {"label"},
          {"mos"},
          {"layout"},
          {"dataset", "a/b"},
          {"object", "a/b", "" + large, "verbose"},
          {"zap", "a/b", "" + zap},
          {"spacemap", "1"},
          {"block", "a/b", "" + large, "0", "0"}
        }) {
      List<String> arguments = new ArrayList<>(List.of(words).subList(1, words.length));
      arguments.add("limit=3");
      String text = pool.debug(words[0], arguments);
      assertThat(text.lines().count()).as(words[0]).isEqualTo(4);
      assertThat(text).endsWith("... stopped after 3 lines; limit=LINES gives more\n");
    }
  }

  /** Requests, each in a line of words. */
  private static final String[] NOT_UNDERSTOOD = {
    "",
    "nonsense",
    "label 1",
    "object",
    "object a/b",
    "object a/b x",
    "object a/b 0",
    "object a/b -1",
    "object a/b 999999999",
    "object a/b 99999999999999999999",
    "object nowhere 1",
    "object a//b 1",
    "object 3 1",
    "object 999 1",
    "object mos 77777",
    "dataset a/b/c",
    "dataset x y",
    "block",
    "block 1",
    "block 1:zz",
    "block 1:-200",
    "block 0:0",
    "block 9999999:0",
    "block 1:1",
    "block 1:200",
    "block 1:0:0",
    "block 1:0:99999999",
    "block 1:ff000:8192",
    "block 1:ffffffffffffffff",
    "block 1:0:1:1",
    "block a/b 1 9 0",
    "block a/b 1 0 -1",
    "block a/b 1 x 0",
    "zap a/b 1",
    "zap a/b",
    "zap a/b tails",
    "spacemap 0",
    "spacemap 8000",
    "spacemap x",
    "gang",
    "gang 1",
    "gang 1:fffff000:1",
    "label limit=0",
    "label limit=x",
    "label limit=99999999"
  };

  @Test
  void everyRequestThatIsNotUnderstoodIsRefusedWithWhatIs() {
    for (String line : NOT_UNDERSTOOD) {
      List<String> words = List.of(line.split(" "));
      assertThatThrownBy(() -> pool.debug(words.getFirst(), words.subList(1, words.size())))
          .as(line)
          .isInstanceOfSatisfying(
              PoolException.class,
              e -> {
                assertThat(e.errno()).as(e.error().message()).isEqualTo(Errno.EINVAL);
                assertThat(e.error().message())
                    .matches(".*(understood|list|multiple|metaslab|sectors).*");
              });
    }
  }

  @Test
  void aDeviceWithoutAPoolAndOtherWordsAreAnswered() {
    try (RamDevice empty = new RamDevice("empty", 512, (64 << 20) / 512)) {
      assertThat(PoolEngines.debugDevice(empty, "label", List.of()))
          .contains("device empty", "no intact configuration", "uberblock ring: 0 intact");
      assertThatThrownBy(() -> PoolEngines.debugDevice(empty, "mos", List.of()))
          .hasMessageContaining("understood is: label");
    }
    try (RamDevice tiny = new RamDevice("tiny", 512, 64)) {
      assertThat(PoolEngines.debugDevice(tiny, "label", List.of()))
          .contains("problem: tiny is too small");
    }
  }

  @Test
  void damageIsToldInTheText() {
    device.damage(512 * 1024 - 128 * 1024, 4096);
    assertThat(print("label", "verbose")).contains("problem: ram: uberblock slot");
    String pointer = print("block", "a/b", "" + large, "0", "3").lines().findFirst().orElseThrow();
    DebugArguments.Address at =
        DebugArguments.address(pointer.replaceAll(".*FILE L0 ([0-9a-f:]+) .*", "$1"), "");
    device.damage(pool.parts().devices.tiles().deviceOffset(at.dva(), 4096), 4096);
    assertThat(print("block", "a/b", "" + large, "0", "3")).contains("problem: no intact copy");
    long a =
        Long.parseLong(
            print("dataset").lines().toList().get(1).replaceAll(".*: object (\\d+),.*", "$1"));
    try (Tx tx = pool.meta().begin(TX);
        Dnode dnode = pool.meta().hold(a)) {
      dnode.setBonus(tx, new byte[7]);
    }
    pool.sync();
    assertThat(print("dataset")).contains("/a: object " + a + ", problem: corrupt dataset.size");
    assertThat(print("dataset", "" + a)).isEqualTo("problem: corrupt dataset.size: value 7\n");
    assertThat(print("object", "mos", "" + a)).contains("problem: corrupt dataset.size");
  }
}
