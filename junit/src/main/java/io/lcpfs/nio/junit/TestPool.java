package io.lcpfs.nio.junit;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.nio.LcpfsFileSystems;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.Tuning;
import io.lcpfs.pool.VerifyReport;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A pool in memory, with a file system for one test, or with one that each test gets a clone of.
 */
final class TestPool {
  private static final String FIRST = "test/own";
  private static final int BLOCK_BYTES = 4096;
  private static final long CACHE_BYTES = 64L << 20;

  private final RealEnv env = new RealEnv();
  private final Pool pool;
  private final Settings settings;
  private final AtomicLong clones = new AtomicLong();

  /**
   * How a pool is made.
   *
   * @param bytes of memory
   * @param options of views
   * @param properties of datasets
   * @param verified whether it is verified when it is closed
   */
  record Settings(
      long bytes, Map<String, Object> options, Map<String, String> properties, boolean verified) {}

  TestPool(Settings settings) {
    this.settings = settings;
    RamDevice device = new RamDevice("test", BLOCK_BYTES, settings.bytes / BLOCK_BYTES);
    Tuning tuning = Tuning.standard().withCacheBytes(CACHE_BYTES);
    try {
      pool = Pool.create(List.of(device), CreateOptions.named("test").withTuning(tuning), env);
    } catch (RuntimeException e) {
      env.close();
      throw e;
    }
  }

  /** A file system that is empty. */
  FileSystem first() {
    Dataset dataset = pool.createDataset(FIRST, settings.properties, false);
    return LcpfsFileSystems.of(dataset, settings.options);
  }

  /** Keeps what {@link #first} has now, for clones. */
  Snapshot keep() {
    return pool.dataset(FIRST).snapshot("prepared");
  }

  /** A file system of its own that begins as a snapshot. */
  final class Clone {
    private final Dataset dataset;
    final FileSystem fs;

    Clone(Snapshot of) {
      String name = "test/clone-" + clones.incrementAndGet();
      dataset = of.cloneTo(name, settings.properties);
      fs = LcpfsFileSystems.of(dataset, settings.options);
    }

    /** Destroys it. What it had is free again before the next test could want for it. */
    void close() throws IOException {
      fs.close();
      pool.destroyDataset(dataset.name(), false);
      while (freeing() > settings.bytes / 4) {
        pool.sync();
      }
    }
  }

  private long freeing() {
    return Long.parseLong(pool.property("freeing").value());
  }

  /** Ends it with the file system that {@link #first} made, if that is open. */
  void close(@Nullable FileSystem open) throws IOException {
    try (env;
        pool) {
      if (open != null) {
        open.close();
      }
      if (settings.verified) {
        VerifyReport report = pool.verify(progress -> {});
        if (!report.clean()) {
          throw new AssertionError("the pool is damaged: " + report.findings());
        }
      }
    }
  }
}
