package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.PoolException;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Changes of names in ZAPs of the pool's own objects within one transaction: all or, where a block
 * cannot be read in the middle, none. Holds the ZAPs until it is closed.
 */
final class NameChanges implements AutoCloseable {
  private final ObjectContext context;
  private final ObjectSet meta;
  private final Tx tx;
  private final Map<Long, Dnode> held = new TreeMap<>();
  private final List<Runnable> back = new ArrayList<>();

  NameChanges(ObjectContext context, ObjectSet meta, Tx tx) {
    this.context = context;
    this.meta = meta;
    this.tx = tx;
  }

  /** Runs {@code changes}; takes back what they did when they throw, and throws on. */
  void allOrNone(Runnable changes) {
    try {
      changes.run();
    } catch (PoolException e) {
      back.reversed().forEach(Runnable::run);
      back.clear();
      throw e;
    }
  }

  private Zap zap(long object) {
    return Zap.open(held.computeIfAbsent(object, meta::hold), context.env());
  }

  /** Enters a name that the ZAP of this object has not. */
  void enter(long zapObject, String name, long value) {
    byte[] key = name.getBytes(UTF_8);
    Zap zap = zap(zapObject);
    zap.putLong(tx, key, value);
    back.add(() -> zap.remove(tx, key));
  }

  /** Removes a name; {@code value} is what it names. */
  void remove(long zapObject, String name, long value) {
    byte[] key = name.getBytes(UTF_8);
    Zap zap = zap(zapObject);
    zap.remove(tx, key);
    back.add(() -> zap.putLong(tx, key, value));
  }

  /** What else takes back something that was done in the transaction. */
  void orElse(Runnable undo) {
    back.add(undo);
  }

  @Override
  public void close() {
    held.values().forEach(Dnode::close);
    held.clear();
  }
}
