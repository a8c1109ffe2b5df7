package io.lcpfs.stream;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.format.ReceiveRecord;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;

/** What tells a sender where to go on: how far a receive is, as a word. */
public final class ResumeToken {
  private static final String VERSION = "1-";
  private static final int SUM_DIGITS = 16;
  private static final int MOST_DIGITS = 4096;

  private ResumeToken() {}

  /** The token of what was received in part. */
  public static String of(ReceiveRecord record) {
    ReceiveRecord plain =
        new ReceiveRecord(
            record.toGuid(),
            record.fromGuid(),
            record.creationSeconds(),
            record.object(),
            record.offset(),
            record.receivedBytes(),
            record.resumable(),
            record.compressed(),
            record.isClone(),
            "",
            record.snapshot());
    byte[] bytes = plain.encode();
    return VERSION + sum(bytes) + "-" + HexFormat.of().formatHex(bytes);
  }

  private static String sum(byte[] bytes) {
    byte[] sum = new byte[StreamRecord.SUM_BYTES];
    StreamWriter.checksum(MemorySegment.ofArray(bytes), MemorySegment.ofArray(sum), 0);
    return HexFormat.of().toHexDigits(Disk.u64(MemorySegment.ofArray(sum), 0));
  }

  /**
   * What a token says; its path is empty.
   *
   * @throws PoolException EINVAL for what is none
   */
  public static ReceiveRecord parse(String token) {
    int at = VERSION.length() + SUM_DIGITS;
    try {
      if (token.length() <= MOST_DIGITS
          && token.startsWith(VERSION)
          && token.length() > at
          && token.charAt(at) == '-') {
        byte[] bytes = HexFormat.of().parseHex(token, at + 1, token.length());
        if (sum(bytes).equals(token.substring(VERSION.length(), at))) {
          ReceiveRecord record = ReceiveRecord.decode(bytes);
          if (record.object() > 0) {
            return record;
          }
        }
      }
    } catch (IllegalArgumentException e) {
      throw refused(); // no hexadecimal digits
    } catch (PoolException e) {
      throw refused();
    }
    throw refused();
  }

  private static PoolException refused() {
    return PoolException.refused(
        Errno.EINVAL,
        "that is no token of a receive; take it from 'lcpfs fs get receive_resume_token' where the"
            + " stream is received");
  }
}
