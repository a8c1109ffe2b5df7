package io.lcpfs.cli.owner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lcpfs.cli.tree.HostDirectory;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

  /** Places of this user in a host that is all below {@code dir}. */
  private static OwnerSocket.Places places(Path dir, String runtime) throws IOException {
    Map<String, String> environment =
        runtime.isEmpty()
            ? Map.of("LCPFS_HOME", dir.resolve("home").toString())
            : Map.of("LCPFS_HOME", dir.resolve("home").toString(), "XDG_RUNTIME_DIR", runtime);
    Files.createDirectories(dir.resolve("run"));
    Files.createDirectories(dir.resolve("tmp"));
    Files.createDirectories(dir.resolve("home"));
    return new OwnerSocket.Places(
        environment, dir.resolve("run"), dir.resolve("tmp"), HostDirectory.euid());
  }

  @Test
  void everySocketIsInADirectoryOfTheUserAlone(@TempDir Path dir) throws IOException {
    Path socket = OwnerSocket.toServe(runtime(dir), 0xabcL);
    assertThat(socket).isEqualTo(dir.resolve("lcpfs/abc.sock"));
    assertThat(Files.getPosixFilePermissions(dir.resolve("lcpfs")))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    assertThat(OwnerSocket.existing(runtime(dir), 0xabcL)).isEmpty();
    Files.createFile(socket);
    assertThat(OwnerSocket.existing(runtime(dir), 0xabcL)).containsExactly(socket);
    assertThat(OwnerSocket.existing(runtime(dir), 0xabdL)).isEmpty();
  }

  @Test
  void everyDirectoryThatOthersMayEnterOrThatIsALinkIsPassedOver(@TempDir Path dir)
      throws IOException {
    OwnerSocket.Places places = places(dir, dir.resolve("runtime").toString());
    Path open = Files.createDirectories(dir.resolve("runtime/lcpfs"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxr-x---"));
    Files.createFile(open.resolve("1.sock"));
    Path socket = OwnerSocket.toServe(places, 1);
    assertThat(socket).isNotEqualTo(open.resolve("1.sock"));
    assertThat(OwnerSocket.existing(places, 1)).isEmpty();
    Files.createFile(socket);
    assertThat(OwnerSocket.existing(places, 1)).containsExactly(socket);

    Files.delete(open.resolve("1.sock"));
    Files.delete(open);
    Files.createSymbolicLink(open, socket.getParent());
    assertThat(OwnerSocket.toServe(places, 1)).isEqualTo(socket);
    assertThat(OwnerSocket.existing(places, 1)).containsExactly(socket);

    // One that others may replace, since they may write where it is.
    Files.delete(open);
    Files.setPosixFilePermissions(
        dir.resolve("runtime"), PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(OwnerSocket.toServe(places, 1)).isEqualTo(socket);
    Files.setAttribute(dir.resolve("runtime"), "unix:mode", 01777);
    assertThat(OwnerSocket.toServe(places, 1)).isEqualTo(open.resolve("1.sock"));
  }

  @Test
  void aDirectoryThatAnotherUserMadeStopsNobody(@TempDir Path dir) throws IOException {
    assumeTrue(HostDirectory.euid() == 0, "only root gives things away");
    OwnerSocket.Places places = places(dir, "");
    for (Path place : places.directories()) {
      Path parent = Objects.requireNonNull(place.getParent());
      if (!place.startsWith(dir.resolve("home")) && Files.isDirectory(parent)) {
        Files.createDirectory(
            place,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Files.setAttribute(place, "unix:uid", 65534);
      }
    }
    Path socket = OwnerSocket.toServe(places, 7);
    assertThat(socket).isEqualTo(dir.resolve("home/sockets/7.sock"));
    Files.createFile(socket);
    assertThat(OwnerSocket.existing(places, 7)).containsExactly(socket);
    Files.setAttribute(dir.resolve("home/sockets"), "unix:uid", 65534);
    assertThatThrownBy(() -> OwnerSocket.toServe(places, 7))
        .isInstanceOf(PoolException.class)
        .hasMessageContaining("home/sockets is not a directory of mode 0700")
        .hasMessageContaining("set XDG_RUNTIME_DIR");
  }

  @Test
  void aDirectoryWhosePathIsTooLongIsPassedOver(@TempDir Path dir) throws IOException {
    String name = "x".repeat(99);
    Files.createDirectory(dir.resolve(name));
    OwnerSocket.Places places = places(dir, dir.resolve(name).toString());
    assertThat(OwnerSocket.toServe(places, 1).toString()).doesNotContain(name);
  }

  @Test
  void everySessionOfAUserFindsTheSocketsOfAllOthers(@TempDir Path dir) throws IOException {
    String uid = Integer.toUnsignedString(HostDirectory.euid());
    Path session = Files.createDirectories(dir.resolve("run/user").resolve(uid));
    OwnerSocket.Places atBoot = places(dir, "");
    OwnerSocket.Places loggedIn = places(dir, session.toString());
    Path early = OwnerSocket.toServe(atBoot, 1);
    Path late = OwnerSocket.toServe(loggedIn, 2);
    Files.createFile(early);
    Files.createFile(late);
    for (OwnerSocket.Places places : List.of(atBoot, loggedIn)) {
      assertThat(OwnerSocket.existing(places, 1)).containsExactly(early);
      assertThat(OwnerSocket.existing(places, 2)).containsExactly(late);
    }
  }

  @Test
  void onlyRootHasAPlaceThatOutlivesItsSessions(@TempDir Path dir) {
    Path run = dir.resolve("run");
    Path temporary = dir.resolve("tmp");
    Map<String, String> home = Map.of("LCPFS_HOME", "/h");
    assertThat(new OwnerSocket.Places(home, run, temporary, 0).directories())
        .containsExactly(
            run.resolve("lcpfs"),
            run.resolve("user/0/lcpfs"),
            temporary.resolve("lcpfs-0"),
            Path.of("/h/sockets"));
    assertThat(new OwnerSocket.Places(home, run, temporary, 1000).directories())
        .containsExactly(
            run.resolve("user/1000/lcpfs"), temporary.resolve("lcpfs-1000"), Path.of("/h/sockets"));
    Map<String, String> session =
        Map.of("LCPFS_HOME", "/h", "XDG_RUNTIME_DIR", run.resolve("user/0").toString());
    assertThat(new OwnerSocket.Places(session, run, temporary, 0).directories().getFirst())
        .isEqualTo(run.resolve("lcpfs"));
    Map<String, String> own = Map.of("LCPFS_HOME", "/h", "XDG_RUNTIME_DIR", "/x");
    assertThat(new OwnerSocket.Places(own, run, temporary, 0).directories())
        .startsWith(Path.of("/x/lcpfs"), run.resolve("lcpfs"));
    assertThat(
            new OwnerSocket.Places(
                    Map.of("LCPFS_HOME", "/h", "XDG_RUNTIME_DIR", "relative"), run, temporary, 0)
                .directories())
        .noneMatch(one -> one.toString().contains("relative"));
  }
}
