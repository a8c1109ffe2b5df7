package io.lcpfs.nio;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.COPY_ATTRIBUTES;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.posix.Caller;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files.copy and Files.move: within, between datasets, and to and from the host. */
class CopyMoveTest {
  private static TestPool pool;
  private static FileSystem second;
  private static int count;
  private Path dir;
  private Path other;

  @BeforeAll
  static void makePool() {
    pool = TestPool.create();
    second = LcpfsFileSystems.of(pool.pool.createDataset("tank/second", Map.of(), false));
  }

  @AfterAll
  static void closePool() throws IOException {
    second.close();
    pool.close();
  }

  @BeforeEach
  void makeDirectories() throws IOException {
    dir = Files.createDirectory(pool.path("/m" + count));
    other = Files.createDirectory(second.getPath("/m" + count++));
  }

  private Path file(String name, String content) throws IOException {
    return Files.writeString(dir.resolve(name), content);
  }

  private Path fullDirectory() throws IOException {
    Path full = dir.resolve("full");
    Files.createDirectories(full.resolve("x"));
    return full;
  }

  // ---- copy

  @Test
  void copiesHaveTheContentAndATimeOfTheirOwn() throws IOException {
    Path from = file("a", "content");
    Files.setLastModifiedTime(from, FileTime.fromMillis(1000));
    Path to = Files.copy(from, dir.resolve("b"));
    assertThat(Files.readString(to)).isEqualTo("content");
    assertThat(Files.getLastModifiedTime(to)).isNotEqualTo(FileTime.fromMillis(1000));
    Files.writeString(to, "changed");
    assertThat(Files.readString(from)).isEqualTo("content");
  }

  @Test
  void copyAttributesCopiesTimesPermissionsOwnersAndUserAttributes() throws IOException {
    Path from = file("a", "content");
    Files.setPosixFilePermissions(from, PosixFilePermissions.fromString("rwx-w---x"));
    Files.setAttribute(from, "unix:uid", 17);
    Files.setAttribute(from, "user:note", new byte[] {1, 2});
    Files.setLastModifiedTime(from, FileTime.fromMillis(1000));
    for (Path to : List.of(dir.resolve("b"), other.resolve("b"))) {
      Files.copy(from, to, COPY_ATTRIBUTES);
      assertThat(Files.readAttributes(to, "unix:mode,uid,lastModifiedTime"))
          .isEqualTo(Files.readAttributes(from, "unix:mode,uid,lastModifiedTime"));
      assertThat((byte[]) Files.getAttribute(to, "user:note")).containsExactly(1, 2);
    }
  }

  /** A POSIX access control list with one more user, as an extended attribute. */
  private static byte[] accessList() {
    ByteBuffer list = ByteBuffer.allocate(4 + 8 * 5).order(ByteOrder.LITTLE_ENDIAN).putInt(2);
    int[][] entries = {{1, 6, -1}, {2, 4, 1001}, {4, 4, -1}, {16, 4, -1}, {32, 0, -1}};
    for (int[] entry : entries) {
      list.putShort((short) entry[0]).putShort((short) entry[1]).putInt(entry[2]);
    }
    return list.array();
  }

  private static List<String> attributesOf(PosixFileSystem files, Path path) {
    return files.paths().listxattr(PathCalls.path(path.toString()), true, Caller.ROOT).stream()
        .map(name -> new String(name, StandardCharsets.UTF_8))
        .toList();
  }

  @Test
  void copyAttributesCopiesAccessListsAndNothingThatTheDirectoryGives() throws IOException {
    PosixFileSystem files = pool.dataset.fileSystem();
    byte[] name = PosixFileSystem.XATTR_ACCESS_LIST.getBytes(StandardCharsets.UTF_8);
    byte[] inherited = PosixFileSystem.XATTR_DEFAULT_LIST.getBytes(StandardCharsets.UTF_8);
    Path with = file("with", "content");
    Path without = file("without", "content");
    byte[] list = accessList();
    files.paths().setxattr(PathCalls.path(with.toString()), true, name, list, 0, Caller.ROOT);
    Path heir = Files.createDirectory(dir.resolve("heir"));
    files.paths().setxattr(PathCalls.path(heir.toString()), true, inherited, list, 0, Caller.ROOT);
    Path plain = Files.copy(without, heir.resolve("plain"));
    assertThat(attributesOf(files, plain)).containsExactly(PosixFileSystem.XATTR_ACCESS_LIST);
    Path kept = Files.copy(with, heir.resolve("kept"), COPY_ATTRIBUTES);
    assertThat(attributesOf(files, kept)).containsExactly(PosixFileSystem.XATTR_ACCESS_LIST);
    assertThat(files.paths().getxattr(PathCalls.path(kept.toString()), true, name, Caller.ROOT))
        .isEqualTo(list);
    Path none = Files.copy(without, heir.resolve("none"), COPY_ATTRIBUTES);
    assertThat(attributesOf(files, none)).isEmpty();
    Path directory = Files.createDirectory(dir.resolve("directory"));
    Path copied = Files.copy(directory, heir.resolve("copied"), COPY_ATTRIBUTES);
    assertThat(attributesOf(files, copied)).isEmpty();
  }

  @Test
  void copyRefusesWhatExistsUnlessItMayReplace() throws IOException {
    Path from = file("a", "new");
    Path to = file("b", "old");
    assertThatThrownBy(() -> Files.copy(from, to)).isInstanceOf(FileAlreadyExistsException.class);
    assertThat(Files.readString(to)).isEqualTo("old");
    Files.copy(from, to, REPLACE_EXISTING);
    assertThat(Files.readString(to)).isEqualTo("new");
    Path full = fullDirectory();
    assertThatThrownBy(() -> Files.copy(from, full, REPLACE_EXISTING))
        .isInstanceOf(DirectoryNotEmptyException.class);
    Path empty = Files.createDirectory(dir.resolve("empty"));
    Files.copy(from, empty, REPLACE_EXISTING);
    assertThat(Files.readString(empty)).isEqualTo("new");
  }

  @Test
  void copyOntoItselfDoesNothing() throws IOException {
    Path from = file("a", "content");
    Files.copy(from, from);
    Files.createLink(dir.resolve("b"), from);
    Files.copy(from, dir.resolve("b"));
    assertThat(Files.readString(from)).isEqualTo("content");
  }

  @Test
  void copiesOfLinksFollowThemUnlessToldNotTo() throws IOException {
    file("a", "content");
    Path link = Files.createSymbolicLink(dir.resolve("l"), pool.path("a"));
    assertThat(Files.isSymbolicLink(Files.copy(link, dir.resolve("b")))).isFalse();
    Path copy = Files.copy(link, dir.resolve("c"), NOFOLLOW_LINKS, COPY_ATTRIBUTES);
    assertThat(Files.readSymbolicLink(copy)).isEqualTo(pool.path("a"));
  }

  @Test
  void copyOfADirectoryIsAnEmptyOne() throws IOException {
    file("a", "content");
    Path copy = Files.copy(dir, dir.resolveSibling(dir.getFileName() + "copy"));
    assertThat(Files.isDirectory(copy)).isTrue();
    try (var names = Files.list(copy)) {
      assertThat(names).isEmpty();
    }
  }

  @Test
  void copyOfNothingIsNoSuchFile() {
    assertThatThrownBy(() -> Files.copy(dir.resolve("no"), dir.resolve("b")))
        .isInstanceOf(NoSuchFileException.class);
    assertThat(Files.exists(dir.resolve("b"))).isFalse();
  }

  @Test
  void copyKnowsItsOptionsOnly() throws IOException {
    Path from = file("a", "");
    CopyOption odd = new CopyOption() {};
    assertThatThrownBy(() -> Files.copy(from, dir.resolve("b"), ATOMIC_MOVE))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> Files.copy(from, dir.resolve("b"), odd))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> Files.move(from, dir.resolve("b"), COPY_ATTRIBUTES))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void holesAreCopiedAsHoles() throws IOException {
    Path from = dir.resolve("a");
    long size = 40L << 30;
    try (FileChannel channel = FileChannel.open(from, CREATE, WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {1}), 1L << 30);
      channel.write(ByteBuffer.wrap(new byte[] {2}), size - (1 << 20));
      channel.write(ByteBuffer.wrap(new byte[] {0}), size - 1);
    }
    Path to = Files.copy(from, dir.resolve("b"));
    assertThat(Files.size(to)).isEqualTo(size);
    try (FileChannel channel = FileChannel.open(to)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      channel.read(one, 1L << 30);
      channel.read(one.flip().clear(), size - (1 << 20));
      assertThat(one.get(0)).isEqualTo((byte) 2);
    }
    Files.delete(from);
    Files.delete(to);
  }

  @Test
  void copiesBetweenTheHostAndAPoolAreExact(@TempDir Path host) throws IOException {
    byte[] content = new byte[300_000];
    new java.util.Random(3).nextBytes(content);
    Path onHost = Files.write(host.resolve("a"), content);
    Path in = Files.copy(onHost, dir.resolve("a"), COPY_ATTRIBUTES);
    assertThat(Files.readAllBytes(in)).isEqualTo(content);
    assertThat(Files.getLastModifiedTime(in)).isEqualTo(Files.getLastModifiedTime(onHost));
    Path out = Files.copy(in, host.resolve("b"));
    assertThat(Files.mismatch(out, in)).isEqualTo(-1);
    Files.move(in, host.resolve("c"));
    assertThat(Files.exists(in)).isFalse();
    assertThat(Files.readAllBytes(host.resolve("c"))).isEqualTo(content);
  }

  @Test
  void streamsAreCopiedBothWays() throws IOException {
    Path to = dir.resolve("a");
    Files.copy(new java.io.ByteArrayInputStream(new byte[] {1, 2}), to);
    var out = new java.io.ByteArrayOutputStream();
    assertThat(Files.copy(to, out)).isEqualTo(2);
    assertThatThrownBy(() -> Files.copy(new java.io.ByteArrayInputStream(new byte[1]), to))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  // ---- move

  @Test
  void movesKeepTheFile() throws IOException {
    Path from = file("a", "content");
    Object inode = Files.getAttribute(from, "unix:ino");
    Path to = Files.move(from, Files.createDirectory(dir.resolve("d")).resolve("b"));
    assertThat(Files.exists(from)).isFalse();
    assertThat(Files.getAttribute(to, "unix:ino")).isEqualTo(inode);
  }

  @Test
  void moveRefusesWhatExistsUnlessItMayReplace() throws IOException {
    Path from = file("a", "new");
    Path to = file("b", "old");
    assertThatThrownBy(() -> Files.move(from, to)).isInstanceOf(FileAlreadyExistsException.class);
    Files.move(from, to, REPLACE_EXISTING);
    assertThat(Files.readString(to)).isEqualTo("new");
    Path empty = Files.createDirectory(dir.resolve("empty"));
    Files.move(to, empty, REPLACE_EXISTING);
    assertThat(Files.readString(empty)).isEqualTo("new");
    Path full = fullDirectory();
    assertThatThrownBy(() -> Files.move(empty, full, REPLACE_EXISTING))
        .isInstanceOf(DirectoryNotEmptyException.class);
    Path directory = Files.createDirectory(dir.resolve("directory"));
    Files.move(directory, empty, REPLACE_EXISTING);
    assertThat(Files.isDirectory(empty)).isTrue();
  }

  @Test
  void moveOntoItselfDoesNothing() throws IOException {
    Path from = file("a", "content");
    Path same = Files.createLink(dir.resolve("b"), from);
    Files.move(from, from);
    Files.move(from, same);
    assertThat(Files.exists(from)).isTrue();
    assertThat(Files.exists(same)).isTrue();
  }

  @Test
  void fullDirectoriesMoveWithinADataset() throws IOException {
    Files.createDirectories(dir.resolve("d/e/f"));
    Files.move(dir.resolve("d"), dir.resolve("g"));
    assertThat(Files.isDirectory(dir.resolve("g/e/f"))).isTrue();
    assertThatThrownBy(() -> Files.move(dir.resolve("g"), dir.resolve("g/e/x")))
        .isInstanceOf(FileSystemException.class);
  }

  @Test
  void atomicMovesReplaceInOneStep() throws IOException {
    Path from = file("a", "new");
    Path to = file("b", "old");
    Files.move(from, to, ATOMIC_MOVE);
    assertThat(Files.readString(to)).isEqualTo("new");
    assertThatThrownBy(() -> Files.move(to, other.resolve("b"), ATOMIC_MOVE))
        .isInstanceOf(AtomicMoveNotSupportedException.class);
    assertThatThrownBy(() -> Files.move(dir.resolve("no"), to, ATOMIC_MOVE))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void movesOfLinksMoveTheLink() throws IOException {
    Path dangling = Files.createSymbolicLink(dir.resolve("l"), pool.path("nowhere"));
    Path to = Files.move(dangling, dir.resolve("m"));
    assertThat(Files.readSymbolicLink(to)).isEqualTo(pool.path("nowhere"));
    Path across = Files.move(to, other.resolve("m"));
    assertThat(Files.readSymbolicLink(across)).hasToString("nowhere");
    assertThat(Files.exists(to, NOFOLLOW_LINKS)).isFalse();
  }

  @Test
  void movesBetweenDatasetsCopyAndDelete() throws IOException {
    Path from = file("a", "content");
    Files.setLastModifiedTime(from, FileTime.fromMillis(5));
    Path to = Files.move(from, other.resolve("b"));
    assertThat(Files.exists(from)).isFalse();
    assertThat(Files.readString(to)).isEqualTo("content");
    assertThat(Files.getLastModifiedTime(to)).isEqualTo(FileTime.fromMillis(5));
    Path empty = Files.createDirectory(dir.resolve("empty"));
    assertThat(Files.isDirectory(Files.move(empty, other.resolve("empty")))).isTrue();
    Path full = fullDirectory();
    assertThatThrownBy(() -> Files.move(full, other.resolve("full")))
        .isInstanceOf(DirectoryNotEmptyException.class);
    assertThat(Files.exists(full.resolve("x"))).isTrue();
    assertThat(Files.exists(other.resolve("full"))).isFalse();
  }

  @Test
  void moveOfNothingIsNoSuchFile() {
    assertThatThrownBy(() -> Files.move(dir.resolve("no"), dir.resolve("b")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void hardLinksDoNotCrossDatasets() throws IOException {
    Path from = file("a", "content");
    assertThatThrownBy(() -> Files.createLink(other.resolve("b"), from))
        .isInstanceOf(FileSystemException.class);
  }
}
