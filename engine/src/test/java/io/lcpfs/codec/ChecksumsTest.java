package io.lcpfs.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ChecksumsTest {
  /** The lengths of the official BLAKE3 vectors: every border of blocks, chunks and subtrees. */
  static final int[] LENGTHS = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2048, 2049, 3072, 3073,
    4096, 4097, 5120, 5121, 6144, 6145, 7168, 7169, 8192, 8193, 16384, 31744, 102400, 131072, 131073
  };

  /** The input of the official BLAKE3 vectors. */
  static byte[] pattern(int length) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) (i % 251);
    }
    return bytes;
  }

  static byte[] checksum(ChecksumType type, MemorySegment data) {
    MemorySegment out = MemorySegment.ofArray(new byte[40]);
    Checksums.of(type).compute(data, out, 4);
    assertThat(out.get(ValueLayout.JAVA_INT_UNALIGNED, 0)).isZero();
    assertThat(out.get(ValueLayout.JAVA_INT_UNALIGNED, 36)).isZero();
    return out.asSlice(4, 32).toArray(ValueLayout.JAVA_BYTE);
  }

  static byte[] checksum(ChecksumType type, byte[] data) {
    return checksum(type, MemorySegment.ofArray(data));
  }

  @ParameterizedTest
  @CsvSource({
    "0, af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    "1, 2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
    "1024, 42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
    "1025, d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
    "2048, e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a",
    "3072, b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2",
    "4096, 015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969",
    "8192, aae792484c8efe4f19e2ca7d371d8c467ffb10748d8a5a1ae579948f718a2a63",
    "102400, bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
  })
  void everyOfficialBlake3VectorIsReproduced(int length, String expected) {
    assertThat(HexFormat.of().formatHex(checksum(ChecksumType.BLAKE3, pattern(length))))
        .isEqualTo(expected);
  }

  @Test
  void everyLengthGivesTheBlake3OfTheReference() {
    for (int length : LENGTHS) {
      byte[] data = pattern(length);
      assertThat(checksum(ChecksumType.BLAKE3, data))
          .as("length %d", length)
          .isEqualTo(Blake3Reference.hash(data));
    }
  }

  @Test
  void everyLengthGivesTheSha256OfTheJdk() throws Exception {
    MessageDigest jdk = MessageDigest.getInstance("SHA-256");
    for (int length : LENGTHS) {
      byte[] data = pattern(length);
      assertThat(checksum(ChecksumType.SHA256, data)).isEqualTo(jdk.digest(data));
    }
  }

  @Test
  void everyLengthGivesTheFletcher4OfItsDefinition() {
    for (int length : LENGTHS) {
      byte[] padded = Arrays.copyOf(pattern(length), (length + 3) / 4 * 4);
      long[] sums = new long[4];
      for (int i = 0; i < padded.length; i += 4) {
        sums[0] +=
            (padded[i] & 0xFFL)
                | (padded[i + 1] & 0xFFL) << 8
                | (padded[i + 2] & 0xFFL) << 16
                | (padded[i + 3] & 0xFFL) << 24;
        sums[1] += sums[0];
        sums[2] += sums[1];
        sums[3] += sums[2];
      }
      long[] actual =
          MemorySegment.ofArray(checksum(ChecksumType.FLETCHER4, pattern(length)))
              .toArray(ValueLayout.JAVA_LONG_UNALIGNED);
      assertThat(actual).as("length %d", length).isEqualTo(sums);
    }
  }

  @ParameterizedTest
  @EnumSource(ChecksumType.class)
  void everyPlaceInMemoryGivesTheSameChecksum(ChecksumType type) {
    byte[] data = pattern(5000);
    byte[] expected = checksum(type, data);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(5100, 64);
      for (int shift = 0; shift < 9; shift++) {
        MemorySegment slice = memory.asSlice(shift, data.length);
        slice.copyFrom(MemorySegment.ofArray(data));
        assertThat(checksum(type, slice)).isEqualTo(expected);
        byte[] heap = new byte[5100];
        System.arraycopy(data, 0, heap, shift, data.length);
        MemorySegment onHeap = MemorySegment.ofArray(heap).asSlice(shift, data.length);
        assertThat(checksum(type, onHeap)).isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(value = ChecksumType.class, mode = EnumSource.Mode.EXCLUDE, names = "OFF")
  void everyFlippedBitChangesTheChecksum(ChecksumType type) {
    byte[] data = pattern(2100);
    byte[] before = checksum(type, data);
    for (int bit = 0; bit < data.length * 8; bit += 97) {
      data[bit / 8] ^= (byte) (1 << (bit % 8));
      assertThat(checksum(type, data)).isNotEqualTo(before);
      data[bit / 8] ^= (byte) (1 << (bit % 8));
    }
  }

  @ParameterizedTest
  @EnumSource(ChecksumType.class)
  void everyBlockOfManyGetsTheChecksumItHasAlone(ChecksumType type) {
    for (int size : new int[] {512, 4096, 5000, 16384}) {
      for (int count = 0; count < 10; count++) {
        MemorySegment[] blocks = new MemorySegment[count + 1];
        MemorySegment[] outs = new MemorySegment[count + 1];
        for (int i = 0; i <= count; i++) {
          byte[] data = pattern(size);
          data[i] ^= 0x55;
          blocks[i] = MemorySegment.ofArray(data);
          outs[i] = MemorySegment.ofArray(new byte[32]);
        }
        Checksums.of(type).computeMany(blocks, outs, count);
        for (int i = 0; i < count; i++) {
          assertThat(outs[i].toArray(ValueLayout.JAVA_BYTE)).isEqualTo(checksum(type, blocks[i]));
        }
        assertThat(outs[count].toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
      }
    }
  }

  @Test
  void everyEqualComparisonLooksAtAll32Bytes() {
    MemorySegment left = MemorySegment.ofArray(new byte[40]);
    for (int i = 0; i < 32; i++) {
      byte[] other = new byte[33];
      other[1 + i] = 1;
      assertThat(Checksums.equal(left, 3, MemorySegment.ofArray(other), 1)).isFalse();
    }
    assertThat(Checksums.equal(left, 3, left, 8)).isTrue();
  }
}
