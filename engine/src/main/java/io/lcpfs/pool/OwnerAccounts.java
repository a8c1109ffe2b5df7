package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.lcpfs.env.Env;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.OwnerAccountRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectAccounts;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The accounts of one dataset by user, group and project: a ZAP in its own object set, so that each
 * snapshot has its own. The sync of each group changes it by what the group changed; nobody else
 * does. A file system that was made without accounts has none.
 */
final class OwnerAccounts implements ObjectAccounts {
  /** The object that names the others of a file system. */
  private static final long MASTER = 1;

  private final ObjectSet objects;
  private final Env env;

  /** Guards what follows: an object may be told of by several threads. */
  private final ReentrantLock lock = new ReentrantLock();

  private final OwnerTotals changes = new OwnerTotals();

  private volatile boolean wanted;

  /** The ZAP, held; null while it is not known or when there is none. */
  private volatile @Nullable Dnode zapObject;

  /** Whether it is known that there is none. */
  private volatile boolean none;

  /** Why nothing can be written down, or null; verify tells of it. */
  private volatile @Nullable PoolException damage;

  /** Quotas by owner, as of {@link OwnerTotals#key}. */
  private volatile Limits limits = Limits.NONE;

  /** Who has reached one. */
  private volatile Full full = Full.NOBODY;

  /** What owners with a quota were given by reference in groups that are not written. */
  private final ConcurrentHashMap<String, InFlight> given = new ConcurrentHashMap<>();

  /** Never changed once made. */
  record Limits(Map<String, Long> bytes, Map<String, Long> objects) {
    static final Limits NONE = new Limits(Map.of(), Map.of());

    /** Of a dataset's local properties; 0 is none. */
    static Limits of(Map<String, String> properties) {
      Map<String, Long> bytes = new TreeMap<>();
      Map<String, Long> objects = new TreeMap<>();
      properties.forEach(
          (name, value) -> {
            OwnerRule rule = OwnerRule.of(name);
            long limit = SpaceRules.number(value);
            if (rule != null && limit > 0) {
              (rule.objects() ? objects : bytes)
                  .put(OwnerTotals.key(rule.owner(), rule.id()), limit);
            }
          });
      return bytes.isEmpty() && objects.isEmpty() ? NONE : new Limits(bytes, objects);
    }

    boolean isEmpty() {
      return bytes.isEmpty() && objects.isEmpty();
    }
  }

  /**
   * Owners that have reached a quota, and the bytes that are left to each who has one. Never
   * changed once made.
   */
  private record Full(Set<String> bytes, Set<String> objects, Map<String, Long> bytesLeft) {
    static final Full NOBODY = new Full(Set.of(), Set.of(), Map.of());
  }

  OwnerAccounts(ObjectSet objects, Env env) {
    this.objects = objects;
    this.env = env;
  }

  /**
   * Keeps them from now on, or no more while somebody writes down what another file system was.
   * Nothing may be changed meanwhile.
   */
  void keep(boolean on) {
    close();
    none = false;
    damage = null;
    objects.setAccounts(on ? this : null);
  }

  /** Says whether the pool has the feature. */
  void setWanted(boolean on) {
    wanted = on;
  }

  @Override
  public boolean isWanted() {
    return wanted;
  }

  @Override
  public void changed(
      ObjectType type, byte[] bonusBefore, long bytesBefore, byte[] bonusAfter, long bytesAfter) {
    lock.lock();
    try {
      changes.add(type, bonusBefore, bytesBefore, -1);
      changes.add(type, bonusAfter, bytesAfter, 1);
    } finally {
      lock.unlock();
    }
  }

  /** Looks for the ZAP of a file system that is on disk; before anything is changed. */
  void load() {
    if (zapObject != null || none || objects.root().isHole()) {
      return;
    }
    try {
      load(find(objects, env));
    } catch (PoolException e) {
      fail(e);
    }
  }

  private void load(long found) {
    if (found == 0) {
      none = true;
    } else {
      made(found);
    }
  }

  @Override
  public void made(long object) {
    Dnode held = holdZap(object);
    held.useSyncMemory();
    zapObject = held;
  }

  /** Lets go of what is held. */
  void close() {
    Dnode held = zapObject;
    if (held != null) {
      zapObject = null;
      held.close();
    }
  }

  @Override
  public long object(long txg) {
    if (zapObject == null && !none && damage == null) {
      try {
        find(txg);
      } catch (PoolException e) {
        fail(e);
      }
    }
    Dnode known = zapObject;
    return known == null || known.generation() > txg ? 0 : known.number();
  }

  /** No reason to stop the pool: verify tells of it. */
  private void fail(PoolException e) {
    if (!isDamage(e)) {
      throw e;
    }
    damage = e;
  }

  @Override
  public void write(long txg) {
    writeChanges(txg);
    given.values().forEach(bytes -> bytes.groupSynced(txg));
  }

  private void writeChanges(long txg) {
    Map<String, long[]> todo;
    lock.lock();
    try {
      todo = changes.nonZero();
      changes.clear();
    } finally {
      lock.unlock();
    }
    boolean known = object(txg) != 0;
    Dnode zap = zapObject;
    if (todo.isEmpty() || damage != null || !known || zap == null) {
      return;
    }
    try {
      apply(txg, zap, todo);
    } catch (PoolException e) {
      fail(e);
    }
  }

  static boolean isDamage(PoolException e) {
    return e.errno() == Errno.EIO || e.errno() == Errno.ENOENT;
  }

  /** Looks for the ZAP of a file system that was made again, after a crash, out of its log. */
  private void find(long txg) {
    try (Dnode master = objects.hold(MASTER)) {
      if (master.generation() > txg) {
        return; // made by a later group
      }
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return;
      }
      throw e;
    }
    load(find(objects, env));
  }

  /** The ZAP of accounts of an object set, or 0. */
  static long find(ObjectSet objects, Env env) {
    try (Dnode master = objects.hold(MASTER)) {
      if (master.type() != ObjectType.ZAP) {
        return 0;
      }
      long found = Zap.open(master, env).getLong(OwnerAccountRecord.MASTER_NAME.getBytes(US_ASCII));
      return found == Zap.ABSENT ? 0 : found;
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return 0; // no file system
      }
      throw e;
    }
  }

  private Dnode holdZap(long object) {
    return holdZap(objects, object);
  }

  private static Dnode holdZap(ObjectSet objects, long object) {
    Dnode dnode = objects.hold(object);
    if (dnode.type() != ObjectType.ZAP) {
      dnode.close();
      throw PoolException.corrupt("master.accounts", "object " + object + " is " + dnode.type());
    }
    return dnode;
  }

  private void apply(long txg, Dnode object, Map<String, long[]> todo) {
    Tx tx = Tx.inSync(txg);
    Zap zap = Zap.open(object, env);
    todo.forEach(
        (owner, change) -> {
          byte[] name = owner.getBytes(US_ASCII);
          OwnerAccountRecord was = OwnerAccountRecord.decode(zap.get(name));
          // What a crafted device got wrong is counted from, but not below nothing.
          long bytes = Math.max(0, was.bytes() + change[0]);
          long count = Math.max(0, was.objects() + change[1]);
          if (bytes == 0 && count == 0) {
            zap.remove(tx, name);
          } else {
            zap.put(tx, name, new OwnerAccountRecord(bytes, count).encode());
          }
        });
    findFull(zap);
  }

  /** Takes over quotas; while no group is written. */
  void setLimits(Limits newLimits) {
    limits = newLimits;
    if (newLimits.isEmpty()) {
      full = Full.NOBODY;
      given.clear();
      return;
    }
    try {
      long object = find(objects, env);
      if (object > 0) {
        try (Dnode dnode = holdZap(object)) {
          findFull(Zap.open(dnode, env));
        }
      }
    } catch (PoolException e) {
      if (!isDamage(e)) {
        throw e;
      }
      full = Full.NOBODY; // who has used how much is not known
    }
  }

  private void findFull(Zap zap) {
    Limits now = limits;
    if (now.isEmpty()) {
      return;
    }
    Set<String> bytes = new HashSet<>();
    Set<String> count = new HashSet<>();
    Map<String, Long> left = new TreeMap<>();
    now.bytes.forEach(
        (owner, limit) -> {
          long used = OwnerAccountRecord.decode(zap.get(owner.getBytes(US_ASCII))).bytes();
          left.put(owner, limit - used);
          if (used >= limit) {
            bytes.add(owner);
          }
        });
    now.objects.forEach(
        (owner, limit) -> {
          if (OwnerAccountRecord.decode(zap.get(owner.getBytes(US_ASCII))).objects() >= limit) {
            count.add(owner);
          }
        });
    full = new Full(bytes, count, left);
    given.keySet().retainAll(left.keySet());
  }

  @Override
  public boolean isFull(Owner owner, int id, boolean objects) {
    Full now = full;
    Set<String> reached = objects ? now.objects : now.bytes;
    return !reached.isEmpty() && reached.contains(OwnerTotals.key(owner, id));
  }

  @Override
  public long roomBytes(Owner owner, int id) {
    Map<String, Long> left = full.bytesLeft;
    if (left.isEmpty()) {
      return Long.MAX_VALUE;
    }
    String key = OwnerTotals.key(owner, id);
    Long room = left.get(key);
    if (room == null) {
      return Long.MAX_VALUE;
    }
    InFlight since = given.get(key);
    return since == null ? room : room - since.bytes();
  }

  @Override
  public void given(Owner owner, int id, long bytes, long txg) {
    Map<String, Long> left = full.bytesLeft;
    if (left.isEmpty()) {
      return;
    }
    String key = OwnerTotals.key(owner, id);
    if (left.containsKey(key)) {
      given.computeIfAbsent(key, owned -> new InFlight()).settle(txg, 0, bytes);
    }
  }

  /**
   * The accounts of an object set that nobody changes meanwhile, by owner.
   *
   * @return null when it has none
   * @throws PoolException EIO
   */
  static @Nullable Map<String, OwnerAccountRecord> read(ObjectSet objects, Env env) {
    long object = find(objects, env);
    if (object == 0) {
      return null;
    }
    Map<String, OwnerAccountRecord> found = new TreeMap<>();
    try (Dnode dnode = holdZap(objects, object)) {
      Zap.open(dnode, env)
          .iterate(
              0,
              (cookie, name, value) -> {
                found.put(new String(name, US_ASCII), OwnerAccountRecord.decode(value));
                return true;
              });
    }
    return found;
  }
}
