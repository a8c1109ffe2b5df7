package io.lcpfs.bench.side;

import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A tree of small real files copied from a folder of the host: with modes, owners, times and
 * symbolic links, then synced; a new copy each time. Also tells what the tree takes on LCPFS with
 * ZSTD.
 */
final class TreeCopy extends Row {
  /** Where machines keep many small files; what they lack is made. */
  private static final List<String> SOURCES =
      List.of(
          "/usr/include",
          "/usr/lib/python3",
          "/usr/share/vim",
          "/usr/share/perl",
          "/usr/share/doc/git");

  private static final int MOST_FILES = 25_000;
  private static final String STORED = "zstd";

  private final World world;
  private final Path tree;
  private ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
  private int entries;
  private long logicalBytes;
  private int made;

  TreeCopy(World world) {
    super("copy", "copy of a tree of small files, final sync", "entries/s", 1.0, 0);
    this.world = world;
    this.tree = world.directory.resolve("tree");
  }

  @Override
  String configuration() {
    return entries + " entries, " + logicalBytes / 1_000_000 + " MB of file data";
  }

  @Override
  void prepare() throws Exception {
    Files.createDirectory(tree);
    List<Path> sources = new ArrayList<>();
    if (world.options.tree() != null) {
      sources.add(world.options.tree());
    } else {
      SOURCES.stream().map(Path::of).filter(Files::isDirectory).forEach(sources::add);
    }
    for (Path source : sources) {
      collect(source);
    }
    if (world.options.tree() == null && entries < most()) {
      Path made = tree.resolve("made");
      Files.createDirectory(made);
      entries++;
      logicalBytes += MadeFiles.write(made, most() - entries);
      entries = most();
    }
    if (entries == 0) {
      throw new IllegalStateException("no files found to copy; name some with --tree");
    }
    HostSystem.sync(tree);
    copyToLcpfs("checked");
    check("checked");
  }

  private int most() {
    return world.options.quick() ? MOST_FILES / 16 : MOST_FILES;
  }

  /** Takes files of the machine until there are enough. */
  private void collect(Path source) throws IOException {
    int most = most();
    Path target = tree.resolve(Objects.requireNonNull(source.getFileName()).toString());
    Files.walkFileTree(
        source,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
              throws IOException {
            Files.createDirectories(target.resolve(source.relativize(directory).toString()));
            entries++;
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (entries >= most) {
              return FileVisitResult.TERMINATE;
            }
            if ((attributes.isRegularFile() || attributes.isSymbolicLink())
                && Files.isReadable(file.getParent())) {
              Files.copy(
                  file,
                  target.resolve(source.relativize(file).toString()),
                  LinkOption.NOFOLLOW_LINKS,
                  StandardCopyOption.COPY_ATTRIBUTES);
              entries++;
              logicalBytes += attributes.isRegularFile() ? attributes.size() : 0;
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException failure) {
            return FileVisitResult.CONTINUE; // what we may not read is left out, on both sides
          }
        });
  }

  @Override
  Sample host(long seed) throws Exception {
    Path target = world.directory.resolve("copied" + made++);
    world.settle();
    Meter meter = Meter.start();
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
              throws IOException {
            Files.copy(
                directory,
                target.resolve(tree.relativize(directory)),
                StandardCopyOption.COPY_ATTRIBUTES);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.copy(
                file,
                target.resolve(tree.relativize(file)),
                LinkOption.NOFOLLOW_LINKS,
                StandardCopyOption.COPY_ATTRIBUTES);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
              throws IOException {
            Files.setLastModifiedTime(
                target.resolve(tree.relativize(directory)), Files.getLastModifiedTime(directory));
            return FileVisitResult.CONTINUE;
          }
        });
    HostSystem.sync(target);
    return meter.stop(entries, entries);
  }

  @Override
  Sample lcpfs(long seed) throws Exception {
    String name = "copied" + made++;
    world.settle();
    Meter meter = Meter.start();
    copyToLcpfs(name);
    return meter.stop(entries, entries);
  }

  private void copyToLcpfs(String name) throws IOException {
    copyTo(world.pool().files(), name);
  }

  private void copyTo(PosixFileSystem files, String name) throws IOException {
    Files.walkFileTree(tree, new Copier(files, name));
    files.sync();
  }

  /** Makes on LCPFS what it meets on the host. */
  private final class Copier extends SimpleFileVisitor<Path> {
    private final PosixFileSystem files;
    private final byte[] rootName;
    private final Deque<Long> parents = new ArrayDeque<>();

    Copier(PosixFileSystem files, String name) {
      this.files = files;
      this.rootName = PathCalls.path(name);
      parents.push(files.rootInode());
    }

    private byte[] name(Path path) {
      return path.equals(tree)
          ? rootName
          : Objects.requireNonNull(path.getFileName()).toString().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
        throws IOException {
      Unix unix = Unix.of(directory);
      parents.push(
          files.mkdir(parents.element(), name(directory), unix.mode, LcpfsPool.ROOT).inode());
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      Unix unix = Unix.of(file);
      byte[] name = name(file);
      if (attributes.isSymbolicLink()) {
        byte[] target = Files.readSymbolicLink(file).toString().getBytes(StandardCharsets.UTF_8);
        long inode = files.symlink(parents.element(), name, target, LcpfsPool.ROOT).inode();
        setTimesAndOwner(inode, unix);
        return FileVisitResult.CONTINUE;
      }
      int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL;
      try (var handle =
          files.create(parents.element(), name, unix.mode, flags, LcpfsPool.ROOT).handle()) {
        int length = readWhole(file, attributes.size());
        if (handle.write(0, MemorySegment.ofBuffer(buffer), 0, length) != length) {
          throw new IOException(file + ": short write");
        }
        setTimesAndOwner(handle.inode(), unix);
      }
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
        throws IOException {
      setTimesAndOwner(parents.pop(), Unix.of(directory));
      return FileVisitResult.CONTINUE;
    }

    private void setTimesAndOwner(long inode, Unix unix) {
      files.setattr(
          inode,
          new SetAttr()
              .uid(unix.uid)
              .gid(unix.gid)
              .mtime(unix.modified.getEpochSecond(), unix.modified.getNano())
              .atime(unix.accessed.getEpochSecond(), unix.accessed.getNano()),
          LcpfsPool.ROOT);
    }
  }

  /** What the copy keeps of a file on the host. */
  private record Unix(int mode, int uid, int gid, Instant modified, Instant accessed) {
    static Unix of(Path path) throws IOException {
      Map<String, Object> all =
          Files.readAttributes(
              path, "unix:mode,uid,gid,lastModifiedTime,lastAccessTime", LinkOption.NOFOLLOW_LINKS);
      return new Unix(
          number(all, "mode") & 0xFFF,
          number(all, "uid"),
          number(all, "gid"),
          time(all, "lastModifiedTime"),
          time(all, "lastAccessTime"));
    }

    private static int number(Map<String, Object> all, String name) {
      return (int) Objects.requireNonNull(all.get(name));
    }

    private static Instant time(Map<String, Object> all, String name) {
      return ((FileTime) Objects.requireNonNull(all.get(name))).toInstant();
    }
  }

  /** Fills the buffer with a file's content. */
  private int readWhole(Path file, long size) throws IOException {
    if (size > buffer.capacity()) {
      buffer = ByteBuffer.allocateDirect(Math.toIntExact(size));
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      buffer.clear().limit((int) size);
      while (buffer.hasRemaining() && channel.read(buffer) >= 0) {
        // until all is here
      }
    }
    int length = buffer.position();
    buffer.clear();
    return length;
  }

  /** Every file's content as it was copied. */
  private void check(String name) throws IOException {
    PosixFileSystem files = world.pool().files();
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            byte[] path = PathCalls.path(name + "/" + tree.relativize(file));
            boolean same;
            if (attributes.isSymbolicLink()) {
              same =
                  Files.readSymbolicLink(file)
                      .toString()
                      .equals(
                          new String(
                              files.paths().readlink(path, LcpfsPool.ROOT),
                              StandardCharsets.UTF_8));
            } else {
              try (var handle = files.paths().open(path, OpenFlags.O_RDONLY, 0, LcpfsPool.ROOT)) {
                byte[] read = new byte[(int) attributes.size()];
                same =
                    handle.size() == read.length
                        && handle.read(0, MemorySegment.ofArray(read), 0, read.length)
                            == read.length
                        && java.util.Arrays.equals(read, Files.readAllBytes(file));
              }
            }
            if (!same) {
              throw new IOException(file + " differs on LCPFS");
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** What the tree takes. All in bytes. */
  record Stored(long logicalBytes, long lcpfsBytes, String compression) {
    double ratio() {
      return (double) lcpfsBytes / logicalBytes;
    }
  }

  /** Copies the tree once more, to a dataset with ZSTD. */
  Stored measureStored() throws IOException {
    LcpfsPool pool = world.pool();
    PosixFileSystem files = pool.files(STORED, Map.of("compression", "zstd"));
    long before = pool.storedBytes(STORED);
    copyTo(files, "tree");
    pool.pool().sync();
    return new Stored(logicalBytes, pool.storedBytes(STORED) - before, "zstd");
  }
}
