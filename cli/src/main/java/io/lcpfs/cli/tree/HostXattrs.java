package io.lcpfs.cli.tree;

import io.lcpfs.format.NameText;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SortedMap;
import java.util.TreeMap;

/** The extended attributes of an open file of the host. */
final class HostXattrs {
  /** Linux's limits for the list and for one value. */
  private static final int MOST_BYTES = 65_536;

  private HostXattrs() {}

  static SortedMap<String, byte[]> all(int fd, String display) {
    SortedMap<String, byte[]> result = new TreeMap<>();
    long needed = HostCalls.flistxattr(fd, MemorySegment.NULL);
    if (needed == 0 || needed == HostCalls.EOPNOTSUPP) {
      return result;
    }
    Native.check(needed, display);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment list = arena.allocate(MOST_BYTES);
      long bytes = Native.check(HostCalls.flistxattr(fd, list), display);
      MemorySegment value = arena.allocate(MOST_BYTES);
      long start = 0;
      for (long at = 0; at < bytes; at++) {
        if (list.get(ValueLayout.JAVA_BYTE, at) == 0) {
          byte[] name = list.asSlice(start, at - start).toArray(ValueLayout.JAVA_BYTE);
          start = at + 1;
          long length = HostCalls.fgetxattr(fd, name, value);
          if (length == HostCalls.ENODATA) {
            continue;
          }
          Native.check(length, display);
          result.put(
              NameText.decode(name), value.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
        }
      }
    }
    return result;
  }

  static void set(int fd, String name, byte[] value, String display) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(Math.max(1, value.length));
      MemorySegment.copy(value, 0, bytes, ValueLayout.JAVA_BYTE, 0, value.length);
      Native.check(
          HostCalls.fsetxattr(fd, name.getBytes(NameText.CHARSET), bytes.asSlice(0, value.length)),
          display);
    }
  }
}
