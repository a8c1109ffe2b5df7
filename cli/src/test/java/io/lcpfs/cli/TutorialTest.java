package io.lcpfs.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lcpfs.cli.tree.HostDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Runs every line of {@code docs/TUTORIAL.md} that begins with a $ in a shell, and holds what it
 * prints against the lines below; "..." there stands for anything.
 */
@Timeout(300)
class TutorialTest {
  private static final Path TUTORIAL = Path.of("../docs/TUTORIAL.md");

  private record Step(String command, List<String> prints) {}

  private Path directory = Path.of("");

  @AfterEach
  void cleanUp() throws IOException, InterruptedException {
    if (directory.toString().isEmpty()) {
      return;
    }
    new ProcessBuilder("umount", "-l", directory.resolve("home").toString())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
    try (var files = Files.walk(directory)) {
      for (Path path : new ArrayList<>(files.toList()).reversed()) {
        Files.delete(path);
      }
    }
  }

  private static List<Step> steps() throws IOException {
    List<Step> steps = new ArrayList<>();
    boolean inside = false;
    for (String line : Files.readAllLines(TUTORIAL)) {
      if (line.startsWith("```")) {
        inside = line.equals("```console");
      } else if (inside && line.startsWith("$ ")) {
        steps.add(new Step(line.substring(2), new ArrayList<>()));
      } else if (inside) {
        steps.getLast().prints.add(line);
      }
    }
    return steps;
  }

  @Test
  void everyLineDoesWhatItSays() throws IOException, InterruptedException {
    assumeTrue(System.getProperty("os.name").equals("Linux"), "FUSE is a matter of Linux");
    assumeTrue(Files.isWritable(Path.of("/dev/fuse")), "there is no /dev/fuse to open");
    assumeTrue(HostDirectory.euid() == 0, "only root mounts without a helper");
    directory = Files.createTempDirectory("lcpfs-tutorial-");
    Path bin = Files.createDirectories(directory.resolve("bin"));
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    Path command = bin.resolve("lcpfs");
    Files.writeString(
        command,
        "#!/bin/sh\nexec "
            + java
            + " --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
            + " -Xmx256m -cp '"
            + System.getProperty("java.class.path")
            + "' "
            + Main.class.getName()
            + " \"$@\"\n");
    Files.setPosixFilePermissions(command, PosixFilePermissions.fromString("rwxr-xr-x"));
    List<Step> steps = steps();
    assertThat(steps).hasSizeGreaterThan(30);
    for (Step step : steps) {
      String said = run(step.command, bin);
      assertThat(said).as(step.command).matches(pattern(step.prints));
    }
  }

  private String run(String line, Path bin) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder("sh", "-c", line).directory(directory.toFile());
    Path said = directory.resolve("said");
    builder.redirectErrorStream(true).redirectOutput(said.toFile());
    builder.environment().put("PATH", bin + ":" + System.getenv("PATH"));
    builder.environment().put("LCPFS_HOME", directory.resolve("state").toString());
    builder.environment().put("LCPFS_CACHE", "64M");
    builder.environment().put("XDG_RUNTIME_DIR", directory.toString());
    Process process = builder.start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(line).isTrue();
    return Files.readString(said, UTF_8);
  }

  private static Pattern pattern(List<String> lines) {
    StringBuilder regex = new StringBuilder();
    for (String line : lines) {
      for (String part : line.split("\\.\\.\\.", -1)) {
        regex.append(Pattern.quote(part)).append(".*");
      }
      regex.setLength(regex.length() - 2);
      regex.append('\n');
    }
    return Pattern.compile(regex.toString());
  }
}
