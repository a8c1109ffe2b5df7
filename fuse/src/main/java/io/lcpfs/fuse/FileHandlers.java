package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.Created;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.SetAttr;

/** Requests on open files. */
final class FileHandlers {
  /** What one copy_file_range copies at most, so that no caller waits long for it. */
  private static final long MOST_COPIED_BYTES = 64L << 20;

  private static final int FILE_OPEN_FLAGS = Fuse.FOPEN_KEEP_CACHE | Fuse.FOPEN_NOFLUSH;

  private final Worker worker;
  private final Server server;
  private final Request request;
  private final Reply reply;

  FileHandlers(Worker worker) {
    this.worker = worker;
    server = worker.server;
    request = worker.request;
    reply = worker.reply;
  }

  /**
   * The flags that concern the engine. The kernel places appended data itself, and writes pages of
   * files that are open for writing only, which it reads before.
   */
  private static int engineFlags(int flags) {
    int access = (flags & OpenFlags.O_ACCMODE) == 0 ? OpenFlags.O_RDONLY : OpenFlags.O_RDWR;
    return access | flags & (OpenFlags.O_TRUNC | OpenFlags.O_NOATIME | OpenFlags.O_EXCL);
  }

  int create() {
    int flags = request.i32(0);
    int mode = request.i32(4);
    int openFlags = request.i32(12);
    byte[] name = request.name(16);
    if (worker.place.covering(worker.inode, name) != null) {
      throw posix(Errno.EEXIST, "a dataset is mounted there");
    }
    Created created =
        worker.place.files.create(
            worker.inode,
            name,
            mode,
            engineFlags(flags) & ~OpenFlags.O_NOATIME,
            worker.caller());
    long number = server.handles.add(created.handle());
    worker.undoHandle = number;
    reply.take(created.attr());
    if ((openFlags & Fuse.OPEN_KILL_SUIDGID) != 0 && (flags & OpenFlags.O_TRUNC) != 0) {
      killSetId(created.attr().inode());
    }
    int bytes = worker.entry(worker.place);
    return bytes + reply.open(bytes, number, FILE_OPEN_FLAGS);
  }

  int open() {
    int flags = request.i32(0);
    int openFlags = request.i32(4);
    FileHandle handle = worker.place.files.open(worker.inode, engineFlags(flags), Caller.ROOT);
    long number = server.handles.add(handle);
    worker.undoHandle = number;
    if ((openFlags & Fuse.OPEN_KILL_SUIDGID) != 0 && (flags & OpenFlags.O_TRUNC) != 0) {
      killSetId(worker.inode);
    }
    return reply.open(0, number, FILE_OPEN_FLAGS);
  }

  private void killSetId(long inode) {
    worker.place.files.getattr(inode, reply.attrs);
    int mode = NameHandlers.withoutSetId(reply.attrs.mode);
    if (mode != reply.attrs.mode) {
      reply.take(worker.place.files.setattr(inode, new SetAttr().mode(mode), Caller.ROOT));
    }
  }

  private FileHandle handle() {
    return server.handles.get(request.i64(0));
  }

  int read() {
    long offset = request.i64(8);
    int size = request.i32(16);
    int most = size < 0 ? Fuse.MAX_TRANSFER_BYTES : Math.min(size, Fuse.MAX_TRANSFER_BYTES);
    return handle().read(offset, reply.buffer, Reply.place(0), most);
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
        handle()
            .write(offset, request.buffer, Request.place(Fuse.WRITE_IN_BYTES), size, kill));
  }

  int release() {
    server.handles.remove(request.i64(0)).close();
    return 0;
  }

  int fsync() {
    request.need(16);
    handle().fsync();
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
    FileHandle to = server.handles.get(request.i64(24));
    long toOffset = request.i64(32);
    long length = Math.min(request.i64(40), MOST_COPIED_BYTES);
    if (length < 0 || request.i64(48) != 0) {
      throw posix(Errno.EINVAL, "copy of " + request.i64(40) + " bytes");
    }
    long done = 0;
    while (done < length) {
      int part = (int) Math.min(length - done, Fuse.MAX_TRANSFER_BYTES);
      try {
        int got = from.read(fromOffset + done, reply.buffer, Reply.place(0), part);
        if (got == 0) {
          break;
        }
        int written = to.write(toOffset + done, reply.buffer, Reply.place(0), got, false);
        done += written;
        if (written < got) {
          break;
        }
      } catch (PoolException e) {
        if (done == 0) {
          throw e;
        }
        break;
      }
    }
    return reply.written((int) done);
  }
}
