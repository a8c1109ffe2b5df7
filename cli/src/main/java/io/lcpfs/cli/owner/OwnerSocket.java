package io.lcpfs.cli.owner;

import io.lcpfs.cli.tree.HostDirectory;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Where the sockets of owners are, and who may use them. */
public final class OwnerSocket {
  /** What fits sun_path of sockaddr_un beside its NUL. */
  private static final int MOST_PATH_BYTES = 107;

  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rwx------");

  private static final int ROOT = 0;
  private static final int STICKY = 01000;
  private static final int OTHERS_WRITE = 0002;

  private OwnerSocket() {}

  /**
   * Where a user's sockets may be.
   *
   * @param environment where XDG_RUNTIME_DIR may name a place of the session, and LCPFS_HOME or
   *     HOME a last resort that nobody else can take
   * @param run the host's directory of what lives until it restarts
   * @param temporary a directory for everybody
   * @param uid the user
   */
  record Places(Map<String, String> environment, Path run, Path temporary, int uid) {
    /** Those of this process and this host. */
    static Places here(Map<String, String> environment) {
      return new Places(environment, Path.of("/run"), Path.of("/tmp"), HostDirectory.euid());
    }

    /**
     * The directories, whether they exist or not, the one to be preferred first. All processes of a
     * user look into the same ones but for the first, whatever session they are in.
     */
    List<Path> directories() {
      String number = Integer.toUnsignedString(uid);
      Path session = run.resolve("user").resolve(number);
      String given = environment.getOrDefault("XDG_RUNTIME_DIR", "");
      Set<Path> found = new LinkedHashSet<>();
      // Root's session directory goes with its last login, its mounts do not.
      boolean lasts = uid != ROOT || !Path.of(given).normalize().equals(session);
      if (given.startsWith("/") && lasts) {
        found.add(Path.of(given, "lcpfs"));
      }
      if (uid == ROOT) {
        found.add(run.resolve("lcpfs"));
      }
      found.add(session.resolve("lcpfs"));
      found.add(temporary.resolve("lcpfs-" + number));
      found.add(Home.of(environment).resolve("sockets"));
      return List.copyOf(found);
    }
  }

  /**
   * The socket for a pool's owner, in the first directory that can be trusted; that is made when it
   * is missing and its parent is there.
   *
   * @throws PoolException EACCES when there is none
   */
  static Path toServe(Map<String, String> environment, long guid) throws IOException {
    return toServe(Places.here(environment), guid);
  }

  static Path toServe(Places places, long guid) throws IOException {
    List<String> refused = new ArrayList<>();
    for (Path directory : places.directories()) {
      Path socket = socket(directory, guid);
      if (socket.toString().getBytes(StandardCharsets.UTF_8).length > MOST_PATH_BYTES) {
        refused.add(directory + " is too long for a socket");
      } else if (!made(directory)) {
        refused.add(directory + " cannot be made");
      } else if (!trusted(directory, places.uid)) {
        refused.add(directory + " is not a directory of mode 0700 of this user");
      } else {
        return socket;
      }
    }
    throw PoolException.refused(
        Errno.EACCES,
        "no place for a socket: "
            + String.join(", ", refused)
            + "; set XDG_RUNTIME_DIR to a short directory of this user");
  }

  /** Whether a directory is there, now at the latest. */
  private static boolean made(Path directory) {
    if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return true;
    }
    try {
      Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
      return true;
    } catch (FileAlreadyExistsException e) {
      return true; // by another mount, a moment ago
    } catch (IOException e) {
      return false; // no parent, or not ours to write: the next place, or the caller, tells
    }
  }

  /** The sockets that a pool's owner may listen on, in directories that can be trusted. */
  static List<Path> existing(Map<String, String> environment, long guid) throws IOException {
    return existing(Places.here(environment), guid);
  }

  static List<Path> existing(Places places, long guid) throws IOException {
    List<Path> found = new ArrayList<>();
    for (Path directory : places.directories()) {
      Path socket = socket(directory, guid);
      if (Files.exists(socket, LinkOption.NOFOLLOW_LINKS) && trusted(directory, places.uid)) {
        found.add(socket);
      }
    }
    return found;
  }

  private static Path socket(Path directory, long guid) {
    return directory.resolve(Long.toHexString(guid) + ".sock");
  }

  /**
   * Whether what is in a directory is the user's own. One that another could enter, or replace by a
   * link or by one of theirs, may hold anybody's socket.
   */
  private static boolean trusted(Path directory, int uid) throws IOException {
    PosixFileAttributes attributes;
    try {
      attributes =
          Files.readAttributes(directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      return false;
    }
    if (!attributes.isDirectory()
        || owner(directory) != uid
        || !attributes.permissions().equals(OWNER_ONLY)) {
      return false;
    }
    Path parent = directory.toRealPath().getParent();
    if (parent == null) {
      return false;
    }
    int above = owner(parent);
    int mode = (int) Files.getAttribute(parent, "unix:mode");
    return (above == uid || above == ROOT) && ((mode & OTHERS_WRITE) == 0 || (mode & STICKY) != 0);
  }

  private static int owner(Path path) throws IOException {
    return (int) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
  }

  /** Whether a process of {@code user} may use a pool that {@code owner} has open. */
  static boolean allows(UserPrincipal owner, UserPrincipal user) {
    return user.equals(owner) || user.getName().equals("root") || user.getName().equals("0");
  }
}
