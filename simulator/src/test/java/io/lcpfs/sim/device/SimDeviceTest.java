package io.lcpfs.sim.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimRandom;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class SimDeviceTest {
  private static final int BLOCK = 1024;

  private static MemorySegment filled(int blocks, int value) {
    byte[] bytes = new byte[blocks * BLOCK];
    Arrays.fill(bytes, (byte) value);
    return MemorySegment.ofArray(bytes);
  }

  private static byte[] read(SimDevice device, long lba, int blocks) {
    byte[] bytes = new byte[blocks * BLOCK];
    device.readBlocks(lba, blocks, MemorySegment.ofArray(bytes));
    return bytes;
  }

  /** The sectors of a block as one digit each. */
  private static String sectors(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    for (int at = 0; at < bytes.length; at += 512) {
      for (int i = at; i < at + 512; i++) {
        assertThat(bytes[i]).as("a sector is whole").isEqualTo(bytes[at]);
      }
      text.append(bytes[at]);
    }
    return text.toString();
  }

  @Test
  void aRunningDeviceReadsItsOwnWrites() {
    SimEnv.run(
        1,
        env -> {
          SimDevice device = new SimDevice(env, new SimMedium("d0", BLOCK, 64), FaultPlan.none());
          device.writeBlocks(3, 2, filled(2, 7));
          device.writeBlocks(4, 1, filled(1, 8));
          assertThat(sectors(read(device, 3, 2))).isEqualTo("7788");
          assertThat(sectors(read(device, 9, 1))).isEqualTo("00");
          return 0;
        });
  }

  @Test
  void whatWasFlushedSurvivesEveryCrashAndTheRestInAnySubsetOfSectors() {
    Set<String> seen = new TreeSet<>();
    for (long seed = 0; seed < 400; seed++) {
      SimRandom random = new SimRandom(seed);
      SimEnv.run(
          seed,
          env -> {
            SimMedium medium = new SimMedium("d0", BLOCK, 64);
            SimDevice device = new SimDevice(env, medium, FaultPlan.none());
            device.writeBlocks(0, 2, filled(2, 1));
            device.flush();
            device.writeBlocks(0, 1, filled(1, 2));
            device.writeBlocks(0, 2, filled(2, 3));
            device.writeBlocks(10, 1, filled(1, 4));
            medium.crash(CrashChooser.sampled(random));
            SimDevice after = new SimDevice(env, medium, FaultPlan.none());
            seen.add(sectors(read(after, 0, 2)));
            seen.add("other " + sectors(read(after, 10, 1)));
            assertThat(read(after, 0, 2)).as("a settled block stays").isEqualTo(read(after, 0, 2));
            return 0;
          });
    }
    assertThat(seen)
        .contains(
            "1111",
            "2211",
            "3333",
            "1133",
            "3311",
            "2233",
            "1211",
            "other 00",
            "other 44",
            "other 40",
            "other 04");
    assertThat(seen).allMatch(s -> s.matches("(other [04]{2})|([123]{2}[13]{2})"));
  }

  @Test
  void aFlushCoversOnlyWhatReturnedBeforeItBegan() {
    boolean inFlightLost = false;
    for (long seed = 0; seed < 100; seed++) {
      inFlightLost |=
          SimEnv.run(
                  seed,
                  env -> {
                    SimMedium medium = new SimMedium("d0", BLOCK, 64);
                    SimDevice device = new SimDevice(env, medium, FaultPlan.none());
                    device.writeBlocks(0, 1, filled(1, 1));
                    var late = env.fork("late", () -> device.writeBlocks(1, 1, filled(1, 2)));
                    device.flush();
                    late.join();
                    medium.crash((name, block, count, distinct) -> WriteFate.LOST);
                    assertThat(sectors(read(device, 0, 1))).isEqualTo("11");
                    return sectors(read(device, 1, 1)).equals("00");
                  })
              .value();
    }
    assertThat(inFlightLost).isTrue();
  }

  @Test
  void aFateIsAskedForOnlyWhenRecoveryReads() {
    SimEnv.run(
        1,
        env -> {
          SimMedium medium = new SimMedium("d0", BLOCK, 64);
          SimDevice device = new SimDevice(env, medium, FaultPlan.none());
          for (int i = 0; i < 20; i++) {
            device.writeBlocks(i, 1, filled(1, 1));
          }
          Set<Long> asked = new HashSet<>();
          medium.crash(
              (name, block, count, distinct) -> {
                assertThat(asked.add(block)).as("asked once").isTrue();
                return WriteFate.DONE;
              });
          read(device, 5, 2);
          read(device, 5, 2);
          device.writeBlocks(7, 1, filled(1, 2));
          read(device, 7, 1);
          assertThat(asked).containsExactlyInAnyOrder(5L, 6L);
          return 0;
        });
  }

  @Test
  void aSecondCrashKeepsWhatTheFirstLeftUndecided() {
    SimEnv.run(
        1,
        env -> {
          SimMedium medium = new SimMedium("d0", BLOCK, 64);
          SimDevice device = new SimDevice(env, medium, FaultPlan.none());
          device.writeBlocks(0, 1, filled(1, 1));
          medium.crash((name, block, count, distinct) -> WriteFate.DONE);
          device.writeBlocks(0, 1, filled(1, 2)); // written over before anybody looked
          int[] question = new int[1];
          medium.crash(
              (name, block, count, distinct) ->
                  question[0]++ == 0 ? WriteFate.LOST : WriteFate.DONE);
          assertThat(sectors(read(device, 0, 1))).isEqualTo("11");
          assertThat(question[0]).isEqualTo(2);
          return 0;
        });
  }

  @Test
  void aCopyIsIndependent() {
    SimEnv.run(
        1,
        env -> {
          SimMedium medium = new SimMedium("d0", BLOCK, 64);
          SimDevice device = new SimDevice(env, medium, FaultPlan.none());
          device.writeBlocks(0, 1, filled(1, 1));
          medium.crash((name, block, count, distinct) -> WriteFate.LOST);
          SimMedium copy = medium.copy();
          copy.decideBy((name, block, count, distinct) -> WriteFate.DONE);
          SimDevice other = new SimDevice(env, copy, FaultPlan.none());
          assertThat(sectors(read(device, 0, 1))).isEqualTo("00");
          assertThat(sectors(read(other, 0, 1))).isEqualTo("11");
          return 0;
        });
  }

  @Test
  void everyKindOfFaultStrikesWhenAllowed() {
    SimEnv.run(
        1,
        env -> {
          for (FaultKind kind :
              List.of(
                  FaultKind.READ_ERROR,
                  FaultKind.WRITE_ERROR,
                  FaultKind.FLUSH_ERROR,
                  FaultKind.DISAPPEARANCE)) {
            FaultPlan plan = new FaultPlan(new SimRandom(3)).allow(kind, 1_000_000, 1);
            SimDevice device = new SimDevice(env, new SimMedium("d", BLOCK, 64), plan);
            assertThatThrownBy(
                    () -> {
                      device.writeBlocks(0, 1, filled(1, 1));
                      device.flush();
                      read(device, 0, 1);
                    })
                .as("%s", kind)
                .isInstanceOfSatisfying(
                    PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO));
            assertThat(plan.injected()).containsEntry(kind, 1L);
          }
          for (FaultKind kind : List.of(FaultKind.LOST_WRITE, FaultKind.MISDIRECTED_WRITE)) {
            FaultPlan plan = new FaultPlan(new SimRandom(3)).allow(kind, 1_000_000, 1);
            SimDevice device = new SimDevice(env, new SimMedium("d", BLOCK, 64), plan);
            device.writeBlocks(0, 1, filled(1, 1));
            assertThat(sectors(read(device, 0, 1))).as("%s", kind).isEqualTo("00");
            assertThat(plan.silentDamage()).isEqualTo(1);
          }
          return 0;
        });
  }

  @Test
  void rotChangesWhatIsReadAndWhatSurvives() {
    SimEnv.run(
        1,
        env -> {
          SimMedium medium = new SimMedium("d0", BLOCK, 64);
          SimDevice device = new SimDevice(env, medium, FaultPlan.none());
          assertThat(medium.randomWrittenBlock(new SimRandom(1))).isEqualTo(-1);
          device.writeBlocks(9, 1, filled(1, 1));
          device.flush();
          assertThat(medium.randomWrittenBlock(new SimRandom(1))).isEqualTo(9);
          medium.rot(9, 1, new SimRandom(1));
          byte[] rotten = read(device, 9, 1);
          assertThat(rotten)
              .isNotEqualTo(filled(1, 1).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
          medium.crash((name, block, count, distinct) -> WriteFate.LOST);
          assertThat(read(device, 9, 1)).isEqualTo(rotten);
          return 0;
        });
  }

  @Test
  void rangesOutsideTheDeviceAreRefused() {
    SimEnv.run(
        1,
        env -> {
          SimDevice device = new SimDevice(env, new SimMedium("d", BLOCK, 64), FaultPlan.none());
          List<Runnable> wrong =
              List.of(
                  () -> read(device, 64, 1),
                  () -> read(device, -1, 1),
                  () -> device.writeBlocks(63, 2, filled(2, 0)),
                  () -> device.writeBlocks(0, 2, filled(1, 0)),
                  () -> device.discard(60, 5));
          for (Runnable call : wrong) {
            assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                    PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
          }
          return 0;
        });
  }

  @Test
  void writesAreInTheDigest() {
    long[] digests = new long[2];
    for (int i = 0; i < 2; i++) {
      int value = i;
      digests[i] =
          SimEnv.run(
                  1,
                  env -> {
                    SimDevice device =
                        new SimDevice(env, new SimMedium("d", BLOCK, 64), FaultPlan.none());
                    device.writeBlocks(0, 1, filled(1, value));
                    return 0;
                  })
              .digest();
    }
    assertThat(digests[0]).isNotEqualTo(digests[1]);
  }
}
