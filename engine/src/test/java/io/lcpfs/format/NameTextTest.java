package io.lcpfs.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NameTextTest {

  private static byte[] printed(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, false, NameText.CHARSET);
    out.print(text);
    out.flush();
    return bytes.toByteArray();
  }

  @Test
  void allBytesComeBackFromTheirTextHoweverItIsWritten() {
    Random random = new Random(11);
    for (int i = 0; i < 20_000; i++) {
      byte[] name = new byte[random.nextInt(i % 1000 == 0 ? 20_000 : 9)];
      for (int j = 0; j < name.length; j++) {
        name[j] = (byte) (random.nextBoolean() ? 1 + random.nextInt(255) : 0xC0 | j);
      }
      String text = NameText.decode(name);
      assertThat(NameText.encode(text)).isEqualTo(name);
      assertThat(text.getBytes(NameText.CHARSET)).isEqualTo(name);
      assertThat(printed(text)).isEqualTo(name);
      assertThat(NameText.isUtf8(name))
          .isEqualTo(text.equals(new String(name, StandardCharsets.UTF_8)));
    }
  }

  @Test
  void allTextOfTheWorldIsWrittenAsUtf8() {
    StringBuilder all = new StringBuilder();
    for (int c = 1; c <= Character.MAX_CODE_POINT; c += c < 0x3000 ? 1 : 97) {
      if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
        all.appendCodePoint(c);
      }
    }
    assertThat(printed(all.toString())).isEqualTo(all.toString().getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void theHistoryKeepsTheBytesOfNames() {
    HistoryRecord record = new HistoryRecord(1, 2, "me@h\uDCFF", "lcpfs send -o \uDCFE ü");
    assertThat(HistoryRecord.decode(record.encode(), 0)).isEqualTo(record);
  }

  @Test
  void whatStandsForNothingIsRefusedAsANameAndReplacedInOutput() {
    for (String bad : List.of("\0", "\uD800", "x\uDFFFy", "\uDC00", "\uDCC3\uDCA4")) {
      assertThatThrownBy(() -> NameText.encode(bad)).isInstanceOf(InvalidPathException.class);
    }
    assertThat(printed("a\uD800b\uDC00c\uDFFF"))
        .isEqualTo("a?b?c?".getBytes(StandardCharsets.UTF_8));
  }
}
