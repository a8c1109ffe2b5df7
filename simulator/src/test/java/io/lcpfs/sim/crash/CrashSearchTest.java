package io.lcpfs.sim.crash;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.sim.crash.CrashSearch.Options;
import io.lcpfs.sim.crash.CrashSearch.Recovery;
import io.lcpfs.sim.crash.CrashSearch.Result;
import io.lcpfs.sim.device.FaultPlan;
import io.lcpfs.sim.device.SimDevice;
import io.lcpfs.sim.device.SimMedium;
import io.lcpfs.sim.world.SimConfig;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.Violation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class CrashSearchTest {
  private static final Options ALL = new Options(10_000, 0, false, false);

  private static MemorySegment filled(int blocks, int blockSize, int value) {
    byte[] bytes = new byte[blocks * blockSize];
    Arrays.fill(bytes, (byte) value);
    return MemorySegment.ofArray(bytes);
  }

  private static int valueAt(SimDevice device, long block) {
    MemorySegment target = MemorySegment.ofArray(new byte[device.blockSize()]);
    device.readBlocks(block, 1, target);
    return target.get(ValueLayout.JAVA_BYTE, 0);
  }

  /** Blocks 0 to 2 hold 1 for certain; over it, 2 was written without a flush. */
  private static List<SimMedium> threeOpenWrites() {
    SimMedium medium = new SimMedium("d0", 512, 64);
    SimEnv.run(
        1,
        env -> {
          SimDevice device = new SimDevice(env, medium, FaultPlan.none());
          device.writeBlocks(0, 3, filled(3, 512, 1));
          device.flush();
          for (int i = 0; i < 3; i++) {
            device.writeBlocks(i, 1, filled(1, 512, 2));
          }
          return 0;
        });
    return List.of(medium);
  }

  private static Result explore(List<SimMedium> media, Options options, Recovery recovery) {
    return CrashSearch.explore(SimConfig.of(1), media, options, recovery);
  }

  @Test
  void everySubsetOfTheOpenWritesIsTriedOnce() {
    Set<String> seen = new TreeSet<>();
    Result result =
        explore(
            threeOpenWrites(),
            ALL,
            (machine, devices) -> {
              SimDevice device = devices.getFirst();
              seen.add("" + valueAt(device, 0) + valueAt(device, 1) + valueAt(device, 2));
            });
    assertThat(result).isEqualTo(new Result(8, true, null));
    assertThat(seen).hasSize(8);
  }

  @Test
  void statesThatRecoveryCannotTellApartAreTriedOnce() {
    Result one =
        explore(threeOpenWrites(), ALL, (machine, devices) -> valueAt(devices.getFirst(), 1));
    Result none =
        explore(threeOpenWrites(), ALL, (machine, devices) -> valueAt(devices.getFirst(), 9));
    Result dependent =
        explore(
            threeOpenWrites(),
            ALL,
            (machine, devices) -> {
              if (valueAt(devices.getFirst(), 0) == 2) {
                valueAt(devices.getFirst(), 1);
              }
            });
    assertThat(one.states()).isEqualTo(2);
    assertThat(none.states()).isEqualTo(1);
    assertThat(dependent.states()).isEqualTo(3);
  }

  @Test
  void aBrokenStateIsFoundAndDescribed() {
    Result result =
        explore(
            threeOpenWrites(),
            ALL,
            (machine, devices) -> {
              SimDevice device = devices.getFirst();
              if (valueAt(device, 2) == 2 && valueAt(device, 0) == 1) {
                throw new Violation("the third is newer than the first");
              }
            });
    assertThat(result.violation())
        .contains("the third is newer than the first")
        .contains("write of 1 sectors at block 2")
        .contains(": 1");
  }

  @Test
  void recoveryItselfIsCrashedBeforeItsFlushesAndAtItsEnd() {
    // Recovery copies block 0 to block 1 and then marks block 2, forgetting the flush between.
    Set<String> secondTime = new TreeSet<>();
    Recovery forgetful =
        (machine, devices) -> {
          SimDevice device = devices.getFirst();
          if (machine.name().startsWith("second")) {
            secondTime.add("" + valueAt(device, 1) + valueAt(device, 2));
            return;
          }
          device.writeBlocks(1, 1, filled(1, 512, 3));
          device.writeBlocks(2, 1, filled(1, 512, 4));
        };
    Options again = new Options(10_000, 0, false, true);
    Result result = explore(threeOpenWrites(), again, forgetful);
    assertThat(result.complete()).isTrue();
    assertThat(secondTime).containsExactly("11", "12", "14", "21", "22", "24", "31", "32", "34");
  }

  @Test
  void beyondTheBudgetStatesAreSampled() {
    Result result =
        explore(
            threeOpenWrites(),
            new Options(3, 5, false, false),
            (machine, devices) -> {
              for (int i = 0; i < 3; i++) {
                valueAt(devices.getFirst(), i);
              }
            });
    assertThat(result).isEqualTo(new Result(8, false, null));
  }

  @Test
  void aWriteOfSeveralSectorsIsTornInHalvesOrSectorBySector() {
    SimMedium medium = new SimMedium("d0", 2048, 64);
    SimEnv.run(
        1,
        env -> {
          new SimDevice(env, medium, FaultPlan.none()).writeBlocks(0, 1, filled(1, 2048, 1));
          return 0;
        });
    Recovery reads = (machine, devices) -> valueAt(devices.getFirst(), 0);
    assertThat(explore(List.of(medium), ALL, reads).states()).isEqualTo(4);
    assertThat(explore(List.of(medium), new Options(10_000, 0, true, false), reads).states())
        .isEqualTo(16);
  }
}
