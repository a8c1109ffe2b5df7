package io.lcpfs.cli;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/** Words of the form {@code property=value}. */
final class Assignments {
  private Assignments() {}

  /** Splits {@code text} at its first '='. */
  static Map.Entry<String, String> parse(String text) {
    int equals = text.indexOf('=');
    if (equals <= 0) {
      throw Failure.usage(text, "sets no property", "write it as property=value");
    }
    return Map.entry(text.substring(0, equals), text.substring(equals + 1));
  }

  /** All of them, in order; a property may be set once. */
  static Map<String, String> parseAll(Collection<String> texts) {
    Map<String, String> values = new LinkedHashMap<>();
    for (String text : texts) {
      Map.Entry<String, String> one = parse(text);
      if (values.put(one.getKey(), one.getValue()) != null) {
        throw Failure.usage(one.getKey(), "is set twice", "set it once");
      }
    }
    return values;
  }
}
