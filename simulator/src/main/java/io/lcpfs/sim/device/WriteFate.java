package io.lcpfs.sim.device;

import io.lcpfs.sim.world.SimRandom;
import java.util.List;

/** What became of a write that no flush covered when the machine crashed. */
public enum WriteFate {
  /** Nothing of it reached the medium. */
  LOST,
  /** All of it did. */
  DONE,
  /** Its first half of sectors did. */
  FRONT_HALF,
  /** Its second half of sectors did. */
  BACK_HALF,
  /** Each sector did or did not. */
  MIXED;

  private static final List<WriteFate> SINGLE = List.of(LOST, DONE);
  private static final List<WriteFate> SEVERAL = List.of(LOST, DONE, FRONT_HALF, BACK_HALF);

  /** The fates that a search tells apart for a write of so many sectors of 512 bytes. */
  public static List<WriteFate> searched(int sectors) {
    return sectors == 1 ? SINGLE : SEVERAL;
  }

  boolean sectorDone(long writeSequence, int sector, int sectors) {
    return switch (this) {
      case LOST -> false;
      case DONE -> true;
      case FRONT_HALF -> sector < sectors / 2;
      case BACK_HALF -> sector >= sectors / 2;
      case MIXED -> (SimRandom.mix(writeSequence * 31 + sector) & 1) == 0;
    };
  }
}
