package io.lcpfs.cli.tree;

import java.lang.foreign.MemorySegment;
import java.util.SortedMap;

/** An open regular file, on the host or in a pool; for one thread. */
public interface TreeFile extends AutoCloseable {

  /** How messages call the file. */
  String display();

  Attributes attributes();

  /** Reads up to {@code length} bytes to the start of {@code target}; 0 at the end of the file. */
  int read(long offsetBytes, MemorySegment target, int length);

  /** Writes all {@code length} bytes from the start of {@code source}. */
  void write(long offsetBytes, MemorySegment source, int length);

  /**
   * Copies up to {@code length} bytes of a file that lies beside it in the same pool, by reference
   * where that can be.
   *
   * @return bytes copied, fewer at the end of that file; -1 when it lies elsewhere
   */
  default long copyFrom(TreeFile source, long offsetBytes, long length) {
    return -1;
  }

  /** Offset of the first data at or after {@code offsetBytes}; -1 when only a hole follows. */
  long seekData(long offsetBytes);

  /** Offset of the first hole at or after {@code offsetBytes}, the end being one. */
  long seekHole(long offsetBytes);

  void setSize(long bytes);

  void apply(Applied change);

  SortedMap<String, byte[]> xattrs();

  /** Sets one; EOPNOTSUPP, EPERM. */
  void setXattr(String name, byte[] value);

  @Override
  void close();
}
