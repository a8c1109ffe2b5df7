package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.env.Env;
import io.lcpfs.error.Errno;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;

/** What all parts of one open file system share. */
final class FsCore {
  /** A bound on the memory that one change of the name space dirties, in bytes. */
  static final long NAME_CHANGE_BYTES = 96 << 10;

  /** What a data write dirties beyond its data, in bytes. */
  static final long WRITE_OVERHEAD_BYTES = 16 << 10;

  private static final int GENERATION_COUNTER_BITS = 24;
  private static final long DAY_SECONDS = 86_400;

  final ObjectSet objects;
  final Env env;
  final ZnodeCache znodes;
  final NameCache names;
  final UnlinkedSet unlinked;
  final Reaper reaper;
  final long rootInode;

  /** Held by whoever moves something between directories; taken before all file locks. */
  final ReentrantLock renameLock = new ReentrantLock();

  volatile FsOptions options;

  /** The file system was closed: handles do nothing any more. */
  volatile boolean closed;

  /**
   * Held for reading while somebody outside sees our memory, which goes when the pool is closed.
   * Inside it no other lock is taken.
   */
  private final StampedLock lending = new StampedLock();

  /** Data blocks that one transaction may free; smaller in tests. */
  volatile long blocksFreedAtOnce = Dnode.MAX_BLOCKS_FREED_AT_ONCE;

  /** Told of every change, if there is one. */
  volatile @Nullable ChangeListener listener;

  private final AtomicLong created;

  FsCore(ObjectSet objects, Env env, FsOptions options, MasterRecord master) {
    this.objects = objects;
    this.env = env;
    this.options = options;
    this.rootInode = master.rootInode();
    this.znodes = new ZnodeCache(objects, options.cachedZnodes());
    this.names = new NameCache(options.cachedNames());
    this.unlinked = new UnlinkedSet(objects.hold(master.unlinkedObject()), env);
    this.reaper = new Reaper(this);
    // Not from 0: a file system may be opened twice within one transaction group.
    this.created = new AtomicLong(env.randomLong());
  }

  boolean readOnly() {
    return options.readOnly() || objects.readOnly();
  }

  void refuseClosed() {
    if (closed) {
      throw posix(Errno.EBADF, "closed file system");
    }
  }

  /** Shows {@code slices} to {@code sink}; EBADF once the file system is closed. */
  void lend(ReadSlices slices, ReadSink sink) {
    long stamp = lending.readLock();
    try {
      refuseClosed();
      sink.accept(slices);
    } finally {
      lending.unlockRead(stamp);
    }
  }

  /** Closes; returns when no sink sees our memory any more. */
  void close() {
    closed = true;
    lending.unlockWrite(lending.writeLock());
  }

  void checkWritable() {
    if (readOnly()) {
      throw posix(Errno.EROFS, "file system");
    }
  }

  /** Returns when what was done before is durable, as far as the options want that. */
  void fsync() {
    FsOptions now = options;
    if (now.sync() != FsOptions.Sync.DISABLED) {
      objects.commit(now.largeDirect());
    }
  }

  /** Ends a call that changed a file; the caller holds no lock and no transaction. */
  void changed(long inode) {
    tell(inode);
    changed();
  }

  /** As {@link #changed(long)}, for one that changed a name in a directory. */
  void changed(long directory, byte[] name) {
    ChangeListener told = listener;
    if (told != null) {
      told.nameChanged(directory, name);
    }
    changed();
  }

  void tell(long inode) {
    ChangeListener told = listener;
    if (told != null) {
      told.fileChanged(inode);
    }
  }

  private void changed() {
    if (options.sync() == FsOptions.Sync.ALWAYS) {
      fsync();
    }
  }

  Tx begin(long dirtyBytes) {
    return objects.begin(dirtyBytes).wholeOnly();
  }

  /** For what gives space back in the end: works on a full pool too. */
  Tx beginFreeing(long dirtyBytes) {
    return objects.beginFreeing(dirtyBytes).wholeOnly();
  }

  /** Distinguishes all files ever created: the txg, and a count within it. */
  long newGeneration(Tx tx) {
    long count = created.getAndIncrement() & ((1L << GENERATION_COUNTER_BITS) - 1);
    return (tx.txg() << GENERATION_COUNTER_BITS) | count;
  }

  /** Notes that the content was read, as the atime option wants it. */
  void accessed(Znode file) {
    FsOptions.Atime rule = options.atime();
    if (rule == FsOptions.Atime.OFF || readOnly()) {
      return;
    }
    long now = env.wallNanos();
    if (rule == FsOptions.Atime.RELATIVE && isRecent(file, now)) {
      return;
    }
    file.pendingAtime = now;
  }

  private static boolean isRecent(Znode file, long now) {
    ZnodeRecord attrs = file.attrs();
    long pending = file.pendingAtime;
    boolean noted = pending != Znode.NO_TIME;
    long seconds = noted ? Math.floorDiv(pending, 1_000_000_000L) : attrs.atimeSeconds;
    int nanos = noted ? Math.floorMod(pending, 1_000_000_000) : attrs.atimeNanos;
    return isAfter(seconds, nanos, attrs.mtimeSeconds, attrs.mtimeNanos)
        && isAfter(seconds, nanos, attrs.ctimeSeconds, attrs.ctimeNanos)
        && Math.floorDiv(now, 1_000_000_000L) - seconds < DAY_SECONDS;
  }

  private static boolean isAfter(long seconds, int nanos, long thanSeconds, int thanNanos) {
    return seconds != thanSeconds ? seconds > thanSeconds : nanos > thanNanos;
  }

  Attr attr(Znode file) {
    AttrBuffer buffer = new AttrBuffer();
    file.fill(buffer, options.recordBytes());
    return buffer.toAttr();
  }
}
