package io.lcpfs.cli;

import io.lcpfs.cli.tree.HostDirectory;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;

/**
 * Whose the things are that commands make in pools: the user's. Calls are made as root, since who
 * may open a pool's devices may do everything in it.
 */
final class Ownership {
  private Ownership() {}

  /** Gives a new file to the user who runs the command. */
  static void give(PosixFileSystem files, long inode) {
    int uid = HostDirectory.euid();
    if (uid != 0) {
      files.setattr(inode, new SetAttr().uid(uid).gid(HostDirectory.egid()), Caller.ROOT);
    }
  }

  /** The same for the root directory of a new dataset. */
  static void giveRoot(PosixFileSystem files) {
    give(files, files.rootInode());
  }
}
