/**
 * LCPFS as a library. Only the face of the engine, the interfaces that a host implements (devices,
 * memory, the world), what its values are made of (the records of the disk format) and its errors
 * are for use outside.
 */
module io.lcpfs.engine {
  requires static transitive org.jspecify;
  // Optional at run time: without it the plain kernels serve, and the JVM starts faster.
  requires static jdk.incubator.vector;
  requires com.github.luben.zstd_jni;
  requires org.lz4.java;
  requires org.tukaani.xz;

  exports io.lcpfs.api;
  exports io.lcpfs.checkup;
  exports io.lcpfs.dataset;
  exports io.lcpfs.device;
  exports io.lcpfs.env;
  exports io.lcpfs.error;
  exports io.lcpfs.format;
  exports io.lcpfs.memory;
  exports io.lcpfs.pool;
  exports io.lcpfs.posix;
  exports io.lcpfs.stream;
}
