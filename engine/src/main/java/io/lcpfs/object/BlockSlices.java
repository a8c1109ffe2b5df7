package io.lcpfs.object;

import io.lcpfs.cache.Arc;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A range of an object's content where it lies in the cache: slices of blocks, which stay pinned
 * until {@link #close}. Filled again and again by one thread at a time; filling allocates nothing
 * when the blocks are cached. As with {@link Dnode#read}, the bytes stand still only while the
 * owner of the content keeps writers away.
 */
public final class BlockSlices implements AutoCloseable {
  private static final int ZERO_BYTES = 128 << 10;

  /** What holes are made of. */
  private static final MemorySegment ZEROS = Arena.global().allocate(ZERO_BYTES, 4096).asReadOnly();

  private final @Nullable Dbuf[] pinned;
  private final MemorySegment[] segments;
  private final int[] offsets;
  private final int[] lengths;
  private int count;
  private long bytes;
  private @Nullable Arc lender;
  private long lentBytes;

  /** Room for {@code maxSlices} slices. */
  public BlockSlices(int maxSlices) {
    pinned = new Dbuf[maxSlices];
    segments = new MemorySegment[maxSlices];
    offsets = new int[maxSlices];
    lengths = new int[maxSlices];
    Arrays.fill(segments, MemorySegment.NULL);
  }

  /**
   * Becomes the {@code length} bytes from {@code offsetBytes} of the object, reading what is not
   * cached; what was never written is zeros. No end of file here.
   *
   * @return false, with nothing pinned, when the range is to be copied out instead: it has more
   *     slices than there is room for, or pinning it would leave the cache too little memory
   * @throws PoolException EIO when no intact copy of a block is left; nothing is pinned then
   */
  public boolean fill(Dnode dnode, long offsetBytes, long length) {
    Check.that(count == 0 && lender == null, "slices in use are filled", count);
    int size = dnode.blockBytes;
    long blocks = (offsetBytes % size + length + size - 1) / size;
    Arc cache = dnode.objectSet().context().cache();
    if (blocks > pinned.length || !cache.tryLend(blocks * size)) {
      return false;
    }
    lender = cache;
    lentBytes = blocks * size;
    boolean filled = false;
    try {
      filled = pin(dnode, offsetBytes, length);
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOMEM) {
        throw e;
      }
      // A copying read needs one block at a time: it does better, or meets the same error itself.
    } finally {
      if (!filled) {
        close();
      }
    }
    return filled;
  }

  private boolean pin(Dnode dnode, long offsetBytes, long length) {
    for (long done = 0; done < length; ) {
      int size = dnode.blockBytes;
      long at = offsetBytes + done;
      long blockId = at / size;
      int inside = (int) (at - blockId * size);
      int n = (int) Math.min(length - done, size - inside);
      Dbuf dbuf = dnode.pinForReading(blockId, size, inside + n);
      int have = 0;
      if (dbuf != null) {
        if (count == pinned.length) {
          dbuf.unpin();
          return false;
        }
        pinned[count++] = dbuf; // ours from here on, whatever happens
        have = dbuf.have(inside, n);
        set(count - 1, dbuf.segment(), inside, have);
      }
      if (!addZeros(n - have)) {
        return false;
      }
      done += n;
    }
    return true;
  }

  private void set(int i, MemorySegment segment, int offset, int length) {
    segments[i] = segment;
    offsets[i] = offset;
    lengths[i] = length;
    bytes += length;
  }

  private boolean addZeros(int length) {
    for (int left = length; left > 0; left -= ZERO_BYTES) {
      if (count == pinned.length) {
        return false;
      }
      set(count++, ZEROS, 0, Math.min(left, ZERO_BYTES));
    }
    return true;
  }

  /** How many slices there are; in order they are the range. */
  public int count() {
    return count;
  }

  /** Bytes of all slices. */
  public long bytes() {
    return bytes;
  }

  /** The off-heap memory that slice {@code i} is part of, for reading only. */
  public MemorySegment segment(int i) {
    return segments[i];
  }

  /** Where slice {@code i} begins in its segment, in bytes. */
  public int offset(int i) {
    return offsets[i];
  }

  /** How long slice {@code i} is, in bytes; may be 0. */
  public int length(int i) {
    return lengths[i];
  }

  /** Lets go of the blocks; the slices must not be touched any more. */
  @Override
  public void close() {
    int used = count;
    count = 0;
    bytes = 0;
    for (int i = 0; i < used; i++) {
      Dbuf dbuf = pinned[i];
      pinned[i] = null;
      segments[i] = MemorySegment.NULL;
      if (dbuf != null) {
        dbuf.unpin();
      }
    }
    Arc lent = lender;
    lender = null;
    if (lent != null) {
      lent.endLoan(lentBytes);
    }
  }
}
