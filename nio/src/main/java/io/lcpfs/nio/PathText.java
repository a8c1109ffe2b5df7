package io.lcpfs.nio;

import io.lcpfs.format.NameText;
import java.nio.file.InvalidPathException;
import java.util.Arrays;

/** Paths as text and as bytes; see {@link NameText}. */
final class PathText {
  private PathText() {}

  /**
   * The bytes of a text.
   *
   * @throws InvalidPathException for what stands for no bytes, and for NUL
   */
  static byte[] encode(String text) {
    return NameText.encode(text);
  }

  /** The text of any bytes. */
  static String decode(byte[] bytes) {
    return NameText.decode(bytes);
  }

  /** One slash where there were several, and none at the end but in "/". */
  static byte[] normalize(byte[] path) {
    int length = path.length;
    boolean clean = length < 2 || path[length - 1] != '/';
    for (int i = 1; clean && i < length; i++) {
      clean = path[i] != '/' || path[i - 1] != '/';
    }
    if (clean) {
      return path;
    }
    byte[] kept = new byte[length];
    int count = 0;
    for (int i = 0; i < length; i++) {
      if (path[i] != '/' || i == 0 || path[i - 1] != '/') {
        kept[count++] = path[i];
      }
    }
    if (count > 1 && kept[count - 1] == '/') {
      count--;
    }
    return Arrays.copyOf(kept, count);
  }
}
