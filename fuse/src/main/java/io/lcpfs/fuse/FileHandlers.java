package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.Created;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.ReadSink;
import io.lcpfs.posix.ReadSlices;
import java.lang.foreign.Arena;

/** Requests on open files. */
final class FileHandlers {
  /** What one copy_file_range reads and writes at most, so that no caller waits long for it. */
  private static final long MOST_COPIED_BYTES = 64L << 20;

  /** The same for what it takes by reference, and as long as a reply can say. */
  private static final long MOST_SHARED_BYTES = 1L << 30;

  private static final int FILE_OPEN_FLAGS = Fuse.FOPEN_KEEP_CACHE | Fuse.FOPEN_NOFLUSH;

  /** Shorter reads are copied into the reply: that costs less than pieces and the file's lock. */
  static final int LEAST_IN_PLACE_BYTES = 32 << 10;

  /** A read of 1 MiB in blocks of 4 KiB, with room; far below the 1024 that the system takes. */
  private static final int MOST_SLICES = 512;

  private final Worker worker;
  private final Server server;
  private final Request request;
  private final Reply reply;
  private final ReadSlices slices = new ReadSlices(MOST_SLICES);
  private final ReadSink sink = this::send;
  private final IoVector pieces;

  FileHandlers(Worker worker, Arena arena) {
    pieces = new IoVector(arena, 1 + MOST_SLICES);
    this.worker = worker;
    server = worker.server;
    request = worker.request;
    reply = worker.reply;
  }

  int create() {
    int flags = request.i32(0);
    int mode = request.i32(4);
    Caller caller = worker.caller(request.i32(8));
    byte[] name = request.name(16);
    if (worker.place.covering(worker.inode, name) != null) {
      throw posix(Errno.EEXIST, "a dataset is mounted there");
    }
    if (ControlHandlers.covers(worker.place, worker.inode, name)) {
      throw posix(Errno.EEXIST, "the name leads to snapshots");
    }
    int wanted = OpenFlags.O_RDWR | (flags & (OpenFlags.O_EXCL | OpenFlags.O_TRUNC));
    Created created = worker.place.files.create(worker.inode, name, mode, wanted, caller);
    return opened(created);
  }

  /** A new open file without a name, for O_TMPFILE. */
  int tmpfile() {
    int mode = request.i32(4);
    Caller caller = worker.caller(request.i32(8));
    return opened(worker.place.files.createUnnamed(worker.inode, mode, OpenFlags.O_RDWR, caller));
  }

  /** The reply for a new open file. Its handle is the node's from now on. */
  private int opened(Created created) {
    boolean adopted = false;
    try {
      reply.take(created.attr());
      int bytes = worker.entry(worker.place);
      adopted = server.nodes.adopt(worker.undoNode, created.handle());
      return bytes + reply.open(bytes, 0, FILE_OPEN_FLAGS);
    } finally {
      if (!adopted) {
        server.close(created.handle());
      }
    }
  }

  /** Opening needs nothing of us: from the first ENOSYS on the kernel does it alone. */
  int open() {
    if (server.opensUnasked) {
      return -Errno.ENOSYS.value();
    }
    boolean directory = request.opcode == Fuse.OPENDIR;
    int flags = Fuse.FOPEN_KEEP_CACHE | (directory ? Fuse.FOPEN_CACHE_DIR : Fuse.FOPEN_NOFLUSH);
    return reply.open(0, 0, flags);
  }

  private FileHandle handle() {
    return server.nodes.handle(request.node, false);
  }

  int read() {
    long offset = request.i64(8);
    int size = request.i32(16);
    int most = size < 0 ? Fuse.MAX_TRANSFER_BYTES : Math.min(size, Fuse.MAX_TRANSFER_BYTES);
    FileHandle handle = handle();
    boolean direct = (request.i32(20) & Fuse.READ_LOCKOWNER) != 0;
    if (most >= LEAST_IN_PLACE_BYTES && !direct) {
      int sent = handle.readTo(offset, most, slices, sink);
      if (worker.answered) {
        return Worker.NO_REPLY;
      }
      if (sent == 0) {
        return 0;
      }
    }
    return handle.read(offset, reply.buffer, Reply.place(0), most);
  }

  /**
   * Replies with the blocks where they lie in the cache, with the file locked against writers; so
   * this must wait for no other request, as that may be a write which waits for the lock. For the
   * page cache the kernel copies into pages that it locked before it asked, and unlocks them: it
   * waits for nobody, and what may fault is our own anonymous memory. A direct read is another
   * matter, the only one that the kernel itself marks with may_block, and is copied without the
   * lock: at its end the kernel locks the pages of the reader's buffer to mark them dirty, and they
   * may be those of a mapped file of this very mount, locked until somebody's write has its reply
   * (seen with Linux 6.18).
   */
  private void send(ReadSlices read) {
    int header = reply.finish(read.bytes(), 0, request.unique) - read.bytes();
    pieces.clear();
    pieces.add(reply.buffer, Reply.START, header);
    for (int i = 0; i < read.count(); i++) {
      pieces.add(read.segment(i), read.offset(i), read.length(i));
    }
    worker.answer(pieces);
  }

  int write() {
    long offset = request.i64(8);
    int size = request.i32(16);
    int flags = request.i32(20);
    if (size < 0 || size > request.bodyBytes() - Fuse.WRITE_IN_BYTES) {
      throw posix(Errno.EINVAL, "FUSE write of " + size + " bytes");
    }
    boolean kill = (flags & Fuse.WRITE_KILL_SUIDGID) != 0;
    return reply.written(
        handle().write(offset, request.buffer, Request.place(Fuse.WRITE_IN_BYTES), size, kill));
  }

  int fsync(boolean directory) {
    request.need(16);
    FileHandle handle = server.nodes.handle(request.node, directory);
    if ((request.i32(8) & Fuse.FSYNC_DATA_ONLY) != 0) {
      handle.fdatasync();
    } else {
      handle.fsync();
    }
    return 0;
  }

  int fallocate() {
    long offset = request.i64(8);
    long length = request.i64(16);
    int mode = request.i32(24);
    handle().fallocate(mode, offset, length);
    return 0;
  }

  int lseek() {
    long offset = request.i64(8);
    FileHandle handle = handle();
    long found =
        switch (request.i32(16)) {
          case Fuse.SEEK_DATA -> handle.seekData(offset);
          case Fuse.SEEK_HOLE -> handle.seekHole(offset);
          default -> throw posix(Errno.EINVAL, "whence " + request.i32(16));
        };
    reply.i64(0, found);
    return 8;
  }

  int copyFileRange() {
    request.need(56);
    FileHandle from = handle();
    long fromOffset = request.i64(8);
    FileHandle to = server.nodes.handle(request.i64(16), false);
    long toOffset = request.i64(32);
    long length = Math.min(request.i64(40), MOST_SHARED_BYTES);
    if (length < 0 || request.i64(48) != 0) {
      throw posix(Errno.EINVAL, "copy of " + request.i64(40) + " bytes");
    }
    return reply.written(
        (int) to.copyFrom(from, fromOffset, toOffset, length, MOST_COPIED_BYTES, false));
  }
}
