package io.lcpfs.intent;

import static io.lcpfs.format.IntentLogRecord.BATCH_BYTES;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Checksums;
import io.lcpfs.format.Disk;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.memory.Slab;
import java.lang.foreign.MemorySegment;

/** A batch that records are added to until it is written. */
final class LogBuffer {
  private final Slab slab;
  private final int capacityBytes;
  private int length = BATCH_BYTES;
  private int records;
  private long maxTxg;
  private long lastNumber;

  /** Where it is to be written. */
  LogRing.Place place = LogRing.NOWHERE;

  /** What the log lacks of the time before it is part of groups up to this. */
  long afterTxg;

  LogBuffer(Slab slab, int capacityBytes) {
    this.slab = slab;
    this.capacityBytes = capacityBytes;
  }

  Slab slab() {
    return slab;
  }

  boolean isEmpty() {
    return records == 0;
  }

  boolean fits(int recordBytes) {
    return recordBytes <= capacityBytes - length;
  }

  /** The highest group of its records. */
  long maxTxg() {
    return maxTxg;
  }

  /** The number of its last record, counted from the log's beginning. */
  long lastNumber() {
    return lastNumber;
  }

  int contentBytes() {
    return length;
  }

  void add(TxRecord record, long txg, long number) {
    record.copyTo(slab.segment(), length, txg);
    length += record.totalBytes();
    records++;
    maxTxg = Math.max(maxTxg, txg);
    lastNumber = number;
  }

  /** Makes it ready for new records. */
  void clear() {
    length = BATCH_BYTES;
    records = 0;
    maxTxg = 0;
    place = LogRing.NOWHERE;
  }

  /** Completes the batch; answers what is to be written, whole sectors. */
  MemorySegment seal(long epoch, int sectorBytes) {
    int padded = Math.ceilDiv(length, sectorBytes) * sectorBytes;
    MemorySegment batch = slab.segment().asSlice(0, padded);
    batch.asSlice(length).fill((byte) 0);
    Disk.putU64(batch, 0, IntentLogRecord.BATCH_MAGIC);
    Disk.putU64(batch, 8, epoch);
    Disk.putU64(batch, 16, place.sequence());
    Disk.putU32(batch, 24, length);
    Disk.putU32(batch, 28, records);
    Disk.putU64(batch, 32, afterTxg);
    checksum(batch.asSlice(0, length));
    return batch;
  }

  /** Puts the checksum of a batch, taken with zeros in its place, into it. */
  private static void checksum(MemorySegment batch) {
    batch.asSlice(IntentLogRecord.CHECKSUM_AT, Checksums.BYTES).fill((byte) 0);
    MemorySegment sum = MemorySegment.ofArray(new byte[Checksums.BYTES]);
    Checksums.of(ChecksumType.BLAKE3).compute(batch, sum, 0);
    MemorySegment.copy(sum, 0, batch, IntentLogRecord.CHECKSUM_AT, Checksums.BYTES);
  }

  /** Whether a batch has the checksum that is in it; that place is zeros afterwards. */
  static boolean verify(MemorySegment batch) {
    MemorySegment stored = MemorySegment.ofArray(new byte[Checksums.BYTES]);
    MemorySegment.copy(batch, IntentLogRecord.CHECKSUM_AT, stored, 0, Checksums.BYTES);
    checksum(batch);
    return Checksums.equal(batch, IntentLogRecord.CHECKSUM_AT, stored, 0);
  }
}
