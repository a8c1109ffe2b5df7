package io.lcpfs.cli.tree;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.NameText;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A directory of the host, held open; every step starts from its descriptor. */
public final class HostDirectory implements TreeDirectory {
  private static final int DENTS_BYTES = 64 << 10;
  private static final byte[] SELF = {};

  private final int fd;
  private final String display;
  private final AtomicBoolean closed = new AtomicBoolean();

  HostDirectory(int fd, String display) {
    this.fd = fd;
    this.display = display;
  }

  /**
   * Opens a directory by path; symbolic links in {@code path} are followed, as its author meant.
   */
  public static HostDirectory open(Path path) {
    return HostPath.of(path.toString()).open();
  }

  /** A name for messages. */
  static String show(byte[] name) {
    return NameText.decode(name);
  }

  /** The effective user of this process. */
  public static int euid() {
    return HostCalls.euid();
  }

  /** The effective group of this process. */
  public static int egid() {
    return HostCalls.egid();
  }

  @Override
  public String display() {
    return display;
  }

  private String display(byte[] name) {
    return display.endsWith("/") ? display + show(name) : display + "/" + show(name);
  }

  /** Whether it is '.' or '..'. */
  static boolean isDots(byte[] name) {
    return (name.length == 1 && name[0] == '.')
        || (name.length == 2 && name[0] == '.' && name[1] == '.');
  }

  /** A name that came from elsewhere must stay within this directory. */
  private byte[] checked(byte[] name) {
    if (name.length == 0 || isDots(name)) {
      throw PoolException.posix(Errno.EINVAL, display(name));
    }
    for (byte b : name) {
      if (b == '/' || b == 0) {
        throw PoolException.posix(Errno.EINVAL, display(name));
      }
    }
    return name;
  }

  static Attributes attributes(MemorySegment statx) {
    long device =
        ((long) statx.get(Native.I32, 136) << 32)
            | Integer.toUnsignedLong(statx.get(Native.I32, 140));
    long major = Integer.toUnsignedLong(statx.get(Native.I32, 128));
    long minor = Integer.toUnsignedLong(statx.get(Native.I32, 132));
    long rdev =
        (minor & 0xff)
            | ((major & 0xfff) << 8)
            | ((minor & ~0xffL) << 12)
            | ((major & ~0xfffL) << 32);
    return new Attributes(
        new Attributes.Identity(device, statx.get(Native.I64, 32)),
        Short.toUnsignedInt(statx.get(Native.U16, 28)),
        Integer.toUnsignedLong(statx.get(Native.I32, 16)),
        statx.get(Native.I32, 20),
        statx.get(Native.I32, 24),
        rdev,
        statx.get(Native.I64, 40),
        statx.get(Native.I64, 48) * 512,
        statx.get(Native.I64, 64),
        statx.get(Native.I32, 72),
        statx.get(Native.I64, 112),
        statx.get(Native.I32, 120));
  }

  static Attributes attributesOf(int fd, String display) {
    Native.check(HostCalls.statx(fd, SELF, HostCalls.AT_EMPTY_PATH), display);
    return attributes(Native.buffers().statx);
  }

  @Override
  public Attributes attributes() {
    return attributesOf(fd, display);
  }

  @Override
  public List<byte[]> names() {
    List<byte[]> names = new ArrayList<>();
    // A descriptor of its own: the position of this one is shared with whoever lists again.
    long listing =
        Native.check(
            HostCalls.openat(fd, new byte[] {'.'}, HostCalls.O_RDONLY | HostCalls.O_DIRECTORY, 0),
            display);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(DENTS_BYTES, 8);
      while (true) {
        long bytes = Native.check(HostCalls.getdents((int) listing, buffer), display);
        if (bytes == 0) {
          return names;
        }
        collect(buffer, bytes, names);
      }
    } finally {
      HostCalls.close((int) listing);
    }
  }

  private static void collect(MemorySegment buffer, long bytes, List<byte[]> names) {
    for (long at = 0; at < bytes; ) {
      int recordBytes = Short.toUnsignedInt(buffer.get(ValueLayout.JAVA_SHORT, at + 16));
      long start = at + 19;
      long end = start;
      while (buffer.get(ValueLayout.JAVA_BYTE, end) != 0) {
        end++;
      }
      byte[] name = buffer.asSlice(start, end - start).toArray(ValueLayout.JAVA_BYTE);
      if (!isDots(name)) {
        names.add(name);
      }
      at += recordBytes;
    }
  }

  @Override
  public @Nullable Attributes stat(byte[] name) {
    long answer = HostCalls.statx(fd, checked(name), HostCalls.AT_SYMLINK_NOFOLLOW);
    if (answer == HostCalls.ENOENT) {
      return null;
    }
    Native.check(answer, display(name));
    return attributes(Native.buffers().statx);
  }

  @Override
  public TreeDirectory directory(byte[] name) {
    long child =
        HostCalls.openat(
            fd,
            checked(name),
            HostCalls.O_RDONLY | HostCalls.O_DIRECTORY | HostCalls.O_NOFOLLOW,
            0);
    return new HostDirectory((int) Native.check(child, display(name)), display(name));
  }

  @Override
  public byte[] readLink(byte[] name) {
    long length = Native.check(HostCalls.readlinkat(fd, checked(name)), display(name));
    return Native.buffers().result().asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
  }

  @Override
  public TreeFile open(byte[] name) {
    // O_NONBLOCK: a fifo put there meanwhile must not hold us up.
    long file =
        HostCalls.openat(
            fd, checked(name), HostCalls.O_RDONLY | HostCalls.O_NOFOLLOW | HostCalls.O_NONBLOCK, 0);
    return new HostFile((int) Native.check(file, display(name)), display(name));
  }

  @Override
  public TreeFile create(byte[] name) {
    long file =
        HostCalls.openat(
            fd,
            checked(name),
            HostCalls.O_WRONLY | HostCalls.O_CREAT | HostCalls.O_EXCL | HostCalls.O_NOFOLLOW,
            0600);
    return new HostFile((int) Native.check(file, display(name)), display(name));
  }

  @Override
  public void makeDirectory(byte[] name) {
    Native.check(HostCalls.mkdirat(fd, checked(name), 0700), display(name));
  }

  @Override
  public void makeSymlink(byte[] name, byte[] target) {
    Native.check(HostCalls.symlinkat(target, fd, checked(name)), display(name));
  }

  @Override
  public void makeNode(byte[] name, int mode, long rdev) {
    Native.check(HostCalls.mknodat(fd, checked(name), mode, rdev), display(name));
  }

  @Override
  public void link(byte[] name, TreeDirectory from, byte[] existing) {
    if (!(from instanceof HostDirectory directory)) {
      throw PoolException.posix(Errno.EXDEV, display(name));
    }
    Native.check(
        HostCalls.linkat(directory.fd, checked(existing), fd, checked(name)), display(name));
  }

  @Override
  public void remove(byte[] name) {
    Native.check(HostCalls.unlinkat(fd, checked(name)), display(name));
  }

  @Override
  public void apply(byte[] name, Attributes type, Applied change) {
    if (change.setsOwner()) {
      Native.check(
          HostCalls.lchownat(fd, checked(name), change.uid(), change.gid()), display(name));
    }
    if (change.permissions() >= 0 && !type.isSymlink()) {
      Native.check(HostCalls.fchmodat(fd, checked(name), change.permissions()), display(name));
    }
    if (change.times().set()) {
      Native.check(HostCalls.lutimensat(fd, checked(name), change.times()), display(name));
    }
  }

  static void apply(int fd, Applied change, String display) {
    if (change.setsOwner()) {
      Native.check(HostCalls.fchown(fd, change.uid(), change.gid()), display);
    }
    // After the owner, whose change clears the set-id bits.
    if (change.permissions() >= 0) {
      Native.check(HostCalls.fchmod(fd, change.permissions()), display);
    }
    if (change.times().set()) {
      Native.check(HostCalls.futimens(fd, change.times()), display);
    }
  }

  @Override
  public void apply(Applied change) {
    apply(fd, change, display);
  }

  @Override
  public SortedMap<String, byte[]> xattrs() {
    return HostXattrs.all(fd, display);
  }

  @Override
  public void setXattr(String name, byte[] value) {
    HostXattrs.set(fd, name, value, display);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      HostCalls.close(fd);
    }
  }
}
