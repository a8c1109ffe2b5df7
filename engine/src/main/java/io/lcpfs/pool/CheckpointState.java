package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.lcpfs.alloc.Metaslab;
import io.lcpfs.alloc.SpaceMapState;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.CheckpointRecord;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SpaceMapHead;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.vdev.TileMap;
import io.lcpfs.zap.Zap;

/** The pool's own objects as a checkpoint has them. Read only while nothing of it can be reused. */
final class CheckpointState {
  /** Told of each space map of the checkpoint. */
  interface Maps {
    void map(Metaslab empty, LayoutRecord.Entry entry, SpaceMapState state);
  }

  /** Copies of the pool's own blocks, times the bytes of a block of dnodes, for each 32 of them. */
  private static final long DNODE_BLOCK_BYTES = 3 * (16 << 10);

  private static final int DNODES = 32;

  private final CommittedView view;
  private final CheckpointRecord record;

  /**
   * @throws PoolException EIO when its root cannot be read
   */
  CheckpointState(ObjectContext context, CheckpointRecord record) {
    this.record = record;
    this.view = new CommittedView(context, record.root());
  }

  CommittedView view() {
    return view;
  }

  /** The metaslabs of {@code layout} that there were. */
  static LayoutRecord layoutThen(LayoutRecord layout, long checkpointTxg) {
    return new LayoutRecord(
        layout.generation(),
        layout.poolGuid(),
        layout.nextMetaslab(),
        layout.entries().stream().filter(entry -> entry.birthTxg() <= checkpointTxg).toList());
  }

  /**
   * Replays the space map of each metaslab that there was.
   *
   * @throws PoolException EIO when one is missing, cannot be read, or contradicts itself
   */
  void maps(TileMap tiles, Maps visitor) {
    MetaDirectory directory = new MetaDirectory(view.meta(), view.context().env());
    try (Dnode maps = directory.hold(MetaDirectory.SPACE_MAPS, ObjectType.ZAP)) {
      Zap zap = Zap.open(maps, view.context().env());
      for (LayoutRecord.Entry entry : tiles.metaslabs()) {
        long number = zap.getLong(Integer.toString(entry.id()).getBytes(US_ASCII));
        if (number != Zap.ABSENT) {
          Metaslab metaslab =
              new Metaslab(entry.id(), tiles.sizeBytes(entry.id()), tiles.sectorBytes(entry.id()));
          visitor.map(metaslab, entry, state(number, metaslab));
        } else if (entry.birthTxg() <= record.txg()) {
          throw PoolException.corrupt(
              "checkpoint.space_maps", "metaslab " + entry.id() + " has none");
        }
      }
    }
  }

  private SpaceMapState state(long object, Metaslab metaslab) {
    try (Dnode dnode = view.hold(object, ObjectType.SPACE_MAP)) {
      SpaceMapHead head = SpaceMapHead.decode(dnode.bonus());
      if (head.metaslab() != metaslab.id()) {
        throw PoolException.corrupt("checkpoint.space_map_head.metaslab", head.metaslab());
      }
      SpaceMapState state = SpaceMaps.replayRecords(dnode, head, metaslab);
      state.finish(record.txg());
      if (state.allocatedBytes() != head.allocatedBytes()) {
        throw PoolException.corrupt("checkpoint.space_map_head.allocated_bytes", object);
      }
      return state;
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        throw PoolException.corrupt("checkpoint.space_maps", "there is no object " + object);
      }
      throw e;
    }
  }

  /**
   * A bound on what the pool's own objects take: they are written anew bit by bit while the
   * checkpoint keeps what they were.
   */
  static long metaBytes(ObjectSet meta) {
    long bytes = 0;
    long objects = 0;
    for (long number = meta.nextObject(1); number >= 0; number = meta.nextObject(number + 1)) {
      objects = number;
      try (Dnode dnode = meta.hold(number)) {
        bytes += dnode.storedBytes();
      } catch (PoolException e) {
        if (e.errno() != Errno.ENOENT && e.errno() != Errno.EIO) {
          throw e;
        }
        // Freed since it was found, or lost: then nobody writes it anew.
      }
    }
    return bytes + Math.ceilDiv(objects + 1, DNODES) * DNODE_BLOCK_BYTES;
  }
}
