package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;

/**
 * What an uberblock says of the pool's checkpoint: an earlier state of the whole pool that is kept.
 *
 * @param txg the group whose end it shows; 0 when there is no checkpoint
 * @param timestampNanos wall clock of that group's commit, nanoseconds since 1970
 * @param discardedTxg the group that gave it up, whose blocks are then kept for two groups more; 0
 *     while it is there
 * @param root the meta object set as that group left it
 */
public record CheckpointRecord(
    long txg, long timestampNanos, long discardedTxg, BlockPointer root) {

  /** No checkpoint. */
  public static final CheckpointRecord NONE = new CheckpointRecord(0, 0, 0, BlockPointer.HOLE);

  private static final long TXG = Disk.offset(Uberblock.LAYOUT, "checkpoint_txg");
  private static final long NANOS = Disk.offset(Uberblock.LAYOUT, "checkpoint_nanos");
  private static final long DISCARDED = Disk.offset(Uberblock.LAYOUT, "checkpoint_discarded");
  private static final long ROOT = Disk.offset(Uberblock.LAYOUT, "checkpoint_root");

  /** Whether there is none, nor the rest of one. */
  public boolean isNone() {
    return txg == 0;
  }

  /** Whether it is there: one that was given up is not. */
  public boolean isActive() {
    return txg != 0 && discardedTxg == 0;
  }

  /** The same, given up by {@code inTxg}. */
  public CheckpointRecord discardedIn(long inTxg) {
    Check.that(isActive(), "discarding a checkpoint that is not there", inTxg);
    return new CheckpointRecord(txg, timestampNanos, inTxg, root);
  }

  /**
   * What is left of it once {@code committedTxg} is durable: nothing of one that was given up two
   * groups before, since no import goes back further.
   */
  public CheckpointRecord asOf(long committedTxg) {
    return discardedTxg != 0 && committedTxg >= discardedTxg + 2 ? NONE : this;
  }

  static CheckpointRecord decode(MemorySegment slot, long uberblockTxg) {
    long txg = Disk.u64(slot, TXG);
    if (txg == 0) {
      return NONE;
    }
    if (txg < 0 || txg >= uberblockTxg) {
      throw corrupt("uberblock.checkpoint_txg", txg);
    }
    long discarded = Disk.u64(slot, DISCARDED);
    if (discarded != 0 && (discarded <= txg || discarded > uberblockTxg)) {
      throw corrupt("uberblock.checkpoint_discarded", discarded);
    }
    BlockPointer root = BlockPointer.decode(slot, ROOT);
    if (root.copies() == 0 || root.logicalBirth() != txg || root.physicalBirth() != txg) {
      throw corrupt("uberblock.checkpoint_root", root.toString());
    }
    return new CheckpointRecord(txg, Disk.u64(slot, NANOS), discarded, root);
  }

  void encode(MemorySegment slot) {
    Disk.putU64(slot, TXG, txg);
    Disk.putU64(slot, NANOS, timestampNanos);
    Disk.putU64(slot, DISCARDED, discardedTxg);
    root.encode(slot, ROOT);
  }
}
