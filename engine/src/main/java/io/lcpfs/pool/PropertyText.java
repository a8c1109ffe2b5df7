package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * Values of properties as they are kept. A ZAP holds no empty value: an empty text is a NUL, which
 * no text has.
 */
final class PropertyText {
  private static final String EMPTY = "\0";

  private PropertyText() {}

  static byte[] encode(String value) {
    return (value.isEmpty() ? EMPTY : value).getBytes(UTF_8);
  }

  static String decode(byte[] kept) {
    String value = new String(kept, UTF_8);
    return value.equals(EMPTY) ? "" : value;
  }
}
