package io.lcpfs.codec;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.Env;
import io.lcpfs.env.Task;
import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

class VectorKernelsTest {
  interface Kernel {
    void hash(MemorySegment data, MemorySegment out, long outOffsetBytes);
  }

  private static byte[] run(Kernel kernel, MemorySegment data) {
    byte[] out = new byte[32];
    kernel.hash(data, MemorySegment.ofArray(out), 0);
    return out;
  }

  /**
   * Small steps around every border, large ones between, and some lengths with several subtrees.
   */
  private static Set<Integer> lengths() {
    Set<Integer> lengths = new TreeSet<>();
    for (int length = 0; length <= 20_000; length += 211) {
      lengths.add(length);
    }
    for (int chunks = 1; chunks <= 20; chunks++) {
      lengths.addAll(List.of(chunks * 1024 - 1, chunks * 1024, chunks * 1024 + 1));
    }
    for (int chunks : new int[] {33, 100, 127, 128, 129, 256, 260, 384, 391}) {
      lengths.addAll(List.of(chunks * 1024, chunks * 1024 - 5, chunks * 1024 + 700));
    }
    return lengths;
  }

  /** Throws when a vector kernel and its plain twin differ. Also run where vectors are narrower. */
  static void compareAllLengths() {
    byte[] bytes = Samples.random(410_000, 11);
    SplittableRandom random = new SplittableRandom(3);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(bytes.length, 64);
      memory.copyFrom(MemorySegment.ofArray(bytes));
      for (int length : lengths()) {
        int shift = random.nextInt(500);
        MemorySegment slice = memory.asSlice(shift, length);
        assertThat(run(Blake3Vector::hash, slice))
            .as("blake3 of %d bytes", length)
            .isEqualTo(run(Blake3Scalar::hash, slice));
        assertThat(run(Fletcher4Vector::hash, slice))
            .as("fletcher4 of %d bytes", length)
            .isEqualTo(run(Fletcher4::hash, slice));
      }
      for (int length : new int[] {4096, 9000, 16384, 140_000}) {
        MemorySegment onHeap = MemorySegment.ofArray(bytes).asSlice(13, length);
        assertThat(run(Blake3Vector::hash, onHeap)).isEqualTo(run(Blake3Scalar::hash, onHeap));
        assertThat(run(Fletcher4Vector::hash, onHeap)).isEqualTo(run(Fletcher4::hash, onHeap));
      }
      compareMany(memory);
    }
  }

  private static void compareMany(MemorySegment memory) {
    for (int size : new int[] {512, 1024, 4096, 5000, 8192, 16384}) {
      for (int count = 0; count <= 11; count++) {
        MemorySegment[] blocks = new MemorySegment[count];
        MemorySegment[] outs = new MemorySegment[count];
        for (int i = 0; i < count; i++) {
          blocks[i] = memory.asSlice(i * 17_001L, size);
          outs[i] = MemorySegment.ofArray(new byte[32]);
        }
        Blake3Vector.hashMany(blocks, outs, count);
        for (int i = 0; i < count; i++) {
          assertThat(outs[i].toArray(ValueLayout.JAVA_BYTE))
              .as("block %d of %d, %d bytes", i, count, size)
              .isEqualTo(run(Blake3Scalar::hash, blocks[i]));
        }
      }
    }
  }

  @Test
  void everyLengthAndPlaceGivesTheSameBitsFromBothKernels() {
    compareAllLengths();
  }

  @Test
  void everyFletcher4OfExtremeWordsGivesTheSameBits() {
    byte[] ones = new byte[100_000];
    java.util.Arrays.fill(ones, (byte) 0xFF);
    MemorySegment data = MemorySegment.ofArray(ones);
    assertThat(run(Fletcher4Vector::hash, data)).isEqualTo(run(Fletcher4::hash, data));
  }

  /** The entry point of the processes below; prints the lanes it ran with. */
  public static void main(String[] args) {
    if (args.length == 0) {
      compareAllLengths();
      System.out.println("lanes " + Blake3Lanes.L + " usable " + Blake3Lanes.USABLE);
    } else {
      Checksums.warmUp(new CountingEnv(1));
      MemorySegment data = MemorySegment.ofArray(Samples.random(100_000, 1));
      assertThat(ChecksumsTest.checksum(ChecksumType.BLAKE3, data))
          .isEqualTo(run(Blake3Scalar::hash, data));
      System.out.println("vector " + Kernels.vector());
    }
  }

  private static String inNewJvm(List<String> options, String... args) throws Exception {
    return inNewJvm(VectorKernelsTest.class, options, args);
  }

  /** What {@code main} prints in a process of its own. */
  static String inNewJvm(Class<?> main, List<String> options, String... args) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.add("-ea");
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(main.getName());
    command.addAll(List.of(args));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  @Test
  void everyLengthGivesTheSameBitsWithVectorsOf256Bits() throws Exception {
    String output =
        inNewJvm(List.of("--add-modules", "jdk.incubator.vector", "-XX:MaxVectorSize=32"));
    assertThat(output).contains("lanes 8");
  }

  @Test
  void everyProcessWithoutTheVectorModuleUsesThePlainKernels() throws Exception {
    assertThat(inNewJvm(List.of(), "warm-up")).contains("vector false");
  }

  @Test
  void everyWarmUpInStandingTimeLeavesThePlainKernels() throws Exception {
    Kernels.warmUp(new CountingEnv(0));
    MemorySegment data = MemorySegment.ofArray(Samples.random(10_000, 1));
    assertThat(ChecksumsTest.checksum(ChecksumType.BLAKE3, data))
        .isEqualTo(run(Blake3Scalar::hash, data));
    assertThat(Kernels.vector()).isFalse();
  }

  @Test
  void everyWarmUpThatVectorsWinPutsThemToWork() throws Exception {
    String output = inNewJvm(List.of("--add-modules", "jdk.incubator.vector"), "warm-up");
    assertThat(output).contains("vector " + Blake3Lanes.USABLE);
  }

  /**
   * A clock that moves by a step per look shrinking as it goes, so that the second measure wins.
   */
  static final class CountingEnv implements Env {
    private final long step;
    private long looks;
    private long now;

    CountingEnv(long step) {
      this.step = step;
    }

    @Override
    public long nanoTime() {
      // Looks come in threes: start, middle, end. The plain kernels take two steps, the others one.
      now += looks++ % 3 == 1 ? 2 * step : step;
      return now;
    }

    @Override
    public long wallNanos() {
      return now;
    }

    @Override
    public void sleep(long nanos) {
      now += nanos;
    }

    @Override
    public long randomLong() {
      return now;
    }

    @Override
    public Task<Void> fork(String name, Runnable body) {
      throw new UnsupportedOperationException(name);
    }

    @Override
    public <T> Task<T> onDevice(Callable<T> job) {
      throw new UnsupportedOperationException();
    }

    @Override
    public <T> Task<T> onCpu(Callable<T> job) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int cpus() {
      return 1;
    }
  }
}
