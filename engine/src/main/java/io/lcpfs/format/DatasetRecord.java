package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * A dataset's head, in the bonus of its DATASET object in the meta object set: 320 bytes.
 *
 * @param guid random, never 0
 * @param creationTxg the txg that created it
 * @param creationSeconds wall clock, seconds since 1970
 * @param childrenZap ZAP object: child name to DATASET object
 * @param propertiesZap ZAP object: property name to local value
 * @param usedBytes allocated bytes charged to this dataset, all copies
 * @param logicalBytes the same before compression
 * @param kind 0 file system, 1 volume
 * @param intentLog INTENT_LOG object, 0 for none
 * @param snapshots what belongs to its snapshots
 * @param heritage what it has of another dataset
 * @param remains how far it is freed, once it is destroyed
 * @param bookmarksZap ZAP object: name to {@link BookmarkRecord}; 0 before the first
 * @param objectSet root of its objects
 */
public record DatasetRecord(
    long guid,
    long creationTxg,
    long creationSeconds,
    long childrenZap,
    long propertiesZap,
    long usedBytes,
    long logicalBytes,
    int kind,
    long intentLog,
    Snapshots snapshots,
    Heritage heritage,
    Remains remains,
    long bookmarksZap,
    BlockPointer objectSet) {

  /** One without bookmarks. */
  public DatasetRecord(
      long guid,
      long creationTxg,
      long creationSeconds,
      long childrenZap,
      long propertiesZap,
      long usedBytes,
      long logicalBytes,
      int kind,
      long intentLog,
      Snapshots snapshots,
      Heritage heritage,
      Remains remains,
      BlockPointer objectSet) {
    this(
        guid,
        creationTxg,
        creationSeconds,
        childrenZap,
        propertiesZap,
        usedBytes,
        logicalBytes,
        kind,
        intentLog,
        snapshots,
        heritage,
        remains,
        0,
        objectSet);
  }

  /**
   * What a dataset knows of its snapshots.
   *
   * @param namesZap ZAP object: name to SNAPSHOT object; 0 before the first
   * @param deadZap ZAP object: blocks that the newest snapshot has and the dataset has no more, as
   *     {@link DeadlistRecord} says; 0 for none
   * @param storedBytes allocated bytes that only snapshots refer to
   */
  public record Snapshots(long namesZap, long deadZap, long storedBytes) {
    public static final Snapshots NONE = new Snapshots(0, 0, 0);
  }

  /**
   * What a dataset has of the one that it is a clone of.
   *
   * @param origin SNAPSHOT object that it began as, 0 for none
   * @param inheritedBytes allocated bytes of its own content that the origin has, too; they are
   *     charged to the origin's dataset
   */
  public record Heritage(long origin, long inheritedBytes) {
    public static final Heritage NONE = new Heritage(0, 0);
  }

  /**
   * Where to go on with freeing a destroyed dataset: what comes before is freed already.
   *
   * @param object number of an object, or what stands for other trees
   * @param block number of a block in it
   */
  public record Remains(long object, long block) {
    public static final Remains ALL = new Remains(0, 0);
  }

  public static final int BYTES = 320;

  public static final StructLayout LAYOUT =
      structLayout(
          U64.withName("guid"),
          U64.withName("creation_txg"),
          U64.withName("creation_seconds"),
          U64.withName("children_zap"),
          U64.withName("properties_zap"),
          U64.withName("used_bytes"),
          U64.withName("logical_bytes"),
          U32.withName("kind"),
          U32.withName("flags"),
          U64.withName("intent_log"),
          U64.withName("snapshots_zap"),
          U64.withName("dead_zap"),
          U64.withName("snapshot_bytes"),
          U64.withName("origin"),
          U64.withName("inherited_bytes"),
          U64.withName("freed_object"),
          U64.withName("freed_block"),
          U64.withName("bookmarks_zap"),
          Disk.bytes("reserved", 56),
          BlockPointer.LAYOUT.withName("object_set"));

  private static final long OBJECT_SET = Disk.offset(LAYOUT, "object_set");

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "dataset size", LAYOUT.byteSize());
  }

  /** Decodes a bonus of exactly 320 bytes. */
  public static DatasetRecord decode(byte[] bonus) {
    if (bonus.length != BYTES) {
      throw corrupt("dataset.size", bonus.length);
    }
    MemorySegment at = MemorySegment.ofArray(bonus);
    long guid = Disk.u64(at, 0);
    long kind = Disk.u32(at, 56);
    if (guid == 0) {
      throw corrupt("dataset.guid", 0);
    }
    if (kind > 1) {
      throw corrupt("dataset.kind", kind);
    }
    if (Disk.u32(at, 60) != 0) {
      throw corrupt("dataset.flags", Disk.u32(at, 60));
    }
    return new DatasetRecord(
        guid,
        Disk.u64(at, 8),
        Disk.u64(at, 16),
        Disk.u64(at, 24),
        Disk.u64(at, 32),
        Disk.u64(at, 40),
        Disk.u64(at, 48),
        (int) kind,
        Disk.u64(at, 64),
        new Snapshots(Disk.u64(at, 72), Disk.u64(at, 80), Disk.u64(at, 88)),
        new Heritage(Disk.u64(at, 96), Disk.u64(at, 104)),
        new Remains(Disk.u64(at, 112), Disk.u64(at, 120)),
        Disk.u64(at, 128),
        BlockPointer.decode(at, OBJECT_SET));
  }

  /** The same dataset after a sync. */
  public DatasetRecord withObjectSet(BlockPointer root, long usedDelta, long logicalDelta) {
    return new DatasetRecord(
        guid,
        creationTxg,
        creationSeconds,
        childrenZap,
        propertiesZap,
        Math.max(0, usedBytes + usedDelta),
        Math.max(0, logicalBytes + logicalDelta),
        kind,
        intentLog,
        snapshots,
        heritage,
        remains,
        bookmarksZap,
        root);
  }

  /** The same dataset with this intent log. */
  public DatasetRecord withIntentLog(long object) {
    return new DatasetRecord(
        guid,
        creationTxg,
        creationSeconds,
        childrenZap,
        propertiesZap,
        usedBytes,
        logicalBytes,
        kind,
        object,
        snapshots,
        heritage,
        remains,
        bookmarksZap,
        objectSet);
  }

  /** The same dataset with other snapshots. */
  public DatasetRecord withSnapshots(Snapshots value) {
    return new DatasetRecord(
        guid,
        creationTxg,
        creationSeconds,
        childrenZap,
        propertiesZap,
        usedBytes,
        logicalBytes,
        kind,
        intentLog,
        value,
        heritage,
        remains,
        bookmarksZap,
        objectSet);
  }

  /** The same dataset with this ZAP of bookmarks. */
  public DatasetRecord withBookmarks(long zap) {
    return new DatasetRecord(
        guid,
        creationTxg,
        creationSeconds,
        childrenZap,
        propertiesZap,
        usedBytes,
        logicalBytes,
        kind,
        intentLog,
        snapshots,
        heritage,
        remains,
        zap,
        objectSet);
  }

  /** The same dataset with another part of it shared with the one that it is a clone of. */
  public DatasetRecord withHeritage(Heritage value) {
    return new DatasetRecord(
        guid,
        creationTxg,
        creationSeconds,
        childrenZap,
        propertiesZap,
        usedBytes,
        logicalBytes,
        kind,
        intentLog,
        snapshots,
        value,
        remains,
        bookmarksZap,
        objectSet);
  }

  /** The same dataset with other content. */
  public DatasetRecord withContent(BlockPointer root, long used, long logical) {
    return new DatasetRecord(
        guid,
        creationTxg,
        creationSeconds,
        childrenZap,
        propertiesZap,
        used,
        logical,
        kind,
        intentLog,
        snapshots,
        heritage,
        remains,
        bookmarksZap,
        root);
  }

  /** The same dataset, destroyed, after some of it was freed. */
  public DatasetRecord withRemains(Remains value, long freedBytes) {
    return new DatasetRecord(
        guid,
        creationTxg,
        creationSeconds,
        childrenZap,
        propertiesZap,
        Math.max(0, usedBytes - freedBytes),
        logicalBytes,
        kind,
        intentLog,
        snapshots,
        heritage,
        value,
        bookmarksZap,
        objectSet);
  }

  public byte[] encode() {
    byte[] bonus = new byte[BYTES];
    MemorySegment at = MemorySegment.ofArray(bonus);
    Disk.putU64(at, 0, guid);
    Disk.putU64(at, 8, creationTxg);
    Disk.putU64(at, 16, creationSeconds);
    Disk.putU64(at, 24, childrenZap);
    Disk.putU64(at, 32, propertiesZap);
    Disk.putU64(at, 40, usedBytes);
    Disk.putU64(at, 48, logicalBytes);
    Disk.putU32(at, 56, kind);
    Disk.putU64(at, 64, intentLog);
    Disk.putU64(at, 72, snapshots.namesZap());
    Disk.putU64(at, 80, snapshots.deadZap());
    Disk.putU64(at, 88, snapshots.storedBytes());
    Disk.putU64(at, 96, heritage.origin());
    Disk.putU64(at, 104, heritage.inheritedBytes());
    Disk.putU64(at, 112, remains.object());
    Disk.putU64(at, 120, remains.block());
    Disk.putU64(at, 128, bookmarksZap);
    objectSet.encode(at, OBJECT_SET);
    return bonus;
  }
}
