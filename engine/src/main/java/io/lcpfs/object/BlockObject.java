package io.lcpfs.object;

import io.lcpfs.txg.Tx;
import org.jspecify.annotations.Nullable;

/** An object seen as an array of blocks of equal size; what the ZAP is built on. */
public interface BlockObject {

  /** Bytes per block. */
  int blockBytes();

  /** One more than the highest block that was ever written (0 for none). */
  long blockCount();

  /**
   * A block to read, pinned until {@link Block#close}; a block never written is all zeros.
   *
   * @throws io.lcpfs.error.PoolException EIO when no intact copy is left; ENOMEM
   */
  Block read(long blockId);

  /**
   * A block to change under {@code tx}, pinned until close; a block never written is all zeros. The
   * caller holds whatever lock keeps other users of this object away.
   *
   * @throws io.lcpfs.error.PoolException EIO, ENOMEM: then nothing has changed
   */
  Block modify(Tx tx, long blockId);

  /** Changes the block size; only while there is at most block 0, whose bytes are kept. */
  void setBlockBytes(Tx tx, int blockBytes);

  /** Frees the blocks from {@code fromBlock} on. */
  void truncateBlocks(Tx tx, long fromBlock);

  /**
   * Who is to be told what the changes of blocks under {@code tx} amount to, or null for nobody.
   */
  default @Nullable ChangeRecord changesIn(Tx tx) {
    return null;
  }

  /** The object's number, as {@link #changesIn} is told. */
  default long number() {
    return 0;
  }
}
