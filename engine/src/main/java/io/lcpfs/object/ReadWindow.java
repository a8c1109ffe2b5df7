package io.lcpfs.object;

import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.memory.Slab;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Reads a known series of blocks a few ahead of who uses them, in order. Used by one thread; close
 * it, which waits for what is under way.
 */
final class ReadWindow implements AutoCloseable {
  /** Blocks under way at once. */
  private static final int DEPTH = 8;

  /** What a read came to: memory that the taker owns, or why there is none. */
  private record Answer(@Nullable Slab slab, @Nullable PoolException failure) {
    Slab owned() {
      if (slab == null) {
        throw new AssertionError("neither a block nor a failure");
      }
      return slab;
    }
  }

  private final ObjectContext context;
  private final BlockPointer[] pointers;
  private final ArrayDeque<Task<Answer>> underWay = new ArrayDeque<>();
  private final boolean asStored;
  private int started;
  private int taken;

  /**
   * @param pointers what is to be read, no holes
   */
  ReadWindow(ObjectContext context, BlockPointer[] pointers) {
    this(context, pointers, false);
  }

  /**
   * @param asStored whether blocks are wanted as they are on the device, compressed; none is
   *     embedded then
   */
  ReadWindow(ObjectContext context, BlockPointer[] pointers, boolean asStored) {
    this.context = context;
    this.pointers = pointers;
    this.asStored = asStored;
  }

  /**
   * The next block of the series; the caller owns it.
   *
   * @throws PoolException EIO when no intact copy is left; ENOMEM
   */
  Slab next() {
    while (pointers.length > 1 && started < pointers.length && started - taken < DEPTH) {
      BlockPointer pointer = pointers[started++];
      underWay.add(context.env().onDevice(() -> attempt(pointer)));
    }
    BlockPointer pointer = pointers[taken++];
    Task<Answer> task = underWay.poll();
    if (task == null) {
      return read(pointer);
    }
    Answer answer = task.join();
    PoolException failure = answer.failure;
    if (failure == null) {
      return answer.owned();
    }
    if (failure.errno() != Errno.ENOMEM) {
      throw failure;
    }
    // Blocks read ahead may hold what is missing: let go of them, and go on one by one.
    drain();
    return read(pointer);
  }

  /** Passes over the next block of the series. */
  void skip() {
    Task<Answer> task = underWay.poll();
    taken++;
    started = Math.max(started, taken);
    drop(task);
  }

  private Answer attempt(BlockPointer pointer) {
    try {
      return new Answer(read(pointer), null);
    } catch (PoolException e) {
      return new Answer(null, e);
    }
  }

  private Slab read(BlockPointer pointer) {
    return read(context, pointer, asStored);
  }

  /** Reads one block; the caller owns it. */
  static Slab read(ObjectContext context, BlockPointer pointer) {
    return read(context, pointer, false);
  }

  static Slab read(ObjectContext context, BlockPointer pointer, boolean asStored) {
    int bytes = asStored ? pointer.psizeBytes() : pointer.lsizeBytes();
    Slab slab = context.cache().allocateForSync(bytes);
    boolean done = false;
    try {
      long seen = context.txgs().syncedTxg();
      if (asStored) {
        context.io().readStored(pointer, slab.segment(), seen);
      } else {
        context.io().read(pointer, slab.segment(), seen);
      }
      done = true;
      return slab;
    } finally {
      if (!done) {
        context.slabs().free(slab);
      }
    }
  }

  private void drain() {
    for (Task<Answer> task = underWay.poll(); task != null; task = underWay.poll()) {
      drop(task);
    }
    started = taken;
  }

  private void drop(@Nullable Task<Answer> task) {
    Slab slab = task == null ? null : task.join().slab;
    if (slab != null) {
      context.slabs().free(slab);
    }
  }

  @Override
  public void close() {
    drain();
  }
}
