package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * A dataset as it was at the end of a txg, in the bonus of its SNAPSHOT object in the meta object
 * set: 256 bytes. A dataset's snapshots are ordered by txg, then ordinal.
 *
 * @param guid random, never 0
 * @param txg the group whose end it shows
 * @param ordinal tells snapshots of one dataset and txg apart
 * @param creationSeconds wall clock, seconds since 1970
 * @param datasetObject the DATASET object that it belongs to
 * @param deadZap ZAP object: blocks that the snapshot before has and this one has no more; 0 for
 *     none
 * @param usedBytes allocated bytes of everything in it
 * @param logicalBytes the same before compression
 * @param uniqueBytes allocated bytes that nothing else of its dataset refers to
 * @param clonesZap ZAP object: the datasets that began as this snapshot, by their object; 0 before
 *     the first
 * @param holds what users asked for that keeps it
 * @param objectSet root of its objects
 */
public record SnapshotRecord(
    long guid,
    long txg,
    int ordinal,
    long creationSeconds,
    long datasetObject,
    long deadZap,
    long usedBytes,
    long logicalBytes,
    long uniqueBytes,
    long clonesZap,
    Holds holds,
    BlockPointer objectSet) {

  /**
   * What users asked for that keeps a snapshot, or ends it later.
   *
   * @param zap ZAP object: tag to when it was set, seconds since 1970; 0 for none
   * @param destroyDeferred whether it is destroyed as soon as nothing keeps it
   */
  public record Holds(long zap, boolean destroyDeferred) {
    public static final Holds NONE = new Holds(0, false);
  }

  /** One that nothing keeps. */
  public SnapshotRecord(
      long guid,
      long txg,
      int ordinal,
      long creationSeconds,
      long datasetObject,
      long deadZap,
      long usedBytes,
      long logicalBytes,
      long uniqueBytes,
      long clonesZap,
      BlockPointer objectSet) {
    this(
        guid,
        txg,
        ordinal,
        creationSeconds,
        datasetObject,
        deadZap,
        usedBytes,
        logicalBytes,
        uniqueBytes,
        clonesZap,
        Holds.NONE,
        objectSet);
  }

  private static final int DESTROY_DEFERRED = 1;

  public static final int BYTES = 256;

  public static final StructLayout LAYOUT =
      structLayout(
          U64.withName("guid"),
          U64.withName("txg"),
          U64.withName("creation_seconds"),
          U64.withName("dataset_object"),
          U64.withName("dead_zap"),
          U64.withName("used_bytes"),
          U64.withName("logical_bytes"),
          U64.withName("unique_bytes"),
          U32.withName("ordinal"),
          U32.withName("flags"),
          U64.withName("clones_zap"),
          U64.withName("holds_zap"),
          Disk.bytes("reserved", 40),
          BlockPointer.LAYOUT.withName("object_set"));

  private static final long OBJECT_SET = Disk.offset(LAYOUT, "object_set");

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "snapshot size", LAYOUT.byteSize());
  }

  /** Decodes a bonus of exactly 256 bytes. */
  public static SnapshotRecord decode(byte[] bonus) {
    if (bonus.length != BYTES) {
      throw corrupt("snapshot.size", bonus.length);
    }
    MemorySegment at = MemorySegment.ofArray(bonus);
    long guid = Disk.u64(at, 0);
    long txg = Disk.u64(at, 8);
    long ordinal = Disk.u32(at, 64);
    if (guid == 0) {
      throw corrupt("snapshot.guid", 0);
    }
    if (txg <= 0 || txg > Disk.MAX_TXG) {
      throw corrupt("snapshot.txg", txg);
    }
    if (ordinal > Integer.MAX_VALUE) {
      throw corrupt("snapshot.ordinal", ordinal);
    }
    long flags = Disk.u32(at, 68);
    if ((flags & ~DESTROY_DEFERRED) != 0) {
      throw corrupt("snapshot.flags", flags);
    }
    return new SnapshotRecord(
        guid,
        txg,
        (int) ordinal,
        Disk.u64(at, 16),
        Disk.u64(at, 24),
        Disk.u64(at, 32),
        Disk.u64(at, 40),
        Disk.u64(at, 48),
        Disk.u64(at, 56),
        Disk.u64(at, 72),
        new Holds(Disk.u64(at, 80), (flags & DESTROY_DEFERRED) != 0),
        BlockPointer.decode(at, OBJECT_SET));
  }

  /** The same snapshot after others were destroyed, or the dataset has changed. */
  public SnapshotRecord with(long newDeadZap, long newUniqueBytes) {
    return with(datasetObject, newDeadZap, newUniqueBytes, clonesZap);
  }

  /** The same snapshot with other clones, or of another dataset. */
  public SnapshotRecord with(long newDataset, long newDeadZap, long newUnique, long newClonesZap) {
    return new SnapshotRecord(
        guid,
        txg,
        ordinal,
        creationSeconds,
        newDataset,
        newDeadZap,
        usedBytes,
        logicalBytes,
        Math.max(0, newUnique),
        newClonesZap,
        holds,
        objectSet);
  }

  /** The same snapshot with other holds. */
  public SnapshotRecord with(Holds newHolds) {
    return new SnapshotRecord(
        guid,
        txg,
        ordinal,
        creationSeconds,
        datasetObject,
        deadZap,
        usedBytes,
        logicalBytes,
        uniqueBytes,
        clonesZap,
        newHolds,
        objectSet);
  }

  public byte[] encode() {
    byte[] bonus = new byte[BYTES];
    MemorySegment at = MemorySegment.ofArray(bonus);
    Disk.putU64(at, 0, guid);
    Disk.putU64(at, 8, txg);
    Disk.putU64(at, 16, creationSeconds);
    Disk.putU64(at, 24, datasetObject);
    Disk.putU64(at, 32, deadZap);
    Disk.putU64(at, 40, usedBytes);
    Disk.putU64(at, 48, logicalBytes);
    Disk.putU64(at, 56, uniqueBytes);
    Disk.putU32(at, 64, ordinal);
    Disk.putU64(at, 72, clonesZap);
    Disk.putU32(at, 68, holds.destroyDeferred() ? DESTROY_DEFERRED : 0);
    Disk.putU64(at, 80, holds.zap());
    objectSet.encode(at, OBJECT_SET);
    return bonus;
  }
}
