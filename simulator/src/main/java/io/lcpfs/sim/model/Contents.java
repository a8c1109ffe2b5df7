package io.lcpfs.sim.model;

import io.lcpfs.sim.world.SimRandom;
import java.util.Arrays;

/** The bytes that a number stands for, so that an operation need not carry them. */
public final class Contents {
  private Contents() {}

  /**
   * {@code length} bytes, always the same for a seed: by its lowest two bits zeros, text that
   * compresses, or noise that does not (two of four).
   */
  public static byte[] bytes(long seed, int length) {
    byte[] bytes = new byte[length];
    switch ((int) (seed & 3)) {
      case 0 -> Arrays.fill(bytes, (byte) 0);
      case 1 -> {
        byte letter = (byte) ('a' + (seed >>> 2 & 15));
        for (int i = 0; i < length; i++) {
          bytes[i] = (i & 31) == 31 ? (byte) ('A' + (i >>> 5 & 15)) : letter;
        }
      }
      default -> new SimRandom(seed).nextBytes(bytes);
    }
    return bytes;
  }
}
