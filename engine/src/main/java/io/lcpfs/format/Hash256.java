package io.lcpfs.format;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Checksums;
import java.lang.foreign.MemorySegment;

/** A BLAKE3-256 value as four little-endian words: what label structures name each other by. */
public record Hash256(long word0, long word1, long word2, long word3) {
  public static final int BYTES = 32;
  public static final Hash256 ZERO = new Hash256(0, 0, 0, 0);

  /** The hash of all of {@code data}. */
  public static Hash256 of(MemorySegment data) {
    MemorySegment out = MemorySegment.ofArray(new byte[BYTES]);
    Checksums.of(ChecksumType.BLAKE3).compute(data, out, 0);
    return read(out, 0);
  }

  /**
   * The self checksum of a record: its hash, with the 32 bytes of the checksum field taken as
   * {@code place} in 8 bytes and 24 zeros. A record whose checksum mixes in its place does not
   * verify anywhere else.
   *
   * @param place byte offset on the device, or 0 for a record that may lie anywhere
   */
  public static Hash256 ofRecord(MemorySegment record, long checksumOffset, long place) {
    byte[] copy = new byte[Math.toIntExact(record.byteSize())];
    MemorySegment scratch = MemorySegment.ofArray(copy);
    scratch.copyFrom(record);
    new Hash256(place, 0, 0, 0).put(scratch, checksumOffset);
    return of(scratch);
  }

  public static Hash256 read(MemorySegment at, long offset) {
    return new Hash256(
        Disk.u64(at, offset),
        Disk.u64(at, offset + 8),
        Disk.u64(at, offset + 16),
        Disk.u64(at, offset + 24));
  }

  /** Writes the 32 bytes at {@code offset}. */
  public void put(MemorySegment at, long offset) {
    Disk.putU64(at, offset, word0);
    Disk.putU64(at, offset + 8, word1);
    Disk.putU64(at, offset + 16, word2);
    Disk.putU64(at, offset + 24, word3);
  }

  @Override
  public String toString() {
    return String.format(
        "%016x%016x%016x%016x",
        Long.reverseBytes(word0),
        Long.reverseBytes(word1),
        Long.reverseBytes(word2),
        Long.reverseBytes(word3));
  }
}
