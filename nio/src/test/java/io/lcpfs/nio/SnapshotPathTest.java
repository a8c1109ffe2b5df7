package io.lcpfs.nio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Paths of a dataset that lead into its snapshots. */
class SnapshotPathTest {
  private final TestPool tank = TestPool.create(128 << 20);
  private final Path snapshots = tank.path("/.lcpfs/snapshot");
  private final Path old = snapshots.resolve("s");

  @BeforeEach
  void prepare() throws IOException {
    Files.createDirectories(tank.path("/dir/deep"));
    Files.writeString(tank.path("/dir/file"), "before");
    Files.createSymbolicLink(tank.path("/dir/link"), tank.path("file"));
    Files.createSymbolicLink(tank.path("/dir/up"), tank.path("../../.."));
    Files.createSymbolicLink(tank.path("/dir/absolute"), tank.path("/dir/file"));
    Files.setAttribute(tank.path("/dir/file"), "user:colour", "red".getBytes(UTF_8));
    tank.dataset.snapshot("s");
    Files.writeString(tank.path("/dir/file"), "after!!");
    Files.writeString(tank.path("/dir/new"), "new");
  }

  @AfterEach
  void close() throws IOException {
    tank.close();
  }

  private static List<String> names(Path directory) throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(entry -> names.add(String.valueOf(entry.getFileName())));
    }
    names.sort(null);
    return names;
  }

  private static List<String> walk(Path from, FileVisitOption... options) throws IOException {
    try (Stream<Path> all = Files.walk(from, options)) {
      return all.map(path -> from.relativize(path).toString()).sorted().toList();
    }
  }

  // ---- reading

  @Test
  void whatWasThereIsRead() throws IOException {
    assertThat(old.resolve("dir/file")).hasContent("before");
    assertThat(old.resolve("dir/link")).hasContent("before");
    assertThat(tank.path("/dir/file")).hasContent("after!!");
    assertThat(Files.exists(old.resolve("dir/new"))).isFalse();
    assertThat(Files.notExists(old.resolve("dir/new"))).isTrue();
    assertThat(Files.size(old.resolve("dir/file"))).isEqualTo(6);
    assertThat(Files.isDirectory(old)).isTrue();
    assertThat(names(old.resolve("dir"))).containsExactly("absolute", "deep", "file", "link", "up");
    assertThat(names(snapshots)).containsExactly("s");
    assertThat(names(tank.path(".lcpfs"))).containsExactly("snapshot");
    assertThat(walk(tank.path("/.lcpfs")))
        .contains("", "snapshot", "snapshot/s", "snapshot/s/dir", "snapshot/s/dir/file");
    assertThat(Files.readSymbolicLink(old.resolve("dir/link"))).isEqualTo(tank.path("file"));
    assertThat(Files.getAttribute(old.resolve("dir/file"), "user:colour"))
        .isEqualTo("red".getBytes(UTF_8));
    try (SeekableByteChannel channel = Files.newByteChannel(old.resolve("dir/file"))) {
      ByteBuffer bytes = ByteBuffer.allocate(3);
      assertThat(channel.position(3).read(bytes)).isEqualTo(3);
      assertThat(bytes.array()).isEqualTo("ore".getBytes(UTF_8));
    }
    try (AsynchronousFileChannel channel = AsynchronousFileChannel.open(old.resolve("dir/file"))) {
      assertThat(channel.size()).isEqualTo(6);
    }
    try (Stream<Path> found =
        Files.find(old, 9, (path, attributes) -> attributes.isRegularFile())) {
      assertThat(found).containsExactly(old.resolve("dir/file"));
    }
  }

  @Test
  void relativePathsAndDotsLeadThereToo() throws IOException {
    assertThat(tank.path(".lcpfs/snapshot/s/dir/file")).hasContent("before");
    assertThat(tank.path("/dir/../.lcpfs/./snapshot/s/dir/file")).hasContent("before");
    assertThat(tank.path("/.lcpfs/../dir/file")).hasContent("after!!");
    assertThat(tank.path("/.lcpfs/snapshot/../../dir/file")).hasContent("after!!");
    assertThat(old.resolve("dir/../../../../dir/file")).hasContent("after!!");
    assertThat(old.resolve("dir/../dir/file")).hasContent("before");
    assertThat(old.resolve("../s/dir/file")).hasContent("before");
    // A directory of the name elsewhere is none of ours.
    Files.createDirectory(tank.path("/dir/.lcpfs"));
    Files.writeString(tank.path("/dir/.lcpfs/snapshot"), "plain");
    assertThat(tank.path("/dir/.lcpfs/snapshot")).hasContent("plain");
  }

  @Test
  void linksLeadInAndOut() throws IOException {
    Path in = Files.createSymbolicLink(tank.path("/dir/monday"), tank.path("../.lcpfs/snapshot/s"));
    assertThat(in.resolve("dir/file")).hasContent("before");
    assertThat(Files.isDirectory(in)).isTrue();
    assertThat(Files.isDirectory(in, LinkOption.NOFOLLOW_LINKS)).isFalse();
    assertThat(Files.isSymbolicLink(in)).isTrue();
    assertThat(names(in)).containsExactly("dir");
    assertThat(in.resolve("dir/file").toRealPath()).isEqualTo(old.resolve("dir/file"));
    Path file = Files.createSymbolicLink(tank.path("/f"), tank.path(".lcpfs/snapshot/s/dir/link"));
    assertThat(file).hasContent("before");
    assertThat(Files.isSameFile(file, old.resolve("dir/file"))).isTrue();
    // Out of the snapshot: "../../.." of s/dir is .lcpfs; and the root is the dataset's.
    assertThat(names(old.resolve("dir/up"))).containsExactly("snapshot");
    assertThat(old.resolve("dir/up/snapshot/s/dir/file")).hasContent("before");
    assertThat(old.resolve("dir/absolute")).hasContent("after!!");
    assertThat(old.resolve("dir/absolute").toRealPath()).isEqualTo(tank.path("/dir/file"));
    assertThatThrownBy(() -> Files.writeString(in.resolve("dir/x"), ""))
        .isInstanceOf(ReadOnlyFileSystemException.class);
    // One that leads round in a circle ends.
    Files.createSymbolicLink(tank.path("/round"), tank.path(".lcpfs/snapshot/../../round"));
    assertThatThrownBy(() -> Files.size(tank.path("/round")))
        .isInstanceOf(FileSystemException.class)
        .hasMessageContaining("links");
  }

  @Test
  void filesOfSnapshotsAreFilesOfTheirOwn() throws IOException {
    Path then = old.resolve("dir/file");
    Path now = tank.path("/dir/file");
    assertThat(Files.isSameFile(then, now)).isFalse();
    assertThat(Files.isSameFile(then, old.resolve("dir/link"))).isTrue();
    assertThat(Files.isSameFile(snapshots, tank.path("/.lcpfs/snapshot/."))).isTrue();
    assertThat(Files.isSameFile(snapshots, tank.path("/.lcpfs"))).isFalse();
    Object key = Files.readAttributes(then, BasicFileAttributes.class).fileKey();
    assertThat(key).isNotNull();
    assertThat(key).isNotEqualTo(Files.readAttributes(now, BasicFileAttributes.class).fileKey());
    assertThat(key)
        .isEqualTo(
            Files.readAttributes(old.resolve("dir/link"), BasicFileAttributes.class).fileKey());
    tank.dataset.snapshot("t");
    Object later =
        Files.readAttributes(snapshots.resolve("t/dir/file"), BasicFileAttributes.class).fileKey();
    assertThat(later).isNotEqualTo(key);
    assertThat(then.toRealPath()).isEqualTo(then);
    assertThat(then.toRealPath(LinkOption.NOFOLLOW_LINKS)).isEqualTo(then);
    assertThat(tank.path("/.lcpfs/./snapshot").toRealPath()).isEqualTo(snapshots);
    assertThat(then.toUri().toString()).endsWith("/.lcpfs/snapshot/s/dir/file");
    assertThat(Path.of(then.toUri())).isEqualTo(then).hasContent("before");
    FileStore store = Files.getFileStore(then);
    assertThat(store.name()).isEqualTo("tank@s");
    assertThat(store.isReadOnly()).isTrue();
    assertThat(store).isNotEqualTo(Files.getFileStore(now));
    assertThat(store.getTotalSpace()).isPositive();
  }

  @Test
  void allOfATreeIsTheSameThereAsInTheSnapshotsOwnFileSystem() throws IOException {
    Random random = new Random(7);
    List<Path> directories = new ArrayList<>(List.of(tank.path("/")));
    for (int i = 0; i < 120; i++) {
      Path in = directories.get(random.nextInt(directories.size()));
      Path path = in.resolve("n" + i + (i % 7 == 0 ? "\u00e4 " : ""));
      switch (random.nextInt(4)) {
        case 0 -> {
          Files.createDirectory(path);
          directories.add(path);
        }
        case 1 -> Files.createSymbolicLink(path, tank.path("n" + random.nextInt(120)));
        default -> {
          byte[] content = new byte[random.nextInt(300_000)];
          random.nextBytes(content);
          Files.write(path, content);
          Files.setPosixFilePermissions(
              path, PosixFilePermissions.fromString(i % 2 == 0 ? "rwxr-x--x" : "rw-r--r--"));
        }
      }
    }
    Map<String, String> live = digest(tank.path("/"));
    tank.dataset.snapshot("all");
    for (Path directory : directories) {
      Files.writeString(directory.resolve("later"), "x");
    }
    Map<String, String> then = digest(snapshots.resolve("all"));
    assertThat(then).isEqualTo(live).hasSizeGreaterThan(120);
    try (FileSystem own = LcpfsFileSystems.of(tank.pool.snapshot("tank@all"))) {
      assertThat(then).isEqualTo(digest(own.getPath("/")));
    }
  }

  private static Map<String, String> digest(Path root) throws IOException {
    Map<String, String> result = new TreeMap<>();
    try (Stream<Path> all = Files.walk(root)) {
      for (Path path : all.toList()) {
        var attributes = Files.readAttributes(path, "unix:*", LinkOption.NOFOLLOW_LINKS);
        String content =
            Files.isSymbolicLink(path)
                ? Files.readSymbolicLink(path).toString()
                : Files.isDirectory(path) ? "" : "" + Arrays.hashCode(Files.readAllBytes(path));
        result.put(
            root.relativize(path).toString(),
            attributes.get("mode")
                + " "
                + attributes.get("ino")
                + " "
                + attributes.get("lastModifiedTime")
                + " "
                + attributes.get("size")
                + " "
                + content);
      }
    }
    return result;
  }

  // ---- copies

  @Test
  void copiesOutShareTheirBlocks() throws IOException {
    byte[] content = new byte[4 << 20];
    new Random(1).nextBytes(content);
    Path file = Files.write(tank.path("/big"), content);
    tank.dataset.snapshot("t");
    Files.delete(file);
    tank.pool.sync();
    Path back = tank.path("/back");
    Files.copy(snapshots.resolve("t/big"), back, StandardCopyOption.COPY_ATTRIBUTES);
    assertThat(Files.readAllBytes(back)).isEqualTo(content);
    tank.pool.sync();
    assertThat(Long.parseLong(tank.pool.property("bclonesaved").value()))
        .isGreaterThanOrEqualTo(content.length);
    Files.copy(
        old.resolve("dir/file"), tank.path("/dir/file"), StandardCopyOption.REPLACE_EXISTING);
    assertThat(tank.path("/dir/file")).hasContent("before");
    Files.copy(old.resolve("dir/link"), tank.path("/link"), LinkOption.NOFOLLOW_LINKS);
    assertThat(Files.readSymbolicLink(tank.path("/link"))).isEqualTo(tank.path("file"));
    Files.copy(old.resolve("dir"), tank.path("/copied"));
    assertThat(names(tank.path("/copied"))).isEmpty();
    assertThatThrownBy(() -> Files.copy(old.resolve("none"), tank.path("/x")))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage("/.lcpfs/snapshot/s/none");
  }

  // ---- refusals

  private interface Attempt {
    void run(Path path) throws IOException;
  }

  @Test
  void nothingInASnapshotCanBeChanged() throws IOException {
    Path live = tank.path("/dir/file");
    Map<String, Attempt> attempts = new TreeMap<>();
    attempts.put("write", path -> Files.writeString(path, "x"));
    attempts.put("new file", path -> Files.createFile(path.resolveSibling("x")));
    attempts.put("open", path -> Files.newByteChannel(path, StandardOpenOption.WRITE).close());
    attempts.put("mkdir", path -> Files.createDirectory(path.resolveSibling("x")));
    attempts.put("delete", Files::delete);
    attempts.put("delete directory", path -> Files.delete(path.resolveSibling("deep")));
    attempts.put("link", path -> Files.createLink(path.resolveSibling("x"), path));
    attempts.put("symlink", path -> Files.createSymbolicLink(path.resolveSibling("x"), path));
    attempts.put("move in", path -> Files.move(live, path.resolveSibling("x")));
    attempts.put("move out", path -> Files.move(path, tank.path("/dir/x")));
    attempts.put("move within", path -> Files.move(path, path.resolveSibling("x")));
    attempts.put("copy in", path -> Files.copy(live, path.resolveSibling("x")));
    attempts.put("copy over", path -> Files.copy(live, path, StandardCopyOption.REPLACE_EXISTING));
    attempts.put("time", path -> Files.setLastModifiedTime(path, FileTime.fromMillis(0)));
    attempts.put("mode", path -> Files.setAttribute(path, "unix:mode", 0600));
    attempts.put("xattr", path -> Files.setAttribute(path, "user:a", new byte[1]));
    attempts.put(
        "remove xattr",
        path ->
            Files.getFileAttributeView(path, UserDefinedFileAttributeView.class).delete("colour"));
    attempts.forEach(
        (what, attempt) ->
            assertThatThrownBy(() -> attempt.run(old.resolve("dir/file")))
                .as(what)
                .isInstanceOf(ReadOnlyFileSystemException.class));
    assertThatThrownBy(() -> Files.createDirectory(old.resolve("dir")))
        .isInstanceOf(FileAlreadyExistsException.class);
    Files.createDirectories(old.resolve("dir/deep"));
    assertThatThrownBy(() -> Files.move(live, old.resolve("x"), StandardCopyOption.ATOMIC_MOVE))
        .isInstanceOf(AtomicMoveNotSupportedException.class);
    assertThat(Files.isWritable(old.resolve("dir/file"))).isFalse();
    assertThat(Files.isReadable(old.resolve("dir/file"))).isTrue();
    assertThat(digest(old)).hasSize(7);
    assertThat(live).hasContent("after!!");
  }

  @Test
  void theDirectoriesAboveSnapshotsAreNoFiles() throws IOException {
    Path top = tank.path("/.lcpfs");
    for (Path path : List.of(top, snapshots)) {
      assertThat(Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)).isTrue();
      assertThat(Files.getPosixFilePermissions(path)).contains(PosixFilePermission.OTHERS_EXECUTE);
      assertThat(Files.getFileAttributeView(path, UserDefinedFileAttributeView.class).list())
          .isEmpty();
      assertThat(
              Files.getFileAttributeView(path, BasicFileAttributeView.class)
                  .readAttributes()
                  .isDirectory())
          .isTrue();
      assertThatThrownBy(() -> Files.readAllBytes(path)).isInstanceOf(FileSystemException.class);
      assertThatThrownBy(() -> Files.readSymbolicLink(path)).isInstanceOf(NotLinkException.class);
      assertThatThrownBy(() -> Files.setLastModifiedTime(path, FileTime.fromMillis(0)))
          .isInstanceOf(ReadOnlyFileSystemException.class);
      assertThatThrownBy(() -> Files.setAttribute(path, "user:a", new byte[1]))
          .isInstanceOf(ReadOnlyFileSystemException.class);
      assertThatThrownBy(() -> Files.getAttribute(path, "user:a"))
          .isInstanceOf(FileSystemException.class);
      assertThatThrownBy(() -> Files.createFile(path.resolve("x")))
          .isInstanceOf(ReadOnlyFileSystemException.class);
      assertThatThrownBy(() -> Files.createSymbolicLink(path.resolve("x"), top))
          .isInstanceOf(ReadOnlyFileSystemException.class);
      assertThatThrownBy(() -> Files.createLink(path.resolve("x"), tank.path("/dir/file")))
          .isInstanceOf(ReadOnlyFileSystemException.class);
      assertThatThrownBy(() -> Files.delete(path)).isInstanceOf(ReadOnlyFileSystemException.class);
      assertThatThrownBy(() -> Files.move(path, tank.path("/moved"))).isInstanceOf(Exception.class);
      assertThatThrownBy(() -> Files.createDirectory(path))
          .isInstanceOf(FileAlreadyExistsException.class);
      assertThatThrownBy(() -> Files.createFile(path))
          .isInstanceOf(FileAlreadyExistsException.class);
      Files.createDirectories(path);
    }
    assertThatThrownBy(() -> Files.createDirectory(top.resolve("x")))
        .isInstanceOf(ReadOnlyFileSystemException.class);
    assertThatThrownBy(() -> names(snapshots.resolve("none")))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage("/.lcpfs/snapshot/none");
    assertThatThrownBy(() -> Files.size(snapshots.resolve("none/x")))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> Files.size(top.resolve("none")))
        .isInstanceOf(NoSuchFileException.class);
    assertThat(Files.exists(snapshots.resolve("no@name"))).isFalse();
    assertThat(Files.exists(snapshots.resolve("x".repeat(255)))).isFalse();
    assertThat(Files.isWritable(top)).isFalse();
    assertThat(Files.isWritable(snapshots)).isTrue();
    assertThat(walk(tank.path("/"))).noneMatch(name -> name.startsWith(".lcpfs"));
  }

  @Test
  void nothingIsWatchedThere() throws IOException {
    try (WatchService service = tank.fs.newWatchService()) {
      for (Path path : List.of(old.resolve("dir"), snapshots, tank.path("/.lcpfs"))) {
        assertThatThrownBy(() -> path.register(service, StandardWatchEventKinds.ENTRY_CREATE))
            .isInstanceOf(FileSystemException.class)
            .hasMessageContaining("watch");
      }
    }
  }

  // ---- the property

  @Test
  void theRootListsThemWhenSnapdirSaysSo() throws IOException {
    assertThat(names(tank.path("/"))).containsExactly("dir");
    tank.dataset.setProperty("snapdir", "visible");
    assertThat(names(tank.path("/"))).containsExactly(".lcpfs", "dir");
    assertThat(names(tank.path("/dir"))).doesNotContain(".lcpfs");
    assertThat(names(old)).containsExactly("dir");
    assertThat(walk(tank.path("/"))).contains(".lcpfs/snapshot/s/dir/file");
    try (DirectoryStream<Path> opened = Files.newDirectoryStream(tank.path("/"))) {
      var stream = (SecureDirectoryStream<Path>) opened;
      assertThatThrownBy(
              () ->
                  stream.newByteChannel(
                      tank.path(".lcpfs"),
                      Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE)))
          .isInstanceOf(FileSystemException.class)
          .hasMessageContaining("snapshots");
    }
    tank.dataset.setProperty("snapdir", "hidden");
    assertThat(names(tank.path("/"))).containsExactly("dir");
    assertThat(old.resolve("dir/file")).hasContent("before");
  }

  // ---- taking, renaming, destroying

  @Test
  void directoriesMadeThereAreSnapshots() throws IOException {
    Path taken = Files.createDirectory(snapshots.resolve("t"));
    assertThat(tank.dataset.snapshots()).hasSize(2);
    assertThat(taken.resolve("dir/file")).hasContent("after!!");
    assertThatThrownBy(() -> Files.createDirectory(taken))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThatThrownBy(() -> Files.createDirectory(snapshots.resolve("no@name")))
        .isInstanceOf(FileSystemException.class);
    Files.move(taken, snapshots.resolve("u"));
    assertThat(names(snapshots)).containsExactly("s", "u");
    Files.move(snapshots.resolve("u"), snapshots.resolve("v"), StandardCopyOption.ATOMIC_MOVE);
    assertThat(snapshots.resolve("v/dir/file")).hasContent("after!!");
    assertThatThrownBy(() -> Files.move(snapshots.resolve("v"), old))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThatThrownBy(() -> Files.move(snapshots.resolve("v"), tank.path("/v")))
        .isInstanceOf(FileSystemException.class)
        .hasMessageContaining("stays");
    assertThatThrownBy(() -> Files.move(snapshots.resolve("none"), snapshots.resolve("w")))
        .isInstanceOf(NoSuchFileException.class);
    Files.move(snapshots.resolve("v"), snapshots.resolve("v"));
    Files.delete(snapshots.resolve("v"));
    assertThat(names(snapshots)).containsExactly("s");
    assertThatThrownBy(() -> Files.delete(snapshots.resolve("v")))
        .isInstanceOf(NoSuchFileException.class);
    tank.pool.snapshot("tank@s").hold("tag");
    assertThatThrownBy(() -> Files.delete(old))
        .isInstanceOf(FileSystemException.class)
        .hasMessageContaining("hold");
    assertThat(old.resolve("dir/file")).hasContent("before");
  }

  @Test
  void onlyUser0ChangesThem() throws IOException {
    try (FileSystem other = tank.view(Map.of("uid", 7));
        FileSystem readOnly = tank.view(Map.of("readOnly", true))) {
      Path there = other.getPath("/.lcpfs/snapshot");
      assertThat(there.resolve("s/dir/file")).hasContent("before");
      assertThat(Files.isWritable(there)).isFalse();
      assertThatThrownBy(() -> Files.createDirectory(there.resolve("t")))
          .isInstanceOf(FileSystemException.class)
          .hasMessageContaining("permitted");
      assertThatThrownBy(() -> Files.delete(there.resolve("s")))
          .isInstanceOf(FileSystemException.class);
      Path then = readOnly.getPath("/.lcpfs/snapshot");
      assertThatThrownBy(() -> Files.createDirectory(then.resolve("t")))
          .isInstanceOf(ReadOnlyFileSystemException.class);
      assertThatThrownBy(() -> Files.delete(then.resolve("s")))
          .isInstanceOf(ReadOnlyFileSystemException.class);
    }
    assertThat(tank.dataset.snapshots()).hasSize(1);
  }

  @Test
  void permissionsHoldInSnapshotsToo() throws IOException {
    Files.setPosixFilePermissions(tank.path("/dir"), PosixFilePermissions.fromString("rwx------"));
    tank.dataset.snapshot("closed");
    Files.setPosixFilePermissions(tank.path("/dir"), PosixFilePermissions.fromString("rwxr-xr-x"));
    try (FileSystem other = tank.view(Map.of("uid", 7))) {
      assertThat(other.getPath("/dir/file")).hasContent("after!!");
      assertThatThrownBy(() -> Files.readString(other.getPath("/.lcpfs/snapshot/closed/dir/file")))
          .isInstanceOf(AccessDeniedException.class)
          .hasMessageStartingWith("/.lcpfs/snapshot/closed/dir/file");
    }
  }

  // ---- how long they stay open

  @Test
  void aSnapshotThatIsLookedIntoIsDestroyed() throws IOException {
    try (SeekableByteChannel channel = Files.newByteChannel(old.resolve("dir/file"));
        DirectoryStream<Path> entries = Files.newDirectoryStream(old.resolve("dir"))) {
      assertThat(entries.iterator().hasNext()).isTrue();
      tank.pool.snapshot("tank@s").destroy();
      assertThatThrownBy(() -> channel.read(ByteBuffer.allocate(9)))
          .isInstanceOf(FileSystemException.class)
          .hasMessageContaining("destroyed");
      assertThatThrownBy(() -> Files.size(old.resolve("dir/file")))
          .isInstanceOf(NoSuchFileException.class);
    }
    // One of the same name is another.
    tank.dataset.snapshot("s");
    assertThat(old.resolve("dir/file")).hasContent("after!!");
    tank.dataset.rollback("s", false);
  }

  @Test
  void oneThatIsNotDestroyedAfterAllIsReadAgain() throws IOException {
    tank.pool.snapshot("tank@s").cloneTo("tank/clone", Map.of());
    assertThat(old.resolve("dir/file")).hasContent("before");
    assertThatThrownBy(() -> Files.delete(old))
        .isInstanceOf(FileSystemException.class)
        .hasMessageContaining("tank/clone");
    assertThat(old.resolve("dir/file")).hasContent("before");
    try (FileSystem clone = LcpfsFileSystems.of(tank.pool.dataset("tank/clone"))) {
      assertThat(clone.getPath("/dir/file")).hasContent("before");
      assertThat(names(clone.getPath("/.lcpfs/snapshot"))).isEmpty();
    }
  }

  @Test
  void onlyAFewStayOpenButAllThatAreInUse() throws Exception {
    SnapshotWay way = Objects.requireNonNull(((LcpfsFileSystem) tank.fs).way());
    List<SeekableByteChannel> open = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      tank.dataset.snapshot("n" + i);
      Path file = snapshots.resolve("n" + i + "/dir/file");
      assertThat(file).hasContent("after!!");
      if (i < 12) {
        open.add(Files.newByteChannel(file));
      }
    }
    assertThat(way.openSnapshots()).isEqualTo(12 + 4);
    for (SeekableByteChannel channel : open) {
      assertThat(channel.read(ByteBuffer.allocate(100))).isEqualTo(7);
      channel.close();
    }
    assertThat(snapshots.resolve("n29/dir/file")).hasContent("after!!");
    assertThat(way.openSnapshots()).isEqualTo(4);
    // A view that was made long ago still finds its way.
    var view =
        Files.getFileAttributeView(snapshots.resolve("n0/dir/file"), BasicFileAttributeView.class);
    for (int i = 1; i < 30; i++) {
      assertThat(Files.size(snapshots.resolve("n" + i + "/dir/file"))).isEqualTo(7);
    }
    assertThat(view.readAttributes().size()).isEqualTo(7);
  }

  @Test
  void manyThreadsLookIntoManySnapshotsWhileTheyComeAndGo() throws Exception {
    for (int i = 0; i < 10; i++) {
      tank.dataset.snapshot("k" + i);
    }
    AtomicInteger reads = new AtomicInteger();
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      int seed = t;
      threads.add(
          Thread.ofPlatform()
              .uncaughtExceptionHandler((thread, e) -> failures.add(e))
              .start(
                  () -> {
                    Random random = new Random(seed);
                    for (int i = 0; i < 400; i++) {
                      String name = (random.nextInt(8) == 0 ? "g" : "k") + random.nextInt(10);
                      try {
                        Path file = snapshots.resolve(name).resolve("dir/file");
                        assertThat(Files.readString(file)).isEqualTo("after!!");
                        reads.incrementAndGet();
                      } catch (FileSystemException | ClosedChannelException e) {
                        assertThat(name).startsWith("g"); // those come and go
                      } catch (IOException e) {
                        throw new AssertionError(e);
                      }
                    }
                  }));
    }
    for (int i = 0; i < 30; i++) {
      String name = "g" + i % 10;
      tank.dataset.snapshot(name);
      assertThat(snapshots.resolve(name + "/dir/file")).hasContent("after!!");
      tank.pool.snapshot("tank@" + name).destroy();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(failures).isEmpty();
    assertThat(reads.get()).isGreaterThan(1000);
  }

  @Test
  void theyAreClosedWithTheFileSystem() throws IOException {
    FileSystem view = tank.view(Map.of());
    Path file = view.getPath("/.lcpfs/snapshot/s/dir/file");
    SeekableByteChannel channel = Files.newByteChannel(file);
    view.close();
    assertThat(channel.isOpen()).isFalse();
    assertThatThrownBy(() -> Files.size(file)).isInstanceOf(ClosedFileSystemException.class);
    assertThat(old.resolve("dir/file")).hasContent("before");
  }

  @Test
  void aSnapshotAndAChildHaveTheirOwn() throws IOException {
    Dataset child = tank.pool.createDataset("tank/child", Map.of(), false);
    child.snapshot("c");
    try (FileSystem then = LcpfsFileSystems.of(tank.pool.snapshot("tank@s"));
        FileSystem files = LcpfsFileSystems.of(child)) {
      assertThat(Files.exists(then.getPath("/.lcpfs"))).isFalse();
      assertThat(names(files.getPath("/.lcpfs/snapshot"))).containsExactly("c");
      assertThat(then.getPath("/dir/file")).hasContent("before");
    }
    assertThat(old.resolve("dir/file")).hasContent("before");
  }
}
