package io.lcpfs.posix;

import io.lcpfs.format.BlockPointer;
import org.jspecify.annotations.Nullable;

/**
 * How a file system is opened.
 *
 * @param recordBytes largest block of new files, a power of two from 512 up to 16 MiB
 * @param atime when reading changes the access time
 * @param sync when changes become durable
 * @param largeDirect whether fsync writes much data straight to its place, not to a log
 * @param readOnly whether changes are refused with EROFS
 * @param cachedZnodes files whose attributes are kept in memory beyond those in use
 * @param cachedNames directory entries kept in memory, rounded up to a power of two
 * @param space tells the room left
 * @param forced what counts instead of {@code atime} and {@code sync}, whatever these are later
 */
public record FsOptions(
    int recordBytes,
    Atime atime,
    Sync sync,
    boolean largeDirect,
    boolean readOnly,
    int cachedZnodes,
    int cachedNames,
    Space space,
    Forced forced) {

  /** When reading changes the access time. */
  public enum Atime {
    OFF,
    /** When it is not after the last change, or a day old. */
    RELATIVE,
    ON
  }

  /** When changes become durable. */
  public enum Sync {
    /** When fsync or a handle opened with O_SYNC or O_DSYNC asks for it. */
    STANDARD,
    /** Before each call returns. */
    ALWAYS,
    /** With their group, a few seconds later; fsync does not wait for that. */
    DISABLED
  }

  /**
   * What its user wants, and no property changes.
   *
   * @param atime null for as the property says
   * @param sync whether every change is durable before its call returns
   */
  public record Forced(@Nullable Atime atime, boolean sync) {
    public static final Forced NOTHING = new Forced(null, false);
  }

  private static final int LEAST_ZNODES = 16_384;
  private static final int NAMES_PER_ZNODE = 4;

  /** A file in memory takes up to a kilobyte of heap: a thirty-second of what its blocks may. */
  private static final long CACHE_BYTES_PER_ZNODE = 32 << 10;

  public static final FsOptions DEFAULTS =
      new FsOptions(
          128 << 10,
          Atime.RELATIVE,
          Sync.STANDARD,
          false,
          false,
          LEAST_ZNODES,
          NAMES_PER_ZNODE * LEAST_ZNODES,
          Space.UNKNOWN,
          Forced.NOTHING);

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

  /** When reading changes the access time, by what is forced or else by the property. */
  @Override
  public Atime atime() {
    Atime wanted = forced.atime();
    return wanted == null ? atime : wanted;
  }

  @Override
  public Sync sync() {
    return forced.sync() ? Sync.ALWAYS : sync;
  }

  public FsOptions withRecordBytes(int bytes) {
    return new FsOptions(
        bytes, atime, sync, largeDirect, readOnly, cachedZnodes, cachedNames, space, forced);
  }

  public FsOptions withAtime(Atime value) {
    return new FsOptions(
        recordBytes, value, sync, largeDirect, readOnly, cachedZnodes, cachedNames, space, forced);
  }

  /** When changes become durable, and whether much data goes straight to its place then. */
  public FsOptions withSync(Sync value, boolean direct) {
    return new FsOptions(
        recordBytes, atime, value, direct, readOnly, cachedZnodes, cachedNames, space, forced);
  }

  public FsOptions withReadOnly(boolean value) {
    return new FsOptions(
        recordBytes, atime, sync, largeDirect, value, cachedZnodes, cachedNames, space, forced);
  }

  /** As many files and names in memory as fit beside a block cache of this budget, in bytes. */
  public FsOptions withCachesBeside(long cacheBytes) {
    int most = (1 << 26) / NAMES_PER_ZNODE;
    int znodes = Math.clamp(cacheBytes / CACHE_BYTES_PER_ZNODE, LEAST_ZNODES, most);
    return withCaches(znodes, NAMES_PER_ZNODE * znodes);
  }

  /** Sizes of the two caches, in entries. */
  public FsOptions withCaches(int znodes, int names) {
    return new FsOptions(
        recordBytes, atime, sync, largeDirect, readOnly, znodes, names, space, forced);
  }

  public FsOptions withSpace(Space value) {
    return new FsOptions(
        recordBytes, atime, sync, largeDirect, readOnly, cachedZnodes, cachedNames, value, forced);
  }

  public FsOptions withForced(Forced value) {
    return new FsOptions(
        recordBytes, atime, sync, largeDirect, readOnly, cachedZnodes, cachedNames, space, value);
  }
}
