package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** The working directory of a process, which keeps its number as long as it is that. */
final class WorkingDirectory {
  private static final byte[] DOT_DOT = {'.', '.'};

  private final PosixFileSystem fs;

  /** Guards the two fields below. */
  private final ReentrantLock lock = new ReentrantLock();

  private long inode;
  private long generation;

  /** The root, which is never removed and so not retained. */
  WorkingDirectory(PosixFileSystem fs) {
    this.fs = fs;
    this.inode = fs.rootInode();
  }

  /** Another process's, of the same directory. */
  WorkingDirectory copy() {
    WorkingDirectory copy = new WorkingDirectory(fs);
    lock.lock();
    try {
      if (inode != fs.rootInode() && fs.retain(inode, generation)) {
        copy.inode = inode;
        copy.generation = generation;
      }
    } finally {
      lock.unlock();
    }
    return copy;
  }

  /**
   * The directory, retained until it is forgotten.
   *
   * @throws io.lcpfs.error.PoolException ENOENT when it was removed
   */
  long hold() {
    lock.lock();
    try {
      long stamp = inode == fs.rootInode() ? fs.getattr(inode).generation() : generation;
      if (!fs.retain(inode, stamp)) {
        throw posix(Errno.ENOENT, "removed working directory");
      }
      return inode;
    } finally {
      lock.unlock();
    }
  }

  /** ENOTDIR; EACCES unless it may be searched; ENOENT when it is gone. */
  void enter(Attr directory, Caller caller) {
    if (!directory.isDirectory()) {
      throw posix(Errno.ENOTDIR, "inode " + directory.inode());
    }
    fs.access(directory.inode(), OpenFlags.X_OK, caller);
    if (!fs.retain(directory.inode(), directory.generation())) {
      throw posix(Errno.ENOENT, "inode " + directory.inode());
    }
    change(directory.inode(), directory.generation());
    if (directory.inode() == fs.rootInode()) {
      fs.forget(directory.inode(), 1);
    }
  }

  /** Goes to the root, and so keeps nothing. */
  void leave() {
    change(fs.rootInode(), 0);
  }

  private void change(long toInode, long toGeneration) {
    long before;
    lock.lock();
    try {
      before = inode;
      inode = toInode;
      generation = toGeneration;
    } finally {
      lock.unlock();
    }
    if (before != fs.rootInode()) {
      fs.forget(before, 1);
    }
  }

  /** The absolute path, whatever the caller may read; ENOENT when it was removed. */
  byte[] path() {
    List<byte[]> names = new ArrayList<>();
    long at = hold();
    try {
      for (long here = at; here != fs.rootInode(); ) {
        long parent = fs.lookup(here, DOT_DOT, Caller.ROOT).inode();
        names.addFirst(nameIn(parent, here));
        here = parent;
      }
    } finally {
      fs.forget(at, 1);
    }
    ByteArrayOutputStream path = new ByteArrayOutputStream();
    for (byte[] name : names) {
      path.write('/');
      path.writeBytes(name);
    }
    if (names.isEmpty()) {
      path.write('/');
    }
    return path.toByteArray();
  }

  private byte[] nameIn(long parent, long child) {
    List<byte[]> found = new ArrayList<>();
    int flags = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOATIME;
    try (FileHandle handle = fs.open(parent, flags, Caller.ROOT)) {
      fs.readdir(
          handle,
          2,
          (cookie, name, inode, type) -> {
            if (inode == child) {
              found.add(name);
            }
            return inode != child;
          });
    }
    if (found.isEmpty()) {
      throw posix(Errno.ENOENT, "removed working directory");
    }
    return found.getFirst();
  }
}
