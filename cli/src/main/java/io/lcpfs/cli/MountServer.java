package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.cli.owner.OwnerServer;
import io.lcpfs.error.PoolException;
import io.lcpfs.fuse.FuseMount;
import io.lcpfs.fuse.MountOptions;
import io.lcpfs.fuse.ServiceManager;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The pools that this process has open for its mounts. Each is closed when its last mount is gone,
 * and all of them when a signal ends the process. One thread adds and mounts, then serves.
 */
final class MountServer implements AutoCloseable {
  private static final int CLOSING_SECONDS = 120;

  private final Cli cli;
  private final boolean background;
  private final List<Served> pools = new ArrayList<>();

  /** In the order in which they were mounted: what is inside another comes behind it. */
  private final List<FuseMount> mounts = new CopyOnWriteArrayList<>();

  /** The first failure of who closed a pool. */
  private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();

  /** Open when a signal came, or nothing is mounted any more. */
  private final CountDownLatch stop = new CountDownLatch(1);

  private final CountDownLatch closed = new CountDownLatch(1);

  /** @param background whether who started it waits for it to serve, and passes on what it says */
  MountServer(Cli cli, boolean background) {
    this.cli = cli;
    this.background = background;
    // A signal unmounts; the process then ends when the pools are closed.
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(this::stopped));
  }

  /** A pool with its mounts. */
  private final class Served {
    final Pool pool;
    final List<FuseMount> mounts = new ArrayList<>();
    final Set<String> datasets = new HashSet<>();

    /** Guards the two below. */
    private final ReentrantLock lock = new ReentrantLock();

    private @Nullable OwnerServer owner;
    private boolean ended;

    Served(Pool pool) {
      this.pool = pool;
    }

    void begin() {
      lock.lock();
      try {
        MountRecord.write(cli, pool, mounts);
        owner = Owners.serve(cli, List.of(pool), datasets::contains);
      } finally {
        lock.unlock();
      }
    }

    void awaitUnmounted() throws InterruptedException {
      for (FuseMount mount : mounts) {
        mount.awaitUnmounted();
      }
    }

    /** Lets go of the pool; nothing happens the second time. */
    void end() {
      lock.lock();
      try {
        if (ended) {
          return;
        }
        ended = true;
        try {
          OwnerServer last = owner;
          if (last != null) {
            last.close();
          }
        } finally {
          try {
            pool.close();
          } finally {
            MountRecord.remove(cli, pool.name());
          }
        }
      } finally {
        lock.unlock();
      }
    }
  }

  /** Takes a pool over, to close it. */
  void add(Pool pool) {
    pools.add(new Served(pool));
  }

  /** Mounts what is planned of a pool that was added. */
  void mount(MountPlan plan, MountOptions options) {
    String name = plan.dataset().name();
    if (stop.getCount() == 0) {
      throw Failure.failed(name, "is not mounted, since a signal came", "mount it again");
    }
    FuseMount mount;
    try {
      mount =
          FuseMount.mount(
              plan.datasets(), plan.directory(), options, line -> cli.warn(name + ": " + line));
    } catch (PoolException e) {
      throw new Failure(ExitCode.FAILED, name + " on " + Messages.of(e), e);
    }
    mounts.add(mount);
    Served served =
        pools.stream().filter(one -> one.pool == plan.dataset().pool()).findFirst().orElseThrow();
    served.mounts.add(mount);
    served.datasets.addAll(plan.names());
  }

  boolean hasMounts() {
    return !mounts.isEmpty();
  }

  /** Tells something to who waits for this process to serve. */
  void tell(String line) {
    if (background) {
      cli.out().println("lcpfs: " + line);
    } else {
      cli.warn(line);
    }
  }

  /**
   * Serves; returns when all is unmounted and the pools are closed.
   *
   * @param failures how many pools and datasets could not be mounted
   */
  void serve(int failures) throws InterruptedException {
    AtomicInteger left = new AtomicInteger(pools.size());
    for (Served served : pools) {
      served.begin();
      // What was found when the pool and its datasets were opened: above all changes that are lost.
      served.pool.status().problems().forEach(line -> tell(served.pool.name() + ": " + line));
    }
    tellReady(failures);
    new KernelWarmUp(cli).now();
    for (Served served : pools) {
      Thread.ofPlatform().daemon(true).start(() -> endUnmounted(served, left));
    }
    if (pools.isEmpty()) {
      stop.countDown();
    }
    stop.await();
    RuntimeException first = failure.get();
    if (first != null) {
      throw first;
    }
  }

  private void tellReady(int failures) {
    if (background) {
      MountDaemon.ready(cli, failures);
      return;
    }
    mounts.forEach(mount -> cli.out().println("Mounted on " + mount.directory()));
    cli.out().flush();
    String places = mounts.size() == 1 ? "1 mount" : mounts.size() + " mounts";
    try {
      ServiceManager.ready(
          cli.environment(), places + (failures == 0 ? "" : ", " + failures + " failed"));
    } catch (PoolException e) {
      cli.warn(Messages.of(e));
    }
  }

  private void endUnmounted(Served served, AtomicInteger left) {
    try {
      served.awaitUnmounted();
      served.end();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      if (!failure.compareAndSet(null, e)) {
        cli.warn(served.pool.name() + ": " + Messages.of(e));
      }
    } finally {
      if (left.decrementAndGet() == 0) {
        stop.countDown();
      }
    }
  }

  private void stopped() {
    if (closed.getCount() == 0) {
      return;
    }
    stop.countDown();
    if (!background) {
      try {
        ServiceManager.stopping(cli.environment());
      } catch (PoolException e) {
        cli.warn(Messages.of(e));
      }
    }
    FuseMount.closeAll(mounts);
    try {
      if (!closed.await(CLOSING_SECONDS, TimeUnit.SECONDS)) {
        cli.warn("closing the pools takes too long; what was synced is safe");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Unmounts what is mounted, and closes the pools. */
  @Override
  public void close() {
    RuntimeException last = null;
    try {
      FuseMount.closeAll(mounts);
      for (Served served : pools.reversed()) {
        try {
          served.end();
        } catch (RuntimeException e) {
          last = e;
        }
      }
    } finally {
      closed.countDown();
    }
    if (last != null) {
      throw last;
    }
  }
}
