package io.lcpfs.checkup;

import io.lcpfs.error.Check;

/**
 * One line of the list.
 *
 * @param subject what was looked at, in one or two words
 * @param verdict how it is
 * @param finding what was found
 * @param remedy what to do; empty when it is ok
 */
public record CheckedItem(String subject, Verdict verdict, String finding, String remedy) {

  /** How something is. */
  public enum Verdict {
    OK,
    /** It works, but slower, with less, or with less protection. */
    WARNING,
    /** A pool cannot be carried so. */
    BROKEN
  }

  public CheckedItem {
    Check.that(remedy.isEmpty() == (verdict == Verdict.OK), "a remedy for " + subject);
  }

  static CheckedItem ok(String subject, String finding) {
    return new CheckedItem(subject, Verdict.OK, finding, "");
  }

  static CheckedItem warning(String subject, String finding, String remedy) {
    return new CheckedItem(subject, Verdict.WARNING, finding, remedy);
  }

  static CheckedItem broken(String subject, String finding, String remedy) {
    return new CheckedItem(subject, Verdict.BROKEN, finding, remedy);
  }
}
