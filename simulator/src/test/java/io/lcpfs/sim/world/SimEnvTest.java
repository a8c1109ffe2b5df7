package io.lcpfs.sim.world;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.PlantedBug;
import io.lcpfs.env.Task;
import io.lcpfs.error.Check;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;

class SimEnvTest {

  @Test
  void threeHundredSeedsReplayIdenticallyUnderContention() {
    Set<Long> digests = new HashSet<>();
    for (long seed = 0; seed < 300; seed++) {
      SimResult<Long> first = SimEnv.run(seed, Contention::run);
      SimResult<Long> second = SimEnv.run(seed, Contention::run);
      assertThat(second).as("seed %d", seed).isEqualTo(first);
      digests.add(first.digest());
    }
    assertThat(digests).hasSize(300);
  }

  @Test
  void aNewJvmWithAnotherHeapGivesTheSameDigests() throws Exception {
    List<String> here = new ArrayList<>();
    for (long seed = 0; seed < 20; seed++) {
      here.add(Long.toString(SimEnv.run(seed, Contention::run).digest()));
    }
    Process jvm =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx96m",
                "-XX:+UseSerialGC",
                "--add-opens",
                "java.base/java.lang=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Contention.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String output = new String(jvm.getInputStream().readAllBytes(), UTF_8);
    assertThat(jvm.waitFor()).isZero();
    assertThat(output.lines().toList()).isEqualTo(here);
  }

  @Test
  void parallelWorldsDoNotDisturbOneAnother() throws Exception {
    long[] alone = new long[40];
    for (int seed = 0; seed < alone.length; seed++) {
      alone[seed] = SimEnv.run(seed, Contention::run).digest();
    }
    long[] together = new long[alone.length];
    List<Thread> workers = new ArrayList<>();
    for (int w = 0; w < 2; w++) {
      int worker = w;
      workers.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int seed = worker; seed < together.length; seed += 2) {
                      together[seed] = SimEnv.run(seed, Contention::run).digest();
                    }
                  }));
    }
    for (Thread worker : workers) {
      worker.join();
    }
    assertThat(together).isEqualTo(alone);
  }

  @Test
  void anHourOfSleepTakesNoRealTime() {
    SimResult<Long> result =
        SimEnv.run(
            1,
            env -> {
              long before = env.nanoTime();
              env.sleep(3_600_000_000_000L);
              return env.nanoTime() - before;
            });
    assertThat(result.value()).isBetween(3_600_000_000_000L, 3_601_000_000_000L);
  }

  @Test
  void anInterruptEndsASleepEarlyAndStaysPending() {
    SimEnv.run(
        1,
        env -> {
          Thread[] sleeper = new Thread[1];
          Task<Void> task =
              env.fork(
                  "sleeper",
                  () -> {
                    sleeper[0] = Thread.currentThread();
                    env.sleep(1_000_000_000_000L);
                    assertThat(Thread.currentThread().isInterrupted()).isTrue();
                  });
          env.sleep(1_000_000);
          sleeper[0].interrupt();
          task.join();
          assertThat(env.nanoTime()).isLessThan(1_000_000_000_000L);
          return 0;
        });
  }

  @Test
  void aDeadlockIsReportedWithTheNamesOfThoseWhoWait() {
    assertThatThrownBy(
            () ->
                SimEnv.run(
                    7,
                    env -> {
                      ReentrantLock a = new ReentrantLock();
                      ReentrantLock b = new ReentrantLock();
                      Task<Void> left = env.fork("left", () -> lockBoth(env, a, b));
                      Task<Void> right = env.fork("right", () -> lockBoth(env, b, a));
                      left.join();
                      right.join();
                      return 0;
                    }))
        .isInstanceOf(SimFailure.class)
        .hasMessageContaining("seed 7")
        .hasMessageContaining("deadlock")
        .hasMessageContaining("left")
        .hasMessageContaining("right")
        .hasMessageContaining("lockBoth");
  }

  @SuppressWarnings("LockNotBeforeTry") // the second lock is never got
  private static void lockBoth(SimEnv env, ReentrantLock first, ReentrantLock second) {
    first.lock();
    try {
      env.sleep(1_000_000);
      second.lock();
      second.unlock();
    } finally {
      first.unlock();
    }
  }

  @Test
  void anExceptionOfAForkThatNobodyJoinsFailsTheRun() {
    assertThatThrownBy(
            () ->
                SimEnv.run(
                    3,
                    env -> {
                      env.fork(
                          "background",
                          () -> {
                            throw new IllegalArgumentException("lost");
                          });
                      env.sleep(1_000_000);
                      return 0;
                    }))
        .isInstanceOf(SimFailure.class)
        .hasMessageContaining("background")
        .hasMessageContaining("lost");
  }

  @Test
  void anAssertionOfAnyTaskFailsTheRunAtOnce() {
    assertThatThrownBy(
            () ->
                SimEnv.run(
                    3,
                    env -> {
                      env.onCpu(
                          () -> {
                            Check.that(false, "invariant");
                            return 0;
                          });
                      env.sleep(Long.MAX_VALUE / 4);
                      return 0;
                    }))
        .isInstanceOf(SimFailure.class)
        .hasMessageContaining("invariant");
  }

  @Test
  void aWaitOnTheRealClockFailsTheRun() {
    assertThatThrownBy(
            () ->
                SimEnv.run(
                    3,
                    env -> {
                      LockSupport.parkNanos(10_000_000_000L);
                      return 0;
                    }))
        .isInstanceOf(SimFailure.class)
        .hasMessageContaining("real clock");
  }

  @Test
  void anEndlessLoopFailsTheRun() {
    assertThatThrownBy(
            () ->
                SimEnv.run(
                    SimConfig.of(3).withMaxSteps(10_000),
                    env -> {
                      while (env.nanoTime() >= 0) {
                        env.sleep(1);
                      }
                      return 0;
                    }))
        .isInstanceOf(SimFailure.class)
        .hasMessageContaining("no end");
  }

  @Test
  void aCrashedMachineNeverRunsAgainAndItsLocksGoWithIt() {
    SimEnv.run(
        5,
        env -> {
          SimEnv machine = env.newMachine("host");
          ReentrantLock lock = new ReentrantLock();
          int[] ticks = new int[1];
          Task<Void> victim =
              machine.fork(
                  "ticker",
                  () -> {
                    lock.lock();
                    while (ticks[0] < 1_000_000) {
                      ticks[0]++;
                      machine.sleep(1_000_000);
                    }
                  });
          env.sleep(50_000_000);
          machine.crash();
          int atCrash = ticks[0];
          assertThat(atCrash).isPositive();
          env.sleep(50_000_000);
          assertThat(ticks[0]).isEqualTo(atCrash);
          assertThat(machine.liveTasks()).isZero();
          assertThatThrownBy(victim::join).isInstanceOf(MachineCrashed.class);
          return 0;
        });
  }

  @Test
  void aTaskThatCrashesItsOwnMachineDoesNotReturn() {
    SimEnv.run(
        5,
        env -> {
          SimEnv machine = env.newMachine("host");
          boolean[] returned = new boolean[1];
          assertThatThrownBy(
                  () ->
                      machine.call(
                          "suicide",
                          () -> {
                            machine.crash();
                            returned[0] = true;
                            return 0;
                          }))
              .isInstanceOf(MachineCrashed.class);
          env.sleep(1_000_000);
          assertThat(returned[0]).isFalse();
          return 0;
        });
  }

  @Test
  void whatACrashedMachineHeldIsGarbage() throws Exception {
    List<WeakReference<byte[]>> held = new ArrayList<>();
    SimEnv.run(
        5,
        env -> {
          SimEnv machine = env.newMachine("host");
          machine.fork(
              "holder",
              () -> {
                byte[] big = new byte[1 << 20];
                held.add(new WeakReference<>(big));
                machine.sleep(Long.MAX_VALUE / 4);
                assertThat(big[0]).isZero();
              });
          env.sleep(1_000_000);
          machine.crash();
          return 0;
        });
    assertThat(held).hasSize(1);
    CountDownLatch pause = new CountDownLatch(1);
    for (int i = 0; i < 50 && held.getFirst().get() != null; i++) {
      System.gc();
      assertThat(pause.await(20, java.util.concurrent.TimeUnit.MILLISECONDS)).isFalse();
    }
    assertThat(held.getFirst().get()).isNull();
  }

  @Test
  void probesAreCountedAndBugsAreThereOnlyWhenPlanted() {
    SimConfig config = SimConfig.of(2).withPlanted(EnumSet.of(PlantedBug.CHECKSUM_NOT_VERIFIED));
    SimResult<Boolean> result =
        SimEnv.run(
            config,
            env -> {
              env.probe(CodeProbe.CACHE_EVICTED);
              env.probe(CodeProbe.CACHE_EVICTED);
              return env.planted(PlantedBug.CHECKSUM_NOT_VERIFIED)
                  && !env.planted(PlantedBug.RENAME_IN_TWO_TXGS);
            });
    assertThat(result.value()).isTrue();
    assertThat(result.probes().get(CodeProbe.CACHE_EVICTED)).isEqualTo(2);
    assertThat(result.probes().get(CodeProbe.POOL_SUSPENDED)).isNull();
  }
}
