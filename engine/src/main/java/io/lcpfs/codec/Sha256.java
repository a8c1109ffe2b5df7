package io.lcpfs.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** SHA-256 by the JDK, fed through a byte array, which is what its intrinsic works on. */
final class Sha256 implements Checksum {
  private static final int BYTES = 32;

  private static final class Scratch {
    static final int BUFFER_BYTES = 16 << 10;
    final MessageDigest digest;
    final byte[] buffer = new byte[BUFFER_BYTES];

    Scratch() {
      try {
        digest = MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException absent) {
        throw new IllegalStateException("every Java platform must have SHA-256", absent);
      }
    }
  }

  private static final ScratchPool<Scratch> POOL = new ScratchPool<>(64, Scratch::new, _ -> {});

  @Override
  public void compute(MemorySegment data, MemorySegment out, long outOffsetBytes) {
    Scratch scratch = POOL.take();
    try {
      scratch.digest.reset();
      long length = data.byteSize();
      for (long offset = 0; offset < length; offset += Scratch.BUFFER_BYTES) {
        int step = (int) Math.min(Scratch.BUFFER_BYTES, length - offset);
        MemorySegment.copy(data, ValueLayout.JAVA_BYTE, offset, scratch.buffer, 0, step);
        scratch.digest.update(scratch.buffer, 0, step);
      }
      scratch.digest.digest(scratch.buffer, 0, BYTES);
      MemorySegment.copy(scratch.buffer, 0, out, ValueLayout.JAVA_BYTE, outOffsetBytes, BYTES);
    } catch (DigestException tooShort) {
      throw new IllegalStateException("the buffer is longer than a digest", tooShort);
    } finally {
      POOL.give(scratch);
    }
  }
}
