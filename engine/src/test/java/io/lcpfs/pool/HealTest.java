package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Dva;
import io.lcpfs.format.ObjectType;
import io.lcpfs.stream.HealReport;
import io.lcpfs.stream.ReceiveOptions;
import io.lcpfs.stream.SendOptions;
import io.lcpfs.stream.StreamForge;
import io.lcpfs.stream.StreamWorld;
import io.lcpfs.vdev.TileMap;
import java.io.ByteArrayInputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiPredicate;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Blocks of a snapshot that a device has lost are written again from a stream of the same snapshot,
 * which may come from a copy that is packed in another way, and from nothing else. {@code
 * -Dlcpfs.trust.all=true} takes 60 pools instead of 3.
 */
@Timeout(300)
class HealTest {
  private static final List<String> PACKED =
      List.of("off", "lz4", "zstd", "zstd-1", "zstd-7", "lzma-1");

  private final StreamWorld world = new StreamWorld();
  private final PoolWorld engines = new PoolWorld();
  private final Kept device = new Kept(64 << 20);
  private final List<long[]> damaged = new ArrayList<>();

  @AfterEach
  void close() {
    world.close();
    engines.close();
  }

  static LongStream seeds() {
    return LongStream.rangeClosed(1, Boolean.getBoolean("lcpfs.trust.all") ? 60 : 3);
  }

  private Pool open() {
    OpenOptions options = OpenOptions.standard().withForce(true);
    return Pool.open(List.of(device), options, world.env);
  }

  private Pool create() {
    return Pool.create(
        List.of(device), CreateOptions.named("tank").withSmallDevices(true), world.env);
  }

  /** An import reads what the newest groups wrote. */
  private static void age(Pool pool) {
    for (int i = 0; i < 4; i++) {
      pool.createDataset("tank/age" + i, Map.of(), false);
      pool.sync();
    }
  }

  /** Loses copies of blocks of tank/a@s; answers how many blocks have none left. */
  private int lose(BiPredicate<Long, BlockPointer> which, int copies) {
    int[] lost = new int[1];
    try (OpenPool pool = (OpenPool) engines.open(device)) {
      TileMap tiles = pool.parts().devices.tiles();
      PoolWorld.eachBlock(
          pool,
          pool.snapshotObjects("a", "s"),
          (number, blockId, pointer) -> {
            if (!pointer.isEmbedded() && which.test(number, pointer)) {
              assertThat(Dva.isGang(pointer.dva(0))).isFalse();
              for (int copy = 0; copy < Math.min(copies, pointer.copies()); copy++) {
                long at = tiles.deviceOffset(pointer.dva(copy), 512);
                device.damage(at, 512);
                damaged.add(new long[] {at, pointer.psizeBytes()});
              }
              lost[0] += pointer.copies() <= copies ? 1 : 0;
            }
          });
    }
    return lost[0];
  }

  private List<byte[]> damagedBytes() {
    List<byte[]> found = new ArrayList<>();
    for (long[] extent : damaged) {
      byte[] bytes = new byte[(int) extent[1]];
      device.readBlocks(extent[0] / 512, bytes.length / 512, MemorySegment.ofArray(bytes));
      found.add(bytes);
    }
    return found;
  }

  private static boolean isContent(long number, BlockPointer pointer) {
    return number > 0 && pointer.level() == 0;
  }

  private static HealReport heal(Pool pool, byte[] stream) {
    return pool.streams().heal(new ByteArrayInputStream(stream), "tank/a@s", p -> {});
  }

  private static void refused(Pool pool, byte[] stream, Errno errno) {
    assertThatThrownBy(() -> heal(pool, stream))
        .isInstanceOfSatisfying(
            PoolException.class,
            e -> {
              assertThat(e.errno()).as(e.getMessage()).isEqualTo(errno);
              assertThat(e.error().message()).contains("; ");
            });
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void whatIsLostIsHealedFromACopyThatMayBePackedInAnotherWay(long seed) {
    Random random = new Random(seed);
    TreeMap<String, String> before;
    byte[] stream;
    try (Pool pool = create();
        Pool other = world.pool("other", 96 << 20)) {
      Dataset source =
          pool.createDataset(
              "tank/a",
              Map.of(
                  "recordsize",
                  Integer.toString(4096 << random.nextInt(5)),
                  "compression",
                  PACKED.get(random.nextInt(PACKED.size())),
                  "checksum",
                  random.nextInt(3) == 0 ? "sha256" : "on",
                  "copies",
                  random.nextInt(4) == 0 ? "2" : "1"),
              false);
      StreamWorld.tree(source.fileSystem(), random, 30);
      byte[] text = new byte[400_000];
      for (int i = 0; i < text.length; i++) {
        text[i] = (byte) "0123456789abcdef".charAt(random.nextInt(16));
      }
      StreamWorld.write(source.fileSystem(), "/text", 0, text);
      source.snapshot("s");
      before = StreamWorld.look(pool.snapshot("tank/a@s"));
      SendOptions as = SendOptions.FULL.withCompressed(random.nextBoolean());
      ReceiveOptions packed =
          ReceiveOptions.STANDARD.withProperties(
              Map.of("compression", PACKED.get(random.nextInt(PACKED.size()))), Set.of(), false);
      byte[] first = StreamWorld.send(pool.snapshot("tank/a@s"), as);
      other.receive(new ByteArrayInputStream(first), "other/b", packed);
      stream =
          random.nextInt(3) == 0
              ? first
              : StreamWorld.send(
                  other.snapshot("other/b@s"),
                  SendOptions.FULL.withCompressed(random.nextBoolean()));
      StreamWorld.write(source.fileSystem(), "/later", 0, text);
      age(pool);
    }
    int lost = lose((number, pointer) -> isContent(number, pointer) && random.nextInt(3) == 0, 3);
    assertThat(lost).isPositive();
    try (Pool pool = open()) {
      assertThat(pool.verify(p -> {}).findings()).isNotEmpty();
      HealReport report = heal(pool, stream);
      assertThat(report.lost()).isEmpty();
      assertThat(report.healedBlocks()).isEqualTo(lost);
      assertThat(report.healedBytes()).isPositive();
      assertThat(report.goodBlocks()).isPositive();
      assertThat(StreamWorld.look(pool.snapshot("tank/a@s"))).isEqualTo(before);
      StreamWorld.assertClean(pool);
      HealReport again = heal(pool, stream);
      assertThat(again.healedBlocks()).isZero();
      assertThat(again.goodBlocks()).isEqualTo(report.goodBlocks() + lost);
    }
    try (Pool pool = open()) {
      StreamWorld.assertClean(pool);
    }
  }

  /** A pool with a snapshot s of several blocks; answers its stream. */
  private byte[] furnished() {
    try (Pool pool = create()) {
      Dataset source = pool.createDataset("tank/a", Map.of("recordsize", "8192"), false);
      byte[] data = new byte[200_000];
      new Random(1).nextBytes(data);
      StreamWorld.write(source.fileSystem(), "/f", 0, data);
      StreamWorld.write(source.fileSystem(), "/small", 0, new byte[] {1, 2, 3});
      byte[] stream = StreamWorld.send(source.snapshot("s"), SendOptions.FULL);
      age(pool);
      return stream;
    }
  }

  @Test
  void aStreamOfAnotherSnapshotOrWithOtherContentChangesNothing() {
    byte[] stream = furnished();
    byte[] other;
    try (Pool pool = open()) {
      StreamWorld.write(pool.dataset("tank/a").fileSystem(), "/f", 0, new byte[9000]);
      other = StreamWorld.send(pool.dataset("tank/a").snapshot("t"), SendOptions.FULL);
      age2(pool);
    }
    int lost = lose(HealTest::isContent, 3);
    List<byte[]> noise = damagedBytes();
    List<byte[]> records = StreamForge.records(stream);
    int forged = 0;
    for (byte[] record : records) {
      if (record[0] == 5 && record.length > 5000) {
        record[100 + forged++ % 3000] ^= 4;
      }
    }
    assertThat(forged).isGreaterThan(20);
    try (Pool pool = open()) {
      refused(pool, other, Errno.EINVAL);
      refused(pool, new byte[0], Errno.EINVAL);
      refused(pool, java.util.Arrays.copyOf(stream, 70), Errno.EIO);
      HealReport report = heal(pool, StreamForge.signed(stream, records));
      assertThat(report.lostBlocks()).isGreaterThanOrEqualTo(forged);
      assertThat(report.healedBlocks()).isEqualTo(lost - forged);
      pool.sync();
    }
    List<byte[]> after = damagedBytes();
    int same = 0;
    for (int i = 0; i < noise.size(); i++) {
      same += java.util.Arrays.equals(noise.get(i), after.get(i)) ? 1 : 0;
    }
    assertThat(same).isEqualTo(forged);
    try (Pool pool = open()) {
      assertThat(heal(pool, stream).healedBlocks()).isEqualTo(forged);
      StreamWorld.assertClean(pool);
    }
  }

  private static void age2(Pool pool) {
    for (int i = 0; i < 4; i++) {
      pool.createDataset("tank/later" + i, Map.of(), false);
      pool.sync();
    }
  }

  @Test
  void ofSeveralCopiesOneThatIsLeftIsEnough() {
    byte[] stream = furnished();
    // Metadata has two copies: the blocks of the directory's ZAP are repaired as they are read.
    assertThat(
            lose((n, p) -> isContent(n, p) && p.copies() > 1, 1)
                + lose((n, p) -> n == 0 && p.type() == ObjectType.DNODE && p.level() == 0, 1))
        .isZero();
    try (Pool pool = open()) {
      HealReport report = heal(pool, stream);
      assertThat(report.healedBlocks()).isZero();
      assertThat(report.lostBlocks()).isZero();
      StreamWorld.assertClean(pool);
    }
  }

  @Test
  void whatNoStreamHasIsToldAndLeft() {
    byte[] stream = furnished();
    // Small contents lie in a block with others; indirect blocks are in no stream.
    assertThat(lose((n, p) -> p.type() == ObjectType.TAILS && p.level() == 0, 3)).isPositive();
    List<byte[]> noise = damagedBytes();
    try (Pool pool = open()) {
      HealReport report = heal(pool, stream);
      assertThat(report.lostBlocks()).isEqualTo(1);
      assertThat(report.lost()).singleElement().asString().contains("3 bytes from 0");
      assertThat(damagedBytes()).containsExactlyElementsOf(noise);
    }
    assertThat(lose((n, p) -> n > 0 && p.level() > 0, 3)).isPositive();
    try (Pool pool = open()) {
      HealReport report = heal(pool, stream);
      assertThat(report.healedBlocks()).isZero();
      assertThat(report.lostBlocks()).isEqualTo(1 + (200_000 + 8191) / 8192);
    }
  }
}
