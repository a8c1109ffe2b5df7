package io.lcpfs.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ReadersTest {
  private static final int END = -1;

  /** Threads that take numbers from a queue, as those of a mount take requests. */
  private static final class Pool {
    final Readers readers = new Readers(2);
    final LinkedBlockingQueue<Integer> requests = new LinkedBlockingQueue<>();
    final LinkedBlockingQueue<Integer> begun = new LinkedBlockingQueue<>();
    final LinkedBlockingQueue<Integer> blocked = new LinkedBlockingQueue<>();
    final AtomicInteger mostWaiting = new AtomicInteger();
    final List<Thread> threads = new ArrayList<>();

    Pool(int count) {
      for (int i = 0; i < count; i++) {
        threads.add(Thread.ofPlatform().daemon(true).start(this::serve));
      }
    }

    private void serve() {
      try {
        while (true) {
          int request;
          readers.enter();
          try {
            mostWaiting.accumulateAndGet(readers.waiting(), Math::max);
            request = requests.take();
          } finally {
            readers.leave();
          }
          if (request == END) {
            requests.add(END); // as a file system that is unmounted tells everyone
            return;
          }
          begun.add(request);
          if (request % 2 == 1) {
            blocked.take();
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        readers.end();
      }
    }

    void awaitBegun(int count) throws InterruptedException {
      for (int i = 0; i < count; i++) {
        assertThat(begun.poll(30, TimeUnit.SECONDS)).isNotNull();
      }
    }

    void end() throws InterruptedException {
      requests.add(END);
      for (Thread thread : threads) {
        thread.join(30_000);
        assertThat(thread.isAlive()).isFalse();
      }
    }
  }

  @Test
  void whoStandsByTakesOverWhenAllOthersAreBusy() throws InterruptedException {
    Pool pool = new Pool(8);
    for (int round = 0; round < 50; round++) {
      for (int i = 0; i < 7; i++) {
        pool.requests.add(1); // each blocks its thread
      }
      pool.awaitBegun(7);
      pool.requests.add(0); // the eighth is there for it
      pool.awaitBegun(1);
      for (int i = 0; i < 7; i++) {
        pool.blocked.add(1);
      }
    }
    pool.end();
    assertThat(pool.mostWaiting.get()).isLessThanOrEqualTo(2);
  }

  @Test
  void manyShortRequestsAreAllServed() throws InterruptedException {
    Pool pool = new Pool(8);
    for (int i = 0; i < 20_000; i++) {
      pool.requests.add(0);
    }
    pool.awaitBegun(20_000);
    pool.end();
    assertThat(pool.readers.waiting()).isZero();
  }
}
