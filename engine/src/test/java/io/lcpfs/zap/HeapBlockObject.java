package io.lcpfs.zap;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.Block;
import io.lcpfs.object.BlockObject;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An object in arrays. Blocks from {@code read} are read-only; with {@link #moveOnModify} each
 * {@code modify} puts the block elsewhere, so that who goes on with an older segment is found out.
 */
public final class HeapBlockObject implements BlockObject {
  private static final int MOST_BLOCKS = 1 << 22;

  private final List<Page> pages = new ArrayList<>();
  private int blockBytes = 512;
  private Page zeros = new Page(512);
  private final AtomicInteger pins = new AtomicInteger();

  boolean moveOnModify;
  private long callsUntilFailure = -1;
  private long calls;
  private Map<Integer, byte[]> journal = new HashMap<>();

  private final class Page {
    final byte[] bytes;
    final Block readable;
    final Block writable;

    Page(int size) {
      this(new byte[size]);
    }

    Page(byte[] bytes) {
      this.bytes = bytes;
      MemorySegment segment = MemorySegment.ofArray(bytes);
      this.readable = pin(segment.asReadOnly());
      this.writable = pin(segment);
    }
  }

  private Block pin(MemorySegment segment) {
    return new Block() {
      @Override
      public MemorySegment segment() {
        return segment;
      }

      @Override
      public void close() {
        pins.decrementAndGet();
      }
    };
  }

  /** The n-th call from now on (1 the next) fails with ENOMEM. */
  void failAt(long n) {
    callsUntilFailure = n;
  }

  void failNever() {
    callsUntilFailure = -1;
  }

  private void mayFail() {
    calls++;
    if (callsUntilFailure > 0 && --callsUntilFailure == 0) {
      throw new PoolException(new PoolError.OutOfMemory(blockBytes, 0));
    }
  }

  /** Calls so far that could have failed. */
  long calls() {
    return calls;
  }

  /** From now on remembers what blocks were before they were first modified. */
  void startJournal() {
    journal = new HashMap<>();
  }

  /** Whether every block below {@code limit} is what it was at {@link #startJournal}. */
  boolean isAsBefore(int limit) {
    for (Map.Entry<Integer, byte[]> e : journal.entrySet()) {
      if (e.getKey() < limit) {
        byte[] before = e.getValue();
        byte[] now = e.getKey() < pages.size() ? pages.get(e.getKey()).bytes : new byte[0];
        int size = Math.max(before.length, now.length);
        if (!Arrays.equals(Arrays.copyOf(before, size), Arrays.copyOf(now, size))) {
          return false;
        }
      }
    }
    return true;
  }

  public void assertNoPins() {
    assertThat(pins.get()).as("pins left").isZero();
  }

  /** An object of its own with the same blocks. */
  public HeapBlockObject copy() {
    HeapBlockObject copy = new HeapBlockObject();
    copy.blockBytes = blockBytes;
    copy.zeros = copy.new Page(blockBytes);
    for (Page page : pages) {
      copy.pages.add(copy.new Page(page.bytes.clone()));
    }
    return copy;
  }

  /** The bytes of a block that was written, themselves. */
  public byte[] bytes(int block) {
    return pages.get(block).bytes;
  }

  @Override
  public int blockBytes() {
    return blockBytes;
  }

  @Override
  public long blockCount() {
    return pages.size();
  }

  @Override
  public Block read(long blockId) {
    mayFail();
    pins.incrementAndGet();
    return (blockId < pages.size() ? pages.get((int) blockId) : zeros).readable;
  }

  @Override
  public Block modify(Tx tx, long blockId) {
    mayFail();
    assertThat(blockId).isLessThan(MOST_BLOCKS);
    while (pages.size() <= blockId) {
      pages.add(new Page(blockBytes));
    }
    int id = (int) blockId;
    if (journal.size() < 100) {
      journal.computeIfAbsent(id, key -> pages.get(key).bytes.clone());
    }
    if (moveOnModify) {
      pages.set(id, new Page(pages.get(id).bytes.clone()));
    }
    pins.incrementAndGet();
    return pages.get(id).writable;
  }

  @Override
  public void setBlockBytes(Tx tx, int blockBytes) {
    mayFail();
    assertThat(pages.size()).as("blocks when the block size changes").isLessThanOrEqualTo(1);
    assertNoPins();
    this.blockBytes = blockBytes;
    zeros = new Page(blockBytes);
    pages.replaceAll(page -> new Page(Arrays.copyOf(page.bytes, blockBytes)));
  }

  @Override
  public void truncateBlocks(Tx tx, long fromBlock) {
    mayFail();
    assertNoPins();
    while (pages.size() > fromBlock) {
      pages.removeLast();
    }
  }
}
