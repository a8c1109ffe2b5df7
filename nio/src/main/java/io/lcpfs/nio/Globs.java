package io.lcpfs.nio;

import java.util.regex.PatternSyntaxException;

/** Globs, as {@link java.nio.file.FileSystem#getPathMatcher} describes them, to regular ones. */
final class Globs {
  private final String glob;
  private final StringBuilder regex = new StringBuilder();
  private int at;

  private Globs(String glob) {
    this.glob = glob;
  }

  /**
   * @throws PatternSyntaxException when the glob is malformed
   */
  static String toRegex(String glob) {
    return new Globs(glob).translate();
  }

  private String translate() {
    boolean inGroup = false;
    while (at < glob.length()) {
      char c = glob.charAt(at++);
      switch (c) {
        case '\\' -> {
          if (at == glob.length()) {
            throw new PatternSyntaxException("nothing to escape", glob, at - 1);
          }
          literal(glob.charAt(at++));
        }
        case '[' -> bracket();
        case '{' -> {
          if (inGroup) {
            throw new PatternSyntaxException("groups cannot be nested", glob, at - 1);
          }
          regex.append("(?:(?:");
          inGroup = true;
        }
        case '}' -> {
          regex.append(inGroup ? "))" : "\\}");
          inGroup = false;
        }
        case ',' -> regex.append(inGroup ? ")|(?:" : ",");
        case '*' -> {
          if (at < glob.length() && glob.charAt(at) == '*') {
            at++;
            regex.append(".*");
          } else {
            regex.append("[^/]*");
          }
        }
        case '?' -> regex.append("[^/]");
        default -> literal(c);
      }
    }
    if (inGroup) {
      throw new PatternSyntaxException("missing '}'", glob, at);
    }
    return regex.toString();
  }

  private void literal(char c) {
    if ("\\^$.|?*+()[]{}".indexOf(c) >= 0) {
      regex.append('\\');
    }
    regex.append(c);
  }

  /** What follows a '[': everything but ranges stands for itself, and '/' never matches. */
  private void bracket() {
    int begin = at - 1;
    regex.append("[[^/]&&[");
    if (at < glob.length() && glob.charAt(at) == '!') {
      regex.append('^');
      at++;
    }
    int last = -1;
    boolean first = true;
    while (at < glob.length() && (first || glob.charAt(at) != ']')) {
      char c = glob.charAt(at++);
      if (c == '/') {
        throw new PatternSyntaxException("'/' in a bracket", glob, at - 1);
      }
      boolean range = c == '-' && !first && at < glob.length() && glob.charAt(at) != ']';
      if (range && last >= 0) {
        char end = glob.charAt(at++);
        if (end < last) {
          throw new PatternSyntaxException("range ends before it begins", glob, at - 1);
        }
        regex.append('-');
        member(end);
        last = -1;
      } else {
        member(c);
        last = c;
      }
      first = false;
    }
    if (at == glob.length()) {
      throw new PatternSyntaxException("missing ']'", glob, begin);
    }
    at++;
    regex.append("]]");
  }

  private void member(char c) {
    if ("\\[]^&-".indexOf(c) >= 0) {
      regex.append('\\');
    }
    regex.append(c);
  }
}
