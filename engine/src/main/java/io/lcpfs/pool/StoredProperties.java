package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.PoolException;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a dataset's ZAP of properties holds: values set at it, those that a stream brought, and what
 * its administrator decided of these. Docs: FORMAT.md, Datasets. A value set here beats a received
 * one, and is never touched by a receive.
 *
 * @param raw all entries, by their names on disk; never changed
 */
public record StoredProperties(SortedMap<String, String> raw) {
  /** Nothing set, nothing received. */
  public static final StoredProperties NONE = new StoredProperties(new TreeMap<>());

  /** Before the name of a received value; alone it says that a stream brought properties. */
  private static final String RECEIVED = "$";

  /** Before the name of a received value that counts only when somebody says so. */
  private static final String DORMANT = "?";

  /** Before the name of what the administrator decided. */
  private static final String CHOICE = "!";

  /** The decision that no received value counts. */
  private static final String INHERIT = "inherit";

  /** The decision that the received value counts, whatever it is. */
  private static final String TAKE = "received";

  private static final String COMPLETE = "1";

  static StoredProperties read(Zap zap) {
    SortedMap<String, String> raw = new TreeMap<>();
    zap.iterate(
        0,
        (cookie, name, value) -> {
          raw.put(new String(name, UTF_8), PropertyText.decode(value));
          return true;
        });
    return new StoredProperties(raw);
  }

  /** The value set here, or null. */
  public @Nullable String local(String name) {
    return raw.get(name);
  }

  /** The value that a stream brought, whether it counts or not; or null. */
  public @Nullable String received(String name) {
    String dormant = raw.get(DORMANT + name);
    return dormant == null ? raw.get(RECEIVED + name) : dormant;
  }

  /** The received value that counts where none is set, or null. */
  public @Nullable String counting(String name) {
    String choice = raw.get(CHOICE + name);
    if (INHERIT.equals(choice)) {
      return null;
    }
    String dormant = raw.get(DORMANT + name);
    return dormant == null ? raw.get(RECEIVED + name) : TAKE.equals(choice) ? dormant : null;
  }

  /** Whether the received value is one that counts only when somebody says so. */
  public boolean isDormant(String name) {
    return raw.containsKey(DORMANT + name);
  }

  /** Whether somebody decided here what counts: by a value or otherwise. */
  public boolean isDecided(String name) {
    return raw.containsKey(name) || raw.containsKey(CHOICE + name);
  }

  /** Whether a stream brought properties, be it none. */
  public boolean hasReceived() {
    return raw.containsKey(RECEIVED);
  }

  private static boolean isMarked(String key) {
    return key.startsWith(RECEIVED) || key.startsWith(DORMANT) || key.startsWith(CHOICE);
  }

  private static boolean isReceived(String key) {
    return key.startsWith(RECEIVED) || key.startsWith(DORMANT);
  }

  /** Values set here. */
  public SortedMap<String, String> local() {
    SortedMap<String, String> values = new TreeMap<>(raw);
    values.keySet().removeIf(StoredProperties::isMarked);
    return values;
  }

  /** Values that a stream brought, whether they count or not. */
  public SortedMap<String, String> received() {
    SortedMap<String, String> values = new TreeMap<>();
    raw.forEach(
        (key, value) -> {
          String name = key.substring(Math.min(1, key.length()));
          if (isReceived(key) && !name.isEmpty()) {
            values.merge(name, value, (one, other) -> String.valueOf(received(name)));
          }
        });
    return values;
  }

  /** What counts at this dataset without those above it: set here, or else received. */
  public SortedMap<String, String> own() {
    SortedMap<String, String> values = new TreeMap<>();
    for (String name : received().keySet()) {
      String value = counting(name);
      if (value != null) {
        values.put(name, value);
      }
    }
    values.putAll(local());
    return values;
  }

  /** With values set here. */
  public StoredProperties withLocal(Map<String, String> values) {
    SortedMap<String, String> next = new TreeMap<>(raw);
    next.putAll(values);
    values.keySet().forEach(name -> next.remove(CHOICE + name));
    return new StoredProperties(next);
  }

  /** Without a value set here, and without the received one. */
  public StoredProperties inherited(String name) {
    SortedMap<String, String> next = new TreeMap<>(raw);
    next.remove(name);
    next.remove(CHOICE + name);
    if (hasReceived()) {
      next.put(CHOICE + name, INHERIT);
    }
    return new StoredProperties(next);
  }

  /** Without a value set here, so that the received one counts, if there is one. */
  public StoredProperties reverted(String name) {
    SortedMap<String, String> next = new TreeMap<>(raw);
    next.remove(name);
    next.remove(CHOICE + name);
    if (isDormant(name)) {
      next.put(CHOICE + name, TAKE);
    }
    return new StoredProperties(next);
  }

  /**
   * With these received values instead of all others.
   *
   * @param counting those that count
   * @param dormant those that count only when somebody says so
   */
  public StoredProperties withReceived(Map<String, String> counting, Map<String, String> dormant) {
    SortedMap<String, String> next = new TreeMap<>(raw);
    next.keySet().removeIf(StoredProperties::isReceived);
    next.put(RECEIVED, COMPLETE);
    counting.forEach((name, value) -> next.put(RECEIVED + name, value));
    dormant.forEach((name, value) -> next.put(DORMANT + name, value));
    return new StoredProperties(next);
  }

  /** Where nothing else was decided, with what is received of these names not counting. */
  public StoredProperties masking(Collection<String> names) {
    SortedMap<String, String> next = new TreeMap<>(raw);
    for (String name : names) {
      if (!isDecided(name)) {
        next.put(CHOICE + name, INHERIT);
      }
    }
    return new StoredProperties(next);
  }

  /**
   * After what arrived for this dataset: its received values, if it has any, are those of the
   * arriving; what was decided here stays but for what whoever receives sets.
   */
  StoredProperties continuedBy(StoredProperties arriving) {
    StoredProperties next = withLocal(arriving.local());
    SortedMap<String, String> merged = new TreeMap<>(next.raw);
    if (arriving.hasReceived()) {
      merged.keySet().removeIf(StoredProperties::isReceived);
      arriving.raw.forEach(
          (key, value) -> {
            if (isReceived(key)) {
              merged.put(key, value);
            }
          });
    }
    arriving.raw.forEach(
        (key, value) -> {
          if (key.startsWith(CHOICE) && !next.isDecided(key.substring(1))) {
            merged.put(key, value);
          }
        });
    return new StoredProperties(merged);
  }

  /** Bound on what {@link #write} dirties beyond a few blocks. */
  long writtenBytes(StoredProperties old) {
    return 2 * (bytes() + old.bytes());
  }

  private long bytes() {
    long bytes = 0;
    for (Map.Entry<String, String> entry : raw.entrySet()) {
      bytes += 16 + 3L * (entry.getKey().length() + entry.getValue().length());
    }
    return bytes;
  }

  /** Whether it takes no more room than {@code old}. */
  boolean isNoLargerThan(StoredProperties old) {
    return bytes() <= old.bytes();
  }

  /**
   * Writes this over {@code old}, which the ZAP holds; or throws and has changed nothing.
   *
   * @return what takes it back within the transaction
   */
  Runnable write(Tx tx, Zap zap, StoredProperties old) {
    Deque<Runnable> undo = new ArrayDeque<>();
    Runnable takeBack = () -> undo.forEach(Runnable::run);
    try {
      old.raw.forEach(
          (key, value) -> {
            if (!raw.containsKey(key)) {
              zap.remove(tx, key.getBytes(UTF_8));
              undo.push(() -> put(tx, zap, key, value));
            }
          });
      raw.forEach(
          (key, value) -> {
            String before = old.raw.get(key);
            if (!value.equals(before)) {
              put(tx, zap, key, value);
              undo.push(
                  () -> {
                    if (before == null) {
                      zap.remove(tx, key.getBytes(UTF_8));
                    } else {
                      put(tx, zap, key, before);
                    }
                  });
            }
          });
    } catch (PoolException e) {
      takeBack.run();
      throw e;
    }
    return takeBack;
  }

  private static void put(Tx tx, Zap zap, String key, String value) {
    zap.put(tx, key.getBytes(UTF_8), PropertyText.encode(value));
  }

  /** What cannot be, a line each. */
  List<String> problems() {
    List<String> problems = new ArrayList<>();
    raw.forEach(
        (key, value) -> {
          String name = key.substring(Math.min(1, key.length()));
          if (isReceived(key) && !hasReceived()) {
            problems.add("has the received value " + key + " though nothing was received");
          } else if (key.startsWith(DORMANT) && raw.containsKey(RECEIVED + name)) {
            problems.add("has two received values of " + name);
          } else if (isMarked(key) && name.isEmpty() && !key.equals(RECEIVED)) {
            problems.add("has an entry " + key + " of no property");
          } else if (key.startsWith(CHOICE) && !value.equals(INHERIT) && !value.equals(TAKE)) {
            problems.add("has a decision of " + name + " that is not known");
          }
        });
    return problems;
  }
}
