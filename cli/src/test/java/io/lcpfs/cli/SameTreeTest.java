package io.lcpfs.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Pool;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.PoolException;
import io.lcpfs.fuse.FuseMount;
import io.lcpfs.fuse.MountOptions;
import io.lcpfs.fuse.MountedDataset;
import io.lcpfs.nio.LcpfsFileSystems;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.Tuning;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.VfsOperations;
import io.lcpfs.sim.model.FileRef;
import io.lcpfs.sim.model.Op;
import io.lcpfs.sim.model.OpGenerator;
import io.lcpfs.sim.model.ReferenceFs;
import io.lcpfs.sim.world.SimRandom;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The same operations through each way into a file system leave the same files. */
@Timeout(240)
class SameTreeTest {
  private static final int OPERATIONS = 3000;
  private static final long SEED = 20_260;

  /** A way into a file system. Paths begin with a slash. */
  private interface Way {
    void mkdir(String path, int mode) throws IOException;

    void create(String path, int mode) throws IOException;

    void symlink(String path, String target) throws IOException;

    void link(String existing, String path) throws IOException;

    void unlink(String path) throws IOException;

    void rmdir(String path) throws IOException;

    void rename(String from, String to) throws IOException;

    void write(String path, long offset, byte[] content) throws IOException;

    /** Only ever makes it shorter, as a channel does. */
    void shorten(String path, long size) throws IOException;

    void chmod(String path, int mode) throws IOException;

    void fsync(String path) throws IOException;
  }

  /** The system calls. */
  private record Calls(VfsOperations vfs) implements Way {
    private static byte[] b(String text) {
      return text.getBytes(UTF_8);
    }

    @Override
    public void mkdir(String path, int mode) {
      vfs.mkdir(b(path), mode);
      vfs.chmod(b(path), mode);
    }

    @Override
    public void create(String path, int mode) {
      vfs.close(vfs.open(b(path), OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_RDWR, mode));
      vfs.chmod(b(path), mode);
    }

    @Override
    public void symlink(String path, String target) {
      vfs.symlink(b(target), b(path));
    }

    @Override
    public void link(String existing, String path) {
      vfs.link(b(existing), b(path));
    }

    @Override
    public void unlink(String path) {
      vfs.unlink(b(path));
    }

    @Override
    public void rmdir(String path) {
      vfs.rmdir(b(path));
    }

    @Override
    public void rename(String from, String to) {
      vfs.rename(b(from), b(to));
    }

    @Override
    public void write(String path, long offset, byte[] content) {
      int fd = vfs.open(b(path), OpenFlags.O_WRONLY, 0);
      try {
        for (int done = 0; done < content.length; ) {
          MemorySegment rest = MemorySegment.ofArray(content).asSlice(done);
          done += vfs.pwrite(fd, rest, rest.byteSize(), offset + done);
        }
      } finally {
        vfs.close(fd);
      }
    }

    @Override
    public void shorten(String path, long size) {
      int fd = vfs.open(b(path), OpenFlags.O_WRONLY, 0);
      try {
        if (size < vfs.fstat(fd).size()) {
          vfs.ftruncate(fd, size);
        }
      } finally {
        vfs.close(fd);
      }
    }

    @Override
    public void chmod(String path, int mode) {
      vfs.chmod(b(path), mode);
    }

    @Override
    public void fsync(String path) {
      int fd = vfs.open(b(path), OpenFlags.O_RDWR, 0);
      try {
        vfs.fsync(fd);
      } finally {
        vfs.close(fd);
      }
    }
  }

  /** The JDK's files: of the provider, or of a mount. */
  private record Paths(Path root) implements Way {
    private Path at(String path) {
      return root.resolve(path.substring(1));
    }

    private static boolean isDirectory(Path path) {
      return Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
    }

    @Override
    public void mkdir(String path, int mode) throws IOException {
      Files.createDirectory(at(path));
      chmod(path, mode);
    }

    @Override
    public void create(String path, int mode) throws IOException {
      Files.createFile(at(path));
      chmod(path, mode);
    }

    @Override
    public void symlink(String path, String target) throws IOException {
      Files.createSymbolicLink(at(path), root.getFileSystem().getPath(target));
    }

    @Override
    public void link(String existing, String path) throws IOException {
      Files.createLink(at(path), at(existing));
    }

    @Override
    public void unlink(String path) throws IOException {
      if (isDirectory(at(path))) {
        throw new IOException("a directory");
      }
      Files.delete(at(path));
    }

    @Override
    public void rmdir(String path) throws IOException {
      if (!isDirectory(at(path))) {
        throw new IOException("no directory");
      }
      Files.delete(at(path));
    }

    @Override
    public void rename(String from, String to) throws IOException {
      Files.move(
          at(from), at(to), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void write(String path, long offset, byte[] content) throws IOException {
      try (FileChannel file = FileChannel.open(at(path), StandardOpenOption.WRITE)) {
        ByteBuffer left = ByteBuffer.wrap(content);
        while (left.hasRemaining()) {
          file.write(left, offset + left.position());
        }
      }
    }

    @Override
    public void shorten(String path, long size) throws IOException {
      try (FileChannel file = FileChannel.open(at(path), StandardOpenOption.WRITE)) {
        file.truncate(size);
      }
    }

    @Override
    public void chmod(String path, int mode) throws IOException {
      Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
      PosixFilePermission[] all = PosixFilePermission.values();
      for (int i = 0; i < all.length; i++) {
        if ((mode & (0400 >> i)) != 0) {
          permissions.add(all[i]);
        }
      }
      Files.setPosixFilePermissions(at(path), permissions);
    }

    @Override
    public void fsync(String path) throws IOException {
      try (FileChannel file =
          FileChannel.open(at(path), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        file.force(false);
      }
    }
  }

  private final RealEnv env = new RealEnv();

  private Pool pool() {
    return Pool.create(
        List.of(new RamDevice("ram", 4096, (128 << 20) / 4096)),
        CreateOptions.named("tank")
            .withSmallDevices(true)
            .withTuning(Tuning.standard().withCacheBytes(32 << 20).withDirtyBytes(16 << 20)),
        env);
  }

  private static PosixFileSystem files(Pool pool) {
    return pool.dataset("tank").fileSystem();
  }

  /** Names that any locale of the host can say. */
  private static String plain(String path) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      text.append(c < 128 ? String.valueOf(c) : "u" + Integer.toHexString(c));
    }
    return text.toString();
  }

  private static String path(FileRef file) {
    return plain(((FileRef.ByPath) file).path());
  }

  /** Whether all ways know such an operation. */
  private static boolean isCommon(Op op) {
    return switch (op) {
      case Op.Symlink symlink -> !symlink.target().isEmpty();
      case Op.Rename rename -> rename.mode() == Op.RenameMode.REPLACE;
      case Op.Truncate truncate -> truncate.size() >= 0;
      case Op.Mkdir _,
          Op.Create _,
          Op.Link _,
          Op.Unlink _,
          Op.Rmdir _,
          Op.Write _,
          Op.Chmod _,
          Op.Fsync _ ->
          true;
      default -> false;
    };
  }

  private static void run(Op op, Way way) throws IOException {
    switch (op) {
      case Op.Mkdir mkdir -> way.mkdir(plain(mkdir.path()), mkdir.mode());
      case Op.Create create -> way.create(plain(create.path()), create.mode());
      case Op.Symlink symlink -> way.symlink(plain(symlink.path()), plain(symlink.target()));
      case Op.Link link -> way.link(plain(link.existing()), plain(link.path()));
      case Op.Unlink unlink -> way.unlink(plain(unlink.path()));
      case Op.Rmdir rmdir -> way.rmdir(plain(rmdir.path()));
      case Op.Rename rename -> way.rename(plain(rename.from()), plain(rename.to()));
      case Op.Write write -> {
        byte[] content = new byte[write.length()];
        new Random(write.contentSeed()).nextBytes(content);
        way.write(path(write.file()), write.offset(), content);
      }
      case Op.Truncate truncate -> way.shorten(path(truncate.file()), truncate.size());
      case Op.Chmod chmod -> way.chmod(plain(chmod.path()), chmod.mode());
      case Op.Fsync fsync -> way.fsync(path(fsync.file()));
      default -> throw new AssertionError(op);
    }
  }

  private static boolean succeeds(Op op, Way way) {
    try {
      run(op, way);
      return true;
    } catch (IOException | PoolException e) {
      return false;
    }
  }

  @Test
  void everyWayInLeavesTheSameTree() throws IOException, InterruptedException {
    Path mountPoint = Files.createTempDirectory("lcpfs-same-");
    List<Pool> pools = new ArrayList<>(List.of(pool(), pool()));
    FuseMount mount = null;
    try (FileSystem provider = LcpfsFileSystems.of(pools.get(1).dataset("tank"))) {
      List<Way> ways = new ArrayList<>();
      ways.add(new Calls(new VfsOperations(files(pools.get(0)), 1, Caller.ROOT)));
      ways.add(new Paths(provider.getPath("/")));
      Pool mounted = pool();
      pools.add(mounted);
      mount = mountOn(mounted, mountPoint);
      if (mount != null) {
        ways.add(new Paths(mountPoint));
      }
      int done = work(ways);
      assertThat(done).as("operations that succeeded").isGreaterThan(OPERATIONS / 4);
      if (mount != null) {
        mount.close();
        mount.awaitUnmounted();
        mount = null;
      }
      String first = tree(files(pools.get(0)));
      assertThat(first.lines().count()).isGreaterThan(20);
      for (int i = 1; i < ways.size(); i++) {
        assertThat(tree(files(pools.get(i)))).as("way " + i).isEqualTo(first);
      }
      for (Pool pool : pools) {
        assertThat(pool.verify(progress -> {}).findings()).isEmpty();
      }
    } finally {
      if (mount != null) {
        mount.close();
        mount.awaitUnmounted();
      }
      pools.forEach(Pool::close);
      Files.delete(mountPoint);
      env.close();
    }
  }

  /** Does the same through all ways; how much of it succeeded. */
  private static int work(List<Way> ways) {
    ReferenceFs model = new ReferenceFs();
    OpGenerator generator = new OpGenerator(new SimRandom(SEED), model, "", 6 << 20, 0, 0);
    int done = 0;
    for (int n = 0; n < OPERATIONS; ) {
      Op op = generator.next();
      if (!isCommon(op)) {
        continue;
      }
      n++;
      model.apply(op);
      boolean first = succeeds(op, ways.getFirst());
      done += first ? 1 : 0;
      for (int i = 1; i < ways.size(); i++) {
        assertThat(succeeds(op, ways.get(i)))
            .as("way " + i + ", " + n + ": " + op)
            .isEqualTo(first);
      }
    }
    return done;
  }

  private static @Nullable FuseMount mountOn(Pool pool, Path at) throws IOException {
    Path device = Path.of("/dev/fuse");
    boolean root = Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    if (!Files.isWritable(device) || !root) {
      return null;
    }
    try {
      return FuseMount.mount(
          List.of(new MountedDataset("", files(pool))),
          at,
          MountOptions.of("tank"),
          System.err::println);
    } catch (PoolException e) {
      return null; // this host lets nobody mount
    }
  }

  private static String tree(PosixFileSystem fs) {
    StringBuilder text = new StringBuilder();
    addTree(fs, "/", text);
    return text.toString();
  }

  private static void addTree(PosixFileSystem fs, String path, StringBuilder text) {
    PathCalls calls = fs.paths();
    byte[] bytes = PathCalls.path(path);
    Attr attr = calls.lstat(bytes, Caller.ROOT);
    text.append(path)
        .append(' ')
        .append(Integer.toOctalString(attr.mode()))
        .append(' ')
        .append(attr.nlink())
        .append(' ')
        .append(attr.size());
    if (attr.isSymlink()) {
      text.append(" -> ").append(new String(calls.readlink(bytes, Caller.ROOT), UTF_8));
    } else if (attr.isRegular()) {
      try (FileHandle file = calls.open(bytes, OpenFlags.O_RDONLY, 0, Caller.ROOT)) {
        byte[] content = new byte[(int) attr.size()];
        assertThat(file.read(0, MemorySegment.ofArray(content), 0, content.length))
            .isEqualTo(content.length);
        text.append(' ').append(Arrays.hashCode(content));
      }
    }
    text.append('\n');
    if (attr.isDirectory()) {
      List<String> names = new ArrayList<>();
      for (byte[] name : calls.names(bytes, Caller.ROOT)) {
        names.add(new String(name, UTF_8));
      }
      names.sort(null);
      for (String name : names) {
        addTree(fs, path.equals("/") ? "/" + name : path + "/" + name, text);
      }
    }
  }
}
