package io.lcpfs.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.ClosedDirectoryStreamException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** DirectoryStream and SecureDirectoryStream. */
class DirectoryStreamTest {
  private static TestPool pool;
  private static int count;
  private Path dir;
  private SecureDirectoryStream<Path> stream;

  @BeforeAll
  static void makePool() {
    pool = TestPool.create();
  }

  @AfterAll
  static void closePool() throws IOException {
    pool.close();
  }

  @BeforeEach
  void openDirectory() throws IOException {
    dir = Files.createDirectory(pool.path("/s" + count++));
    Files.writeString(dir.resolve("f"), "12345");
    Files.createDirectories(dir.resolve("d/e"));
    Files.createSymbolicLink(dir.resolve("l"), pool.path("d"));
    stream = open(dir);
  }

  @AfterEach
  void closeDirectory() throws IOException {
    stream.close();
  }

  @SuppressWarnings("StreamResourceLeak") // whoever asks closes it
  private static SecureDirectoryStream<Path> open(Path directory) throws IOException {
    DirectoryStream<Path> opened = Files.newDirectoryStream(directory);
    assertThat(opened).isInstanceOf(SecureDirectoryStream.class);
    return (SecureDirectoryStream<Path>) opened;
  }

  private static Path path(String text) {
    return pool.path(text);
  }

  // ---- iteration

  @Test
  void aStreamHasOneIterator() {
    assertThat(stream.iterator().hasNext()).isTrue();
    assertThatThrownBy(stream::iterator).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aClosedStreamHasNoIterator() throws IOException {
    stream.close();
    stream.close();
    assertThatThrownBy(stream::iterator).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void theIteratorEndsAndRemovesNothing() {
    Iterator<Path> names = stream.iterator();
    for (int i = 0; i < 3; i++) {
      assertThat(names.next().getParent()).isEqualTo(dir);
    }
    assertThat(names.hasNext()).isFalse();
    assertThatThrownBy(names::next).isInstanceOf(NoSuchElementException.class);
    assertThatThrownBy(names::remove).isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void closingEndsTheIterationAfterWhatWasReadAhead() throws IOException {
    Iterator<Path> names = stream.iterator();
    assertThat(names.hasNext()).isTrue();
    stream.close();
    assertThat(names.next()).isNotNull();
    assertThat(names.hasNext()).isFalse();
  }

  @Test
  void failuresOfFiltersAreDirectoryIteratorExceptions() throws IOException {
    IOException failure = new IOException("on purpose");
    try (DirectoryStream<Path> filtered =
        Files.newDirectoryStream(
            dir,
            path -> {
              throw failure;
            })) {
      assertThatThrownBy(() -> filtered.iterator().hasNext())
          .isInstanceOf(DirectoryIteratorException.class)
          .hasCause(failure);
    }
  }

  @Test
  void filtersMayLookAtTheFileSystem() throws IOException {
    try (DirectoryStream<Path> filtered = Files.newDirectoryStream(dir, Files::isDirectory)) {
      assertThat(filtered).containsExactlyInAnyOrder(dir.resolve("d"), dir.resolve("l"));
    }
  }

  // ---- calls below the directory

  @Test
  void callsFollowTheDirectoryWhereverItIsMoved() throws IOException {
    Path moved = Files.move(dir, dir.resolveSibling(dir.getFileName() + "moved"));
    try (SeekableByteChannel channel =
        stream.newByteChannel(
            path("new"), Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE))) {
      channel.write(ByteBuffer.wrap(new byte[] {1}));
    }
    assertThat(Files.readAllBytes(moved.resolve("new"))).containsExactly(1);
    try (SeekableByteChannel channel =
        stream.newByteChannel(path("f"), Set.of(StandardOpenOption.READ))) {
      assertThat(channel.size()).isEqualTo(5);
    }
    stream.deleteFile(path("f"));
    assertThat(Files.exists(moved.resolve("f"))).isFalse();
    stream.deleteDirectory(path("d/e"));
    assertThat(Files.exists(moved.resolve("d/e"))).isFalse();
  }

  @Test
  void absolutePathsAreTakenAsTheyAre() throws IOException {
    Path other = Files.writeString(path("/s-absolute"), "x");
    stream.deleteFile(other);
    assertThat(Files.exists(other)).isFalse();
  }

  @Test
  void channelsTakePermissionsAndOptions() throws IOException {
    stream
        .newByteChannel(
            path("new"),
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
        .close();
    assertThat(Files.getAttribute(dir.resolve("new"), "unix:mode")).isEqualTo(0100600);
    assertThatThrownBy(
            () ->
                stream.newByteChannel(
                    path("l"), Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)))
        .isInstanceOf(IOException.class);
  }

  @Test
  void directoriesBelowAreOpenedWithAndWithoutLinks() throws IOException {
    try (SecureDirectoryStream<Path> below = stream.newDirectoryStream(path("l"))) {
      assertThat(below).containsExactly(dir.resolve("l/e"));
    }
    try (SecureDirectoryStream<Path> below =
        stream.newDirectoryStream(path("d"), LinkOption.NOFOLLOW_LINKS)) {
      assertThat(below).containsExactly(dir.resolve("d/e"));
    }
    assertThatThrownBy(() -> stream.newDirectoryStream(path("l"), LinkOption.NOFOLLOW_LINKS))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> stream.newDirectoryStream(path("f")))
        .isInstanceOf(NotDirectoryException.class);
    assertThatThrownBy(() -> stream.newDirectoryStream(path("no")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void filesAndDirectoriesAreDeletedAsSuchOnly() throws IOException {
    assertThatThrownBy(() -> stream.deleteFile(path("d"))).isInstanceOf(FileSystemException.class);
    assertThatThrownBy(() -> stream.deleteDirectory(path("f")))
        .isInstanceOf(FileSystemException.class);
    assertThatThrownBy(() -> stream.deleteDirectory(path("d")))
        .isInstanceOf(DirectoryNotEmptyException.class);
    assertThatThrownBy(() -> stream.deleteFile(path("no"))).isInstanceOf(NoSuchFileException.class);
    stream.deleteFile(path("l"));
    assertThat(Files.exists(dir.resolve("d"))).isTrue();
  }

  @Test
  void movesGoFromOneOpenDirectoryToAnother() throws IOException {
    Path other = Files.createDirectory(pool.path("/s-target" + count));
    try (SecureDirectoryStream<Path> target = open(other)) {
      stream.move(path("f"), target, path("g"));
      assertThat(Files.readString(other.resolve("g"))).isEqualTo("12345");
      stream.move(path("d/e"), stream, path("h"));
      assertThat(Files.isDirectory(dir.resolve("h"))).isTrue();
      assertThatThrownBy(() -> stream.move(path("no"), target, path("x")))
          .isInstanceOf(NoSuchFileException.class);
    }
    try (var second =
            LcpfsFileSystems.of(pool.pool.createDataset("tank/s" + count, Map.of(), false));
        SecureDirectoryStream<Path> far = open(second.getPath("/"))) {
      assertThatThrownBy(() -> stream.move(path("h"), far, path("h")))
          .isInstanceOf(AtomicMoveNotSupportedException.class);
    }
  }

  @Test
  void viewsAreOfTheDirectoryAndOfWhatIsInIt() throws IOException {
    PosixFileAttributeView own =
        Objects.requireNonNull(stream.getFileAttributeView(PosixFileAttributeView.class));
    own.setPermissions(PosixFilePermissions.fromString("rwx------"));
    assertThat(Files.getAttribute(dir, "unix:mode")).isEqualTo(040700);
    assertThat(own.readAttributes().isDirectory()).isTrue();
    BasicFileAttributeView link =
        Objects.requireNonNull(
            stream.getFileAttributeView(
                path("l"), BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS));
    assertThat(link.readAttributes().isSymbolicLink()).isTrue();
    assertThat(
            Objects.requireNonNull(
                    stream.getFileAttributeView(path("f"), BasicFileAttributeView.class))
                .readAttributes()
                .size())
        .isEqualTo(5);
  }

  @Test
  void aClosedStreamRefusesEveryCall() throws IOException {
    PosixFileAttributeView own =
        Objects.requireNonNull(stream.getFileAttributeView(PosixFileAttributeView.class));
    stream.close();
    List<org.assertj.core.api.ThrowableAssert.ThrowingCallable> calls =
        List.of(
            () -> stream.newByteChannel(path("f"), Set.of()),
            () -> stream.newDirectoryStream(path("d")),
            () -> stream.deleteFile(path("f")),
            () -> stream.deleteDirectory(path("d")),
            () -> stream.move(path("f"), stream, path("g")),
            () -> own.readAttributes());
    for (var call : calls) {
      assertThatThrownBy(call).isInstanceOf(ClosedDirectoryStreamException.class);
    }
  }

  @Test
  void deletedDirectoriesListNothingMore() throws IOException {
    Path gone = Files.createDirectory(pool.path("/s-gone" + count));
    try (SecureDirectoryStream<Path> left = open(gone)) {
      Files.delete(gone);
      assertThat(left.iterator().hasNext()).isFalse();
      assertThatThrownBy(
              () ->
                  left.newByteChannel(
                      path("x"), Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE)))
          .isInstanceOf(NoSuchFileException.class);
    }
  }
}
