package io.lcpfs.nio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * Calls per second in one thread on cached files: a pool on a file against the JDK's own provider
 * in the same directory. Run by hand: {@code Compare DIRECTORY [SECONDS]}; rounds alternate, the
 * best of three counts.
 */
final class Compare {
  private static final int FILES = 1000;
  private static final int ROUNDS = 3;
  private static final int FILE_BYTES = 64 << 10;

  private Compare() {}

  /** One call, by its number. */
  private interface Call {
    void run(int number) throws IOException;
  }

  /** A named call, on one of the two providers. */
  private record Case(String name, Call call) {}

  public static void main(String[] arguments) throws IOException {
    Path host = Files.createTempDirectory(Path.of(arguments[0]), "compare-");
    double seconds = arguments.length > 1 ? Double.parseDouble(arguments[1]) : 0.5;
    Path image = host.resolve("pool.img");
    try (FileSystem fs =
        LcpfsFileSystems.openOrCreate(image, Map.of("size", "2G", "atime", "off"))) {
      List<Case> ours = cases(Files.createDirectory(fs.getPath("/c")));
      List<Case> theirs = cases(Files.createDirectory(host.resolve("c")));
      for (int i = 0; i < ours.size(); i++) {
        double mine = 0;
        double other = 0;
        for (int round = 0; round < ROUNDS; round++) {
          mine = Math.max(mine, perSecond(ours.get(i).call, seconds));
          other = Math.max(other, perSecond(theirs.get(i).call, seconds));
        }
        System.out.printf(
            Locale.ROOT,
            "%-44s lcpfs %,12.0f/s   jdk %,12.0f/s   %.2fx%n",
            ours.get(i).name,
            mine,
            other,
            mine / other);
      }
    } finally {
      try (var tree = Files.walk(host)) {
        for (Path path : tree.sorted(java.util.Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  private static double perSecond(Call call, double seconds) throws IOException {
    long begin = System.nanoTime();
    long end = begin + (long) (seconds * 1e9);
    int count = 0;
    long now = begin;
    while (now < end) {
      for (int i = 0; i < 100; i++) {
        call.run(count++);
      }
      now = System.nanoTime();
    }
    return count / ((now - begin) / 1e9);
  }

  private static List<Case> cases(Path dir) throws IOException {
    Path deep = Files.createDirectories(dir.resolve("some/way/down"));
    Path[] files = new Path[FILES];
    byte[] content = new byte[FILE_BYTES];
    new Random(1).nextBytes(content);
    for (int i = 0; i < FILES; i++) {
      files[i] = Files.write(deep.resolve("file-" + i + ".txt"), content);
    }
    Path missing = deep.resolve("missing");
    Path created = Files.createDirectory(dir.resolve("created"));
    FileChannel open = FileChannel.open(files[0], StandardOpenOption.READ);
    ByteBuffer direct = ByteBuffer.allocateDirect(4096);
    ByteBuffer heap = ByteBuffer.allocate(4096);
    int[] next = new int[1];
    List<Case> cases = new ArrayList<>();
    cases.add(
        new Case(
            "readAttributes (basic)",
            n -> {
              if (Files.readAttributes(files[n % FILES], BasicFileAttributes.class).size() < 0) {
                throw new IOException();
              }
            }));
    cases.add(
        new Case(
            "exists",
            n -> {
              if (!Files.exists(files[n % FILES])) {
                throw new IOException();
              }
            }));
    cases.add(
        new Case(
            "exists of what is missing",
            n -> {
              if (Files.exists(missing)) {
                throw new IOException();
              }
            }));
    cases.add(
        new Case(
            "newByteChannel + read 4 KiB direct + close",
            n -> {
              try (SeekableByteChannel channel = Files.newByteChannel(files[n % FILES])) {
                if (channel.read(direct.clear()) != 4096) {
                  throw new IOException();
                }
              }
            }));
    cases.add(new Case("FileChannel.read 4 KiB at, direct", n -> read(open, direct, n)));
    cases.add(new Case("FileChannel.read 4 KiB at, heap", n -> read(open, heap, n)));
    cases.add(
        new Case(
            "readAllBytes of 64 KiB",
            n -> {
              if (Files.readAllBytes(files[n % FILES]).length != FILE_BYTES) {
                throw new IOException();
              }
            }));
    cases.add(
        new Case(
            "newDirectoryStream of 1000 entries, all",
            n -> {
              try (var names = Files.newDirectoryStream(deep)) {
                int count = 0;
                for (Path name : names) {
                  count += name.getNameCount();
                }
                if (count % FILES != 0) {
                  throw new IOException("names " + count);
                }
              }
            }));
    cases.add(new Case("createFile", n -> Files.createFile(created.resolve("f" + next[0]++))));
    return cases;
  }

  private static void read(FileChannel open, ByteBuffer buffer, int number) throws IOException {
    if (open.read(buffer.clear(), (number & 15) << 12) != 4096) {
      throw new IOException();
    }
  }
}
