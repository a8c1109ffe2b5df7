package io.lcpfs.sim.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.sim.model.Contents;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimRandom;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Datasets that are created, filled, renamed and destroyed now and then while the writers work in
 * the root dataset, so that crashes meet those too. Their content is checked by {@code verify}
 * only.
 */
final class SideDatasets {
  private static final int PER_MILLE = 4;
  private static final int FILES = 12;
  private static final String FIRST = EngineTarget.POOL + "/side";
  private static final String SECOND = EngineTarget.POOL + "/other";

  private final SimRandom random;
  private final Pool pool;
  private final ReentrantLock lock = new ReentrantLock();
  private int serial;

  SideDatasets(SimEnv machine, Pool pool) {
    this.random = machine.randomFor("side datasets of " + machine.name());
    this.pool = pool;
  }

  /** Perhaps does something; its refusals are nobody's, its failures the caller's. */
  void now() {
    if (!random.chance(PER_MILLE)) {
      return;
    }
    lock.lock();
    try {
      step(random.nextBoolean() ? FIRST : SECOND);
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOSPC && e.errno() != Errno.ENOMEM) {
        throw e;
      }
    } finally {
      lock.unlock();
    }
  }

  private void step(String name) {
    boolean present = pool.datasets().stream().anyMatch(dataset -> dataset.name().equals(name));
    if (!present) {
      fill(pool.createDataset(name, Map.of("recordsize", "4096", "compression", "off"), false));
      return;
    }
    String other = name.equals(FIRST) ? SECOND : FIRST;
    switch (random.nextInt(4)) {
      case 0 -> fill(pool.dataset(name));
      case 1 -> pool.dataset(name).setProperty("compression", random.nextBoolean() ? "lz4" : "off");
      case 2 -> {
        if (pool.datasets().stream().noneMatch(dataset -> dataset.name().equals(other))) {
          pool.renameDataset(name, other);
        }
      }
      default -> pool.destroyDataset(name, true);
    }
  }

  private void fill(Dataset dataset) {
    PosixFileSystem fs = dataset.fileSystem();
    int flags = OpenFlags.O_CREAT | OpenFlags.O_RDWR;
    for (int i = 0; i < FILES; i++) {
      byte[] content = Contents.bytes(random.nextLong() | 2, random.nextInt(20_000));
      byte[] path = ("/f" + serial++ % 100).getBytes(UTF_8);
      try (FileHandle file = fs.paths().open(path, flags, 0644, Caller.ROOT)) {
        file.write(0, MemorySegment.ofArray(content), 0, content.length);
      }
    }
  }
}
