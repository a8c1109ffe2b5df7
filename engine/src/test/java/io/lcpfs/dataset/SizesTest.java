package io.lcpfs.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.PoolException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SizesTest {

  @ParameterizedTest
  @CsvSource({
    "0,0",
    "512,512",
    "1K,1024",
    "128k,131072",
    "1.5M,1572864",
    "10G,10737418240",
    "2TiB,2199023255552",
    "7E,8070450532247928832",
    "64MB,67108864",
    "3B,3"
  })
  void sizesParseInPowersOf1024(String text, long bytes) {
    assertThat(Sizes.parse(text)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "K",
        "-1",
        "1.3B",
        "10X",
        "9E",
        "1KK",
        "1..5K",
        "NaN",
        "0x10",
        "99999999999999999999999"
      })
  void whatIsNoSizeIsRefused(String text) {
    assertThatThrownBy(() -> Sizes.parse(text))
        .isInstanceOf(PoolException.class)
        .hasMessageContaining("write a number such as");
  }

  @ParameterizedTest
  @CsvSource({
    "0,0B",
    "1023,1023B",
    "1024,1K",
    "131072,128K",
    "1536,1.50K",
    "1572864,1.50M",
    "11010048,10.5M",
    "123456789,118M",
    "9223372036854775807,8.00E"
  })
  void sizesPrintWithThreeDigits(long bytes, String text) {
    assertThat(Sizes.print(bytes)).isEqualTo(text);
  }

  @Test
  void negativeSizesPrintWithTheirSign() {
    assertThat(Sizes.print(-1536)).isEqualTo("-1.50K");
    assertThat(Sizes.print(Long.MIN_VALUE)).startsWith("-8");
  }
}
