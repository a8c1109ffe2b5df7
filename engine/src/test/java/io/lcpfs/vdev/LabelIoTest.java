package io.lcpfs.vdev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ActivityRecord;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.PoolState;
import io.lcpfs.format.Uberblock;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LabelIoTest {
  private static final int CAPACITY = 32 << 20;

  private static void failsWith(Runnable call, Errno errno) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(PoolException.class, e -> assertThat(e.errno()).isEqualTo(errno));
  }

  /** A pool at txg 3 on {@code count} devices. */
  private static LabelWorld pool(int count, int blockBytes) {
    LabelWorld world = new LabelWorld(count, CAPACITY, blockBytes);
    PoolConfig config = world.config();
    LayoutRecord empty = LabelWorld.layout();
    world.labels.initialize(world.targets, config, empty);
    LayoutRecord layout = TileMap.of(config, empty).bind(0, PlacementClass.NORMAL, 4, 1);
    world.labels.commit(world.targets, LabelWorld.uberblock(1, config, layout), null, layout);
    for (long txg = 2; txg <= 3; txg++) {
      world.labels.commit(world.targets, LabelWorld.uberblock(txg, config, layout), null, null);
    }
    return world;
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 4096, 65536})
  void everyCommittedStateIsFoundOnDevicesOfAnyBlock(int blockBytes) {
    try (LabelWorld world = pool(2, blockBytes)) {
      LabelChoice choice = world.choose();
      assertThat(choice.uberblock().txg()).isEqualTo(3);
      assertThat(choice.uberblock().root()).isEqualTo(LabelWorld.root(3));
      assertThat(choice.config()).isEqualTo(world.config());
      assertThat(choice.layout().entries()).hasSize(4);
      assertThat(choice.fellBack()).isFalse();
      for (int i = 0; i < 2; i++) {
        LabelScan scan = world.scans().get(i);
        assertThat(scan.problems()).isEmpty();
        assertThat(scan.deviceGuid()).isEqualTo(100 + i);
        assertThat(scan.labels()).allMatch(label -> label.uberblocks().size() == 3);
        assertThat(scan.layouts()).hasSize(4);
      }
    }
  }

  @Test
  void everyInitializedDeviceIsNoPoolBeforeItsFirstCommit() {
    try (LabelWorld world = pool(1, 4096)) {
      world.labels.initialize(world.targets, world.config(), LabelWorld.layout());
      failsWith(world::choose, Errno.EIO);
    }
  }

  @Test
  void everySingleIntactLabelIsEnoughAndTheOthersAreRepaired() {
    for (int left = 0; left < Geometry.LABELS; left++) {
      try (LabelWorld world = pool(2, 4096)) {
        LoggingDevice device = world.devices.getFirst();
        Geometry geometry = world.targets.getFirst().geometry();
        for (int label = 0; label < Geometry.LABELS; label++) {
          if (label != left) {
            int at = (int) geometry.labelOffset(label);
            Arrays.fill(device.content, at, at + geometry.labelBytes(), (byte) 0xee);
          }
        }
        LabelScan scan = world.labels.scan(device);
        assertThat(scan.problems()).isNotEmpty();
        LabelChoice choice = world.labels.chooseBest(List.of(scan), LabelWorld.POOL, 99);
        assertThat(choice.uberblock().txg()).isEqualTo(3);
        List<String> done = world.labels.repair(world.targets.getFirst(), scan, choice, false);
        assertThat(done).hasSize(9);
        assertThat(world.probes).containsKey(CodeProbe.LABEL_REPAIRED);
        LabelScan after = world.labels.scan(device);
        assertThat(after.labels())
            .allMatch(
                label -> label.record() != null && label.uberblocks().contains(choice.uberblock()));
        assertThat(world.labels.repair(world.targets.getFirst(), after, choice, false)).isEmpty();
      }
    }
  }

  @Test
  void everyDeviceThatDoesNotProveItselfIsLeftAlone() {
    try (LabelWorld world = pool(2, 4096)) {
      LabelChoice choice = world.choose();
      LoggingDevice other = new LoggingDevice(CAPACITY, 4096);
      LabelTarget target = world.target(other, 0);
      LabelScan blank = world.labels.scan(other);
      assertThat(world.labels.repair(target, blank, choice, false)).isEmpty();
      assertThat(other.events).isEmpty();
      assertThat(world.labels.repair(target, blank, choice, true)).isNotEmpty();
      LoggingDevice smaller = new LoggingDevice(CAPACITY / 2, 4096);
      assertThat(
              world.labels.repair(
                  world.target(smaller, 0), world.labels.scan(smaller), choice, true))
          .isEmpty();
      assertThat(smaller.events).isEmpty();
    }
  }

  @Test
  void everyUnreadableSectorCostsOnlyWhatIsInIt() {
    try (LabelWorld world = pool(1, 4096)) {
      Geometry geometry = world.targets.getFirst().geometry();
      world.devices.getFirst().failReadAt =
          offset ->
              offset == geometry.configOffset(0)
                  || offset == geometry.uberblockOffset(1, 3)
                  || offset == geometry.layoutOffset(0, 0);
      LabelScan scan = world.labels.scan(world.devices.getFirst());
      assertThat(scan.problems()).hasSize(3);
      assertThat(scan.labels().get(0).record()).isNull();
      assertThat(scan.labels().get(0).uberblocks()).hasSize(3);
      assertThat(scan.labels().get(1).uberblocks()).hasSize(2);
      assertThat(scan.layouts()).hasSize(3);
      assertThat(world.choose().uberblock().txg()).isEqualTo(3);
    }
  }

  @Test
  void everyUberblockWithoutItsLayoutIsPassedOverAloud() {
    try (LabelWorld world = pool(1, 4096)) {
      LabelChoice before = world.choose();
      LayoutRecord next =
          TileMap.of(before.config(), before.layout()).bind(0, PlacementClass.NORMAL, 1, 4);
      world.labels.commit(
          world.targets, LabelWorld.uberblock(4, before.config(), next), null, next);
      Geometry geometry = world.targets.getFirst().geometry();
      for (int copy = 0; copy < 2; copy++) {
        int slot = Geometry.layoutSlot(next.generation());
        world.devices.getFirst().content[(int) geometry.layoutOffset(slot, copy) + 100] ^= 1;
      }
      LabelChoice choice = world.choose();
      assertThat(choice.uberblock().txg()).isEqualTo(3);
      assertThat(choice.highestTxg()).isEqualTo(4);
      assertThat(choice.fellBack()).isTrue();
      assertThat(choice.problems()).singleElement().asString().contains("txg 4", "layout");
      assertThat(world.probes).containsKey(CodeProbe.UBERBLOCK_FALLBACK);
    }
  }

  @Test
  void everyOlderUberblockCanBeAskedFor() {
    try (LabelWorld world = pool(1, 4096)) {
      LabelChoice choice = world.labels.chooseBest(world.scans(), LabelWorld.POOL, 2);
      assertThat(choice.uberblock().txg()).isEqualTo(2);
      assertThat(choice.fellBack()).isTrue();
      failsWith(() -> world.labels.chooseBest(world.scans(), LabelWorld.POOL, 0), Errno.EIO);
      failsWith(() -> world.labels.chooseBest(world.scans(), 5, 9), Errno.EIO);
    }
  }

  /** Commits {@code count} txgs of a new fork to one device only. */
  private static PoolConfig goOnAlone(LabelWorld world, int device, long fork, int count) {
    LabelChoice at =
        world.labels.chooseBest(
            List.of(world.scans().get(device)), LabelWorld.POOL, Long.MAX_VALUE);
    PoolConfig config = at.config().withFork(fork, 1, 1);
    List<LabelTarget> one = List.of(world.targets.get(device));
    for (int i = 1; i <= count; i++) {
      world.labels.commit(
          one,
          LabelWorld.uberblock(at.uberblock().txg() + i, config, at.layout()),
          i == 1 ? config : null,
          null);
    }
    return config;
  }

  @Test
  void everyDeviceLeftBehindInAnOlderForkIsOutvotedWhateverItsTxg() {
    try (LabelWorld world = pool(2, 4096)) {
      LabelChoice before = world.choose();
      for (long txg = 4; txg < 10; txg++) {
        world.labels.commit(
            List.of(world.targets.get(1)),
            LabelWorld.uberblock(txg, before.config(), before.layout()),
            null,
            null);
      }
      goOnAlone(world, 0, 77, 2);
      LabelChoice choice = world.choose();
      assertThat(choice.uberblock().forkId()).isEqualTo(77);
      assertThat(choice.config().parentForkId()).isEqualTo(11);
      assertThat(choice.uberblock().txg()).isEqualTo(5);
      assertThat(choice.highestTxg()).isEqualTo(9);
      assertThat(choice.problems()).singleElement().asString().contains("txg 9 of an earlier");
    }
  }

  @Test
  void everyPairOfForksThatDivergedIsRefused() {
    try (LabelWorld world = pool(2, 4096)) {
      goOnAlone(world, 0, 77, 2);
      goOnAlone(world, 1, 78, 5);
      failsWith(world::choose, Errno.EBUSY);
      assertThat(
              world
                  .labels
                  .chooseBest(world.scans().subList(0, 1), LabelWorld.POOL, 99)
                  .uberblock()
                  .forkId())
          .isEqualTo(77);
    }
  }

  @Test
  void everyStateChangeIsACommitOfItsOwn() {
    try (LabelWorld world = pool(2, 4096)) {
      LabelChoice before = world.choose();
      PoolConfig after = world.labels.setState(world.targets, before, PoolState.EXPORTED);
      LabelChoice choice = world.choose();
      assertThat(choice.config()).isEqualTo(after);
      assertThat(choice.config().state()).isEqualTo(PoolState.EXPORTED);
      assertThat(choice.uberblock().txg()).isEqualTo(4);
      assertThat(choice.uberblock().root()).isEqualTo(before.uberblock().root());
      assertThat(world.scans())
          .allMatch(
              scan ->
                  scan.labels().stream()
                      .allMatch(
                          label ->
                              label.record() != null && label.record().config().equals(after)));
    }
  }

  @Test
  void everyClearedDeviceIsNoPartOfAPool() {
    try (LabelWorld world = pool(1, 4096)) {
      world.labels.clear(world.targets.getFirst().queue(), world.targets.getFirst().geometry());
      LabelScan scan = world.labels.scan(world.devices.getFirst());
      assertThat(scan.poolGuid()).isZero();
      assertThat(scan.problems()).isEmpty();
      failsWith(world::choose, Errno.EIO);
    }
  }

  @Test
  void everyGrownDeviceIsReadWhereItsLabelsAre() {
    try (LabelWorld world = pool(1, 4096)) {
      LoggingDevice device = world.devices.getFirst();
      LoggingDevice grown = new LoggingDevice(Arrays.copyOf(device.content, 2 * CAPACITY), 4096);
      LabelScan scan = world.labels.scan(grown);
      assertThat(scan.geometry()).isEqualTo(world.targets.getFirst().geometry());
      assertThat(scan.labels()).allMatch(label -> label.record() != null);
      LoggingDevice shrunk = new LoggingDevice(Arrays.copyOf(device.content, CAPACITY / 2), 4096);
      LabelScan less = world.labels.scan(shrunk);
      assertThat(less.problems()).anyMatch(problem -> problem.contains("when it was added"));
      assertThat(less.head(LabelWorld.POOL)).map(Uberblock::txg).contains(3L);
    }
  }

  @Test
  void everySignOfLifeIsReadBackAndDamagedOnesDoNotCount() {
    try (LabelWorld world = pool(1, 4096)) {
      Geometry geometry = world.targets.getFirst().geometry();
      LoggingDevice device = world.devices.getFirst();
      assertThat(world.labels.readActivity(device, geometry)).isEmpty();
      ActivityRecord sign = new ActivityRecord(LabelWorld.POOL, 1, 2, 3, 4, 5, 6);
      world.labels.writeActivity(world.targets, sign);
      device.content[(int) geometry.activityOffset(0) + 20] ^= 4;
      assertThat(world.labels.readActivity(device, geometry)).contains(sign);
      LabelScan scan = world.labels.scan(device);
      assertThat(scan.activity()).contains(sign);
      assertThat(scan.problems()).singleElement().asString().contains("activity");
      assertThat(world.choose().uberblock().txg()).isEqualTo(3);
    }
  }

  @Test
  void everyRingKeepsTheLastThirtyTwoUberblocks() {
    try (LabelWorld world = pool(1, 4096)) {
      LabelChoice before = world.choose();
      for (long txg = 4; txg <= 50; txg++) {
        world.labels.commit(
            world.targets, LabelWorld.uberblock(txg, before.config(), before.layout()), null, null);
      }
      LabelScan scan = world.scans().getFirst();
      assertThat(scan.labels())
          .allSatisfy(
              label ->
                  assertThat(label.uberblocks())
                      .extracting(Uberblock::txg)
                      .containsExactlyInAnyOrderElementsOf(
                          java.util.stream.LongStream.rangeClosed(19, 50).boxed().toList()));
    }
  }

  @Test
  void everyDamagedDeviceIsScannedWithoutAFailureThatIsNotTold() {
    SplittableRandom random = new SplittableRandom(1);
    try (LabelWorld world = pool(1, 4096)) {
      LoggingDevice device = world.devices.getFirst();
      byte[] good = device.content.clone();
      Geometry geometry = world.targets.getFirst().geometry();
      int found = 0;
      for (int round = 0; round < 150; round++) {
        for (int i = 0; i < 400; i++) {
          long base =
              switch (random.nextInt(3)) {
                case 0 -> geometry.labelOffset(random.nextInt(4));
                case 1 -> geometry.layoutOffset(random.nextInt(2), random.nextInt(2));
                default -> geometry.configOffset(random.nextInt(4));
              };
          device.content[(int) base + random.nextInt(300) * (1 + random.nextInt(500))] ^=
              (byte) (1 << random.nextInt(8));
        }
        try {
          found += world.choose().uberblock().txg() > 0 ? 1 : 0;
        } catch (PoolException e) {
          assertThat(e.errno()).isEqualTo(Errno.EIO);
        }
        if (round % 3 == 2) {
          System.arraycopy(good, 0, device.content, 0, good.length);
        }
      }
      assertThat(found).isPositive();
    }
  }

  @Test
  void everyTooSmallDeviceIsToldApart() {
    try (LabelWorld world = pool(1, 4096)) {
      LabelScan scan = world.labels.scan(new LoggingDevice(8 << 20, 4096));
      assertThat(scan.geometry()).isNull();
      assertThat(scan.problems()).hasSize(1);
      assertThat(scan.poolGuid()).isZero();
    }
  }
}
