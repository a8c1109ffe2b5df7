package io.lcpfs.nio;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.Tuning;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A pool in memory and the file system of its root dataset. */
final class TestPool implements AutoCloseable {
  private static final int BLOCK_BYTES = 4096;

  private final RealEnv env = new RealEnv(2, 1, 4);
  final Pool pool;
  final Dataset dataset;
  final FileSystem fs;

  private TestPool(long bytes) {
    RamDevice device = new RamDevice("ram", BLOCK_BYTES, bytes / BLOCK_BYTES);
    pool =
        Pool.create(
            List.of(device),
            CreateOptions.named("tank")
                .withTuning(Tuning.standard().withCacheBytes(64L << 20).withDirtyBytes(16L << 20)),
            env);
    dataset = pool.dataset("tank");
    fs = LcpfsFileSystems.of(dataset);
  }

  static TestPool create() {
    return new TestPool(64L << 20);
  }

  static TestPool create(long bytes) {
    return new TestPool(bytes);
  }

  Path path(String text) {
    return fs.getPath(text);
  }

  /** The same files seen with other options. */
  FileSystem view(Map<String, ?> options) {
    return LcpfsFileSystems.of(dataset, options);
  }

  @Override
  public void close() throws IOException {
    fs.close();
    pool.close();
    env.close();
  }
}
