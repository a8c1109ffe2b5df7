package io.lcpfs.fuse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The mounts of this file system that the host has, from /proc/self/mountinfo. */
public final class MountTable {
  /** The type as the list of mounts shows it. */
  public static final String TYPE = "fuse.lcpfs";

  private static final Path LIST = Path.of("/proc/self/mountinfo");
  private static final int LEAST_FIELDS = 10;

  /**
   * A mount.
   *
   * @param device its number as {@code major:minor}
   * @param directory where it is mounted
   * @param source the dataset
   * @param options of the mount and of its file system, comma separated
   */
  public record Entry(String device, String directory, String source, String options) {
    /** Whether the process that served it is gone. */
    public boolean isDead() {
      return Libc.statfs(directory) == -Libc.ENOTCONN;
    }
  }

  private MountTable() {}

  /** What is seen in a directory: of those mounted on it, the last. */
  public static Optional<Entry> on(Path directory) {
    String wanted = directory.toString();
    return list().stream()
        .filter(one -> one.directory().equals(wanted))
        .reduce((below, above) -> above);
  }

  /** All of them, in the order in which they were mounted. */
  public static List<Entry> list() {
    try {
      return parse(Files.readString(LIST, StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<Entry> parse(String text) {
    List<Entry> entries = new ArrayList<>();
    for (String line : text.split("\n", -1)) {
      String[] fields = line.split(" ", -1);
      int dash = List.of(fields).indexOf("-");
      if (fields.length >= LEAST_FIELDS
          && dash > 0
          && dash + 2 < fields.length
          && fields[dash + 1].equals(TYPE)) {
        String options = fields[5] + (dash + 3 < fields.length ? "," + fields[dash + 3] : "");
        entries.add(new Entry(fields[2], unescape(fields[4]), unescape(fields[dash + 2]), options));
      }
    }
    return entries;
  }

  /** Undoes the octal escapes, and reads the bytes as UTF-8. */
  private static String unescape(String text) {
    byte[] bytes = new byte[text.length()];
    int length = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\'
          && i + 3 < text.length()
          && text.substring(i + 1, i + 4).matches("[0-3][0-7]{2}")) {
        bytes[length++] = (byte) Integer.parseInt(text.substring(i + 1, i + 4), 8);
        i += 3;
      } else {
        bytes[length++] = (byte) c;
      }
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }
}
