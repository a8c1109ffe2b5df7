package io.lcpfs.bench.side;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;

/** Small text files like source code, the same each time, for machines that have none. */
final class MadeFiles {
  private static final long SEED = 20_261_102;
  private static final int FILES_IN_DIRECTORY = 100;
  private static final double SMALLEST_BYTES = 200;
  private static final double LARGEST_BYTES = 32 << 10;
  private static final int IDENTIFIERS = 2000;
  private static final String[] WORDS = {
    "int",
    "return",
    "if",
    "else",
    "for",
    "static",
    "const",
    "struct",
    "void",
    "while",
    "char",
    "unsigned",
    "=",
    "(",
    ")",
    "{",
    "}",
    ";",
    "+",
    "->"
  };

  private MadeFiles() {}

  /**
   * Writes them into an empty directory.
   *
   * @param entries how many files and directories below it
   * @return bytes in the files
   */
  static long write(Path directory, int entries) throws IOException {
    SplittableRandom random = new SplittableRandom(SEED);
    Path inner = directory;
    long bytes = 0;
    for (int i = 0; i < entries; i++) {
      if (i % (FILES_IN_DIRECTORY + 1) == 0) {
        inner = directory.resolve(String.format(Locale.ROOT, "part%04d", i));
        Files.createDirectory(inner);
        continue;
      }
      // Sizes spread evenly over their logarithm: half of the files are below 2.5 KiB.
      double size = SMALLEST_BYTES * Math.pow(LARGEST_BYTES / SMALLEST_BYTES, random.nextDouble());
      byte[] text = text(random, (int) size).getBytes(StandardCharsets.US_ASCII);
      Files.write(inner.resolve(String.format(Locale.ROOT, "source%05d.c", i)), text);
      bytes += text.length;
    }
    return bytes;
  }

  private static String text(SplittableRandom random, int length) {
    StringBuilder text = new StringBuilder(length + 32);
    while (text.length() < length) {
      // Few words make most of a text: the square of an even spread favours the low numbers.
      double spread = random.nextDouble();
      text.append(
          random.nextBoolean()
              ? WORDS[random.nextInt(WORDS.length)]
              : "name_" + (int) (spread * spread * IDENTIFIERS));
      text.append(random.nextInt(10) == 0 ? "\n  " : " ");
    }
    return text.substring(0, length);
  }
}
