package io.lcpfs.sim.device;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A write that no flush has covered: its content, and after a crash what became of it. */
final class LoggedWrite {
  static final int SECTOR_BYTES = 512;

  final long sequence;
  final long firstBlock;
  final byte[][] pages;
  private final int sectorsPerBlock;

  /** Set when the call that wrote returned: only then can a later flush cover it. */
  boolean returned;

  /** What lies below each page; null when nobody can tell. */
  private byte @Nullable [][] below;

  private @Nullable WriteFate fate;

  /** One entry a sector: 0 undecided, 1 lost, 2 done. */
  private byte @Nullable [] sectorFates;

  LoggedWrite(long sequence, long firstBlock, byte[][] pages, int blockSize) {
    this.sequence = sequence;
    this.firstBlock = firstBlock;
    this.pages = pages;
    this.sectorsPerBlock = blockSize / SECTOR_BYTES;
  }

  LoggedWrite copy() {
    LoggedWrite made = new LoggedWrite(sequence, firstBlock, pages, sectorsPerBlock * SECTOR_BYTES);
    made.returned = returned;
    made.below = below;
    made.fate = fate;
    byte[] fates = sectorFates;
    made.sectorFates = fates == null ? null : fates.clone();
    return made;
  }

  byte[] page(long block) {
    return pages[(int) (block - firstBlock)];
  }

  /** The machine crashed: where the write only repeats what was there, its fate is no question. */
  void over(byte @Nullable [][] content) {
    below = content;
  }

  private boolean changes(int sector) {
    byte[][] old = below;
    if (old == null) {
      return true;
    }
    int block = sector / sectorsPerBlock;
    int at = sector % sectorsPerBlock * SECTOR_BYTES;
    return Arrays.mismatch(pages[block], at, at + SECTOR_BYTES, old[block], at, at + SECTOR_BYTES)
        >= 0;
  }

  private boolean changesAny(int from, int to) {
    for (int sector = from; sector < to; sector++) {
      if (changes(sector)) {
        return true;
      }
    }
    return false;
  }

  private List<WriteFate> distinctFates(int sectors) {
    boolean halves = changesAny(0, sectors / 2) && changesAny(sectors / 2, sectors);
    return halves ? WriteFate.HALVES : WriteFate.WHOLE;
  }

  /** Whether sector {@code sectorInBlock} of {@code block} reached the medium. */
  boolean sectorDone(String device, long block, int sectorInBlock, CrashChooser chooser) {
    int sector = (int) (block - firstBlock) * sectorsPerBlock + sectorInBlock;
    int sectors = pages.length * sectorsPerBlock;
    if (!changes(sector)) {
      return true;
    }
    byte[] fates = sectorFates;
    if (fates == null && fate == null && chooser.bySector()) {
      fates = new byte[sectors];
      sectorFates = fates;
    }
    if (fates != null) {
      if (fates[sector] == 0) {
        fates[sector] = (byte) (chooser.sectorDone(device, firstBlock, sector) ? 2 : 1);
      }
      return fates[sector] == 2;
    }
    WriteFate decided = fate;
    if (decided == null) {
      decided = chooser.fate(device, firstBlock, sectors, distinctFates(sectors));
      fate = decided;
    }
    return decided.sectorDone(sequence, sector, sectors);
  }
}
