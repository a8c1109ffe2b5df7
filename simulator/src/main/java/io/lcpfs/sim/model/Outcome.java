package io.lcpfs.sim.model;

import io.lcpfs.error.Errno;
import io.lcpfs.sim.world.Digest;
import java.util.Arrays;
import java.util.List;

/** What a call answered. */
public sealed interface Outcome {

  /** It worked and says nothing more. */
  record Done() implements Outcome {}

  /** A count of bytes. */
  record Count(long bytes) implements Outcome {}

  /** Content. */
  record Data(byte[] bytes) implements Outcome {
    @Override
    public boolean equals(Object other) {
      return other instanceof Data data && Arrays.equals(bytes, data.bytes);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
      return bytes.length + " bytes, hash " + Long.toHexString(Digest.of(bytes));
    }
  }

  /** The target of a symbolic link. */
  record Text(String text) implements Outcome {}

  /** Names, in the order of String.compareTo. */
  record Names(List<String> names) implements Outcome {}

  /** What lstat says. */
  record Status(Attributes attributes) implements Outcome {}

  /** It did not work. */
  record Failed(Errno errno) implements Outcome {}

  static Outcome done() {
    return new Done();
  }

  static Outcome failed(Errno errno) {
    return new Failed(errno);
  }

  /** Whether {@code actual} is what was to be expected. */
  default boolean agrees(Outcome actual) {
    if (this instanceof Status(Attributes mine) && actual instanceof Status(Attributes other)) {
      return mine.agrees(other);
    }
    return equals(actual);
  }

  default boolean isFailure(Errno errno) {
    return this instanceof Failed(Errno mine) && mine == errno;
  }

  /** The same in every JVM; a time that the clock decided is part of it. */
  default long hash() {
    return switch (this) {
      case Done d -> 1;
      case Count(long bytes) -> 2 + 31 * bytes;
      case Data(byte[] bytes) -> Digest.of(bytes);
      case Text(String text) -> Digest.of(text);
      case Names(List<String> names) -> {
        Digest digest = new Digest();
        names.forEach(digest::add);
        yield digest.value();
      }
      case Status(Attributes a) -> a.hash() + a.mtimeNanos() * 7;
      case Failed(Errno errno) -> -errno.value();
    };
  }

  /** Where two answers differ, for a person. */
  static String difference(Outcome expected, Outcome actual) {
    if (expected instanceof Data(byte[] want) && actual instanceof Data(byte[] got)) {
      int at = Arrays.mismatch(want, got);
      return "expected "
          + want.length
          + " bytes, got "
          + got.length
          + ", first difference at byte "
          + at
          + (at >= 0 && at < Math.min(want.length, got.length)
              ? " (expected " + want[at] + ", got " + got[at] + ")"
              : "");
    }
    return "expected " + expected + ", got " + actual;
  }
}
