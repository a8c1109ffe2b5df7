package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What happens where the space ends. */
@Timeout(300)
class FullPoolTest {
  private static final int POOL_BYTES = 32 << 20;
  private static final int ROUNDS = 20;

  /** How much the same filling may differ from round to round. */
  private static final double TOLERANCE = 0.04;

  private static final int FILE_BYTES = 256 << 10;

  private final PoolWorld world = new PoolWorld();
  private final MemoryDisk disk = MemoryDisk.ofBytes(512, POOL_BYTES);
  private final Random random = new Random(11);
  private final MemorySegment noise = MemorySegment.ofArray(noise(4 << 20));

  private byte[] noise(int bytes) {
    byte[] content = new byte[bytes];
    random.nextBytes(content);
    return content;
  }

  @AfterEach
  void close() {
    world.close();
  }

  /** Runs {@code step} until there is no space; any other failure is the test's. */
  private static long untilFull(Runnable step) {
    for (long steps = 0; ; steps++) {
      try {
        step.run();
      } catch (PoolException e) {
        assertThat(e.errno()).as(e.getMessage()).isEqualTo(Errno.ENOSPC);
        return steps;
      }
    }
  }

  private static void assertSame(List<Long> sizes) {
    long first = sizes.getFirst();
    assertThat(sizes.getLast()).as("of " + sizes).isGreaterThan((long) (first * 0.95));
    assertThat(sizes)
        .allSatisfy(
            size ->
                assertThat((double) size)
                    .as("of " + sizes)
                    .isBetween(first * (1 - TOLERANCE), first * (1 + TOLERANCE)));
  }

  /** Space comes back some groups after it was freed. */
  private static void settle(PoolEngine pool) {
    for (int i = 0; i < 4; i++) {
      pool.sync();
      pool.addHistory("test", "settle");
    }
    pool.sync();
  }

  private MemorySegment noiseAt(int bytes) {
    return noise.asSlice(random.nextInt(4 << 10) * 64L, bytes);
  }

  private static void put(ObjectSet objects, List<Long> made, MemorySegment content) {
    put(objects, made, content, 131_072);
  }

  private static void put(
      ObjectSet objects, List<Long> made, MemorySegment content, int recordBytes) {
    int bytes = (int) content.byteSize();
    try (Tx tx = objects.begin(bytes + 10_000L);
        Dnode dnode = objects.create(tx, ObjectType.FILE, 512)) {
      dnode.write(tx, 0, content, 0, bytes, recordBytes);
      made.add(dnode.number());
    }
  }

  private static void removeAll(ObjectSet objects, List<Long> numbers) {
    for (long number : numbers) {
      try (Dnode dnode = objects.hold(number);
          Tx tx = objects.beginFreeing(10_000)) {
        dnode.free(tx);
      }
    }
  }

  private long fillOnce(ObjectSet objects, int kind, List<Long> made) {
    return switch (kind) {
      case 0 -> untilFull(() -> put(objects, made, noiseAt(FILE_BYTES))) * FILE_BYTES;
      case 1 -> untilFull(() -> put(objects, made, noiseAt(600))) * 600;
      case 2 -> untilFull(() -> put(objects, made, noiseAt(5000))) * 5000;
      default -> untilFull(() -> put(objects, made, noiseAt(131_072 * 2 + 1))) * 262_145;
    };
  }

  @Test
  void aPoolFilledAndEmptiedTwentyTimesStaysSoundAndAsLarge() {
    List<List<Long>> sizes =
        List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    try (PoolEngine pool = world.create(disk)) {
      ObjectSet objects = PoolWorld.objects(pool);
      for (int round = 0; round < ROUNDS; round++) {
        int kind = round % 4;
        List<Long> made = new ArrayList<>();
        sizes.get(kind).add(fillOnce(objects, kind, made));
        PoolWorld.assertClean(pool);
        removeAll(objects, made);
        settle(pool);
        PoolWorld.assertClean(pool);
        assertThat(objects.objectCount()).isZero();
      }
      sizes.forEach(FullPoolTest::assertSame);
      assertThat(sizes.getFirst().getFirst()).isGreaterThan(POOL_BYTES / 2);
    }
    try (PoolEngine pool = world.open(disk)) {
      PoolWorld.assertClean(pool);
    }
  }

  @Test
  void everyDeletionInAFullPoolOfTinyObjectsWorksInAnyOrder() {
    try (PoolEngine pool = world.create(disk)) {
      ObjectSet objects = PoolWorld.objects(pool);
      List<Long> made = new ArrayList<>();
      assertThat(untilFull(() -> put(objects, made, noiseAt(100)))).isGreaterThan(10_000);
      List<Long> some = made.stream().filter(n -> n % 32 == 5).toList();
      removeAll(objects, some);
      pool.sync();
      PoolWorld.assertClean(pool);
      made.removeAll(Set.copyOf(some));
      Collections.shuffle(made, random);
      removeAll(objects, made.subList(0, 1000));
      List<Long> rest = new ArrayList<>(made.subList(1000, made.size()));
      Collections.sort(rest);
      removeAll(objects, rest);
      settle(pool);
      PoolWorld.assertClean(pool);
    }
  }

  @Test
  void everyOverwriteInAFullPoolSucceedsOrFindsNoSpace() {
    try (PoolEngine pool = world.create(disk)) {
      ObjectSet objects = PoolWorld.objects(pool);
      List<Long> made = new ArrayList<>();
      untilFull(() -> put(objects, made, noiseAt(FILE_BYTES)));
      pool.sync();
      int refused = 0;
      for (int i = 0; i < 400; i++) {
        int bytes = random.nextInt(3) == 0 ? 131_072 : 4096;
        try (Dnode dnode = objects.hold(made.get(random.nextInt(made.size())));
            Tx tx = objects.begin(bytes + 200_000L)) {
          dnode.write(tx, random.nextInt(FILE_BYTES - bytes), noiseAt(bytes), 0, bytes, 131_072);
        } catch (PoolException e) {
          assertThat(e.errno()).as(e.getMessage()).isEqualTo(Errno.ENOSPC);
          refused++;
        }
      }
      assertThat(refused).isPositive();
      PoolWorld.assertClean(pool);
      removeAll(objects, made);
      settle(pool);
      List<Long> again = new ArrayList<>();
      assertThat(untilFull(() -> put(objects, again, noiseAt(FILE_BYTES))))
          .isGreaterThanOrEqualTo((long) (made.size() * (1 - TOLERANCE)));
      PoolWorld.assertClean(pool);
    }
  }

  @ParameterizedTest
  @CsvSource({"4096,5000", "4096,9000", "512,1300", "512,4700", "4096,100000"})
  void aPoolWithoutContiguousSpaceTakesRecordsOfAnySize(int sectorBytes, int fragmentBytes) {
    try (PoolEngine pool =
        PoolEngines.create(
            List.of(disk),
            CreateOptions.named("tank")
                .withSmallDevices(true)
                .withSectorBytes(sectorBytes)
                .withTuning(world.tuning),
            world.env)) {
      ObjectSet objects = PoolWorld.objects(pool);
      List<Long> made = new ArrayList<>();
      // Two blocks each, the second of which cannot be packed with others.
      untilFull(() -> put(objects, made, noiseAt(fragmentBytes), fragmentBytes / 1024 * 512));
      pool.sync();
      List<Long> half = new ArrayList<>();
      for (int i = 0; i < made.size(); i += 2) {
        half.add(made.get(i));
      }
      removeAll(objects, half);
      settle(pool);
      List<Long> large = new ArrayList<>();
      long free = pool.availableBytes();
      int record = 1 << 20;
      long files = untilFull(() -> put(objects, large, noiseAt(record), record));
      assertThat(files * record).isGreaterThan((free - (2 << 20)) * 2 / 3);
      PoolWorld.assertClean(pool);
      removeAll(objects, large);
      made.removeAll(Set.copyOf(half));
      removeAll(objects, made);
      settle(pool);
      PoolWorld.assertClean(pool);
      assertThat(pool.status().problems()).isEmpty();
    }
  }

  @Test
  void aFullFileSystemCanAlwaysBeDeletedFrom() {
    List<Long> counts = new ArrayList<>();
    try (PoolEngine pool = world.create(disk)) {
      PosixFileSystem fs = world.format(pool);
      ArrayDeque<byte[]> names = new ArrayDeque<>();
      for (int round = 0; round < 3; round++) {
        long before = names.size();
        long steps =
            untilFull(
                () -> {
                  byte[] name = ("f" + random.nextLong()).getBytes(UTF_8);
                  names.add(name);
                  int bytes = random.nextInt(4) == 0 ? 300_000 : random.nextInt(3000) + 1;
                  writeFile(fs, name, bytes);
                });
        assertThat(steps).isGreaterThan(before);
        counts.add(steps);
        changeEverythingSmall(fs, names.getFirst());
        world.assertFilesClean(pool);
        while (!names.isEmpty()) {
          deleteOne(fs, names.poll());
        }
        settle(pool);
        world.assertFilesClean(pool);
      }
      fs.close();
      assertThat(counts).hasSize(3);
      assertThat(counts.getLast()).isGreaterThan((long) (counts.getFirst() * 0.85));
    }
  }

  private void writeFile(PosixFileSystem fs, byte[] name, int bytes) {
    int flags = OpenFlags.O_CREAT | OpenFlags.O_WRONLY;
    try (FileHandle file = fs.create(fs.rootInode(), name, 0x1A4, flags, Caller.ROOT).handle()) {
      int written = file.write(0, noiseAt(bytes), 0, bytes);
      if (written < bytes) {
        throw PoolException.posix(Errno.ENOSPC, "short write");
      }
    }
  }

  /** Removing names and shortening files must work however full it is. */
  private static void changeEverythingSmall(PosixFileSystem fs, byte[] name) {
    fs.paths().setattr(name, false, new SetAttr().size(0), Caller.ROOT);
    untilFull(() -> fs.paths().setattr(name, false, new SetAttr().mode(0x100), Caller.ROOT), 2_000);
  }

  private static void untilFull(Runnable step, int most) {
    try {
      for (int i = 0; i < most; i++) {
        step.run();
      }
    } catch (PoolException e) {
      assertThat(e.errno()).as(e.getMessage()).isEqualTo(Errno.ENOSPC);
    }
  }

  private static void deleteOne(PosixFileSystem fs, byte[] name) {
    try {
      fs.unlink(fs.rootInode(), name, Caller.ROOT);
    } catch (PoolException e) {
      // The last creation of each round failed, before or after the name came into being.
      assertThat(e.errno()).as(e.getMessage()).isEqualTo(Errno.ENOENT);
    }
  }
}
