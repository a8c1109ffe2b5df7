package io.lcpfs.pool;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.alloc.Metaslab;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.Dva;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.ReferencesRecord;
import io.lcpfs.object.Block;
import io.lcpfs.object.Dnode;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Holds the block reference table against the pointers that a walk of the whole pool meets: a block
 * has as many as the table says, and one more. 14 bytes of heap for each block with references.
 */
final class ReferenceCheck {
  /** Told what is wrong. */
  interface Findings {
    void found(String check, String where, String what);
  }

  /** What a pointer is to the check. */
  enum Met {
    /** The first to its block: it has to be claimed. */
    FIRST,
    /** A further one. */
    AGAIN
  }

  private static final String CHECK = "ReferenceTableCheck";
  private static final int MAX_FINDINGS = 100;

  /** Counts that lie in one block of a table. */
  private static final class Part {
    final short[] sectors;
    final int[] counts;
    final int[] met;

    /** Of the rest of the pointers, which all have to say the same. */
    final int[] rest;

    Part(short[] sectors, int[] counts) {
      this.sectors = sectors;
      this.counts = counts;
      this.met = new int[sectors.length];
      this.rest = new int[sectors.length];
    }

    int find(long sector) {
      return Arrays.binarySearch(sectors, (short) (sector % ReferencesRecord.ENTRIES_PER_BLOCK));
    }
  }

  private static final class Table {
    final ReferencesRecord head;
    final Map<Long, Part> parts = new TreeMap<>();
    long blocks;
    long references;
    long stored;
    long saved;

    Table(ReferencesRecord head) {
      this.head = head;
    }
  }

  private final CommittedView view;
  private final Allocator allocator;
  private final Findings findings;
  private final Map<Integer, Table> tables = new TreeMap<>();
  private long found;
  private long further;

  ReferenceCheck(CommittedView view, Allocator allocator, Findings findings) {
    this.view = view;
    this.allocator = allocator;
    this.findings = findings;
  }

  /** Reads the table; before any block is met. */
  void load(long zap) {
    try {
      ReferenceTable.objects(view.context(), view.meta(), zap).forEach(this::load);
    } catch (PoolException e) {
      damaged("block references", e);
    }
  }

  private static String name(int metaslab) {
    return "references to blocks of metaslab " + metaslab;
  }

  private void load(int metaslab, long object) {
    try (Dnode dnode = view.hold(object, ObjectType.BLOCK_REFERENCES)) {
      Metaslab counted = allocator.metaslab(metaslab);
      long sectors = counted.sizeBytes() / counted.sectorBytes();
      Table table = new Table(ReferencesRecord.decode(dnode.bonus()));
      if (table.head.metaslab() != metaslab) {
        told(name(metaslab), "are those of metaslab " + table.head.metaslab());
      }
      if (dnode.blockBytes() != ReferencesRecord.blockBytes(sectors)) {
        told(name(metaslab), "lie in blocks of " + dnode.blockBytes() + " bytes");
        return;
      }
      long blocks = Math.ceilDiv(sectors, (long) ReferencesRecord.ENTRIES_PER_BLOCK);
      if (dnode.blockCount() > blocks) {
        told(name(metaslab), dnode.blockCount() + " blocks, there can be " + blocks);
      }
      tables.put(metaslab, table);
      int size = dnode.blockBytes();
      for (long at = dnode.nextData(0); at >= 0; at = dnode.nextData(at + size)) {
        long block = at / size;
        if (block >= blocks) {
          break;
        }
        try (Block counts = dnode.read(block)) {
          part(counts.segment(), table, block);
        } catch (PoolException e) {
          damaged(name(metaslab), e);
        }
      }
    } catch (PoolException e) {
      damaged(name(metaslab), e);
    }
  }

  private static void part(MemorySegment bytes, Table table, long block) {
    int entries = (int) (bytes.byteSize() / ReferencesRecord.ENTRY_BYTES);
    int[] used =
        IntStream.range(0, entries)
            .filter(i -> Disk.u32(bytes, (long) i * ReferencesRecord.ENTRY_BYTES) != 0)
            .toArray();
    short[] sectors = new short[used.length];
    int[] counts = new int[used.length];
    for (int i = 0; i < used.length; i++) {
      sectors[i] = (short) used[i];
      counts[i] = (int) Disk.u32(bytes, (long) used[i] * ReferencesRecord.ENTRY_BYTES);
    }
    table.parts.put(block, new Part(sectors, counts));
  }

  /** A pointer that the pool has, whose block may be cloned. */
  Met meet(BlockPointer pointer, String owner) {
    if (!ReferenceTable.isCloneable(pointer)) {
      return Met.FIRST;
    }
    long sector = Dva.offsetBytes(pointer.dva(0)) / allocator.sectorBytes();
    Table table = tables.get(Dva.metaslab(pointer.dva(0)));
    Part part = table == null ? null : table.parts.get(sector / ReferencesRecord.ENTRIES_PER_BLOCK);
    int at = part == null ? -1 : part.find(sector);
    if (table == null || part == null || at < 0) {
      return Met.FIRST;
    }
    long count = Integer.toUnsignedLong(part.counts[at]);
    int rest = restOf(pointer);
    if (part.met[at]++ == 0) {
      long bytes = view.context().io().allocatedBytes(pointer);
      part.rest[at] = rest;
      table.stored += bytes;
      table.saved += bytes * count;
      return Met.FIRST;
    }
    further++;
    if (part.met[at] > count + 1) {
      told(owner, "one reference more than the " + count + " counted beyond the first " + pointer);
    }
    if (part.rest[at] != rest) {
      told(owner, "another pointer to its block says otherwise: " + pointer);
    }
    return Met.AGAIN;
  }

  private static int restOf(BlockPointer pointer) {
    return Arrays.hashCode(
        new long[] {
          pointer.dva(0),
          pointer.dva(1),
          pointer.dva(2),
          pointer.physicalBirth(),
          pointer.lsizeBytes(),
          pointer.psizeBytes()
        });
  }

  /** Pointers met beyond the first to their block. */
  long further() {
    return further;
  }

  /** Compares, when all pointers have been met. */
  void finish() {
    tables.forEach(
        (metaslab, table) -> {
          table.parts.forEach((block, part) -> compare(metaslab, table, block, part));
          said(metaslab, "blocks", table.head.blocks(), table.blocks);
          said(metaslab, "references", table.head.references(), table.references);
          said(metaslab, "stored_bytes", table.head.storedBytes(), table.stored);
          said(metaslab, "saved_bytes", table.head.savedBytes(), table.saved);
        });
    if (found > MAX_FINDINGS) {
      findings.found(
          CHECK, "block references", (found - MAX_FINDINGS) + " further findings about them");
    }
  }

  private void compare(int metaslab, Table table, long block, Part part) {
    for (int i = 0; i < part.sectors.length; i++) {
      long count = Integer.toUnsignedLong(part.counts[i]);
      table.blocks++;
      table.references += count;
      if (part.met[i] < count + 1) {
        long sector = block * ReferencesRecord.ENTRIES_PER_BLOCK + part.sectors[i];
        told(
            name(metaslab),
            "the block at "
                + Dva.toString(Dva.of(metaslab, sector * allocator.sectorBytes()))
                + " has "
                + count
                + " beyond the first, found "
                + (part.met[i] - 1)
                + ": it would never be freed");
      }
    }
  }

  private void said(int metaslab, String field, long said, long counted) {
    if (said != counted) {
      told(name(metaslab), field + " is " + said + ", found " + counted);
    }
  }

  private void told(String where, String what) {
    if (found++ < MAX_FINDINGS) {
      findings.found(CHECK, where, what);
    }
  }

  /** Lack of memory is no damage. */
  private void damaged(String where, PoolException e) {
    if (e.errno() == Errno.ENOMEM) {
      throw e;
    }
    told(where, e.error().message());
  }
}
