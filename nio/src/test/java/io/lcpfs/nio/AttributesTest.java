package io.lcpfs.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.attribute.AclFileAttributeView;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.DosFileAttributeView;
import java.nio.file.attribute.DosFileAttributes;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.FileStoreAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Attribute views, attributes by name, principals and file stores. */
class AttributesTest {
  private static TestPool pool;
  private static int count;
  private Path dir;
  private Path file;
  private Path link;

  @BeforeAll
  static void makePool() {
    pool = TestPool.create();
  }

  @AfterAll
  static void closePool() throws IOException {
    pool.close();
  }

  @BeforeEach
  void makeFiles() throws IOException {
    dir = Files.createDirectory(pool.path("/a" + count++));
    file = Files.writeString(dir.resolve("f"), "12345");
    link = Files.createSymbolicLink(dir.resolve("l"), pool.path("f"));
  }

  private static <V extends java.nio.file.attribute.FileAttributeView> V view(
      Path path, Class<V> type, LinkOption... options) {
    return Objects.requireNonNull(Files.getFileAttributeView(path, type, options));
  }

  // ---- basic

  @Test
  void typesAndSizesAreTold() throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    assertThat(attributes.isRegularFile()).isTrue();
    assertThat(attributes.isDirectory() || attributes.isSymbolicLink() || attributes.isOther())
        .isFalse();
    assertThat(attributes.size()).isEqualTo(5);
    assertThat(Files.readAttributes(dir, BasicFileAttributes.class).isDirectory()).isTrue();
    assertThat(Files.readAttributes(link, BasicFileAttributes.class).isRegularFile()).isTrue();
    BasicFileAttributes ofLink =
        Files.readAttributes(link, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    assertThat(ofLink.isSymbolicLink()).isTrue();
    assertThat(ofLink.size()).isEqualTo(1);
  }

  @Test
  void fifosAreOther() throws IOException {
    pool.dataset
        .fileSystem()
        .paths()
        .mknod(PathText.encode(dir + "/p"), 0x1000 | 0644, 0, io.lcpfs.posix.Caller.ROOT);
    BasicFileAttributes attributes =
        Files.readAttributes(dir.resolve("p"), BasicFileAttributes.class);
    assertThat(attributes.isOther()).isTrue();
    assertThat(attributes.isRegularFile()).isFalse();
  }

  @Test
  void fileKeysAreThoseOfFilesNotOfNames() throws IOException {
    Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    Path moved = Files.move(file, dir.resolve("g"));
    assertThat(Files.readAttributes(moved, BasicFileAttributes.class).fileKey()).isEqualTo(key);
    Files.writeString(file, "new");
    assertThat(Files.readAttributes(file, BasicFileAttributes.class).fileKey()).isNotEqualTo(key);
  }

  @Test
  void timesAreSetToTheNanosecond() throws IOException {
    FileTime modified = FileTime.from(Instant.ofEpochSecond(1_000_000_000, 123_456_789));
    FileTime accessed = FileTime.from(Instant.ofEpochSecond(-5, 7));
    view(file, BasicFileAttributeView.class).setTimes(modified, accessed, null);
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    assertThat(attributes.lastModifiedTime()).isEqualTo(modified);
    assertThat(attributes.lastAccessTime()).isEqualTo(accessed);
    Files.setLastModifiedTime(file, FileTime.fromMillis(5));
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(FileTime.fromMillis(5));
    assertThat(Files.readAttributes(file, BasicFileAttributes.class).lastAccessTime())
        .isEqualTo(accessed);
  }

  @Test
  void timesBeyondTheRangeOfNanosecondsAreKept() throws IOException {
    FileTime far = FileTime.from(Instant.parse("+12345-01-01T00:00:00Z"));
    Files.setLastModifiedTime(file, far);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(far);
  }

  @Test
  void timesOfALinkAreItsOwn() throws IOException {
    FileTime time = FileTime.fromMillis(77_000);
    view(link, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS).setTimes(time, null, null);
    assertThat(Files.getLastModifiedTime(link, LinkOption.NOFOLLOW_LINKS)).isEqualTo(time);
    assertThat(Files.getLastModifiedTime(file)).isNotEqualTo(time);
  }

  @Test
  void creationTimeIsTheTruthAndStays() throws IOException {
    FileTime born = Files.readAttributes(file, BasicFileAttributes.class).creationTime();
    assertThat(born.toInstant()).isBetween(Instant.now().minusSeconds(100), Instant.now());
    Files.setAttribute(file, "creationTime", FileTime.fromMillis(1));
    view(file, BasicFileAttributeView.class).setTimes(null, null, FileTime.fromMillis(1));
    assertThat(Files.getAttribute(file, "creationTime")).isEqualTo(born);
  }

  @Test
  void attributesOfNothingAreNoSuchFile() {
    Path no = dir.resolve("no");
    assertThatThrownBy(() -> Files.readAttributes(no, BasicFileAttributes.class))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> Files.readAttributes(no, "*")).isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> Files.setLastModifiedTime(no, FileTime.fromMillis(0)))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> Files.getFileStore(no)).isInstanceOf(NoSuchFileException.class);
  }

  // ---- posix and owner

  @Test
  void everySetOfPermissionsIsKept() throws IOException {
    for (String mode : new String[] {"---------", "rwxrwxrwx", "r-xr-x---", "-w--w--w-"}) {
      Set<PosixFilePermission> permissions = PosixFilePermissions.fromString(mode);
      Files.setPosixFilePermissions(file, permissions);
      assertThat(Files.getPosixFilePermissions(file)).isEqualTo(permissions);
      assertThat(Files.readAttributes(file, PosixFileAttributes.class).permissions())
          .isEqualTo(permissions);
    }
  }

  @Test
  void ownersAndGroupsAreThoseOfTheHostOrNumbers() throws IOException {
    UserPrincipalLookupService lookup = pool.fs.getUserPrincipalLookupService();
    assertThat(Files.getOwner(file).getName()).isEqualTo("root");
    UserPrincipal user = lookup.lookupPrincipalByName("123456");
    GroupPrincipal group = lookup.lookupPrincipalByGroupName("654321");
    Files.setOwner(file, user);
    PosixFileAttributeView view = view(file, PosixFileAttributeView.class);
    view.setGroup(group);
    assertThat(view.name()).isEqualTo("posix");
    assertThat(view.getOwner()).isEqualTo(user);
    assertThat(view.readAttributes().owner()).isEqualTo(user).hasToString("123456");
    assertThat(view.readAttributes().group()).isEqualTo(group).hasToString("654321");
    assertThat(lookup.lookupPrincipalByName("root")).isEqualTo(lookup.lookupPrincipalByName("0"));
    assertThat(lookup.lookupPrincipalByName("root"))
        .isNotEqualTo(lookup.lookupPrincipalByGroupName("root"));
    assertThatThrownBy(() -> lookup.lookupPrincipalByName("no such user"))
        .isInstanceOf(UserPrincipalNotFoundException.class);
    assertThatThrownBy(() -> lookup.lookupPrincipalByGroupName("no such group"))
        .isInstanceOf(UserPrincipalNotFoundException.class);
  }

  @Test
  void principalsOfOtherProvidersAreRefused() throws IOException {
    UserPrincipal host =
        Path.of("/").getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("root");
    assertThatThrownBy(() -> Files.setOwner(file, host))
        .isInstanceOf(ProviderMismatchException.class);
  }

  @Test
  void ownerViewsTellTheOwner() throws IOException {
    FileOwnerAttributeView view = view(file, FileOwnerAttributeView.class);
    assertThat(view.name()).isEqualTo("owner");
    view.setOwner(pool.fs.getUserPrincipalLookupService().lookupPrincipalByName("42"));
    assertThat(Files.getAttribute(file, "unix:uid")).isEqualTo(42);
    assertThat(Files.readAttributes(file, "owner:*")).containsOnlyKeys("owner");
  }

  @Test
  void onlyOwnersChangeAttributes() throws IOException {
    try (FileSystem other = pool.view(Map.of("uid", "1000", "gid", "1000"))) {
      Path seen = other.getPath(file.toString());
      assertThatThrownBy(() -> Files.setPosixFilePermissions(seen, Set.of()))
          .isInstanceOf(FileSystemException.class)
          .hasMessageContaining("not permitted");
      assertThatThrownBy(() -> Files.setAttribute(seen, "unix:uid", 1000))
          .isInstanceOf(FileSystemException.class);
    }
  }

  @Test
  void viewsThatAreNotThereAreNull() {
    assertThat(Files.getFileAttributeView(file, DosFileAttributeView.class)).isNull();
    assertThat(Files.getFileAttributeView(file, AclFileAttributeView.class)).isNull();
    assertThatThrownBy(() -> Files.readAttributes(file, DosFileAttributes.class))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  // ---- by name

  @Test
  void namesSelectAttributes() throws IOException {
    assertThat(Files.readAttributes(file, "size,isDirectory"))
        .containsOnly(Map.entry("size", 5L), Map.entry("isDirectory", false));
    assertThat(Files.readAttributes(file, "*"))
        .containsOnlyKeys(
            "lastModifiedTime",
            "lastAccessTime",
            "creationTime",
            "size",
            "isRegularFile",
            "isDirectory",
            "isSymbolicLink",
            "isOther",
            "fileKey");
    assertThat(Files.readAttributes(file, "basic:size,*")).hasSize(9);
    assertThat(Files.readAttributes(file, "posix:*")).hasSize(12).containsKey("permissions");
    assertThat(Files.readAttributes(file, "unix:*"))
        .hasSize(20)
        .containsKeys("mode", "ino", "dev", "rdev", "nlink", "uid", "gid", "ctime");
    assertThat(Files.getAttribute(link, "isSymbolicLink", LinkOption.NOFOLLOW_LINKS))
        .isEqualTo(true);
  }

  @Test
  void unixAttributesHaveTheTypesOfTheHosts() throws IOException {
    Map<String, Object> host = Files.readAttributes(Path.of("/"), "unix:*");
    Map<String, Object> ours = Files.readAttributes(dir, "unix:*");
    for (String name :
        new String[] {"mode", "ino", "dev", "rdev", "nlink", "uid", "gid", "ctime"}) {
      assertThat(ours.get(name)).as(name).hasSameClassAs(Objects.requireNonNull(host.get(name)));
    }
    assertThat(ours).containsOnlyKeys(host.keySet());
  }

  @Test
  void attributesAreSetByName() throws IOException {
    Files.setAttribute(file, "lastModifiedTime", FileTime.fromMillis(9));
    Files.setAttribute(file, "posix:permissions", PosixFilePermissions.fromString("rwx------"));
    Files.setAttribute(file, "unix:gid", 77);
    Files.setAttribute(file, "basic:lastAccessTime", FileTime.fromMillis(11));
    assertThat(Files.readAttributes(file, "unix:mode,gid,lastModifiedTime,lastAccessTime"))
        .containsEntry("mode", 0100700)
        .containsEntry("gid", 77)
        .containsEntry("lastModifiedTime", FileTime.fromMillis(9))
        .containsEntry("lastAccessTime", FileTime.fromMillis(11));
    Files.setAttribute(file, "unix:mode", 0604);
    assertThat(Files.getAttribute(file, "unix:mode")).isEqualTo(0100604);
  }

  @Test
  void wrongNamesAndTypesAreRefused() {
    assertThatThrownBy(() -> Files.readAttributes(file, "nosuch"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Files.readAttributes(file, ""))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Files.readAttributes(file, "dos:*"))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> Files.setAttribute(file, "acl:acl", "x"))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> Files.setAttribute(file, "size", 1L))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Files.setAttribute(file, "posix:nosuch", 1L))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Files.setAttribute(file, "lastModifiedTime", "now"))
        .isInstanceOf(ClassCastException.class);
    assertThatThrownBy(() -> Files.setAttribute(file, "posix:permissions", Set.of("rwx")))
        .isInstanceOf(ClassCastException.class);
    assertThatThrownBy(() -> Files.setAttribute(file, "lastModifiedTime", null))
        .isInstanceOf(NullPointerException.class);
  }

  // ---- user-defined

  @Test
  void userAttributesAreWrittenListedReadAndDeleted() throws IOException {
    UserDefinedFileAttributeView view = view(file, UserDefinedFileAttributeView.class);
    assertThat(view.name()).isEqualTo("user");
    assertThat(view.list()).isEmpty();
    ByteBuffer value = ByteBuffer.wrap(new byte[] {9, 1, 2, 3, 9}, 1, 3);
    assertThat(view.write("näme", value)).isEqualTo(3);
    assertThat(value.hasRemaining()).isFalse();
    assertThat(view.list()).containsExactly("näme");
    assertThat(view.size("näme")).isEqualTo(3);
    ByteBuffer read = ByteBuffer.allocateDirect(10);
    assertThat(view.read("näme", read)).isEqualTo(3);
    assertThat(read.position()).isEqualTo(3);
    assertThat(view.write("näme", ByteBuffer.allocate(0))).isZero();
    assertThat(view.size("näme")).isZero();
    view.delete("näme");
    assertThat(view.list()).isEmpty();
  }

  @Test
  void userAttributesThatAreMissingOrTooLargeAreIOExceptions() throws IOException {
    UserDefinedFileAttributeView view = view(file, UserDefinedFileAttributeView.class);
    view.write("a", ByteBuffer.allocate(10));
    assertThatThrownBy(() -> view.size("no")).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> view.delete("no")).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> view.read("a", ByteBuffer.allocate(9)))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> view.read("a", ByteBuffer.allocate(10).asReadOnlyBuffer()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> view.write("big", ByteBuffer.allocate(1 << 20)))
        .isInstanceOf(IOException.class);
  }

  @Test
  void userAttributesGoByNameToo() throws IOException {
    Files.setAttribute(file, "user:a", new byte[] {1});
    Files.setAttribute(file, "user:b", ByteBuffer.wrap(new byte[] {2, 3}));
    assertThat(Files.readAttributes(file, "user:*")).containsOnlyKeys("a", "b");
    assertThat((byte[]) Files.getAttribute(file, "user:b")).containsExactly(2, 3);
  }

  @Test
  void accessControlListsAreReadAndSetAsText() throws IOException {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    String plain = "user::rw-\ngroup::r--\nother::---\n";
    assertThat(Files.getAttribute(file, "lcpfs:acl")).isEqualTo(plain);
    Files.setAttribute(file, "lcpfs:acl", "mask::rw-,u:1000:rw-,u::rw-,g::r--,o::--- # mine");
    String full = "user::rw-\nuser:1000:rw-\ngroup::r--\nmask::rw-\nother::---\n";
    assertThat(Files.readAttributes(file, "lcpfs:*"))
        .isEqualTo(Map.of("acl", full, "defaultAcl", ""));
    assertThat(Files.getPosixFilePermissions(file))
        .isEqualTo(PosixFilePermissions.fromString("rw-rw----"));
    Files.setAttribute(file, "lcpfs:acl", "");
    assertThat((String) Files.getAttribute(file, "lcpfs:acl")).doesNotContain("1000", "mask");
    Path directory = Files.createDirectory(pool.path("/with-default"));
    Files.setAttribute(directory, "lcpfs:defaultAcl", full);
    Path inside = Files.createFile(directory.resolve("new"));
    assertThat((String) Files.getAttribute(inside, "lcpfs:acl")).contains("user:1000:rw-\n");
    for (String bad : List.of("user:name:rw-", "user::rwz", "x::r--", "mask:7:r--", "user:rw-")) {
      assertThatThrownBy(() -> Files.setAttribute(file, "lcpfs:acl", bad))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(bad);
    }
    assertThatThrownBy(() -> Files.setAttribute(file, "lcpfs:acl", "user::rw-"))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> Files.getAttribute(file, "lcpfs:other"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  // ---- stores

  @Test
  void fileStoresTellTheRoomOfTheDataset() throws IOException {
    FileStore store = Files.getFileStore(file);
    assertThat(store.name()).isEqualTo("tank");
    assertThat(store.type()).isEqualTo("lcpfs");
    assertThat(store.isReadOnly()).isFalse();
    assertThat(store.getTotalSpace()).isBetween(16L << 20, 64L << 20);
    assertThat(store.getUsableSpace()).isBetween(1L << 20, store.getTotalSpace());
    assertThat(store.getUnallocatedSpace()).isBetween(1L << 20, store.getTotalSpace());
    assertThat(store.getBlockSize()).isPositive();
    assertThat(store.getAttribute("totalSpace")).isEqualTo(store.getTotalSpace());
    assertThatThrownBy(() -> store.getAttribute("nosuch"))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThat(store.getFileStoreAttributeView(FileStoreAttributeView.class)).isNull();
    assertThat(pool.fs.getFileStores()).containsExactly(store);
  }

  @Test
  void fileStoresSupportTheViewsThatThereAre() throws IOException {
    FileStore store = Files.getFileStore(file);
    for (String name : pool.fs.supportedFileAttributeViews()) {
      assertThat(store.supportsFileAttributeView(name)).isTrue();
    }
    assertThat(store.supportsFileAttributeView("dos")).isFalse();
    assertThat(store.supportsFileAttributeView(PosixFileAttributeView.class)).isTrue();
    assertThat(store.supportsFileAttributeView(UserDefinedFileAttributeView.class)).isTrue();
    assertThat(store.supportsFileAttributeView(AclFileAttributeView.class)).isFalse();
  }
}
