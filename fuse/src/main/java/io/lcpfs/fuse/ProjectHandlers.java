package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileProject;
import io.lcpfs.posix.SetAttr;

/**
 * Those ioctl(2) requests that tell and change the project of a file and whether a directory gives
 * it on: what {@code lsattr -p} and {@code chattr -p} use. The kernel has checked who may. Sources:
 * linux/fs.h.
 */
final class ProjectHandlers {
  private static final int GET_FLAGS = 0x80086601;
  private static final int SET_FLAGS = 0x40086602;
  private static final int GET_FLAGS_32 = 0x80046601;
  private static final int SET_FLAGS_32 = 0x40046602;
  private static final int GET_XATTR = 0x801c581f;
  private static final int SET_XATTR = 0x401c5820;

  /** FS_PROJINHERIT_FL, among the flags of files. */
  private static final int FLAG_INHERITED = 0x20000000;

  /** FS_XFLAG_PROJINHERIT and FS_XFLAG_HASATTR, in a struct fsxattr; the second is only told. */
  private static final int XFLAG_INHERITED = 0x200;

  private static final int XFLAG_HAS_XATTRS = 0x80000000;

  /** struct fsxattr: flags, extent size, extents, project, extent size of copies, and room. */
  private static final int FSXATTR_BYTES = 28;

  private static final int EXTENT_SIZE = 4;
  private static final int PROJECT = 12;
  private static final int COPY_EXTENT_SIZE = 16;

  private final Worker worker;
  private final Request request;
  private final Reply reply;

  ProjectHandlers(Worker worker) {
    this.worker = worker;
    request = worker.request;
    reply = worker.reply;
  }

  int ioctl() {
    request.need(Fuse.IOCTL_IN_BYTES);
    int given = request.i32(24);
    int wanted = request.i32(28);
    if (given < 0 || given > request.bodyBytes() - Fuse.IOCTL_IN_BYTES) {
      throw posix(Errno.EINVAL, "FUSE ioctl with " + given + " bytes");
    }
    return switch (request.i32(12)) {
      case GET_FLAGS, GET_FLAGS_32 -> getFlags(wanted);
      case SET_FLAGS, SET_FLAGS_32 -> setFlags(given);
      case GET_XATTR -> getXattr(wanted);
      case SET_XATTR -> setXattr(given);
      default -> -Errno.ENOTTY.value();
    };
  }

  /** Refuses room of another size than what is exchanged; the kernel gives just that. */
  private static void check(int size, int bytes) {
    if (size != bytes) {
      throw posix(Errno.EINVAL, "FUSE ioctl of " + size + " bytes");
    }
  }

  /** For flags newer kernels give 4 bytes; older ones what the number of the request says. */
  private static void checkFlags(int size) {
    if (size != Long.BYTES) {
      check(size, Integer.BYTES);
    }
  }

  private int answer(int bytes) {
    reply.clear(0, Fuse.IOCTL_OUT_BYTES);
    return Fuse.IOCTL_OUT_BYTES + bytes;
  }

  private FileProject project() {
    return worker.place.files.project(worker.inode);
  }

  private int getFlags(int wanted) {
    checkFlags(wanted);
    reply.clear(Fuse.IOCTL_OUT_BYTES, wanted);
    reply.i32(Fuse.IOCTL_OUT_BYTES, project().inherited() ? FLAG_INHERITED : 0);
    return answer(wanted);
  }

  private int setFlags(int given) {
    checkFlags(given);
    int flags = request.i32(Fuse.IOCTL_IN_BYTES);
    refuseOthers(flags & ~FLAG_INHERITED);
    return changed(new SetAttr().projectInherited((flags & FLAG_INHERITED) != 0));
  }

  private int getXattr(int wanted) {
    check(wanted, FSXATTR_BYTES);
    FileProject project = project();
    int at = Fuse.IOCTL_OUT_BYTES;
    reply.clear(at, FSXATTR_BYTES);
    reply.i32(at, project.inherited() ? XFLAG_INHERITED : 0);
    reply.i32(at + PROJECT, project.id());
    return answer(FSXATTR_BYTES);
  }

  private int setXattr(int given) {
    check(given, FSXATTR_BYTES);
    int at = Fuse.IOCTL_IN_BYTES;
    int flags = request.i32(at);
    refuseOthers(flags & ~(XFLAG_INHERITED | XFLAG_HAS_XATTRS));
    refuseOthers(request.i32(at + EXTENT_SIZE) | request.i32(at + COPY_EXTENT_SIZE));
    return changed(
        new SetAttr()
            .project(request.i32(at + PROJECT))
            .projectInherited((flags & XFLAG_INHERITED) != 0));
  }

  private static void refuseOthers(int flags) {
    if (flags != 0) {
      throw posix(Errno.EOPNOTSUPP, "flags of files " + Integer.toHexString(flags));
    }
  }

  private int changed(SetAttr change) {
    worker.place.files.setattr(worker.inode, change, Caller.ROOT);
    worker.attributesChanged();
    return answer(0);
  }
}
