package io.lcpfs.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardOpenOption;
import java.nio.file.WatchService;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.spi.FileSystemProvider;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Opening, finding and closing file systems. */
class ProviderTest {
  @TempDir Path host;

  private static final Map<String, String> CREATE = Map.of("create", "true", "size", "96M");

  private URI uri(String rest) {
    return URI.create("lcpfs:" + host.toAbsolutePath() + rest);
  }

  @Test
  void theJdkFindsTheProvider() {
    assertThat(FileSystemProvider.installedProviders())
        .filteredOn(provider -> provider.getScheme().equals("lcpfs"))
        .hasSize(1)
        .hasOnlyElementsOfType(LcpfsFileSystemProvider.class);
  }

  @Test
  void aUriMakesOpensAndReopensAPool() throws IOException {
    URI pool = uri("/my.pool");
    try (FileSystem fs = FileSystems.newFileSystem(pool, CREATE)) {
      Files.writeString(fs.getPath("/a"), "kept");
      assertThat(FileSystems.getFileSystem(pool)).isSameAs(fs);
      assertThat(Path.of(uri("/my.pool!/a"))).isEqualTo(fs.getPath("/a"));
      assertThat(fs.getPath("/a").toUri()).isEqualTo(uri("/my.pool!/a"));
      assertThat(fs.getFileStores().iterator().next().name()).isEqualTo("my");
    }
    assertThatThrownBy(() -> FileSystems.getFileSystem(pool))
        .isInstanceOf(FileSystemNotFoundException.class);
    assertThatThrownBy(() -> Path.of(uri("/my.pool!/a")))
        .isInstanceOf(FileSystemNotFoundException.class);
    try (FileSystem fs = FileSystems.newFileSystem(pool, Map.of())) {
      assertThat(Files.readString(fs.getPath("/a"))).isEqualTo("kept");
    }
  }

  @Test
  void aUriThatIsOpenIsNotOpenedAgain() throws IOException {
    URI pool = uri("/my.pool");
    try (FileSystem fs = FileSystems.newFileSystem(pool, CREATE)) {
      assertThatThrownBy(() -> FileSystems.newFileSystem(pool, Map.of()))
          .isInstanceOf(FileSystemAlreadyExistsException.class);
      assertThatThrownBy(() -> FileSystems.newFileSystem(uri("/./x/../my.pool!/"), Map.of()))
          .isInstanceOf(FileSystemAlreadyExistsException.class);
      assertThat(fs.isOpen()).isTrue();
    }
  }

  @Test
  void aPathOpensAPoolThroughTheJdk() throws IOException {
    Path file = host.resolve("pool.img");
    try (FileSystem fs = LcpfsFileSystems.openOrCreate(file, Map.of("size", 96 << 20))) {
      Files.writeString(fs.getPath("/a"), "kept");
    }
    try (FileSystem fs = FileSystems.newFileSystem(file)) {
      assertThat(fs.provider().getScheme()).isEqualTo("lcpfs");
      assertThat(Files.readString(fs.getPath("/a"))).isEqualTo("kept");
      try (FileSystem again = FileSystems.newFileSystem(file, Map.of("readOnly", "true"))) {
        assertThat(again).isNotSameAs(fs);
        assertThat(Files.readString(again.getPath("/a"))).isEqualTo("kept");
        assertThatThrownBy(() -> Files.delete(again.getPath("/a")))
            .isInstanceOf(ReadOnlyFileSystemException.class);
      }
      assertThat(fs.isOpen()).isTrue();
      Files.delete(fs.getPath("/a"));
    }
  }

  @Test
  void anEmptyFileBecomesAPoolWhenAsked() throws IOException {
    Path file = Files.createFile(host.resolve("pool.img"));
    assertThatThrownBy(() -> FileSystems.newFileSystem(file, Map.of("size", "96M")).close())
        .isInstanceOf(Exception.class);
    try (FileSystem fs = FileSystems.newFileSystem(file, CREATE)) {
      assertThat(fs.provider().getScheme()).isEqualTo("lcpfs");
      assertThat(Files.size(file)).isEqualTo(96 << 20);
    }
  }

  @Test
  void filesOfOtherKindsAreLeftToOtherProviders() throws IOException {
    Path text = Files.writeString(host.resolve("text"), "no pool at all");
    FileSystemProvider own = LcpfsFileSystemProvider.installed();
    for (Path file : List.of(text, host)) {
      assertThatThrownBy(() -> own.newFileSystem(file, CREATE))
          .isInstanceOf(UnsupportedOperationException.class);
    }
    assertThatThrownBy(() -> own.newFileSystem(host.resolve("new.zip"), CREATE))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> own.newFileSystem(host.resolve("no"), Map.of()))
        .isInstanceOf(NoSuchFileException.class);
    try (FileSystem zip =
        FileSystems.newFileSystem(host.resolve("x.zip"), Map.of("create", "true"))) {
      assertThat(zip.provider().getScheme()).isEqualTo("jar");
    }
    assertThatThrownBy(() -> FileSystems.newFileSystem(uri("/text"), Map.of()))
        .isInstanceOf(IOException.class);
    assertThat(Files.readString(text)).isEqualTo("no pool at all");
  }

  @Test
  void datasetsAreFileSystemsOfTheirOwn() throws IOException {
    URI root = uri("/p.img");
    URI home = uri("/p.img!home/alice!/");
    try (FileSystem top = FileSystems.newFileSystem(root, CREATE)) {
      assertThatThrownBy(() -> FileSystems.newFileSystem(home, Map.of()))
          .isInstanceOf(NoSuchFileException.class);
      try (FileSystem alice = FileSystems.newFileSystem(home, CREATE)) {
        Files.writeString(alice.getPath("/a"), "hers");
        assertThat(Files.exists(top.getPath("/a"))).isFalse();
        assertThat(alice.getPath("/a").toUri()).isEqualTo(uri("/p.img!home/alice!/a"));
        assertThat(Path.of(uri("/p.img!home/alice!/a"))).isEqualTo(alice.getPath("/a"));
      }
    }
    try (FileSystem alice =
        FileSystems.newFileSystem(host.resolve("p.img"), Map.of("dataset", "home/alice"))) {
      assertThat(Files.readString(alice.getPath("/a"))).isEqualTo("hers");
    }
  }

  @Test
  void optionsAreChecked() throws IOException {
    URI pool = uri("/p.img");
    for (Map<String, ?> bad :
        List.<Map<String, ?>>of(
            Map.of("create", true, "nosuch", 1),
            Map.of("create", "maybe"),
            Map.of("create", true, "size", "many"),
            Map.of("create", true, "size", -1),
            Map.of("create", true, "uid", "me"),
            Map.of("create", true, "compression", "none-such"),
            Map.of("create", true, "groups", "1,2"))) {
      assertThatThrownBy(() -> FileSystems.newFileSystem(pool, bad))
          .as(bad.toString())
          .isInstanceOfAny(IllegalArgumentException.class, NoSuchFileException.class);
    }
    assertThat(Files.exists(host.resolve("p.img"))).isFalse();
    assertThatThrownBy(
            () -> FileSystems.newFileSystem(uri("/p.img"), Map.of("create", true, "size", "1M")))
        .isInstanceOf(IOException.class);
    assertThat(Files.exists(host.resolve("p.img"))).isFalse();
    assertThatThrownBy(() -> FileSystems.newFileSystem(URI.create("lcpfs://12/x!/"), Map.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void theNamedUserOwnsWhatIsMade() throws IOException {
    Map<String, ?> options =
        Map.of("create", true, "size", "96M", "uid", 1000, "gid", 1001, "compression", "zstd");
    try (FileSystem fs = FileSystems.newFileSystem(uri("/p.img"), options)) {
      Path made = Files.createFile(fs.getPath("/mine"));
      assertThat(Files.readAttributes(made, "unix:uid,gid"))
          .containsOnly(Map.entry("uid", 1000), Map.entry("gid", 1001));
      assertThat(Files.getAttribute(fs.getPath("/"), "unix:uid")).isEqualTo(1000);
    }
  }

  @Test
  void whatWasForcedOrSynchronousIsOnTheDiskBeforeClose() throws IOException {
    Path image = host.resolve("p.img");
    Path copy = host.resolve("copy.img");
    try (FileSystem fs = LcpfsFileSystems.openOrCreate(image, Map.of("size", "96M"))) {
      try (FileChannel forced =
          FileChannel.open(
              fs.getPath("/forced"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        forced.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
        forced.force(false);
      }
      for (StandardOpenOption option : List.of(StandardOpenOption.SYNC, StandardOpenOption.DSYNC)) {
        Files.write(
            fs.getPath("/" + option),
            new byte[10_000],
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            option);
      }
      // As a crash now would leave it.
      Files.copy(image, copy);
    }
    try (FileSystem fs = LcpfsFileSystems.open(copy, Map.of())) {
      assertThat(Files.readAllBytes(fs.getPath("/forced"))).containsExactly(1, 2, 3);
      assertThat(Files.size(fs.getPath("/SYNC"))).isEqualTo(10_000);
      assertThat(Files.size(fs.getPath("/DSYNC"))).isEqualTo(10_000);
    }
  }

  @Test
  void aPoolInUseElsewhereIsRefused() throws IOException {
    Path file = host.resolve("p.img");
    LcpfsFileSystems.openOrCreate(file, Map.of("size", "96M")).close();
    try (var env = new io.lcpfs.env.RealEnv();
        var pool =
            io.lcpfs.api.PoolDevices.open(
                List.of(file), io.lcpfs.pool.OpenOptions.standard(), env)) {
      assertThatThrownBy(() -> FileSystems.newFileSystem(uri("/p.img"), Map.of()))
          .isInstanceOf(FileSystemException.class);
      assertThat(pool.name()).isEqualTo("p");
    }
    FileSystems.newFileSystem(uri("/p.img"), Map.of()).close();
  }

  @Test
  void attachedDatasetsAreFoundByTheirUri() throws IOException {
    try (TestPool pool = TestPool.create()) {
      Path path = Files.writeString(pool.path("/a"), "x");
      assertThat(Path.of(path.toUri())).isEqualTo(path);
      FileSystem view = LcpfsFileSystems.of(pool.dataset, Map.of("readOnly", true));
      assertThat(view).isNotEqualTo(pool.fs);
      assertThatThrownBy(() -> LcpfsFileSystems.of(pool.dataset, Map.of("size", "1G")))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(Files.isSameFile(view.getPath("/a"), path)).isTrue();
      view.close();
      assertThat(Files.readString(path)).isEqualTo("x");
      assertThat(FileSystems.getFileSystem(path.toUri())).isSameAs(pool.fs);
    }
  }

  // ---- closed

  @Test
  @SuppressWarnings("StreamResourceLeak") // closed with the file system, which is what is tested
  void aClosedFileSystemRefusesEveryCall() throws IOException {
    TestPool pool = TestPool.create();
    FileSystem fs = LcpfsFileSystems.of(pool.dataset, Map.of());
    Path a = Files.writeString(fs.getPath("/a"), "x");
    FileChannel channel = FileChannel.open(a, StandardOpenOption.READ, StandardOpenOption.WRITE);
    DirectoryStream<Path> stream = Files.newDirectoryStream(fs.getPath("/"));
    Iterator<Path> names = stream.iterator();
    WatchService watcher = fs.newWatchService();
    fs.close();
    fs.close();
    assertThat(fs.isOpen()).isFalse();
    assertThat(channel.isOpen()).isFalse();
    assertThatThrownBy(() -> channel.read(ByteBuffer.allocate(1)))
        .isInstanceOfAny(ClosedChannelException.class, ClosedFileSystemException.class);
    assertThat(names.hasNext()).isFalse();
    assertThatThrownBy(watcher::poll).isInstanceOf(ClosedWatchServiceException.class);
    List<ThrowingCallable> calls =
        List.of(
            () -> Files.readAttributes(a, PosixFileAttributes.class),
            () -> Files.readAttributes(a, "*"),
            () -> Files.setAttribute(a, "unix:uid", 1),
            () -> Files.setAttribute(a, "user:x", new byte[1]),
            () -> Files.readAttributes(a, "user:*"),
            () -> Files.newByteChannel(a),
            () -> Files.createFile(fs.getPath("/b")),
            () -> Files.createDirectory(fs.getPath("/b")),
            () -> Files.createSymbolicLink(fs.getPath("/b"), a),
            () -> Files.createLink(fs.getPath("/b"), a),
            () -> Files.readSymbolicLink(a),
            () -> Files.delete(a),
            () -> Files.copy(a, fs.getPath("/b")),
            () -> Files.move(a, fs.getPath("/b")),
            () -> Files.newDirectoryStream(fs.getPath("/")),
            () -> Files.isSameFile(a, fs.getPath("/b")),
            () -> a.toRealPath(),
            () -> Files.getFileStore(a),
            () -> fs.newWatchService(),
            () -> fs.provider().checkAccess(a));
    for (ThrowingCallable call : calls) {
      assertThatThrownBy(call).isInstanceOf(ClosedFileSystemException.class);
    }
    assertThat(a.getFileName()).hasToString("a");
    assertThat(Files.readString(pool.path("/a"))).isEqualTo("x");
    pool.close();
  }

  @Test
  void aPoolThatWasClosedUnderneathReadsAsClosed() throws IOException {
    TestPool pool = TestPool.create();
    Path a = Files.writeString(pool.path("/a"), "x");
    pool.pool.close();
    assertThatThrownBy(() -> Files.readAllBytes(a))
        .isInstanceOfAny(ClosedFileSystemException.class, IOException.class);
    pool.close();
  }

  @Test
  void theFileSystemTellsWhatItIs() throws IOException {
    try (TestPool pool = TestPool.create()) {
      assertThat(pool.fs.getSeparator()).isEqualTo("/");
      assertThat(pool.fs.getRootDirectories()).containsExactly(pool.path("/"));
      assertThat(pool.fs.isOpen()).isTrue();
      assertThat(pool.fs.isReadOnly()).isFalse();
      assertThat(pool.fs.supportedFileAttributeViews())
          .isEqualTo(Set.of("basic", "lcpfs", "posix", "owner", "unix", "user"));
      pool.dataset.setProperty("readonly", "on");
      assertThat(pool.fs.isReadOnly()).isTrue();
      assertThatThrownBy(() -> Files.createFile(pool.path("/b")))
          .isInstanceOf(ReadOnlyFileSystemException.class);
    }
  }
}
