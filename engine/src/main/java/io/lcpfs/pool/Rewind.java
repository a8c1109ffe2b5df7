package io.lcpfs.pool;

import io.lcpfs.alloc.Metaslab;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.CheckpointRecord;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.Uberblock;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.vdev.LabelChoice;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Going back to a pool's checkpoint: the import begins with its root instead of the newest, and the
 * first group that it commits is all that it takes. Until that is durable nothing has happened.
 *
 * <p>What the state that is left behind has, and the checkpoint has not, is freed by that group, so
 * that an import which has to go back a group or two still finds it whole.
 */
final class Rewind {
  private final LabelChoice newest;
  private final CheckpointRecord checkpoint;
  private final SortedMap<Integer, long[]> unfree = new TreeMap<>();

  /**
   * @param newest the state to leave
   * @throws PoolException ENOENT when it has no checkpoint
   */
  Rewind(LabelChoice newest) {
    this.newest = newest;
    this.checkpoint = newest.uberblock().checkpoint();
    if (!checkpoint.isActive()) {
      throw PoolException.refused(
          Errno.ENOENT,
          "pool "
              + newest.config().name()
              + " has no checkpoint to go back to; import it without --rewind-to-checkpoint");
    }
  }

  /** Notes what cannot be given out in the state to leave. */
  void leave(PoolParts parts) {
    for (Metaslab metaslab : parts.allocator.metaslabs()) {
      unfree.put(metaslab.id(), metaslab.unfreeBits());
    }
  }

  /** No metaslab that was bound later has a map in it. */
  long txg() {
    return checkpoint.txg();
  }

  /**
   * The state to import. Devices and configuration are those of now; a group as of then says what
   * metaslabs there are, unless it is only to be looked at.
   */
  LabelChoice target(boolean readOnly) {
    LayoutRecord layout =
        readOnly ? CheckpointState.layoutThen(newest.layout(), checkpoint.txg()) : newest.layout();
    Uberblock now = newest.uberblock();
    return new LabelChoice(
        new Uberblock(
            checkpoint.txg(),
            checkpoint.timestampNanos(),
            now.poolGuid(),
            now.forkId(),
            checkpoint.root(),
            now.layoutGeneration(),
            now.layoutChecksum(),
            now.configGeneration(),
            now.configChecksum(),
            CheckpointRecord.NONE),
        newest.config(),
        layout,
        newest.highestTxg(),
        newest.fellBack(),
        newest.problems());
  }

  /** What the first group begins with, before it allocates anything. */
  void begin(PoolParts parts, ObjectSet meta, SpaceMaps spaceMaps, long txg) {
    spaceMaps.addUnmapped(Tx.inSync(txg), parts.devices.tiles());
    for (Metaslab metaslab : parts.allocator.metaslabs()) {
      long[] bits = unfree.get(metaslab.id());
      if (bits != null) {
        metaslab.deferFree(bits, txg);
      }
    }
    for (long number = meta.nextObject(1); number >= 0; number = meta.nextObject(number + 1)) {
      emptyLog(parts, meta, number, txg);
    }
    parts.env.probe(CodeProbe.CHECKPOINT_REWOUND);
  }

  /** Logs are written in place: what is in one now may be of any time since. */
  private void emptyLog(PoolParts parts, ObjectSet meta, long number, long txg) {
    try (Dnode object = meta.hold(number)) {
      if (object.type() == ObjectType.INTENT_LOG) {
        IntentLogRecord head = IntentLogRecord.decode(object.bonus());
        object.setBonus(
            Tx.inSync(txg), head.emptied(parts.env.randomLong(), newest.highestTxg()).encode());
      }
    } catch (PoolException e) {
      if (e.errno() != Errno.EIO) {
        throw e;
      }
      // A head that does not decode is not followed later either.
    }
  }
}
