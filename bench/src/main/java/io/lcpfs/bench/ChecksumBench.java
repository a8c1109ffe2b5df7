package io.lcpfs.bench;

import io.lcpfs.codec.Checksum;
import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Checksums;
import io.lcpfs.env.RealEnv;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Checksums of native blocks that lie in the processor's cache. One operation: 128 KiB. */
@State(Scope.Thread)
public class ChecksumBench {
  static final int BYTES_PER_OPERATION = 128 << 10;

  /** Algorithm, block size in bytes, how many are handed over at once, and the kernels. */
  @Param({
    "BLAKE3 131072 1 vector",
    "BLAKE3 4096 1 vector",
    "BLAKE3 4096 4 vector",
    "BLAKE3 4096 16 vector",
    "BLAKE3 131072 1 plain",
    "BLAKE3 4096 1 plain",
    "FLETCHER4 131072 1 vector",
    "FLETCHER4 131072 1 plain",
    "SHA256 131072 1 plain"
  })
  String what = "";

  private Checksum checksum = Checksums.of(ChecksumType.OFF);
  private MemorySegment[][] blocks = {};
  private MemorySegment[] outs = {};

  /** Makes the blocks, and warms the kernels up the way a long-lived owner does. */
  @Setup
  public void setUp() {
    String[] words = what.split(" ", -1);
    checksum = Checksums.of(ChecksumType.valueOf(words[0]));
    int blockBytes = Integer.parseInt(words[1]);
    int together = Integer.parseInt(words[2]);
    if (words[3].equals("vector")) {
      try (RealEnv env = new RealEnv()) {
        Checksums.warmUp(env);
      }
      if (!Checksums.vectorsAtWork()) {
        throw new IllegalStateException("the vector kernels did not win on this machine");
      }
    }
    byte[] random = new byte[BYTES_PER_OPERATION];
    new SplittableRandom(1).nextBytes(random);
    MemorySegment memory = Arena.global().allocate(BYTES_PER_OPERATION, 4096);
    MemorySegment.copy(random, 0, memory, ValueLayout.JAVA_BYTE, 0, random.length);
    blocks = new MemorySegment[BYTES_PER_OPERATION / blockBytes / together][together];
    long at = 0;
    for (MemorySegment[] batch : blocks) {
      for (int i = 0; i < together; i++) {
        batch[i] = memory.asSlice(at, blockBytes);
        at += blockBytes;
      }
    }
    outs = new MemorySegment[together];
    for (int i = 0; i < together; i++) {
      outs[i] = Arena.global().allocate(Checksums.BYTES);
    }
  }

  /** Hashes 128 KiB, block by block or several together. */
  @Benchmark
  public MemorySegment hash(CpuClock clock) {
    clock.operations++;
    for (MemorySegment[] batch : blocks) {
      if (batch.length == 1) {
        checksum.compute(batch[0], outs[0], 0);
      } else {
        checksum.computeMany(batch, outs, batch.length);
      }
    }
    return outs[0];
  }
}
