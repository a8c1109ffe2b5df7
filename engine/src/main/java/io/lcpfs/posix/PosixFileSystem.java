package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.env.Env;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A POSIX file system over one object set. Calls are by inode number, as a kernel's are; {@link
 * #paths} has those by path. Safe from many threads. Each change of the name space is one
 * transaction: after a crash it is there whole or not at all. Errors are PoolExceptions with the
 * errno that Linux gives; EIO when nothing intact is left of what is needed, ENOMEM, ENOSPC and
 * EROFS are possible wherever something is read or changed.
 */
public final class PosixFileSystem implements AutoCloseable {
  /** The extended attribute that is a file's POSIX access control list. */
  public static final String XATTR_ACCESS_LIST = "system.posix_acl_access";

  /** The same of the list that files made in a directory inherit. */
  public static final String XATTR_DEFAULT_LIST = "system.posix_acl_default";

  /** Flag of {@link #setxattr}: a new access control list takes the set-group-id bit away. */
  public static final int XATTR_KILL_SET_GID = Xattrs.KILL_SET_GID;

  final DirectoryOps directories;
  private final FsCore core;
  private final AttrOps attrs;
  private final Xattrs xattrs;
  private final OpenOps opens;
  private final CreateOps creates;
  private final RemoveOps removes;
  private final RenameOp renames;
  private final UnnamedOps unnamed;
  private final PathWalk walk;
  private final PathCalls paths;
  private final RangeLocks rangeLocks = new RangeLocks();
  private final RangeLocks wholeLocks = new RangeLocks();

  private PosixFileSystem(FsCore core) {
    this.core = core;
    xattrs = new Xattrs(core);
    FileData data = new FileData(core, xattrs);
    attrs = new AttrOps(core, data, xattrs);
    opens = new OpenOps(core, data, attrs);
    directories = new DirectoryOps(core);
    NewFiles newFiles = new NewFiles(core, xattrs);
    creates = new CreateOps(core, directories, opens, newFiles);
    removes = new RemoveOps(core, directories);
    renames = new RenameOp(core, directories, removes);
    unnamed = new UnnamedOps(core, directories, opens, newFiles);
    walk = new PathWalk(core, directories, creates);
    paths = new PathCalls(this, core, walk, core.rootInode);
  }

  /** Makes an empty file system in an empty object set; its root is of mode 0755 and user 0. */
  public static void format(Tx tx, ObjectSet objects, Env env) {
    format(tx, objects, env, 0, 0);
  }

  /** As {@link #format(Tx, ObjectSet, Env)}, with the owner of the root directory. */
  public static void format(Tx tx, ObjectSet objects, Env env, int uid, int gid) {
    MasterRecord.format(tx, objects, env, uid, gid);
  }

  /**
   * Opens what {@link #format} made. Files that lost their last name before a crash are freed in
   * the background, unless it is read-only.
   *
   * @throws PoolException EOPNOTSUPP for a newer version; EIO
   */
  public static PosixFileSystem open(ObjectSet objects, Env env, FsOptions options) {
    FsCore core = new FsCore(objects, env, options, MasterRecord.read(objects, env));
    DirectoryOps.checkDirectory(core.znodes.get(core.rootInode));
    if (!core.readOnly()) {
      core.reaper.reapLeftovers();
    }
    return new PosixFileSystem(core);
  }

  /** The calls by path, relative ones from the root. */
  public PathCalls paths() {
    return paths;
  }

  /** The calls by path, relative ones from a directory, as openat(2) and its kin. */
  public PathCalls pathsAt(long directoryInode) {
    return new PathCalls(this, core, walk, directoryInode);
  }

  /** The inode number of the root directory. */
  public long rootInode() {
    return core.rootInode;
  }

  public FsOptions options() {
    return core.options;
  }

  /** Changes record size, atime rule, read-only state and space; cache sizes stay. */
  public void setOptions(FsOptions options) {
    core.options = options;
  }

  /** Whom to tell of every change from now on; null for nobody. */
  public void setListener(@Nullable ChangeListener listener) {
    core.listener = listener;
  }

  // Names

  /** The attributes of a name; '.' and '..' too. ENOENT, ENOTDIR, EACCES, ENAMETOOLONG, EINVAL. */
  public Attr lookup(long directory, byte[] name, Caller caller) {
    return core.attr(directories.lookup(core.znodes.get(directory), name, caller));
  }

  /** As {@link #lookup(long, byte[], Caller)}; allocates nothing when the name is cached. */
  public void lookup(long directory, byte[] name, Caller caller, AttrBuffer to) {
    directories
        .lookup(core.znodes.get(directory), name, caller)
        .fill(to, core.options.recordBytes());
  }

  /** As {@link #lookup(long, byte[], Caller, AttrBuffer)}; false when there is no such name. */
  public boolean find(long directory, byte[] name, Caller caller, AttrBuffer to) {
    Znode found = directories.find(core.znodes.get(directory), name, caller);
    if (found != null) {
      found.fill(to, core.options.recordBytes());
    }
    return found != null;
  }

  /**
   * Creates a regular file and opens it; without O_EXCL an existing one is opened. The caller's
   * umask or the directory's default access control list take bits from {@code mode}.
   */
  public Created create(long directory, byte[] name, int mode, int flags, Caller caller) {
    Created made = creates.create(directory, name.clone(), mode, flags, caller);
    boolean done = false;
    try {
      core.changed(directory, name);
      done = true;
      return made;
    } finally {
      if (!done) {
        made.handle().close();
      }
    }
  }

  /**
   * A new open regular file without a name, as O_TMPFILE makes; it goes with its last handle unless
   * {@link #linkUnnamed} gives it a name.
   *
   * @param directory whose group and project it may take over
   */
  public Created createUnnamed(long directory, int mode, int flags, Caller caller) {
    return unnamed.create(directory, mode, flags, caller);
  }

  /** The first name of an open file that has none; ENOENT for others. */
  public Attr linkUnnamed(long inode, long directory, byte[] name, Caller caller) {
    Attr linked = unnamed.link(inode, directory, name.clone(), caller);
    core.tell(inode);
    core.changed(directory, name);
    return linked;
  }

  /** A regular file, fifo or socket, or a device (root only). {@code rdev} as st_rdev. */
  public Attr mknod(long directory, byte[] name, int mode, long rdev, Caller caller) {
    Attr made = creates.mknod(directory, name.clone(), mode, rdev, caller);
    core.changed(directory, name);
    return made;
  }

  public Attr mkdir(long directory, byte[] name, int mode, Caller caller) {
    Attr made = creates.mkdir(directory, name.clone(), mode, caller);
    core.changed(directory, name);
    return made;
  }

  /** A symbolic link; {@code target} of 1 to 4,095 bytes without NUL. */
  public Attr symlink(long directory, byte[] name, byte[] target, Caller caller) {
    Attr made = creates.symlink(directory, name.clone(), target.clone(), caller);
    core.changed(directory, name);
    return made;
  }

  /** The target of a symbolic link; EINVAL when it is none. */
  public byte[] readlink(long inode) {
    return walk.readlink(core.znodes.get(inode));
  }

  /** Another name for a file; EPERM for directories. */
  public Attr link(long inode, long directory, byte[] name, Caller caller) {
    Attr made = creates.link(inode, directory, name.clone(), caller);
    core.tell(inode);
    core.changed(directory, name);
    return made;
  }

  /** Removes a name; EISDIR for directories. An open file lives until its last handle is closed. */
  public void unlink(long directory, byte[] name, Caller caller) {
    core.tell(removes.unlink(directory, name.clone(), caller));
    core.changed(directory, name);
  }

  /** Removes an empty directory; ENOTEMPTY, ENOTDIR. */
  public void rmdir(long directory, byte[] name, Caller caller) {
    removes.rmdir(directory, name.clone(), caller);
    core.changed(directory, name);
  }

  /** Renames, replacing what is there unless {@code flags} (OpenFlags.RENAME_...) say otherwise. */
  public void rename(
      long oldDirectory,
      byte[] oldName,
      long newDirectory,
      byte[] newName,
      int flags,
      Caller caller) {
    RenameOp.Moved moved =
        renames.rename(oldDirectory, oldName.clone(), newDirectory, newName.clone(), flags, caller);
    core.tell(moved.inode());
    core.tell(moved.replaced());
    ChangeListener told = core.listener;
    if (told != null) {
      told.nameChanged(oldDirectory, oldName);
    }
    core.changed(newDirectory, newName);
  }

  // Open files

  /** Opens a file or directory by number; creates nothing. */
  public FileHandle open(long inode, int flags, Caller caller) {
    FileHandle handle = opens.open(inode, flags & ~OpenFlags.O_CREAT, caller);
    boolean done = false;
    try {
      if ((flags & OpenFlags.O_TRUNC) != 0) {
        core.changed(inode);
      }
      done = true;
      return handle;
    } finally {
      if (!done) {
        handle.close();
      }
    }
  }

  /**
   * Lists an open directory behind {@code cookie}, 0 for all of it. '.' and '..' have the cookies 1
   * and 2. Names that come or go meanwhile are listed or not; all others once.
   */
  public void readdir(FileHandle directory, long cookie, DirectoryVisitor visitor) {
    directories.list(
        directory.file(), cookie, visitor, (directory.flags() & OpenFlags.O_NOATIME) == 0);
  }

  // Attributes

  public Attr getattr(long inode) {
    return core.attr(core.znodes.get(inode));
  }

  /** As {@link #getattr(long)}; allocates nothing when the file is in memory. */
  public void getattr(long inode, AttrBuffer to) {
    core.znodes.get(inode).fill(to, core.options.recordBytes());
  }

  /** The project that a file counts for; it is changed with {@link #setattr}. */
  public FileProject project(long inode) {
    ZnodeRecord record = core.znodes.get(inode).attrs();
    return new FileProject(record.project, record.givesProject());
  }

  /** Changes attributes, as chmod, chown, utimensat and truncate: EPERM, EACCES, EISDIR, EINVAL. */
  public Attr setattr(long inode, SetAttr change, Caller caller) {
    Znode file = core.znodes.pin(inode);
    try {
      Attr now = attrs.setattr(file, change, caller, false);
      core.changed(inode);
      return now;
    } finally {
      core.znodes.unpin(file);
    }
  }

  /**
   * @throws PoolException EACCES unless all of {@code mask} is allowed; EROFS for W_OK
   */
  public void access(long inode, int mask, Caller caller) {
    if ((mask & ~7) != 0) {
      throw posix(Errno.EINVAL, "access mask " + mask);
    }
    Znode file = core.znodes.get(inode);
    int type = Mode.type(file.attrs().mode);
    boolean stored = type == Mode.REGULAR || type == Mode.DIRECTORY || type == Mode.SYMLINK;
    if ((mask & OpenFlags.W_OK) != 0 && stored) {
      core.checkWritable();
    }
    Permissions.check(file, caller, mask);
  }

  /** The value of an extended attribute; ENODATA, EOPNOTSUPP for a name space that is not known. */
  public byte[] getxattr(long inode, byte[] name, Caller caller) {
    Znode file = core.znodes.pin(inode);
    try {
      return xattrs.get(file, name, caller);
    } finally {
      core.znodes.unpin(file);
    }
  }

  /**
   * Sets an extended attribute. Of the name space {@code system} there are {@code posix_acl_access}
   * and, of a directory, {@code posix_acl_default}: lists as Linux passes them, which the file's
   * permissions follow.
   *
   * @param flags 0, 1 to create only (EEXIST), 2 to replace only (ENODATA); and {@link
   *     #XATTR_KILL_SET_GID}
   */
  public void setxattr(long inode, byte[] name, byte[] value, int flags, Caller caller) {
    Znode file = core.znodes.pin(inode);
    try {
      xattrs.set(file, name.clone(), value.clone(), flags, caller);
      core.changed(inode);
    } finally {
      core.znodes.unpin(file);
    }
  }

  /** The names that the caller may know of. */
  public List<byte[]> listxattr(long inode, Caller caller) {
    Znode file = core.znodes.pin(inode);
    try {
      return xattrs.list(file, caller);
    } finally {
      core.znodes.unpin(file);
    }
  }

  public void removexattr(long inode, byte[] name, Caller caller) {
    Znode file = core.znodes.pin(inode);
    try {
      xattrs.remove(file, name, caller);
      core.changed(inode);
    } finally {
      core.znodes.unpin(file);
    }
  }

  /** The advisory locks on ranges of files, by inode number, as of fcntl(2). */
  public RangeLocks rangeLocks() {
    return rangeLocks;
  }

  /** The advisory locks on whole files as of flock(2), which know nothing of the ranges. */
  public RangeLocks wholeLocks() {
    return wholeLocks;
  }

  // The whole

  public StatFs statfs() {
    core.refuseClosed();
    FsOptions options = core.options;
    int block = options.recordBytes();
    Space space = options.space();
    long free = space.freeBytes();
    // A dnode and its entry; more files than this do not fit, fewer may.
    long freeFiles = space.availableBytes() / 1024;
    return new StatFs(
        block,
        space.totalBytes() / block,
        free / block,
        space.availableBytes() / block,
        core.objects.objectCount(),
        freeFiles,
        Names.MAX_NAME_BYTES);
  }

  /** Returns when everything done before is on disk. */
  public void sync() {
    core.refuseClosed();
    core.objects.sync();
  }

  /**
   * Keeps a file in memory and its number from being given to another until {@link #forget}, as
   * long as a kernel knows it.
   *
   * @param generation as the attributes told it
   * @return false when that file is gone
   */
  public boolean retain(long inode, long generation) {
    Znode file;
    try {
      file = core.znodes.pin(inode);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return false;
      }
      throw e;
    }
    if (file.attrs().generation != generation || file.deleted) {
      core.znodes.unpin(file);
      return false;
    }
    return true;
  }

  /** Takes back {@code count} calls of {@link #retain}. */
  public void forget(long inode, int count) {
    if (core.closed) {
      return; // nothing is kept any more
    }
    Znode file = core.znodes.pin(inode);
    core.znodes.unpin(file, count + 1);
  }

  /** Why something without a name could not be freed, or null. */
  public @Nullable PoolException reaperFailure() {
    return core.reaper.failure();
  }

  /** Whether nothing is being freed in the background. */
  public boolean reaperIdle() {
    return core.reaper.idle();
  }

  /** Files that have no name but are not freed. */
  public long unlinkedCount() {
    return core.unlinked.count();
  }

  FsCore core() {
    core.refuseClosed();
    return core;
  }

  /** Makes long deletions take more steps, for tests. */
  void setBlocksFreedAtOnce(long blocks) {
    core.blocksFreedAtOnce = blocks;
  }

  /** Whether it was closed: then all calls answer EBADF. */
  public boolean isClosed() {
    return core.closed;
  }

  /**
   * Ends the use. Nothing is synced. Calls, also on handles that are still open, answer EBADF from
   * now on.
   */
  @Override
  public void close() {
    core.reaper.stop();
    core.close();
    rangeLocks.close();
    wholeLocks.close();
    core.names.clear();
    core.znodes.close();
    core.unlinked.close();
  }
}
