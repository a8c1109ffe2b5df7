package io.lcpfs.device;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** A loop device over a file; the test is skipped where there are none. */
record Loop(Path path) implements AutoCloseable {

  static Loop of(Path file) throws IOException, InterruptedException {
    Process setup = new ProcessBuilder("losetup", "--find", "--show", file.toString()).start();
    String node = new String(setup.getInputStream().readAllBytes(), UTF_8).strip();
    Assumptions.assumeTrue(setup.waitFor() == 0, "loop devices need root");
    return new Loop(Path.of(node));
  }

  @Override
  public void close() throws IOException, InterruptedException {
    int rc = new ProcessBuilder("losetup", "--detach", path.toString()).start().waitFor();
    if (rc != 0) {
      throw new IOException("losetup --detach " + path + ": " + rc);
    }
  }
}
