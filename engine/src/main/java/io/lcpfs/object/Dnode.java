package io.lcpfs.object;

import io.lcpfs.format.ObjectType;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;

/**
 * An object in memory. Holds are counted: each from {@code ObjectSet.create} or {@code hold} ends with
 * {@link #close}. Content methods are safe from many threads, but a read during an overlapping write
 * sees a mix: the file's own range lock is above this.
 */
public final class Dnode implements BlockObject, AutoCloseable {

  public long number() {
    throw new AssertionError("signature only");
  }

  public ObjectType type() {
    throw new AssertionError("signature only");
  }

  /** The txg that created the object; distinguishes successive users of a number. */
  public long generation() {
    throw new AssertionError("signature only");
  }

  /**
   * The owner's bytes (at most 320), as last set. The array is shared: do not write to it.
   */
  public byte[] bonus() {
    throw new AssertionError("signature only");
  }

  /** Replaces the owner's bytes; keeps {@code bonus}, which must not change any more. */
  public void setBonus(Tx tx, byte[] bonus) {
    throw new AssertionError("signature only");
  }

  /**
   * Copies {@code length} bytes from {@code offsetBytes} of the object to {@code target} at {@code
   * targetOffset}; what was never written reads as zeros. No end of file here. Allocates nothing when
   * the blocks are cached.
   *
   * @throws io.lcpfs.error.PoolException EIO when no intact copy is left; ENOMEM
   */
  public void read(long offsetBytes, MemorySegment target, long targetOffset, long length) {
    throw new AssertionError("signature only");
  }

  /**
   * Writes {@code length} bytes of {@code source} from {@code sourceOffset} at {@code offsetBytes}.
   * While the object has only block 0, the block grows to what is needed, up to {@code
   * maxBlockBytes}; from then on its size is fixed.
   *
   * @throws io.lcpfs.error.PoolException EIO, ENOMEM: a prefix may then have been written
   */
  public void write(Tx tx, long offsetBytes, MemorySegment source, long sourceOffset, long length,
      int maxBlockBytes) {
    throw new AssertionError("signature only");
  }

  /**
   * Frees what lies in {@code [offsetBytes, offsetBytes + length)}, which reads as zeros afterwards;
   * partial blocks at the ends are zeroed in place. {@code length} may be Long.MAX_VALUE - offset.
   */
  public void freeRange(Tx tx, long offsetBytes, long length) {
    throw new AssertionError("signature only");
  }

  /** Offset of the first data at or after {@code offsetBytes}, or -1; block granular. */
  public long nextData(long offsetBytes) {
    throw new AssertionError("signature only");
  }

  /** Offset of the first hole at or after {@code offsetBytes}; block granular, may be past the end. */
  public long nextHole(long offsetBytes) {
    throw new AssertionError("signature only");
  }

  /** Bytes allocated for the object on disk as of the last sync. */
  public long storedBytes() {
    throw new AssertionError("signature only");
  }

  /**
   * Frees the object with all its content. It must be small enough to free within one transaction
   * group (at most {@link #MAX_BLOCKS_FREED_AT_ONCE} blocks): shorten it with freeRange over several
   * transactions before. Other holds see ENOENT afterwards; the number is reused only after the last.
   */
  public void free(Tx tx) {
    throw new AssertionError("signature only");
  }

  /** See {@link #free}. */
  public static final long MAX_BLOCKS_FREED_AT_ONCE = 65_536;

  /** Blocks up to the highest that was ever written. */
  @Override
  public long blockCount() {
    throw new AssertionError("signature only");
  }

  @Override
  public int blockBytes() {
    throw new AssertionError("signature only");
  }

  @Override
  public Block read(long blockId) {
    throw new AssertionError("signature only");
  }

  @Override
  public Block modify(Tx tx, long blockId) {
    throw new AssertionError("signature only");
  }

  @Override
  public void setBlockBytes(Tx tx, int blockBytes) {
    throw new AssertionError("signature only");
  }

  @Override
  public void truncateBlocks(Tx tx, long fromBlock) {
    throw new AssertionError("signature only");
  }

  /** Ends this hold. */
  @Override
  public void close() {
    throw new AssertionError("signature only");
  }
}
