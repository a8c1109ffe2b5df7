/** The way in for the kernel: datasets mounted through FUSE, without a C library for it. */
module io.lcpfs.fuse {
  requires transitive io.lcpfs.engine;

  exports io.lcpfs.fuse;
}
