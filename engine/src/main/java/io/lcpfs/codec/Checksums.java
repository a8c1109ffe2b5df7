package io.lcpfs.codec;

import java.lang.foreign.MemorySegment;

/**
 * The checksum algorithms. Their instances are shared, hold no state, and may be used from every
 * thread, virtual or not. Data may be native or a heap segment over a byte array, at any alignment
 * and of any length; the result is always 32 bytes.
 */
public final class Checksums {
  /** Length of every checksum, in bytes. */
  public static final int BYTES = 32;

  private static final Checksum OFF = (data, out, at) -> out.asSlice(at, BYTES).fill((byte) 0);
  private static final Checksum BLAKE3 = Blake3Scalar::hash;
  private static final Checksum SHA256 = new Sha256();
  private static final Checksum FLETCHER4 = Fletcher4::hash;

  private Checksums() {}

  /** The algorithm of {@code type}; that of OFF answers 32 zeros for everything. */
  public static Checksum of(ChecksumType type) {
    return switch (type) {
      case OFF -> OFF;
      case BLAKE3 -> BLAKE3;
      case SHA256 -> SHA256;
      case FLETCHER4 -> FLETCHER4;
    };
  }

  /** Whether the 32 bytes at the two places are equal. */
  public static boolean equal(MemorySegment left, long leftAt, MemorySegment right, long rightAt) {
    return MemorySegment.mismatch(left, leftAt, leftAt + BYTES, right, rightAt, rightAt + BYTES)
        < 0;
  }
}
