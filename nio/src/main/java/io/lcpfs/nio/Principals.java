package io.lcpfs.nio;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Users and groups are numbers; their names are those of the host's /etc/passwd and /etc/group,
 * looked up when a name is asked for. A number is a name too, of itself.
 */
final class Principals {
  static final UserPrincipalLookupService LOOKUP = new Lookup();

  private static final Path USERS = Path.of("/etc/passwd");
  private static final Path GROUPS = Path.of("/etc/group");

  private Principals() {}

  static UserPrincipal user(int id) {
    return new User(id);
  }

  static GroupPrincipal group(int id) {
    return new Group(id);
  }

  /**
   * @throws ProviderMismatchException for a principal of another file system
   */
  static int userId(UserPrincipal user) {
    if (user instanceof User own) {
      return own.id;
    }
    throw foreign(user);
  }

  static int groupId(GroupPrincipal group) {
    if (group instanceof Group own) {
      return own.id;
    }
    throw foreign(group);
  }

  private static RuntimeException foreign(@Nullable UserPrincipal principal) {
    Objects.requireNonNull(principal);
    return new ProviderMismatchException();
  }

  private record User(int id) implements UserPrincipal {
    @Override
    public String getName() {
      return nameOf(USERS, id);
    }

    @Override
    public String toString() {
      return getName();
    }
  }

  private record Group(int id) implements GroupPrincipal {
    @Override
    public String getName() {
      return nameOf(GROUPS, id);
    }

    @Override
    public String toString() {
      return getName();
    }
  }

  private static final class Lookup extends UserPrincipalLookupService {
    @Override
    public UserPrincipal lookupPrincipalByName(String name) throws IOException {
      return new User(idOf(USERS, name));
    }

    @Override
    public GroupPrincipal lookupPrincipalByGroupName(String group) throws IOException {
      return new Group(idOf(GROUPS, group));
    }
  }

  private static String nameOf(Path table, int id) {
    String number = Integer.toUnsignedString(id);
    try {
      for (String line : lines(table)) {
        String[] fields = line.split(":", -1);
        if (fields.length > 2 && fields[2].equals(number)) {
          return fields[0];
        }
      }
    } catch (IOException e) {
      // A host without such a table has no names: the number serves.
      return number;
    }
    return number;
  }

  private static int idOf(Path table, String name) throws IOException {
    for (String line : Files.exists(table) ? lines(table) : List.<String>of()) {
      String[] fields = line.split(":", -1);
      if (fields.length > 2 && fields[0].equals(name)) {
        return Integer.parseUnsignedInt(fields[2]);
      }
    }
    try {
      return Integer.parseUnsignedInt(name);
    } catch (NumberFormatException e) {
      UserPrincipalNotFoundException unknown = new UserPrincipalNotFoundException(name);
      unknown.initCause(e);
      throw unknown;
    }
  }

  private static Iterable<String> lines(Path table) throws IOException {
    // Bytes beyond ASCII occur in comments only.
    return Files.readAllLines(table, StandardCharsets.ISO_8859_1);
  }
}
