package io.lcpfs.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The operating system's memory: anonymous mappings with the alignment asked for, on huge pages
 * where the kernel has them (fewer TLB misses, and direct I/O pins fewer pages). Elsewhere than on
 * Linux, plain off-heap memory of the JVM.
 */
public final class SystemMemorySource implements MemorySource {
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x02 | 0x20 | 0x4000;
  private static final int MADV_HUGEPAGE = 14;
  private static final long HUGE_PAGE = 2L << 20;

  /** The three calls, or null where there are none. */
  private static final @Nullable Calls CALLS = Calls.bind();

  private record Calls(MethodHandle mmap, MethodHandle munmap, MethodHandle madvise) {
    static @Nullable Calls bind() {
      if (!System.getProperty("os.name", "").equals("Linux")
          || ValueLayout.ADDRESS.byteSize() != 8) {
        return null;
      }
      Linker linker = Linker.nativeLinker();
      SymbolLookup libc = linker.defaultLookup();
      var i64 = ValueLayout.JAVA_LONG;
      var i32 = ValueLayout.JAVA_INT;
      return new Calls(
          linker.downcallHandle(
              libc.findOrThrow("mmap"), FunctionDescriptor.of(i64, i64, i64, i32, i32, i32, i64)),
          linker.downcallHandle(libc.findOrThrow("munmap"), FunctionDescriptor.of(i32, i64, i64)),
          linker.downcallHandle(
              libc.findOrThrow("madvise"), FunctionDescriptor.of(i32, i64, i64, i32)));
    }

    long map(long bytes) {
      try {
        return (long)
            mmap.invokeExact(0L, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0L);
      } catch (Throwable t) {
        throw new AssertionError("mmap", t);
      }
    }

    void unmap(long address, long bytes) {
      if (bytes == 0) {
        return;
      }
      try {
        int _ = (int) munmap.invokeExact(address, bytes);
      } catch (Throwable t) {
        throw new AssertionError("munmap", t);
      }
    }

    void adviseHugePages(long address, long bytes) {
      try {
        // A kernel without huge pages answers EINVAL: then there are none, and that is all.
        int _ = (int) madvise.invokeExact(address, bytes, MADV_HUGEPAGE);
      } catch (Throwable t) {
        throw new AssertionError("madvise", t);
      }
    }
  }

  private final ReentrantLock lock = new ReentrantLock();

  /** Which arena keeps the chunk at an address alive; only looked up by key. */
  private final Map<Long, Arena> arenas = new HashMap<>();

  @Override
  public @Nullable MemorySegment acquire(long bytes, long alignmentBytes) {
    // A shared arena of its own makes a slab used after its chunk was given back an exception
    // instead of a crash of the whole JVM.
    Arena arena = Arena.ofShared();
    MemorySegment chunk =
        CALLS == null
            ? allocate(arena, bytes, alignmentBytes)
            : map(CALLS, arena, bytes, alignmentBytes);
    if (chunk == null) {
      arena.close();
      return null;
    }
    lock.lock();
    try {
      arenas.put(chunk.address(), arena);
    } finally {
      lock.unlock();
    }
    return chunk;
  }

  private static @Nullable MemorySegment allocate(Arena arena, long bytes, long alignment) {
    try {
      return arena.allocate(bytes, alignment);
    } catch (OutOfMemoryError e) {
      return null; // what the interface says for "none"
    }
  }

  private static @Nullable MemorySegment map(Calls calls, Arena arena, long bytes, long alignment) {
    long slack = alignment > 4096 ? alignment : 0;
    long mapped = calls.map(bytes + slack);
    if (mapped == -1) {
      return null;
    }
    long address = (mapped + alignment - 1) & -alignment;
    calls.unmap(mapped, address - mapped);
    calls.unmap(address + bytes, mapped + slack - address);
    if (bytes >= HUGE_PAGE) {
      calls.adviseHugePages(address, bytes);
    }
    return MemorySegment.ofAddress(address)
        .reinterpret(bytes, arena, gone -> calls.unmap(gone.address(), bytes));
  }

  @Override
  public void release(MemorySegment chunk) {
    Arena arena;
    lock.lock();
    try {
      arena = arenas.remove(chunk.address());
    } finally {
      lock.unlock();
    }
    if (arena == null) {
      throw new AssertionError("chunk of another source");
    }
    arena.close();
  }
}
