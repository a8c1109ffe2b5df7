package io.lcpfs.txg;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.RealEnv;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When a group is closed of its own accord. The timeout is an hour. */
class TxgManagerTest {
  private static final long BUDGET = 1_000_000;
  private static final long HOUR_NANOS = 3_600_000_000_000L;

  private final RealEnv env = new RealEnv();
  private final BlockingQueue<Long> synced = new LinkedBlockingQueue<>();
  private final TxgManager txgs =
      new TxgManager(
          env,
          new SyncTarget() {
            @Override
            public void sync(long txg) {
              synced.add(txg);
            }

            @Override
            public boolean isDirty(long txg) {
              return false;
            }
          },
          "test",
          0,
          BUDGET,
          HOUR_NANOS);

  @BeforeEach
  void start() {
    txgs.start();
  }

  @AfterEach
  void stop() {
    txgs.stop();
    env.close();
  }

  private void change(long dirtyBytes, long writtenBytes) {
    try (Tx tx = txgs.begin(dirtyBytes)) {
      tx.chargeDirty(dirtyBytes);
      tx.countWritten(writtenBytes);
      tx.complete();
    }
  }

  @Test
  void aGroupWithAQuarterOfTheBudgetWrittenIsClosedEarly() throws InterruptedException {
    change(BUDGET / 4 + 1, BUDGET / 4 + 1);
    assertThat(synced.poll(30, TimeUnit.SECONDS)).isEqualTo(1);
  }

  /** Clones write nothing: the third of three used to wait until the other two were on disk. */
  @Test
  void aGroupWithMuchDirtyIsClosedBeforeSomebodyHasToWait() throws InterruptedException {
    change(BUDGET / 5, 0);
    change(BUDGET / 5, 0);
    assertThat(txgs.openTxg()).isEqualTo(1);
    change(BUDGET / 5, 0);
    assertThat(synced.poll(30, TimeUnit.SECONDS)).isEqualTo(1);
    assertThat(synced).isEmpty();
  }
}
