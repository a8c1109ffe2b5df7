package io.lcpfs.alloc;

import io.lcpfs.format.Dva;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Holds the space maps against all blocks of a full traversal: every allocated sector must belong
 * to exactly one claimed block, and every claimed one be allocated. One bit of heap a sector of
 * each metaslab with a block, and at most {@link #MAX_FINDINGS} texts. Blocks may be claimed by
 * many threads; nothing may be allocated or freed meanwhile.
 */
public final class SpaceCheck {
  /** Further findings are only counted. */
  public static final int MAX_FINDINGS = 100;

  private final List<Allocator> allocators;
  private final ReentrantLock lock = new ReentrantLock();
  private final TreeMap<Integer, long[]> claimed = new TreeMap<>();
  private final List<String> findings = new ArrayList<>();
  private long findingCount;

  /** A check of all metaslabs of these allocators. */
  public SpaceCheck(List<Allocator> allocators) {
    this.allocators = List.copyOf(allocators);
  }

  /**
   * Claims a block.
   *
   * @param dva where it is; of a gang, that of the header, whose size is a sector
   * @param bytes its size, rounded up to the sector
   * @param owner whose block it is, for the findings
   * @return whether it lies in a metaslab, and apart from all blocks claimed before
   */
  public boolean claim(long dva, int bytes, String owner) {
    lock.lock();
    try {
      Allocator allocator = ownerOf(Dva.metaslab(dva));
      if (allocator == null) {
        found(owner + " is in metaslab " + Dva.metaslab(dva) + ", which does not exist");
        return false;
      }
      Metaslab metaslab = allocator.metaslab(Dva.metaslab(dva));
      long size = allocator.allocatedSize(bytes);
      long offset = Dva.offsetBytes(dva);
      if (bytes <= 0
          || offset % metaslab.sectorBytes() != 0
          || offset > metaslab.sizeBytes() - size) {
        found(
            owner
                + " at "
                + Dva.toString(dva)
                + " with "
                + bytes
                + " bytes does not lie in its metaslab");
        return false;
      }
      int start = (int) (offset / metaslab.sectorBytes());
      int end = (int) ((offset + size) / metaslab.sectorBytes());
      long[] bits =
          claimed.computeIfAbsent(
              metaslab.id(),
              id ->
                  new long
                      [Math.ceilDiv((int) (metaslab.sizeBytes() / metaslab.sectorBytes()), 64)]);
      boolean apart = true;
      for (int sector = start; apart && sector < end; sector++) {
        apart = !Bits.get(bits, sector);
      }
      if (!apart) {
        found(owner + " at " + Dva.toString(dva) + " shares space with another block");
      }
      Bits.set(bits, start, end);
      return apart;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Allocator ownerOf(int metaslab) {
    for (Allocator allocator : allocators) {
      if (allocator.contains(metaslab)) {
        return allocator;
      }
    }
    return null;
  }

  private void found(String text) {
    findingCount++;
    if (findings.size() < MAX_FINDINGS) {
      findings.add(text);
    }
  }

  /** Compares, and tells what is wrong: empty when all is well. */
  public List<String> finish() {
    lock.lock();
    try {
      for (Allocator allocator : allocators) {
        for (Metaslab metaslab : allocator.metaslabs()) {
          compare(metaslab);
        }
      }
      List<String> all = new ArrayList<>(findings);
      if (findingCount > all.size()) {
        all.add((findingCount - all.size()) + " further findings about space");
      }
      return all;
    } finally {
      lock.unlock();
    }
  }

  private void compare(Metaslab metaslab) {
    long[] allocated = metaslab.allocatedBits();
    long[] blocks = claimed.getOrDefault(metaslab.id(), new long[allocated.length]);
    report(metaslab, allocated, blocks, "is allocated, but no block is there: leaked");
    report(metaslab, blocks, allocated, "holds a block, but is not allocated");
  }

  /** Reports the runs of sectors that are in {@code these} and not in {@code those}. */
  private void report(Metaslab metaslab, long[] these, long[] those, String what) {
    int from = -1;
    int sectors = these.length * 64;
    for (int sector = 0; sector <= sectors; sector++) {
      if (from < 0
          && (sector & 63) == 0
          && sector < sectors
          && (these[sector >>> 6] & ~those[sector >>> 6]) == 0) {
        sector += 63;
        continue;
      }
      boolean in = sector < sectors && Bits.get(these, sector) && !Bits.get(those, sector);
      if (in && from < 0) {
        from = sector;
      } else if (!in && from >= 0) {
        long offset = (long) from * metaslab.sectorBytes();
        found(
            "metaslab "
                + Dva.toString(Dva.of(metaslab.id(), offset))
                + ", "
                + (long) (sector - from) * metaslab.sectorBytes()
                + " bytes: "
                + what);
        from = -1;
      }
    }
  }
}
