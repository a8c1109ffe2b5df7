package io.lcpfs.pool;

/**
 * What cloned blocks save.
 *
 * @param storedBytes allocated for blocks with several references, all copies
 * @param savedBytes what their further references would take as blocks of their own
 */
public record CloneSavings(long storedBytes, long savedBytes) {

  /** In hundredths: what these blocks would take if each reference had its own, to what they do. */
  public long ratioPercent() {
    return storedBytes == 0 ? 100 : Math.round(100.0 * (storedBytes + savedBytes) / storedBytes);
  }
}
