package io.lcpfs.zap;

import static io.lcpfs.format.ZapRecord.ENTRY_BYTES;

import io.lcpfs.format.Disk;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A name and a value on their way into a leaf: {@code value}, or where that is null {@code number}.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record ZapEntry(byte[] name, byte @Nullable [] value, long number) {

  int valueBytes() {
    return value == null ? Long.BYTES : value.length;
  }

  /** The value as it is stored. */
  byte[] storedValue() {
    if (value != null) {
      return value;
    }
    byte[] bytes = new byte[Long.BYTES];
    Disk.putU64(MemorySegment.ofArray(bytes), 0, number);
    return bytes;
  }

  /** Bytes in the heap of a leaf. */
  int bytes() {
    return ENTRY_BYTES + name.length + valueBytes();
  }
}
