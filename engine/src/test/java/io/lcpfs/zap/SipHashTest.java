package io.lcpfs.zap;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SipHashTest {
  private static final long K0 = 0x0706050403020100L;
  private static final long K1 = 0x0f0e0d0c0b0a0908L;

  @Test
  void theVectorsOfThePaperHold() {
    byte[] input = new byte[64];
    for (int i = 0; i < input.length; i++) {
      input[i] = (byte) i;
    }
    // Appendix A of the paper, and the reference implementation's vectors of 0, 1, 7 and 8 bytes.
    assertThat(SipHash.hash(K0, K1, input, 0, 15)).isEqualTo(0xa129ca6149be45e5L);
    assertThat(SipHash.hash(K0, K1, input, 0, 0)).isEqualTo(0x726fdb47dd0e0e31L);
    assertThat(SipHash.hash(K0, K1, input, 0, 1)).isEqualTo(0x74f839c593dc67fdL);
    assertThat(SipHash.hash(K0, K1, input, 0, 7)).isEqualTo(0xab0200f58b01d137L);
    assertThat(SipHash.hash(K0, K1, input, 0, 8)).isEqualTo(0x93f5f5799a932462L);
  }

  @Test
  void onlyTheNamedBytesCount() {
    byte[] input = "xxabcdefghijklmnopqryy".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    byte[] alone = "abcdefghijklmnopqr".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    assertThat(SipHash.hash(1, 2, input, 2, 18)).isEqualTo(SipHash.hash(1, 2, alone, 0, 18));
    assertThat(SipHash.hash(1, 2, input, 2, 17)).isNotEqualTo(SipHash.hash(1, 2, alone, 0, 18));
    assertThat(SipHash.hash(1, 3, input, 2, 18)).isNotEqualTo(SipHash.hash(1, 2, alone, 0, 18));
  }
}
