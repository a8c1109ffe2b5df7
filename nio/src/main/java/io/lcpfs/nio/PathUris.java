package io.lcpfs.nio;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * {@code lcpfs:/pool/file!/inside}, {@code lcpfs:/pool/file!data/set!/inside}, and for a dataset
 * that was attached {@code lcpfs://pool-guid/data/set!/inside}. A '!' of a name is written %21.
 */
final class PathUris {
  static final String SCHEME = "lcpfs";
  private static final String PLAIN = "-._~/$&'()*+,;=:@";
  private static final String HEX = "0123456789ABCDEF";

  private PathUris() {}

  /**
   * A URI taken apart.
   *
   * @param poolFile bytes of the path of the pool's file; null for an attached dataset
   * @param authority the pool's guid in hexadecimal, of an attached dataset
   * @param dataset path of the dataset below the pool's root
   * @param inside bytes of the path within; "/" when the URI has none
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Parts(
      byte @Nullable [] poolFile, @Nullable String authority, String dataset, byte[] inside) {}

  /**
   * @throws IllegalArgumentException when it is none of the forms above
   */
  static Parts parse(URI uri) {
    String path = uri.getRawPath();
    if (!SCHEME.equalsIgnoreCase(uri.getScheme())
        || path == null
        || path.isEmpty()
        || uri.getRawQuery() != null
        || uri.getRawFragment() != null) {
      throw new IllegalArgumentException(uri + ": write lcpfs:/path/of/pool.file!/path/inside");
    }
    int mark = path.indexOf('!');
    String before = mark < 0 ? path : path.substring(0, mark);
    String after = mark < 0 ? "/" : path.substring(mark + 1);
    String authority = uri.getRawAuthority();
    if (authority != null) {
      requireInside(uri, after);
      return new Parts(null, authority, dataset(before), bytes(uri, after));
    }
    String dataset = "";
    if (!after.startsWith("/") && !after.isEmpty()) {
      int second = after.indexOf('!');
      dataset = dataset(second < 0 ? after : after.substring(0, second));
      after = second < 0 ? "/" : after.substring(second + 1);
    }
    requireInside(uri, after);
    return new Parts(bytes(uri, before), null, dataset, bytes(uri, after));
  }

  private static String dataset(String text) {
    int from = text.startsWith("/") ? 1 : 0;
    int end = text.endsWith("/") && text.length() > from ? text.length() - 1 : text.length();
    return text.substring(from, end);
  }

  private static void requireInside(URI uri, String inside) {
    if (!inside.isEmpty() && (!inside.startsWith("/") || inside.indexOf('!') >= 0)) {
      throw new IllegalArgumentException(uri + ": the path inside follows '!/', once");
    }
  }

  private static byte[] bytes(URI uri, String raw) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(raw.length());
    for (int i = 0; i < raw.length(); ) {
      int c = raw.codePointAt(i);
      if (c == '%') {
        int value = Integer.parseInt(raw.substring(i + 1, i + 3), 16);
        if (value == 0) {
          throw new IllegalArgumentException(uri + ": a path has no NUL");
        }
        bytes.write(value);
        i += 3;
      } else {
        bytes.writeBytes(Character.toString(c).getBytes(StandardCharsets.UTF_8));
        i += Character.charCount(c);
      }
    }
    return bytes.size() == 0 ? new byte[] {'/'} : bytes.toByteArray();
  }

  static URI uri(String prefix, byte[] inside) {
    return URI.create(prefix + quote(inside));
  }

  static String quote(byte[] path) {
    StringBuilder text = new StringBuilder(path.length + 16);
    for (byte b : path) {
      int value = b & 0xFF;
      boolean plain =
          (value >= 'a' && value <= 'z')
              || (value >= 'A' && value <= 'Z')
              || (value >= '0' && value <= '9')
              || (value < 0x80 && PLAIN.indexOf(value) >= 0);
      if (plain) {
        text.append((char) value);
      } else {
        text.append('%').append(HEX.charAt(value >> 4)).append(HEX.charAt(value & 15));
      }
    }
    return text.toString();
  }
}
