package io.lcpfs.sim.device;

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
    made.fate = fate;
    byte[] fates = sectorFates;
    made.sectorFates = fates == null ? null : fates.clone();
    return made;
  }

  byte[] page(long block) {
    return pages[(int) (block - firstBlock)];
  }

  /** Whether sector {@code sectorInBlock} of {@code block} reached the medium. */
  boolean sectorDone(String device, long block, int sectorInBlock, CrashChooser chooser) {
    int sector = (int) (block - firstBlock) * sectorsPerBlock + sectorInBlock;
    int sectors = pages.length * sectorsPerBlock;
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
      decided = chooser.fate(device, firstBlock, sectors);
      fate = decided;
    }
    return decided.sectorDone(sequence, sector, sectors);
  }
}
