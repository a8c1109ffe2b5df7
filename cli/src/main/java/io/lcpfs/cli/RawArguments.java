package io.lcpfs.cli;

import io.lcpfs.format.NameText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The words of the command line as the system passed them. The JVM decodes them by the locale's
 * character set and loses what that does not have, but names are bytes.
 */
final class RawArguments {
  private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");

  private RawArguments() {}

  /** The same words without loss; as they are where the system does not tell. */
  static String[] of(String[] decoded) {
    try {
      return of(decoded, Files.readAllBytes(COMMAND_LINE));
    } catch (IOException e) {
      return decoded; // no /proc, as in some containers: what the JVM made of them has to do
    }
  }

  /**
   * @param commandLine all words of the process, each with a NUL behind it; those of the program
   *     are the last
   */
  static String[] of(String[] decoded, byte[] commandLine) {
    List<String> words = new ArrayList<>();
    int start = 0;
    for (int at = 0; at < commandLine.length; at++) {
      if (commandLine[at] == 0) {
        words.add(NameText.decode(Arrays.copyOfRange(commandLine, start, at)));
        start = at + 1;
      }
    }
    if (words.size() < decoded.length) {
      return decoded;
    }
    List<String> last = words.subList(words.size() - decoded.length, words.size());
    for (int i = 0; i < decoded.length; i++) {
      if (!agree(decoded[i], last.get(i))) {
        return decoded;
      }
    }
    return last.toArray(String[]::new);
  }

  /** ASCII is the same in every locale; other words differ where the JVM lost something. */
  private static boolean agree(String decoded, String raw) {
    return decoded.equals(raw) || raw.chars().anyMatch(c -> c >= 0x80);
  }
}
