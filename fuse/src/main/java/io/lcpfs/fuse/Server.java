package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.AttrBuffer;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the threads that serve one mount share: its files, what the kernel holds, its settings. */
final class Server implements NodeTable.Keeper {
  /** How long the kernel may answer by itself: this process is the only writer. */
  static final long VALID_SECONDS = 365L * 24 * 3600;

  /** The same for attributes of which the allocated space may soon be another. */
  static final long FRESH_VALID_SECONDS = 10;

  private static final long FRESH_SECONDS = 20;
  private static final long MOST_REPORTS = 20;

  final Forest forest;
  final NodeTable nodes = new NodeTable(this);
  final boolean writeback;

  /** Whether the kernel is to look at access control lists. */
  final boolean accessLists;

  /** Whether requests to set an extended attribute have flags of FUSE's own. */
  volatile boolean xattrFlags;

  /** Whether the kernel takes ENOSYS as the answer to all opens. */
  volatile boolean opensUnasked;

  /** Open when the kernel and we have agreed on the protocol, or never will. */
  final CountDownLatch greeted = new CountDownLatch(1);

  /** Why there was no agreement. */
  volatile @Nullable String refusal;

  /** How often files were changed by others than the kernel. */
  final AtomicLong changesByOthers = new AtomicLong();

  private final Consumer<String> log;
  private final AtomicLong reports = new AtomicLong();

  Server(List<MountedDataset> datasets, MountOptions options, Consumer<String> log) {
    this.forest = new Forest(datasets);
    this.writeback = options.writeback();
    this.accessLists = options.accessLists();
    this.log = log;
    AttrBuffer root = new AttrBuffer();
    forest.root().files.getattr(forest.root().root, root);
    nodes.acquire(Fuse.ROOT_NODE, root.generation); // the kernel has it without asking
  }

  @Override
  public boolean retain(long node, long generation) {
    return Forest.isControl(node)
        || forest.place(node).files.retain(forest.inode(node), generation);
  }

  @Override
  public void forget(long node) {
    if (!Forest.isControl(node)) {
      forest.place(node).files.forget(forest.inode(node), 1);
    }
  }

  /**
   * For all that the kernel does with a file: it has checked the rights of those who opened it, and
   * reads pages of files that somebody opened for writing only.
   */
  @Override
  public FileHandle open(long node, boolean directory) {
    if (Forest.isControl(node)) {
      throw posix(Errno.EISDIR, "FUSE node " + node);
    }
    PosixFileSystem files = forest.place(node).files;
    long inode = forest.inode(node);
    if (directory) {
      return files.open(inode, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, Caller.ROOT);
    }
    try {
      return files.open(inode, OpenFlags.O_RDWR, Caller.ROOT);
    } catch (PoolException e) {
      if (e.errno() == Errno.EROFS) {
        return files.open(inode, OpenFlags.O_RDONLY, Caller.ROOT);
      }
      throw e;
    }
  }

  @Override
  public void close(FileHandle handle) {
    try {
      handle.close();
    } catch (PoolException e) {
      // Nobody is there to be answered; the file without a name is freed at the next import.
      report("close of inode " + handle.inode() + ": " + e.getMessage());
    }
  }

  /** How long the kernel may keep attributes with this change time. */
  static long validSeconds(long ctimeSeconds) {
    return System.currentTimeMillis() / 1000 - ctimeSeconds < FRESH_SECONDS
        ? FRESH_VALID_SECONDS
        : VALID_SECONDS;
  }

  /** The negative errno of a failure; tells of those that are no ordinary refusals. */
  int errno(Throwable thrown, int opcode) {
    return switch (thrown) {
      case PoolException e -> {
        if (e.errno() == Errno.EIO) {
          report("request " + opcode + ": " + e.getMessage());
        }
        yield -e.errno().value();
      }
      case OutOfMemoryError e -> {
        report("request " + opcode + ": out of memory; give it more with LCPFS_JAVA_OPTS=-Xmx1g");
        yield -Errno.ENOMEM.value();
      }
      default -> {
        StackTraceElement[] trace = thrown.getStackTrace();
        report("request " + opcode + ": " + thrown + (trace.length > 0 ? " at " + trace[0] : ""));
        yield -Errno.EIO.value();
      }
    };
  }

  /** Tells the owner of the mount something, a bounded number of times. */
  void report(String line) {
    if (reports.incrementAndGet() <= MOST_REPORTS) {
      log.accept(line);
    }
  }

  /** Lets go of all that the kernel held; to be called when nothing is served any more. */
  void releaseAll() {
    nodes.releaseAll();
  }
}
