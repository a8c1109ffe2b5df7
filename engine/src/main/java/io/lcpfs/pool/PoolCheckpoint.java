package io.lcpfs.pool;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.alloc.Metaslab;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.format.CheckpointRecord;
import io.lcpfs.format.Uberblock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the sync task knows of the checkpoint: an earlier root of the whole pool, named by every
 * uberblock since, and the allocator's promise to give out nothing that was allocated then. Which
 * sectors those are is in the space maps of that root; there is no other list of them.
 */
final class PoolCheckpoint {
  private final Env env;
  private final Allocator allocator;

  /** Guards what follows. */
  private final ReentrantLock lock = new ReentrantLock();

  private CheckpointRecord record;
  private boolean takeWanted;
  private boolean discardWanted;

  /**
   * @param record what the uberblock on disk says
   */
  PoolCheckpoint(Env env, Allocator allocator, CheckpointRecord record) {
    this.env = env;
    this.allocator = allocator;
    this.record = record;
  }

  /** What the last uberblock says, or the next one will. */
  CheckpointRecord record() {
    lock.lock();
    try {
      return record;
    } finally {
      lock.unlock();
    }
  }

  /** It cannot be read, so that nothing can be kept for it: the next uberblock forgets it. */
  void forget() {
    lock.lock();
    try {
      record = CheckpointRecord.NONE;
    } finally {
      lock.unlock();
    }
  }

  /** Asks for a checkpoint with the next group; there must be none. */
  void requestTake() {
    lock.lock();
    try {
      takeWanted = true;
    } finally {
      lock.unlock();
    }
  }

  /** Asks for the end of the checkpoint with the next group. */
  void requestDiscard() {
    lock.lock();
    try {
      discardWanted = true;
    } finally {
      lock.unlock();
    }
  }

  /** Whether the next group has something to write on this account. */
  boolean isDirty() {
    lock.lock();
    try {
      return takeWanted || discardWanted;
    } finally {
      lock.unlock();
    }
  }

  /**
   * A group begins to be written; nothing was allocated or freed since {@code committed}. That is
   * what a checkpoint shows that is asked for: what is allocated now is what its maps say.
   */
  void groupBegins(long txg, Uberblock committed) {
    lock.lock();
    try {
      if (takeWanted && record.isNone() && !committed.root().isHole()) {
        env.probe(CodeProbe.CHECKPOINT_TAKEN);
        allocator.keep();
        record =
            new CheckpointRecord(committed.txg(), committed.timestampNanos(), 0, committed.root());
      }
      if (discardWanted && record.isActive()) {
        record = record.discardedIn(txg);
      }
      takeWanted = false;
      discardWanted = false;
    } finally {
      lock.unlock();
    }
  }

  /** What the uberblock of {@code txg} says. */
  CheckpointRecord recordFor(long txg) {
    return record().asOf(txg);
  }

  /**
   * The uberblock of {@code txg} is durable. What a checkpoint had that was discarded two groups
   * before is free.
   */
  void groupSynced(long txg, Metaslab.@Nullable Released released) {
    lock.lock();
    try {
      if (!record.isNone() && record.asOf(txg).isNone()) {
        env.probe(CodeProbe.CHECKPOINT_DISCARDED);
        record = CheckpointRecord.NONE;
        allocator.letGo(released);
      }
    } finally {
      lock.unlock();
    }
  }
}
