package io.lcpfs.cli.tree;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.function.BiPredicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The copy between two directories of the host. */
class TreeCopyTest {
  private static final CopyOptions OPTIONS =
      new CopyOptions(true, true, false, false, false, -1, -1, 2, CopyOptions.Reflink.AUTO);

  @TempDir Path directory;
  private Path from = Path.of("");
  private Path to = Path.of("");
  private final List<PoolException> failures = new ArrayList<>();

  @BeforeEach
  void twoDirectories() throws IOException {
    from = Files.createDirectory(directory.resolve("from"));
    to = Files.createDirectory(directory.resolve("to"));
  }

  private CopyReport copy(CopyOptions options) {
    TreeCopy copy = new TreeCopy(options, failures::add);
    try (HostDirectory source = HostDirectory.open(from);
        HostDirectory target = HostDirectory.open(to)) {
      copy.copyContents(source, target);
    }
    return copy.report();
  }

  private static TreeDigest digest(Path tree) {
    try (HostDirectory root = HostDirectory.open(tree)) {
      return TreeDigest.of(root, 2);
    }
  }

  private Path file(String name, String content) throws IOException {
    Path path = from.resolve(name);
    Files.createDirectories(path.getParent() == null ? from : path.getParent());
    return Files.writeString(path, content);
  }

  @Test
  void everyFileDirectoryAndLinkArrivesWithModeAndTime() throws IOException {
    Random random = new Random(7);
    for (int i = 0; i < 300; i++) {
      byte[] content = new byte[random.nextInt(i % 50 == 0 ? 3 << 20 : 5000)];
      random.nextBytes(content);
      Path path = from.resolve("d" + i % 7 + "/e" + i % 3 + "/f" + i);
      Files.createDirectories(path.resolveSibling("."));
      Files.write(path, content);
      Files.setPosixFilePermissions(
          path, PosixFilePermissions.fromString(i % 2 == 0 ? "rwxr-x--x" : "r--r--r--"));
      Files.setLastModifiedTime(path, FileTime.from(Instant.ofEpochSecond(1_000_000_000L + i, i)));
    }
    Files.createSymbolicLink(from.resolve("link"), Path.of("d0/nowhere"));
    Files.createDirectory(from.resolve("empty"));
    Files.setPosixFilePermissions(from.resolve("d3"), PosixFilePermissions.fromString("r-xr-x---"));
    Files.setLastModifiedTime(from.resolve("d2"), FileTime.fromMillis(123_456_789));

    CopyReport report = copy(OPTIONS);

    assertThat(failures).isEmpty();
    assertThat(report.files()).isEqualTo(300);
    assertThat(report.others()).isEqualTo(1);
    assertThat(digest(to).entries()).isEqualTo(digest(from).entries());
    Files.setPosixFilePermissions(from.resolve("d3"), PosixFilePermissions.fromString("rwxrwx---"));
    Files.setPosixFilePermissions(to.resolve("d3"), PosixFilePermissions.fromString("rwxrwx---"));
  }

  /** What answers as {@code real} does, but for the calls that are refused. */
  private static <T> T refusing(
      Class<T> type, T real, BiPredicate<String, Object[]> refused, Errno errno) {
    Object proxy =
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> {
              if (arguments != null && refused.test(method.getName(), arguments)) {
                throw PoolException.posix(errno, "refused");
              }
              try {
                Object answer = method.invoke(real, arguments);
                return switch (answer) {
                  case TreeFile file -> refusing(TreeFile.class, file, refused, errno);
                  case TreeDirectory below -> refusing(TreeDirectory.class, below, refused, errno);
                  case null, default -> answer;
                };
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
    return type.cast(proxy);
  }

  @Test
  void anAttributeThatIsRefusedIsReportedAndEverythingElseIsCopied() throws IOException {
    Files.createDirectory(from.resolve("d"));
    for (String name : List.of("a", "d", "d/b", "z")) {
      Path path = name.equals("d") ? from.resolve(name) : file(name, "content");
      var view = Files.getFileAttributeView(path, UserDefinedFileAttributeView.class);
      assumeThat(view).isNotNull();
      requireNonNull(view).write("big", ByteBuffer.wrap(new byte[] {1}));
      view.write("small", ByteBuffer.wrap(new byte[] {2}));
      Files.setLastModifiedTime(path, FileTime.from(Instant.ofEpochSecond(1_000_000_000)));
    }
    BiPredicate<String, Object[]> big =
        (call, arguments) -> call.equals("setXattr") && arguments[0].equals("user.big");
    for (Errno errno : List.of(Errno.ENOSPC, Errno.E2BIG, Errno.EDQUOT, Errno.EPERM)) {
      failures.clear();
      Path target = Files.createDirectory(directory.resolve("to-" + errno));
      TreeCopy copy = new TreeCopy(OPTIONS, failures::add);
      try (HostDirectory source = HostDirectory.open(from);
          HostDirectory real = HostDirectory.open(target)) {
        copy.copyContents(source, refusing(TreeDirectory.class, real, big, errno));
      }
      assertThat(copy.report().failures()).as(errno.name()).isEqualTo(4);
      assertThat(failures).extracting(e -> e.errno()).containsOnly(errno);
      assertThat(failures)
          .extracting(e -> e.error().message())
          .allSatisfy(text -> assertThat(text).contains("extended attribute user.big"))
          .anySatisfy(text -> assertThat(text).contains(target + "/d/b: "))
          .anySatisfy(text -> assertThat(text).contains(target + "/d: "));
      assertThat(digest(target).entries()).isEqualTo(digest(from).entries());
      var kept =
          requireNonNull(
              Files.getFileAttributeView(
                  target.resolve("d/b"), UserDefinedFileAttributeView.class));
      assertThat(kept.list()).containsExactly("small");
    }
  }

  @Test
  void aFullDestinationEndsTheCopy() throws IOException {
    file("a", "content");
    try (HostDirectory source = HostDirectory.open(from);
        HostDirectory real = HostDirectory.open(to)) {
      TreeDirectory full =
          refusing(
              TreeDirectory.class, real, (call, arguments) -> call.equals("create"), Errno.ENOSPC);
      assertThatThrownBy(() -> new TreeCopy(OPTIONS, failures::add).copyContents(source, full))
          .isInstanceOf(PoolException.class)
          .hasMessageContaining("refused");
    }
    assertThat(failures).isEmpty();
  }

  @Test
  void namesOfOneFileStayNamesOfOneFile() throws IOException {
    Path first = file("a/one", "content");
    Files.createDirectory(from.resolve("b"));
    Files.createLink(from.resolve("b/two"), first);
    Files.createLink(from.resolve("three"), first);
    copy(OPTIONS);
    assertThat(failures).isEmpty();
    Object key = Files.getAttribute(to.resolve("a/one"), "unix:ino");
    assertThat(Files.getAttribute(to.resolve("b/two"), "unix:ino")).isEqualTo(key);
    assertThat(Files.getAttribute(to.resolve("three"), "unix:ino")).isEqualTo(key);
    assertThat(to.resolve("three")).hasContent("content");
  }

  @Test
  void holesStayHoles() throws IOException {
    Path sparse = from.resolve("sparse");
    try (RandomAccessFile file = new RandomAccessFile(sparse.toFile(), "rw")) {
      file.setLength(64 << 20);
      file.seek(20 << 20);
      file.write("island".getBytes(StandardCharsets.UTF_8));
    }
    CopyReport report = copy(OPTIONS);
    assertThat(Files.mismatch(sparse, to.resolve("sparse"))).isEqualTo(-1);
    assertThat(report.bytes()).isLessThan(1 << 20);
    try (HostDirectory root = HostDirectory.open(to)) {
      Attributes copy = root.stat("sparse".getBytes(StandardCharsets.UTF_8));
      assertThat(requireNonNull(copy).storedBytes()).isLessThan(1 << 20);
    }
  }

  @Test
  void extendedAttributesAreKept() throws IOException {
    Path path = file("x", "content");
    UserDefinedFileAttributeView view =
        Files.getFileAttributeView(path, UserDefinedFileAttributeView.class);
    assumeThat(Files.getFileStore(path).supportsFileAttributeView("user")).isTrue();
    view.write("note", StandardCharsets.UTF_8.encode("hello"));
    copy(OPTIONS);
    assertThat(failures).isEmpty();
    assertThat(
            Files.getFileAttributeView(to.resolve("x"), UserDefinedFileAttributeView.class).list())
        .containsExactly("note");
  }

  private static final String LIST = "system.posix_acl_access";
  private static final String DEFAULT = "system.posix_acl_default";

  /** A POSIX access control list that lets one more user read, as an extended attribute. */
  private static byte[] list() {
    ByteBuffer list = ByteBuffer.allocate(4 + 8 * 5).order(ByteOrder.LITTLE_ENDIAN).putInt(2);
    list.putShort((short) 1).putShort((short) 6).putInt(-1);
    list.putShort((short) 2).putShort((short) 4).putInt(1001);
    for (int tag : new int[] {4, 16, 32}) {
      list.putShort((short) tag).putShort((short) 4).putInt(-1);
    }
    return list.array();
  }

  private static SortedMap<String, byte[]> xattrs(Path directory, String name) {
    try (HostDirectory parent = HostDirectory.open(directory);
        TreeFile file = parent.open(name.getBytes(StandardCharsets.UTF_8))) {
      return file.xattrs();
    }
  }

  @Test
  void accessListsAreTheOriginalsNotTheDirectorys() throws IOException {
    file("with", "content");
    file("without", "content");
    try (HostDirectory source = HostDirectory.open(from);
        HostDirectory target = HostDirectory.open(to)) {
      try {
        target.setXattr(DEFAULT, list());
      } catch (PoolException e) {
        assumeThat(e.errno()).as("lists are kept here").isNotEqualTo(Errno.EOPNOTSUPP);
        throw e;
      }
      try (TreeFile file = source.open("with".getBytes(StandardCharsets.UTF_8))) {
        file.setXattr(LIST, list());
      }
    }
    copy(OPTIONS);
    assertThat(failures).isEmpty();
    assertThat(xattrs(to, "with").get(LIST)).isEqualTo(list());
    assertThat(xattrs(to, "without")).doesNotContainKey(LIST);
  }

  @Test
  void setIdBitsAreLeftOutUnlessAskedFor() throws IOException {
    Path path = file("program", "content");
    Files.setAttribute(path, "unix:mode", 04755);
    copy(OPTIONS);
    assertThat((int) Files.getAttribute(to.resolve("program"), "unix:mode") & 07777)
        .isEqualTo(0755);
  }

  @Test
  void aLinkInTheDestinationNeverLeadsOutside() throws IOException {
    Path outside = Files.createDirectory(directory.resolve("outside"));
    Files.writeString(outside.resolve("precious"), "safe");
    file("dir/precious", "evil");
    file("file", "evil");
    Files.createSymbolicLink(to.resolve("dir"), outside);
    Files.createSymbolicLink(to.resolve("file"), outside.resolve("precious"));
    copy(OPTIONS);
    assertThat(outside.resolve("precious")).hasContent("safe");
    assertThat(failures).extracting(PoolException::errno).containsExactly(Errno.ENOTDIR);
    assertThat(Files.isSymbolicLink(to.resolve("file"))).isFalse();
    assertThat(to.resolve("file")).hasContent("evil");
  }

  @Test
  void anExistingFileIsReplacedAndAnExistingDirectoryMerged() throws IOException {
    file("d/new", "new");
    file("d/both", "from");
    Files.createDirectory(to.resolve("d"));
    Files.writeString(to.resolve("d/both"), "to");
    Files.writeString(to.resolve("d/old"), "old");
    copy(OPTIONS);
    assertThat(failures).isEmpty();
    assertThat(to.resolve("d/new")).hasContent("new");
    assertThat(to.resolve("d/both")).hasContent("from");
    assertThat(to.resolve("d/old")).hasContent("old");
    file("d/both", "again");
    copy(new CopyOptions(true, true, false, false, true, -1, -1, 1, CopyOptions.Reflink.AUTO));
    assertThat(to.resolve("d/both")).hasContent("from");
  }

  @Test
  void oneUnreadableEntryDoesNotStopTheRest() throws IOException {
    file("a", "a");
    file("z", "z");
    Files.createDirectory(to.resolve("a"));
    CopyReport report = copy(OPTIONS);
    assertThat(report.failures()).isEqualTo(1);
    assertThat(failures).extracting(PoolException::errno).containsExactly(Errno.EISDIR);
    assertThat(to.resolve("z")).hasContent("z");
  }

  @Test
  void aTreeIsNotCopiedIntoItself() throws IOException {
    file("a/x", "x");
    Path inside = Files.createDirectory(from.resolve("a/b"));
    try (HostDirectory source = HostDirectory.open(from);
        HostDirectory target = HostDirectory.open(inside)) {
      new TreeCopy(OPTIONS, failures::add)
          .copyEntry(
              source,
              "a".getBytes(StandardCharsets.UTF_8),
              target,
              "a".getBytes(StandardCharsets.UTF_8));
    }
    assertThat(failures)
        .extracting(Throwable::getMessage)
        .anyMatch(line -> String.valueOf(line).contains("is where the copy goes"));
    assertThat(inside.resolve("a/x")).hasContent("x");
    assertThat(inside.resolve("a/b")).doesNotExist();
  }

  @Test
  void aFileIsNotCopiedOntoItself() throws IOException {
    file("a", "precious");
    try (HostDirectory source = HostDirectory.open(from)) {
      byte[] name = "a".getBytes(StandardCharsets.UTF_8);
      new TreeCopy(OPTIONS, failures::add).copyEntry(source, name, source, name);
    }
    assertThat(failures).hasSize(1);
    assertThat(from.resolve("a")).hasContent("precious");
  }

  @Test
  void directoriesNeedRecursion() throws IOException {
    Files.createDirectory(from.resolve("d"));
    copy(new CopyOptions(false, true, false, false, false, -1, -1, 1, CopyOptions.Reflink.AUTO));
    assertThat(failures).extracting(PoolException::errno).containsExactly(Errno.EISDIR);
    assertThat(to.resolve("d")).doesNotExist();
  }

  @Test
  void namesThatLeaveTheDirectoryAreRefused() {
    try (HostDirectory root = HostDirectory.open(to)) {
      for (String name : List.of("..", ".", "", "a/b", "/etc/passwd", "a\0b")) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> root.create(bytes)).isInstanceOf(PoolException.class);
        assertThatThrownBy(() -> root.makeDirectory(bytes)).isInstanceOf(PoolException.class);
        assertThatThrownBy(() -> root.directory(bytes)).isInstanceOf(PoolException.class);
      }
    }
    assertThat(to).isEmptyDirectory();
  }

  @Test
  void manySmallFilesLeaveNoDescriptorOpen() throws IOException {
    for (int i = 0; i < 2000; i++) {
      file("d" + i % 20 + "/f" + i, "content " + i);
    }
    long before = descriptors();
    CopyReport report = copy(OPTIONS);
    assertThat(failures).isEmpty();
    assertThat(report.files()).isEqualTo(2000);
    assertThat(descriptors()).isLessThanOrEqualTo(before + 2);
    assertThat(digest(to).entries()).isEqualTo(digest(from).entries());
  }

  private static long descriptors() throws IOException {
    try (var entries = Files.list(Path.of("/proc/self/fd"))) {
      return entries.count();
    }
  }
}
