package io.lcpfs.posix;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * POSIX access control lists as text, in the long form of acl(5) with numbers for users and groups,
 * as {@code getfacl -n} prints it: one entry a line, {@code user::rw-}, {@code user:1000:r--},
 * {@code group::r--}, {@code mask::r--}, {@code other::---}.
 */
public final class AclText {
  private static final String SIGNS = "rwx";

  private AclText() {}

  /**
   * The text of the value of {@link PosixFileSystem#XATTR_ACCESS_LIST} or {@link
   * PosixFileSystem#XATTR_DEFAULT_LIST}; empty for a list without entries.
   *
   * @throws io.lcpfs.error.PoolException EINVAL for what is no list
   */
  public static String of(byte[] value) {
    PosixAcl list = PosixAcl.decode(value);
    if (list == null) {
      return "";
    }
    list.check();
    StringBuilder text = new StringBuilder();
    for (PosixAcl.Entry entry : list.entries()) {
      line(text, entry);
    }
    return text.toString();
  }

  /** The text of the list that says what the permission bits of {@code mode} do. */
  public static String ofMode(int mode) {
    StringBuilder text = new StringBuilder();
    line(text, new PosixAcl.Entry(PosixAcl.USER_OBJ, (mode >> 6) & PosixAcl.ALL, PosixAcl.NO_ID));
    line(text, new PosixAcl.Entry(PosixAcl.GROUP_OBJ, (mode >> 3) & PosixAcl.ALL, PosixAcl.NO_ID));
    line(text, new PosixAcl.Entry(PosixAcl.OTHER, mode & PosixAcl.ALL, PosixAcl.NO_ID));
    return text.toString();
  }

  private static void line(StringBuilder text, PosixAcl.Entry entry) {
    text.append(
        switch (entry.tag()) {
          case PosixAcl.USER_OBJ, PosixAcl.USER -> "user:";
          case PosixAcl.GROUP_OBJ, PosixAcl.GROUP -> "group:";
          case PosixAcl.MASK -> "mask:";
          default -> "other:";
        });
    if (entry.isNamed()) {
      text.append(Integer.toUnsignedString(entry.id()));
    }
    text.append(':');
    for (int i = 0; i < SIGNS.length(); i++) {
      text.append((entry.permissions() & (4 >> i)) != 0 ? SIGNS.charAt(i) : '-');
    }
    text.append('\n');
  }

  /**
   * The value of the extended attribute for a text: entries by line or by comma, in any order, tags
   * by their first letter too, comments behind '#'.
   *
   * @throws IllegalArgumentException naming the entry that is none
   */
  public static byte[] parse(String text) {
    List<PosixAcl.Entry> entries = new ArrayList<>();
    for (String line : text.split("[\n,]", -1)) {
      String entry = line.replaceFirst("#.*", "").strip();
      if (!entry.isEmpty()) {
        entries.add(entry(entry));
      }
    }
    entries.sort(
        Comparator.comparingInt(PosixAcl.Entry::tag)
            .thenComparingLong(entry -> Integer.toUnsignedLong(entry.id())));
    return PosixAcl.of(entries).encode();
  }

  private static PosixAcl.Entry entry(String text) {
    String[] fields = text.split(":", -1);
    if (fields.length != 3 || !fields[1].matches("[0-9]{0,10}")) {
      throw bad(text);
    }
    boolean named = !fields[1].isEmpty();
    int tag =
        switch (fields[0].toLowerCase(Locale.ROOT)) {
          case "user", "u" -> named ? PosixAcl.USER : PosixAcl.USER_OBJ;
          case "group", "g" -> named ? PosixAcl.GROUP : PosixAcl.GROUP_OBJ;
          case "mask", "m" -> PosixAcl.MASK;
          case "other", "o" -> PosixAcl.OTHER;
          default -> throw bad(text);
        };
    long id = named ? Long.parseLong(fields[1]) : Integer.toUnsignedLong(PosixAcl.NO_ID);
    boolean mayName = tag == PosixAcl.USER || tag == PosixAcl.GROUP;
    if (named && (!mayName || id >= Integer.toUnsignedLong(PosixAcl.NO_ID))) {
      throw bad(text);
    }
    return new PosixAcl.Entry(tag, permissions(fields[2], text), (int) id);
  }

  private static int permissions(String signs, String entry) {
    int bits = 0;
    for (int i = 0; i < signs.length(); i++) {
      int sign = SIGNS.indexOf(signs.charAt(i));
      if (sign < 0 && signs.charAt(i) != '-') {
        throw bad(entry);
      }
      bits |= sign < 0 ? 0 : 4 >> sign;
    }
    return bits;
  }

  private static IllegalArgumentException bad(String entry) {
    return new IllegalArgumentException(
        "'" + entry + "' is no entry of an access control list; write it as user:1000:rw-");
  }
}
