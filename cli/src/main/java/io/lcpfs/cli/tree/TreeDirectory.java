package io.lcpfs.cli.tree;

import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * An open directory, on the host or in a pool. Names are bytes without '/' and NUL, never '.' or
 * '..'. Nothing here follows a symbolic link. Failures are {@link io.lcpfs.error.PoolException}
 * with the errno of the system call that does the same.
 */
public interface TreeDirectory extends AutoCloseable {

  /** How messages call the directory. */
  String display();

  /** Of the directory itself. */
  Attributes attributes();

  /** All names in it, in no particular order. */
  List<byte[]> names();

  /** The attributes of a name, or null when there is none. */
  @Nullable Attributes stat(byte[] name);

  /** Opens a directory in it; ENOTDIR or ELOOP for anything else. */
  TreeDirectory directory(byte[] name);

  /** The target of a symbolic link. */
  byte[] readLink(byte[] name);

  /** Opens a regular file for reading. */
  TreeFile open(byte[] name);

  /** Makes a regular file for the owner only and opens it for writing; EEXIST. */
  TreeFile create(byte[] name);

  /** Makes a directory for the owner only; EEXIST. */
  void makeDirectory(byte[] name);

  void makeSymlink(byte[] name, byte[] target);

  /** Makes a fifo, socket or device node; EPERM. */
  void makeNode(byte[] name, int mode, long rdev);

  /** Makes {@code name} another name of a file in a directory of the same side; EXDEV. */
  void link(byte[] name, TreeDirectory from, byte[] existing);

  /** Removes a name that is no directory. */
  void remove(byte[] name);

  /**
   * Sets what can be set of a symbolic link or node: owner and times, of a node permissions too.
   */
  void apply(byte[] name, Attributes type, Applied change);

  /** Sets attributes of the directory itself. */
  void apply(Applied change);

  /** Extended attributes of the directory itself; empty where there are none. */
  SortedMap<String, byte[]> xattrs();

  /** Sets one; EOPNOTSUPP, EPERM. */
  void setXattr(String name, byte[] value);

  @Override
  void close();
}
