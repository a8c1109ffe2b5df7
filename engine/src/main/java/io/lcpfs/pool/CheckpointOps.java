package io.lcpfs.pool;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.CheckpointRecord;
import io.lcpfs.format.Features;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.vdev.TileMap;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Taking, discarding and checking the checkpoint of an imported pool. */
final class CheckpointOps {
  private final PoolParts parts;
  private final ObjectSet meta;

  /** One taking or discarding at a time; held while waiting for groups. */
  private final ReentrantLock lock = new ReentrantLock();

  private volatile @Nullable PoolException problem;

  CheckpointOps(PoolParts parts, ObjectSet meta) {
    this.parts = parts;
    this.meta = meta;
  }

  private PoolCheckpoint known() {
    return parts.sync.checkpoint();
  }

  private String poolName() {
    return parts.sync.config().name();
  }

  /**
   * Finds out after an import what the checkpoint keeps, before anything is allocated. One that
   * cannot be read is of no use any more; it is forgotten, and what it kept is free.
   *
   * @throws PoolException ENOMEM; EIO when a device does not answer
   */
  void load() {
    CheckpointRecord record = known().record();
    if (record.asOf(parts.sync.committed().txg()).isNone()) {
      known().forget();
      return;
    }
    try {
      CheckpointState state = new CheckpointState(parts.context, record);
      long bytes = CheckpointState.metaBytes(state.view().meta());
      // First all of them: a pool that keeps a part of a checkpoint keeps nothing.
      state.maps(parts.devices.tiles(), (metaslab, entry, map) -> {});
      state.maps(
          parts.devices.tiles(),
          (metaslab, entry, map) -> parts.allocator.metaslab(metaslab.id()).keep(map));
      parts.reserve.setCheckpointBytes(bytes);
    } catch (PoolException e) {
      if (e.errno() != Errno.EIO || e.error() instanceof PoolError.DeviceFailed) {
        throw e;
      }
      problem = e;
      known().forget();
      parts.allocator.letGo(null);
    }
  }

  /** Goes on with what an earlier import began; once the pool is writable. */
  void start() {
    if (known().record().discardedTxg() != 0) {
      awaitDiscarded();
    }
  }

  /** Why the checkpoint was lost, or null. */
  @Nullable PoolException problem() {
    return problem;
  }

  /** The checkpoint as of now. */
  Optional<CheckpointInfo> info() {
    CheckpointRecord record = known().record();
    return record.isActive()
        ? Optional.of(
            new CheckpointInfo(record.txg(), record.timestampNanos(), parts.allocator.keptBytes()))
        : Optional.empty();
  }

  /** Refuses what a return to the checkpoint would not undo. */
  void refuseWhileThere(String what) {
    if (known().record().isActive()) {
      throw PoolException.refused(
          Errno.EBUSY,
          "pool "
              + poolName()
              + " has a checkpoint, and going back to it would not undo "
              + what
              + "; discard it first with 'lcpfs pool checkpoint -d "
              + poolName()
              + "'");
    }
  }

  /**
   * Takes a checkpoint of all that was done before the call; on disk when this returns.
   *
   * @throws PoolException EEXIST; EOPNOTSUPP; ENOSPC
   */
  CheckpointInfo take() {
    lock.lock();
    try {
      refuseTaking();
      if (!known().record().isNone()) {
        awaitDiscarded();
      }
      long bytes = CheckpointState.metaBytes(meta);
      if (parts.reserve.availableBytes() < bytes) {
        parts.txgs.sync();
      }
      long available = parts.reserve.availableBytes();
      if (available < bytes) {
        throw PoolException.refused(
            Errno.ENOSPC,
            "a checkpoint of pool "
                + poolName()
                + " needs "
                + bytes
                + " bytes for a second version of the pool's own objects, and "
                + available
                + " are available; remove something first");
      }
      parts.reserve.setCheckpointBytes(bytes);
      parts.txgs.sync();
      known().requestTake();
      parts.txgs.waitSynced(parts.txgs.openTxg());
      return info()
          .orElseThrow(() -> new AssertionError("a checkpoint that was taken is not there"));
    } finally {
      lock.unlock();
    }
  }

  private void refuseTaking() {
    if (!parts.sync.config().features().contains(Features.CHECKPOINT)) {
      throw PoolException.refused(
          Errno.EOPNOTSUPP,
          "pool "
              + poolName()
              + " was made without checkpoints; turn them on with 'lcpfs pool upgrade "
              + poolName()
              + "'");
    }
    CheckpointRecord there = known().record();
    if (there.isActive()) {
      throw PoolException.refused(
          Errno.EEXIST,
          "pool "
              + poolName()
              + " has a checkpoint, of "
              + Instant.ofEpochSecond(Math.floorDiv(there.timestampNanos(), 1_000_000_000L))
              + "; discard it first with 'lcpfs pool checkpoint -d "
              + poolName()
              + "'");
    }
  }

  /**
   * Gives the checkpoint up; what only it had is free when this returns.
   *
   * @return allocated bytes of that
   * @throws PoolException ENOENT
   */
  long discard() {
    lock.lock();
    try {
      Optional<CheckpointInfo> there = info();
      if (there.isEmpty()) {
        throw PoolException.refused(
            Errno.ENOENT,
            "pool "
                + poolName()
                + " has no checkpoint; take one with 'lcpfs pool checkpoint "
                + poolName()
                + "'");
      }
      known().requestDiscard();
      awaitDiscarded();
      return there.get().usedBytes();
    } finally {
      lock.unlock();
    }
  }

  /** Writes the groups until which an import may go back to one that has the checkpoint. */
  private void awaitDiscarded() {
    do {
      parts.txgs.waitSynced(parts.txgs.openTxg());
    } while (!known().record().isNone());
    parts.reserve.setCheckpointBytes(0);
  }

  /** Checks the checkpoint, too, and adds what is found; no group may be written meanwhile. */
  VerifyReport withCheckpoint(VerifyReport now, Consumer<Progress> progress) {
    CheckpointRecord record = known().record();
    if (!record.isActive()) {
      return now;
    }
    List<VerifyReport.Finding> findings = new ArrayList<>(now.findings());
    SortedMap<String, Long> counts = new TreeMap<>(now.counts());
    long bytes = now.bytesChecked();
    try {
      CheckpointCheck check = new CheckpointCheck(parts, record);
      VerifyReport then =
          check.run(
              TileMap.of(
                  parts.sync.config(),
                  CheckpointState.layoutThen(parts.sync.layout(), record.txg())),
              progress);
      then.findings()
          .forEach(
              one ->
                  findings.add(
                      new VerifyReport.Finding(
                          one.check(), "checkpoint: " + one.where(), one.what())));
      bytes += then.bytesChecked();
      counts.put("bytes kept by the checkpoint", parts.allocator.keptBytes());
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e;
      }
      findings.add(new VerifyReport.Finding("CheckpointCheck", "checkpoint", e.error().message()));
    }
    return new VerifyReport(List.copyOf(findings), counts, bytes);
  }
}
