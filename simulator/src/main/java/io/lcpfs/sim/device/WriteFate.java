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

  /** What can become of a write whose parts share one fate. */
  public static final List<WriteFate> WHOLE = List.of(LOST, DONE);

  /** What a search tells apart when both halves of a write change something. */
  static final List<WriteFate> HALVES = List.of(LOST, DONE, FRONT_HALF, BACK_HALF);

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
