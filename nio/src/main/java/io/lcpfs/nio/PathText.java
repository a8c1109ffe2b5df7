package io.lcpfs.nio;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.util.Arrays;

/**
 * Names are bytes; text is UTF-8. A byte that is not UTF-8 shows as the unpaired surrogate U+DC00
 * plus the byte, and that surrogate is taken back for the byte, so that every name has exactly one
 * text and every text that is accepted exactly one name.
 */
final class PathText {
  private static final int ESCAPE = 0xDC00;
  private static final int FIRST_ESCAPED = 0x80;
  private static final int LAST_ESCAPED = 0xFF;

  private PathText() {}

  /**
   * The bytes of a text.
   *
   * @throws InvalidPathException for NUL, for an unpaired surrogate that stands for no byte, and
   *     where bytes given one by one would make a character together
   */
  static byte[] encode(String text) {
    int length = text.length();
    byte[] plain = new byte[length];
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c == 0) {
        throw new InvalidPathException(text, "NUL", i);
      }
      if (c >= 0x80) {
        return encodeAny(text);
      }
      plain[i] = (byte) c;
    }
    return plain;
  }

  private static byte[] encodeAny(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length() + 16);
    boolean escaped = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      if (c == 0) {
        throw new InvalidPathException(text, "NUL", i);
      }
      if (c >= ESCAPE + FIRST_ESCAPED && c <= ESCAPE + LAST_ESCAPED) {
        bytes.write(c - ESCAPE);
        escaped = true;
      } else if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
        throw new InvalidPathException(text, "unpaired surrogate", i);
      } else {
        writeUtf8(bytes, c);
      }
      i += Character.charCount(c);
    }
    byte[] result = bytes.toByteArray();
    if (escaped && !decode(result).equals(text)) {
      throw new InvalidPathException(text, "escaped bytes that are UTF-8");
    }
    return result;
  }

  private static void writeUtf8(ByteArrayOutputStream to, int c) {
    if (c < 0x80) {
      to.write(c);
    } else if (c < 0x800) {
      to.write(0xC0 | (c >> 6));
      to.write(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      to.write(0xE0 | (c >> 12));
      to.write(0x80 | ((c >> 6) & 0x3F));
      to.write(0x80 | (c & 0x3F));
    } else {
      to.write(0xF0 | (c >> 18));
      to.write(0x80 | ((c >> 12) & 0x3F));
      to.write(0x80 | ((c >> 6) & 0x3F));
      to.write(0x80 | (c & 0x3F));
    }
  }

  /** The text of any bytes. */
  static String decode(byte[] bytes) {
    for (byte b : bytes) {
      if (b < 0) {
        return decodeAny(bytes);
      }
    }
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static String decodeAny(byte[] bytes) {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer from = ByteBuffer.wrap(bytes);
    CharBuffer to = CharBuffer.allocate(bytes.length);
    while (true) {
      CoderResult result = decoder.decode(from, to, true);
      if (!result.isError()) {
        return to.flip().toString();
      }
      for (int i = 0; i < result.length(); i++) {
        to.put((char) (ESCAPE + (from.get() & 0xFF)));
      }
      decoder.reset();
    }
  }

  /** One slash where there were several, and none at the end but in "/". */
  static byte[] normalize(byte[] path) {
    int length = path.length;
    boolean clean = length < 2 || path[length - 1] != '/';
    for (int i = 1; clean && i < length; i++) {
      clean = path[i] != '/' || path[i - 1] != '/';
    }
    if (clean) {
      return path;
    }
    byte[] kept = new byte[length];
    int count = 0;
    for (int i = 0; i < length; i++) {
      if (path[i] != '/' || i == 0 || path[i - 1] != '/') {
        kept[count++] = path[i];
      }
    }
    if (count > 1 && kept[count - 1] == '/') {
      count--;
    }
    return Arrays.copyOf(kept, count);
  }
}
