package io.lcpfs.memory;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Free-space management over chunks: runs of 4 KiB pages in segregated lists (exact up to 64 pages,
 * then eight classes to a power of two), coalesced at once on free; and pages cut into eight units
 * of 512 bytes. All bookkeeping lives in arrays of the chunk, so neither allocating nor freeing
 * makes garbage. Not thread-safe: {@link SlabAllocator} holds its lock around every call.
 *
 * <p>A place is a long: chunk index, shifted left by {@link #CHUNK_SHIFT}, plus the byte offset in
 * the chunk. {@link #NONE} says that there is no room.
 */
final class PageHeap {
  static final int PAGE = 4096;
  static final int UNIT = 512;
  static final int CHUNK_SHIFT = 32;
  static final long NONE = -1;

  /** Pages in the largest chunk: 64 MiB. */
  static final int MAX_PAGES = 1 << 14;

  private static final int NIL = -1;
  private static final int PAGE_BITS = 14;
  private static final int EXACT = 64;
  private static final int CLASSES = EXACT + 8 * 9;
  private static final byte[] LONGEST_FREE = new byte[256];

  static {
    for (int mask = 0; mask < 256; mask++) {
      int units = 0;
      while (units < 8 && firstFit(mask, units + 1) >= 0) {
        units++;
      }
      LONGEST_FREE[mask] = (byte) units;
    }
  }

  /** One piece of the source's memory. */
  static final class Chunk {
    final PageHeap heap;
    final MemorySegment memory;
    final int index;
    final int pages;

    /** Head and tail page of a run: its length, positive when free, negative when taken. */
    final int[] run;

    /** Links of the list that a free run's head page, or a partly used page, stands in. */
    final int[] next;

    final int[] previous;

    /** Units in use of a page that is cut up; 0 for any other page. */
    final byte[] units;

    Chunk(PageHeap heap, MemorySegment memory, int index) {
      this.heap = heap;
      this.memory = memory;
      this.index = index;
      this.pages = (int) (memory.byteSize() / PAGE);
      this.run = new int[pages];
      this.next = new int[pages];
      this.previous = new int[pages];
      this.units = new byte[pages];
    }

    boolean empty() {
      return run[0] == pages;
    }
  }

  private final List<@Nullable Chunk> chunks = new ArrayList<>();
  private final int[] runLists = new int[CLASSES];
  private final long[] nonEmpty = new long[(CLASSES + 63) / 64];

  /** Pages cut into units, by the longest free run of units in them (1 to 7). */
  private final int[] unitLists = new int[8];

  private long chunkBytes;

  PageHeap() {
    Arrays.fill(runLists, NIL);
    Arrays.fill(unitLists, NIL);
  }

  /** Bytes of all chunks. */
  long chunkBytes() {
    return chunkBytes;
  }

  Chunk chunkOf(long place) {
    return chunk((int) (place >>> CHUNK_SHIFT));
  }

  /** What a request is charged: whole units below a page, whole pages from there on. */
  static int charge(int bytes) {
    int grain = bytes <= PAGE - UNIT ? UNIT : PAGE;
    return (bytes + grain - 1) & -grain;
  }

  /** Adds memory: a multiple of the page, at most {@link #MAX_PAGES} pages. */
  Chunk add(MemorySegment memory) {
    Check.that(
        memory.byteSize() % PAGE == 0 && memory.byteSize() <= (long) MAX_PAGES * PAGE,
        "chunk size",
        memory.byteSize());
    int index = chunks.indexOf(null);
    if (index < 0) {
      index = chunks.size();
      chunks.add(null);
    }
    Chunk chunk = new Chunk(this, memory, index);
    chunks.set(index, chunk);
    chunkBytes += memory.byteSize();
    insertRun(chunk, 0, chunk.pages);
    return chunk;
  }

  /** Takes out every chunk without a slab, and returns their memory. */
  List<MemorySegment> removeEmpty() {
    List<MemorySegment> removed = new ArrayList<>();
    for (int i = 0; i < chunks.size(); i++) {
      Chunk chunk = chunks.get(i);
      if (chunk != null && chunk.empty()) {
        unlinkRun(chunk, 0, chunk.pages);
        chunks.set(i, null);
        chunkBytes -= chunk.memory.byteSize();
        removed.add(chunk.memory);
      }
    }
    return removed;
  }

  /** Takes out every chunk, used or not; the heap is of no use afterwards. */
  List<MemorySegment> removeAll() {
    List<MemorySegment> removed = new ArrayList<>();
    for (Chunk chunk : chunks) {
      if (chunk != null) {
        removed.add(chunk.memory);
      }
    }
    chunks.clear();
    chunkBytes = 0;
    Arrays.fill(runLists, NIL);
    Arrays.fill(unitLists, NIL);
    Arrays.fill(nonEmpty, 0);
    return removed;
  }

  /** Finds room for {@code charged} bytes, as {@link #charge} rounded them. */
  long allocate(int charged) {
    return charged < PAGE ? allocateUnits(charged / UNIT) : allocatePages(charged / PAGE);
  }

  void free(Chunk chunk, int offset, int charged) {
    int page = offset / PAGE;
    if (charged < PAGE) {
      freeUnits(chunk, page, (offset % PAGE) / UNIT, charged / UNIT);
    } else {
      Check.that(chunk.run[page] == -(charged / PAGE), "slab is not of this size", charged);
      freePages(chunk, page, charged / PAGE);
    }
  }

  private Chunk chunk(int index) {
    Chunk chunk = chunks.get(index);
    if (chunk == null) {
      throw new AssertionError("chunk is gone: " + index);
    }
    return chunk;
  }

  // Runs of pages.

  private static int floorClass(int pages) {
    if (pages <= EXACT) {
      return pages - 1;
    }
    int log = 31 - Integer.numberOfLeadingZeros(pages);
    return EXACT + (log - 6) * 8 + ((pages >>> (log - 3)) & 7);
  }

  /** The first class of which every run is long enough. */
  private static int ceilingClass(int pages) {
    if (pages <= EXACT) {
      return pages - 1;
    }
    int log = 31 - Integer.numberOfLeadingZeros(pages);
    return floorClass(pages + (1 << (log - 3)) - 1);
  }

  private int firstNonEmpty(int fromClass) {
    int word = fromClass >>> 6;
    long bits = word < nonEmpty.length ? nonEmpty[word] & (-1L << fromClass) : 0;
    while (bits == 0) {
      if (++word >= nonEmpty.length) {
        return NIL;
      }
      bits = nonEmpty[word];
    }
    return word * 64 + Long.numberOfTrailingZeros(bits);
  }

  private long allocatePages(int pages) {
    if (pages > MAX_PAGES) {
      return NONE;
    }
    int ceiling = ceilingClass(pages);
    int found = firstNonEmpty(ceiling);
    int id = found == NIL ? NIL : runLists[found];
    int floor = floorClass(pages);
    if (id == NIL && floor != ceiling) {
      id = runLists[floor];
      while (id != NIL && lengthAt(id) < pages) {
        id = nextOf(id);
      }
    }
    if (id == NIL) {
      return NONE;
    }
    Chunk chunk = chunk(id >>> PAGE_BITS);
    int page = id & (MAX_PAGES - 1);
    int length = chunk.run[page];
    unlinkRun(chunk, page, length);
    chunk.run[page] = -pages;
    chunk.run[page + pages - 1] = -pages;
    if (length > pages) {
      insertRun(chunk, page + pages, length - pages);
    }
    return ((long) chunk.index << CHUNK_SHIFT) | (long) page * PAGE;
  }

  private void freePages(Chunk chunk, int firstPage, int count) {
    int head = firstPage;
    int length = count;
    int after = firstPage + count;
    if (after < chunk.pages && chunk.run[after] > 0) {
      length += chunk.run[after];
      unlinkRun(chunk, after, chunk.run[after]);
    }
    if (head > 0 && chunk.run[head - 1] > 0) {
      int before = chunk.run[head - 1];
      head -= before;
      length += before;
      unlinkRun(chunk, head, before);
    }
    insertRun(chunk, head, length);
  }

  private void insertRun(Chunk chunk, int page, int length) {
    chunk.run[page] = length;
    chunk.run[page + length - 1] = length;
    int sizeClass = floorClass(length);
    link(runLists, sizeClass, chunk, page);
    nonEmpty[sizeClass >>> 6] |= 1L << sizeClass;
  }

  private void unlinkRun(Chunk chunk, int page, int length) {
    int sizeClass = floorClass(length);
    unlink(runLists, sizeClass, chunk, page);
    if (runLists[sizeClass] == NIL) {
      nonEmpty[sizeClass >>> 6] &= ~(1L << sizeClass);
    }
  }

  private int lengthAt(int id) {
    return chunk(id >>> PAGE_BITS).run[id & (MAX_PAGES - 1)];
  }

  private int nextOf(int id) {
    return chunk(id >>> PAGE_BITS).next[id & (MAX_PAGES - 1)];
  }

  // Units of a page.

  /** Index of the first run of {@code count} zero bits in {@code mask}, or -1. */
  private static int firstFit(int mask, int count) {
    int wanted = (1 << count) - 1;
    for (int at = 0; at + count <= 8; at++) {
      if ((mask & (wanted << at)) == 0) {
        return at;
      }
    }
    return -1;
  }

  private long allocateUnits(int count) {
    int list = count;
    while (list < 8 && unitLists[list] == NIL) {
      list++;
    }
    Chunk chunk;
    int page;
    if (list < 8) {
      int id = unitLists[list];
      chunk = chunk(id >>> PAGE_BITS);
      page = id & (MAX_PAGES - 1);
      unlink(unitLists, list, chunk, page);
    } else {
      long place = allocatePages(1);
      if (place == NONE) {
        return NONE;
      }
      chunk = chunkOf(place);
      page = (int) place / PAGE;
    }
    int mask = chunk.units[page] & 0xff;
    int unit = firstFit(mask, count);
    mask |= ((1 << count) - 1) << unit;
    chunk.units[page] = (byte) mask;
    if (LONGEST_FREE[mask] > 0) {
      link(unitLists, LONGEST_FREE[mask], chunk, page);
    }
    return ((long) chunk.index << CHUNK_SHIFT) | ((long) page * PAGE + (long) unit * UNIT);
  }

  private void freeUnits(Chunk chunk, int page, int unit, int count) {
    int mask = chunk.units[page] & 0xff;
    int bits = ((1 << count) - 1) << unit;
    Check.that((mask & bits) == bits, "slab's units are not in use", unit);
    if (LONGEST_FREE[mask] > 0) {
      unlink(unitLists, LONGEST_FREE[mask], chunk, page);
    }
    mask &= ~bits;
    chunk.units[page] = (byte) mask;
    if (mask == 0) {
      freePages(chunk, page, 1);
    } else {
      link(unitLists, LONGEST_FREE[mask], chunk, page);
    }
  }

  // Lists.

  private void link(int[] heads, int list, Chunk chunk, int page) {
    int id = chunk.index << PAGE_BITS | page;
    int head = heads[list];
    chunk.next[page] = head;
    chunk.previous[page] = NIL;
    if (head != NIL) {
      chunk(head >>> PAGE_BITS).previous[head & (MAX_PAGES - 1)] = id;
    }
    heads[list] = id;
  }

  private void unlink(int[] heads, int list, Chunk chunk, int page) {
    int next = chunk.next[page];
    int previous = chunk.previous[page];
    if (previous == NIL) {
      heads[list] = next;
    } else {
      chunk(previous >>> PAGE_BITS).next[previous & (MAX_PAGES - 1)] = next;
    }
    if (next != NIL) {
      chunk(next >>> PAGE_BITS).previous[next & (MAX_PAGES - 1)] = previous;
    }
  }

  /**
   * Walks every chunk and list; throws AssertionError where they disagree. Costs time proportional
   * to the memory.
   *
   * @return free bytes, in runs and in units
   */
  long verify() {
    long free = 0;
    int runs = 0;
    int partial = 0;
    for (Chunk chunk : chunks) {
      if (chunk == null) {
        continue;
      }
      boolean freeBefore = false;
      for (int page = 0; page < chunk.pages; ) {
        int length = chunk.run[page];
        int pages = Math.abs(length);
        Check.that(pages > 0 && page + pages <= chunk.pages, "run length", length);
        Check.that(chunk.run[page + pages - 1] == length, "run tail", page);
        Check.that(!(freeBefore && length > 0), "neighbouring free runs", page);
        freeBefore = length > 0;
        runs += freeBefore ? 1 : 0;
        free += freeBefore ? (long) pages * PAGE : 0;
        int mask = chunk.units[page] & 0xff;
        if (mask != 0) {
          Check.that(length == -1, "units in a page that is not cut up", page);
          free += (8 - Integer.bitCount(mask)) * (long) UNIT;
          partial += mask != 0xff ? 1 : 0;
        }
        page += pages;
      }
    }
    for (int i = 0; i < CLASSES; i++) {
      boolean marked = (nonEmpty[i >>> 6] & (1L << i)) != 0;
      Check.that(marked == (runLists[i] != NIL), "class bit", i);
      for (int id = runLists[i]; id != NIL; id = nextOf(id)) {
        Check.that(floorClass(lengthAt(id)) == i, "run in the wrong class", i);
        runs--;
      }
    }
    for (int i = 1; i < unitLists.length; i++) {
      for (int id = unitLists[i]; id != NIL; id = nextOf(id)) {
        int mask = chunk(id >>> PAGE_BITS).units[id & (MAX_PAGES - 1)] & 0xff;
        Check.that(LONGEST_FREE[mask] == i, "page in the wrong unit list", i);
        partial--;
      }
    }
    Check.that(runs == 0 && partial == 0, "runs or pages missing from the lists", runs);
    return free;
  }
}
