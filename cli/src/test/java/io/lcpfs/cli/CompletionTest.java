package io.lcpfs.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.DirectIo;
import io.lcpfs.device.FileDevice;
import io.lcpfs.device.OpenMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is offered while a command line is typed. */
class CompletionTest extends PoolCommandTest {
  @BeforeEach
  void aPool() {
    ok("pool create --size 64M tank DIR/pool.img");
    ok("fs create -p tank/a/b");
    ok("fs snapshot tank/a@monday");
    ok("fs snapshot tank/a@tuesday");
    ok("fs bookmark tank/a@monday tank/a#mark");
  }

  private List<String> offered(String line) {
    CliRun run = CliRun.of(home, "complete-names", line);
    assertThat(run.err()).as(line).isEmpty();
    assertThat(run.code()).as(line).isZero();
    return run.out().lines().toList();
  }

  @Test
  void namesOfWhatIsInPools() {
    assertThat(offered("lcpfs pool status ")).containsExactly("tank");
    assertThat(offered("lcpfs fs list t")).containsExactly("tank", "tank/a", "tank/a/b");
    assertThat(offered("lcpfs fs list -r tank/a/")).containsExactly("tank/a/b");
    assertThat(offered("lcpfs fs list tank/a@")).containsExactly("tank/a@monday", "tank/a@tuesday");
    assertThat(offered("lcpfs fs list tank/a#")).containsExactly("tank/a#mark");
    assertThat(offered("lcpfs send tank/a")).containsExactly("tank/a/b@", "tank/a@");
    assertThat(offered("lcpfs send -i tank/a@t")).containsExactly("tank/a@tuesday");
    assertThat(offered("lcpfs fs rollback tank/a@m")).containsExactly("tank/a@monday");
    assertThat(offered("lcpfs ls tank/a/")).containsExactly("tank/a/b:/");
    assertThat(offered("lcpfs cp file tank/a/")).containsExactly("tank/a/b:/");
    assertThat(offered("lcpfs fs hold tag tank/a@t")).containsExactly("tank/a@tuesday");
    assertThat(offered("lcpfs mount tank/a/")).containsExactly("tank/a/b");
    assertThat(offered("lcpfs fs list other/")).isEmpty();
    assertThat(offered("lcpfs fs ")).isEmpty();
    assertThat(offered("lcpfs")).isEmpty();
  }

  @Test
  void ofSeveralPoolsTheNamesComeFirst() {
    ok("pool create --size 64M tape DIR/tape.img");
    assertThat(offered("lcpfs fs list ta")).containsExactly("tank", "tape");
    assertThat(offered("lcpfs fs list tan")).containsExactly("tank", "tank/a", "tank/a/b");
  }

  @Test
  void poolsThatCanBeImported() {
    ok("pool create --size 64M tape DIR/tape.img");
    ok("pool export tape");
    assertThat(offered("lcpfs pool import -d " + directory + " ")).containsExactly("tape");
  }

  @Test
  void propertiesAndTheirValues() {
    assertThat(offered("lcpfs fs get comp")).containsExactly("compression", "compressratio");
    assertThat(offered("lcpfs fs get used,comp"))
        .containsExactly("used,compression", "used,compressratio");
    assertThat(offered("lcpfs fs list -o name,mounted,al")).isEmpty();
    assertThat(offered("lcpfs fs list -s creati")).containsExactly("creation");
    assertThat(offered("lcpfs fs list -Ht s")).containsExactly("snap", "snapshot");
    assertThat(offered("lcpfs fs list -t fs,bo")).containsExactly("fs,bookmark");
    assertThat(offered("lcpfs fs get -s lo")).containsExactly("local");
    assertThat(offered("lcpfs fs get -o val")).containsExactly("value");
    assertThat(offered("lcpfs fs set at")).containsExactly("atime=");
    assertThat(offered("lcpfs fs set atime=")).containsExactly("atime=off", "atime=on");
    assertThat(offered("lcpfs fs set atime=on tank/a/")).containsExactly("tank/a/b");
    assertThat(offered("lcpfs fs set mounted")).isEmpty();
    assertThat(offered("lcpfs fs create -o copies=")).contains("copies=2");
    assertThat(offered("lcpfs pool set auto")).containsExactly("autotrim=");
    assertThat(offered("lcpfs fs inherit sync tank/a/")).containsExactly("tank/a/b");
  }

  @Test
  void whatCannotBeAskedIsSilent() throws IOException {
    Path image = directory.resolve("pool.img");
    try (FileDevice taken = FileDevice.open(image, OpenMode.READ_WRITE, 4096, DirectIo.OFF)) {
      assertThat(taken.capacity()).isPositive();
      CliRun run = CliRun.of(home, "complete-names", "lcpfs fs list tank/");
      assertThat(run).isEqualTo(new CliRun(ExitCode.FAILED, "", ""));
    }
  }

  /** Runs the script in bash, with a command in place of lcpfs that answers as {@code answers}. */
  private List<String> typed(String line, String words, String answers)
      throws IOException, InterruptedException {
    Path script = directory.resolve("completion");
    Files.writeString(script, ok("completion bash"));
    Path command = directory.resolve("lcpfs");
    Files.writeString(
        command, "#!/bin/sh\necho \"$1:$2\" >> " + directory + "/asked\n" + answers + "\n");
    assertThat(command.toFile().setExecutable(true)).isTrue();
    String test =
        "source "
            + script
            + "\nCOMP_LINE='"
            + line
            + "' COMP_POINT="
            + line.length()
            + "\nCOMP_WORDS=("
            + words
            + ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_complete_lcpfs_names\n"
            + "printf '%s\\n' \"${COMPREPLY[@]}\"";
    ProcessBuilder builder = new ProcessBuilder("bash", "-c", test);
    builder.environment().put("PATH", directory + ":" + System.getenv("PATH"));
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    Process process = builder.start();
    String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return printed.lines().filter(one -> !one.isEmpty()).toList();
  }

  @Test
  void theScriptAsksForNamesAndLeavesOutWhatBashKeeps() throws Exception {
    assertThat(
            typed(
                "lcpfs fs list tank/a@m",
                "lcpfs fs list tank/a @ m",
                "echo tank/a@monday; echo tank/a@m2"))
        .containsExactly("monday", "m2");
    assertThat(Files.readString(directory.resolve("asked")))
        .isEqualTo("complete-names:lcpfs fs list tank/a@m\n");
    assertThat(typed("lcpfs fs list ta", "lcpfs fs list ta", "echo tank; echo tank/a"))
        .containsExactly("tank", "tank/a");
    assertThat(typed("lcpfs fs set atime=", "lcpfs fs set atime = ''", "echo atime=on"))
        .containsExactly("on");
    // Options and commands are in the script: nobody is asked.
    Files.delete(directory.resolve("asked"));
    assertThat(typed("lcpfs fs sna", "lcpfs fs sna", "")).contains("snapshot");
    assertThat(typed("lcpfs fs list --rec", "lcpfs fs list --rec", "")).contains("--recursive");
    assertThat(directory.resolve("asked")).doesNotExist();
  }
}
