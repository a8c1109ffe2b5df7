package io.lcpfs.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** A fresh file system, with the calls by path in short form. Closing it checks it. */
final class TestFs implements AutoCloseable {
  static final Caller ROOT = Caller.ROOT;
  static final Caller ALICE = new Caller(1001, 1001, new int[] {2000});
  static final Caller BOB = Caller.of(1002, 1002);

  final TestWorld world = new TestWorld();
  final TestObjects pool;
  ObjectSet objects;
  PosixFileSystem fs;
  PathCalls paths;

  TestFs() {
    this(FsOptions.DEFAULTS);
  }

  TestFs(FsOptions options) {
    this(options, 1L << 30);
  }

  TestFs(FsOptions options, long deviceBytes) {
    pool = new TestObjects(world, deviceBytes);
    objects = pool.objectSet();
    try (Tx tx = objects.begin(1 << 20)) {
      PosixFileSystem.format(tx, objects, world);
    }
    fs = PosixFileSystem.open(objects, world, options);
    paths = fs.paths();
  }

  /** Forgets what this room has in memory. */
  void reopen(FsOptions options) {
    fs.close();
    fs = PosixFileSystem.open(objects, world, options);
    paths = fs.paths();
  }

  /** As {@link #reopen}, with a pool whose memory was lost after a sync. */
  void crashAfterSync() {
    FsOptions options = fs.options();
    pool.crashAfterSync();
    fs.close();
    restart(options);
  }

  /** As {@link #reopen}, with nothing left in any cache. */
  void reimport() {
    FsOptions options = fs.options();
    fs.close();
    pool.reimport();
    restart(options);
  }

  private void restart(FsOptions options) {
    objects = pool.objectSet();
    fs = PosixFileSystem.open(objects, world, options);
    paths = fs.paths();
  }

  void awaitReaper() {
    while (!fs.reaperIdle()) {
      world.sleep(1_000_000);
    }
  }

  PosixCheck.Report check() {
    return PosixCheck.check(objects, world);
  }

  @Override
  public void close() {
    awaitReaper();
    assertThat(check().problems()).isEmpty();
    fs.close();
    pool.close();
    world.close();
  }

  static byte[] b(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String s(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** The errno with which {@code call} fails; it has to fail. */
  static Errno errno(ThrowingCallable call) {
    Throwable thrown = catchThrowable(call);
    assertThat(thrown).isInstanceOf(PoolException.class);
    return ((PoolException) thrown).errno();
  }

  Attr stat(String path) {
    return paths.lstat(b(path), ROOT);
  }

  boolean exists(String path) {
    try {
      stat(path);
      return true;
    } catch (PoolException e) {
      assertThat(e.errno()).isIn(Errno.ENOENT, Errno.ENOTDIR);
      return false;
    }
  }

  Attr mkdir(String path) {
    return mkdir(path, 0x1ED, ROOT);
  }

  Attr mkdir(String path, int mode, Caller caller) {
    return paths.mkdir(b(path), mode, caller);
  }

  FileHandle open(String path, int flags) {
    return paths.open(b(path), flags, 0x1A4, ROOT);
  }

  FileHandle open(String path, int flags, Caller caller) {
    return paths.open(b(path), flags, 0x1A4, caller);
  }

  /** An empty file of mode 0644. */
  Attr touch(String path) {
    return touch(path, 0x1A4, ROOT);
  }

  Attr touch(String path, int mode, Caller caller) {
    try (FileHandle handle =
        paths.open(b(path), OpenFlags.O_CREAT | OpenFlags.O_RDWR, mode, caller)) {
      return handle.getattr();
    }
  }

  void write(String path, String content) {
    try (FileHandle handle =
        open(path, OpenFlags.O_CREAT | OpenFlags.O_WRONLY | OpenFlags.O_TRUNC)) {
      write(handle, 0, b(content));
    }
  }

  static int write(FileHandle handle, long offset, byte[] content) {
    return handle.write(offset, MemorySegment.ofArray(content), 0, content.length);
  }

  String read(String path) {
    try (FileHandle handle = open(path, OpenFlags.O_RDONLY)) {
      return s(read(handle, 0, (int) handle.size()));
    }
  }

  static byte[] read(FileHandle handle, long offset, int length) {
    byte[] to = new byte[length];
    int count = handle.read(offset, MemorySegment.ofArray(to), 0, length);
    return Arrays.copyOf(to, count);
  }

  void unlink(String path) {
    paths.unlink(b(path), ROOT);
  }

  void rmdir(String path) {
    paths.rmdir(b(path), ROOT);
  }

  void rename(String from, String to) {
    paths.rename(b(from), b(to), 0, ROOT);
  }

  void rename(String from, String to, int flags) {
    paths.rename(b(from), b(to), flags, ROOT);
  }

  void link(String from, String to) {
    paths.link(b(from), b(to), ROOT);
  }

  void symlink(String target, String path) {
    paths.symlink(b(target), b(path), ROOT);
  }

  void chmod(String path, int mode, Caller caller) {
    paths.setattr(b(path), true, new SetAttr().mode(mode), caller);
  }

  void chown(String path, int uid, int gid) {
    paths.setattr(b(path), true, new SetAttr().uid(uid).gid(gid), ROOT);
  }

  /** The whole tree as text: for each path its attributes without times, and the content. */
  String tree() {
    StringBuilder text = new StringBuilder();
    addTree("/", text);
    return text.toString();
  }

  private void addTree(String path, StringBuilder text) {
    Attr attr = stat(path);
    text.append(path)
        .append(' ')
        .append(Integer.toOctalString(attr.mode()))
        .append(' ')
        .append(attr.nlink())
        .append(' ')
        .append(attr.uid())
        .append(' ')
        .append(attr.gid())
        .append(' ')
        .append(attr.size())
        .append(' ')
        .append(attr.rdev());
    for (byte[] name : paths.listxattr(b(path), false, ROOT)) {
      text.append(' ')
          .append(s(name))
          .append('=')
          .append(Arrays.hashCode(paths.getxattr(b(path), false, name, ROOT)));
    }
    if (attr.isSymlink()) {
      text.append(" -> ").append(s(paths.readlink(b(path), ROOT)));
    } else if (attr.isRegular()) {
      try (FileHandle handle = open(path, OpenFlags.O_RDONLY)) {
        text.append(' ').append(Arrays.hashCode(read(handle, 0, (int) attr.size())));
      }
    }
    text.append('\n');
    if (attr.isDirectory()) {
      for (String name : names(path)) {
        addTree(path.equals("/") ? "/" + name : path + "/" + name, text);
      }
    }
  }

  List<String> names(String path) {
    List<String> names = new ArrayList<>();
    for (byte[] name : paths.names(b(path), ROOT)) {
      names.add(s(name));
    }
    names.sort(null);
    return names;
  }
}
