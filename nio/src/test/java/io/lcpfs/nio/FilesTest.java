package io.lcpfs.nio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.DELETE_ON_CLOSE;
import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.SPARSE;
import static java.nio.file.StandardOpenOption.SYNC;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** java.nio.file.Files, method by method: what its javadoc promises and what it says is thrown. */
class FilesTest {
  private static TestPool pool;
  private static int count;
  private Path dir;

  @BeforeAll
  static void makePool() {
    pool = TestPool.create();
  }

  @AfterAll
  static void closePool() throws IOException {
    pool.close();
  }

  @BeforeEach
  void makeDirectory() throws IOException {
    dir = Files.createDirectory(pool.path("/t" + count++));
  }

  private Path file(String name, String content) throws IOException {
    return Files.writeString(dir.resolve(name), content);
  }

  // ---- creating

  @Test
  void createFileMakesAnEmptyFile() throws IOException {
    Path made = Files.createFile(dir.resolve("a"));
    assertThat(Files.isRegularFile(made)).isTrue();
    assertThat(Files.size(made)).isZero();
  }

  @Test
  void createFileRefusesWhatExists() throws IOException {
    Path made = file("a", "x");
    assertThatThrownBy(() -> Files.createFile(made))
        .isInstanceOf(FileAlreadyExistsException.class)
        .hasMessage(made.toString());
    assertThat(Files.readString(made)).isEqualTo("x");
  }

  @Test
  void createFileWithoutItsDirectoryIsNoSuchFile() {
    assertThatThrownBy(() -> Files.createFile(dir.resolve("no/a")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void createFileSetsPermissionsAtomically() throws IOException {
    FileAttribute<?> mode =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-----"));
    Path made = Files.createFile(dir.resolve("a"), mode);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made)))
        .isEqualTo("rwxr-----");
  }

  @Test
  void createFileRefusesUnknownAttributes() {
    FileAttribute<String> odd =
        new FileAttribute<>() {
          @Override
          public String name() {
            return "dos:hidden";
          }

          @Override
          public String value() {
            return "x";
          }
        };
    assertThatThrownBy(() -> Files.createFile(dir.resolve("a"), odd))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThat(Files.exists(dir.resolve("a"))).isFalse();
  }

  @Test
  void createDirectoryRefusesWhatExists() throws IOException {
    Path made = Files.createDirectory(dir.resolve("d"));
    assertThat(Files.isDirectory(made)).isTrue();
    assertThatThrownBy(() -> Files.createDirectory(made))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void createDirectoryWithoutParentIsNoSuchFile() {
    assertThatThrownBy(() -> Files.createDirectory(dir.resolve("no/d")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void createDirectoriesMakesAllThatMiss() throws IOException {
    Path deep = dir.resolve("a/b/c/d");
    assertThat(Files.createDirectories(deep)).isEqualTo(deep);
    assertThat(Files.isDirectory(deep)).isTrue();
    assertThat(Files.createDirectories(deep)).isEqualTo(deep);
  }

  @Test
  void createDirectoriesOverAFileIsRefused() throws IOException {
    Path made = file("f", "");
    assertThatThrownBy(() -> Files.createDirectories(made))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThatThrownBy(() -> Files.createDirectories(made.resolve("x")))
        .isInstanceOf(FileSystemException.class);
  }

  @Test
  void temporaryFilesAndDirectoriesAreMadeWhereAsked() throws IOException {
    Path one = Files.createTempFile(dir, "pre", ".suf");
    Path two = Files.createTempDirectory(dir, "d");
    assertThat(one.getParent()).isEqualTo(dir);
    assertThat(one.getFileName().toString()).startsWith("pre").endsWith(".suf");
    assertThat(Files.isDirectory(two)).isTrue();
  }

  @Test
  void umaskTakesPermissionsFromNewFiles() throws IOException {
    try (FileSystem other = pool.view(Map.of("umask", "077"))) {
      Path made = Files.createFile(other.getPath(dir.toString(), "a"));
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made)))
          .isEqualTo("rw-------");
    }
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(Files.createFile(dir.resolve("b")))))
        .isEqualTo("rw-r--r--");
  }

  // ---- deleting

  @Test
  void deleteRemovesFilesLinksAndEmptyDirectories() throws IOException {
    Path made = file("a", "x");
    Path link = Files.createSymbolicLink(dir.resolve("l"), made);
    Path empty = Files.createDirectory(dir.resolve("d"));
    Files.delete(link);
    assertThat(Files.exists(made)).isTrue();
    Files.delete(made);
    Files.delete(empty);
    assertThat(names(dir)).isEmpty();
  }

  @Test
  void deleteOfNothingIsNoSuchFile() throws IOException {
    assertThatThrownBy(() -> Files.delete(dir.resolve("no")))
        .isInstanceOf(NoSuchFileException.class);
    assertThat(Files.deleteIfExists(dir.resolve("no"))).isFalse();
  }

  @Test
  void deleteOfAFullDirectoryIsRefused() throws IOException {
    file("a", "x");
    assertThatThrownBy(() -> Files.delete(dir)).isInstanceOf(DirectoryNotEmptyException.class);
    assertThatThrownBy(() -> Files.deleteIfExists(dir))
        .isInstanceOf(DirectoryNotEmptyException.class);
  }

  @Test
  void deleteOfTheRootIsRefused() {
    assertThatThrownBy(() -> Files.delete(pool.path("/"))).isInstanceOf(IOException.class);
  }

  // ---- opening

  @Test
  void readingWhatIsMissingIsNoSuchFile() {
    assertThatThrownBy(() -> Files.newInputStream(dir.resolve("no")))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> Files.readAllBytes(dir.resolve("no")))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> Files.newByteChannel(dir.resolve("no"), WRITE))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void createNewRefusesWhatExistsAndDanglingLinks() throws IOException {
    Path made = file("a", "x");
    assertThatThrownBy(() -> Files.newByteChannel(made, CREATE_NEW, WRITE))
        .isInstanceOf(FileAlreadyExistsException.class);
    Path dangling = Files.createSymbolicLink(dir.resolve("l"), dir.resolve("nowhere"));
    assertThatThrownBy(() -> Files.newByteChannel(dangling, CREATE_NEW, WRITE))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void createThroughADanglingLinkMakesItsTarget() throws IOException {
    Path dangling = Files.createSymbolicLink(dir.resolve("l"), dir.resolve("there"));
    Files.writeString(dangling, "x");
    assertThat(Files.readString(dir.resolve("there"))).isEqualTo("x");
  }

  @Test
  void createIsIgnoredWhenOnlyReading() {
    assertThatThrownBy(() -> Files.newByteChannel(dir.resolve("no"), READ, CREATE))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> Files.newByteChannel(dir.resolve("no"), CREATE_NEW))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void truncateExistingEmptiesOnlyWhenWriting() throws IOException {
    Path made = file("a", "content");
    Files.newByteChannel(made, READ, TRUNCATE_EXISTING).close();
    assertThat(Files.size(made)).isEqualTo(7);
    Files.newByteChannel(made, WRITE, TRUNCATE_EXISTING).close();
    assertThat(Files.size(made)).isZero();
  }

  @Test
  void appendWritesAtTheEndWhereverThePositionIs() throws IOException {
    Path made = file("a", "123");
    try (SeekableByteChannel channel = Files.newByteChannel(made, APPEND)) {
      channel.position(0);
      channel.write(ByteBuffer.wrap("45".getBytes(UTF_8)));
      assertThat(channel.position()).isEqualTo(5);
    }
    Files.writeString(made, "6", APPEND);
    assertThat(Files.readString(made)).isEqualTo("123456");
  }

  @Test
  void contradictingOptionsAreIllegal() throws IOException {
    Path made = file("a", "x");
    assertThatThrownBy(() -> Files.newByteChannel(made, READ, APPEND))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Files.newByteChannel(made, APPEND, TRUNCATE_EXISTING))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private enum OddOption implements OpenOption {
    ODD
  }

  @Test
  void unknownOptionsAreUnsupported() throws IOException {
    Path made = file("a", "x");
    assertThatThrownBy(() -> Files.newByteChannel(made, OddOption.ODD))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> Files.newOutputStream(made, READ))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Files.newInputStream(made, WRITE))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void noFollowLinksRefusesALink() throws IOException {
    Path link = Files.createSymbolicLink(dir.resolve("l"), file("a", "x"));
    assertThatThrownBy(() -> Files.newByteChannel(link, READ, LinkOption.NOFOLLOW_LINKS))
        .isInstanceOf(IOException.class);
    assertThat(Files.readString(link)).isEqualTo("x");
  }

  @Test
  void deleteOnCloseLeavesNothing() throws IOException {
    Path made = dir.resolve("a");
    try (FileChannel channel = FileChannel.open(made, CREATE, READ, WRITE, DELETE_ON_CLOSE)) {
      channel.write(ByteBuffer.wrap(new byte[10_000]));
      assertThat(channel.size()).isEqualTo(10_000);
    }
    assertThat(Files.exists(made)).isFalse();
  }

  @Test
  void syncAndSparseFilesAreWrittenAsOthers() throws IOException {
    for (OpenOption option : List.of(SYNC, DSYNC, SPARSE)) {
      Path made = dir.resolve(option.toString());
      Files.write(made, new byte[] {1, 2, 3}, CREATE_NEW, WRITE, option);
      assertThat(Files.readAllBytes(made)).containsExactly(1, 2, 3);
    }
  }

  @Test
  void aDirectoryHasNoContent() throws IOException {
    assertThatThrownBy(() -> Files.readAllBytes(dir)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> Files.newOutputStream(dir)).isInstanceOf(FileSystemException.class);
  }

  @Test
  void aFileIsNoDirectoryOnTheWay() throws IOException {
    Path made = file("a", "x");
    assertThatThrownBy(() -> Files.newInputStream(made.resolve("b")))
        .isInstanceOf(FileSystemException.class)
        .hasMessageContaining("Not a directory");
    assertThat(Files.exists(made.resolve("b"))).isFalse();
  }

  // ---- whole files

  @Test
  void contentOfAllSizesComesBack() throws IOException {
    for (int size : new int[] {0, 1, 511, 4096, 131_072, 131_073, 1_500_000}) {
      byte[] content = new byte[size];
      new Random(size).nextBytes(content);
      Path made = Files.write(dir.resolve("f" + size), content);
      assertThat(Files.size(made)).isEqualTo(size);
      assertThat(Files.readAllBytes(made)).isEqualTo(content);
      try (var in = Files.newInputStream(made)) {
        assertThat(in.readAllBytes()).isEqualTo(content);
      }
    }
  }

  @Test
  void linesGoInAndOut() throws IOException {
    Path made = Files.write(dir.resolve("a"), List.of("one", "zwei", "три"));
    assertThat(Files.readAllLines(made)).containsExactly("one", "zwei", "три");
    try (Stream<String> lines = Files.lines(made)) {
      assertThat(lines).containsExactly("one", "zwei", "три");
    }
    try (var writer = Files.newBufferedWriter(made, APPEND)) {
      writer.write("four");
    }
    try (var reader = Files.newBufferedReader(made)) {
      assertThat(reader.lines()).containsExactly("one", "zwei", "три", "four");
    }
  }

  @Test
  void mismatchFindsTheFirstDifference() throws IOException {
    Path a = file("a", "abcdef");
    Path b = file("b", "abcxef");
    assertThat(Files.mismatch(a, b)).isEqualTo(3);
    assertThat(Files.mismatch(a, Files.copy(a, dir.resolve("c")))).isEqualTo(-1);
  }

  // ---- directories

  private static List<String> names(Path directory) throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
      stream.forEach(path -> names.add(path.getFileName().toString()));
    }
    names.sort(null);
    return names;
  }

  @Test
  void everyEntryOfALargeDirectoryIsListedOnce() throws IOException {
    Set<String> expected = new java.util.TreeSet<>();
    for (int i = 0; i < 1500; i++) {
      Files.createFile(dir.resolve("file-" + i));
      expected.add("file-" + i);
    }
    assertThat(names(dir)).containsExactlyElementsOf(expected);
  }

  @Test
  void entriesResolveAgainstTheDirectoryGiven() throws IOException {
    file("a", "");
    Path relative = pool.path("/").relativize(dir);
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(relative)) {
      assertThat(stream).containsExactly(relative.resolve("a"));
    }
  }

  @Test
  void globsFilterEntries() throws IOException {
    for (String name : List.of("a.java", "b.class", "c.java", "d")) {
      file(name, "");
    }
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(dir, "*.{java,class}")) {
      assertThat(stream).hasSize(3);
    }
    assertThatThrownBy(() -> Files.newDirectoryStream(dir, "*.{java"))
        .isInstanceOf(java.util.regex.PatternSyntaxException.class);
  }

  @Test
  void aStreamOfNoDirectoryIsRefused() throws IOException {
    Path made = file("a", "");
    assertThatThrownBy(() -> Files.newDirectoryStream(made))
        .isInstanceOf(NotDirectoryException.class);
    assertThatThrownBy(() -> Files.newDirectoryStream(dir.resolve("no")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void walkAndFindSeeTheWholeTree() throws IOException {
    Files.createDirectories(dir.resolve("x/y"));
    Files.writeString(dir.resolve("x/y/f"), "1");
    Files.writeString(dir.resolve("g"), "2");
    try (Stream<Path> all = Files.walk(dir)) {
      assertThat(all).hasSize(5);
    }
    try (Stream<Path> found = Files.find(dir, 5, (path, attr) -> attr.isRegularFile())) {
      assertThat(found).containsExactlyInAnyOrder(dir.resolve("x/y/f"), dir.resolve("g"));
    }
    try (Stream<Path> listed = Files.list(dir)) {
      assertThat(listed).containsExactlyInAnyOrder(dir.resolve("x"), dir.resolve("g"));
    }
  }

  @Test
  void walkFollowingLinksFindsLoops() throws IOException {
    Files.createSymbolicLink(Files.createDirectory(dir.resolve("x")).resolve("up"), dir);
    assertThatThrownBy(
            () -> {
              try (Stream<Path> all = Files.walk(dir, FileVisitOption.FOLLOW_LINKS)) {
                all.forEach(path -> {});
              }
            })
        .hasCauseInstanceOf(FileSystemLoopException.class);
    EnumSet.allOf(FileVisitOption.class);
  }

  // ---- links

  @Test
  void symbolicLinksKeepTheirTargetAsGiven() throws IOException {
    for (String target : List.of("a", "../b", "/abs/c", "./x")) {
      Path link = dir.resolve("l" + target.length());
      Files.createSymbolicLink(link, pool.path(target));
      assertThat(Files.readSymbolicLink(link)).isEqualTo(pool.path(target));
      assertThat(Files.isSymbolicLink(link)).isTrue();
    }
  }

  @Test
  void readingALinkThatIsNoneIsNotLink() throws IOException {
    Path made = file("a", "");
    assertThatThrownBy(() -> Files.readSymbolicLink(made)).isInstanceOf(NotLinkException.class);
    assertThatThrownBy(() -> Files.readSymbolicLink(dir.resolve("no")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void aLinkInTheWayIsFileAlreadyExists() throws IOException {
    Path made = file("a", "");
    assertThatThrownBy(() -> Files.createSymbolicLink(made, made))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThatThrownBy(() -> Files.createLink(made, made))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void loopsOfLinksAreIOExceptions() throws IOException {
    Files.createSymbolicLink(dir.resolve("a"), dir.resolve("b"));
    Files.createSymbolicLink(dir.resolve("b"), dir.resolve("a"));
    assertThatThrownBy(() -> Files.readAllBytes(dir.resolve("a")))
        .isInstanceOf(FileSystemException.class);
    assertThatThrownBy(() -> dir.resolve("a").toRealPath()).isInstanceOf(FileSystemException.class);
  }

  @Test
  void hardLinksAreTheSameFile() throws IOException {
    Path made = file("a", "x");
    Path link = Files.createLink(dir.resolve("b"), made);
    assertThat(Files.isSameFile(made, link)).isTrue();
    assertThat(Files.getAttribute(made, "unix:nlink")).isEqualTo(2);
    Files.writeString(link, "yy");
    assertThat(Files.readString(made)).isEqualTo("yy");
    assertThatThrownBy(() -> Files.createLink(dir.resolve("c"), dir.resolve("no")))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> Files.createLink(dir.resolve("c"), dir))
        .isInstanceOf(IOException.class);
  }

  @Test
  void isSameFileComparesFilesNotNames() throws IOException {
    Path made = file("a", "x");
    Path link = Files.createSymbolicLink(dir.resolve("l"), made);
    assertThat(Files.isSameFile(made, link)).isTrue();
    assertThat(Files.isSameFile(made, file("b", "x"))).isFalse();
    assertThat(Files.isSameFile(dir.resolve("no"), dir.resolve("no"))).isTrue();
    assertThatThrownBy(() -> Files.isSameFile(made, dir.resolve("no")))
        .isInstanceOf(NoSuchFileException.class);
    assertThat(Files.isSameFile(made, Path.of("/"))).isFalse();
  }

  // ---- access

  @Test
  void accessFollowsPermissions() throws IOException {
    Path made = file("a", "x");
    Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("r--r--r--"));
    try (FileSystem other = pool.view(Map.of("uid", 1000, "gid", 1000))) {
      Path seen = other.getPath(made.toString());
      assertThat(Files.isReadable(seen)).isTrue();
      assertThat(Files.isWritable(seen)).isFalse();
      assertThat(Files.isExecutable(seen)).isFalse();
      assertThatThrownBy(() -> Files.writeString(seen, "y"))
          .isInstanceOf(AccessDeniedException.class);
      assertThatThrownBy(() -> Files.createFile(seen.resolveSibling("b")))
          .isInstanceOf(AccessDeniedException.class);
      assertThatThrownBy(() -> Files.delete(seen)).isInstanceOf(AccessDeniedException.class);
    }
  }

  @Test
  void existenceIsToldOfLinksAndTheirTargets() throws IOException {
    Path dangling = Files.createSymbolicLink(dir.resolve("l"), dir.resolve("no"));
    assertThat(Files.exists(dangling)).isFalse();
    assertThat(Files.notExists(dangling)).isTrue();
    assertThat(Files.exists(dangling, LinkOption.NOFOLLOW_LINKS)).isTrue();
  }

  @Test
  void namesThatBeginWithADotAreHidden() throws IOException {
    assertThat(Files.isHidden(dir.resolve(".a"))).isTrue();
    assertThat(Files.isHidden(dir.resolve("a"))).isFalse();
    assertThat(Files.isHidden(pool.path("/"))).isFalse();
    assertThat(Files.isHidden(pool.path(""))).isFalse();
  }

  @Test
  void contentTypesAreProbedByName() throws IOException {
    assertThat(Files.probeContentType(file("a.html", "<p>"))).isEqualTo("text/html");
  }

  // ---- read-only

  @Test
  void aReadOnlyFileSystemRefusesEveryChange() throws IOException {
    Path made = file("a", "x");
    try (FileSystem other = pool.view(Map.of("readOnly", true))) {
      Path seen = other.getPath(made.toString());
      assertThat(other.isReadOnly()).isTrue();
      assertThat(Files.readString(seen)).isEqualTo("x");
      assertThat(Files.isWritable(seen)).isFalse();
      List<org.assertj.core.api.ThrowableAssert.ThrowingCallable> changes =
          List.of(
              () -> Files.writeString(seen, "y"),
              () -> Files.createFile(seen.resolveSibling("b")),
              () -> Files.createDirectory(seen.resolveSibling("b")),
              () -> Files.createSymbolicLink(seen.resolveSibling("b"), seen),
              () -> Files.createLink(seen.resolveSibling("b"), seen),
              () -> Files.delete(seen),
              () -> Files.move(seen, seen.resolveSibling("b")),
              () -> Files.copy(seen, seen.resolveSibling("b")),
              () -> Files.setPosixFilePermissions(seen, Set.of()),
              () -> Files.setAttribute(seen, "user:x", new byte[1]));
      for (var change : changes) {
        assertThatThrownBy(change).isInstanceOf(ReadOnlyFileSystemException.class);
      }
    }
    assertThat(names(dir)).containsExactly("a");
  }

  @Test
  void createDirectoriesOfWhatExistsWorksReadOnly() throws IOException {
    try (FileSystem other = pool.view(Map.of("readOnly", true))) {
      Path seen = other.getPath(dir.toString());
      assertThat(Files.createDirectories(seen)).isEqualTo(seen);
      assertThatThrownBy(() -> Files.createDirectory(seen))
          .isInstanceOf(FileAlreadyExistsException.class);
    }
  }

  @Test
  void walkFileTreeVisitsAndDeletesWhole() throws IOException {
    Files.createDirectories(dir.resolve("x/y/z"));
    Files.writeString(dir.resolve("x/y/f"), "1");
    Files.createSymbolicLink(dir.resolve("x/l"), pool.path("/"));
    Files.walkFileTree(
        dir,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            assertThat(attributes.isDirectory()).isFalse();
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
              throws IOException {
            assertThat(failure).isNull();
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
          }
        });
    assertThat(Files.exists(dir)).isFalse();
  }

  @Test
  void namesOfAllLengthsUpToTheLimitWork() throws IOException {
    Path longest = Files.createFile(dir.resolve("n".repeat(255)));
    assertThat(Files.exists(longest)).isTrue();
    assertThatThrownBy(() -> Files.createFile(dir.resolve("n".repeat(256))))
        .isInstanceOf(FileSystemException.class)
        .hasMessageContaining("too long");
    assertThat(Files.exists(dir.resolve("n".repeat(256)))).isFalse();
  }

  @Test
  void aFullFileSystemSaysSoAndRecovers() throws IOException {
    try (TestPool small = TestPool.create()) {
      Path big = small.path("/big");
      byte[] content = new byte[1 << 20];
      new Random(5).nextBytes(content);
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 100; i++) {
                  Files.write(big, content, CREATE, APPEND);
                }
              })
          .isInstanceOf(FileSystemException.class)
          .hasMessageContaining("no space");
      Files.delete(big);
      small.pool.sync();
      assertThat(Files.write(small.path("/next"), content)).exists();
    }
  }

  // ---- other providers

  @Test
  void pathsOfOtherProvidersAreRefused(@TempDir Path host) throws IOException {
    Path made = file("a", "x");
    var provider = pool.fs.provider();
    assertThatThrownBy(() -> provider.newByteChannel(host, Set.of()))
        .isInstanceOf(ProviderMismatchException.class);
    assertThatThrownBy(() -> provider.copy(made, host.resolve("x")))
        .isInstanceOf(ProviderMismatchException.class);
    assertThatThrownBy(() -> provider.createSymbolicLink(dir.resolve("l"), host))
        .isInstanceOf(ProviderMismatchException.class);
  }

  @Test
  void writeOnlyChannelsDoNotRead() throws IOException {
    try (SeekableByteChannel channel = Files.newByteChannel(dir.resolve("a"), CREATE, WRITE)) {
      assertThatThrownBy(() -> channel.read(ByteBuffer.allocate(1)))
          .isInstanceOf(NonReadableChannelException.class);
    }
  }
}
