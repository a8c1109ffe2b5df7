package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A dataset's intent log, in the bonus of its INTENT_LOG object in the meta object set: 192 bytes.
 * Its segments are a ring of extents that are written over and over; here stands where to begin
 * reading.
 *
 * @param epoch random; batches of another epoch are remains
 * @param sequence of the batch at the start
 * @param baseTxg changes of groups up to this are in the object set
 * @param datasetObject the DATASET object that it belongs to
 * @param segmentBytes size of each segment
 * @param startSegment index of the segment where the start is
 * @param startOffset bytes from its beginning; a batch that is not there is at the beginning of the
 *     next segment
 * @param skip how many records of the batch at the start are done
 * @param skipEntries how many entries of the record after those are done
 * @param segments the addresses of the segments, in the order of the ring
 */
public record IntentLogRecord(
    long epoch,
    long sequence,
    long baseTxg,
    long datasetObject,
    int segmentBytes,
    int startSegment,
    int startOffset,
    int skip,
    int skipEntries,
    List<Long> segments) {

  public static final int BYTES = 192;
  public static final int MAX_SEGMENTS = 16;

  /** Smallest and largest segment. */
  public static final int MIN_SEGMENT_BYTES = 32 << 10;

  public static final int MAX_SEGMENT_BYTES = 16 << 20;

  /** No batch is larger than this, nor than a segment. */
  public static final int MAX_BATCH_BYTES = 1 << 20;

  public static final StructLayout LAYOUT =
      structLayout(
          U64.withName("epoch"),
          U64.withName("sequence"),
          U64.withName("base_txg"),
          U64.withName("dataset_object"),
          U32.withName("segment_bytes"),
          U16.withName("segment_count"),
          U16.withName("start_segment"),
          U32.withName("start_offset"),
          U32.withName("skip"),
          U32.withName("skip_entries"),
          Disk.bytes("reserved", 12),
          Disk.bytes("segments", 128));

  /** The head of a batch; records follow it, then zeros up to a sector. */
  public static final StructLayout BATCH =
      structLayout(
          U64.withName("magic"),
          U64.withName("epoch"),
          U64.withName("sequence"),
          U32.withName("batch_bytes"),
          U32.withName("record_count"),
          U64.withName("after_txg"),
          Disk.bytes("checksum", 32));

  /** The head of a record: the changes of one transaction; its entries follow. */
  public static final StructLayout CHANGES =
      structLayout(U32.withName("record_bytes"), U32.withName("entry_count"), U64.withName("txg"));

  /** The head of an entry: one change of one object. */
  public static final StructLayout ENTRY =
      structLayout(
          U16.withName("kind"),
          U16.withName("reserved"),
          U32.withName("entry_bytes"),
          U64.withName("object"));

  /** "LCPFSLOG". */
  public static final long BATCH_MAGIC = 0x474f_4c53_4650_434cL;

  public static final int BATCH_BYTES = 72;
  public static final int CHANGES_BYTES = 16;
  public static final int ENTRY_BYTES = 16;
  public static final int CHECKSUM_AT = 40;

  private static final int SEGMENTS_AT = 64;

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "intent log size", LAYOUT.byteSize());
    Check.that(BATCH.byteSize() == BATCH_BYTES, "batch head size", BATCH.byteSize());
    Check.that(CHANGES.byteSize() == CHANGES_BYTES, "record head size", CHANGES.byteSize());
    Check.that(ENTRY.byteSize() == ENTRY_BYTES, "entry head size", ENTRY.byteSize());
  }

  public IntentLogRecord {
    segments = List.copyOf(segments);
  }

  /** The largest batch of a log with segments of this size. */
  public static int batchBytes(int segmentBytes) {
    return Math.min(segmentBytes, MAX_BATCH_BYTES);
  }

  /** Decodes a bonus of exactly 192 bytes. */
  public static IntentLogRecord decode(byte[] bonus) {
    if (bonus.length != BYTES) {
      throw corrupt("intent_log.size", bonus.length);
    }
    MemorySegment at = MemorySegment.ofArray(bonus);
    long segmentBytes = Disk.u32(at, 32);
    int count = Disk.u16(at, 36);
    int start = Disk.u16(at, 38);
    long offset = Disk.u32(at, 40);
    long skip = Disk.u32(at, 44);
    long skipEntries = Disk.u32(at, 48);
    if (segmentBytes < MIN_SEGMENT_BYTES
        || segmentBytes > MAX_SEGMENT_BYTES
        || Long.bitCount(segmentBytes) != 1) {
      throw corrupt("intent_log.segment_bytes", segmentBytes);
    }
    if (count < 2 || count > MAX_SEGMENTS) {
      throw corrupt("intent_log.segment_count", count);
    }
    if (start >= count) {
      throw corrupt("intent_log.start_segment", start);
    }
    if (offset > segmentBytes || offset % Disk.SECTOR_BYTES != 0) {
      throw corrupt("intent_log.start_offset", offset);
    }
    if (skip > segmentBytes) {
      throw corrupt("intent_log.skip", skip);
    }
    if (skipEntries > segmentBytes) {
      throw corrupt("intent_log.skip_entries", skipEntries);
    }
    List<Long> segments =
        IntStream.range(0, count)
            .mapToObj(i -> Disk.u64(at, SEGMENTS_AT + Long.BYTES * i))
            .toList();
    for (long dva : segments) {
      if (dva == Dva.NONE || Dva.isGang(dva)) {
        throw corrupt("intent_log.segments", Dva.toString(dva));
      }
    }
    return new IntentLogRecord(
        Disk.u64(at, 0),
        Disk.u64(at, 8),
        Disk.u64(at, 16),
        Disk.u64(at, 24),
        (int) segmentBytes,
        start,
        (int) offset,
        (int) skip,
        (int) skipEntries,
        segments);
  }

  public byte[] encode() {
    byte[] bonus = new byte[BYTES];
    MemorySegment at = MemorySegment.ofArray(bonus);
    Disk.putU64(at, 0, epoch);
    Disk.putU64(at, 8, sequence);
    Disk.putU64(at, 16, baseTxg);
    Disk.putU64(at, 24, datasetObject);
    Disk.putU32(at, 32, segmentBytes);
    Disk.putU16(at, 36, segments.size());
    Disk.putU16(at, 38, startSegment);
    Disk.putU32(at, 40, startOffset);
    Disk.putU32(at, 44, skip);
    Disk.putU32(at, 48, skipEntries);
    for (int i = 0; i < segments.size(); i++) {
      Disk.putU64(at, SEGMENTS_AT + Long.BYTES * i, segments.get(i));
    }
    return bonus;
  }

  /** The same log, to be read from somewhere else. */
  public IntentLogRecord startingAt(
      long base, long batchSequence, int segment, int offset, int recordsDone, int entriesDone) {
    return new IntentLogRecord(
        epoch,
        batchSequence,
        base,
        datasetObject,
        segmentBytes,
        segment,
        offset,
        recordsDone,
        entriesDone,
        segments);
  }

  /** The same log, empty: what was written before belongs to another epoch. */
  public IntentLogRecord emptied(long newEpoch, long base) {
    return new IntentLogRecord(
        newEpoch, 1, base, datasetObject, segmentBytes, 0, 0, 0, 0, segments);
  }
}
