package io.lcpfs.format;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/** UTF-8 that writes the escapes of {@link NameText} as the bytes that they stand for. */
final class NameCharset extends Charset {
  private static final int MOST_BYTES = 4;

  NameCharset() {
    super("X-LCPFS-Names", new String[0]);
  }

  @Override
  public boolean contains(Charset other) {
    return StandardCharsets.UTF_8.contains(other);
  }

  /**
   * That of UTF-8: whether bytes at the end of a buffer begin a character is not known before the
   * next ones, so what is not UTF-8 can be told only of whole names.
   */
  @Override
  public CharsetDecoder newDecoder() {
    return StandardCharsets.UTF_8.newDecoder();
  }

  @Override
  public CharsetEncoder newEncoder() {
    return new Encoder(this);
  }

  private static final class Encoder extends CharsetEncoder {
    Encoder(Charset charset) {
      super(charset, 1.1f, 3.0f);
    }

    @Override
    protected CoderResult encodeLoop(CharBuffer in, ByteBuffer out) {
      while (in.hasRemaining()) {
        char first = in.get(in.position());
        boolean pairs = Character.isHighSurrogate(first);
        if (pairs && in.remaining() == 1) {
          return CoderResult.UNDERFLOW;
        }
        char second = pairs ? in.get(in.position() + 1) : 0;
        boolean pair = pairs && Character.isLowSurrogate(second);
        if (Character.isSurrogate(first) && !pair && !NameText.isEscape(first)) {
          return CoderResult.malformedForLength(1);
        }
        if (out.remaining() < MOST_BYTES && out.remaining() < bytesOf(first, pair)) {
          return CoderResult.OVERFLOW;
        }
        in.position(in.position() + (pair ? 2 : 1));
        put(out, pair ? Character.toCodePoint(first, second) : first);
      }
      return CoderResult.UNDERFLOW;
    }

    private static int bytesOf(char first, boolean pair) {
      if (pair) {
        return 4;
      }
      return first < 0x80 || NameText.isEscape(first) ? 1 : first < 0x800 ? 2 : 3;
    }

    private static void put(ByteBuffer out, int c) {
      if (c < 0x80) {
        out.put((byte) c);
      } else if (NameText.isEscape(c)) {
        out.put((byte) (c - NameText.ESCAPE));
      } else if (c < 0x800) {
        out.put((byte) (0xC0 | (c >> 6))).put((byte) (0x80 | (c & 0x3F)));
      } else if (c < 0x10000) {
        out.put((byte) (0xE0 | (c >> 12)))
            .put((byte) (0x80 | ((c >> 6) & 0x3F)))
            .put((byte) (0x80 | (c & 0x3F)));
      } else {
        out.put((byte) (0xF0 | (c >> 18)))
            .put((byte) (0x80 | ((c >> 12) & 0x3F)))
            .put((byte) (0x80 | ((c >> 6) & 0x3F)))
            .put((byte) (0x80 | (c & 0x3F)));
      }
    }
  }
}
