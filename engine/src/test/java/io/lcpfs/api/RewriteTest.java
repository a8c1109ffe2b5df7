package io.lcpfs.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.Tuning;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.Rewritten;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Files that are written anew in place. */
@Timeout(120)
class RewriteTest {
  private static final int RECORD = 128 << 10;
  private static final int MIB = 1 << 20;

  private final RealEnv env = new RealEnv(2, 1, 4);
  private final Pool pool =
      Pool.create(
          List.of(new RamDevice("ram", 4096, (192L << 20) / 4096)),
          CreateOptions.named("tank")
              .withTuning(Tuning.standard().withCacheBytes(64L << 20).withDirtyBytes(16L << 20)),
          env);
  private final Dataset dataset = pool.dataset("tank");
  private final PosixFileSystem fs = dataset.fileSystem();

  @AfterEach
  void close() {
    assertThat(pool.verify(progress -> {}).findings()).isEmpty();
    pool.close();
    env.close();
  }

  private static FileHandle open(PosixFileSystem in, String name, int flags) {
    return in.paths().open(name.getBytes(UTF_8), flags, 0644, Caller.ROOT);
  }

  private FileHandle open(String name) {
    return open(fs, name, OpenFlags.O_RDWR | OpenFlags.O_CREAT);
  }

  private void write(String name, byte[] bytes, long offset) {
    try (FileHandle file = open(name)) {
      int done = 0;
      while (done < bytes.length) {
        done += file.write(offset + done, MemorySegment.ofArray(bytes), done, bytes.length - done);
      }
    }
  }

  private static byte[] read(PosixFileSystem in, String name) {
    try (FileHandle file = open(in, name, OpenFlags.O_RDONLY | OpenFlags.O_NOATIME)) {
      byte[] bytes = new byte[(int) file.size()];
      int done = 0;
      while (done < bytes.length) {
        done += file.read(done, MemorySegment.ofArray(bytes), done, bytes.length - done);
      }
      return bytes;
    }
  }

  private Rewritten rewrite(String name, long offset, long length, boolean shared) {
    try (FileHandle file = open(name)) {
      return file.rewrite(offset, length, shared);
    }
  }

  private Rewritten rewrite(String name) {
    return rewrite(name, 0, Long.MAX_VALUE, false);
  }

  private long referenced() {
    pool.sync();
    return dataset.referencedBytes();
  }

  /** Bytes of which four of five compress away. */
  private static byte[] compressible(int length, int seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    for (int i = 0; i < length; i++) {
      bytes[i] = i % 5 == 0 ? (byte) (bytes[i] & 15) : 0;
    }
    return bytes;
  }

  private static String but(Attr attr) {
    // What is allocated is all that may differ.
    return attr.toString().replaceAll("blocks512=\\d+", "");
  }

  @Test
  void contentTimesAndNumberStayAndTheSizeOnDiskFollowsTheProperties() {
    dataset.setProperty("compression", "off");
    byte[] content = compressible(8 * MIB + 12_345, 1);
    write("f", content, 0);
    long plain = referenced();
    Attr before = fs.paths().stat("f".getBytes(UTF_8), Caller.ROOT);
    dataset.setProperty("compression", "zstd");
    assertThat(referenced()).as("a property alone changes nothing").isEqualTo(plain);
    Rewritten done = rewrite("f");
    assertThat(done.bytes()).isEqualTo(65L * RECORD);
    assertThat(done.sharedBytes()).isZero();
    long packed = referenced();
    assertThat(packed).isLessThan(plain / 2);
    assertThat(read(fs, "f")).isEqualTo(content);
    Attr after = fs.paths().stat("f".getBytes(UTF_8), Caller.ROOT);
    assertThat(but(after)).isEqualTo(but(before));
    assertThat(after.blocks512()).isLessThan(before.blocks512() / 2);
    dataset.setProperty("copies", "2");
    dataset.setProperty("checksum", "sha256");
    rewrite("f");
    assertThat(referenced()).isBetween(2 * packed - packed / 4, 2 * packed + packed / 4);
    assertThat(read(fs, "f")).isEqualTo(content);
    dataset.setProperty("copies", "1");
    dataset.setProperty("compression", "off");
    rewrite("f");
    assertThat(referenced()).isBetween(plain - plain / 8, plain + plain / 8);
    assertThat(read(fs, "f")).isEqualTo(content);
  }

  @Test
  void aSnapshotKeepsWhatWasThereAndTheSpaceIsCounted() {
    byte[] content = new byte[4 * MIB];
    new Random(2).nextBytes(content);
    write("f", content, 0);
    Snapshot snapshot = dataset.snapshot("s");
    long before = referenced();
    long freed = Long.parseLong(pool.property("free").value());
    rewrite("f");
    assertThat(referenced()).isBetween(before - MIB / 8, before + MIB / 8);
    assertThat(dataset.usedBySnapshotsBytes()).isGreaterThanOrEqualTo(4 * MIB);
    assertThat(Long.parseLong(pool.property("free").value())).isLessThan(freed - 3 * MIB);
    assertThat(read(snapshot.fileSystem(), "f")).isEqualTo(content);
    assertThat(read(fs, "f")).isEqualTo(content);
    snapshot.destroy();
    assertThat(referenced()).isLessThan(before + MIB / 8);
    assertThat(dataset.usedBySnapshotsBytes()).isZero();
  }

  @Test
  void whatIsSharedStaysSharedUnlessAsked() {
    byte[] content = new byte[4 * MIB];
    new Random(3).nextBytes(content);
    write("a", content, 0);
    pool.sync();
    try (FileHandle from = open("a");
        FileHandle to = open("b")) {
      assertThat(to.copyFrom(from, 0, 0, content.length)).isEqualTo(content.length);
      // Before the group that shares them is on disk they are as shared as afterwards.
      assertThat(to.rewrite(0, Long.MAX_VALUE, false)).isEqualTo(new Rewritten(0, 4L * MIB));
    }
    write("b", new byte[] {1, 2, 3}, MIB + 7);
    pool.sync();
    long saved = Long.parseLong(pool.property("bclonesaved").value());
    assertThat(saved).isGreaterThan(3 * MIB);
    Rewritten left = rewrite("a");
    assertThat(left.bytes()).isEqualTo(RECORD);
    assertThat(left.sharedBytes()).isEqualTo(4L * MIB - RECORD);
    pool.sync();
    assertThat(Long.parseLong(pool.property("bclonesaved").value())).isEqualTo(saved);
    assertThat(rewrite("a", 0, Long.MAX_VALUE, true).sharedBytes()).isZero();
    pool.sync();
    assertThat(Long.parseLong(pool.property("bclonesaved").value())).isZero();
    assertThat(read(fs, "a")).isEqualTo(content);
    byte[] other = content.clone();
    other[MIB + 7] = 1;
    other[MIB + 8] = 2;
    other[MIB + 9] = 3;
    assertThat(read(fs, "b")).isEqualTo(other);
    assertThat(rewrite("b").bytes()).as("nobody else has them now").isEqualTo(4L * MIB);
  }

  @Test
  void holesStayHolesAndARangeIsWhatIsAskedFor() {
    byte[] content = compressible(RECORD, 4);
    write("f", content, 10L * RECORD);
    write("f", content, 20L * RECORD + 5);
    pool.sync();
    try (FileHandle file = open("f")) {
      file.truncate(40L * RECORD);
      pool.sync();
      assertThat(file.rewrite(0, Long.MAX_VALUE, false).bytes()).isEqualTo(3L * RECORD);
      pool.sync();
      assertThat(file.rewrite(11L * RECORD - 1, 1, false).bytes()).isEqualTo(RECORD);
      assertThat(file.rewrite(11L * RECORD - 1, 1, false).bytes())
          .as("what waits to be written is written anyway")
          .isZero();
      pool.sync();
      assertThat(file.rewrite(11L * RECORD, 9L * RECORD, false).bytes()).isZero();
      assertThat(file.rewrite(11L * RECORD, 9L * RECORD + 1, false).bytes()).isEqualTo(RECORD);
      assertThat(file.rewrite(0, 0, false).bytes()).isZero();
      assertThat(file.rewrite(50L * RECORD, Long.MAX_VALUE, false).bytes()).isZero();
      assertThat(file.seekData(0)).isEqualTo(10L * RECORD);
      assertThat(file.seekHole(10L * RECORD)).isEqualTo(11L * RECORD);
      assertThat(file.size()).isEqualTo(40L * RECORD);
    }
    byte[] whole = new byte[40 * RECORD];
    System.arraycopy(content, 0, whole, 10 * RECORD, RECORD);
    System.arraycopy(content, 0, whole, 20 * RECORD + 5, RECORD);
    assertThat(read(fs, "f")).isEqualTo(whole);
  }

  @Test
  void smallFilesStayWhatTheyAre() {
    dataset.setProperty("compression", "off");
    List<byte[]> contents = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      contents.add(compressible(i * 137, i));
      write("f" + i, contents.get(i), 0);
    }
    long before = referenced();
    dataset.setProperty("compression", "zstd");
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < 60; i++) {
        rewrite("f" + i);
      }
      pool.sync();
    }
    for (int i = 0; i < 60; i++) {
      assertThat(read(fs, "f" + i)).isEqualTo(contents.get(i));
    }
    assertThat(referenced()).isLessThanOrEqualTo(before);
  }

  @Test
  void whatMayNotBeWrittenIsNot() {
    write("f", compressible(RECORD, 5), 0);
    Snapshot snapshot = dataset.snapshot("s");
    try (FileHandle reading = open(fs, "f", OpenFlags.O_RDONLY)) {
      refused(Errno.EBADF, () -> reading.rewrite(0, 1, false));
    }
    try (FileHandle root = open(fs, "/", OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY)) {
      refused(Errno.EISDIR, () -> root.rewrite(0, 1, false));
    }
    try (FileHandle file = open("f")) {
      refused(Errno.EINVAL, () -> file.rewrite(-1, 1, false));
      refused(Errno.EINVAL, () -> file.rewrite(0, -1, false));
      dataset.setProperty("readonly", "on");
      refused(Errno.EROFS, () -> file.rewrite(0, 1, false));
      dataset.setProperty("readonly", "off");
      assertThat(file.rewrite(0, Long.MAX_VALUE, false).bytes()).isEqualTo(RECORD);
    }
    refused(
        Errno.EROFS, () -> open(snapshot.fileSystem(), "f", OpenFlags.O_RDWR).rewrite(0, 1, false));
  }

  private static void refused(Errno errno, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(PoolException.class, e -> assertThat(e.errno()).isEqualTo(errno));
  }

  @Test
  void aFullPoolRefusesAndNothingIsLost() {
    byte[] content = new byte[40 * MIB];
    new Random(6).nextBytes(content);
    write("f", content, 0);
    Snapshot snapshot = dataset.snapshot("s");
    byte[] more = new byte[MIB];
    new Random(7).nextBytes(more);
    try (FileHandle file = open("fill")) {
      for (int i = 0; i < 400; i++) {
        file.write((long) i * MIB, MemorySegment.ofArray(more), 0, MIB);
      }
    } catch (PoolException e) {
      assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
    }
    refused(Errno.ENOSPC, () -> rewrite("f"));
    pool.sync();
    assertThat(read(fs, "f")).isEqualTo(content);
    assertThat(read(snapshot.fileSystem(), "f")).isEqualTo(content);
  }

  @Test
  void aQuotaThatIsReachedStopsOnlyWhatNeedsMoreRoom() {
    byte[] content = new byte[4 * MIB];
    new Random(9).nextBytes(content);
    write("f", content, 0);
    long before = referenced();
    dataset.setProperty("refquota", Long.toString(before));
    assertThat(rewrite("f").bytes()).isEqualTo(content.length);
    assertThat(referenced()).isLessThanOrEqualTo(before + MIB / 8);
    dataset.setProperty("copies", "2");
    refused(Errno.EDQUOT, () -> rewrite("f"));
    assertThat(read(fs, "f")).isEqualTo(content);
  }

  /** Writers, a reader and syncs beside rewriting: nothing that was written is ever lost. */
  @Test
  void noWriteIsLostToARewrite() throws InterruptedException {
    int length = 6 * MIB;
    int writers = 3;
    dataset.setProperty("recordsize", "8192");
    byte[] model = compressible(length, 8);
    write("f", model, 0);
    pool.sync();
    AtomicBoolean over = new AtomicBoolean();
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int w = 0; w < writers; w++) {
      int own = w;
      threads.add(
          start(
              failures,
              () -> {
                Random random = new Random(own);
                try (FileHandle file = open("f")) {
                  for (int i = 0; i < 500; i++) {
                    // Bytes that are its own: each writer has every third kilobyte.
                    int at = (random.nextInt(length / 1024 / writers) * writers + own) * 1024;
                    byte[] bytes = new byte[1 + random.nextInt(1024)];
                    random.nextBytes(bytes);
                    file.write(at, MemorySegment.ofArray(bytes), 0, bytes.length);
                    System.arraycopy(bytes, 0, model, at, bytes.length);
                    byte[] back = new byte[bytes.length];
                    file.read(at, MemorySegment.ofArray(back), 0, back.length);
                    assertThat(back).isEqualTo(bytes);
                  }
                }
              }));
    }
    Thread syncing =
        start(
            failures,
            () -> {
              while (!over.get()) {
                pool.sync();
              }
            });
    long rewritten = 0;
    String[] compressions = {"off", "zstd", "lz4"};
    for (int round = 0; threads.stream().anyMatch(Thread::isAlive) || rewritten < length; round++) {
      dataset.setProperty("compression", compressions[round % 3]);
      rewritten += rewrite("f").bytes();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    over.set(true);
    syncing.join();
    assertThat(failures).isEmpty();
    assertThat(Arrays.mismatch(read(fs, "f"), model)).isEqualTo(-1);
    pool.sync();
    assertThat(Arrays.mismatch(read(fs, "f"), model)).isEqualTo(-1);
  }

  private static Thread start(List<Throwable> failures, Runnable task) {
    return Thread.ofPlatform().uncaughtExceptionHandler((thread, e) -> failures.add(e)).start(task);
  }
}
