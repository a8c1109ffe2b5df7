package io.lcpfs.sim.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.sim.model.Contents;
import io.lcpfs.sim.model.Tree;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimRandom;
import io.lcpfs.sim.world.Violation;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Clones of the snapshots that {@link SideSnapshots} takes, made, changed, rolled back, promoted
 * and destroyed now and then. A new clone, and one that was rolled back, has to show what the
 * snapshot's name says; {@code verify} holds the sums.
 */
final class SideClones {
  private static final int PER_MILLE = 4;
  private static final int FILES = 6;
  private static final List<String> NAMES =
      List.of(EngineTarget.POOL + "/clone", EngineTarget.POOL + "/twin");

  private final SimEnv machine;
  private final SimRandom random;
  private final Pool pool;
  private final ReentrantLock lock = new ReentrantLock();
  private int serial;

  SideClones(SimEnv machine, Pool pool) {
    this.machine = machine;
    this.random = machine.randomFor("clones of " + machine.name());
    this.pool = pool;
  }

  /** Perhaps does something; its refusals are nobody's, its failures the caller's. */
  void now() {
    if (!random.chance(PER_MILLE)) {
      return;
    }
    lock.lock();
    try {
      step(NAMES.get(random.nextInt(NAMES.size())));
    } catch (PoolException e) {
      // Others take, rename and destroy snapshots meanwhile, and datasets with their clones.
      if (e.errno() != Errno.ENOSPC
          && e.errno() != Errno.ENOMEM
          && e.errno() != Errno.ENOENT
          && e.errno() != Errno.EEXIST
          && e.errno() != Errno.EBUSY
          && e.errno() != Errno.EBADF
          && e.errno() != Errno.ESTALE
          && e.errno() != Errno.ENOTEMPTY) {
        throw e;
      }
    } finally {
      lock.unlock();
    }
  }

  private void step(String name) {
    if (pool.datasets().stream().noneMatch(dataset -> dataset.name().equals(name))) {
      make(name);
      return;
    }
    Dataset dataset = pool.dataset(name);
    switch (random.nextInt(8)) {
      case 0, 1, 2 -> fill(dataset);
      case 3 -> snapshot(dataset);
      case 4, 5 -> rollback(dataset);
      case 6 -> {
        if (dataset.origin().isPresent()) {
          dataset.promote();
          machine.probe(CodeProbe.CLONE_PROMOTED);
        }
      }
      default -> pool.destroyWithClones(name);
    }
  }

  private void make(String name) {
    List<Snapshot> known =
        pool.datasets().stream()
            .flatMap(dataset -> dataset.snapshots().stream())
            .filter(SideSnapshots::isRead)
            .toList();
    if (!known.isEmpty()) {
      Snapshot origin = known.get(random.nextInt(known.size()));
      Dataset made = origin.cloneTo(name, Map.of("recordsize", "4096"));
      machine.probe(CodeProbe.CLONE_MADE);
      mustShow(made, origin);
    }
  }

  private void mustShow(Dataset dataset, Snapshot snapshot) {
    Tree tree = new TreeReader(machine, dataset.fileSystem()).read();
    if (tree.unreadableChunks() == 0
        && !snapshot.shortName().startsWith(SideSnapshots.digestName(tree))) {
      throw new Violation(dataset + " does not show what " + snapshot + " has");
    }
  }

  private void snapshot(Dataset dataset) {
    Snapshot taken = dataset.snapshot("c" + Long.toHexString(random.nextLong()));
    Tree tree = new TreeReader(machine, taken.fileSystem()).read();
    if (tree.unreadableChunks() == 0) {
      taken.rename(SideSnapshots.digestName(tree) + taken.shortName());
    }
  }

  private void rollback(Dataset dataset) {
    List<Snapshot> known = dataset.snapshots();
    if (!known.isEmpty()) {
      Snapshot back = known.get(random.nextInt(known.size()));
      dataset.rollback(back.shortName(), true);
      machine.probe(CodeProbe.ROLLED_BACK);
      if (SideSnapshots.isRead(back)) {
        mustShow(dataset, back);
      }
    }
  }

  private void fill(Dataset dataset) {
    PosixFileSystem fs = dataset.fileSystem();
    int flags = OpenFlags.O_CREAT | OpenFlags.O_RDWR;
    for (int i = 0; i < FILES; i++) {
      byte[] content = Contents.bytes(random.nextLong() | 2, random.nextInt(20_000));
      byte[] path = ("/c" + serial++ % 50).getBytes(UTF_8);
      try (FileHandle file = fs.paths().open(path, flags, 0644, Caller.ROOT)) {
        file.write(0, MemorySegment.ofArray(content), 0, content.length);
      }
    }
  }
}
