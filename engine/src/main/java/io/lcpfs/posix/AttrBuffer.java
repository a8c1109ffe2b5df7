package io.lcpfs.posix;

/** The content of an {@link Attr} in a form that is filled again and again without allocation. */
public final class AttrBuffer {
  public long inode;
  public long generation;
  public int mode;
  public long nlink;
  public int uid;
  public int gid;
  public long rdev;
  public long size;
  public long blocks512;
  public int blockBytes;
  public long atimeSeconds;
  public int atimeNanos;
  public long mtimeSeconds;
  public int mtimeNanos;
  public long ctimeSeconds;
  public int ctimeNanos;
  public long btimeSeconds;
  public int btimeNanos;

  /** An immutable copy. */
  public Attr toAttr() {
    return new Attr(
        inode,
        generation,
        mode,
        nlink,
        uid,
        gid,
        rdev,
        size,
        blocks512,
        blockBytes,
        atimeSeconds,
        atimeNanos,
        mtimeSeconds,
        mtimeNanos,
        ctimeSeconds,
        ctimeNanos,
        btimeSeconds,
        btimeNanos);
  }
}
