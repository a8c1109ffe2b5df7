package io.lcpfs.sim.device;

import io.lcpfs.sim.world.SimRandom;
import java.util.List;

/** Decides what became of writes that were not flushed, each when recovery first reads of it. */
public interface CrashChooser {

  /**
   * The fate of a whole write; asked at most once for each write. Not asked when {@link #bySector}.
   *
   * @param distinct fates of which each leaves another content
   */
  WriteFate fate(String device, long firstBlock, int sectors, List<WriteFate> distinct);

  /** Whether every 512-byte sector has its own fate; asked before {@link #sectorDone}. */
  default boolean bySector() {
    return false;
  }

  /** Whether one sector of a write was done; asked at most once for each sector of each write. */
  default boolean sectorDone(String device, long firstBlock, int sector) {
    return fate(device, firstBlock, 1, WriteFate.WHOLE) == WriteFate.DONE;
  }

  /** Draws from {@code random}: sometimes all kept, sometimes all lost, mostly a mixture. */
  static CrashChooser sampled(SimRandom random) {
    int keepPerMille =
        switch (random.nextInt(4)) {
          case 0 -> 0;
          case 1 -> 900;
          default -> 500;
        };
    int tearPerMille = random.nextBoolean() ? 250 : 0;
    return (device, firstBlock, sectors, distinct) -> {
      if (sectors > 1 && random.chance(tearPerMille)) {
        return switch (random.nextInt(3)) {
          case 0 -> WriteFate.FRONT_HALF;
          case 1 -> WriteFate.BACK_HALF;
          default -> WriteFate.MIXED;
        };
      }
      return random.chance(keepPerMille) ? WriteFate.DONE : WriteFate.LOST;
    };
  }
}
