package io.lcpfs.cli;

import io.lcpfs.object.ObjectAccounts.Owner;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Names of users and groups, as this host's /etc/passwd and /etc/group have them, for the numbers
 * that a pool keeps. Projects have numbers only, and so has who is not in these files.
 */
final class OwnerNames {
  private static final Path USERS = Path.of("/etc/passwd");
  private static final Path GROUPS = Path.of("/etc/group");

  private OwnerNames() {}

  /** Numbers by name, in the order of the file; nothing where it cannot be read. */
  private static Map<String, String> numbers(Path file) {
    Map<String, String> found = new LinkedHashMap<>();
    List<String> lines = new ArrayList<>();
    try {
      lines.addAll(Files.readAllLines(file, StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      return found; // a host without the file knows no names: numbers are shown
    }
    for (String line : lines) {
      String[] fields = line.split(":", -1);
      if (fields.length > 2 && !fields[0].isEmpty() && fields[2].matches("[0-9]{1,10}")) {
        found.putIfAbsent(fields[0], fields[2]);
      }
    }
    return found;
  }

  private static Map<String, String> numbers(Owner owner) {
    return switch (owner) {
      case USER -> numbers(USERS);
      case GROUP -> numbers(GROUPS);
      case PROJECT -> Map.of();
    };
  }

  /** The first name of each number. */
  static Map<String, String> byNumber(Owner owner) {
    Map<String, String> names = new LinkedHashMap<>();
    numbers(owner).forEach((name, number) -> names.putIfAbsent(number, name));
    return names;
  }

  /** A property as it is kept: {@code userquota@alice} with alice's number. Others stay. */
  static String property(String name) {
    int at = name.indexOf('@');
    if (at < 0 || !name.substring(0, at).matches("(user|group|project)(obj)?(quota|used)")) {
      return name;
    }
    String owner = name.substring(at + 1);
    if (owner.matches("[0-9]+")) {
      return name;
    }
    Owner kind =
        name.startsWith("user")
            ? Owner.USER
            : name.startsWith("group") ? Owner.GROUP : Owner.PROJECT;
    String number = numbers(kind).get(owner);
    if (number == null) {
      throw Failure.usage(
          owner,
          "is the name of no " + kind.name().toLowerCase(java.util.Locale.ROOT) + " here",
          "give the number instead");
    }
    return name.substring(0, at + 1) + number;
  }
}
