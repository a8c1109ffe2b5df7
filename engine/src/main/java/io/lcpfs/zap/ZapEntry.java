package io.lcpfs.zap;

import static io.lcpfs.format.ZapRecord.ENTRY_BYTES;

import org.jspecify.annotations.Nullable;

/**
 * A name and a value on their way into a leaf: {@code value}, or where that is null {@code number}.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record ZapEntry(byte[] name, byte @Nullable [] value, long number) {

  int valueBytes() {
    return value == null ? Long.BYTES : value.length;
  }

  /** Bytes in the heap of a leaf. */
  int bytes() {
    return ENTRY_BYTES + name.length + valueBytes();
  }
}
