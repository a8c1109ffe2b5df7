package io.lcpfs.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ParityKernelsTest {
  private static final int MEMORY_BYTES = 40_000;
  private static final int MOST_COLUMNS = 19;

  /** Small steps, every border of vectors and tiles, and a few tiles. */
  private static int[] lengths() {
    int[] lengths = new int[420];
    for (int i = 0; i < 400; i++) {
      lengths[i] = i;
    }
    for (int i = 0; i < 20; i++) {
      lengths[400 + i] =
          4096 * (1 + i / 10) + new int[] {0, -1, 1, 63, 64, 65, 127, 128, 200, -64}[i % 10];
    }
    return lengths;
  }

  private static MemorySegment place(MemorySegment memory, SplittableRandom random) {
    return memory.asSlice(random.nextInt(MEMORY_BYTES - 10_000), 9_000);
  }

  /**
   * Throws when the vector kernel and its plain twin differ. Also run where vectors are narrower.
   */
  static void compareAllLengths() {
    SplittableRandom random = new SplittableRandom(4);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(MEMORY_BYTES, 64);
      memory.copyFrom(MemorySegment.ofArray(Samples.random(MEMORY_BYTES, 2)));
      MemorySegment onHeap = MemorySegment.ofArray(Samples.random(MEMORY_BYTES, 3));
      for (int length : lengths()) {
        for (int count :
            new int[] {0, 1, 1 + random.nextInt(8), 1 + random.nextInt(MOST_COLUMNS)}) {
          for (int rows = 1; rows <= 3; rows++) {
            MemorySegment source = random.nextInt(4) == 0 ? onHeap : memory;
            compareSums(source, count, rows, length, random);
            compareSolve(source, rows, length, random);
          }
        }
      }
    }
  }

  private static MemorySegment[] targets(int count, boolean onHeap, Arena arena) {
    MemorySegment[] targets = new MemorySegment[count];
    for (int i = 0; i < count; i++) {
      MemorySegment target =
          onHeap ? MemorySegment.ofArray(new byte[9_000]) : arena.allocate(9_000);
      targets[i] = target.fill((byte) 0x77);
    }
    return targets;
  }

  private static void compareSums(
      MemorySegment memory, int count, int rows, int length, SplittableRandom random) {
    @Nullable MemorySegment[] columns = new MemorySegment[MOST_COLUMNS];
    for (int i = 0; i < count; i++) {
      columns[i] = i < count - 1 && random.nextInt(5) == 0 ? null : place(memory, random);
    }
    int at = random.nextInt(100);
    int rowsAt = random.nextInt(100);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment[] plain = targets(rows, !memory.isNative(), arena);
      MemorySegment[] vector = targets(rows, !memory.isNative(), arena);
      ParityScalar.INSTANCE.sums(columns, count, at, plain, rowsAt, length);
      ParityVector.INSTANCE.sums(columns, count, at, vector, rowsAt, length);
      for (int r = 0; r < rows; r++) {
        assertThat(vector[r].toArray(ValueLayout.JAVA_BYTE))
            .as("row %d of %d, %d columns of %d bytes", r, rows, count, length)
            .isEqualTo(plain[r].toArray(ValueLayout.JAVA_BYTE));
      }
    }
  }

  private static void compareSolve(
      MemorySegment memory, int rows, int length, SplittableRandom random) {
    MemorySegment[] sums = new MemorySegment[rows];
    MemorySegment[] parity = new MemorySegment[rows];
    int[] coefficients = new int[rows];
    for (int j = 0; j < rows; j++) {
      sums[j] = place(memory, random);
      parity[j] = place(memory, random);
      coefficients[j] = random.nextInt(256);
    }
    int at = random.nextInt(100);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment[] targets = targets(2, !memory.isNative(), arena);
      ParityScalar.INSTANCE.solve(sums, parity, coefficients, targets[0], at, length);
      ParityVector.INSTANCE.solve(sums, parity, coefficients, targets[1], at, length);
      assertThat(targets[1].toArray(ValueLayout.JAVA_BYTE))
          .as("%d rows of %d bytes", rows, length)
          .isEqualTo(targets[0].toArray(ValueLayout.JAVA_BYTE));
    }
  }

  @Test
  void everyLengthAndPlaceGivesTheSameBitsFromBothKernels() {
    compareAllLengths();
  }

  @Test
  void everyProductOfAByteAndACoefficientIsThatOfLongMultiplication() {
    MemorySegment bytes = MemorySegment.ofArray(new byte[256]);
    for (int i = 0; i < 256; i++) {
      bytes.set(ValueLayout.JAVA_BYTE, i, (byte) i);
    }
    MemorySegment zeros = MemorySegment.ofArray(new byte[256]);
    MemorySegment[] sums = {bytes};
    MemorySegment[] parity = {zeros};
    byte[] expected = new byte[256];
    for (int coefficient = 0; coefficient < 256; coefficient++) {
      for (int i = 0; i < 256; i++) {
        expected[i] = (byte) ParityReference.multiply(i, coefficient);
      }
      for (ParityKernel kernel : List.of(ParityScalar.INSTANCE, ParityVector.INSTANCE)) {
        byte[] products = new byte[256];
        kernel.solve(
            sums, parity, new int[] {coefficient}, MemorySegment.ofArray(products), 0, 256);
        assertThat(products).as("times %d", coefficient).isEqualTo(expected);
      }
      if (coefficient > 0) {
        assertThat(ParityReference.multiply(GaloisField.inverse(coefficient), coefficient)).isOne();
      }
    }
  }

  /** The entry point of the processes below. */
  public static void main(String[] args) {
    if (args.length == 0) {
      compareAllLengths();
      System.out.println("usable " + ParityVector.USABLE);
    } else {
      Parity.warmUp(new VectorKernelsTest.CountingEnv(1));
      System.out.println("vector " + Parity.vectorsAtWork());
      MemorySegment[] data = {MemorySegment.ofArray(Samples.random(1_000, 1))};
      MemorySegment[] parity = {MemorySegment.ofArray(new byte[1_000])};
      Parity.generate(data, parity);
      assertThat(parity[0].mismatch(data[0])).isEqualTo(-1);
    }
  }

  private static String inNewJvm(List<String> options, String... args) throws Exception {
    return VectorKernelsTest.inNewJvm(ParityKernelsTest.class, options, args);
  }

  @Test
  void everyLengthGivesTheSameBitsWithVectorsOf256And128Bits() throws Exception {
    for (int bytes : new int[] {32, 16}) {
      String width = "-XX:MaxVectorSize=" + bytes;
      assertThat(inNewJvm(List.of("--add-modules", "jdk.incubator.vector", width)))
          .contains("usable true");
    }
  }

  @Test
  void everyProcessWithoutTheVectorModuleUsesThePlainKernel() throws Exception {
    assertThat(inNewJvm(List.of(), "warm-up")).contains("vector false");
  }

  @Test
  void everyWarmUpInStandingTimeLeavesThePlainKernel() {
    Parity.warmUp(new VectorKernelsTest.CountingEnv(0));
    assertThat(Parity.vectorsAtWork()).isFalse();
  }

  @Test
  void everyWarmUpThatVectorsWinPutsThemToWork() throws Exception {
    assertThat(inNewJvm(List.of("--add-modules", "jdk.incubator.vector"), "warm-up"))
        .contains("vector true");
  }
}
