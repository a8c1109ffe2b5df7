package io.lcpfs.sim.engine;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.Health;
import io.lcpfs.sim.Finding;
import io.lcpfs.sim.model.Tree;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimRandom;
import io.lcpfs.sim.world.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Snapshots of what the writers work in, taken and destroyed now and then while they do. Each is
 * read when it was taken, and then renamed to the digest of what it showed: whenever it is read
 * later, after whatever crashes, it has to show the same.
 */
final class SideSnapshots {
  private static final int PER_MILLE = 4;
  private static final int MOST = 5;

  /** A minute in all: freeing what a simulated pool holds takes a few groups. */
  private static final int GONE_POLLS = 600;

  private static final long GONE_POLL_NANOS = 100_000_000L;
  private static final String READ = "d";
  private static final String NEW = "n";

  private final SimEnv machine;
  private final SimRandom random;
  private final Pool pool;
  private final ReentrantLock lock = new ReentrantLock();

  SideSnapshots(SimEnv machine, Pool pool) {
    this.machine = machine;
    this.random = machine.randomFor("snapshots of " + machine.name());
    this.pool = pool;
  }

  private Dataset dataset() {
    return pool.dataset(EngineTarget.POOL);
  }

  /** Perhaps does something; its refusals are nobody's, its failures the caller's. */
  void now() {
    if (!random.chance(PER_MILLE)) {
      return;
    }
    lock.lock();
    try {
      step();
    } catch (PoolException e) {
      // Another may have made a clone of what was to be destroyed, or destroyed it before.
      if (e.errno() != Errno.ENOSPC
          && e.errno() != Errno.ENOMEM
          && e.errno() != Errno.EBUSY
          && e.errno() != Errno.ENOENT) {
        throw e;
      }
    } finally {
      lock.unlock();
    }
  }

  private void step() {
    List<Snapshot> known = dataset().snapshots();
    if (known.isEmpty() || (known.size() < MOST && random.nextInt(3) > 0)) {
      take();
    } else if (random.nextInt(3) == 0) {
      holds(known.get(random.nextInt(known.size())));
    } else if (random.nextInt(4) == 0) {
      List<String> names = known.stream().map(Snapshot::shortName).toList();
      int from = random.nextInt(names.size());
      int to = from + 1 + random.nextInt(names.size() - from);
      dataset().destroySnapshotsLater(names.subList(from, to));
    } else if (random.nextInt(3) == 0) {
      check(known.get(random.nextInt(known.size())))
          .forEach(
              finding -> {
                if (!finding.damage()) {
                  throw new Violation(finding.text());
                }
              });
    } else {
      destroy(known.get(random.nextInt(known.size())));
    }
  }

  /** Holds one, or releases it, which may end it. */
  private void holds(Snapshot snapshot) {
    List<String> tags = List.copyOf(snapshot.holds().keySet());
    if (tags.isEmpty() || (tags.size() < 3 && random.nextInt(3) == 0)) {
      String tag = "t" + Long.toHexString(random.nextLong());
      snapshot.hold(tag);
      machine.probe(CodeProbe.SNAPSHOT_HELD);
      if (!snapshot.holds().containsKey(tag)) {
        throw new Violation("snapshot " + snapshot + " has lost its hold " + tag);
      }
      return;
    }
    boolean last = tags.size() == 1 && snapshot.isDestroyDeferred() && snapshot.clones().isEmpty();
    snapshot.release(tags.get(random.nextInt(tags.size())));
    if (last) {
      machine.probe(CodeProbe.SNAPSHOT_RELEASED);
      awaitGone(snapshot);
    }
  }

  /** A clone that has lost its name and is still being freed keeps its origin until then. */
  private void awaitGone(Snapshot snapshot) {
    for (int polls = 0; isThere(snapshot); polls++) {
      if (polls == GONE_POLLS) {
        throw new Violation("snapshot " + snapshot + " is there after its last hold");
      }
      if (pool.status().health() == Health.SUSPENDED) {
        return; // nothing is freed any more
      }
      machine.sleep(GONE_POLL_NANOS);
    }
  }

  private boolean isThere(Snapshot snapshot) {
    return dataset().snapshots().stream().anyMatch(one -> one.guid() == snapshot.guid());
  }

  private static void destroy(Snapshot snapshot) {
    try {
      snapshot.destroy();
    } catch (PoolException e) {
      if (e.errno() != Errno.EBUSY || snapshot.userRefs() == 0) {
        throw e;
      }
      snapshot.destroyLater();
    }
  }

  private void take() {
    String name = NEW + Long.toHexString(random.nextLong());
    Snapshot taken =
        pool.createSnapshots(EngineTarget.POOL + "@" + name, random.nextInt(3) == 0).getFirst();
    machine.probe(CodeProbe.SNAPSHOT_TAKEN);
    Tree tree = new TreeReader(machine, taken.fileSystem()).read();
    if (tree.unreadableChunks() == 0) {
      taken.rename(digestName(tree) + name);
    }
  }

  /** What the name of a snapshot begins with that shows {@code tree}. */
  static String digestName(Tree tree) {
    return READ + Long.toHexString(tree.digest()) + "-";
  }

  /** Whether the name of a snapshot says what it has to show. */
  static boolean isRead(Snapshot snapshot) {
    return snapshot.shortName().startsWith(READ);
  }

  /** Whether every snapshot still shows what it showed first. */
  List<Finding> check() {
    List<Finding> findings = new ArrayList<>();
    for (Dataset dataset : pool.datasets()) {
      for (Snapshot snapshot : dataset.snapshots()) {
        findings.addAll(check(snapshot));
      }
    }
    return findings;
  }

  private List<Finding> check(Snapshot snapshot) {
    Tree tree;
    try {
      tree = new TreeReader(machine, snapshot.fileSystem()).read();
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return List.of(); // destroyed meanwhile
      }
      if (e.errno() != Errno.EIO) {
        throw e;
      }
      return List.of(new Finding(true, "snapshot " + snapshot + ": " + e.getMessage()));
    }
    if (!isRead(snapshot) || snapshot.shortName().startsWith(digestName(tree))) {
      return List.of();
    }
    return List.of(
        new Finding(
            tree.unreadableChunks() > 0, "snapshot " + snapshot + " is not what it was any more"));
  }
}
