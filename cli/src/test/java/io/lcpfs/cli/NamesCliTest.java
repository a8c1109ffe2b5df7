package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Pool;
import io.lcpfs.cli.owner.OwnerServer;
import io.lcpfs.cli.tree.HostDirectory;
import io.lcpfs.cli.tree.TreeFile;
import io.lcpfs.format.NameText;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Names that are no text, in arguments, in output and on the host's side of cp. */
@Timeout(300)
class NamesCliTest {
  private static final byte[] HOST_NAME = {'h', (byte) 0xFE, '.', 't', 'x', 't'};
  private static final String SHOWN = "h\uDCFE.txt";

  @TempDir Path directory;
  private Map<String, String> environment = Map.of();

  @BeforeEach
  void aPoolAndAFileOfTheHostWithSuchAName() throws IOException {
    environment =
        Map.of(
            "LCPFS_HOME",
            directory.resolve("home").toString(),
            "XDG_RUNTIME_DIR",
            directory.toString(),
            "LCPFS_CACHE",
            "64M");
    Files.createDirectory(directory.resolve("host"));
    try (HostDirectory host = HostDirectory.open(directory.resolve("host"));
        TreeFile file = host.create(HOST_NAME)) {
      byte[] content = "content\n".getBytes(StandardCharsets.UTF_8);
      MemorySegment memory = Arena.ofAuto().allocate(content.length);
      memory.copyFrom(MemorySegment.ofArray(content));
      file.write(0, memory, content.length);
    }
    ok("pool", "create", "--size", "256M", "tank", directory.resolve("pool.img").toString());
  }

  private String ok(String... words) {
    CliRun run = CliRun.with(environment, words);
    assertThat(run.err()).as(String.join(" ", words)).isEmpty();
    assertThat(run.code()).isZero();
    return run.out();
  }

  private String host(String name) {
    return directory.resolve("host") + "/" + name;
  }

  private List<String> hostNames() {
    try (HostDirectory host = HostDirectory.open(directory.resolve("host"))) {
      return host.names().stream().map(NameText::decode).sorted().toList();
    }
  }

  private void everyCommandNamesTheFile() {
    ok("cp", host(SHOWN), "tank:/");
    assertThat(ok("cat", "tank:/" + SHOWN)).isEqualTo("content\n");
    ok("mkdir", "-p", "tank:/d\uDCFF/e");
    ok("mv", "tank:/" + SHOWN, "tank:/d\uDCFF");
    ok("ln", "-s", "to\uDCE4", "tank:/d\uDCFF/link");
    ok("ln", "tank:/d\uDCFF/" + SHOWN, "tank:/second\uDC80");
    assertThat(ok("ls", "tank:/")).isEqualTo("d\uDCFF\nsecond\uDC80\n");
    assertThat(ok("ls", "-lR", "tank:/"))
        .contains("tank:/d\uDCFF:\n", SHOWN + "\n", "link -> to\uDCE4\n");
    assertThat(ok("stat", "tank:/d\uDCFF/link")).contains("-> to\uDCE4\n");
    assertThat(ok("ls", "-j", "tank:/d\uDCFF"))
        .contains(
            "\"path\": \"/d\\udcff/h\\udcfe.txt\"",
            "\"nameBase64\": \"" + Base64.getEncoder().encodeToString(HOST_NAME) + "\"",
            "\"target\": \"to\\udce4\"",
            "\"targetBase64\": \"dG/k\"");
    assertThat(ok("ls", "-j", "tank:/d\uDCFF/e")).doesNotContain("Base64");
    ok("cp", "tank:/d\uDCFF/" + SHOWN, host("out\uDCFD"));
    ok("cp", "-r", "tank:/d\uDCFF", host("copy\uDCFC"));
    ok("cp", "-r", host("copy\uDCFC"), "tank:/back");
    assertThat(ok("cat", "tank:/back/" + SHOWN)).isEqualTo("content\n");
    assertThat(hostNames()).containsExactly("copy\uDCFC", SHOWN, "out\uDCFD");
    ok("rm", "tank:/second\uDC80");
    ok("rm", "-r", "tank:/d\uDCFF");
    assertThat(ok("ls", "tank:/")).isEqualTo("back\n");
    CliRun missing = CliRun.with(environment, "cat", "tank:/\uDCFF");
    assertThat(missing.err()).startsWith("lcpfs: tank:/\uDCFF: no such file or directory; ");
  }

  @Test
  void everyCommandTakesAndPrintsTheBytes() {
    everyCommandNamesTheFile();
  }

  @Test
  void theOwnerOfAPoolTakesAndPrintsTheBytes() {
    PrintStream said = new PrintStream(new ByteArrayOutputStream(), true, NameText.CHARSET);
    try (Cli cli = new Cli(said, said, environment, List.of("mount", "tank"));
        Pool pool = cli.openToWrite("tank");
        OwnerServer _ = Owners.serve(cli, List.of(pool), used -> false)) {
      everyCommandNamesTheFile();
    }
  }

  @Test
  void theWordsOfTheCommandLineAreTakenFromTheSystem() {
    byte[] line = {'j', 0, '-', 'X', 0, 'M', 0, 'c', 'a', 't', 0, (byte) 0xFF, 0, 0};
    assertThat(RawArguments.of(new String[] {"cat", "\uFFFD", ""}, line))
        .containsExactly("cat", "\uDCFF", "");
    assertThat(RawArguments.of(new String[0], line)).isEmpty();
    String[] others = {"rm", "\uFFFD", ""};
    assertThat(RawArguments.of(others, line)).as("not those of this process").isSameAs(others);
    String[] more = {"a", "b", "c", "d", "e", "f", "g"};
    assertThat(RawArguments.of(more, line)).isSameAs(more);
  }

  /** Runs the command in a JVM of its own, as cron does, and answers what it printed. */
  private String inPlainLocale(String script) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(
            "sh",
            "-c",
            script.replace(
                "LCPFS",
                "\"$JAVA\" --enable-native-access=ALL-UNNAMED --add-modules jdk.incubator.vector"
                    + " -cp \"$CLASSES\" io.lcpfs.cli.Main"));
    builder.environment().putAll(environment);
    builder.environment().put("LC_ALL", "C");
    builder.environment().put("JAVA", Path.of(System.getProperty("java.home"), "bin/java") + "");
    builder.environment().put("CLASSES", System.getProperty("java.class.path"));
    builder.environment().put("HOST", directory.resolve("host").toString());
    builder.redirectError(directory.resolve("errors").toFile());
    Process process = builder.start();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    process.getInputStream().transferTo(out);
    assertThat(process.waitFor()).as(Files.readString(directory.resolve("errors"))).isZero();
    return NameText.decode(out.toByteArray());
  }

  @Test
  void aLocaleWithoutTheBytesChangesNothing() throws Exception {
    assertThat(
            inPlainLocale(
                "LCPFS cp \"$HOST/$(printf 'h\\376.txt')\" \"tank:/$(printf '\\303\\274\\377')\""
                    + " && LCPFS ls \"tank:/$(printf '\\303\\274\\377')\""))
        .isEqualTo("/ü\uDCFF\n");
    assertThat(ok("cat", "tank:/ü\uDCFF")).isEqualTo("content\n");
  }

  @Test
  void theLauncherLeavesNoLocaleThatIsNotUtf8() throws Exception {
    String function = "eval \"$(sed -n '/^use_utf8() {/,/^}/p' ../lcpfs)\"; use_utf8; ";
    ProcessBuilder builder =
        new ProcessBuilder("bash", "-c", function + "x=ü; echo ${#x} ${LC_ALL:-} ${LC_CTYPE:-}");
    builder.environment().keySet().removeIf(name -> name.equals("LANG") || name.startsWith("LC_"));
    for (String variable : List.of("", "LANG", "LC_ALL")) {
      if (!variable.isEmpty()) {
        builder.environment().put(variable, "C");
      }
      Process process = builder.redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).isZero();
      assertThat(said).as("with " + variable).startsWith("1 ").containsIgnoringCase("UTF");
    }
  }

  @Test
  void aPathIntoADatasetBelowSaysHowItIsWritten() {
    ok("fs", "create", "-p", "tank/home/alice");
    for (String command : List.of("ls", "stat", "cat", "mkdir")) {
      CliRun run = CliRun.with(environment, command, "tank:/home/alice/docs/x");
      assertThat(run.code()).isEqualTo(ExitCode.FAILED);
      assertThat(run.err())
          .as(command)
          .isEqualTo(
              "lcpfs: tank:/home/alice/docs/x: lies in the dataset tank/home/alice; write"
                  + " tank/home/alice:/docs/x\n");
    }
    assertThat(CliRun.with(environment, "ls", "tank:/home/").err())
        .isEqualTo("lcpfs: tank:/home/: is the dataset tank/home; write tank/home:/\n");
    assertThat(CliRun.with(environment, "cp", host(SHOWN), "tank:/home/x").err())
        .contains("write tank/home:/");
    assertThat(CliRun.with(environment, "ls", "tank:/none/x").err())
        .contains("no such file or directory; ");
    assertThat(CliRun.with(environment, "rm", "-f", "tank:/home").code()).isZero();
  }
}
