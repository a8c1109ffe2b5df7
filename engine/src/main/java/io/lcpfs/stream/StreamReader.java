package io.lcpfs.stream;

import io.lcpfs.codec.Checksums;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads records and verifies each before anyone sees it. Whatever arrives, it answers a record or a
 * {@link PoolException}, and allocates no more than a few times what arrived. Used by one thread.
 */
final class StreamReader {
  private static final int FIRST_BUFFER_BYTES = 64 << 10;

  private final InputStream in;
  private byte[] buffer = new byte[FIRST_BUFFER_BYTES];
  private final byte[] chain = new byte[StreamRecord.SUM_BYTES + StreamRecord.FIELD_BYTES];
  private final byte[] found = new byte[StreamRecord.SUM_BYTES];
  private long bytes;
  private long records;

  StreamReader(InputStream in) {
    this.in = in;
  }

  /**
   * A verified record.
   *
   * @param payload valid until the next is read
   */
  record Item(
      StreamRecord.Type type,
      int flags,
      long object,
      long offset,
      long length,
      MemorySegment payload) {}

  /** Bytes read so far. */
  long bytes() {
    return bytes;
  }

  /** Records read since the last {@link #resetRecords}. */
  long records() {
    return records;
  }

  void resetRecords() {
    records = 0;
  }

  /** Something in the stream is not as it should be, though its checksum is right or missing. */
  PoolException damaged(String what) {
    return PoolException.refused(
        Errno.EIO, "the stream is damaged at byte " + bytes + ": " + what + "; send it again");
  }

  /**
   * Reads what comes before the first record.
   *
   * @throws PoolException EINVAL for what is no stream; EOPNOTSUPP for another version
   */
  void preamble() {
    int got = fill(0, StreamRecord.PREAMBLE_BYTES);
    MemorySegment at = MemorySegment.ofArray(buffer);
    if (got < StreamRecord.PREAMBLE_BYTES || Disk.u64(at, 0) != StreamRecord.MAGIC) {
      throw PoolException.refused(
          Errno.EINVAL,
          (got == 0 ? "the stream is empty" : "what arrives is no stream of lcpfs")
              + "; give it what 'lcpfs fs send' writes");
    }
    long version = Disk.u32(at, 8);
    if (version != StreamRecord.VERSION) {
      throw PoolException.refused(
          Errno.EOPNOTSUPP,
          "the stream has version "
              + version
              + ", this reads version "
              + StreamRecord.VERSION
              + "; receive it with the lcpfs that wrote it");
    }
    for (int i = 12; i < StreamRecord.PREAMBLE_BYTES; i++) {
      if (buffer[i] != 0) {
        throw damaged("reserved bytes are not zero");
      }
    }
  }

  /**
   * The next record.
   *
   * @throws PoolException EIO when the stream ends or is damaged
   */
  Item next() {
    if (fill(0, StreamRecord.HEADER_BYTES) < StreamRecord.HEADER_BYTES) {
      throw cut();
    }
    MemorySegment at = MemorySegment.ofArray(buffer);
    int sum = StreamRecord.SUM_BYTES;
    System.arraycopy(buffer, 0, chain, sum, StreamRecord.FIELD_BYTES);
    verify(MemorySegment.ofArray(chain), at, StreamRecord.FIELD_BYTES);
    StreamRecord.Type type = StreamRecord.Type.of(Disk.u8(at, 0));
    long length = Disk.u32(at, 4);
    if (type == null || Disk.u16(at, 2) != 0) {
      throw damaged("a record of the unknown type " + Disk.u8(at, 0));
    }
    if (length < type.leastBytes || length > type.mostBytes) {
      throw damaged(length + " bytes in a record of type " + type);
    }
    long object = Disk.u64(at, 8);
    long offset = Disk.u64(at, 16);
    long reach = Disk.u64(at, 24);
    if (object < 0 || offset < 0 || reach < 0) {
      throw damaged("a number that is too large in a record of type " + type);
    }
    int flags = Disk.u8(at, 1);
    int last = StreamRecord.FIELD_BYTES;
    int size = (int) length;
    if (size > 0) {
      int want = size + sum;
      if (fill(StreamRecord.HEADER_BYTES, want) < want) {
        throw cut();
      }
      at = MemorySegment.ofArray(buffer);
      last = StreamRecord.HEADER_BYTES + size;
      verify(at.asSlice(StreamRecord.FIELD_BYTES, sum + size), at, last);
    }
    System.arraycopy(buffer, last, chain, 0, sum);
    records++;
    return new Item(
        type, flags, object, offset, reach, at.asSlice(StreamRecord.HEADER_BYTES, size));
  }

  private void verify(MemorySegment data, MemorySegment at, long where) {
    StreamWriter.checksum(data, MemorySegment.ofArray(found), 0);
    if (!Checksums.equal(MemorySegment.ofArray(found), 0, at, where)) {
      throw damaged("a checksum does not match");
    }
  }

  /** The stream ends too early. */
  private PoolException cut() {
    return PoolException.refused(
        Errno.EIO, "the stream ends at byte " + bytes + ", before its end; send it again");
  }

  /**
   * Reads {@code length} bytes into the buffer at {@code from}, which grows with what arrives.
   *
   * @return how many came before the end
   */
  private int fill(int from, int length) {
    int got = 0;
    while (got < length) {
      if (buffer.length == from + got) {
        long larger = Math.min(4L * buffer.length, (long) from + length);
        buffer = Arrays.copyOf(buffer, (int) larger);
      }
      int room = Math.min(length - got, buffer.length - from - got);
      int n = read(from + got, room);
      if (n < 0) {
        break;
      }
      got += n;
      bytes += n;
    }
    return got;
  }

  private int read(int at, int length) {
    try {
      return in.read(buffer, at, length);
    } catch (IOException e) {
      throw PoolException.refused(
          Errno.EIO,
          "the stream cannot be read: " + e.getMessage() + "; check where it comes from");
    }
  }

  /** The bytes of a text within a payload, or null when they are not there. */
  static @Nullable String text(MemorySegment payload, long at, long length) {
    if (at < 0 || length < 0 || at > payload.byteSize() - length) {
      return null;
    }
    byte[] text = payload.asSlice(at, length).toArray(Disk.U8);
    return new String(text, java.nio.charset.StandardCharsets.UTF_8);
  }
}
