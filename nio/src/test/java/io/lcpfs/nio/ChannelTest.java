package io.lcpfs.nio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.Channels;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.FileLock;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** FileChannel, method by method. */
class ChannelTest {
  private static TestPool pool;
  private static int count;
  private Path file;
  private FileChannel channel;

  @BeforeAll
  static void makePool() {
    pool = TestPool.create();
  }

  @AfterAll
  static void closePool() throws IOException {
    pool.close();
  }

  @BeforeEach
  void openFile() throws IOException {
    file = Files.writeString(pool.path("/c" + count++), "0123456789");
    channel = FileChannel.open(file, READ, WRITE);
  }

  @AfterEach
  void closeFile() throws IOException {
    channel.close();
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(UTF_8));
  }

  private static String text(ByteBuffer buffer) {
    return UTF_8.decode(buffer.flip()).toString();
  }

  // ---- reading and writing

  @Test
  void readsAdvanceThePositionUntilTheEnd() throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(6);
    assertThat(channel.read(buffer)).isEqualTo(6);
    assertThat(text(buffer)).isEqualTo("012345");
    assertThat(channel.position()).isEqualTo(6);
    assertThat(channel.read(buffer.clear())).isEqualTo(4);
    assertThat(channel.read(buffer.clear())).isEqualTo(-1);
    assertThat(channel.read(ByteBuffer.allocate(0))).isZero();
  }

  @Test
  void everyKindOfBufferIsFilledBetweenPositionAndLimit() throws IOException {
    byte[] array = new byte[20];
    try (Arena arena = Arena.ofConfined()) {
      for (ByteBuffer buffer :
          List.of(
              ByteBuffer.allocate(20),
              ByteBuffer.allocateDirect(20),
              ByteBuffer.wrap(array, 3, 10).slice(),
              ByteBuffer.wrap(array),
              arena.allocate(20).asByteBuffer(),
              MemorySegment.ofArray(array).asByteBuffer())) {
        buffer.position(2).limit(7);
        assertThat(channel.read(buffer, 1)).isEqualTo(5);
        assertThat(buffer.position()).isEqualTo(7);
        assertThat(UTF_8.decode(buffer.flip().position(2)).toString()).isEqualTo("12345");
        buffer.position(2);
        assertThat(channel.write(buffer, 5)).isEqualTo(5);
        assertThat(buffer.hasRemaining()).isFalse();
        assertThat(Files.readString(file)).isEqualTo("0123412345");
        assertThat(channel.write(bytes("56789"), 5)).isEqualTo(5);
      }
    }
  }

  @Test
  void positionalReadsLeaveThePosition() throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(3);
    assertThat(channel.read(buffer, 7)).isEqualTo(3);
    assertThat(channel.position()).isZero();
    assertThat(channel.read(buffer.clear(), 10)).isEqualTo(-1);
    assertThat(channel.read(buffer.clear(), 1L << 50)).isEqualTo(-1);
  }

  @Test
  void writesBehindTheEndLeaveZeros() throws IOException {
    assertThat(channel.write(bytes("x"), 12)).isEqualTo(1);
    assertThat(Files.readAllBytes(file)).endsWith(0, 0, 'x').hasSize(13);
    assertThat(channel.position()).isZero();
  }

  @Test
  void scatterAndGatherGoThroughTheBuffersInOrder() throws IOException {
    ByteBuffer[] buffers = {
      ByteBuffer.allocate(2), ByteBuffer.allocate(0), ByteBuffer.allocate(5), ByteBuffer.allocate(9)
    };
    assertThat(channel.read(buffers)).isEqualTo(10);
    assertThat(text(buffers[0])).isEqualTo("01");
    assertThat(text(buffers[2])).isEqualTo("23456");
    assertThat(text(buffers[3])).isEqualTo("789");
    assertThat(channel.read(new ByteBuffer[] {ByteBuffer.allocate(1)})).isEqualTo(-1);
    channel.position(0);
    assertThat(channel.write(new ByteBuffer[] {bytes("ab"), bytes(""), bytes("cde")})).isEqualTo(5);
    assertThat(Files.readString(file)).isEqualTo("abcde56789");
    assertThatThrownBy(() -> channel.read(buffers, 3, 2))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> channel.write(buffers, -1, 2))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void readOnlyBuffersAreNotReadInto() {
    ByteBuffer readOnly = ByteBuffer.allocate(4).asReadOnlyBuffer();
    assertThatThrownBy(() -> channel.read(readOnly)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> channel.read(readOnly, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void readOnlyBuffersAreWrittenFrom() throws IOException {
    assertThat(channel.write(bytes("abc").asReadOnlyBuffer())).isEqualTo(3);
    assertThat(Files.readString(file)).isEqualTo("abc3456789");
  }

  @Test
  void positionsMayLieBehindTheEndButNotBeforeTheBeginning() throws IOException {
    assertThat(channel.position(100).position()).isEqualTo(100);
    assertThat(channel.read(ByteBuffer.allocate(1))).isEqualTo(-1);
    assertThat(channel.size()).isEqualTo(10);
    assertThatThrownBy(() -> channel.position(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> channel.read(ByteBuffer.allocate(1), -1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> channel.write(ByteBuffer.allocate(1), -1))
        .isInstanceOf(IllegalArgumentException.class);
    channel.write(bytes("x"));
    assertThat(channel.size()).isEqualTo(101);
  }

  @Test
  void truncateCutsAndMovesThePositionBack() throws IOException {
    channel.position(8);
    assertThat(channel.truncate(20).size()).isEqualTo(10);
    assertThat(channel.position()).isEqualTo(8);
    assertThat(channel.truncate(4).size()).isEqualTo(4);
    assertThat(channel.position()).isEqualTo(4);
    assertThat(Files.readString(file)).isEqualTo("0123");
    assertThatThrownBy(() -> channel.truncate(-1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void truncateBehindTheEndStillMovesAPositionBeyondIt() throws IOException {
    channel.position(50);
    channel.truncate(20);
    assertThat(channel.position()).isEqualTo(20);
  }

  @Test
  void forceReturnsForAnyChannel() throws IOException {
    channel.write(bytes("abc"));
    channel.force(false);
    channel.force(true);
    try (FileChannel reader = FileChannel.open(file, READ)) {
      reader.force(true);
    }
  }

  @Test
  void channelsDoOnlyWhatTheyWereOpenedFor() throws IOException {
    try (FileChannel reader = FileChannel.open(file, READ);
        FileChannel writer = FileChannel.open(file, WRITE)) {
      List<ThrowingCallable> writes =
          List.of(
              () -> reader.write(bytes("x")),
              () -> reader.write(bytes("x"), 0),
              () -> reader.write(new ByteBuffer[] {bytes("x")}),
              () -> reader.truncate(1),
              () -> reader.transferFrom(channel, 0, 1),
              () -> channel.transferTo(0, 1, reader),
              () -> reader.lock(0, 1, false),
              () -> reader.map(MapMode.READ_WRITE, 0, 1));
      for (ThrowingCallable write : writes) {
        assertThatThrownBy(write).isInstanceOf(NonWritableChannelException.class);
      }
      List<ThrowingCallable> reads =
          List.of(
              () -> writer.read(ByteBuffer.allocate(1)),
              () -> writer.read(ByteBuffer.allocate(1), 0),
              () -> writer.read(new ByteBuffer[] {ByteBuffer.allocate(1)}),
              () -> writer.transferTo(0, 1, channel),
              () -> channel.transferFrom(writer, 0, 1),
              () -> writer.lock(0, 1, true),
              () -> writer.map(MapMode.READ_ONLY, 0, 1));
      for (ThrowingCallable read : reads) {
        assertThatThrownBy(read).isInstanceOf(NonReadableChannelException.class);
      }
    }
  }

  @Test
  void appendChannelsAppendFromEveryChannel() throws IOException {
    try (FileChannel one = FileChannel.open(file, APPEND);
        FileChannel two = FileChannel.open(file, APPEND)) {
      assertThat(one.position()).isEqualTo(10);
      one.write(bytes("a"));
      two.write(bytes("b"));
      one.write(bytes("c"));
      assertThat(one.position()).isEqualTo(13);
    }
    assertThat(Files.readString(file)).isEqualTo("0123456789abc");
  }

  @Test
  void anOpenFileOutlivesItsName() throws IOException {
    Files.delete(file);
    ByteBuffer buffer = ByteBuffer.allocate(10);
    assertThat(channel.read(buffer)).isEqualTo(10);
    channel.write(bytes("more"));
    assertThat(channel.size()).isEqualTo(14);
  }

  // ---- closing

  @Test
  void aClosedChannelRefusesEveryCall() throws IOException {
    channel.close();
    channel.close();
    assertThat(channel.isOpen()).isFalse();
    List<ThrowingCallable> calls =
        List.of(
            () -> channel.read(ByteBuffer.allocate(1)),
            () -> channel.read(ByteBuffer.allocate(1), 0),
            () -> channel.write(bytes("x")),
            () -> channel.write(bytes("x"), 0),
            () -> channel.position(),
            () -> channel.position(1),
            () -> channel.size(),
            () -> channel.truncate(1),
            () -> channel.force(true),
            () -> channel.lock(),
            () -> channel.tryLock(),
            () -> channel.transferTo(0, 1, Channels.newChannel(new ByteArrayOutputStream())),
            () ->
                channel.transferFrom(
                    Channels.newChannel(new ByteArrayInputStream(new byte[1])), 0, 1),
            () -> channel.map(MapMode.READ_ONLY, 0, 1),
            () -> channel.map(MapMode.READ_ONLY, 0, 1, Arena.global()));
    for (ThrowingCallable call : calls) {
      assertThatThrownBy(call).isInstanceOf(ClosedChannelException.class);
    }
  }

  @Test
  void anInterruptedThreadClosesTheChannelAndStaysInterrupted() throws Exception {
    FutureTask<Boolean> task =
        new FutureTask<>(
            () -> {
              Thread.currentThread().interrupt();
              assertThatThrownBy(() -> channel.read(ByteBuffer.allocate(1)))
                  .isInstanceOf(ClosedByInterruptException.class);
              return Thread.currentThread().isInterrupted();
            });
    Thread.ofPlatform().start(task);
    assertThat(task.get()).isTrue();
    assertThat(channel.isOpen()).isFalse();
    assertThat(Files.readString(file)).isEqualTo("0123456789");
  }

  @Test
  void closingUnderReadersEndsThemWithAsynchronousClose() throws Exception {
    Files.write(file, new byte[1 << 20]);
    for (int round = 0; round < 20; round++) {
      FileChannel shared = FileChannel.open(file, READ);
      CountDownLatch started = new CountDownLatch(2);
      List<FutureTask<Object>> readers =
          List.of(
              new FutureTask<>(() -> loop(shared, started)),
              new FutureTask<>(() -> loop(shared, started)));
      readers.forEach(reader -> Thread.ofPlatform().start(reader));
      started.await();
      shared.close();
      for (FutureTask<Object> reader : readers) {
        assertThatThrownBy(reader::get)
            .isInstanceOf(ExecutionException.class)
            .cause()
            .isInstanceOfAny(AsynchronousCloseException.class, ClosedChannelException.class)
            .isNotInstanceOf(ClosedByInterruptException.class);
      }
    }
    assertThat(pool.dataset.fileSystem().unlinkedCount()).isZero();
  }

  private static Object loop(FileChannel shared, CountDownLatch started) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(64 << 10);
    for (int i = 0; ; i++) {
      shared.read(buffer.clear(), (i % 16) << 16);
      if (i == 0) {
        started.countDown();
      }
    }
  }

  // ---- transfers

  @Test
  void transfersMoveTheRangeAndNoPosition(@TempDir Path host) throws IOException {
    byte[] content = new byte[700_001];
    new Random(1).nextBytes(content);
    Files.write(file, content);
    Path other = host.resolve("out");
    try (FileChannel out = FileChannel.open(other, CREATE, WRITE, READ)) {
      assertThat(channel.transferTo(1, 700_000, out)).isEqualTo(700_000);
      assertThat(Files.readAllBytes(other)).isEqualTo(Arrays.copyOfRange(content, 1, 700_001));
      assertThat(channel.position()).isZero();
      assertThat(channel.transferTo(700_001, 10, out)).isZero();
      assertThat(channel.transferTo(800_000, 10, out)).isZero();
      assertThat(channel.transferTo(700_000, 10, out)).isEqualTo(1);
      out.position(100);
      assertThat(channel.transferFrom(out, 5, 600_000)).isEqualTo(600_000);
      assertThat(channel.transferFrom(out, 800_000, 5)).isZero();
      assertThat(channel.position()).isZero();
    }
    byte[] changed = content.clone();
    System.arraycopy(content, 101, changed, 5, 600_000);
    assertThat(Files.readAllBytes(file)).isEqualTo(changed);
  }

  @Test
  void transfersCheckTheirArguments() throws IOException {
    FileChannel closed = FileChannel.open(file, READ, WRITE);
    closed.close();
    assertThatThrownBy(() -> channel.transferTo(-1, 1, channel))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> channel.transferFrom(channel, 0, -1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> channel.transferTo(0, 1, closed))
        .isInstanceOf(ClosedChannelException.class);
    assertThatThrownBy(() -> channel.transferFrom(closed, 0, 1))
        .isInstanceOf(ClosedChannelException.class);
  }

  @Test
  void transferFromEndsWithTheSource() throws IOException {
    var source = Channels.newChannel(new ByteArrayInputStream("abc".getBytes(UTF_8)));
    assertThat(channel.transferFrom(source, 2, 100)).isEqualTo(3);
    assertThat(Files.readString(file)).isEqualTo("01abc56789");
  }

  // ---- maps

  @Test
  void mappedBuffersAreUnsupported() {
    for (MapMode mode : List.of(MapMode.READ_ONLY, MapMode.READ_WRITE, MapMode.PRIVATE)) {
      assertThatThrownBy(() -> channel.map(mode, 0, 5))
          .isInstanceOf(UnsupportedOperationException.class);
    }
    assertThatThrownBy(() -> channel.map(MapMode.READ_ONLY, -1, 5))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void segmentsAreCopiesAsOfTheCall() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment readOnly = channel.map(MapMode.READ_ONLY, 2, 5, arena);
      MemorySegment own = channel.map(MapMode.PRIVATE, 0, 10, arena);
      channel.write(bytes("xxxxxxxxxx"), 0);
      assertThat(new String(readOnly.toArray(ValueLayout.JAVA_BYTE), UTF_8)).isEqualTo("23456");
      assertThat(readOnly.isReadOnly()).isTrue();
      own.set(ValueLayout.JAVA_BYTE, 0, (byte) 'y');
      assertThat(Files.readString(file)).isEqualTo("xxxxxxxxxx");
      assertThatThrownBy(() -> channel.map(MapMode.READ_WRITE, 0, 1, arena))
          .isInstanceOf(UnsupportedOperationException.class);
      assertThatThrownBy(() -> channel.map(MapMode.READ_ONLY, 5, 6, arena))
          .isInstanceOf(IOException.class);
      assertThatThrownBy(() -> channel.map(MapMode.READ_ONLY, 0, -1, arena))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  // ---- locks

  @Test
  void locksOfOneFileMustNotOverlapInThisJvm() throws IOException {
    try (FileChannel other = FileChannel.open(file, READ, WRITE)) {
      FileLock lock = channel.lock(0, 10, false);
      assertThat(lock.isValid()).isTrue();
      assertThat(lock.isShared()).isFalse();
      assertThatThrownBy(() -> other.tryLock(5, 10, true))
          .isInstanceOf(OverlappingFileLockException.class);
      assertThatThrownBy(() -> channel.lock(9, 1, false))
          .isInstanceOf(OverlappingFileLockException.class);
      assertThat(lock.overlaps(9, 5)).isTrue();
      assertThat(lock.overlaps(10, 5)).isFalse();
      assertThat(lock.channel()).isSameAs(channel);
      FileLock next = other.tryLock(10, 10, true);
      assertThat(next).isNotNull();
      lock.release();
      assertThat(lock.isValid()).isFalse();
      assertThat(other.tryLock(0, 10, false)).isNotNull();
    }
    assertThat(channel.tryLock()).as("closing the other gave its locks back").isNotNull();
  }

  @Test
  void locksEndWithTheirChannel() throws IOException {
    FileLock lock = channel.lock();
    assertThat(lock.size()).isEqualTo(Long.MAX_VALUE);
    channel.close();
    assertThat(lock.isValid()).isFalse();
    assertThatThrownBy(lock::release).isInstanceOf(ClosedChannelException.class);
  }

  @Test
  void lockRangesAreChecked() {
    assertThatThrownBy(() -> channel.lock(-1, 1, false))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> channel.tryLock(0, -1, false))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> channel.tryLock(Long.MAX_VALUE, 2, false))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void locksOfDifferentFilesAreIndependent() throws IOException {
    Path second = Files.createFile(file.resolveSibling(file.getFileName() + "x"));
    try (FileChannel other = FileChannel.open(second, WRITE);
        FileLock one = channel.lock();
        FileLock two = other.lock()) {
      assertThat(one.isValid() && two.isValid()).isTrue();
    }
  }
}
