package io.lcpfs.alloc;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What a metaslab should be, kept sector by sector. */
final class NaiveSpace {
  /** 0 free, 1 allocated, else 2 + the txg that freed it. */
  private final long[] sectors;

  private final int sectorBytes;

  /** A block that lives. */
  record Extent(long offset, long bytes) {}

  final List<Extent> blocks = new ArrayList<>();

  NaiveSpace(long sizeBytes, int sectorBytes) {
    this.sectors = new long[(int) (sizeBytes / sectorBytes)];
    this.sectorBytes = sectorBytes;
  }

  NaiveSpace(NaiveSpace other) {
    this.sectors = other.sectors.clone();
    this.sectorBytes = other.sectorBytes;
    this.blocks.addAll(other.blocks);
  }

  void allocate(long offset, long bytes) {
    for (int i = first(offset); i < first(offset + bytes); i++) {
      assertThat(sectors[i]).as("sector %s handed out", i).isZero();
      sectors[i] = 1;
    }
    blocks.add(new Extent(offset, bytes));
  }

  void free(Extent block, long txg) {
    assertThat(blocks.remove(block)).isTrue();
    Arrays.fill(sectors, first(block.offset), first(block.offset + block.bytes), 2 + txg);
  }

  void cancel(Extent block) {
    assertThat(blocks.remove(block)).isTrue();
    Arrays.fill(sectors, first(block.offset), first(block.offset + block.bytes), 0);
  }

  void syncDone(long txg) {
    for (int i = 0; i < sectors.length; i++) {
      if (sectors[i] >= 2 && sectors[i] - 2 <= txg - 2) {
        sectors[i] = 0;
      }
    }
  }

  private int first(long offset) {
    return (int) (offset / sectorBytes);
  }

  int largestFreeSectors() {
    int best = 0;
    int run = 0;
    for (long sector : sectors) {
      run = sector == 0 ? run + 1 : 0;
      best = Math.max(best, run);
    }
    return best;
  }

  void assertSame(Metaslab metaslab) {
    assertThat(metaslab.freeBytes()).isEqualTo(count(s -> s == 0));
    assertThat(metaslab.allocatedBytes()).isEqualTo(count(s -> s == 1));
    assertThat(metaslab.deferredBytes()).isEqualTo(count(s -> s >= 2));
    assertThat(metaslab.blockCount()).isEqualTo(blocks.size());
    long[] bits = metaslab.allocatedBits();
    for (int i = 0; i < sectors.length; i++) {
      assertThat(Bits.get(bits, i)).as("sector %s", i).isEqualTo(sectors[i] == 1);
    }
  }

  private long count(java.util.function.LongPredicate which) {
    return Arrays.stream(sectors).filter(which).count() * sectorBytes;
  }
}
