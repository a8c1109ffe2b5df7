package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** What tests of commands on pools in a directory of their own share. */
abstract class PoolCommandTest {
  @TempDir Path directory;
  Path home = Path.of("");

  @BeforeEach
  void itsOwnHome() {
    home = directory.resolve("home");
  }

  /** Runs a command line, in which DIR is the directory. */
  CliRun run(String line) {
    return CliRun.line(home, line.replace("DIR", directory.toString()));
  }

  /** What it prints; it must succeed and say nothing else. */
  String ok(String line) {
    CliRun run = run(line);
    assertThat(run.err()).as(line).isEmpty();
    assertThat(run.code()).as(line).isZero();
    return run.out();
  }

  /** Why it is refused, which must say what to do. */
  String refused(String line) {
    CliRun run = run(line);
    assertThat(run.code()).as(line).isNotZero();
    assertThat(run.err()).as(line).startsWith("lcpfs: ").contains("; ");
    return run.err();
  }
}
