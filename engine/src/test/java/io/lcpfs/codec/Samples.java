package io.lcpfs.codec;

import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;

/** Data of known character for tests of compression. */
final class Samples {
  private Samples() {}

  /** Text-like: a small vocabulary in random order; every algorithm at least halves it. */
  static byte[] text(int length, long seed) {
    String[] words = {
      "static ",
      "int ",
      "return ",
      "struct ",
      "if (",
      ") {\n",
      "0x",
      "->next",
      ";\n",
      "size_t ",
      "/* lock */",
      "unsigned long ",
      "#define ",
      "_FLAGS ",
      "NULL",
      " = "
    };
    SplittableRandom random = new SplittableRandom(seed);
    StringBuilder text = new StringBuilder();
    while (text.length() < length) {
      text.append(words[random.nextInt(words.length)]);
      if (random.nextInt(4) == 0) {
        text.append(random.nextInt(1000));
      }
    }
    return text.substring(0, length).getBytes(StandardCharsets.US_ASCII);
  }

  static byte[] random(int length, long seed) {
    byte[] bytes = new byte[length];
    new SplittableRandom(seed).nextBytes(bytes);
    return bytes;
  }

  /** Bytes of few values without repetition: LZ4 finds nothing, an entropy coder does. */
  static byte[] skewed(int length, long seed) {
    byte[] bytes = random(length, seed);
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) "0123456789abcdef".charAt(bytes[i] & 15);
    }
    return bytes;
  }
}
