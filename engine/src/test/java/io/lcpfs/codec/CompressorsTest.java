package io.lcpfs.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class CompressorsTest {
  private static final int RECORD = 128 << 10;
  private static final int GUARD = 4096;
  private static final byte GUARD_BYTE = 0x5A;

  static Stream<Compression> all() {
    List<Compression> all = new ArrayList<>(List.of(Compression.LZ4));
    for (int level = 1; level <= 19; level++) {
      all.add(new Compression(CompressionType.ZSTD, level));
    }
    for (int level = 0; level <= 9; level++) {
      all.add(new Compression(CompressionType.LZMA, level));
    }
    return all.stream();
  }

  static Stream<Compression> oneOfEach() {
    return Stream.of(
        Compression.LZ4, Compression.ZSTD_DEFAULT, new Compression(CompressionType.LZMA, 1));
  }

  private static MemorySegment nativeCopy(Arena arena, byte[] data) {
    return arena.allocate(data.length, 8).copyFrom(MemorySegment.ofArray(data));
  }

  private static MemorySegment compressed(Arena arena, Compression with, byte[] data) {
    MemorySegment target = arena.allocate(data.length + 64L);
    int bytes = Compressors.of(with).compress(nativeCopy(arena, data), target);
    assertThat(bytes).as("%s shrinks its sample", with).isPositive();
    return target.asSlice(0, bytes);
  }

  @ParameterizedTest
  @MethodSource("all")
  void everyLevelGivesBackWhatItTook(Compression with) {
    try (Arena arena = Arena.ofConfined()) {
      for (int size : new int[] {4096, 5000, RECORD, 300_001}) {
        byte[] data = Samples.text(size, size);
        MemorySegment target = arena.allocate(size * 7L / 8);
        int bytes = Compressors.of(with).compress(nativeCopy(arena, data), target);
        assertThat(bytes).isBetween(5, size * 5 / 8);
        MemorySegment back = arena.allocate(size);
        Compressors.of(with.type()).decompress(target.asSlice(0, bytes), back);
        assertThat(back.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(data);
        back.fill((byte) 1);
        Compressors.of(with.type()).decompress(target, back);
        assertThat(back.toArray(ValueLayout.JAVA_BYTE)).as("padded source").isEqualTo(data);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void everyLevelRefusesDataThatDoesNotShrink(Compression with) {
    try (Arena arena = Arena.ofConfined()) {
      for (int size : new int[] {1, 3, 8, 4096, RECORD}) {
        MemorySegment source = nativeCopy(arena, Samples.random(size, 7));
        assertThat(Compressors.of(with).compress(source, arena.allocate(size * 7L / 8 + 1)))
            .isZero();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("oneOfEach")
  void everyTargetSizeIsEitherEnoughOrAnswersZeroAndIsNeverExceeded(Compression with) {
    byte[] data = Samples.text(4096, 1);
    try (Arena arena = Arena.ofConfined()) {
      int needed = (int) compressed(arena, with, data).byteSize();
      MemorySegment guarded = arena.allocate(8192);
      MemorySegment source = nativeCopy(arena, data);
      for (int room = 0; room < needed + 100; room += 3) {
        guarded.fill(GUARD_BYTE);
        int bytes = Compressors.of(with).compress(source, guarded.asSlice(1000, room));
        assertThat(bytes).isBetween(0, room);
        if (room >= needed + 64) {
          assertThat(bytes).isEqualTo(needed);
        }
        if (room < needed - 64) {
          assertThat(bytes).isZero();
        }
        assertUntouched(guarded.asSlice(0, 1000));
        assertUntouched(guarded.asSlice(1000 + room));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("oneOfEach")
  void everyHeapSegmentIsServedLikeANativeOne(Compression with) {
    byte[] data = Samples.text(RECORD, 3);
    try (Arena arena = Arena.ofConfined()) {
      byte[] expected = compressed(arena, with, data).toArray(ValueLayout.JAVA_BYTE);
      byte[] target = new byte[RECORD];
      int bytes =
          Compressors.of(with).compress(MemorySegment.ofArray(data), MemorySegment.ofArray(target));
      assertThat(MemorySegment.ofArray(target).asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE))
          .isEqualTo(expected);
      byte[] back = new byte[RECORD];
      Compressors.of(with.type())
          .decompress(MemorySegment.ofArray(target), MemorySegment.ofArray(back));
      assertThat(back).isEqualTo(data);
    }
  }

  @ParameterizedTest
  @MethodSource("oneOfEach")
  void everyReadOnlySourceIsServed(Compression with) {
    byte[] data = Samples.text(4096, 3);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment target = arena.allocate(4096);
      int bytes = Compressors.of(with).compress(nativeCopy(arena, data).asReadOnly(), target);
      MemorySegment back = arena.allocate(4096);
      Compressors.of(with.type()).decompress(target.asSlice(0, bytes).asReadOnly(), back);
      assertThat(back.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(data);
    }
  }

  @ParameterizedTest
  @MethodSource("oneOfEach")
  void everyLargestBlockFits(Compression with) {
    byte[] data = Samples.text(Compressor.MAX_BLOCK_BYTES, 5);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment packed = compressed(arena, with, data);
      MemorySegment back = arena.allocate(data.length);
      Compressors.of(with.type()).decompress(packed, back);
      assertThat(back.mismatch(MemorySegment.ofArray(data))).isEqualTo(-1);
      assertThatThrownBy(
              () -> Compressors.of(with).compress(arena.allocate(data.length + 1L), packed))
          .isInstanceOf(AssertionError.class);
    }
  }

  @Test
  void lz4FindsWhatShrinksInSomePartOfABlock() {
    byte[] noise = Samples.random(RECORD, 5);
    byte[] text = Samples.text(RECORD, 6);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment target = arena.allocate(RECORD * 7 / 8);
      for (int part = 0; part < 4; part++) {
        byte[] mixed = noise.clone();
        System.arraycopy(text, 0, mixed, part * (RECORD / 4), RECORD / 4);
        assertThat(Compressors.of(Compression.LZ4).compress(nativeCopy(arena, mixed), target))
            .as("text in quarter " + part)
            .isPositive();
      }
      for (int i = 0; i < RECORD; i += 16) {
        noise[i] = 0;
        noise[i + 1] = 0; // a few matches, which save nothing
      }
      assertThat(Compressors.of(Compression.LZ4).compress(nativeCopy(arena, noise), target))
          .isZero();
    }
  }

  @Test
  void everyEntropyCoderStillShrinksWhatLz4Cannot() {
    byte[] data = Samples.skewed(RECORD, 4);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment source = nativeCopy(arena, data);
      MemorySegment target = arena.allocate(RECORD * 7 / 8);
      assertThat(Compressors.of(Compression.LZ4).compress(source, target)).isZero();
      assertThat(Compressors.of(Compression.parse("zstd-9")).compress(source, target))
          .isBetween(1, RECORD * 2 / 3);
      assertThat(Compressors.of(Compression.parse("lzma-1")).compress(source, target))
          .isBetween(1, RECORD * 2 / 3);
    }
  }

  @ParameterizedTest
  @MethodSource("oneOfEach")
  void everyMutationIsCorruptOrFillsTheTargetAndStaysInside(Compression with) {
    SplittableRandom random = new SplittableRandom(with.type().code());
    int size = 4096;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment[] packed = {
        compressed(arena, with, Samples.text(size, 1)),
        compressed(arena, with, Samples.skewed(size, 2)),
        compressed(arena, with, new byte[size]),
      };
      MemorySegment guarded = arena.allocate(size + 2L * GUARD, 8);
      guarded.fill(GUARD_BYTE);
      int corrupt = 0;
      for (int i = 0; i < 20_000; i++) {
        MemorySegment source = mutated(packed[i % packed.length], random);
        int targetSize = random.nextInt(8) == 0 ? 1 + random.nextInt(size) : size;
        guarded.asSlice(GUARD + targetSize).fill(GUARD_BYTE);
        try {
          Compressors.of(with.type()).decompress(source, guarded.asSlice(GUARD, targetSize));
        } catch (PoolException refusal) {
          assertThat(refusal.error()).isInstanceOf(PoolError.Corrupt.class);
          corrupt++;
        }
        assertUntouched(guarded.asSlice(0, GUARD));
        assertUntouched(guarded.asSlice(GUARD + targetSize));
      }
      assertThat(corrupt).isGreaterThan(10_000);
    }
  }

  /** In memory of its own length, so that a read past the end would meet the arena's bounds. */
  private static MemorySegment mutated(MemorySegment packed, SplittableRandom random) {
    byte[] bytes = packed.toArray(ValueLayout.JAVA_BYTE);
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      int at = random.nextInt(random.nextBoolean() ? bytes.length : Math.min(24, bytes.length));
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt();
        case 2 -> bytes[at] = (byte) (random.nextBoolean() ? 0xFF : 0);
        default -> {
          int from = random.nextInt(bytes.length);
          int length = Math.min(random.nextInt(32), bytes.length - Math.max(at, from));
          System.arraycopy(bytes, from, bytes, at, length);
        }
      }
    }
    int length = random.nextInt(4) == 0 ? random.nextInt(bytes.length + 1) : bytes.length;
    MemorySegment source = Arena.ofAuto().allocate(Math.max(1, length));
    MemorySegment.copy(bytes, 0, source, ValueLayout.JAVA_BYTE, 0, length);
    return source.asSlice(0, length);
  }

  private static void assertUntouched(MemorySegment guard) {
    for (long i = 0; i < guard.byteSize(); i++) {
      if (guard.get(ValueLayout.JAVA_BYTE, i) != GUARD_BYTE) {
        throw new AssertionError("written outside at " + i);
      }
    }
  }

  @Test
  void everyThreadOfManyWorksWithScratchOfItsOwn() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<byte[]>> results = new ArrayList<>();
      List<Compression> each = oneOfEach().toList();
      for (int i = 0; i < 300; i++) {
        int seed = i;
        results.add(threads.submit(() -> roundTripAndHash(each.get(seed % 3), seed)));
      }
      for (int i = 0; i < results.size(); i++) {
        assertThat(results.get(i).get()).isEqualTo(Blake3Reference.hash(Samples.text(20_000, i)));
      }
    }
  }

  private static byte[] roundTripAndHash(Compression with, int seed) {
    byte[] data = Samples.text(20_000, seed);
    byte[] packed = new byte[data.length];
    byte[] back = new byte[data.length];
    Compressors.of(with).compress(MemorySegment.ofArray(data), MemorySegment.ofArray(packed));
    Compressors.of(with.type())
        .decompress(MemorySegment.ofArray(packed), MemorySegment.ofArray(back));
    assertThat(ChecksumsTest.checksum(ChecksumType.SHA256, back))
        .isEqualTo(ChecksumsTest.checksum(ChecksumType.SHA256, data));
    return ChecksumsTest.checksum(ChecksumType.BLAKE3, back);
  }

  @Test
  void everyHostileZstdWindowAllocatesNothingAndIsCorrupt() {
    try (Arena arena = Arena.ofConfined()) {
      // Magic, no content size, window descriptor of the largest window, one raw block of 1 byte.
      byte[] frame = {
        (byte) 0x28, (byte) 0xB5, 0x2F, (byte) 0xFD, 0, (byte) 0xFF, 9, 0, 0, 'x',
      };
      MemorySegment source = arena.allocate(frame.length + 4L);
      source.set(ValueLayout.JAVA_INT_UNALIGNED, 0, frame.length);
      MemorySegment.copy(frame, 0, source, ValueLayout.JAVA_BYTE, 4, frame.length);
      assertThatThrownBy(
              () -> Compressors.of(CompressionType.ZSTD).decompress(source, arena.allocate(1)))
          .hasMessageContaining("corrupt zstd.content_size");
    }
  }

  @Test
  void everySecondZstdFrameIsCorrupt() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment one = compressed(arena, Compression.ZSTD_DEFAULT, Samples.text(4096, 1));
      long frame = one.byteSize() - 4;
      MemorySegment two = arena.allocate(4 + frame + 8);
      two.copyFrom(one);
      two.set(ValueLayout.JAVA_INT_UNALIGNED, 4 + frame, 0x184D2A50); // An empty skippable frame.
      two.set(ValueLayout.JAVA_INT_UNALIGNED, 0, (int) frame + 8);
      assertThatThrownBy(
              () -> Compressors.of(CompressionType.ZSTD).decompress(two, arena.allocate(4096)))
          .hasMessageContaining("corrupt zstd.frame_size");
    }
  }

  @Test
  void everyLzmaStreamOfTinyChunksIsCorrupt() {
    int size = 4096;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment source = arena.allocate(4 + 4 * size + 1);
      source.set(ValueLayout.JAVA_INT_UNALIGNED, 0, 4 * size + 1);
      for (int i = 0; i < size; i++) {
        source.set(ValueLayout.JAVA_BYTE, 4 + 4 * i, (byte) (i == 0 ? 1 : 2));
      }
      assertThatThrownBy(
              () -> Compressors.of(CompressionType.LZMA).decompress(source, arena.allocate(size)))
          .hasMessageContaining("corrupt lzma.chunks");
    }
  }

  @Test
  void everyUncompressedBlockIsCopiedAndAShortOneIsCorrupt() {
    byte[] data = Samples.random(512, 1);
    Compressor off = Compressors.of(Compression.OFF);
    MemorySegment back = MemorySegment.ofArray(new byte[500]);
    off.decompress(MemorySegment.ofArray(data), back);
    assertThat(back.mismatch(MemorySegment.ofArray(data).asSlice(0, 500))).isEqualTo(-1);
    assertThat(off.compress(MemorySegment.ofArray(new byte[512]), back)).isZero();
    assertThatThrownBy(() -> off.decompress(MemorySegment.ofArray(new byte[499]), back))
        .hasMessageContaining("corrupt block.size");
  }

  @Test
  void everyPropertyValueIsReadBackAsItself() {
    all().forEach(with -> assertThat(Compression.parse(with.propertyValue())).isEqualTo(with));
    assertThat(Compression.parse("off")).isEqualTo(Compression.OFF);
    assertThat(Compression.parse("zstd")).isEqualTo(Compression.ZSTD_DEFAULT);
    assertThat(Compression.parse("zstd-3").propertyValue()).isEqualTo("zstd");
    assertThat(Compression.parse("lzma-6").propertyValue()).isEqualTo("lzma");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "on",
        "LZ4",
        "lz4-1",
        "zstd-",
        "zstd-0",
        "zstd-20",
        "zstd-03",
        "zstd--1",
        "zstd-1x",
        "zstd-100000000000",
        "lzma-10",
        "lzma-01",
        "-1",
        "gzip"
      })
  void everyOtherPropertyValueIsRefusedWithTheAllowedOnes(String value) {
    assertThatThrownBy(() -> Compression.parse(value))
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL))
        .hasMessageContaining("off, lz4, zstd, zstd-1 to zstd-19, lzma, lzma-0 to lzma-9");
  }
}
