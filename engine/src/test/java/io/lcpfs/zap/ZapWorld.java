package io.lcpfs.zap;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.Task;
import io.lcpfs.txg.SyncTarget;
import io.lcpfs.txg.Tx;
import io.lcpfs.txg.TxgManager;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;

/** What a ZAP needs around it: seeded salts, counted probes, a Tx that is never synced. */
public final class ZapWorld implements Env {
  private final Random random;
  final Map<CodeProbe, Integer> probes = new EnumMap<>(CodeProbe.class);
  public final Tx tx;

  public ZapWorld(long seed) {
    random = new Random(seed);
    SyncTarget nowhere =
        new SyncTarget() {
          @Override
          public void sync(long txg) {
            throw new AssertionError("sync of " + txg);
          }

          @Override
          public boolean isDirty(long txg) {
            return false;
          }
        };
    tx = new TxgManager(this, nowhere, "test", 0, Long.MAX_VALUE / 2, 1).begin(0);
  }

  @Override
  public long nanoTime() {
    return 0;
  }

  @Override
  public long wallNanos() {
    return 0;
  }

  @Override
  public void sleep(long nanos) {
    throw new AssertionError("a ZAP never sleeps");
  }

  @Override
  public long randomLong() {
    return random.nextLong();
  }

  @Override
  public Task<Void> fork(String name, Runnable body) {
    throw new AssertionError("a ZAP never forks");
  }

  @Override
  public <T> Task<T> onDevice(Callable<T> job) {
    throw new AssertionError("a ZAP never forks");
  }

  @Override
  public <T> Task<T> onCpu(Callable<T> job) {
    throw new AssertionError("a ZAP never forks");
  }

  @Override
  public int cpus() {
    return 1;
  }

  @Override
  public void probe(CodeProbe probe) {
    probes.merge(probe, 1, Integer::sum);
  }

  int reached(CodeProbe probe) {
    return probes.getOrDefault(probe, 0);
  }
}
