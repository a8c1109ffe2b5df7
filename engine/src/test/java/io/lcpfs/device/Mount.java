package io.lcpfs.device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** A small file system for one test; the test is skipped where mounting is not allowed. */
record Mount(Path path) implements AutoCloseable {

  static Mount tmpfs(Path path, long bytes) throws IOException, InterruptedException {
    Files.createDirectory(path);
    int rc =
        new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=" + bytes, "tmpfs", path.toString())
            .redirectErrorStream(true)
            .start()
            .waitFor();
    Assumptions.assumeTrue(rc == 0, "mounting needs root");
    return new Mount(path);
  }

  @Override
  public void close() throws IOException, InterruptedException {
    int rc = new ProcessBuilder("umount", path.toString()).start().waitFor();
    if (rc != 0) {
      throw new IOException("umount " + path + ": " + rc);
    }
  }
}
