package io.lcpfs.alloc;

import java.util.ArrayList;
import java.util.List;

/** Holds what a pool keeps for its checkpoint against what the checkpoint has. */
public final class KeptCheck {
  private KeptCheck() {}

  /**
   * Compares; nothing may be allocated or freed meanwhile.
   *
   * @param then the metaslabs as the checkpoint has them
   * @param now the pool's own
   * @return what is wrong, empty when all is well
   */
  public static List<String> compare(Allocator then, Allocator now) {
    List<String> findings = new ArrayList<>();
    for (Metaslab kept : then.metaslabs()) {
      Metaslab metaslab = now.metaslab(kept.id());
      long[] has = kept.allocatedBits();
      long[] unfree = metaslab.unfreeBits();
      long[] lives = metaslab.allocatedBits();
      long given = 0;
      long onlyKept = 0;
      for (int word = 0; word < has.length; word++) {
        given += Long.bitCount(has[word] & ~unfree[word]);
        onlyKept += Long.bitCount(has[word] & ~lives[word]);
      }
      if (given > 0) {
        findings.add(
            "metaslab "
                + kept.id()
                + ": "
                + given * kept.sectorBytes()
                + " bytes that the checkpoint has are free");
      }
      if (onlyKept * kept.sectorBytes() != metaslab.keptBytes()) {
        findings.add(
            "metaslab "
                + kept.id()
                + ": "
                + metaslab.keptBytes()
                + " bytes are kept, the checkpoint alone has "
                + onlyKept * kept.sectorBytes());
      }
    }
    return findings;
  }
}
