package io.lcpfs.cli.owner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.cli.tree.HostDirectory;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OwnerSocketTest {
  /** A user known by name alone. */
  private record User(String name) implements UserPrincipal {
    @Override
    public String getName() {
      return name;
    }
  }

  private static Map<String, String> runtime(Path directory) {
    return Map.of("XDG_RUNTIME_DIR", directory.toString());
  }

  @Test
  void onlyTheOwnerAndRootAreAdmitted(@TempDir Path dir) throws IOException {
    UserPrincipal alice = new User("alice");
    assertThat(OwnerSocket.allows(alice, new User("alice"))).isTrue();
    assertThat(OwnerSocket.allows(alice, new User("root"))).isTrue();
    assertThat(OwnerSocket.allows(alice, new User("0"))).isTrue();
    assertThat(OwnerSocket.allows(alice, new User("bob"))).isFalse();
    assertThat(OwnerSocket.allows(alice, new User("1000"))).isFalse();
    assertThat(OwnerSocket.allows(Files.getOwner(dir), Files.getOwner(dir))).isTrue();
    assertThat(OwnerSocket.allows(new User("root"), alice)).isFalse();
  }

  @Test
  void everySocketIsInADirectoryOfTheUserAlone(@TempDir Path dir) throws IOException {
    Path socket = OwnerSocket.toServe(runtime(dir), 0xabcL);
    assertThat(socket).isEqualTo(dir.resolve("lcpfs/abc.sock"));
    assertThat(Files.getPosixFilePermissions(dir.resolve("lcpfs")))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    assertThat(OwnerSocket.existing(runtime(dir), 0xabcL)).isEmpty();
    Files.createFile(socket);
    assertThat(OwnerSocket.existing(runtime(dir), 0xabcL)).contains(socket);
    assertThat(OwnerSocket.existing(runtime(dir), 0xabdL)).isEmpty();
  }

  @Test
  void everyDirectoryThatOthersMayEnterOrThatIsALinkIsRefused(@TempDir Path dir)
      throws IOException {
    Path open = Files.createDirectories(dir.resolve("open/lcpfs"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxr-x---"));
    Files.createFile(open.resolve("1.sock"));
    assertThatThrownBy(() -> OwnerSocket.toServe(runtime(dir.resolve("open")), 1))
        .isInstanceOf(PoolException.class)
        .hasMessageContaining("0700");
    assertThatThrownBy(() -> OwnerSocket.existing(runtime(dir.resolve("open")), 1))
        .isInstanceOf(PoolException.class);
    Path linked = Files.createDirectory(dir.resolve("linked"));
    Path real = OwnerSocket.toServe(runtime(linked), 1).getParent();
    Path other = Files.createDirectory(dir.resolve("other"));
    Files.createSymbolicLink(other.resolve("lcpfs"), real);
    assertThatThrownBy(() -> OwnerSocket.toServe(runtime(other), 1))
        .isInstanceOf(PoolException.class);
    assertThatThrownBy(
            () ->
                OwnerSocket.toServe(runtime(Files.createDirectory(dir.resolve("x".repeat(99)))), 1))
        .isInstanceOf(PoolException.class)
        .hasMessageContaining("XDG_RUNTIME_DIR");
  }

  @Test
  void everyUserHasAPlaceWithoutARuntimeDirectoryToo(@TempDir Path dir) throws IOException {
    String uid = Integer.toUnsignedString(HostDirectory.euid());
    Path run = dir.resolve("run");
    Path temporary = dir.resolve("tmp");
    assertThat(OwnerSocket.directory(Map.of(), run, temporary))
        .isEqualTo(temporary.resolve("lcpfs-" + uid));
    assertThat(OwnerSocket.directory(Map.of("XDG_RUNTIME_DIR", "relative"), run, temporary))
        .isEqualTo(temporary.resolve("lcpfs-" + uid));
    Files.createDirectories(run.resolve("user").resolve(uid));
    assertThat(OwnerSocket.directory(Map.of(), run, temporary))
        .isEqualTo(run.resolve("user").resolve(uid).resolve("lcpfs"));
    assertThat(OwnerSocket.directory(Map.of("XDG_RUNTIME_DIR", "/x"), run, temporary))
        .isEqualTo(Path.of("/x/lcpfs"));
  }
}
