package io.lcpfs.alloc;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.SpaceMapRecord.CELLS_PER_WORD;
import static io.lcpfs.format.SpaceMapRecord.CELL_CONTINUED;
import static io.lcpfs.format.SpaceMapRecord.CELL_NONE;
import static io.lcpfs.format.SpaceMapRecord.CELL_PADDING;
import static io.lcpfs.format.SpaceMapRecord.CELL_START;

import io.lcpfs.error.Check;
import io.lcpfs.format.Disk;
import io.lcpfs.format.SpaceMapRecord;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a stored space map says: which sectors are allocated, where each block begins, and what was
 * freed in the last two txgs. Made by replaying the map's records in order; 2 bits of heap a
 * sector. Used by one thread at a time.
 */
public final class SpaceMapState {
  /** Sectors that one bitmap of a condensed map covers. */
  static final int REGION_SECTORS = 8192;

  private static final long CELL_MASK = 3;

  private final int metaslab;
  private final int sectorBytes;
  private final int sectors;
  private final long[] cells;

  /** Blocks freed in a txg, as FREE records; only of the last two txgs. */
  private final TreeMap<Long, LongList> recentFrees = new TreeMap<>();

  private long lastTxg;
  private long allocatedSectors;
  private long blockCount;
  private int bitmapAt;
  private int bitmapEnd;

  /** The cell before {@link #bitmapAt} in the same bitmap: a block does not reach into one. */
  private int bitmapPrevious;

  /** An empty map of a metaslab of {@code sizeBytes}, a multiple of {@code sectorBytes}. */
  public SpaceMapState(int metaslab, long sizeBytes, int sectorBytes) {
    this.metaslab = metaslab;
    this.sectorBytes = sectorBytes;
    this.sectors = Math.toIntExact(sizeBytes / sectorBytes);
    this.cells = new long[Math.ceilDiv(sectors, CELLS_PER_WORD)];
  }

  int sectors() {
    return sectors;
  }

  int sectorBytes() {
    return sectorBytes;
  }

  int metaslab() {
    return metaslab;
  }

  /** The txg of the last marker, 0 when there was none. */
  public long lastTxg() {
    return lastTxg;
  }

  /** Allocated blocks. */
  public long blockCount() {
    return blockCount;
  }

  /** Bytes of allocated blocks and padding. */
  public long allocatedBytes() {
    return allocatedSectors * sectorBytes;
  }

  private String place(String field) {
    return "space_map(" + metaslab + ")." + field;
  }

  /**
   * Replays the next piece of the map, a multiple of 8 bytes; pieces may be cut anywhere between
   * records.
   *
   * @throws io.lcpfs.error.PoolException Corrupt on a double allocation, a free of what is no
   *     allocated block, a record outside the metaslab, a txg that does not grow
   */
  public void replay(MemorySegment records) {
    if (records.byteSize() % SpaceMapRecord.BYTES != 0) {
      throw corrupt(place("length"), records.byteSize());
    }
    for (long at = 0; at < records.byteSize(); at += SpaceMapRecord.BYTES) {
      apply(Disk.u64(records, at));
    }
  }

  /** Applies one record or word of a bitmap. */
  void apply(long record) {
    if (bitmapAt < bitmapEnd) {
      applyBitmapWord(record);
      return;
    }
    switch (SpaceMapRecord.type(record)) {
      case SpaceMapRecord.TXG -> marker(SpaceMapRecord.txgOf(record));
      case SpaceMapRecord.ALLOC -> allocate(record);
      case SpaceMapRecord.FREE -> free(record);
      default -> beginBitmap(record);
    }
  }

  private void marker(long txg) {
    if (txg <= lastTxg) {
      throw corrupt(place("txg"), txg);
    }
    lastTxg = txg;
    recentFrees.headMap(txg - 1).clear();
  }

  private int startOf(long record, int sectorCount) {
    long offset = SpaceMapRecord.offsetBytes(record);
    if (offset % sectorBytes != 0 || offset / sectorBytes > sectors - (long) sectorCount) {
      throw corrupt(place("offset"), offset);
    }
    return (int) (offset / sectorBytes);
  }

  private int sectorsOf(long record) {
    long length = SpaceMapRecord.lengthBytes(record);
    if (length == 0 || length % sectorBytes != 0 || length / sectorBytes > sectors) {
      throw corrupt(place("length"), length);
    }
    return (int) (length / sectorBytes);
  }

  private void allocate(long record) {
    int count = sectorsOf(record);
    int start = startOf(record, count);
    for (int i = start; i < start + count; i++) {
      if (cell(i) != CELL_NONE) {
        throw corrupt(place("alloc"), "allocated twice at " + (long) i * sectorBytes);
      }
    }
    mark(start, count);
    allocatedSectors += count;
    blockCount++;
  }

  private void mark(int start, int count) {
    setCell(start, CELL_START);
    for (int i = start + 1; i < start + count; i++) {
      setCell(i, CELL_CONTINUED);
    }
  }

  private void unmark(int start, int count) {
    for (int i = start; i < start + count; i++) {
      setCell(i, CELL_NONE);
    }
  }

  private void free(long record) {
    int count = sectorsOf(record);
    int start = startOf(record, count);
    boolean whole =
        cell(start) == CELL_START
            && (start + count == sectors || cell(start + count) != CELL_CONTINUED);
    for (int i = start + 1; whole && i < start + count; i++) {
      whole = cell(i) == CELL_CONTINUED;
    }
    if (!whole) {
      throw corrupt(
          place("free"),
          "no allocated block of "
              + (long) count * sectorBytes
              + " bytes at "
              + (long) start * sectorBytes);
    }
    unmark(start, count);
    allocatedSectors -= count;
    blockCount--;
    recentFrees.computeIfAbsent(lastTxg, txg -> new LongList()).add(record);
  }

  private void beginBitmap(long record) {
    int count = SpaceMapRecord.length(record);
    if (count == 0) {
      throw corrupt(place("bitmap"), 0);
    }
    bitmapAt = startOf(record, count);
    bitmapEnd = bitmapAt + count;
    bitmapPrevious = CELL_NONE;
  }

  private void applyBitmapWord(long word) {
    int count = Math.min(CELLS_PER_WORD, bitmapEnd - bitmapAt);
    if (count < CELLS_PER_WORD && word >>> (2 * count) != 0) {
      throw corrupt(place("bitmap"), word);
    }
    long rest = word;
    for (int i = 0; i < count; i++, rest >>>= 2) {
      int value = (int) (rest & CELL_MASK);
      if (value != CELL_NONE) {
        boolean floating =
            value == CELL_CONTINUED
                && bitmapPrevious != CELL_START
                && bitmapPrevious != CELL_CONTINUED;
        if (floating || cell(bitmapAt + i) != CELL_NONE) {
          throw corrupt(place("bitmap"), "sector " + (bitmapAt + i));
        }
        setCell(bitmapAt + i, value);
        allocatedSectors++;
        blockCount += value == CELL_START ? 1 : 0;
      }
      bitmapPrevious = value;
    }
    bitmapAt += count;
  }

  /**
   * Ends the replay of the map that belongs to the uberblock of {@code txg}.
   *
   * @throws io.lcpfs.error.PoolException Corrupt when a bitmap is cut short, a record is of a later
   *     txg, or what was freed in the last two txgs was allocated again
   */
  public void finish(long txg) {
    if (bitmapAt < bitmapEnd) {
      throw corrupt(place("bitmap"), "ends early");
    }
    if (lastTxg > txg) {
      throw corrupt(place("txg"), lastTxg);
    }
    recentFrees.headMap(Math.max(1, txg - 1)).clear();
    for (LongList frees : recentFrees.values()) {
      for (int i = 0; i < frees.size(); i++) {
        int start = startOf(frees.get(i), 0);
        int count = sectorsOf(frees.get(i));
        for (int s = start; s < start + count; s++) {
          if (cell(s) != CELL_NONE) {
            throw corrupt(place("alloc"), "reused too early at " + (long) s * sectorBytes);
          }
        }
        mark(start, count); // so that what was freed, allocated and freed again is found, too
      }
    }
    unmarkFrees(recentFrees);
  }

  private void unmarkFrees(Map<Long, LongList> byTxg) {
    for (LongList frees : byTxg.values()) {
      for (int i = 0; i < frees.size(); i++) {
        unmark(startOf(frees.get(i), 0), sectorsOf(frees.get(i)));
      }
    }
  }

  /** Frees of the last two txgs, by txg; valid after {@link #finish}. */
  Map<Long, LongList> recentFrees() {
    return recentFrees;
  }

  int cell(int sector) {
    return (int) (cells[sector >>> 5] >>> (2 * (sector & 31)) & CELL_MASK);
  }

  private void setCell(int sector, int value) {
    int shift = 2 * (sector & 31);
    long word = cells[sector >>> 5] & ~(CELL_MASK << shift);
    cells[sector >>> 5] = word | (long) value << shift;
  }

  /** The first sector at or after {@code from} that is not allocated, or {@link #sectors}. */
  int nextFree(int from) {
    int at = from;
    while (at < sectors && cell(at) != CELL_NONE) {
      at++;
    }
    return at;
  }

  /** The first sector at or after {@code from} that is allocated, or {@link #sectors}. */
  int nextAllocated(int from) {
    int at = from;
    while (at < sectors) {
      if ((at & 31) == 0 && cells[at >>> 5] == 0) {
        at += CELLS_PER_WORD;
      } else if (cell(at) != CELL_NONE) {
        return at;
      } else {
        at++;
      }
    }
    return sectors;
  }

  /** A bit for each allocated sector, lowest first. */
  long[] allocatedBits() {
    long[] bits = new long[Math.ceilDiv(sectors, 64)];
    for (int at = nextAllocated(0); at < sectors; ) {
      int end = nextFree(at);
      Bits.set(bits, at, end);
      at = nextAllocated(end);
    }
    return bits;
  }

  /** Where the block that starts at {@code start} ends. */
  private int endOfBlock(int start) {
    int end = start + 1;
    while (end < sectors && cell(end) == CELL_CONTINUED) {
      end++;
    }
    return end;
  }

  /**
   * Exact length of {@link #encodeCondensed}. One further ALLOC or FREE record in the map adds at
   * most 8 bytes to it.
   */
  public long condensedBytes(long txg) {
    return condense(txg, null);
  }

  /**
   * Writes the shortest map that says the same as of {@code txg}: blocks as records, or bitmaps
   * where blocks are dense; then what was freed in {@code txg - 1} and {@code txg}, so that it
   * stays deferred.
   *
   * @return bytes written
   */
  public long encodeCondensed(long txg, MemorySegment target) {
    return condense(txg, target);
  }

  private long condense(long txg, @Nullable MemorySegment target) {
    Check.that(bitmapAt == bitmapEnd && lastTxg <= txg && txg > 0, "condense at txg", txg);
    Writer writer = new Writer(target);
    Map<Long, LongList> deferred = recentFrees.tailMap(Math.max(1, txg - 1));
    for (LongList frees : deferred.values()) {
      for (int i = 0; i < frees.size(); i++) {
        mark(startOf(frees.get(i), 0), sectorsOf(frees.get(i)));
      }
    }
    try {
      for (int region = 0; region < sectors; region += REGION_SECTORS) {
        condenseRegion(region, Math.min(sectors, region + REGION_SECTORS), writer);
      }
    } finally {
      unmarkFrees(deferred);
    }
    for (long of = Math.max(1, txg - 1); of <= txg; of++) {
      writer.put(SpaceMapRecord.txg(of));
      LongList frees = deferred.get(of);
      for (int i = 0; frees != null && i < frees.size(); i++) {
        writer.put(frees.get(i));
      }
    }
    return writer.at;
  }

  /** Where the words go; without a target they are only counted. */
  private static final class Writer {
    private final @Nullable MemorySegment target;
    private long at;

    Writer(@Nullable MemorySegment target) {
      this.target = target;
    }

    void put(long word) {
      if (target != null) {
        Disk.putU64(target, at, word);
      }
      at += SpaceMapRecord.BYTES;
    }
  }

  private void condenseRegion(int from, int to, Writer writer) {
    int blocks = 0;
    boolean padded = false;
    for (int at = nextAllocated(from); at < to; at = nextAllocated(at + 1)) {
      blocks += cell(at) == CELL_START && endOfBlock(at) <= to ? 1 : 0;
      padded |= cell(at) == CELL_PADDING;
    }
    int words = Math.ceilDiv(to - from, CELLS_PER_WORD);
    boolean asBitmap = padded || blocks > 1 + words;
    if (asBitmap) {
      writer.put(SpaceMapRecord.bitmap((long) from * sectorBytes, to - from));
      // Blocks that cross a border of the region are left to records.
      int first = from;
      while (first < to && cell(first) == CELL_CONTINUED) {
        first++;
      }
      int last = to < sectors && cell(to) == CELL_CONTINUED ? startOfBlock(to) : to;
      for (int word = 0; word < words; word++) {
        writer.put(cellsWithin(first, last, from + word * CELLS_PER_WORD));
      }
    }
    for (int at = nextAllocated(from); at < to; at = nextAllocated(at + 1)) {
      if (cell(at) == CELL_START) {
        int end = endOfBlock(at);
        if (!asBitmap || end > to) {
          writer.put(
              SpaceMapRecord.block(
                  SpaceMapRecord.ALLOC, (long) at * sectorBytes, (long) (end - at) * sectorBytes));
        }
      }
    }
  }

  /** The 32 cells from {@code at}, without those outside of {@code first} to {@code last}. */
  private long cellsWithin(int first, int last, int at) {
    long word = cells[at >>> 5];
    if (first > at) {
      word &= first - at >= CELLS_PER_WORD ? 0 : -1L << (2 * (first - at));
    }
    if (last < at + CELLS_PER_WORD) {
      word &= last <= at ? 0 : -1L >>> (2 * (at + CELLS_PER_WORD - last));
    }
    return word;
  }

  private int startOfBlock(int sector) {
    int start = sector;
    while (cell(start) == CELL_CONTINUED) {
      start--;
    }
    return start;
  }
}
