package io.lcpfs.codec;

import io.lcpfs.env.Env;
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
  private static final Checksum BLAKE3 = new Blake3();
  private static final Checksum SHA256 = new Sha256();
  private static final Checksum FLETCHER4 = Checksums::fletcher4;

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

  private static void fletcher4(MemorySegment data, MemorySegment out, long outOffsetBytes) {
    if (Kernels.vector()) {
      Fletcher4Vector.hash(data, out, outOffsetBytes);
    } else {
      Fletcher4.hash(data, out, outOffsetBytes);
    }
  }

  /**
   * Makes the vector kernels ready, which then serve every caller; until then, and for ever in a
   * process that does not call this, the plain ones do. For long-lived owners: takes about a second
   * of CPU, so run it with {@link Env#onCpu} and do not wait. Does nothing where there are no
   * vectors.
   */
  public static void warmUp(Env env) {
    Kernels.warmUp(env);
  }

  /** Whether a {@link #warmUp} has put the vector kernels to work. */
  public static boolean vectorsAtWork() {
    return Kernels.vector();
  }

  /** Whether the 32 bytes at the two places are equal. */
  public static boolean equal(MemorySegment left, long leftAt, MemorySegment right, long rightAt) {
    return MemorySegment.mismatch(left, leftAt, leftAt + BYTES, right, rightAt, rightAt + BYTES)
        < 0;
  }
}
