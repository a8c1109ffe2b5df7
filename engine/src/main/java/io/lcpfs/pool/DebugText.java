package io.lcpfs.pool;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;

/** Lines of text up to a number of them; whoever writes more is stopped by {@link Full}. */
final class DebugText {
  private static final int BYTES_PER_LINE = 16;

  /** A line of hostile bytes is not printed beyond this. */
  private static final int MAX_LINE_CHARS = 4000;

  private final StringBuilder text = new StringBuilder();
  private final int limit;
  private int lines;
  private String indent = "";

  /** There are enough lines. */
  static final class Full extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Full() {
      super("enough lines", null, false, false);
    }
  }

  DebugText(int limit) {
    this.limit = limit;
  }

  /** Adds a line. */
  void line(String line) {
    if (lines == limit) {
      throw new Full();
    }
    lines++;
    text.append(indent).append(line, 0, Math.min(line.length(), MAX_LINE_CHARS)).append('\n');
  }

  /** Adds lines that are set in by two blanks. */
  void inside(Runnable body) {
    String before = indent;
    indent = before + "  ";
    try {
      body.run();
    } finally {
      indent = before;
    }
  }

  /** Adds a dump in hexadecimal; lines like the one before are left out and counted. */
  void hex(MemorySegment bytes) {
    long same = 0;
    for (long at = 0; at < bytes.byteSize(); at += BYTES_PER_LINE) {
      long n = Math.min(BYTES_PER_LINE, bytes.byteSize() - at);
      boolean last = at + n == bytes.byteSize();
      if (at > 0
          && !last
          && MemorySegment.mismatch(
                  bytes, at, at + n, bytes, at - BYTES_PER_LINE, at - BYTES_PER_LINE + n)
              < 0) {
        same++;
        continue;
      }
      if (same > 0) {
        line("* " + same + (same == 1 ? " line" : " lines") + " the same");
        same = 0;
      }
      line(hexLine(at, bytes.asSlice(at, n)));
    }
  }

  private static String hexLine(long at, MemorySegment bytes) {
    byte[] all = bytes.toArray(ValueLayout.JAVA_BYTE);
    StringBuilder line = new StringBuilder(HexFormat.of().toHexDigits(at, 8)).append(' ');
    for (int i = 0; i < BYTES_PER_LINE; i++) {
      line.append(i % 8 == 0 ? " " : "")
          .append(i < all.length ? HexFormat.of().toHexDigits(all[i]) : "  ")
          .append(' ');
    }
    line.append(" |");
    for (byte b : all) {
      line.append(b >= ' ' && b < 0x7f ? (char) b : '.');
    }
    return line.append('|').toString();
  }

  /** All lines; after {@link Full}, with a last one that says so. */
  String finish(boolean cut) {
    if (cut) {
      text.append("... stopped after ").append(limit).append(" lines; limit=LINES gives more\n");
    }
    return text.toString();
  }
}
