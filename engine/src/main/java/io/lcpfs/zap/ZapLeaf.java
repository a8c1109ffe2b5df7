package io.lcpfs.zap;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U64;
import static io.lcpfs.format.Disk.U8;
import static io.lcpfs.format.ZapRecord.ENTRY_BYTES;
import static io.lcpfs.format.ZapRecord.ENTRY_VALUE_BYTES_AT;
import static io.lcpfs.format.ZapRecord.MAX_NAME_BYTES;
import static io.lcpfs.format.ZapRecord.MAX_VALUE_BYTES;
import static io.lcpfs.format.ZapRecord.NODE_BYTES;
import static io.lcpfs.format.ZapRecord.NODE_HEAP_START_AT;
import static io.lcpfs.format.ZapRecord.NODE_LIVE_BYTES_AT;
import static io.lcpfs.format.ZapRecord.SLOT_BYTES;
import static io.lcpfs.format.ZapRecord.SLOT_ENTRY_OFFSET_AT;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A leaf: slots (cookie, entry offset) sorted by cookie from the start, entries in a heap that
 * grows down from {@code end}. Removal leaves gaps in the heap, as zeros; {@link #compact} closes
 * them. A leaf lies in its block from {@code base} to {@code end}. Methods that change assume what
 * {@link #verify} or their own description asks for; the others check what they read.
 */
final class ZapLeaf {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private ZapLeaf() {}

  /** Bytes for slots and entries. */
  static int capacity(int base, int end) {
    return end - base - NODE_BYTES;
  }

  static void format(MemorySegment leaf, int base, int end, int block) {
    ZapNode.format(leaf, base, 0, block);
    setHeapStart(leaf, base, end);
  }

  /** The checked count of slots; slots and heap are then known to lie inside and apart. */
  static int count(MemorySegment leaf, int base, int end, int block) {
    int count = ZapNode.count(leaf, base, 0, block);
    int heapStart = heapStart(leaf, base);
    if (heapStart > end || slotAt(base, count) > heapStart) {
      throw corrupt("zap_node.heap_start", heapStart);
    }
    if (liveBytes(leaf, base) > end - heapStart) {
      throw corrupt("zap_node.live_bytes", liveBytes(leaf, base));
    }
    return count;
  }

  static int heapStart(MemorySegment leaf, int base) {
    return Short.toUnsignedInt(leaf.get(U16, base + NODE_HEAP_START_AT));
  }

  private static void setHeapStart(MemorySegment leaf, int base, int offset) {
    leaf.set(U16, base + NODE_HEAP_START_AT, (short) offset);
  }

  /** Bytes of the heap that belong to entries. */
  static int liveBytes(MemorySegment leaf, int base) {
    return Short.toUnsignedInt(leaf.get(U16, base + NODE_LIVE_BYTES_AT));
  }

  private static void setLiveBytes(MemorySegment leaf, int base, int bytes) {
    leaf.set(U16, base + NODE_LIVE_BYTES_AT, (short) bytes);
  }

  /** Bytes that slots and entries take. */
  static int usedBytes(MemorySegment leaf, int base) {
    return ZapNode.rawCount(leaf, base) * SLOT_BYTES + liveBytes(leaf, base);
  }

  private static int slotAt(int base, int index) {
    return base + NODE_BYTES + index * SLOT_BYTES;
  }

  static long cookie(MemorySegment leaf, int base, int index) {
    return leaf.get(U64, slotAt(base, index));
  }

  /** Index of the first slot whose cookie is at least {@code cookie}. */
  static int lowerBound(MemorySegment leaf, int base, int count, long cookie) {
    return ZapNode.countUpTo(leaf, slotAt(base, 0), SLOT_BYTES, count, cookie - 1);
  }

  /** Offset of the entry of slot {@code index}, which is known to lie in the heap. */
  static int entryAt(MemorySegment leaf, int base, int end, int index) {
    int at = Short.toUnsignedInt(leaf.get(U16, slotAt(base, index) + SLOT_ENTRY_OFFSET_AT));
    if (at < heapStart(leaf, base) || at + ENTRY_BYTES > end) {
      throw corrupt("zap_slot.entry_offset", at);
    }
    int name = nameBytes(leaf, at);
    int value = valueBytes(leaf, at);
    if (name == 0 || name > MAX_NAME_BYTES) {
      throw corrupt("zap_entry.name_bytes", name);
    }
    if (value == 0 || value > MAX_VALUE_BYTES || at + ENTRY_BYTES + name + value > end) {
      throw corrupt("zap_entry.value_bytes", value);
    }
    return at;
  }

  static int nameBytes(MemorySegment leaf, int at) {
    return Short.toUnsignedInt(leaf.get(U16, at));
  }

  static int valueBytes(MemorySegment leaf, int at) {
    return Short.toUnsignedInt(leaf.get(U16, at + ENTRY_VALUE_BYTES_AT));
  }

  static int entryBytes(MemorySegment leaf, int at) {
    return ENTRY_BYTES + nameBytes(leaf, at) + valueBytes(leaf, at);
  }

  static byte[] name(MemorySegment leaf, int at) {
    byte[] name = new byte[nameBytes(leaf, at)];
    MemorySegment.copy(leaf, U8, at + ENTRY_BYTES, name, 0, name.length);
    return name;
  }

  static byte[] value(MemorySegment leaf, int at) {
    byte[] value = new byte[valueBytes(leaf, at)];
    MemorySegment.copy(leaf, U8, at + ENTRY_BYTES + nameBytes(leaf, at), value, 0, value.length);
    return value;
  }

  /** The value as a number; Corrupt when it is not of 8 bytes. */
  static long longValue(MemorySegment leaf, int at) {
    if (valueBytes(leaf, at) != Long.BYTES) {
      throw corrupt("zap_entry.value_bytes", valueBytes(leaf, at));
    }
    return leaf.get(U64, at + ENTRY_BYTES + nameBytes(leaf, at));
  }

  static boolean nameEquals(MemorySegment leaf, int at, byte[] name, int offset, int length) {
    if (nameBytes(leaf, at) != length) {
      return false;
    }
    int stored = at + ENTRY_BYTES;
    int i = 0;
    for (; i <= length - Long.BYTES; i += Long.BYTES) {
      if (leaf.get(U64, stored + i) != (long) LONG.get(name, offset + i)) {
        return false;
      }
    }
    for (; i < length; i++) {
      if (leaf.get(U8, stored + i) != name[offset + i]) {
        return false;
      }
    }
    return true;
  }

  /**
   * Checks every slot and entry: cookies rise strictly within [low, last], entries lie in the heap,
   * and their sizes add up to the live bytes. (Entries that share bytes are left to {@link
   * ZapCheck}.)
   */
  static void verify(MemorySegment leaf, int base, int end, int count, long low, long last) {
    int live = 0;
    long before = low - 1;
    for (int i = 0; i < count; i++) {
      long cookie = cookie(leaf, base, i);
      if (cookie <= before || cookie > last) {
        throw corrupt("zap_slot.cookie", cookie);
      }
      before = cookie;
      live += entryBytes(leaf, entryAt(leaf, base, end, i));
    }
    if (live != liveBytes(leaf, base)) {
      throw corrupt("zap_node.live_bytes", liveBytes(leaf, base));
    }
  }

  /** Whether {@code bytes} fit between slots and heap, without {@link #compact}. */
  static boolean fitsAsIs(MemorySegment leaf, int base, int bytes) {
    return heapStart(leaf, base) - slotAt(base, ZapNode.rawCount(leaf, base)) >= bytes;
  }

  /**
   * Rewrites the heap without gaps, ending at {@code newEnd}; what lies between the slots and the
   * heap, and from {@code newEnd} on, becomes zeros. The leaf was verified, and fits.
   */
  static void compact(MemorySegment leaf, int base, int end, int newEnd) {
    int count = ZapNode.rawCount(leaf, base);
    int oldStart = heapStart(leaf, base);
    byte[] heap = new byte[end - oldStart];
    MemorySegment.copy(leaf, U8, oldStart, heap, 0, heap.length);
    int slotsEnd = slotAt(base, count);
    leaf.asSlice(slotsEnd, Math.max(end, newEnd) - slotsEnd).fill((byte) 0);
    int to = newEnd;
    for (int i = 0; i < count; i++) {
      int slot = slotAt(base, i);
      int from = Short.toUnsignedInt(leaf.get(U16, slot + SLOT_ENTRY_OFFSET_AT)) - oldStart;
      int bytes = ENTRY_BYTES + u16(heap, from) + u16(heap, from + 2);
      to -= bytes;
      MemorySegment.copy(heap, from, leaf, U8, to, bytes);
      leaf.set(U16, slot + SLOT_ENTRY_OFFSET_AT, (short) to);
    }
    Check.that(to >= slotsEnd, "zap leaf overflows", to);
    setHeapStart(leaf, base, to);
  }

  private static int u16(byte[] bytes, int at) {
    return Byte.toUnsignedInt(bytes[at]) | Byte.toUnsignedInt(bytes[at + 1]) << 8;
  }

  /** Takes out a slot and its entry, whose bytes become zeros. {@code entryAt} was asked for it. */
  static void remove(MemorySegment leaf, int base, int end, int index) {
    int count = ZapNode.rawCount(leaf, base);
    int at = entryAt(leaf, base, end, index);
    int bytes = entryBytes(leaf, at);
    leaf.asSlice(at, bytes).fill((byte) 0);
    MemorySegment.copy(
        leaf,
        slotAt(base, index + 1),
        leaf,
        slotAt(base, index),
        (long) (count - index - 1) * SLOT_BYTES);
    leaf.asSlice(slotAt(base, count - 1), SLOT_BYTES).fill((byte) 0);
    ZapNode.setCount(leaf, base, count - 1);
    setLiveBytes(leaf, base, liveBytes(leaf, base) - bytes);
    if (count == 1) {
      setHeapStart(leaf, base, end);
    } else if (at == heapStart(leaf, base)) {
      setHeapStart(leaf, base, at + bytes);
    }
  }

  /** Puts an entry in at slot {@code index}. It {@link #fitsAsIs}. */
  static void insert(MemorySegment leaf, int base, int index, long cookie, ZapEntry entry) {
    int count = ZapNode.rawCount(leaf, base);
    int bytes = entry.bytes();
    int at = addSlot(leaf, base, count, index, cookie, bytes);
    leaf.set(U16, at, (short) entry.name().length);
    leaf.set(U16, at + ENTRY_VALUE_BYTES_AT, (short) entry.valueBytes());
    MemorySegment.copy(entry.name(), 0, leaf, U8, at + ENTRY_BYTES, entry.name().length);
    putValue(leaf, at, entry);
  }

  /** Overwrites the value at entry {@code at} by one of the same size. */
  static void putValue(MemorySegment leaf, int at, ZapEntry entry) {
    int valueAt = at + ENTRY_BYTES + nameBytes(leaf, at);
    byte[] value = entry.value();
    if (value == null) {
      leaf.set(U64, valueAt, entry.number());
    } else {
      MemorySegment.copy(value, 0, leaf, U8, valueAt, value.length);
    }
  }

  private static int addSlot(
      MemorySegment leaf, int base, int count, int index, long cookie, int bytes) {
    int slot = slotAt(base, index);
    MemorySegment.copy(leaf, slot, leaf, slot + SLOT_BYTES, (long) (count - index) * SLOT_BYTES);
    int at = heapStart(leaf, base) - bytes;
    leaf.set(U64, slot, cookie);
    leaf.set(U16, slot + SLOT_ENTRY_OFFSET_AT, (short) at);
    ZapNode.setCount(leaf, base, count + 1);
    setHeapStart(leaf, base, at);
    setLiveBytes(leaf, base, liveBytes(leaf, base) + bytes);
    return at;
  }

  /** Copies the entries [first, end of slots) to the end of another leaf, where they fit as is. */
  static void copyTail(MemorySegment from, int fromBase, int first, MemorySegment to, int toBase) {
    int count = ZapNode.rawCount(from, fromBase);
    for (int i = first; i < count; i++) {
      int slot = slotAt(fromBase, i);
      int source = Short.toUnsignedInt(from.get(U16, slot + SLOT_ENTRY_OFFSET_AT));
      int bytes = entryBytes(from, source);
      int there = ZapNode.rawCount(to, toBase);
      int at = addSlot(to, toBase, there, there, from.get(U64, slot), bytes);
      MemorySegment.copy(from, source, to, at, bytes);
    }
  }

  /** Drops the slots from {@code count} on, and closes the gaps. The leaf was verified. */
  static void truncate(MemorySegment leaf, int base, int end, int count) {
    int live = 0;
    for (int i = 0; i < count; i++) {
      live += entryBytes(leaf, entryAt(leaf, base, end, i));
    }
    ZapNode.setCount(leaf, base, count);
    setLiveBytes(leaf, base, live);
    compact(leaf, base, end, end);
  }
}
