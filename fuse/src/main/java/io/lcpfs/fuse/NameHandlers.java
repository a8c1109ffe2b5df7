package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.fuse.Forest.Place;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.Mode;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import java.time.Instant;
import java.util.List;

/**
 * Requests on names and attributes. The kernel has checked permissions (default_permissions), with
 * capabilities and groups that only it knows, so the engine is asked as root wherever nothing new
 * is made.
 */
final class NameHandlers {
  /** XATTR_CREATE and XATTR_REPLACE. */
  private static final int XATTR_FLAGS = 3;

  private final Worker worker;
  private final Server server;
  private final Request request;
  private final Reply reply;

  NameHandlers(Worker worker) {
    this.worker = worker;
    server = worker.server;
    request = worker.request;
    reply = worker.reply;
  }

  int lookup() {
    byte[] name = request.name(0);
    Place covering = worker.place.covering(worker.inode, name);
    if (covering != null) {
      covering.files.getattr(covering.root, reply.attrs);
      return worker.entry(covering);
    }
    if (ControlHandlers.covers(worker.place, worker.inode, name)) {
      return worker.control.top(worker.place);
    }
    if (!worker.place.files.find(worker.inode, name, Caller.ROOT, reply.attrs)) {
      return reply.noEntry(Server.VALID_SECONDS);
    }
    return worker.entry(worker.place);
  }

  int getattr() {
    worker.place.files.getattr(worker.inode, reply.attrs);
    return attrOut();
  }

  private int attrOut() {
    return reply.attrOut(worker.place.shown(reply.attrs.inode), worker.attrSeconds());
  }

  int statx() {
    worker.place.files.getattr(worker.inode, reply.attrs);
    return reply.statx(worker.place.shown(reply.attrs.inode), worker.attrSeconds());
  }

  int setattr() {
    int valid = request.i32(0);
    request.need(88);
    SetAttr change = new SetAttr();
    if ((valid & Fuse.FATTR_SIZE) != 0) {
      change.size(request.i64(16));
    }
    if ((valid & Fuse.FATTR_ATIME_NOW) != 0) {
      change.atimeNow();
    } else if ((valid & Fuse.FATTR_ATIME) != 0) {
      change.atime(request.i64(32), request.i32(56));
    }
    if ((valid & Fuse.FATTR_MTIME_NOW) != 0) {
      change.mtimeNow();
    } else if ((valid & Fuse.FATTR_MTIME) != 0) {
      change.mtime(request.i64(40), request.i32(60));
    }
    if ((valid & Fuse.FATTR_CTIME) != 0) {
      change.ctime(request.i64(48), request.i32(64));
    }
    if ((valid & Fuse.FATTR_MODE) != 0) {
      change.mode(request.i32(68));
    } else if ((valid & Fuse.FATTR_KILL_SUIDGID) != 0) {
      worker.place.files.getattr(worker.inode, reply.attrs);
      int mode = withoutSetId(reply.attrs.mode);
      if (mode != reply.attrs.mode) {
        change.mode(mode);
      }
    }
    if ((valid & Fuse.FATTR_UID) != 0) {
      change.uid(request.i32(76));
    }
    if ((valid & Fuse.FATTR_GID) != 0) {
      change.gid(request.i32(80));
    }
    int unchanging = Fuse.FATTR_FH | Fuse.FATTR_LOCKOWNER | Fuse.FATTR_KILL_SUIDGID;
    if ((valid & ~unchanging) == 0) {
      // chown(-1, -1): nothing changes, but that something was changed is noted.
      Instant now = Instant.now();
      change.ctime(now.getEpochSecond(), now.getNano());
    }
    reply.take(worker.place.files.setattr(worker.inode, change, Caller.ROOT));
    return attrOut();
  }

  /** A mode after somebody without privilege changed the content. */
  static int withoutSetId(int mode) {
    int cleared = mode & ~Mode.SET_UID;
    return (mode & Mode.GROUP_EXECUTE) != 0 ? cleared & ~Mode.SET_GID : cleared;
  }

  int readlink() {
    byte[] target = worker.place.files.readlink(worker.inode);
    reply.bytes(0, target);
    return target.length;
  }

  private byte[] newName(int offset) {
    byte[] name = request.name(offset);
    if (worker.place.covering(worker.inode, name) != null) {
      throw posix(Errno.EEXIST, "a dataset is mounted there");
    }
    if (ControlHandlers.covers(worker.place, worker.inode, name)) {
      throw posix(Errno.EEXIST, "the name leads to snapshots");
    }
    return name;
  }

  private int made(Attr attr) {
    reply.take(attr);
    return worker.entry(worker.place);
  }

  int symlink() {
    byte[] name = newName(0);
    byte[] target = request.text(name.length + 1);
    return made(worker.place.files.symlink(worker.inode, name, target, worker.caller()));
  }

  int mknod() {
    int mode = request.i32(0);
    long rdev = Integer.toUnsignedLong(request.i32(4));
    Caller caller = worker.caller(request.i32(8));
    byte[] name = newName(16);
    return made(worker.place.files.mknod(worker.inode, name, mode, rdev, caller));
  }

  int mkdir() {
    int mode = request.i32(0);
    Caller caller = worker.caller(request.i32(4));
    byte[] name = newName(8);
    return made(worker.place.files.mkdir(worker.inode, name, mode, caller));
  }

  int unlink() {
    byte[] name = request.name(0);
    worker.checkUncovered(worker.place, worker.inode, name);
    keepOpen(worker.place, worker.inode, name);
    worker.place.files.unlink(worker.inode, name, Caller.ROOT);
    return 0;
  }

  /** Before a file loses a name: somebody may have it open. */
  private void keepOpen(Place place, long directory, byte[] name) {
    boolean found = place.files.find(directory, name, Caller.ROOT, reply.attrs);
    if (found && (reply.attrs.mode & Mode.TYPE_MASK) == Mode.REGULAR) {
      server.nodes.keepOpen(place.node(reply.attrs.inode));
    }
  }

  int rmdir() {
    byte[] name = request.name(0);
    worker.checkUncovered(worker.place, worker.inode, name);
    worker.place.files.rmdir(worker.inode, name, Caller.ROOT);
    return 0;
  }

  int rename(boolean withFlags) {
    long newNode = request.i64(0);
    if (Forest.isControl(newNode)) {
      throw posix(Errno.EROFS, "rename");
    }
    int flags = withFlags ? request.i32(8) : 0;
    int at = withFlags ? 16 : 8;
    byte[] oldName = request.name(at);
    byte[] newName = request.text(at + oldName.length + 1);
    Place newPlace = server.forest.place(newNode);
    long newDirectory = server.forest.inode(newNode);
    worker.checkUncovered(worker.place, worker.inode, oldName);
    worker.checkUncovered(newPlace, newDirectory, newName);
    if (newPlace != worker.place) {
      throw posix(Errno.EXDEV, "rename to another dataset");
    }
    if (flags == 0) {
      keepOpen(newPlace, newDirectory, newName);
    }
    worker.place.files.rename(worker.inode, oldName, newDirectory, newName, flags, Caller.ROOT);
    return 0;
  }

  int link() {
    long oldNode = request.i64(0);
    byte[] name = newName(8);
    if (Forest.isControl(oldNode)) {
      throw posix(Errno.EPERM, "link to a directory");
    }
    if (server.forest.place(oldNode) != worker.place) {
      throw posix(Errno.EXDEV, "link to another dataset");
    }
    long oldInode = server.forest.inode(oldNode);
    worker.place.files.getattr(oldInode, reply.attrs);
    return made(
        reply.attrs.nlink == 0
            ? worker.place.files.linkUnnamed(oldInode, worker.inode, name, Caller.ROOT)
            : worker.place.files.link(oldInode, worker.inode, name, Caller.ROOT));
  }

  // Extended attributes

  int getxattr() {
    int room = request.i32(0);
    byte[] name = request.name(8);
    return sized(worker.place.files.getxattr(worker.inode, name, Caller.ROOT), room);
  }

  private int sized(byte[] value, int room) {
    if (room == 0) {
      reply.i32(0, value.length);
      reply.i32(4, 0);
      return 8;
    }
    if (Integer.compareUnsigned(value.length, room) > 0) {
      return -Errno.ERANGE.value();
    }
    if (value.length > Fuse.MAX_TRANSFER_BYTES) {
      return -Errno.E2BIG.value();
    }
    reply.bytes(0, value);
    return value.length;
  }

  int setxattr() {
    int size = request.i32(0);
    int flags = request.i32(4);
    if ((flags & ~XATTR_FLAGS) != 0) {
      throw posix(Errno.EINVAL, "setxattr flags " + flags);
    }
    int at = 8;
    if (server.xattrFlags) {
      boolean kill = (request.i32(8) & Fuse.SETXATTR_ACL_KILL_SGID) != 0;
      flags |= kill ? PosixFileSystem.XATTR_KILL_SET_GID : 0;
      at = 16;
    }
    byte[] name = request.text(at);
    byte[] value = request.bytes(at + name.length + 1, size);
    worker.place.files.setxattr(worker.inode, name, value, flags, Caller.ROOT);
    return 0;
  }

  int listxattr() {
    int room = request.i32(0);
    // Which names may be seen depends on who asks.
    List<byte[]> names = worker.place.files.listxattr(worker.inode, worker.caller());
    int bytes = 0;
    for (byte[] name : names) {
      bytes += name.length + 1;
    }
    byte[] joined = new byte[bytes];
    int at = 0;
    for (byte[] name : names) {
      System.arraycopy(name, 0, joined, at, name.length);
      at += name.length + 1;
    }
    return sized(joined, room);
  }

  int removexattr() {
    byte[] name = request.name(0);
    worker.place.files.removexattr(worker.inode, name, Caller.ROOT);
    return 0;
  }
}
