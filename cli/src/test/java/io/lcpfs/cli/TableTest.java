package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class TableTest {
  private final OutputOptions options = new OutputOptions();

  private String printed() {
    Table table = new Table(options, "things", List.of("NAME", "SIZE", "CAP"));
    table.row("a", new Table.Bytes(1536), new Table.Percent(5));
    table.row("longer", new Table.Bytes(1), new Table.Percent(100));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    table.print(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void columnsAreAlignedForPeople() {
    assertThat(printed())
        .isEqualTo(
            """
            NAME     SIZE   CAP
            a       1.50K    5%
            longer     1B  100%
            """);
  }

  @Test
  void scriptsGetTabsAndExactNumbers() {
    options.noHeaders = true;
    options.exact = true;
    assertThat(printed()).isEqualTo("a\t1536\t5\nlonger\t1\t100\n");
  }

  @Test
  void programsGetJsonWithExactNumbers() {
    options.json = true;
    assertThat(printed().replaceAll("\\s", ""))
        .isEqualTo(
            "{\"things\":[{\"name\":\"a\",\"size\":1536,\"cap\":5},"
                + "{\"name\":\"longer\",\"size\":1,\"cap\":100}]}");
  }
}
