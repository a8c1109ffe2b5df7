package io.lcpfs.stream;

import io.lcpfs.format.Disk;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Takes streams apart and puts them together, with checksums as they should be. */
public final class StreamForge {
  private StreamForge() {}

  /** The records of a stream, each with its checksums. */
  public static List<byte[]> records(byte[] stream) {
    List<byte[]> records = new ArrayList<>();
    int at = StreamRecord.PREAMBLE_BYTES;
    while (at < stream.length) {
      int payload = (int) Disk.u32(MemorySegment.ofArray(stream), at + 4);
      int bytes = StreamRecord.HEADER_BYTES + (payload > 0 ? payload + StreamRecord.SUM_BYTES : 0);
      records.add(Arrays.copyOfRange(stream, at, at + bytes));
      at += bytes;
    }
    return records;
  }

  /** These records behind the beginning of a stream, as they are. */
  public static byte[] joined(byte[] stream, List<byte[]> records) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(stream, 0, StreamRecord.PREAMBLE_BYTES);
    records.forEach(out::writeBytes);
    return out.toByteArray();
  }

  /** These records with all checksums made new. */
  public static byte[] signed(byte[] stream, List<byte[]> records) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(stream, 0, StreamRecord.PREAMBLE_BYTES);
    byte[] chain = new byte[StreamRecord.SUM_BYTES];
    for (byte[] record : records) {
      byte[] head = Arrays.copyOf(chain, 64);
      System.arraycopy(record, 0, head, 32, 32);
      StreamWriter.checksum(MemorySegment.ofArray(head), MemorySegment.ofArray(record), 32);
      int last = 32;
      if (record.length > StreamRecord.HEADER_BYTES) {
        last = record.length - StreamRecord.SUM_BYTES;
        byte[] covered = Arrays.copyOfRange(record, 32, last);
        StreamWriter.checksum(MemorySegment.ofArray(covered), MemorySegment.ofArray(record), last);
      }
      chain = Arrays.copyOfRange(record, last, last + 32);
      out.writeBytes(record);
    }
    return out.toByteArray();
  }
}
