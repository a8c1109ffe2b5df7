/** LCPFS for JVM programs, through java.nio.file. */
module io.lcpfs.nio {
  requires transitive io.lcpfs.engine;
  requires static transitive org.jspecify;

  exports io.lcpfs.nio;

  provides java.nio.file.spi.FileSystemProvider with
      io.lcpfs.nio.LcpfsFileSystemProvider;
}
