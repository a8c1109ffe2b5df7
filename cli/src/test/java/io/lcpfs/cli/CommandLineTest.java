package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What the command says before a pool is opened. */
class CommandLineTest {
  @TempDir Path directory;

  private CliRun run(String line) {
    return CliRun.line(directory.resolve("home"), line.replace("DIR", directory.toString()));
  }

  private static void assertOneLine(CliRun run) {
    assertThat(run.out()).isEmpty();
    assertThat(run.err())
        .startsWith("lcpfs: ")
        .endsWith("\n")
        .contains(": ")
        .contains("; ")
        .doesNotContain("Exception")
        .doesNotContain("internal error");
    assertThat(run.err().lines()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "foo",
        "pool",
        "pool foo",
        "pool create",
        "pool create tank",
        "fs",
        "pool status --bogus",
        "cp a",
        "cp a b",
        "ls tank",
        "ls tank:x",
        "ls /x",
        "cat x",
        "mkdir -m 9 tank:/x",
        "pool create -o ashift=99 tank DIR/x",
        "pool create -o nonsense tank DIR/x",
        "fs set compression tank",
        "fs set compression=zstd",
        "fs list -t nothing",
        "fs list -d -1",
        "pool import -o foo=bar",
        "pool import -a tank",
        "pool export",
        "bench --rounds 0",
        "bench --only nothing",
        "bench --side both --tree DIR/missing",
        "help nothing"
      })
  void everyWrongCommandLineIsRefusedInOneLineWithCode2(String line) {
    CliRun run = run(line);
    assertOneLine(run);
    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(directory.resolve("home")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "pool status tank|no such pool is imported",
        "pool export tank|pool import -d DIR",
        "fs list tank/a|no such pool",
        "fs create tank/a|no such pool",
        "ls tank:/|no such pool",
        "cp -r DIR tank:/|no such pool",
        "rm tank:/x|no such pool",
        "pool verify 9x|does not begin with a letter",
        "fs create tank//a|empty component",
        "pool create tank DIR/missing|no such device",
        "pool create tank DIR|is a directory",
        "pool create mirror DIR/x|describes a layout",
        "pool create tank raidz DIR/x DIR/y|single devices and mirrors only",
        "pool create tank --size 1X DIR/x|is no size",
        "pool create tank --size 64M DIR/none/x|its directory does not exist",
        "pool create -O compression=gzip tank DIR/x|is not allowed",
        "pool create -o color=red tank DIR/x|is no property",
        "pool import -d DIR/missing|no such file or directory",
        "pool import -d DIR tank|no such pool was found",
        "pool labelclear DIR/missing|no such device",
        "debug label DIR/missing|no such file or device",
        "quickstart DIR/missing|is no directory"
      })
  void everyBadInputIsRefusedInOneLineThatSaysWhatToDo(String line, String part) {
    CliRun run = run(line);
    assertOneLine(run);
    assertThat(run.err()).contains(part);
    assertThat(run.code()).isEqualTo(ExitCode.FAILED);
    assertThat(directory.resolve("home/pools")).doesNotExist();
  }

  @Test
  void aDeviceWithAForeignFileSystemIsRefusedAndNotChanged() throws IOException {
    Path image = directory.resolve("ext4.img");
    byte[] bytes = new byte[64 << 20];
    bytes[0x438] = 0x53;
    bytes[0x439] = (byte) 0xef;
    Files.write(image, bytes);
    CliRun run = run("pool create tank DIR/ext4.img");
    assertOneLine(run);
    assertThat(run.err()).contains("ext").contains("-f");
    assertThat(run.code()).isEqualTo(ExitCode.FAILED);
    assertThat(Files.readAllBytes(image)).isEqualTo(bytes);
  }

  @Test
  void withoutArgumentsItTeachesTheFirstStep() {
    CliRun run = run("");
    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("No pool is imported yet").contains("lcpfs pool create tank");
  }

  @Test
  void theListOfPoolsIsInTheHomeThatTheShellNames(@TempDir Path home) {
    CliRun made =
        CliRun.with(
            Map.of("HOME", home.toString(), "LCPFS_CACHE", "64M"),
            "pool",
            "create",
            "--size",
            "128M",
            "tank",
            home.resolve("t.img").toString());
    assertThat(made.err()).isEmpty();
    assertThat(made.code()).isZero();
    assertThat(CliRun.line(home.resolve(".lcpfs"), "pool list").out()).contains("tank");
  }

  @Test
  void withPoolsItTeachesTheNextStep() {
    new Registry(directory.resolve("home"))
        .add(new Registry.Entry("tank", 1, false, List.of(directory.resolve("x"))));
    CliRun run = run("");
    assertThat(run.out()).contains("Imported: tank").contains("lcpfs cp -r DIR tank:/");
  }

  @Test
  void aMissingDeviceOfAKnownPoolIsNamed() {
    new Registry(directory.resolve("home"))
        .add(new Registry.Entry("tank", 1, false, List.of(directory.resolve("gone.img"))));
    CliRun run = run("ls tank:/");
    assertOneLine(run);
    assertThat(run.err()).contains("gone.img").contains("is missing");
    CliRun list = run("pool list -H");
    assertThat(list.code()).isEqualTo(ExitCode.FAILED);
    assertThat(list.out()).isEqualTo("tank\t-\t-\t-\t-\t-\t-\tUNAVAIL\n");
  }

  @Test
  void anEmptyListIsEmptyForScripts() {
    assertThat(run("pool list -H").out()).isEmpty();
    assertThat(run("pool list -j").out().replaceAll("\\s", "")).isEqualTo("{\"pools\":[]}");
    assertThat(run("fs list -H").out()).isEmpty();
  }

  @Test
  void everyCommandHasHelpThatNamesIt() {
    try (Cli cli = new Cli(nowhere(), nowhere(), Map.of(), List.of())) {
      for (String name : commands(CommandTree.whole(cli), "")) {
        CliRun run = run((name + " --help").strip());
        assertThat(run.code()).as(name).isZero();
        assertThat(run.out()).as(name).contains(("Usage: lcpfs " + name).strip());
      }
    }
  }

  @Test
  void aUsageLineNamesEachParameterOnce() {
    for (String name : List.of("fs set", "cp", "mv")) {
      String usage = run(name + " --help").out().lines().findFirst().orElseThrow();
      assertThat(usage).as(name).containsOnlyOnce(name.equals("fs set") ? "VALUE" : "SOURCE");
      assertThat(run("man").out()).doesNotContain("DATASET[@NAME]......");
    }
    assertThat(run("fs release --help").out()).doesNotContain("all or none");
    assertThat(run("fs hold --help").out()).contains("all or none");
  }

  private static PrintStream nowhere() {
    return new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
  }

  private static List<String> commands(CommandLine at, String prefix) {
    List<String> names = new ArrayList<>(List.of(prefix.strip()));
    at.getSubcommands()
        .forEach(
            (name, sub) -> {
              if (name.equals(sub.getCommandSpec().name())) {
                names.addAll(commands(sub, prefix + name + " "));
              }
            });
    return names;
  }

  @Test
  void theManualNamesEveryCommand() {
    String manual = run("man").out();
    assertThat(manual).startsWith(".TH LCPFS 8");
    Stream.of("pool create", "fs inherit", "cp", "quickstart", "debug")
        .forEach(name -> assertThat(manual).contains(".SS lcpfs " + name));
    assertThat(manual.lines()).noneMatch(line -> line.startsWith("'"));
  }

  @Test
  void everyCommandHasAPageOfItsOwn() {
    try (Cli cli = new Cli(nowhere(), nowhere(), Map.of(), List.of())) {
      for (String name : commands(CommandTree.whole(cli), "")) {
        CliRun run = run(("man " + name).strip());
        assertThat(run.code()).as(name).isZero();
        String title = ("LCPFS " + name).strip().toUpperCase(Locale.ROOT).replace(' ', '-');
        assertThat(run.out()).as(name).startsWith(".TH " + ManCommand.text(title) + " 8");
        assertThat(run.out()).contains(".SH NAME", ".SH SYNOPSIS", ".SH EXIT STATUS");
      }
    }
    String page = run("man fs send").out();
    assertThat(page)
        .contains("lcpfs\\-fs\\-send \\- Write a snapshot", ".B \\-i, \\-\\-incremental SNAPSHOT")
        .contains(".SH SEE ALSO\nlcpfs\\-fs(8), lcpfs(8)");
    assertThat(run("man fs").out()).contains(".SH COMMANDS", ".B snapshot");
    assertThat(run("man fs snap").out()).isEqualTo(run("man fs snapshot").out());
    assertThat(run("man fs bogus").err()).contains("is no command", "lcpfs fs --help");
  }

  @Test
  void shortNamesOfCommandsAreTheCommands() {
    assertThat(run("fs snap --help").out()).startsWith("Usage: lcpfs fs snapshot");
    assertThat(run("recv --help").out()).startsWith("Usage: lcpfs receive");
    assertThat(run("fs recv --help").out()).startsWith("Usage: lcpfs fs receive");
    assertThat(run("man").out().split("SS lcpfs fs snapshot", -1)).hasSize(2);
  }

  @Test
  void completionIsPrintedForBothShells() {
    assertThat(run("completion bash").out()).contains("complete -F _complete_lcpfs");
    assertThat(run("completion zsh").out()).startsWith("#compdef lcpfs");
    assertThat(run("completion fish").code()).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void theVersionIsPrinted() {
    assertThat(run("version").out()).startsWith("lcpfs ").contains("Java");
    assertThat(run("--version").out()).startsWith("lcpfs ");
    assertThat(run("version -j").out()).contains("\"java\"");
  }
}
