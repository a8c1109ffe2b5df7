package io.lcpfs.fuse;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lcpfs.api.Pool;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.Tuning;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A pool in memory, mounted by the kernel. Needs Linux, root and /dev/fuse; elsewhere it is
 * skipped. The mount point is in a temporary folder and is unmounted whatever happens.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RealMountTest {
  private final RealEnv env = new RealEnv();
  private @Nullable Pool opened;
  private @Nullable FuseMount mounted;
  private Path root = Path.of("");

  private Pool pool() {
    return Objects.requireNonNull(opened);
  }

  private FuseMount mount() {
    return Objects.requireNonNull(mounted);
  }

  @BeforeEach
  void mountPool() throws IOException {
    assumeTrue(System.getProperty("os.name").equals("Linux"), "FUSE is a matter of Linux");
    assumeTrue(Files.exists(Path.of("/dev/fuse")), "there is no /dev/fuse");
    assumeTrue(Files.isWritable(Path.of("/dev/fuse")), "/dev/fuse may not be opened");
    assumeTrue(Libc.euid() == 0, "only root mounts without a helper");
    root = Files.createTempDirectory("lcpfs-mount-");
    Pool pool =
        Pool.create(
            List.of(new RamDevice("ram", 4096, (96 << 20) / 4096)),
            CreateOptions.named("tank")
                .withSmallDevices(true)
                .withTuning(Tuning.standard().withCacheBytes(32 << 20).withDirtyBytes(16 << 20)),
            env);
    opened = pool;
    PosixFileSystem child = pool.createDataset("tank/child", Map.of(), false).fileSystem();
    List<MountedDataset> datasets =
        List.of(MountedDataset.of("", pool.dataset("tank")), new MountedDataset("child", child));
    try {
      mounted =
          FuseMount.mount(
              datasets, root, MountOptions.of("tank").with("allow_other"), RealMountTest::fail);
    } catch (PoolException e) {
      assumeTrue(false, "this host lets nobody mount: " + e.getMessage());
    }
  }

  private static void fail(String line) {
    System.err.println("mount: " + line);
  }

  @AfterEach
  void unmount() throws IOException, InterruptedException {
    FuseMount mount = mounted;
    if (mount != null) {
      mount.close();
      mount.awaitUnmounted();
      assertThat(MountTable.list()).noneMatch(one -> one.directory().equals(root.toString()));
    }
    Pool pool = opened;
    if (pool != null) {
      pool.close();
    }
    if (!root.toString().isEmpty()) {
      Files.deleteIfExists(root);
    }
    env.close();
  }

  private static byte[] noise(int bytes) {
    byte[] noise = new byte[bytes];
    new Random(bytes).nextBytes(noise);
    return noise;
  }

  /** Runs a line of shell in the mount; its exit code. */
  private int shell(String line) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("sh", "-c", line)
            .directory(root.toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
            .start();
    assertThat(process.waitFor(40, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  /** An access control list of (tag, permissions, id), as an extended attribute has it. */
  private static byte[] accessList(int... triples) {
    ByteBuffer value =
        ByteBuffer.allocate(4 + 8 * triples.length / 3).order(ByteOrder.LITTLE_ENDIAN).putInt(2);
    for (int i = 0; i < triples.length; i += 3) {
      value.putShort((short) triples[i]).putShort((short) triples[i + 1]).putInt(triples[i + 2]);
    }
    return value.array();
  }

  /** setxattr(2) with null for success, else why not. */
  private @Nullable String setxattr(String path, String name, byte[] value) throws Throwable {
    Linker linker = Linker.nativeLinker();
    MethodHandle handle =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("setxattr"),
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment file = arena.allocateFrom(root.resolve(path).toString());
      MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, value);
      int answer =
          (int) handle.invoke(file, arena.allocateFrom(name), bytes, (long) value.length, 0);
      return answer == 0 ? null : name + " on " + path;
    }
  }

  @Test
  void snapshotsShowWhatWasWrittenBeforeThem() throws Exception {
    byte[] content = noise(3_000_000);
    Files.write(root.resolve("f"), content); // of which the kernel still holds back some
    pool().dataset("tank").snapshot("first");
    Files.write(root.resolve("f"), new byte[] {1});
    Path snapshots = root.resolve(".lcpfs/snapshot");
    assertThat(Files.readAllBytes(snapshots.resolve("first/f"))).isEqualTo(content);
    assertThat(shell("ls -A | grep lcpfs")).as("it is in no listing").isEqualTo(1);
    assertThat(shell("test \"$(ls .lcpfs/snapshot)\" = first")).isZero();
    pool().dataset("tank").snapshot("second");
    assertThat(shell("test \"$(ls .lcpfs/snapshot | tr '\\n' ' ')\" = 'first second '")).isZero();
    assertThat(shell("cmp -s .lcpfs/snapshot/second/f f")).isZero();
    assertThat(shell("cp .lcpfs/snapshot/first/f back")).isZero();
    assertThat(Files.readAllBytes(root.resolve("back"))).isEqualTo(content);
    for (String change :
        new String[] {
          "touch .lcpfs/x",
          "mkdir .lcpfs/x",
          "mkdir .lcpfs/snapshot/first",
          "mv f .lcpfs/snapshot/",
          "mv .lcpfs g",
          "rm .lcpfs/snapshot/first/f",
          "sh -c 'echo > .lcpfs/snapshot/first/f'",
          "chmod 777 .lcpfs",
          "mkdir .lcpfs",
          "ln f .lcpfs/snapshot/f"
        }) {
      assertThat(shell(change + " 2>/dev/null")).as(change).isNotZero();
    }
    assertThat(shell("mkdir .lcpfs/snapshot/x && cmp -s .lcpfs/snapshot/x/f f")).isZero();
    assertThat(shell("mv .lcpfs/snapshot/x .lcpfs/snapshot/y")).isZero();
    assertThat(shell("cmp -s .lcpfs/snapshot/y/f f && rmdir .lcpfs/snapshot/y")).isZero();
    pool().dataset("tank").destroySnapshots(List.of("first"));
    Thread.sleep(1100); // so long the kernel may believe that the name is there
    assertThat(Files.exists(snapshots.resolve("first"))).isFalse();
    assertThat(shell("test \"$(ls .lcpfs/snapshot)\" = second")).isZero();
  }

  @Test
  void theKernelLooksAtAccessControlLists() throws Throwable {
    byte[] list = accessList(1, 7, -1, 2, 7, 1001, 4, 5, -1, 16, 7, -1, 32, 0, -1);
    assertThat(setxattr(".", "system.posix_acl_default", list)).isNull();
    assertThat(shell("umask 077; echo one > f && mkdir d && echo two > d/g")).isZero();
    assertThat((int) Files.getAttribute(root.resolve("f"), "unix:mode") & 0777).isEqualTo(0660);
    assertThat((int) Files.getAttribute(root.resolve("d"), "unix:mode") & 0777).isEqualTo(0770);
    String as = "setpriv --clear-groups --regid=1009 --reuid=";
    assertThat(shell(as + "1001 sh -c 'cat f d/g >/dev/null && echo more >> d/g'")).isZero();
    assertThat(shell("! " + as + "1002 cat f 2>/dev/null")).isZero();
    assertThat(shell("chmod 640 f && " + as + "1001 cat f > /dev/null")).isZero();
    assertThat(shell("! " + as + "1001 sh -c 'echo more >> f' 2>/dev/null")).isZero();
    byte[] other = accessList(1, 6, -1, 2, 4, 1002, 4, 0, -1, 16, 4, -1, 32, 0, -1);
    assertThat(setxattr("f", "system.posix_acl_access", other)).isNull();
    assertThat(shell(as + "1002 cat f > /dev/null")).isZero();
    assertThat(shell("! " + as + "1001 cat f 2>/dev/null")).isZero();
    assertThat(setxattr("f", "system.posix_acl_default", list)).isNotNull();
    // What the kernel keeps of a list is not kept when somebody else changes it.
    PosixFileSystem files = pool().dataset("tank").fileSystem();
    byte[] path = "/f".getBytes(StandardCharsets.UTF_8);
    byte[] name = "system.posix_acl_access".getBytes(StandardCharsets.UTF_8);
    files.paths().removexattr(path, true, name, Caller.ROOT);
    assertThat(shell("! " + as + "1002 cat f 2>/dev/null")).isZero();
    byte[] setGroup = accessList(1, 6, -1, 4, 4, -1, 32, 0, -1);
    assertThat(shell("chown 1001:1001 f && chmod 2755 f")).isZero();
    assertThat(setxattr("f", "system.posix_acl_access", setGroup)).isNull();
    assertThat((int) Files.getAttribute(root.resolve("f"), "unix:mode") & 07777).isEqualTo(02640);
  }

  @Test
  void everyByteThatIsWrittenIsReadBackAndInThePool() throws IOException {
    byte[] data = noise(5_000_000);
    Files.write(root.resolve("big"), data);
    assertThat(Files.readAllBytes(root.resolve("big"))).isEqualTo(data);
    byte[] inside = new byte[data.length];
    PosixFileSystem files = pool().dataset("tank").fileSystem();
    try (var handle = files.paths().open(PathCalls.path("/big"), 0, 0, Caller.ROOT)) {
      int done = 0;
      while (done < inside.length) {
        done += handle.read(done, MemorySegment.ofArray(inside), done, inside.length - done);
      }
    }
    assertThat(inside).isEqualTo(data);
  }

  @Test
  void everyChangeOfNamesIsSeen() throws IOException {
    Path directory = Files.createDirectory(root.resolve("d"));
    Path a = Files.writeString(directory.resolve("a"), "a");
    Files.createLink(directory.resolve("b"), a);
    Files.createSymbolicLink(directory.resolve("l"), Path.of("a"));
    assertThat(Files.getAttribute(a, "unix:nlink")).isEqualTo(2);
    Files.move(directory.resolve("b"), root.resolve("c"), StandardCopyOption.ATOMIC_MOVE);
    assertThat(Files.readString(root.resolve("c"))).isEqualTo("a");
    Assertions.assertThrows(DirectoryNotEmptyException.class, () -> Files.delete(directory));
    Files.delete(a);
    assertThat(Files.getAttribute(root.resolve("c"), "unix:nlink")).isEqualTo(1);
    assertThat(Files.exists(directory.resolve("l"))).isFalse();
    Files.delete(directory.resolve("l"));
    Files.delete(directory);
    assertThat(directory).doesNotExist();
  }

  @Test
  void anOpenFileOutlivesItsName() throws IOException {
    Path path = Files.writeString(root.resolve("f"), "kept");
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      Files.delete(path);
      channel.write(ByteBuffer.wrap(new byte[] {'!'}), 4);
      channel.force(true);
      ByteBuffer read = ByteBuffer.allocate(10);
      assertThat(channel.read(read, 0)).isEqualTo(5);
      assertThat(new String(read.array(), 0, 5, StandardCharsets.UTF_8)).isEqualTo("kept!");
    }
  }

  private static Process inOtherProcess(Class<?> program, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).inheritIO().start();
  }

  @Test
  void everyMappedChangeIsWritten() throws IOException, InterruptedException {
    Path path = root.resolve("mapped");
    Files.write(path, noise(10_000));
    // In another process: a page fault of ours could stop the very threads that would end it.
    Process process = inOtherProcess(Mapper.class, path.toString());
    assertThat(process.waitFor(40, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
    assertThat(Files.readAllBytes(path)[5000]).isEqualTo((byte) 77);
  }

  @Test
  void everyByteThatTheKernelDoesNotKeepIsReadBack() throws IOException, InterruptedException {
    byte[] data = noise(7_340_000);
    Files.write(root.resolve("big"), data);
    // Without its pages in the kernel's cache, which O_DIRECT passes by and a mapping fills.
    String forget = "dd if=big iflag=nocache count=0 2>/dev/null; ";
    String sum = hash(data);
    for (String size : new String[] {"64k", "1000k", "1M", "3M"}) {
      String direct = "dd if=big bs=" + size + " iflag=direct 2>/dev/null | sha256sum";
      assertThat(shell("test \"$(" + direct + ")\" = \"" + sum + "  -\"")).isZero();
      assertThat(shell(forget + "test \"$(sha256sum < big)\" = \"" + sum + "  -\"")).isZero();
    }
    assertThat(shell(forget)).isZero();
    Process process = inOtherProcess(MappedHash.class, root.resolve("big").toString(), sum);
    assertThat(process.waitFor(40, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }

  @Test
  void readsDirectlyIntoAMappingOfTheMountHoldUpNoWriter()
      throws IOException, InterruptedException {
    Path path = root.resolve("f");
    Files.write(path, noise(MappedReader.CHUNK * MappedReader.CHUNKS));
    Process process = inOtherProcess(MappedReader.class, path.toString());
    // Reads that fill the kernel's cache again and again, with its pages locked meanwhile.
    String forget = "dd if=f iflag=nocache count=0 2>/dev/null";
    String loop = "while kill -0 " + process.pid() + "; do " + forget + "; cat f > /dev/null; done";
    Process filler = new ProcessBuilder("sh", "-c", loop).directory(root.toFile()).start();
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(filler.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }

  @Test
  void everyHoleStaysAHole() throws IOException, InterruptedException {
    try (RandomAccessFile file = new RandomAccessFile(root.resolve("sparse").toFile(), "rw")) {
      file.setLength(50 << 20);
      file.seek(40 << 20);
      file.write(1);
    }
    pool().sync();
    assertThat(shell("cp --sparse=auto sparse copy && cmp sparse copy")).isZero();
    assertThat(shell("test $(stat -c %b copy) -lt 2000")).isZero();
  }

  @Test
  void everyDatasetAppearsInsideItsParent() throws IOException {
    Files.writeString(root.resolve("child/inside"), "x");
    PosixFileSystem child = pool().dataset("tank/child").fileSystem();
    assertThat(child.paths().stat(PathCalls.path("/inside"), Caller.ROOT).size()).isOne();
    Assertions.assertThrows(IOException.class, () -> Files.delete(root.resolve("child")));
    try (var names = Files.list(root)) {
      assertThat(names).containsExactly(root.resolve("child"));
    }
  }

  @Test
  void whatIsWrittenBesideTheKernelIsSeenOnceItIsTold() throws IOException {
    Path path = Files.writeString(root.resolve("f"), "before");
    assertThat(Files.readString(path)).isEqualTo("before");
    assertThat(Files.exists(root.resolve("new"))).isFalse();
    PosixFileSystem files = pool().dataset("tank").fileSystem();
    long inode = files.paths().resolve(PathCalls.path("/f"), true, Caller.ROOT);
    try (var handle = files.open(inode, OpenFlags.O_RDWR, Caller.ROOT)) {
      byte[] text = "behind".getBytes(StandardCharsets.UTF_8);
      handle.write(0, MemorySegment.ofArray(text), 0, text.length);
    }
    files
        .create(files.rootInode(), PathCalls.path("new"), 0644, OpenFlags.O_RDWR, Caller.ROOT)
        .handle()
        .close();
    mount().invalidateInode(0, inode);
    mount().invalidateEntry(0, files.rootInode(), PathCalls.path("new"));
    assertThat(Files.readString(path)).isEqualTo("behind");
    assertThat(Files.exists(root.resolve("new"))).isTrue();
  }

  @Test
  void everyShellToolWorks() throws IOException, InterruptedException {
    assertThat(
            shell(
                "set -e; mkdir t; i=0; while [ $i -lt 200 ]; do echo $i > t/$i; i=$((i+1)); done;"
                    + " test $(ls t | wc -l) = 200; tar cf - t | tar xf - -C child;"
                    + " diff -r t child/t; rm -rf t child/t; mkfifo p; test -p p;"
                    + " flock t.lock true; dd if=/dev/zero of=direct bs=64k count=4 oflag=direct"
                    + " 2>/dev/null; dd if=direct of=/dev/null bs=64k iflag=direct 2>/dev/null"))
        .isZero();
  }

  @Test
  void aMountPointInUseStaysUntilItIsDetachedLazily() throws IOException, InterruptedException {
    Process inside =
        new ProcessBuilder("sh", "-c", "echo in; read x").directory(root.toFile()).start();
    try {
      assertThat(inside.getInputStream().read()).isEqualTo('i');
      Assertions.assertThrows(PoolException.class, () -> FuseMount.unmount(root, false));
      FuseMount.unmount(root, true);
      assertThat(mount().isUnmounted()).isFalse();
    } finally {
      inside.destroy();
      inside.waitFor();
    }
    mount().awaitUnmounted();
  }

  @Test
  void whoeverClosesABusyMountWaitsForOthersInsideOnlyOnce()
      throws IOException, InterruptedException {
    Process inside =
        new ProcessBuilder("sh", "-c", "echo in; read x").directory(root.toFile()).start();
    try {
      assertThat(inside.getInputStream().read()).isEqualTo('i');
      long start = System.nanoTime();
      Thread other = Thread.ofPlatform().start(() -> mount().close());
      mount().close();
      other.join();
      mount().close();
      assertThat(System.nanoTime() - start)
          .isBetween(TimeUnit.SECONDS.toNanos(9), TimeUnit.SECONDS.toNanos(18));
    } finally {
      inside.destroy();
      inside.waitFor();
    }
    mount().awaitUnmounted();
  }

  @Test
  void aRemountRefusesChangesAndTakesThemAgain() throws IOException {
    Path path = Files.writeString(root.resolve("f"), "x");
    FuseMount.remount(root, "remount,ro");
    assertThat(MountTable.on(root).orElseThrow().options()).startsWith("ro,nosuid,nodev");
    Assertions.assertThrows(IOException.class, () -> Files.writeString(path, "y"));
    Assertions.assertThrows(PoolException.class, () -> FuseMount.remount(root, "remount,suid"));
    Assertions.assertThrows(PoolException.class, () -> FuseMount.remount(root, "remount,sync"));
    FuseMount.remount(root, "remount,rw,noexec,allow_other,user_id=0");
    assertThat(MountTable.on(root).orElseThrow().options()).startsWith("rw,nosuid,nodev,noexec");
    Files.writeString(path, "y");
  }

  @Test
  void whatIsMountedWithSyncIsDurableWhateverPropertiesAreSet() throws IOException {
    mount().close();
    mounted =
        FuseMount.mount(
            List.of(MountedDataset.of("", pool().dataset("tank"))),
            root,
            MountOptions.of("tank").with("sync,noatime"),
            RealMountTest::fail);
    pool().dataset("tank").setProperties(Map.of("compression", "off", "atime", "on"));
    PosixFileSystem files = pool().dataset("tank").fileSystem();
    assertThat(files.options().sync()).isEqualTo(FsOptions.Sync.ALWAYS);
    assertThat(files.options().atime()).isEqualTo(FsOptions.Atime.OFF);
    Files.writeString(root.resolve("f"), "x");
    mount().close();
    assertThat(files.options().sync()).isEqualTo(FsOptions.Sync.STANDARD);
    assertThat(files.options().atime()).isNotEqualTo(FsOptions.Atime.OFF);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static String hash(byte[] bytes) {
    return HexFormat.of().formatHex(sha256().digest(bytes));
  }

  /** Compares the hash of a file's mapping with the second argument. */
  static final class MappedHash {
    private MappedHash() {}

    public static void main(String[] arguments) throws IOException {
      try (FileChannel channel = FileChannel.open(Path.of(arguments[0]))) {
        MappedByteBuffer map = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
        MessageDigest digest = sha256();
        digest.update(map);
        if (!HexFormat.of().formatHex(digest.digest()).equals(arguments[1])) {
          throw new AssertionError("other bytes through a mapping");
        }
      }
    }
  }

  /** Writes a file, and reads it past the cache into a mapping of its last part, for a while. */
  static final class MappedReader {
    static final int CHUNK = 1 << 20;
    static final int CHUNKS = 8;
    private static final long NANOS = 4_000_000_000L;
    private static final int O_DIRECT =
        System.getProperty("os.arch").equals("aarch64") ? 0x10000 : 0x4000;

    private MappedReader() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
      Path path = Path.of(arguments[0]);
      Thread writer = new Thread(() -> write(path));
      Thread otherWriter = new Thread(() -> writeMapped(path));
      writer.start();
      otherWriter.start();
      long end = System.nanoTime() + NANOS;
      try (Arena arena = Arena.ofConfined();
          FileChannel channel =
              FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        MemorySegment map =
            channel.map(FileChannel.MapMode.READ_WRITE, (CHUNKS - 1L) * CHUNK, CHUNK, arena);
        MemorySegment state = Libc.state(arena);
        while (System.nanoTime() < end) {
          int fd = Libc.open(path.toString(), O_DIRECT);
          for (int i = 0; i < CHUNKS - 1; i++) {
            long got = Libc.read(fd, map, CHUNK, state);
            if (got != CHUNK) {
              throw new AssertionError("a direct read answers " + got);
            }
          }
          Libc.close(fd);
        }
      }
      writer.join();
      otherWriter.join();
    }

    private static void writeMapped(Path path) {
      long end = System.nanoTime() + NANOS;
      Random random = new Random(1);
      try (FileChannel channel =
          FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        MappedByteBuffer map = channel.map(FileChannel.MapMode.READ_WRITE, 0, channel.size());
        while (System.nanoTime() < end) {
          for (int i = 0; i < 50; i++) {
            map.put(random.nextInt(CHUNKS * CHUNK), (byte) 1);
          }
          map.force();
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static void write(Path path) {
      long end = System.nanoTime() + NANOS;
      try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(CHUNK);
        for (int i = 0; System.nanoTime() < end; i++) {
          channel.write(bytes.clear(), (long) (i % CHUNKS) * CHUNK);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** Changes a byte of a file through a mapping. */
  static final class Mapper {
    private Mapper() {}

    public static void main(String[] arguments) throws IOException {
      try (FileChannel channel =
          FileChannel.open(
              Path.of(arguments[0]), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        MappedByteBuffer map = channel.map(FileChannel.MapMode.READ_WRITE, 0, channel.size());
        map.put(5000, (byte) 77);
        map.force();
      }
    }
  }
}
