package io.lcpfs.posix;

import io.lcpfs.format.BlockPointer;

/**
 * How a file system is opened.
 *
 * @param recordBytes largest block of new files, a power of two from 512 up to 16 MiB
 * @param atime when reading changes the access time
 * @param readOnly whether changes are refused with EROFS
 * @param cachedZnodes files whose attributes are kept in memory beyond those in use
 * @param cachedNames directory entries kept in memory, rounded up to a power of two
 * @param space tells the room left
 */
public record FsOptions(
    int recordBytes,
    Atime atime,
    boolean readOnly,
    int cachedZnodes,
    int cachedNames,
    Space space) {

  /** When reading changes the access time. */
  public enum Atime {
    OFF,
    /** When it is not after the last change, or a day old. */
    RELATIVE,
    ON
  }

  private static final int LEAST_ZNODES = 16_384;
  private static final int NAMES_PER_ZNODE = 4;

  /** A file in memory takes up to a kilobyte of heap: a thirty-second of what its blocks may. */
  private static final long CACHE_BYTES_PER_ZNODE = 32 << 10;

  public static final FsOptions DEFAULTS =
      new FsOptions(
          128 << 10,
          Atime.RELATIVE,
          false,
          LEAST_ZNODES,
          NAMES_PER_ZNODE * LEAST_ZNODES,
          Space.UNKNOWN);

  public FsOptions {
    if (recordBytes < 512
        || recordBytes > BlockPointer.MAX_BLOCK_BYTES
        || Integer.bitCount(recordBytes) != 1) {
      throw new IllegalArgumentException("record size " + recordBytes);
    }
    if (cachedZnodes < 1 || cachedNames < 1 || cachedNames > 1 << 26) {
      throw new IllegalArgumentException("cache size");
    }
  }

  public FsOptions withRecordBytes(int bytes) {
    return new FsOptions(bytes, atime, readOnly, cachedZnodes, cachedNames, space);
  }

  public FsOptions withAtime(Atime value) {
    return new FsOptions(recordBytes, value, readOnly, cachedZnodes, cachedNames, space);
  }

  public FsOptions withReadOnly(boolean value) {
    return new FsOptions(recordBytes, atime, value, cachedZnodes, cachedNames, space);
  }

  /** As many files and names in memory as fit beside a block cache of this budget, in bytes. */
  public FsOptions withCachesBeside(long cacheBytes) {
    int most = (1 << 26) / NAMES_PER_ZNODE;
    int znodes = Math.clamp(cacheBytes / CACHE_BYTES_PER_ZNODE, LEAST_ZNODES, most);
    return withCaches(znodes, NAMES_PER_ZNODE * znodes);
  }

  /** Sizes of the two caches, in entries. */
  public FsOptions withCaches(int znodes, int names) {
    return new FsOptions(recordBytes, atime, readOnly, znodes, names, space);
  }

  public FsOptions withSpace(Space value) {
    return new FsOptions(recordBytes, atime, readOnly, cachedZnodes, cachedNames, value);
  }
}
