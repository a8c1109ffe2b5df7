package io.lcpfs.cli;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;

/** Finds a real tree to copy: the JDK itself, or what else is large enough on any system. */
final class QuickstartTree {
  private static final long ENOUGH_BYTES = 200_000_000L;

  private QuickstartTree() {}

  static Path choose() throws IOException {
    Path jdk = Path.of(System.getProperty("java.home", "/")).toRealPath();
    for (Path candidate : List.of(jdk, Path.of("/usr/lib"), Path.of("/usr/share"))) {
      if (Files.isDirectory(candidate) && isLargeEnough(candidate)) {
        return candidate;
      }
    }
    return jdk;
  }

  private static boolean isLargeEnough(Path tree) throws IOException {
    long[] bytes = new long[1];
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<Path>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            bytes[0] += attributes.isRegularFile() ? attributes.size() : 0;
            return bytes[0] >= ENOUGH_BYTES ? FileVisitResult.TERMINATE : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) {
            // What cannot be read does not count.
            return FileVisitResult.CONTINUE;
          }
        });
    return bytes[0] >= ENOUGH_BYTES;
  }
}
