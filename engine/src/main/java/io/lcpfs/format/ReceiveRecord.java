package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.Arrays;

/**
 * How far a stream has been received into a dataset that is not in the tree yet: the value in the
 * ZAP of datasets being received.
 *
 * @param toGuid guid of the snapshot that is received, never 0
 * @param fromGuid of the one that it is incremental from; 0 for none
 * @param creationSeconds when the snapshot was taken
 * @param object what is before this object is on disk
 * @param offset and of this one what is before this, in bytes
 * @param receivedBytes of the stream, so far
 * @param resumable whether it stays when the stream ends early or the pool is closed
 * @param compressed whether the stream has blocks as they were stored
 * @param isClone whether the dataset begins as a clone of the snapshot that it is incremental from
 * @param path of the dataset that it becomes, below the root
 * @param snapshot full name of the snapshot where it was sent
 */
public record ReceiveRecord(
    long toGuid,
    long fromGuid,
    long creationSeconds,
    long object,
    long offset,
    long receivedBytes,
    boolean resumable,
    boolean compressed,
    boolean isClone,
    String path,
    String snapshot) {
  /** Longest path and longest name, in bytes. */
  public static final int MAX_NAME_BYTES = 255;

  /** The texts follow. */
  public static final StructLayout LAYOUT =
      structLayout(
          U64.withName("to_guid"),
          U64.withName("from_guid"),
          U64.withName("creation_seconds"),
          U64.withName("object"),
          U64.withName("offset"),
          U64.withName("received_bytes"),
          U32.withName("flags"),
          U16.withName("path_bytes"),
          U16.withName("snapshot_bytes"),
          Disk.bytes("reserved", 40));

  private static final int BYTES = 96;
  private static final int FLAG_RESUMABLE = 1;
  private static final int FLAG_COMPRESSED = 2;
  private static final int FLAG_CLONE = 4;

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "receive record size", LAYOUT.byteSize());
  }

  public static ReceiveRecord decode(byte[] value) {
    MemorySegment at = MemorySegment.ofArray(value);
    if (value.length < BYTES) {
      throw corrupt("receive.size", value.length);
    }
    long flags = Disk.u32(at, 48);
    int path = Disk.u16(at, 52);
    int snapshot = Disk.u16(at, 54);
    if (Disk.u64(at, 0) == 0) {
      throw corrupt("receive.to_guid", 0);
    }
    boolean clone = (flags & FLAG_CLONE) != 0;
    if ((flags & ~(FLAG_RESUMABLE | FLAG_COMPRESSED | FLAG_CLONE)) != 0
        || (clone && Disk.u64(at, 8) == 0)) {
      throw corrupt("receive.flags", flags);
    }
    if (path > MAX_NAME_BYTES
        || snapshot > MAX_NAME_BYTES
        || BYTES + path + snapshot != value.length) {
      throw corrupt("receive.path_bytes", path);
    }
    long object = Disk.u64(at, 24);
    long offset = Disk.u64(at, 32);
    if (object < 0 || offset < 0 || Disk.u64(at, 40) < 0) {
      throw corrupt("receive.object", object);
    }
    return new ReceiveRecord(
        Disk.u64(at, 0),
        Disk.u64(at, 8),
        Disk.u64(at, 16),
        object,
        offset,
        Disk.u64(at, 40),
        (flags & FLAG_RESUMABLE) != 0,
        (flags & FLAG_COMPRESSED) != 0,
        clone,
        new String(value, BYTES, path, UTF_8),
        new String(value, BYTES + path, snapshot, UTF_8));
  }

  public byte[] encode() {
    byte[] first = path.getBytes(UTF_8);
    byte[] second = snapshot.getBytes(UTF_8);
    Check.that(
        first.length <= MAX_NAME_BYTES && second.length <= MAX_NAME_BYTES,
        "names of a receive",
        first.length + second.length);
    byte[] value = Arrays.copyOf(new byte[BYTES], BYTES + first.length + second.length);
    MemorySegment at = MemorySegment.ofArray(value);
    Disk.putU64(at, 0, toGuid);
    Disk.putU64(at, 8, fromGuid);
    Disk.putU64(at, 16, creationSeconds);
    Disk.putU64(at, 24, object);
    Disk.putU64(at, 32, offset);
    Disk.putU64(at, 40, receivedBytes);
    int flags = (resumable ? FLAG_RESUMABLE : 0) | (compressed ? FLAG_COMPRESSED : 0);
    Disk.putU32(at, 48, flags | (isClone ? FLAG_CLONE : 0));
    Disk.putU16(at, 52, first.length);
    Disk.putU16(at, 54, second.length);
    System.arraycopy(first, 0, value, BYTES, first.length);
    System.arraycopy(second, 0, value, BYTES + first.length, second.length);
    return value;
  }

  /** Whether it becomes a new dataset, and not what one that is there has next. */
  public boolean isNew() {
    return fromGuid == 0 || isClone;
  }

  /** The same, so much further. */
  public ReceiveRecord at(long newObject, long newOffset, long newReceivedBytes) {
    return new ReceiveRecord(
        toGuid,
        fromGuid,
        creationSeconds,
        newObject,
        newOffset,
        newReceivedBytes,
        resumable,
        compressed,
        isClone,
        path,
        snapshot);
  }
}
