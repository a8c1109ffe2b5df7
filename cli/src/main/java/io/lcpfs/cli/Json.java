package io.lcpfs.cli;

import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes JSON: maps become objects in their order, iterables arrays, numbers and booleans
 * themselves, null null, everything else its text. Indented by two blanks.
 */
final class Json {
  private final StringBuilder out = new StringBuilder();

  private Json() {}

  /** {@code value} as a JSON text without a final newline. */
  static String write(@Nullable Object value) {
    Json json = new Json();
    json.value(value, 0);
    return json.out.toString();
  }

  private void value(@Nullable Object value, int depth) {
    switch (value) {
      case null -> out.append("null");
      case Map<?, ?> map -> object(map, depth);
      case Iterable<?> items -> array(items, depth);
      case Boolean bool -> out.append(bool);
      case Double number when number.isNaN() || number.isInfinite() -> out.append("null");
      case Number number -> out.append(number);
      default -> string(value.toString());
    }
  }

  private void object(Map<?, ?> map, int depth) {
    out.append('{');
    String separator = "";
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      out.append(separator);
      newline(depth + 1);
      string(String.valueOf(entry.getKey()));
      out.append(": ");
      value(entry.getValue(), depth + 1);
      separator = ",";
    }
    if (!map.isEmpty()) {
      newline(depth);
    }
    out.append('}');
  }

  private void array(Iterable<?> items, int depth) {
    out.append('[');
    String separator = "";
    for (Object item : items) {
      out.append(separator);
      newline(depth + 1);
      value(item, depth + 1);
      separator = ",";
    }
    if (!separator.isEmpty()) {
      newline(depth);
    }
    out.append(']');
  }

  private void newline(int depth) {
    out.append('\n').repeat(' ', 2 * depth);
  }

  private void string(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < 0x20 || c == 0x7f || loneSurrogate(text, i)) {
            out.append("\\u").append(HEX.toHexDigits((short) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  private static final HexFormat HEX = HexFormat.of();

  private static boolean loneSurrogate(String text, int at) {
    char c = text.charAt(at);
    if (Character.isHighSurrogate(c)) {
      return at + 1 == text.length() || !Character.isLowSurrogate(text.charAt(at + 1));
    }
    return Character.isLowSurrogate(c)
        && (at == 0 || !Character.isHighSurrogate(text.charAt(at - 1)));
  }
}
