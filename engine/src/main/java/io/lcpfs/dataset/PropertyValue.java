package io.lcpfs.dataset;

import java.util.Locale;

/**
 * A property's effective value.
 *
 * @param value in exact form: sizes in bytes, times in seconds since 1970
 * @param source where it comes from
 * @param from full name of the ancestor for INHERITED, otherwise ""
 */
public record PropertyValue(String value, PropertySource source, String from) {

  public static PropertyValue of(String value, PropertySource source) {
    return new PropertyValue(value, source, "");
  }

  /** As the command prints it: local, received, default, "-" or "inherited from pool/a". */
  public String sourceText() {
    return switch (source) {
      case LOCAL, RECEIVED, DEFAULT -> source.name().toLowerCase(Locale.ROOT);
      case INHERITED -> "inherited from " + from;
      case NONE -> "-";
    };
  }
}
