package io.lcpfs.posix;

/** Takes the entries of a directory one by one. */
public interface DirectoryVisitor {

  /**
   * Called under the directory's lock: may look at attributes, must not change the file system.
   *
   * @param cookie where to go on after this entry
   * @param name may be kept, not to be changed
   * @param type the entry's type as in d_type: {@code st_mode >> 12}
   * @return whether it was taken; false ends the listing before this entry
   */
  boolean entry(long cookie, byte[] name, long inode, int type);
}
