package io.lcpfs.cli.owner;

import io.lcpfs.cli.tree.HostDirectory;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Where the sockets of owners are, and who may use them. */
public final class OwnerSocket {
  /** What fits sun_path of sockaddr_un beside its NUL. */
  private static final int MOST_PATH_BYTES = 107;

  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rwx------");

  private OwnerSocket() {}

  /** The directory of the user's sockets, whether it exists or not. */
  static Path directory(Map<String, String> environment, Path run, Path temporary) {
    String given = environment.getOrDefault("XDG_RUNTIME_DIR", "");
    if (given.startsWith("/")) {
      return Path.of(given, "lcpfs");
    }
    int uid = HostDirectory.euid();
    Path own = run.resolve("user").resolve(Integer.toUnsignedString(uid));
    return Files.isDirectory(own)
        ? own.resolve("lcpfs")
        : temporary.resolve("lcpfs-" + Integer.toUnsignedString(uid));
  }

  private static Path directory(Map<String, String> environment) {
    return directory(environment, Path.of("/run"), Path.of("/tmp"));
  }

  /**
   * The socket of a pool's owner, in a directory that is made when it is missing.
   *
   * @throws PoolException EACCES when the directory is another's, or others may enter it
   */
  static Path toServe(Map<String, String> environment, long guid) throws IOException {
    Path directory = directory(environment);
    if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    }
    checkDirectory(directory);
    Path socket = socket(directory, guid);
    if (socket.toString().getBytes(StandardCharsets.UTF_8).length > MOST_PATH_BYTES) {
      throw PoolException.refused(
          Errno.ENAMETOOLONG, socket + " is too long for a socket; set XDG_RUNTIME_DIR");
    }
    return socket;
  }

  /** The socket of a pool's owner if there is one. */
  static Optional<Path> existing(Map<String, String> environment, long guid) throws IOException {
    Path directory = directory(environment);
    Path socket = socket(directory, guid);
    if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    checkDirectory(directory);
    return Optional.of(socket);
  }

  private static Path socket(Path directory, long guid) {
    return directory.resolve(Long.toHexString(guid) + ".sock");
  }

  /** A directory that another could enter, or replace by a link, may hold anybody's socket. */
  static void checkDirectory(Path directory) throws IOException {
    PosixFileAttributes attributes =
        Files.readAttributes(directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    int owner = (int) Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS);
    if (!attributes.isDirectory()
        || owner != HostDirectory.euid()
        || !attributes.permissions().equals(OWNER_ONLY)) {
      throw PoolException.refused(
          Errno.EACCES,
          directory + " is not a directory of mode 0700 of this user; remove it and try again");
    }
  }

  /** Whether a process of {@code user} may use a pool that {@code owner} has open. */
  static boolean allows(UserPrincipal owner, UserPrincipal user) {
    return user.equals(owner) || user.getName().equals("root") || user.getName().equals("0");
  }
}
