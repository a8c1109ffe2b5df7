package io.lcpfs.device;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * A regular file or a block special file of Linux as a device. Calls block in the kernel: give them
 * to {@code Env.onDevice}. Bytes of a file beyond its last whole block are left alone.
 *
 * <p>Opened for more than probing, it belongs to the opener: see {@link OpenMode}. A flush that
 * failed once fails for ever, because the kernel has dropped the dirty pages and would answer the
 * next one with success.
 */
public final class FileDevice implements BlockDevice {
  private static final int DEFAULT_ALIGNMENT = 4096;

  /** The kernel moves at most 2 GiB less a page per call. */
  private static final long MOST_PER_CALL = 1L << 30;

  private final String name;
  private final int fd;
  private final int blockSize;
  private final long totalBlocks;
  private final boolean writable;
  private final boolean special;
  private final boolean punchHoles;
  private final int memoryAlignment;
  private final boolean direct;
  private final @Nullable DeviceClaim claim;
  private final WriteRanges writes = new WriteRanges();
  private final BounceBuffers bounce = new BounceBuffers();
  private final AtomicBoolean flushFailed = new AtomicBoolean();
  private final AtomicBoolean discardUseless = new AtomicBoolean();

  /** Calls hold it shared, close alone: a descriptor closed under a call may be another file's. */
  private final ReentrantReadWriteLock lifetime = new ReentrantReadWriteLock();

  private boolean closed;

  private FileDevice(Opened opened, int blockSize, boolean punchHoles) {
    this.name = opened.name;
    this.fd = opened.fd;
    this.blockSize = blockSize;
    this.totalBlocks = opened.sizeBytes / blockSize;
    this.writable = opened.mode == OpenMode.READ_WRITE;
    this.special = opened.stat.isBlockDevice();
    this.punchHoles = punchHoles;
    this.direct = opened.direct;
    this.claim = opened.claim;
    int reported = opened.stat.dioMemoryAlignment();
    this.memoryAlignment = direct ? (reported > 0 ? reported : DEFAULT_ALIGNMENT) : 1;
  }

  /** A file on its way to become a device; {@link #abandon} undoes what was done so far. */
  private static final class Opened {
    final String name;
    final OpenMode mode;
    final int fd;
    final Posix.Stat stat;
    final boolean direct;
    long sizeBytes;
    @Nullable DeviceClaim claim;

    Opened(String name, OpenMode mode, int fd, Posix.Stat stat, boolean direct) {
      this.name = name;
      this.mode = mode;
      this.fd = fd;
      this.stat = stat;
      this.direct = direct;
    }

    void abandon() {
      // The descriptor first: its lock must be gone before another opener passes the table.
      Posix.close(fd);
      if (claim != null) {
        claim.release();
      }
    }
  }

  /** As the longer {@code open}; a discard does nothing on a regular file. */
  public static FileDevice open(Path path, OpenMode mode, int blockSize, DirectIo directIo) {
    return open(path, mode, blockSize, directIo, false);
  }

  /**
   * @param path a regular file, or a block special file; symbolic links are followed
   * @param blockSize a power of two, 512 to 65,536
   * @param punchHoles whether a discard on a regular file gives its space back to the file system
   *     around it. Space reused in place is faster, so leave it off unless that space is wanted
   *     elsewhere.
   * @throws PoolException EBUSY when somebody else has it open; ENOENT, EACCES, EROFS, EISDIR;
   *     EINVAL for what is not such a file, is smaller than a block, or has no direct I/O where
   *     that is {@code ON}
   */
  public static FileDevice open(
      Path path, OpenMode mode, int blockSize, DirectIo directIo, boolean punchHoles) {
    requireLinux();
    String name = path.toString();
    DeviceRanges.checkBlockSize(name, blockSize);
    Opened opened = openFile(name, mode, blockSize, directIo);
    try {
      if (mode != OpenMode.PROBE) {
        boolean exclusive = mode == OpenMode.READ_WRITE;
        opened.claim = DeviceClaim.take(opened.fd, opened.stat, name, exclusive);
      }
      opened.sizeBytes = sizeOf(opened);
      if (opened.sizeBytes < blockSize) {
        throw PoolException.refused(
            Errno.EINVAL, name + " is smaller than one block of " + blockSize + " bytes");
      }
      return new FileDevice(opened, blockSize, punchHoles);
    } catch (RuntimeException | Error e) {
      opened.abandon();
      throw e;
    }
  }

  private static void requireLinux() {
    if (!Posix.supported()) {
      throw PoolException.refused(Errno.ENOSYS, "file devices need 64-bit Linux");
    }
  }

  private static Opened openFile(String name, OpenMode mode, int blockSize, DirectIo wanted) {
    if (wanted != DirectIo.OFF) {
      int fd = tryOpen(name, flags(name, mode) | Posix.O_DIRECT);
      if (fd >= 0) {
        Posix.Stat stat = statOrClose(fd, name);
        if (directWorks(fd, stat, blockSize)) {
          return new Opened(name, mode, fd, stat, true);
        }
        Posix.close(fd);
      } else if (fd != -Posix.EINVAL) {
        throw openFailed(name, -fd);
      }
      if (wanted == DirectIo.ON) {
        throw PoolException.refused(
            Errno.EINVAL,
            name + " has no direct I/O in blocks of " + blockSize + "; open it without");
      }
    }
    int fd = tryOpen(name, flags(name, mode));
    if (fd < 0) {
      throw openFailed(name, -fd);
    }
    return new Opened(name, mode, fd, statOrClose(fd, name), false);
  }

  private static int tryOpen(String name, int flags) {
    int fd;
    do {
      fd = Posix.open(name, flags, 0);
    } while (fd == -Posix.EINTR);
    return fd;
  }

  private static int flags(String name, OpenMode mode) {
    // O_NONBLOCK: a named pipe is to be refused, not waited for. O_EXCL without O_CREAT claims a
    // block device from mounts and other claimants; on a regular file it would mean nothing
    // defined.
    int access = mode == OpenMode.READ_WRITE ? Posix.O_RDWR : Posix.O_RDONLY;
    int flags = access | Posix.O_CLOEXEC | Posix.O_NONBLOCK;
    return mode == OpenMode.READ_WRITE && isBlockDevice(name) ? flags | Posix.O_EXCL : flags;
  }

  private static boolean isBlockDevice(String name) {
    int fd = tryOpen(name, Posix.O_RDONLY | Posix.O_CLOEXEC | Posix.O_NONBLOCK);
    if (fd < 0) {
      return false; // the open proper will say why
    }
    try {
      return Posix.stat(fd).isBlockDevice();
    } finally {
      Posix.close(fd);
    }
  }

  private static Posix.Stat statOrClose(int fd, String name) {
    Posix.Stat stat;
    try {
      stat = Posix.stat(fd);
    } catch (IllegalStateException e) {
      Posix.close(fd);
      throw new PoolException(
          new PoolError.DeviceFailed(name, "stat", String.valueOf(e.getMessage())), e);
    }
    if (stat.isRegular() || stat.isBlockDevice()) {
      return stat;
    }
    Posix.close(fd);
    throw stat.isDirectory()
        ? PoolException.refused(Errno.EISDIR, name + " is a directory; name a file or a device")
        : PoolException.refused(Errno.EINVAL, name + " is neither a file nor a block device");
  }

  /** Whether blocks of this size can be read directly: what the kernel says, and then tried. */
  private static boolean directWorks(int fd, Posix.Stat stat, int blockSize) {
    if (stat.dioOffsetAlignment() > blockSize || stat.dioMemoryAlignment() > DEFAULT_ALIGNMENT) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment block = arena.allocate(blockSize, DEFAULT_ALIGNMENT);
      return Posix.pread(fd, block, 0) != -Posix.EINVAL
          && Posix.pread(fd, block, blockSize) != -Posix.EINVAL;
    }
  }

  private static long sizeOf(Opened opened) {
    if (opened.stat.isRegular()) {
      return opened.stat.sizeBytes();
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
      int rc = Posix.ioctl(opened.fd, Posix.BLKGETSIZE64, size);
      if (rc < 0) {
        throw new PoolException(
            new PoolError.DeviceFailed(opened.name, "asking its size", Posix.describe(-rc)));
      }
      return size.get(ValueLayout.JAVA_LONG, 0);
    }
  }

  private static PoolException openFailed(String name, int errno) {
    return switch (errno) {
      case Posix.ENOENT -> PoolException.refused(Errno.ENOENT, name + " does not exist");
      case Posix.EBUSY ->
          PoolException.refused(
              Errno.EBUSY,
              name + " is in use by another process or mounted; export or unmount it there first");
      default -> failed(name, "open", errno);
    };
  }

  /** A refusal where the errno is one that a person can act on, else a failure of the device. */
  private static PoolException failed(String name, String operation, int errno) {
    for (Errno known : Errno.values()) {
      boolean refusal =
          switch (known) {
            case EACCES,
                EPERM,
                EROFS,
                EEXIST,
                ENOENT,
                ENOTDIR,
                EISDIR,
                ELOOP,
                ENAMETOOLONG,
                ETXTBSY,
                EMFILE,
                ENFILE,
                EFBIG,
                ENOSPC,
                EDQUOT,
                EINVAL,
                EOPNOTSUPP ->
                true;
            default -> false;
          };
      if (refusal && known.value() == errno) {
        return PoolException.refused(
            known, name + ": cannot " + operation + ": " + Posix.describe(errno));
      }
    }
    return new PoolException(new PoolError.DeviceFailed(name, operation, Posix.describe(errno)));
  }

  /**
   * Makes a new file to be opened as a device, mode 0600, zeros, durable with its directory entry.
   * Never touches a file that exists.
   *
   * @param preallocate whether its space is taken from the file system now: slower to make, faster
   *     to use, and it cannot run out later
   * @throws PoolException EEXIST when there is such a file, ENOSPC when it does not fit
   */
  public static void create(Path path, long sizeBytes, boolean preallocate) {
    requireLinux();
    String name = path.toString();
    int flags = Posix.O_RDWR | Posix.O_CREAT | Posix.O_EXCL | Posix.O_CLOEXEC;
    int fd;
    do {
      fd = Posix.open(name, flags, 0600);
    } while (fd == -Posix.EINTR);
    if (fd == -Posix.EEXIST) {
      throw PoolException.refused(Errno.EEXIST, name + " exists already; remove it or open it");
    }
    if (fd < 0) {
      throw failed(name, "create", -fd);
    }
    int rc;
    do {
      rc = preallocate ? Posix.fallocate(fd, 0, 0, sizeBytes) : Posix.ftruncate(fd, sizeBytes);
    } while (rc == -Posix.EINTR);
    if (rc == 0) {
      rc = Posix.fsync(fd);
    }
    Posix.close(fd);
    if (rc == 0) {
      rc = syncDirectory(path.toAbsolutePath().getParent());
    }
    if (rc < 0) {
      boolean removed = path.toFile().delete();
      String left = removed ? "" : "; what was made of it is left behind";
      throw failed(name, "give it " + sizeBytes + " bytes" + left, -rc);
    }
  }

  private static int syncDirectory(@Nullable Path directory) {
    int fd =
        tryOpen(directory == null ? "/" : directory.toString(), Posix.O_RDONLY | Posix.O_CLOEXEC);
    if (fd < 0) {
      return fd;
    }
    int rc = Posix.fsync(fd);
    Posix.close(fd);
    return rc;
  }

  private void enter() {
    lifetime.readLock().lock();
    if (closed) {
      lifetime.readLock().unlock();
      throw new PoolException(new PoolError.Closed(name));
    }
  }

  private boolean usable(MemorySegment buffer) {
    return buffer.isNative() && buffer.address() % memoryAlignment == 0;
  }

  @Override
  public void readBlocks(long lba, int blockCount, MemorySegment target) {
    DeviceRanges.checkTransfer(this, lba, blockCount, target);
    DeviceRanges.checkWritable(this, target);
    enter();
    try {
      if (usable(target)) {
        readFully(target, lba * blockSize);
      } else {
        readThroughBounce(target, lba * blockSize);
      }
    } finally {
      lifetime.readLock().unlock();
    }
  }

  private void readThroughBounce(MemorySegment target, long offset) {
    MemorySegment buffer = bounce.take();
    try {
      for (long done = 0; done < target.byteSize(); ) {
        long bytes = Math.min(BounceBuffers.BYTES, target.byteSize() - done);
        readFully(buffer.asSlice(0, bytes), offset + done);
        MemorySegment.copy(buffer, 0, target, done, bytes);
        done += bytes;
      }
    } finally {
      bounce.giveBack(buffer);
    }
  }

  private void readFully(MemorySegment target, long offset) {
    long size = target.byteSize();
    for (long done = 0; done < size; ) {
      long wanted = Math.min(MOST_PER_CALL, size - done);
      long count = Posix.pread(fd, target.asSlice(done, wanted), offset + done);
      if (count == -Posix.EINTR) {
        continue;
      }
      // What a short transfer leaves must start at a block again, for direct I/O.
      long whole = count - Math.floorMod(count, blockSize);
      if (count < 0 || whole == 0) {
        throw transferFailed("read", offset + done, wanted, count);
      }
      done += whole;
    }
  }

  @Override
  public void writeBlocks(long lba, int blockCount, MemorySegment source) {
    DeviceRanges.checkTransfer(this, lba, blockCount, source);
    requireWritable();
    long offset = lba * blockSize;
    if (blockCount == 0) {
      flushable();
      return;
    }
    enter();
    try {
      writes.enter(offset, offset + source.byteSize());
      try {
        if (usable(source)) {
          writeFully(source, offset);
        } else {
          writeThroughBounce(source, offset);
        }
      } finally {
        writes.leave(offset);
      }
    } finally {
      lifetime.readLock().unlock();
    }
  }

  private void writeThroughBounce(MemorySegment source, long offset) {
    MemorySegment buffer = bounce.take();
    try {
      for (long done = 0; done < source.byteSize(); ) {
        long bytes = Math.min(BounceBuffers.BYTES, source.byteSize() - done);
        MemorySegment.copy(source, done, buffer, 0, bytes);
        writeFully(buffer.asSlice(0, bytes), offset + done);
        done += bytes;
      }
    } finally {
      bounce.giveBack(buffer);
    }
  }

  private void writeFully(MemorySegment source, long offset) {
    long size = source.byteSize();
    for (long done = 0; done < size; ) {
      long wanted = Math.min(MOST_PER_CALL, size - done);
      long count = Posix.pwrite(fd, source.asSlice(done, wanted), offset + done);
      if (count == -Posix.EINTR) {
        continue;
      }
      long whole = count - Math.floorMod(count, blockSize);
      if (count < 0 || whole == 0) {
        throw transferFailed("write", offset + done, wanted, count);
      }
      done += whole;
    }
  }

  private PoolException transferFailed(String operation, long offset, long wanted, long count) {
    String cause;
    if (count == -Posix.ENOSPC || count == -Posix.EDQUOT) {
      cause =
          "the file system that holds this file is full ("
              + Posix.describe((int) -count)
              + "); free space there";
    } else if (count < 0) {
      cause = Posix.describe((int) -count);
    } else {
      cause = "only " + count + " bytes were moved; the device is shorter than when it was opened";
    }
    return new PoolException(
        new PoolError.DeviceFailed(
            name, operation + " of " + wanted + " bytes at byte " + offset, cause));
  }

  private void requireWritable() {
    if (!writable) {
      throw PoolException.refused(Errno.EROFS, name + " is open for reading only");
    }
  }

  private void flushable() {
    enter();
    lifetime.readLock().unlock();
  }

  @Override
  public void flush() {
    if (!writable) {
      flushable();
      return;
    }
    enter();
    try {
      if (flushFailed.get()) {
        throw new PoolException(
            new PoolError.DeviceFailed(name, "flush", "an earlier flush failed; writes are lost"));
      }
      int rc;
      do {
        rc = Posix.fdatasync(fd);
      } while (rc == -Posix.EINTR);
      if (rc < 0) {
        flushFailed.set(true);
        throw new PoolException(new PoolError.DeviceFailed(name, "flush", Posix.describe(-rc)));
      }
    } finally {
      lifetime.readLock().unlock();
    }
  }

  @Override
  public void discard(long lba, long blockCount) {
    DeviceRanges.checkRange(this, lba, blockCount);
    requireWritable();
    enter();
    try {
      if (blockCount > 0 && (special || punchHoles) && !discardUseless.get()) {
        long offset = lba * blockSize;
        writes.enter(offset, offset + blockCount * blockSize);
        try {
          discardBytes(offset, blockCount * blockSize);
        } finally {
          writes.leave(offset);
        }
      }
    } finally {
      lifetime.readLock().unlock();
    }
  }

  private void discardBytes(long offset, long bytes) {
    int rc;
    if (special) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment range = arena.allocateFrom(ValueLayout.JAVA_LONG, offset, bytes);
        rc = Posix.ioctl(fd, Posix.BLKDISCARD, range);
      }
    } else {
      int mode = Posix.FALLOC_FL_PUNCH_HOLE | Posix.FALLOC_FL_KEEP_SIZE;
      rc = Posix.fallocate(fd, mode, offset, bytes);
    }
    if (rc == -Posix.EOPNOTSUPP) {
      discardUseless.set(true); // the device has no use for it, which the contract allows
    } else if (rc < 0 && rc != -Posix.EINTR) {
      throw new PoolException(
          new PoolError.DeviceFailed(
              name, "discard of " + bytes + " bytes at byte " + offset, Posix.describe(-rc)));
    }
  }

  /** Whether transfers bypass the page cache. */
  public boolean direct() {
    return direct;
  }

  /** Whether this is a block special file. */
  public boolean special() {
    return special;
  }

  @Override
  public int blockSize() {
    return blockSize;
  }

  @Override
  public long totalBlocks() {
    return totalBlocks;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean readOnly() {
    return !writable;
  }

  @Override
  public int preferredAlignment() {
    return memoryAlignment;
  }

  @Override
  public void close() {
    lifetime.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        // The descriptor first, as in abandon.
        Posix.close(fd);
        if (claim != null) {
          claim.release();
        }
        bounce.close();
      }
    } finally {
      lifetime.writeLock().unlock();
    }
  }
}
