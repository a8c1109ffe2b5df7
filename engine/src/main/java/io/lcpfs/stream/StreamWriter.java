package io.lcpfs.stream;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Checksums;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Writes records, each with checksums that cover all before it. Used by one thread. */
final class StreamWriter {
  private final @Nullable OutputStream out;

  /** Header and payload one behind the other, as they go out, with the checksum behind them. */
  private byte[] buffer = new byte[64 << 10];

  /** The checksum of the record before, then the fields of this one. */
  private final byte[] chain = new byte[StreamRecord.SUM_BYTES + StreamRecord.FIELD_BYTES];

  private long bytes;
  private long records;

  /** Why the other side takes no more, once it does not. */
  private @Nullable PoolException gone;

  /**
   * @param out null to count only
   */
  StreamWriter(@Nullable OutputStream out) {
    this.out = out;
  }

  /** Whether bytes go anywhere. */
  boolean writes() {
    return out != null;
  }

  /** Counts a record with a payload of so many bytes. */
  void count(int payloadBytes) {
    bytes += StreamRecord.HEADER_BYTES;
    bytes += payloadBytes > 0 ? payloadBytes + StreamRecord.SUM_BYTES : 0;
    records++;
  }

  /** Bytes written so far. */
  long bytes() {
    return bytes;
  }

  /** Records written since the last {@link #resetRecords}. */
  long records() {
    return records;
  }

  void resetRecords() {
    records = 0;
  }

  /** What comes before the first record. */
  void preamble() {
    MemorySegment at = MemorySegment.ofArray(buffer);
    at.asSlice(0, StreamRecord.PREAMBLE_BYTES).fill((byte) 0);
    Disk.putU64(at, 0, StreamRecord.MAGIC);
    Disk.putU32(at, 8, StreamRecord.VERSION);
    write(StreamRecord.PREAMBLE_BYTES);
  }

  void record(StreamRecord.Type type, int flags, long object, long offset, long length) {
    record(type, flags, object, offset, length, MemorySegment.NULL);
  }

  /**
   * Writes one record.
   *
   * @throws PoolException EIO when the other side is gone or full
   */
  void record(
      StreamRecord.Type type,
      int flags,
      long object,
      long offset,
      long length,
      MemorySegment payload) {
    int size = (int) payload.byteSize();
    if (out == null) {
      count(size);
      return;
    }
    int sum = StreamRecord.SUM_BYTES;
    int whole = StreamRecord.HEADER_BYTES + (size > 0 ? size + sum : 0);
    if (buffer.length < whole) {
      buffer = new byte[Math.max(whole, 2 * buffer.length)];
    }
    MemorySegment at = MemorySegment.ofArray(buffer);
    at.asSlice(0, StreamRecord.HEADER_BYTES).fill((byte) 0);
    Disk.putU8(at, 0, type.code);
    Disk.putU8(at, 1, flags);
    Disk.putU32(at, 4, size);
    Disk.putU64(at, 8, object);
    Disk.putU64(at, 16, offset);
    Disk.putU64(at, 24, length);
    System.arraycopy(buffer, 0, chain, sum, StreamRecord.FIELD_BYTES);
    checksum(MemorySegment.ofArray(chain), at, StreamRecord.FIELD_BYTES);
    int last = StreamRecord.FIELD_BYTES;
    if (size > 0) {
      MemorySegment.copy(payload, 0, at, StreamRecord.HEADER_BYTES, size);
      last = StreamRecord.HEADER_BYTES + size;
      checksum(at.asSlice(StreamRecord.FIELD_BYTES, sum + size), at, last);
    }
    System.arraycopy(buffer, last, chain, 0, sum);
    records++;
    write(whole);
  }

  static void checksum(MemorySegment data, MemorySegment out, long at) {
    Checksums.of(ChecksumType.BLAKE3).compute(data, out, at);
  }

  private void write(int length) {
    OutputStream target = out;
    try {
      if (target != null) {
        target.write(buffer, 0, length);
      }
    } catch (IOException e) {
      throw unwritten(e);
    }
    bytes += length;
  }

  void flush() {
    OutputStream target = out;
    try {
      if (target != null) {
        target.flush();
      }
    } catch (IOException e) {
      throw unwritten(e);
    }
  }

  /** Why the other side takes no more, or null while it does: nothing of the pool's. */
  @Nullable PoolException gone() {
    return gone;
  }

  private PoolException unwritten(IOException e) {
    PoolException refused =
        new PoolException(
            new PoolError.Refused(
                Errno.EIO,
                "the stream was not taken beyond byte "
                    + bytes
                    + ": "
                    + e.getMessage()
                    + "; see what its reader says, and send it again, or with -t and its"
                    + " receive_resume_token"),
            e);
    gone = refused;
    return refused;
  }
}
