package io.lcpfs.intent;

import static io.lcpfs.format.IntentLogRecord.CHANGES_BYTES;
import static io.lcpfs.format.IntentLogRecord.ENTRY_BYTES;

import io.lcpfs.format.Disk;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.ChangeRecord;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The changes of one transaction, encoded as they come. Used by one thread at a time. */
final class TxRecord implements ChangeRecord {
  private static final int FIRST_BYTES = 768;

  /** Content up to this is copied at once; longer content when the transaction ends. */
  private static final int COPIED_BYTES = 256;

  /** Content that is still where the caller has it. */
  private record Borrowed(int at, MemorySegment source, long offset, int length) {}

  private final IntentLog log;
  private final int limitBytes;
  private byte[] bytes = new byte[FIRST_BYTES];
  private MemorySegment segment = MemorySegment.ofArray(bytes);
  private int length = CHANGES_BYTES;
  private final List<Borrowed> borrowed = new ArrayList<>(1);
  private int borrowedBytes;
  private int entries;
  private boolean spoilt;

  /**
   * @param limitBytes a longer record cannot be kept
   */
  TxRecord(IntentLog log, int limitBytes) {
    this.log = log;
    this.limitBytes = limitBytes;
  }

  int entries() {
    return entries;
  }

  boolean isSpoilt() {
    return spoilt;
  }

  /** Bytes of the whole record. */
  int totalBytes() {
    return length + borrowedBytes;
  }

  /** Writes the record, {@link #totalBytes} long, to {@code target} from {@code at} on. */
  void copyTo(MemorySegment target, long at, long txg) {
    Disk.putU32(segment, 0, totalBytes());
    Disk.putU32(segment, 4, entries);
    Disk.putU64(segment, 8, txg);
    long to = at;
    int from = 0;
    for (Borrowed content : borrowed) {
      MemorySegment.copy(segment, from, target, to, content.at - from);
      to += content.at - from;
      from = content.at;
      MemorySegment.copy(content.source, content.offset, target, to, content.length);
      to += content.length;
    }
    MemorySegment.copy(segment, from, target, to, length - from);
  }

  /**
   * Begins an entry of {@code payload} bytes; answers where they go, or -1 when it does not fit.
   */
  private int entry(EntryKind kind, long object, long payload, int inline) {
    if (spoilt || ENTRY_BYTES + payload > limitBytes - totalBytes()) {
      spoilt = true;
      return -1;
    }
    int at = length;
    int need = at + ENTRY_BYTES + inline;
    if (need > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(need, 2 * bytes.length));
      segment = MemorySegment.ofArray(bytes);
    }
    length = need;
    entries++;
    Disk.putU16(segment, at, kind.code);
    Disk.putU16(segment, at + 2, 0);
    Disk.putU32(segment, at + 4, ENTRY_BYTES + payload);
    Disk.putU64(segment, at + 8, object);
    return at + ENTRY_BYTES;
  }

  private int entry(EntryKind kind, long object, int payload) {
    return entry(kind, object, payload, payload);
  }

  @Override
  public void created(long object, ObjectType type, int blockBytes) {
    int at = entry(EntryKind.CREATE, object, 8);
    if (at > 0) {
      Disk.putU32(segment, at, type.code());
      Disk.putU32(segment, at + 4, blockBytes);
    }
  }

  @Override
  public void freed(long object) {
    entry(EntryKind.FREE, object, 0);
  }

  @Override
  public void bonusSet(long object, byte[] bonus) {
    int at = entry(EntryKind.BONUS, object, bonus.length);
    if (at > 0) {
      System.arraycopy(bonus, 0, bytes, at, bonus.length);
    }
  }

  @Override
  public void written(
      long object,
      long offsetBytes,
      MemorySegment source,
      long sourceOffset,
      long length,
      int maxBlockBytes) {
    boolean copied = length <= COPIED_BYTES;
    int at = entry(EntryKind.WRITE, object, 16 + length, 16 + (copied ? (int) length : 0));
    if (at < 0) {
      return;
    }
    Disk.putU64(segment, at, offsetBytes);
    Disk.putU32(segment, at + 8, maxBlockBytes);
    Disk.putU32(segment, at + 12, 0);
    if (copied) {
      MemorySegment.copy(source, sourceOffset, segment, at + 16L, length);
    } else {
      borrowed.add(new Borrowed(at + 16, source, sourceOffset, (int) length));
      borrowedBytes += (int) length;
    }
  }

  @Override
  public void rangeFreed(long object, long offsetBytes, long length) {
    int at = entry(EntryKind.FREE_RANGE, object, 16);
    if (at > 0) {
      Disk.putU64(segment, at, offsetBytes);
      Disk.putU64(segment, at + 8, length);
    }
  }

  @Override
  public void zapCreated(long object, long salt0, long salt1) {
    int at = entry(EntryKind.ZAP_CREATE, object, 16);
    if (at > 0) {
      Disk.putU64(segment, at, salt0);
      Disk.putU64(segment, at + 8, salt1);
    }
  }

  @Override
  public void zapPut(long object, byte[] name, byte[] value) {
    int at = entry(EntryKind.ZAP_PUT, object, 8 + name.length + value.length);
    if (at > 0) {
      Disk.putU32(segment, at, name.length);
      Disk.putU32(segment, at + 4, value.length);
      System.arraycopy(name, 0, bytes, at + 8, name.length);
      System.arraycopy(value, 0, bytes, at + 8 + name.length, value.length);
    }
  }

  @Override
  public void zapRemoved(long object, byte[] name) {
    int at = entry(EntryKind.ZAP_REMOVE, object, name.length);
    if (at > 0) {
      System.arraycopy(name, 0, bytes, at, name.length);
    }
  }

  @Override
  public void spoilt() {
    spoilt = true;
  }

  @Override
  public void ended(long txg) {
    if (spoilt || entries > 0) {
      log.append(this, txg);
    }
  }
}
