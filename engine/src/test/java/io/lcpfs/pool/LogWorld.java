package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.BorrowedEnv;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixCheck;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A pool with a file system whose intent log is in use, on a disk that loses its power. Groups are
 * written only when something asks for them.
 */
final class LogWorld implements AutoCloseable {
  static final Caller ROOT = Caller.ROOT;
  static final FsOptions OPTIONS = FsOptions.DEFAULTS.withRecordBytes(8 << 10);

  /** The real world, which remembers probes. */
  static final class World extends BorrowedEnv {
    final Set<CodeProbe> probes = ConcurrentHashMap.newKeySet();

    @Override
    public void probe(CodeProbe probe) {
      probes.add(probe);
    }
  }

  final World env = new World();
  private final AtomicLong failIn = new AtomicLong(-1);
  Tuning tuning =
      Tuning.standard()
          .withCacheBytes(32L << 20)
          .withDirtyBytes(8L << 20)
          .withTxgTimeoutNanos(60_000_000_000L)
          .withPoison(true)
          .withGate(this::allow);
  CountedDisk disk;
  PoolEngine pool;
  PosixFileSystem fs;
  PathCalls paths;

  /** A pool of so many bytes; its log is made and in use. */
  LogWorld(long bytes) {
    disk = new CountedDisk(new byte[(int) bytes], 1);
    pool =
        PoolEngines.create(
            List.of(disk),
            CreateOptions.named("tank").withSmallDevices(true).withTuning(tuning),
            env);
    ObjectSet objects = objects();
    try (Tx tx = objects.begin(256 << 10)) {
      PosixFileSystem.format(tx, objects, env);
    }
    mount(OPTIONS);
    warmUp();
  }

  LogWorld() {
    this(32L << 20);
  }

  /** What an allocation that is to fail throws; null for the answer that there is no memory. */
  @Nullable Supplier<? extends Error> bug;

  private volatile boolean failsOn;

  private boolean allow(int bytes, boolean forSync) {
    boolean fails = !forSync && failIn.get() >= 0 && failIn.getAndDecrement() == 0;
    if (fails && failsOn) {
      failIn.set(0);
    }
    Supplier<? extends Error> thrown = bug;
    if (fails && thrown != null) {
      throw thrown.get();
    }
    return !fails;
  }

  /** Makes the n-th allocation of memory from now fail; negative for none. */
  void failIn(long n) {
    failsOn = false;
    failIn.set(n);
  }

  /** Makes that one and all that follow fail. */
  void failFrom(long n) {
    failsOn = true;
    failIn.set(n);
  }

  ObjectSet objects() {
    return pool.objectSet("", DatasetPolicy.DEFAULT);
  }

  void mount(FsOptions options) {
    fs = PosixFileSystem.open(objects(), env, options);
    paths = fs.paths();
  }

  /** Has the log made, and changes kept. */
  void warmUp() {
    for (int i = 0; i < 3; i++) {
      write("/warm", 0, new byte[] {(byte) i});
      fsync("/warm");
    }
  }

  /** Calls fsync, which has to do without a group. */
  void fsyncByLog(String path) {
    long before = txg();
    long flushes = disk.flushes.get();
    fsync(path);
    assertThat(txg()).as("groups written by fsync").isEqualTo(before);
    assertThat(disk.flushes.get()).isGreaterThan(flushes);
  }

  long txg() {
    return pool.status().txg();
  }

  void fsync(String path) {
    try (FileHandle file = open(path, OpenFlags.O_RDONLY)) {
      file.fsync();
    }
  }

  static byte[] b(String text) {
    return text.getBytes(UTF_8);
  }

  static byte[] noise(long seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  FileHandle open(String path, int flags) {
    return paths.open(b(path), flags, 0x1A4, ROOT);
  }

  void write(String path, long at, byte[] content) {
    try (FileHandle file = open(path, OpenFlags.O_CREAT | OpenFlags.O_RDWR)) {
      assertThat(file.write(at, MemorySegment.ofArray(content), 0, content.length))
          .isEqualTo(content.length);
    }
  }

  /** Everything in memory is lost, and of the disk what was not flushed, or half of it. */
  byte[] crash() {
    byte[] left = disk.crash();
    try {
      pool.close();
    } catch (PoolException e) {
      assertThat(e).hasMessageMatching("(?s).*(no power|what came after is lost).*");
    }
    disk.forget();
    return left;
  }

  /** Opens what a crash has left. */
  void open(byte[] image) {
    disk = new CountedDisk(image, 7);
    pool = PoolEngines.open(List.of(disk), options(), env);
  }

  OpenOptions options() {
    return OpenOptions.standard().withTuning(tuning).withForce(true);
  }

  void crashAndMount() {
    open(crash());
    mount(OPTIONS);
  }

  void assertClean() {
    awaitReaper();
    assertThat(PosixCheck.check(objects(), env).problems()).isEmpty();
    assertThat(pool.verify(p -> {}).findings()).isEmpty();
    assertThat(pool.status().problems()).isEmpty();
  }

  void awaitReaper() {
    while (!fs.reaperIdle()) {
      env.sleep(1_000_000);
    }
  }

  /** The whole tree as text, but for times of access. */
  String tree() {
    StringBuilder text = new StringBuilder();
    addTree("/", text);
    return text.toString();
  }

  private void addTree(String path, StringBuilder text) {
    Attr attr = paths.lstat(b(path), ROOT);
    text.append(path)
        .append(" i")
        .append(attr.inode())
        .append(' ')
        .append(Integer.toOctalString(attr.mode()))
        .append(' ')
        .append(attr.nlink())
        .append(' ')
        .append(attr.uid())
        .append(' ')
        .append(attr.size());
    for (byte[] name : paths.listxattr(b(path), false, ROOT)) {
      text.append(' ')
          .append(new String(name, UTF_8))
          .append('=')
          .append(Arrays.hashCode(paths.getxattr(b(path), false, name, ROOT)));
    }
    if (attr.isSymlink()) {
      text.append(" -> ").append(new String(paths.readlink(b(path), ROOT), UTF_8));
    } else if (attr.isRegular()) {
      try (FileHandle file = open(path, OpenFlags.O_RDONLY | OpenFlags.O_NOATIME)) {
        byte[] content = new byte[(int) attr.size()];
        file.read(0, MemorySegment.ofArray(content), 0, content.length);
        text.append(' ').append(Arrays.hashCode(content));
      }
    }
    text.append('\n');
    if (attr.isDirectory()) {
      List<String> names = new ArrayList<>();
      for (byte[] name : paths.names(b(path), ROOT)) {
        names.add(new String(name, UTF_8));
      }
      names.sort(null);
      for (String name : names) {
        addTree(path.equals("/") ? "/" + name : path + "/" + name, text);
      }
    }
  }

  @Override
  public void close() {
    pool.close();
    env.close();
  }

  /** A {@link CrashDisk} that counts, and whose content outlives it. */
  static final class CountedDisk implements BlockDevice {
    private volatile CrashDisk disk;
    final AtomicLong flushes = new AtomicLong();
    final AtomicLong writes = new AtomicLong();

    /** Flushes take at least so long. */
    volatile long flushNanos;

    CountedDisk(byte[] image, long seed) {
      disk = new CrashDisk(image, Long.MAX_VALUE, seed, false);
    }

    byte[] crash() {
      return disk.crash();
    }

    /** Lets go of the content: the pool that used it may be remembered for a while. */
    void forget() {
      disk = new CrashDisk(new byte[512], 1, 0, false);
      disk.crash();
    }

    @Override
    public void readBlocks(long lba, int blockCount, MemorySegment target) {
      disk.readBlocks(lba, blockCount, target);
    }

    @Override
    public void writeBlocks(long lba, int blockCount, MemorySegment source) {
      writes.incrementAndGet();
      disk.writeBlocks(lba, blockCount, source);
    }

    @Override
    public void flush() {
      if (flushNanos > 0) {
        java.util.concurrent.locks.LockSupport.parkNanos(flushNanos);
      }
      flushes.incrementAndGet();
      disk.flush();
    }

    @Override
    public void discard(long lba, long blockCount) {
      disk.discard(lba, blockCount);
    }

    @Override
    public int blockSize() {
      return disk.blockSize();
    }

    @Override
    public long totalBlocks() {
      return disk.totalBlocks();
    }

    @Override
    public String name() {
      return disk.name();
    }

    @Override
    public void close() {}
  }
}
