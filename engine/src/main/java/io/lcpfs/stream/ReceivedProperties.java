package io.lcpfs.stream;

import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Which values of properties a received dataset gets. */
final class ReceivedProperties {
  private static final int MAX_VALUE_BYTES = 1024;

  private final SortedMap<String, String> values = new TreeMap<>();
  private final List<String> leftOut = new ArrayList<>();

  /** What has to be set. */
  SortedMap<String, String> values() {
    return values;
  }

  /** A line for each that is not. */
  List<String> leftOut() {
    return leftOut;
  }

  /** Values that whoever receives asks for; they win. */
  void set(Map<String, String> wanted) {
    new TreeMap<>(wanted)
        .forEach(
            (name, value) ->
                values.put(name, PropertyCatalog.parse(PropertyCatalog.dataset(name), value)));
  }

  /** Values in a stream. */
  void take(StreamReader reader, MemorySegment payload, ReceiveOptions options) {
    long at = 0;
    while (at < payload.byteSize()) {
      if (at > payload.byteSize() - StreamRecord.PROPERTY_BYTES) {
        throw reader.damaged("a property that is cut off");
      }
      int nameBytes = Disk.u16(payload, at);
      int valueBytes = Disk.u16(payload, at + 2);
      String name = StreamReader.text(payload, at + StreamRecord.PROPERTY_BYTES, nameBytes);
      at += StreamRecord.PROPERTY_BYTES + nameBytes;
      String value = StreamReader.text(payload, at, valueBytes);
      at += valueBytes;
      if (name == null || value == null) {
        throw reader.damaged("a property that is cut off");
      }
      offer(name, value, options);
    }
  }

  private void offer(String name, String value, ReceiveOptions options) {
    if (options.exclude().contains(name) || options.set().containsKey(name)) {
      return;
    }
    if (Receiver.INACTIVE.contains(name) && !options.acceptAll()) {
      leftOut.add(name + "=" + value + " is not set; add --accept-properties to set it");
      return;
    }
    try {
      String exact = PropertyCatalog.parseKept(PropertyCatalog.dataset(name), value);
      if (exact.getBytes(java.nio.charset.StandardCharsets.UTF_8).length > MAX_VALUE_BYTES) {
        leftOut.add(name + " is too long here; set it with 'lcpfs fs set'");
      } else {
        values.put(name, exact);
      }
    } catch (PoolException e) {
      leftOut.add(e.error().message());
    }
  }
}
