package io.lcpfs.pool;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Checksums;
import io.lcpfs.format.Disk;
import io.lcpfs.format.IntentLogRecord;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;

/** Finds the batches of the newest epoch in an image, and forges them. */
final class ForgedLog {
  /** Where a batch stands. */
  record Batch(int at, int bytes, long epoch, long sequence) {}

  private final MemorySegment image;
  private final List<Batch> batches = new ArrayList<>();

  ForgedLog(byte[] bytes) {
    image = MemorySegment.ofArray(bytes);
    for (int at = 0; at < bytes.length; at += Disk.SECTOR_BYTES) {
      if (Disk.u64(image, at) == IntentLogRecord.BATCH_MAGIC) {
        long length = Disk.u32(image, at + 24);
        batches.add(new Batch(at, (int) length, Disk.u64(image, at + 8), Disk.u64(image, at + 16)));
      }
    }
    batches.sort(Comparator.comparingLong(Batch::sequence));
    long epoch = batches.getLast().epoch;
    batches.removeIf(batch -> batch.epoch != epoch);
  }

  /** The batch of this index; -1 is the last. */
  Batch batch(int index) {
    return batches.get(index < 0 ? batches.size() + index : index);
  }

  /** Changes a batch and makes its checksum right. */
  void edit(int index, Consumer<MemorySegment> change) {
    Batch batch = batch(index);
    MemorySegment bytes = image.asSlice(batch.at, batch.bytes);
    change.accept(bytes);
    seal(bytes);
  }

  private static void seal(MemorySegment batch) {
    batch.asSlice(IntentLogRecord.CHECKSUM_AT, Checksums.BYTES).fill((byte) 0);
    MemorySegment sum = MemorySegment.ofArray(new byte[Checksums.BYTES]);
    Checksums.of(ChecksumType.BLAKE3).compute(batch, sum, 0);
    MemorySegment.copy(sum, 0, batch, IntentLogRecord.CHECKSUM_AT, Checksums.BYTES);
  }

  /** Puts one record of these entries in place of a batch's. */
  void replace(int index, Consumer<Entries> entries) {
    Batch batch = batch(index);
    Entries made = new Entries(Disk.u64(image, batch.at + IntentLogRecord.BATCH_BYTES + 8));
    entries.accept(made);
    byte[] content = made.bytes();
    MemorySegment bytes = image.asSlice(batch.at, IntentLogRecord.BATCH_BYTES + content.length);
    bytes.asSlice(IntentLogRecord.BATCH_BYTES).copyFrom(MemorySegment.ofArray(content));
    Disk.putU32(bytes, 24, bytes.byteSize());
    Disk.putU32(bytes, 28, 1);
    seal(bytes);
  }

  /** Entries of one record. */
  static final class Entries {
    private final MemorySegment bytes = MemorySegment.ofArray(new byte[30_000]);
    private int length = 16;
    private int count;

    Entries(long txg) {
      Disk.putU64(bytes, 8, txg);
    }

    /** Adds an entry whose payload is zeros; answers where that begins. */
    int entry(int kind, long object, int payload) {
      int at = length;
      Disk.putU16(bytes, at, kind);
      Disk.putU32(bytes, at + 4, 16 + payload);
      Disk.putU64(bytes, at + 8, object);
      length += 16 + payload;
      count++;
      return at + 16;
    }

    void u32(int at, long first, long second) {
      Disk.putU32(bytes, at, first);
      Disk.putU32(bytes, at + 4, second);
    }

    void u64(int at, long first, long second) {
      Disk.putU64(bytes, at, first);
      Disk.putU64(bytes, at + 8, second);
    }

    byte[] bytes() {
      Disk.putU32(bytes, 0, length);
      Disk.putU32(bytes, 4, count);
      return bytes.asSlice(0, length).toArray(Disk.U8);
    }
  }
}
