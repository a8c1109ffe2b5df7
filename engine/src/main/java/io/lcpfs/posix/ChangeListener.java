package io.lcpfs.posix;

/**
 * Is told of changes after they were made, by the thread that made them, which holds no lock of the
 * file system then. For whoever keeps a copy of attributes and names, as a kernel does.
 */
public interface ChangeListener {

  /** The content or the attributes of a file or directory are others now. */
  void fileChanged(long inode);

  /** A name came, went or means something else; the directory itself changed with it. */
  void nameChanged(long directory, byte[] name);
}
