package io.lcpfs.format;

import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;

/**
 * Where everything lies on a device, from its capacity and block size alone. All values in bytes.
 *
 * <pre>
 * label 0 | label 1 | layout A | layout B | data (from a multiple of 1 MiB) | layout A | layout B
 *     | label 2 | label 3 | what is left of the capacity, less than a label
 * </pre>
 *
 * A label is made of units of {@link #unitBytes}: unit 0 zeros (where others look for boot
 * sectors), unit 1 activity, units 2 to 9 leases, from unit 10 to the middle configuration, and
 * from the middle on the uberblock ring.
 *
 * @param capacityBytes what the device reports or, for a device of a pool, what was recorded
 * @param blockBytes the device's block, a power of two, 512 to 65,536
 */
public record Geometry(long capacityBytes, int blockBytes) {
  public static final int LABELS = 4;

  /** Copies of each layout slot: front and back. */
  public static final int LAYOUT_COPIES = 2;

  /** Data areas, and so all tiles, begin at multiples of this. */
  public static final long DATA_ALIGNMENT_BYTES = 1 << 20;

  public static final int MAX_TILES = 65_535;
  public static final long MIN_TILE_BYTES = 1 << 20;
  public static final long MAX_TILE_BYTES = 16L << 30;
  public static final int MAX_BLOCK_BYTES = 65_536;

  /** Smallest device of a pool. */
  public static final long MIN_DEVICE_BYTES = 64L << 20;

  /** Smallest device of a simulated pool. */
  public static final long MIN_SMALL_DEVICE_BYTES = 16L << 20;

  /** First unit of the configuration in a label. */
  public static final int CONFIG_UNIT = 10;

  private static final int MIN_TILES = 4;
  private static final int SMALLEST_UNIT = 4096;
  private static final long SMALLEST_LABEL = 256 << 10;
  private static final long SMALLEST_LAYOUT_SLOT = 128 << 10;
  private static final long LARGEST_LAYOUT_SLOT = 8 << 20;
  private static final int TILES_OF_SMALLEST_DEVICE = 128;

  public Geometry {
    Check.that(isBlockSize(blockBytes), "device block size", blockBytes);
    Check.that(capacityBytes >= MIN_SMALL_DEVICE_BYTES, "device capacity", capacityBytes);
  }

  /** Whether a device may have blocks of this many bytes. */
  public static boolean isBlockSize(long bytes) {
    return bytes >= 512 && bytes <= MAX_BLOCK_BYTES && Long.bitCount(bytes) == 1;
  }

  /**
   * Refuses (EINVAL) a device that cannot hold a pool.
   *
   * @param allowSmall whether 16 MiB are enough, as in the simulator, instead of 64 MiB
   */
  public static void checkDevice(
      String name, long capacityBytes, int blockBytes, boolean allowSmall) {
    long least = allowSmall ? MIN_SMALL_DEVICE_BYTES : MIN_DEVICE_BYTES;
    if (capacityBytes < least) {
      throw PoolException.refused(
          Errno.EINVAL,
          name + " has " + capacityBytes + " bytes; a device of a pool needs at least " + least);
    }
    if (!isBlockSize(blockBytes)) {
      throw PoolException.refused(
          Errno.EINVAL,
          name
              + " has blocks of "
              + blockBytes
              + " bytes; a power of two from 512 to "
              + MAX_BLOCK_BYTES
              + " is needed");
    }
    if (new Geometry(capacityBytes, blockBytes).tileCount(MIN_TILE_BYTES) < MIN_TILES) {
      throw PoolException.refused(
          Errno.EINVAL,
          name
              + " has "
              + capacityBytes
              + " bytes, which labels for blocks of "
              + blockBytes
              + " bytes use up");
    }
  }

  /** The tile size of a group whose smallest device has this capacity. */
  public static long tileBytes(long smallestDeviceBytes) {
    long share = Math.max(1, smallestDeviceBytes / TILES_OF_SMALLEST_DEVICE);
    return Math.clamp(Long.highestOneBit(share), MIN_TILE_BYTES, MAX_TILE_BYTES);
  }

  /** Whether this is a tile size: a power of two from 1 MiB to 16 GiB. */
  public static boolean isTileSize(long bytes) {
    return bytes >= MIN_TILE_BYTES && bytes <= MAX_TILE_BYTES && Long.bitCount(bytes) == 1;
  }

  /** Bytes of a unit of a label: an uberblock slot, the activity sector. */
  public int unitBytes() {
    return Math.max(SMALLEST_UNIT, blockBytes);
  }

  public int labelBytes() {
    return (int) Math.max(SMALLEST_LABEL, 64L * blockBytes);
  }

  /** Bytes of the capacity that are used: whole labels. */
  public long usableBytes() {
    return capacityBytes / labelBytes() * labelBytes();
  }

  /** Where label {@code label} (0 to 3) begins. */
  public long labelOffset(int label) {
    Check.that(label >= 0 && label < LABELS, "label", label);
    long bytes = labelBytes();
    return label < 2 ? label * bytes : usableBytes() - (LABELS - label) * bytes;
  }

  /** Where the activity sector of a label is; one unit long. */
  public long activityOffset(int label) {
    return labelOffset(label) + unitBytes();
  }

  /** Where the configuration of a label begins. */
  public long configOffset(int label) {
    return labelOffset(label) + (long) CONFIG_UNIT * unitBytes();
  }

  /** Room for the configuration, its label header included. */
  public int configBytes() {
    return labelBytes() / 2 - CONFIG_UNIT * unitBytes();
  }

  /** Slots of the uberblock ring: 32. */
  public int uberblockSlots() {
    return labelBytes() / 2 / unitBytes();
  }

  /** Which slot the uberblock of {@code txg} goes to. */
  public int uberblockSlot(long txg) {
    return (int) Long.remainderUnsigned(txg, uberblockSlots());
  }

  /** Where slot {@code slot} of the ring in a label is. */
  public long uberblockOffset(int label, int slot) {
    Check.that(slot >= 0 && slot < uberblockSlots(), "uberblock slot", slot);
    return labelOffset(label) + labelBytes() / 2 + (long) slot * unitBytes();
  }

  /** Bytes of each layout slot. */
  public int layoutSlotBytes() {
    long unit = unitBytes();
    long share = capacityBytes / 512 / unit * unit;
    return (int) Math.clamp(share, SMALLEST_LAYOUT_SLOT, LARGEST_LAYOUT_SLOT);
  }

  /** Which of the two layout slots, A (0) or B (1), the record of this generation goes to. */
  public static int layoutSlot(long generation) {
    return (int) (generation & 1);
  }

  /** Where a layout slot (0 A, 1 B) is, in the front (copy 0) or the back (copy 1). */
  public long layoutOffset(int slot, int copy) {
    Check.that((slot | copy) >>> 1 == 0, "layout slot", slot);
    long front = 2L * labelBytes();
    return (copy == 0 ? front : dataEnd()) + (long) slot * layoutSlotBytes();
  }

  /** First byte of the data area, a multiple of 1 MiB. */
  public long dataStart() {
    long front = 2L * labelBytes() + 2L * layoutSlotBytes();
    return Math.ceilDiv(front, DATA_ALIGNMENT_BYTES) * DATA_ALIGNMENT_BYTES;
  }

  /** Where the space for data ends and the layout slots at the back begin. */
  public long dataEnd() {
    return usableBytes() - 2L * labelBytes() - 2L * layoutSlotBytes();
  }

  /** Whole tiles in the data area, at most {@link #MAX_TILES}. */
  public int tileCount(long tileBytes) {
    Check.that(isTileSize(tileBytes), "tile size", tileBytes);
    return Math.clamp((dataEnd() - dataStart()) / tileBytes, 0, MAX_TILES);
  }

  /** Where a tile begins. */
  public long tileOffset(int tile, long tileBytes) {
    Check.that(tile >= 0 && tile < tileCount(tileBytes), "tile", tile);
    return dataStart() + tile * tileBytes;
  }
}
