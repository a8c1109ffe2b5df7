package io.lcpfs.posix;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class FileStatTest {
  private static final Attr ATTR =
      new Attr(2, 99, 0x81A4, 3, 4, 5, 6, 7, 9, 8, -10, 11, 12, 13, 14, 15, 16, 999_999_999);

  @Test
  void theStructureIsThatOfTheFieldsInC() {
    assertThat(FileStat.LAYOUT.byteSize()).isEqualTo(64);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(72, 8).fill((byte) -1);
      FileStat.of(1, ATTR).writeTo(memory, 8);
      long[] words = memory.toArray(ValueLayout.JAVA_LONG);
      int[] halves = memory.toArray(ValueLayout.JAVA_INT);
      assertThat(words[1]).isEqualTo(1);
      assertThat(words[2]).isEqualTo(2);
      assertThat(halves[6]).isEqualTo(0x81A4);
      assertThat(halves[7]).isEqualTo(3);
      assertThat(halves[8]).isEqualTo(4);
      assertThat(halves[9]).isEqualTo(5);
      assertThat(words[5]).isEqualTo(6);
      assertThat(words[6]).isEqualTo(7);
      assertThat(halves[14]).isEqualTo(8);
      assertThat(halves[15]).as("padding").isZero();
      assertThat(words[8]).isEqualTo(9);
      assertThat(words[0]).as("what is before").isEqualTo(-1);
    }
  }

  @Test
  void everyFieldComesBackFromBothStructures() {
    MemorySegment memory = MemorySegment.ofArray(new byte[FullStat.BYTES + 3]);
    FullStat full = new FullStat(77, ATTR);
    full.writeTo(memory, 3);
    assertThat(FullStat.readFrom(memory, 3)).isEqualTo(full);
    assertThat(FileStat.readFrom(memory, 3)).isEqualTo(full.stat());
    assertThat(full.stat()).isEqualTo(FileStat.of(77, ATTR));
  }
}
