package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.Arrays;

/**
 * What was done to a pool: 24 bytes, then who did it and the command.
 *
 * @param txg the group that it is in
 * @param wallNanos wall clock, nanoseconds since 1970
 * @param who user and host, clipped to {@link #MAX_TEXT_BYTES} of UTF-8, or of names in bytes as
 *     {@link NameText} shows them
 * @param command clipped likewise
 */
public record HistoryRecord(long txg, long wallNanos, String who, String command) {
  public static final int HEADER_BYTES = 24;
  public static final int MAX_TEXT_BYTES = 4096;

  public static final StructLayout LAYOUT =
      structLayout(
          U32.withName("total_bytes"),
          U16.withName("who_bytes"),
          U16.withName("reserved"),
          U64.withName("txg"),
          U64.withName("wall_nanos"));

  static {
    Check.that(LAYOUT.byteSize() == HEADER_BYTES, "history record size", LAYOUT.byteSize());
  }

  private static byte[] clipped(String text) {
    byte[] bytes = text.getBytes(NameText.CHARSET);
    return bytes.length <= MAX_TEXT_BYTES ? bytes : Arrays.copyOf(bytes, MAX_TEXT_BYTES);
  }

  /** All bytes of the record. */
  public byte[] encode() {
    byte[] whoBytes = clipped(who);
    byte[] commandBytes = clipped(command);
    byte[] record = new byte[HEADER_BYTES + whoBytes.length + commandBytes.length];
    MemorySegment at = MemorySegment.ofArray(record);
    Disk.putU32(at, 0, record.length);
    Disk.putU16(at, 4, whoBytes.length);
    Disk.putU64(at, 8, txg);
    Disk.putU64(at, 16, wallNanos);
    System.arraycopy(whoBytes, 0, record, HEADER_BYTES, whoBytes.length);
    System.arraycopy(commandBytes, 0, record, HEADER_BYTES + whoBytes.length, commandBytes.length);
    return record;
  }

  /** Bytes of the record at {@code offset} of {@code log}; Corrupt when it does not lie in it. */
  public static int totalBytes(byte[] log, int offset) {
    MemorySegment rest = MemorySegment.ofArray(log).asSlice(offset);
    long bytes = rest.byteSize() < HEADER_BYTES ? 0 : Disk.u32(rest, 0);
    if (bytes < HEADER_BYTES
        || bytes > rest.byteSize()
        || HEADER_BYTES + Disk.u16(rest, 4) > bytes) {
      throw corrupt("history.record", offset);
    }
    return (int) bytes;
  }

  private static String text(byte[] log, int from, int to) {
    return NameText.decode(Arrays.copyOfRange(log, from, to));
  }

  /** Decodes the record at {@code offset} of {@code log}. */
  public static HistoryRecord decode(byte[] log, int offset) {
    int bytes = totalBytes(log, offset);
    MemorySegment record = MemorySegment.ofArray(log).asSlice(offset);
    int whoBytes = Disk.u16(record, 4);
    int text = offset + HEADER_BYTES;
    return new HistoryRecord(
        Disk.u64(record, 8),
        Disk.u64(record, 16),
        text(log, text, text + whoBytes),
        text(log, text + whoBytes, offset + bytes));
  }
}
