package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pools of mirrors by the command. */
class MirrorCliTest {
  @TempDir Path directory;

  private String ok(String line) {
    CliRun run = CliRun.line(directory.resolve("home"), line.replace("DIR", directory.toString()));
    assertThat(run.err()).as(line).isEmpty();
    assertThat(run.code()).as(line).isZero();
    return run.out();
  }

  @Test
  void aMirrorOutlivesNoiseOnOneOfItsDevices() throws IOException {
    byte[] content = new byte[3 << 20];
    new Random(4).nextBytes(content);
    Files.write(directory.resolve("file"), content);
    ok("pool create --size 64M tank mirror DIR/a DIR/b");
    assertThat(ok("pool status tank")).contains("mirror-0").contains("/a").contains("/b");
    assertThat(ok("pool status -j tank")).contains("\"layout\": \"mirror-2\"");
    ok("cp DIR/file tank:/file");
    try (RandomAccessFile device = new RandomAccessFile(directory.resolve("a").toFile(), "rw")) {
      byte[] noise = new byte[56 << 20];
      new Random(5).nextBytes(noise);
      device.seek(3 << 20);
      device.write(noise);
    }
    ok("cp tank:/file DIR/back");
    assertThat(Files.readAllBytes(directory.resolve("back"))).isEqualTo(content);
    CliRun verify = CliRun.line(directory.resolve("home"), "pool verify tank");
    assertThat(verify.code()).isEqualTo(ExitCode.FAILED);
    assertThat(verify.out() + verify.err()).contains("on device 0").doesNotContain("on device 1");
  }

  @Test
  void severalMirrorsAndAMirroredLog() {
    ok("pool create --size 64M tank mirror DIR/a DIR/b mirror DIR/c DIR/d log mirror DIR/e DIR/f");
    assertThat(ok("pool status tank"))
        .containsSubsequence("mirror-0", "/a", "/b", "mirror-1", "/c", "/d", "logs", "mirror-2")
        .containsSubsequence("logs", "/e", "/f");
    assertThat(ok("pool verify tank")).contains("sound");
  }
}
