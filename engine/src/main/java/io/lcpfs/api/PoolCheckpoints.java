package io.lcpfs.api;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.CheckpointInfo;
import io.lcpfs.pool.DatasetInfo;
import io.lcpfs.pool.PoolEngine;
import java.time.Instant;
import java.util.Optional;

/**
 * The checkpoint of a pool, of which there is at most one. To go back to it, close or export the
 * pool and open it with {@link io.lcpfs.pool.OpenOptions#withRewind}: what was done since is lost,
 * and the checkpoint is gone. Opened so read-only, the pool shows what it would be.
 */
public final class PoolCheckpoints {
  private static final long NANOS = 1_000_000_000L;

  private final Pool pool;
  private final PoolEngine engine;

  PoolCheckpoints(Pool pool, PoolEngine engine) {
    this.pool = pool;
    this.engine = engine;
  }

  /** The checkpoint, if there is one. */
  public Optional<Checkpoint> find() {
    return engine.checkpoint().map(PoolCheckpoints::of);
  }

  /**
   * Takes a checkpoint of all that was done before the call; returns when it is on disk. From then
   * on, space that is given up stays in use as long as the checkpoint has it.
   *
   * @throws PoolException EEXIST when there is one; ENOSPC; EROFS; EOPNOTSUPP when the pool was
   *     made without checkpoints and not upgraded
   */
  public Checkpoint take() {
    refuseSecond();
    for (DatasetInfo info : engine.datasets()) {
      if (info.isReadable()) {
        settle(info.path());
      }
    }
    return of(engine.takeCheckpoint());
  }

  /** Before all datasets are opened in vain. */
  private void refuseSecond() {
    if (engine.checkpoint().isPresent()) {
      engine.takeCheckpoint();
    }
  }

  /** What is in its intent log belongs to it, too: opening it does that again. */
  private void settle(String path) {
    try {
      engine.objectSet(path, pool.policy(path));
      pool.beforeSnapshot(pool.fullName(path));
    } catch (PoolException e) {
      // Destroyed or renamed meanwhile, or damaged: then nobody can use it afterwards either.
      if (e.errno() != Errno.ENOENT && e.errno() != Errno.EIO) {
        throw e;
      }
    }
  }

  /**
   * Gives the checkpoint up; what only it had is free when this returns.
   *
   * @return allocated bytes of that
   * @throws PoolException ENOENT when there is none; EROFS
   */
  public long discard() {
    return engine.discardCheckpoint();
  }

  /** The pool property: the space it takes, or the empty string. */
  String property() {
    return find().map(found -> Long.toString(found.usedBytes())).orElse("");
  }

  private static Checkpoint of(CheckpointInfo info) {
    long nanos = info.timestampNanos();
    return new Checkpoint(
        info.txg(),
        Instant.ofEpochSecond(Math.floorDiv(nanos, NANOS), Math.floorMod(nanos, NANOS)),
        info.usedBytes());
  }
}
