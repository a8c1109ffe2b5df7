/** Tests on a file system of their own, with JUnit 5 or 6. */
module io.lcpfs.nio.junit {
  requires transitive io.lcpfs.nio;
  requires transitive org.junit.jupiter.api;
  requires static transitive org.jspecify;

  exports io.lcpfs.nio.junit;
}
