package io.lcpfs.format;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;

/**
 * Names are bytes; text is UTF-8. A byte that is not UTF-8 shows as the unpaired surrogate U+DC00
 * plus the byte, and that surrogate is taken back for the byte, so that every name has exactly one
 * text and every text that is accepted exactly one name.
 */
public final class NameText {
  /**
   * Writes what {@link #decode} made as the bytes that it came from, for streams of text with names
   * in it. Other unpaired surrogates are replaced by a question mark. It reads as UTF-8 does.
   */
  public static final Charset CHARSET = new NameCharset();

  static final int ESCAPE = 0xDC00;
  private static final int FIRST_ESCAPED = 0x80;
  private static final int LAST_ESCAPED = 0xFF;

  private NameText() {}

  /** Whether a code point stands for a byte that is not UTF-8. */
  static boolean isEscape(int c) {
    return c >= ESCAPE + FIRST_ESCAPED && c <= ESCAPE + LAST_ESCAPED;
  }

  /**
   * The bytes of a text.
   *
   * @throws InvalidPathException for NUL, for an unpaired surrogate that stands for no byte, and
   *     where bytes given one by one would make a character together
   */
  public static byte[] encode(String text) {
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
      if (isEscape(c)) {
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
  public static String decode(byte[] bytes) {
    for (byte b : bytes) {
      if (b < 0) {
        return decodeAny(bytes);
      }
    }
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static CharsetDecoder strictDecoder() {
    return StandardCharsets.UTF_8
        .newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .onUnmappableCharacter(CodingErrorAction.REPORT);
  }

  private static String decodeAny(byte[] bytes) {
    CharsetDecoder decoder = strictDecoder();
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

  /** Whether all of it is UTF-8, so that its text has no escapes. */
  public static boolean isUtf8(byte[] bytes) {
    CharBuffer to = CharBuffer.allocate(bytes.length);
    return !strictDecoder().decode(ByteBuffer.wrap(bytes), to, true).isError();
  }
}
