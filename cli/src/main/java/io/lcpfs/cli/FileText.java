package io.lcpfs.cli;

import io.lcpfs.format.NameText;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Mode;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;

/** Attributes of files in words and signs. */
final class FileText {
  private static final DateTimeFormatter MINUTES =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT);
  private static final DateTimeFormatter NANOS =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.nnnnnnnnn Z", Locale.ROOT);

  private FileText() {}

  /**
   * Adds the bytes of a name that is not UTF-8 to a row of JSON, in base64; its text there has
   * escapes, see {@link NameText}.
   */
  static void addBytes(Map<String, Object> row, String key, byte[] name) {
    if (!NameText.isUtf8(name)) {
      row.put(key, Base64.getEncoder().encodeToString(name));
    }
  }

  /** The last component of a path. */
  static byte[] lastName(byte[] path) {
    int end = path.length;
    while (end > 1 && path[end - 1] == '/') {
      end--;
    }
    int begin = end;
    while (begin > 0 && path[begin - 1] != '/') {
      begin--;
    }
    return Arrays.copyOfRange(path, begin, end);
  }

  /** As ls writes it: {@code drwxr-xr-x}. */
  static String mode(int mode) {
    StringBuilder text = new StringBuilder(10).append(typeSign(mode));
    for (int shift = 6; shift >= 0; shift -= 3) {
      int bits = mode >>> shift;
      text.append((bits & 4) != 0 ? 'r' : '-').append((bits & 2) != 0 ? 'w' : '-');
      boolean runs = (bits & 1) != 0;
      boolean special =
          (mode & (shift == 6 ? Mode.SET_UID : shift == 3 ? Mode.SET_GID : Mode.STICKY)) != 0;
      char sign = shift == 0 ? 't' : 's';
      text.append(special ? (runs ? sign : Character.toUpperCase(sign)) : runs ? 'x' : '-');
    }
    return text.toString();
  }

  private static char typeSign(int mode) {
    return switch (mode & Mode.TYPE_MASK) {
      case Mode.DIRECTORY -> 'd';
      case Mode.SYMLINK -> 'l';
      case Mode.FIFO -> 'p';
      case Mode.SOCKET -> 's';
      case Mode.CHARACTER -> 'c';
      case Mode.BLOCK -> 'b';
      default -> '-';
    };
  }

  static String type(Attr attr) {
    return switch (attr.mode() & Mode.TYPE_MASK) {
      case Mode.DIRECTORY -> "directory";
      case Mode.SYMLINK -> "symbolic link";
      case Mode.FIFO -> "fifo";
      case Mode.SOCKET -> "socket";
      case Mode.CHARACTER -> "character device";
      case Mode.BLOCK -> "block device";
      default -> "regular file";
    };
  }

  static String minutes(long seconds) {
    return MINUTES.withZone(ZoneId.systemDefault()).format(Instant.ofEpochSecond(seconds));
  }

  static String nanos(long seconds, int nanos) {
    return NANOS.withZone(ZoneId.systemDefault()).format(Instant.ofEpochSecond(seconds, nanos));
  }

  /** Seconds with nine decimals, for programs. */
  static String exactTime(long seconds, int nanos) {
    return seconds + "." + String.format(Locale.ROOT, "%09d", nanos);
  }
}
