package io.lcpfs.env;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RealEnvTest {
  private static final long MILLI = 1_000_000;

  @Test
  void everyJobReturnsItsResult() {
    try (RealEnv env = new RealEnv(2, 1, 4)) {
      List<Task<Integer>> tasks = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        int value = i;
        tasks.add(i % 2 == 0 ? env.onCpu(() -> value) : env.onDevice(() -> value));
      }
      for (int i = 0; i < 500; i++) {
        assertThat(tasks.get(i).join()).isEqualTo(i);
        assertThat(tasks.get(i).isDone()).isTrue();
      }
    }
  }

  @Test
  void everyUncheckedFailureArrivesItselfAndACheckedOneAsCause() {
    try (RealEnv env = new RealEnv(1, 1, 1)) {
      IllegalArgumentException unchecked = new IllegalArgumentException("no");
      Task<Integer> bad = env.onCpu(() -> raise(unchecked));
      assertThatThrownBy(bad::join).isSameAs(unchecked);
      AssertionError error = new AssertionError("bug");
      Task<Integer> worse =
          env.onDevice(
              () -> {
                throw error;
              });
      assertThatThrownBy(worse::join).isSameAs(error);
      IOException checked = new IOException("disk");
      Task<Integer> checkedTask =
          env.onDevice(
              () -> {
                throw checked;
              });
      assertThatThrownBy(checkedTask::join)
          .isInstanceOf(IllegalStateException.class)
          .hasCause(checked);
      assertThat(env.onDevice(() -> 7).join()).as("the worker survives").isEqualTo(7);
    }
  }

  @Test
  void deviceThreadsGrowWhileJobsWaitAndStopAtTheBound() throws InterruptedException {
    try (RealEnv env = new RealEnv(1, 2, 5)) {
      CountDownLatch running = new CountDownLatch(5);
      CountDownLatch release = new CountDownLatch(1);
      AtomicInteger atOnce = new AtomicInteger();
      AtomicInteger most = new AtomicInteger();
      List<Task<Integer>> tasks = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        tasks.add(
            env.onDevice(
                () -> {
                  most.accumulateAndGet(atOnce.incrementAndGet(), Math::max);
                  running.countDown();
                  release.await();
                  return atOnce.decrementAndGet();
                }));
      }
      assertThat(running.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(env.deviceThreads()).isEqualTo(5);
      release.countDown();
      tasks.forEach(Task::join);
      assertThat(most.get()).isEqualTo(5);
    }
  }

  @Test
  void anIdleDeviceThreadIsReusedBeforeAnotherIsStarted() {
    try (RealEnv env = new RealEnv(1, 1, 8)) {
      for (int i = 0; i < 50; i++) {
        env.onDevice(() -> 0).join();
        env.sleep(MILLI); // lets the worker get back to its queue
      }
      assertThat(env.deviceThreads()).isLessThanOrEqualTo(2);
    }
  }

  @Test
  void noMoreCpuJobsRunAtOnceThanCpus() {
    try (RealEnv env = new RealEnv(2, 1, 1)) {
      AtomicInteger atOnce = new AtomicInteger();
      AtomicInteger most = new AtomicInteger();
      List<Task<Integer>> tasks = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        tasks.add(
            env.onCpu(
                () -> {
                  most.accumulateAndGet(atOnce.incrementAndGet(), Math::max);
                  env.sleep(5 * MILLI);
                  return atOnce.decrementAndGet();
                }));
      }
      tasks.forEach(Task::join);
      assertThat(most.get()).isBetween(1, 2);
      assertThat(env.cpus()).isEqualTo(2);
    }
  }

  @Test
  void aJobMayWaitForAnotherJobOfItsOwnPool() {
    try (RealEnv env = new RealEnv(1, 1, 1)) {
      assertThat(env.onCpu(() -> 1 + env.onCpu(() -> 1 + env.onCpu(() -> 1).join()).join()).join())
          .isEqualTo(3);
      assertThat(env.onDevice(() -> env.onDevice(() -> "inner").join()).join()).isEqualTo("inner");
    }
  }

  @Test
  void everyForkRunsOnItsOwnNamedDaemonThread() {
    try (RealEnv env = new RealEnv(1, 1, 1)) {
      List<Thread> seen = new CopyOnWriteArrayList<>();
      assertThat((Object) env.fork("txg-sync", () -> seen.add(Thread.currentThread())).join())
          .isNull();
      assertThat(seen).hasSize(1).doesNotContain(Thread.currentThread());
      Thread thread = seen.getFirst();
      assertThat(thread.getName()).isEqualTo("txg-sync");
      assertThat(thread.isDaemon()).isTrue();
      assertThat(thread.isVirtual()).isFalse();
    }
  }

  @Test
  void aFailedForkIsHeardByTheWaiterAndByTheThreadsHandler() {
    try (RealEnv env = new RealEnv(1, 1, 1)) {
      IllegalStateException failure = new IllegalStateException("loop died");
      AtomicReference<Throwable> heard = new AtomicReference<>();
      CountDownLatch handled = new CountDownLatch(1);
      Task<Void> fork =
          env.fork(
              "dying",
              () -> {
                Thread.currentThread()
                    .setUncaughtExceptionHandler(
                        (thread, thrown) -> {
                          heard.set(thrown);
                          handled.countDown();
                        });
                throw failure;
              });
      assertThatThrownBy(fork::join).isSameAs(failure);
      assertThat(await(handled)).isTrue();
      assertThat(heard.get()).isSameAs(failure);
    }
  }

  @Test
  void anInterruptDoesNotEndAJoinAndStaysPending() {
    try (RealEnv env = new RealEnv(1, 1, 1)) {
      Task<Integer> slow =
          env.onDevice(
              () -> {
                env.sleep(20 * MILLI);
                return 9;
              });
      Thread.currentThread().interrupt();
      assertThat(slow.join()).isEqualTo(9);
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void sleepLastsAtLeastItsTimeAndAnInterruptEndsIt() {
    try (RealEnv env = new RealEnv(1, 1, 1)) {
      long start = env.nanoTime();
      env.sleep(15 * MILLI);
      assertThat(env.nanoTime() - start).isGreaterThanOrEqualTo(15 * MILLI);
      Thread.currentThread().interrupt();
      start = env.nanoTime();
      env.sleep(TimeUnit.SECONDS.toNanos(50));
      assertThat(env.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
      assertThat(Thread.interrupted()).as("stays pending").isTrue();
    }
  }

  @Test
  void closeRunsWhatIsQueuedWakesSleepersAndRefusesTheRest() {
    RealEnv env = new RealEnv(1, 1, 1);
    CountDownLatch asleep = new CountDownLatch(1);
    Task<Void> sleeper =
        env.fork(
            "sleeper",
            () -> {
              asleep.countDown();
              env.sleep(TimeUnit.SECONDS.toNanos(50));
            });
    assertThat(await(asleep)).isTrue();
    env.sleep(20 * MILLI);
    AtomicInteger ran = new AtomicInteger();
    for (int i = 0; i < 10; i++) {
      env.onCpu(ran::incrementAndGet);
    }
    long start = env.nanoTime();
    env.close();
    assertThat(env.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
    assertThat(ran.get()).isEqualTo(10);
    assertThat(sleeper.isDone()).isTrue();
    assertThat(env.deviceThreads()).isZero();
    assertThatThrownBy(() -> env.onCpu(() -> 1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> env.onDevice(() -> 1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> env.fork("late", () -> {})).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void randomNumbersOfAnyTwoWorldsDiffer() {
    try (RealEnv one = new RealEnv(1, 1, 1);
        RealEnv two = new RealEnv(1, 1, 1)) {
      Set<Long> seen = new HashSet<>();
      for (int i = 0; i < 2000; i++) {
        seen.add(one.randomLong());
        seen.add(two.randomLong());
      }
      assertThat(seen).hasSize(4000);
    }
  }

  @Test
  void wallClockIsTheSystemsAndMonotonicTimeNeverGoesBack() {
    try (RealEnv env = new RealEnv(1, 1, 1)) {
      long before = System.currentTimeMillis();
      assertThat(env.wallNanos() / MILLI).isBetween(before, before + 60_000);
      long last = env.nanoTime();
      for (int i = 0; i < 1000; i++) {
        long now = env.nanoTime();
        assertThat(now).isGreaterThanOrEqualTo(last);
        last = now;
      }
    }
  }

  private static Integer raise(RuntimeException failure) {
    throw failure;
  }

  private static boolean await(CountDownLatch latch) {
    try {
      return latch.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
