package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.fuse.Forest.Place;
import io.lcpfs.posix.Caller;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** Serves requests one after the other, on one thread. */
final class Worker implements Runnable {
  /** What a handler answers when the kernel expects no reply. */
  static final int NO_REPLY = Integer.MIN_VALUE;

  private static final int OPENS_UNASKED = Fuse.INIT_NO_OPEN_SUPPORT | Fuse.INIT_NO_OPENDIR_SUPPORT;

  /** fuse_notify_inval_inode_out behind a header. */
  private static final int ATTRIBUTES_CHANGED_BYTES = 40;

  private static final int EIO = 5;
  private static final int EPROTO = 71;

  final Server server;
  final Request request;
  final Reply reply;

  /** The dataset of the request's node. */
  Place place;

  /** The inode number of the request's node. */
  long inode;

  /** The lookup that is to be taken back when the kernel does not take the reply; 0 for none. */
  long undoNode;

  /** The request has its reply, or the kernel wants none any more. */
  boolean answered;

  /** {@link Server#changesByOthers} before the request was looked at. */
  private long changesBefore;

  private final FuseChannel channel;
  private final Readers readers;
  private final NameHandlers names;
  private final FileHandlers files;
  private final ProjectHandlers projects;
  private final DirectoryHandlers directories;
  final ControlHandlers control;
  private final MemorySegment notification;
  private Caller lastCaller = Caller.ROOT;

  Worker(Server server, FuseChannel channel, Readers readers, Arena arena) {
    this.server = server;
    this.channel = channel;
    this.readers = readers;
    request = new Request(arena);
    reply = new Reply(arena);
    place = server.forest.root();
    names = new NameHandlers(this);
    files = new FileHandlers(this, arena);
    projects = new ProjectHandlers(this);
    notification = arena.allocate(ATTRIBUTES_CHANGED_BYTES, Long.BYTES);
    directories = new DirectoryHandlers(this);
    control = new ControlHandlers(this);
  }

  /** Serves until the file system is unmounted or the channel fails. */
  @Override
  public void run() {
    while (true) {
      int bytes = receive();
      if (bytes < 0) {
        switch (-bytes) {
          case Libc.ENOENT, Libc.EINTR, Libc.EAGAIN -> {
            continue; // the request was withdrawn, or the call interrupted
          }
          case Libc.ENODEV -> {
            return;
          }
          default -> {
            server.report("/dev/fuse: reading it fails with error " + -bytes);
            return;
          }
        }
      }
      serve(bytes);
    }
  }

  private int receive() {
    readers.enter();
    try {
      return channel.receive(request.buffer, Request.START, Request.MAX_BYTES);
    } finally {
      readers.leave();
    }
  }

  /** Serves the request of {@code bytes} bytes in the buffer. */
  void serve(int bytes) {
    if (!request.parse(bytes)) {
      server.report("/dev/fuse: " + bytes + " bytes that are no request");
      if (bytes >= Fuse.IN_HEADER_BYTES) {
        answer(-EIO);
      }
      return;
    }
    undoNode = 0;
    answered = false;
    changesBefore = server.changesByOthers.get();
    int result;
    try {
      result = dispatch();
    } catch (Throwable thrown) { // whatever happens, the kernel must not wait for ever
      undo();
      result = server.errno(thrown, request.opcode);
      if (request.opcode == Fuse.FORGET || request.opcode == Fuse.BATCH_FORGET) {
        return;
      }
    }
    if (result != NO_REPLY && !answered) {
      answer(result);
    }
  }

  private void answer(int result) {
    int length = reply.finish(Math.max(result, 0), Math.min(result, 0), request.unique);
    int sent = channel.send(reply.buffer, Reply.START, length);
    if (sent < 0 && sent != -Libc.EINTR) {
      reportUnlessGone(sent);
      undo();
    }
  }

  /**
   * Replies in pieces. When the kernel refuses that, the request still waits for a reply: see
   * {@link #answered}.
   */
  void answer(IoVector pieces) {
    int sent = channel.send(pieces);
    answered = sent >= 0 || sent == -Libc.EINTR || reportUnlessGone(sent);
  }

  /**
   * Has the kernel ask for the attributes of the request's node again: a change that it does not
   * know to be one was made. It takes no lock of files for that, so that it may hold any.
   */
  void attributesChanged() {
    notification.set(ValueLayout.JAVA_INT, 0, ATTRIBUTES_CHANGED_BYTES);
    notification.set(ValueLayout.JAVA_INT, 4, Fuse.NOTIFY_INVAL_INODE);
    notification.set(ValueLayout.JAVA_LONG, 8, 0);
    notification.set(ValueLayout.JAVA_LONG, 16, request.node);
    notification.set(ValueLayout.JAVA_LONG, 24, -1); // no page of the content
    notification.set(ValueLayout.JAVA_LONG, 32, 0);
    int sent = channel.send(notification, 0, ATTRIBUTES_CHANGED_BYTES);
    if (sent < 0 && sent != -Libc.EINTR) {
      reportUnlessGone(sent);
    }
  }

  /** Whether the request, or the whole mount, was given up meanwhile; tells of other errors. */
  private boolean reportUnlessGone(int sent) {
    if (sent == -Libc.ENOENT || sent == -Libc.ENODEV) {
      return true;
    }
    server.report("/dev/fuse: reply to request " + request.opcode + " fails: " + -sent);
    return false;
  }

  private void undo() {
    if (undoNode != 0) {
      server.nodes.release(undoNode, 1);
      undoNode = 0;
    }
  }

  /** The node's file, where the operation is on one. */
  private void locate() {
    place = server.forest.place(request.node);
    inode = server.forest.inode(request.node);
  }

  private int dispatch() {
    int opcode = request.opcode;
    switch (opcode) {
      case Fuse.INIT -> {
        return init();
      }
      case Fuse.FORGET -> {
        server.nodes.release(request.node, request.i64(0));
        return NO_REPLY;
      }
      case Fuse.BATCH_FORGET -> {
        return batchForget();
      }
      case Fuse.INTERRUPT -> {
        return NO_REPLY; // what waits here waits for a device, and ends soon
      }
      case Fuse.DESTROY -> {
        return 0;
      }
      default -> {}
    }
    if (Forest.isControl(request.node)) {
      return control.serve();
    }
    locate();
    return switch (opcode) {
      case Fuse.LOOKUP -> names.lookup();
      case Fuse.GETATTR -> names.getattr();
      case Fuse.STATX -> names.statx();
      case Fuse.SETATTR -> names.setattr();
      case Fuse.READLINK -> names.readlink();
      case Fuse.SYMLINK -> names.symlink();
      case Fuse.MKNOD -> names.mknod();
      case Fuse.MKDIR -> names.mkdir();
      case Fuse.UNLINK -> names.unlink();
      case Fuse.RMDIR -> names.rmdir();
      case Fuse.RENAME -> names.rename(false);
      case Fuse.RENAME2 -> names.rename(true);
      case Fuse.LINK -> names.link();
      case Fuse.STATFS -> reply.statfs(place.files.statfs());
      case Fuse.GETXATTR -> names.getxattr();
      case Fuse.SETXATTR -> names.setxattr();
      case Fuse.LISTXATTR -> names.listxattr();
      case Fuse.REMOVEXATTR -> names.removexattr();
      case Fuse.CREATE -> files.create();
      case Fuse.OPEN, Fuse.OPENDIR -> files.open();
      case Fuse.TMPFILE -> files.tmpfile();
      case Fuse.READ -> files.read();
      case Fuse.WRITE -> files.write();
      case Fuse.RELEASE, Fuse.RELEASEDIR -> 0;
      case Fuse.FSYNC -> files.fsync(false);
      case Fuse.FSYNCDIR -> files.fsync(true);
      case Fuse.FALLOCATE -> files.fallocate();
      case Fuse.IOCTL -> projects.ioctl();
      case Fuse.LSEEK -> files.lseek();
      case Fuse.COPY_FILE_RANGE -> files.copyFileRange();
      case Fuse.READDIR -> directories.readdir();
      case Fuse.READDIRPLUS -> directories.readdirplus();
      case Fuse.SYNCFS -> {
        place.files.sync();
        yield 0;
      }
      default -> -Errno.ENOSYS.value();
    };
  }

  private int init() {
    int major = request.i32(0);
    int minor = request.i32(4);
    reply.clear(0, 64);
    reply.i32(0, Fuse.MAJOR);
    if (major > Fuse.MAJOR) {
      return 64; // the kernel asks again in our version
    }
    if (major < Fuse.MAJOR || minor < Fuse.LEAST_MINOR) {
      server.refusal = "the kernel speaks FUSE " + major + "." + minor;
      server.greeted.countDown();
      return -EPROTO;
    }
    int offered = request.i32(12);
    int offered2 = (offered & Fuse.INIT_EXT) != 0 ? request.i32(16) : 0;
    int wanted =
        Fuse.INIT_ASYNC_READ
            | Fuse.INIT_EXPORT_SUPPORT
            | Fuse.INIT_BIG_WRITES
            | Fuse.INIT_DONT_MASK
            | Fuse.INIT_DO_READDIRPLUS
            | Fuse.INIT_READDIRPLUS_AUTO
            | Fuse.INIT_ASYNC_DIO
            | (server.writeback ? Fuse.INIT_WRITEBACK_CACHE : 0)
            | Fuse.INIT_NO_OPEN_SUPPORT
            | Fuse.INIT_PARALLEL_DIROPS
            | (server.accessLists ? Fuse.INIT_POSIX_ACL : 0)
            | Fuse.INIT_ABORT_ERROR
            | Fuse.INIT_MAX_PAGES
            | Fuse.INIT_CACHE_SYMLINKS
            | Fuse.INIT_NO_OPENDIR_SUPPORT
            | Fuse.INIT_EXPLICIT_INVAL_DATA
            | Fuse.INIT_HANDLE_KILLPRIV_V2
            | Fuse.INIT_SETXATTR_EXT
            | Fuse.INIT_EXT;
    server.xattrFlags = (offered & Fuse.INIT_SETXATTR_EXT) != 0;
    server.opensUnasked = (offered & OPENS_UNASKED) == OPENS_UNASKED;
    reply.i32(4, Math.min(minor, Fuse.MINOR));
    reply.i32(8, Math.max(request.i32(8), Fuse.MAX_TRANSFER_BYTES));
    reply.i32(12, offered & wanted);
    reply.i16(16, 64);
    reply.i16(18, 48);
    reply.i32(20, Fuse.MAX_TRANSFER_BYTES);
    reply.i32(24, 1);
    reply.i16(28, Fuse.MAX_TRANSFER_BYTES / Fuse.PAGE_BYTES);
    reply.i32(32, offered2 & Fuse.INIT2_CREATE_SUPP_GROUP);
    server.greeted.countDown();
    return 64;
  }

  private int batchForget() {
    int count = request.i32(0);
    for (int i = 0; i < count; i++) {
      int at = 8 + 16 * i;
      if (at > request.bodyBytes() - 16) {
        break;
      }
      server.nodes.release(request.i64(at), request.i64(at + 8));
    }
    return NO_REPLY;
  }

  /** Who asks. The kernel has checked the rights. */
  Caller caller() {
    return caller(0);
  }

  /**
   * Who makes something new, with this umask. What the kernel found in groups beyond the caller's
   * own comes with the request.
   */
  Caller caller(int umask) {
    int[] groups = request.groups();
    Caller last = lastCaller;
    if (groups.length > 0) {
      return new Caller(request.uid, request.gid, groups, umask);
    }
    if (last.uid() != request.uid || last.gid() != request.gid || last.umask() != umask) {
      last = Caller.of(request.uid, request.gid).withUmask(umask);
      lastCaller = last;
    }
    return last;
  }

  /** fuse_entry_out for the attributes in the reply, of which the kernel holds a lookup then. */
  int entry(Place in) {
    long node = in.node(reply.attrs.inode);
    if (!server.nodes.acquire(node, reply.attrs.generation)) {
      throw posix(Errno.ENOENT, "inode " + reply.attrs.inode);
    }
    undoNode = node;
    return reply.entry(0, node, in.shown(reply.attrs.inode), Server.VALID_SECONDS, attrSeconds());
  }

  /**
   * How long the kernel may keep the attributes in the reply; not at all when somebody else changed
   * something since they may have been read, as what it was told of that came too early.
   */
  long attrSeconds() {
    return server.changesByOthers.get() == changesBefore
        ? Server.validSeconds(reply.attrs.ctimeSeconds)
        : 0;
  }

  /** EBUSY when a dataset covers the name in the request's directory. */
  void checkUncovered(Place directoryPlace, long directory, byte[] name) {
    @Nullable Place covering = directoryPlace.covering(directory, name);
    if (covering != null) {
      throw posix(Errno.EBUSY, "a dataset is mounted there");
    }
    if (ControlHandlers.covers(directoryPlace, directory, name)) {
      throw posix(Errno.EBUSY, "the name leads to snapshots");
    }
  }
}
