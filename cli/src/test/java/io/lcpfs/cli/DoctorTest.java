package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorTest {
  @Test
  void everyItemIsPrintedAndTheTrialFileIsGone(@TempDir Path dir) throws IOException {
    CliRun run = CliRun.of(dir, "doctor", "--dir", dir.toString());
    assertThat(run.err()).isEmpty();
    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("ok       java", "device contract", "write order", " 0 broken");
    try (Stream<Path> left = Files.list(dir)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void everyBrokenItemFailsAndSaysWhatToDo(@TempDir Path dir) {
    CliRun run =
        CliRun.with(
            Map.of("LCPFS_HOME", dir.toString(), "LCPFS_CACHE", "1M"),
            "doctor",
            "-j",
            "--dir",
            dir.toString());
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out())
        .contains("\"usable\": false", "\"cache budget\"", "\"broken\"", "16 MiB or more");
  }

  @Test
  void aDeviceWithContentIsOverwrittenOnlyByForce(@TempDir Path dir) throws IOException {
    Path file = dir.resolve("disk");
    byte[] content = new byte[4 << 20];
    content[content.length - 1] = 1;
    Files.write(file, content);
    CliRun refused = CliRun.of(dir, "doctor", "-d", file.toString());
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err()).contains("is not empty", "-f");
    assertThat(Files.readAllBytes(file)).isEqualTo(content);
    assertThat(CliRun.of(dir, "doctor", "-f", "-d", file.toString()).code()).isZero();
    assertThat(Files.readAllBytes(file)).isNotEqualTo(content);
    CliRun missing = CliRun.of(dir, "doctor", "-f", "-d", dir.resolve("none").toString());
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.out()).contains("broken   device contract", "ENOENT");
  }
}
