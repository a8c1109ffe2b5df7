package io.lcpfs.stream;

import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.pool.StoredProperties;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** Which properties a received dataset gets: what whoever receives sets, and what a stream says. */
final class ReceivedProperties {
  private static final int MAX_NAME_BYTES = 254;
  private static final int MAX_VALUE_BYTES = 1024;

  /** Values of inactive properties that take rights away, and so count unasked. */
  private static final Map<String, Set<String>> RESTRICTING =
      Map.of(
          "exec", Set.of("off"),
          "setuid", Set.of("off"),
          "devices", Set.of("off"),
          "canmount", Set.of("off", "noauto"));

  private final StoredProperties before;
  private final ReceiveOptions options;
  private final SortedMap<String, String> set = new TreeMap<>();
  private final SortedMap<String, String> counting = new TreeMap<>();
  private final SortedMap<String, String> dormant = new TreeMap<>();
  private final Set<String> masked = new HashSet<>();
  private final List<String> leftOut = new ArrayList<>();
  private boolean taken;

  /**
   * @param before what is set at the dataset that this continues or replaces, and was received
   * @param top whether the dataset is at the top of the stream, and gets what is set
   */
  ReceivedProperties(StoredProperties before, ReceiveOptions options, boolean top) {
    this.before = before;
    this.options = options;
    if (top) {
      new TreeMap<>(options.set())
          .forEach(
              (name, value) ->
                  set.put(name, PropertyCatalog.parse(PropertyCatalog.dataset(name), value)));
    }
  }

  /** Whether there is nothing to set, and no stream said anything. */
  boolean isEmpty() {
    return set.isEmpty() && !taken;
  }

  /** A line for each value of the stream that does not count, and did not before. */
  List<String> leftOut() {
    return leftOut;
  }

  /** These properties at a dataset. */
  StoredProperties in(StoredProperties stored) {
    StoredProperties next = stored.withLocal(set);
    return taken ? next.withReceived(counting, dormant).masking(masked) : next;
  }

  /** Values in a stream: all that there are. */
  void take(StreamReader reader, MemorySegment payload) {
    taken = true;
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
      offer(name, value);
    }
  }

  private void offer(String name, String value) {
    String exact;
    try {
      exact = PropertyCatalog.parseKept(PropertyCatalog.dataset(name), value);
    } catch (PoolException e) {
      leftOut.add(e.error().message());
      return;
    }
    int bytes = exact.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_VALUE_BYTES || name.length() > MAX_NAME_BYTES) {
      leftOut.add(name + " is too long here; set it with 'lcpfs fs set'");
      return;
    }
    if (options.exclude().contains(name) || options.set().containsKey(name)) {
      masked.add(name);
    }
    if (counts(name, exact)) {
      counting.put(name, exact);
      return;
    }
    dormant.put(name, exact);
    boolean known = before.isDormant(name) && exact.equals(before.received(name));
    if (!known && !before.isDecided(name) && !masked.contains(name) && !set.containsKey(name)) {
      leftOut.add(
          name
              + "="
              + exact
              + " is kept and does not count; add --accept-properties, or afterwards give 'lcpfs"
              + " fs inherit -S "
              + name
              + "' for it to");
    }
  }

  /** Whether a value counts: also one that was accepted before and is the same. */
  private boolean counts(String name, String value) {
    return !Receiver.INACTIVE.contains(name)
        || options.acceptAll()
        || RESTRICTING.getOrDefault(name, Set.of()).contains(value)
        || (!before.isDormant(name) && value.equals(before.received(name)));
  }
}
