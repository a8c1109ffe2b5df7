package io.lcpfs.memory;

import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Carves {@link Slab} buffers of 1 byte to 64 MiB from the memory of a {@link MemorySource}, within
 * one byte budget, which what is held from the source, sync reserve included, exceeds only by what
 * {@link Reach#OVERDRAFT} got, a quarter of it, or four times the slab asked for, and 64 MiB at
 * most, and by as much again for {@link Reach#LAST_RESORT}.
 *
 * <p>The reserve is a heap of its own, taken from the source when the allocator is made, so that
 * neither other slabs' fragmentation nor the host running out of memory can keep a sync from it.
 * Content is not zeroed. Safe for use by many threads; nothing here blocks but the one short lock.
 */
public final class SlabAllocator implements AutoCloseable {

  /** The largest slab in bytes. */
  public static final int MAX_BYTES = 64 << 20;

  private static final byte POISON = (byte) 0xa5;
  private static final long POISON_WORD = 0xa5a5a5a5a5a5a5a5L;
  private static final long GRAIN = 64 << 10;
  private static final long SMALLEST_CHUNK = 8L << 20;
  private static final long HUGE_PAGE = 2L << 20;

  /** Where memory may come from when what is usually there is in use. */
  public enum Reach {
    /** From nowhere else. */
    BUDGET,
    /** From the sync reserve. */
    RESERVE,
    /** From beyond the budget, which the source may refuse, too. */
    OVERDRAFT,
    /** From the sync reserve, and then so far beyond the budget as no other may go. */
    LAST_RESORT
  }

  private final MemorySource source;
  private final AllocationGate gate;
  private final boolean poison;
  private final long budgetBytes;
  private final long generalBudget;
  private final long usualChunk;
  private final ReentrantLock lock = new ReentrantLock();
  private final PageHeap general = new PageHeap();
  private final PageHeap reserve = new PageHeap();

  /** Beyond the budget: each chunk goes back to the source as soon as it is empty. */
  private final PageHeap overdraft = new PageHeap();

  private long charged;

  /** What {@link #charged} is, for readers without the lock. */
  private volatile long usedBytes;

  private volatile boolean closed;

  /** As the longer constructor, with a gate that is always open. */
  public SlabAllocator(
      MemorySource source, long budgetBytes, long syncReserveBytes, boolean poison) {
    this(source, budgetBytes, syncReserveBytes, poison, AllocationGate.OPEN);
  }

  /**
   * @param budgetBytes most bytes ever held from the source; used in multiples of 64 KiB, at least
   *     one
   * @param syncReserveBytes how much of the budget only {@link #allocateForSync} may use; rounded
   *     up to 64 KiB; taken from the source at once
   * @param poison whether freed memory is filled with 0xA5, and checked to be so when handed out
   *     again
   * @param gate may refuse single allocations
   * @throws PoolException ENOMEM when the source does not give the reserve; EINVAL when it does not
   *     fit into the budget
   */
  public SlabAllocator(
      MemorySource source,
      long budgetBytes,
      long syncReserveBytes,
      boolean poison,
      AllocationGate gate) {
    long reserveBytes = (Math.max(0, syncReserveBytes) + GRAIN - 1) / GRAIN * GRAIN;
    if (budgetBytes < GRAIN || reserveBytes > budgetBytes) {
      throw PoolException.refused(
          Errno.EINVAL,
          "memory budget "
              + budgetBytes
              + " must be at least 64 KiB and hold the sync reserve of "
              + reserveBytes);
    }
    this.source = source;
    this.gate = gate;
    this.poison = poison;
    this.budgetBytes = budgetBytes;
    this.generalBudget = (budgetBytes - reserveBytes) / GRAIN * GRAIN;
    // Large chunks leave large free runs: 16 MiB records must find room in a well-used heap.
    this.usualChunk =
        Math.clamp(Long.highestOneBit(budgetBytes / 32 + 1), SMALLEST_CHUNK, (long) MAX_BYTES);
    fillReserve(reserveBytes);
  }

  private void fillReserve(long reserveBytes) {
    for (long left = reserveBytes; left > 0; ) {
      long bytes = Math.min(left, MAX_BYTES);
      MemorySegment memory = acquire(bytes);
      if (memory == null) {
        reserve.removeAll().forEach(source::release);
        throw new PoolException(new PoolError.OutOfMemory(bytes, budgetBytes));
      }
      reserve.add(memory);
      left -= bytes;
    }
  }

  /**
   * A slab of {@code bytes} bytes, 1 to {@link #MAX_BYTES}, content arbitrary.
   *
   * @throws PoolException ENOMEM when neither budget nor source has room for it; EBADF after close
   */
  public Slab allocate(int bytes) {
    Slab slab = tryAllocate(bytes);
    if (slab == null) {
      throw new PoolException(new PoolError.OutOfMemory(bytes, budgetBytes));
    }
    return slab;
  }

  /** As {@link #allocate}, but null where that answers ENOMEM. */
  public @Nullable Slab tryAllocate(int bytes) {
    return allocate(bytes, false);
  }

  /** As {@link #allocate}, but goes on into the sync reserve. */
  public Slab allocateForSync(int bytes) {
    Slab slab = allocate(bytes, true);
    if (slab == null) {
      throw new PoolException(new PoolError.OutOfMemory(bytes, budgetBytes));
    }
    return slab;
  }

  /**
   * Whether the gate lets this allocation happen. A caller that makes room and tries again asks
   * once, before {@link #tryAdmitted}: asking each time would turn a refusal into a retry.
   */
  public boolean admits(int bytes, boolean forSync) {
    return gate.allow(bytes, forSync);
  }

  /** A slab for what {@link #admits} let in; null where {@code reach} has no room for it. */
  public @Nullable Slab tryAdmitted(int bytes, Reach reach) {
    boolean reserved = reach == Reach.RESERVE || reach == Reach.LAST_RESORT;
    Slab slab = carve(bytes, reserved);
    boolean mayOverdraw = reach == Reach.OVERDRAFT || reach == Reach.LAST_RESORT;
    return slab == null && mayOverdraw ? overdraw(bytes, reach == Reach.LAST_RESORT) : slab;
  }

  private @Nullable Slab allocate(int bytes, boolean forSync) {
    return gate.allow(bytes, forSync) ? carve(bytes, forSync) : null;
  }

  private @Nullable Slab carve(int bytes, boolean forSync) {
    Check.that(bytes > 0 && bytes <= MAX_BYTES, "slab size", bytes);
    int cost = PageHeap.charge(bytes);
    PageHeap.Chunk chunk;
    int offset;
    lock.lock();
    try {
      checkOpen();
      PageHeap heap = general;
      long place = heap.allocate(cost);
      if (place == PageHeap.NONE && grow(cost)) {
        place = heap.allocate(cost);
      }
      if (place == PageHeap.NONE && forSync) {
        heap = reserve;
        place = heap.allocate(cost);
      }
      if (place == PageHeap.NONE) {
        return null;
      }
      charge(cost);
      chunk = heap.chunkOf(place);
      offset = (int) place;
    } finally {
      lock.unlock();
    }
    return slab(chunk, offset, bytes, cost);
  }

  private @Nullable Slab overdraw(int bytes, boolean twice) {
    int cost = PageHeap.charge(bytes);
    PageHeap.Chunk chunk;
    int offset;
    lock.lock();
    try {
      checkOpen();
      long place = overdraft.allocate(cost);
      if (place == PageHeap.NONE) {
        long least = (cost + GRAIN - 1) / GRAIN * GRAIN;
        long limit = Math.clamp(budgetBytes / 4, Math.min(4 * least, MAX_BYTES), (long) MAX_BYTES);
        long most = twice ? 2 * limit : limit;
        MemorySegment memory = overdraft.chunkBytes() + least > most ? null : acquire(least);
        if (memory == null) {
          return null;
        }
        overdraft.add(memory);
        place = overdraft.allocate(cost);
      }
      charge(cost);
      chunk = overdraft.chunkOf(place);
      offset = (int) place;
    } finally {
      lock.unlock();
    }
    return slab(chunk, offset, bytes, cost);
  }

  private Slab slab(PageHeap.Chunk chunk, int offset, int bytes, int cost) {
    if (poison) {
      checkPoison(chunk.memory.asSlice(offset, cost));
    }
    return new Slab(chunk.memory.asSlice(offset, bytes), chunk, offset, cost);
  }

  private void charge(int bytes) {
    charged += bytes;
    usedBytes = charged;
  }

  /** Takes another chunk that holds {@code cost} bytes, giving back unused ones for it. */
  private boolean grow(int cost) {
    long least = (cost + GRAIN - 1) / GRAIN * GRAIN;
    if (general.chunkBytes() + least > generalBudget) {
      general.removeEmpty().forEach(source::release);
    }
    long room = generalBudget - general.chunkBytes();
    if (room < least) {
      return false;
    }
    long wished = Math.max(least, Math.min(usualChunk, room));
    MemorySegment memory = acquire(wished);
    if (memory == null && wished > least) {
      memory = acquire(least);
    }
    if (memory == null) {
      return false;
    }
    general.add(memory);
    return true;
  }

  private @Nullable MemorySegment acquire(long bytes) {
    MemorySegment memory = source.acquire(bytes, Math.min(HUGE_PAGE, Long.highestOneBit(bytes)));
    if (memory == null) {
      return null;
    }
    Check.that(memory.byteSize() == bytes, "size of the source's chunk", memory.byteSize());
    Check.that(memory.address() % PageHeap.PAGE == 0, "alignment of the source's chunk");
    if (poison) {
      memory.fill(POISON);
    }
    return memory;
  }

  private static void checkPoison(MemorySegment memory) {
    for (long at = 0; at < memory.byteSize(); at += Long.BYTES) {
      Check.that(
          memory.get(ValueLayout.JAVA_LONG, at) == POISON_WORD, "slab written after free, at", at);
    }
  }

  /** Takes a slab back. Freeing one twice, or one of another allocator, is an AssertionError. */
  public void free(Slab slab) {
    PageHeap.Chunk chunk = slab.chunk();
    Check.that(
        chunk.heap == general || chunk.heap == reserve || chunk.heap == overdraft,
        "slab of another allocator");
    Check.that(slab.markFreed(), "slab freed twice, at", slab.offsetInChunk());
    if (poison && !closed) {
      chunk.memory.asSlice(slab.offsetInChunk(), slab.chargedBytes()).fill(POISON);
    }
    lock.lock();
    try {
      if (!closed) {
        chunk.heap.free(chunk, slab.offsetInChunk(), slab.chargedBytes());
        charge(-slab.chargedBytes());
        if (chunk.heap == overdraft) {
          overdraft.removeEmpty().forEach(source::release);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives chunks without a slab back to the source, as a host under memory pressure may ask.
   *
   * @return bytes given back
   */
  public long trim() {
    List<MemorySegment> unused;
    lock.lock();
    try {
      unused = general.removeEmpty();
    } finally {
      lock.unlock();
    }
    unused.forEach(source::release);
    return unused.stream().mapToLong(MemorySegment::byteSize).sum();
  }

  /** Bytes charged for live slabs, those in the sync reserve included. */
  public long usedBytes() {
    return usedBytes;
  }

  /** The most bytes that are held from the source, but for {@link Reach#OVERDRAFT}. */
  public long budgetBytes() {
    return budgetBytes;
  }

  /** Bytes now held from the source, sync reserve included. */
  public long heldBytes() {
    lock.lock();
    try {
      return general.chunkBytes() + reserve.chunkBytes() + overdraft.chunkBytes();
    } finally {
      lock.unlock();
    }
  }

  /** Walks all bookkeeping; AssertionError when live slabs and free runs are not what is held. */
  public void verify() {
    lock.lock();
    try {
      long free = general.verify() + reserve.verify() + overdraft.verify();
      long within = general.chunkBytes() + reserve.chunkBytes();
      long held = within + overdraft.chunkBytes();
      Check.that(free + usedBytes == held, "bytes lost between slabs and free runs", held - free);
      Check.that(within <= budgetBytes, "held above the budget", within);
    } finally {
      lock.unlock();
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new PoolException(new PoolError.Closed("slab allocator"));
    }
  }

  /**
   * Gives everything back to the source. Slabs still live must not be touched any more; {@link
   * #free} of one does nothing. {@link #usedBytes} keeps saying how many were left behind.
   */
  @Override
  public void close() {
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        general.removeAll().forEach(source::release);
        reserve.removeAll().forEach(source::release);
        overdraft.removeAll().forEach(source::release);
      }
    } finally {
      lock.unlock();
    }
  }
}
