package io.lcpfs.stream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.FileTree;
import io.lcpfs.api.Pool;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.Tuning;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

/** Pools in memory, trees of files in them, and what a tree comes to as text. */
public final class StreamWorld implements AutoCloseable {
  public final RealEnv env = new RealEnv();
  private final Tuning tuning =
      Tuning.standard().withCacheBytes(32L << 20).withDirtyBytes(8L << 20).withPoison(true);

  public Pool pool(String name, long bytes) {
    return Pool.create(
        List.of(new RamDevice(name, 512, bytes / 512)),
        CreateOptions.named(name).withSmallDevices(true).withTuning(tuning),
        env);
  }

  public static byte[] path(String name) {
    return name.getBytes(UTF_8);
  }

  public static void write(PosixFileSystem fs, String name, long at, byte[] data) {
    int flags = OpenFlags.O_RDWR | OpenFlags.O_CREAT;
    try (FileHandle file = fs.paths().open(path(name), flags, 0644, Caller.ROOT)) {
      assertThat(file.write(at, MemorySegment.ofArray(data), 0, data.length))
          .isEqualTo(data.length);
    }
  }

  public static byte[] send(FileTree snapshot, SendOptions options) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    snapshot.pool().snapshot(snapshot.name()).send(out, options);
    return out.toByteArray();
  }

  /** Everything that a program can see of a tree, by path. */
  public static TreeMap<String, String> look(FileTree tree) {
    TreeMap<String, String> seen = new TreeMap<>();
    PosixFileSystem fs = tree.fileSystem();
    look(fs, "/", fs.getattr(fs.rootInode()), seen);
    return seen;
  }

  private static void look(
      PosixFileSystem fs, String path, Attr attr, TreeMap<String, String> seen) {
    StringBuilder text = new StringBuilder();
    text.append(Integer.toOctalString(attr.mode()))
        .append(" n")
        .append(attr.nlink())
        .append(" u")
        .append(attr.uid())
        .append(" g")
        .append(attr.gid())
        .append(" d")
        .append(attr.rdev())
        .append(" i")
        .append(attr.inode())
        .append(" s")
        .append(attr.size())
        .append(" m")
        .append(attr.mtimeSeconds())
        .append('.')
        .append(attr.mtimeNanos())
        .append(" c")
        .append(attr.ctimeSeconds())
        .append('.')
        .append(attr.ctimeNanos())
        .append(" b")
        .append(attr.btimeSeconds());
    for (byte[] name : fs.listxattr(attr.inode(), Caller.ROOT)) {
      text.append(" x")
          .append(new String(name, UTF_8))
          .append('=')
          .append(Arrays.toString(fs.getxattr(attr.inode(), name, Caller.ROOT)));
    }
    if (attr.isSymlink()) {
      text.append(" -> ").append(new String(fs.paths().readlink(path(path), Caller.ROOT), UTF_8));
    } else if (attr.isRegular()) {
      int flags = OpenFlags.O_RDONLY | OpenFlags.O_NOATIME;
      try (FileHandle file = fs.open(attr.inode(), flags, Caller.ROOT)) {
        byte[] chunk = new byte[1 << 16];
        int hash = 1;
        for (long at = 0; at < attr.size() && at < (4L << 20); at += chunk.length) {
          long got = file.read(at, MemorySegment.ofArray(chunk), 0, chunk.length);
          hash = 31 * hash + Arrays.hashCode(Arrays.copyOf(chunk, (int) got));
        }
        text.append(" h").append(hash);
      }
    }
    seen.put(path, text.toString());
    if (attr.isDirectory()) {
      List<String> names = new java.util.ArrayList<>();
      int flags = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOATIME;
      try (FileHandle handle = fs.open(attr.inode(), flags, Caller.ROOT)) {
        fs.readdir(handle, 0, (cookie, name, inode, type) -> names.add(new String(name, UTF_8)));
      }
      names.removeIf(name -> name.equals(".") || name.equals(".."));
      for (String name : names) {
        Attr child = fs.lookup(attr.inode(), path(name), Caller.ROOT);
        look(fs, path.equals("/") ? "/" + name : path + "/" + name, child, seen);
      }
    }
  }

  /** Makes a tree of everything that there is. */
  public static void tree(PosixFileSystem fs, Random random, int files) {
    var paths = fs.paths();
    paths.mkdir(path("/d"), 0750, Caller.ROOT);
    paths.mkdir(path("/d/e"), 0700, Caller.ROOT);
    for (int i = 0; i < files; i++) {
      byte[] data = new byte[random.nextInt(random.nextInt(4) == 0 ? 300_000 : 6000)];
      if (random.nextBoolean()) {
        random.nextBytes(data);
      } else {
        Arrays.fill(data, (byte) i);
      }
      String name = (random.nextBoolean() ? "/d/" : "/") + "f" + i;
      write(fs, name, random.nextInt(5) == 0 ? 1L << 20 : 0, data);
      if (random.nextInt(4) == 0) {
        paths.link(path(name), path("/d/e/link" + i), Caller.ROOT);
      }
      if (random.nextInt(3) == 0) {
        Attr attr = paths.stat(path(name), Caller.ROOT);
        byte[] value = new byte[random.nextInt(500)];
        fs.setxattr(attr.inode(), path("user.x" + i), value, 0, Caller.ROOT);
      }
    }
    paths.symlink(path("d/e"), path("/short"), Caller.ROOT);
    paths.symlink(path("x/".repeat(600)), path("/d/long"), Caller.ROOT);
    paths.mknod(path("/d/pipe"), 0010644, 0, Caller.ROOT);
    paths.mknod(path("/d/null"), 0020666, 259, Caller.ROOT);
    for (int i = 0; i < 400; i++) {
      paths.mkdir(path("/d/e/some-directory-with-a-long-name-" + i), 0755, Caller.ROOT);
    }
  }

  /** Returns when what was given up is freed. */
  public static void settle(Pool pool) {
    long end = System.nanoTime() + 30_000_000_000L;
    while (pool.status().freeingBytes() > 0
        || pool.verify(p -> {}).counts().getOrDefault("datasets", 0L) > pool.datasets().size()) {
      assertThat(System.nanoTime()).as("freeing goes on").isLessThan(end);
      pool.sync(); // tells of a disk that is gone, which would be waited for in vain
    }
    pool.sync();
  }

  public static void assertClean(Pool pool) {
    assertThat(pool.verify(p -> {}).findings()).isEmpty();
    assertThat(pool.status().problems()).isEmpty();
  }

  @Override
  public void close() {
    env.close();
  }
}
