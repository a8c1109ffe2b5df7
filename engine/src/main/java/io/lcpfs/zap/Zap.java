package io.lcpfs.zap;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.ZapRecord.BLOCK_BYTES;
import static io.lcpfs.format.ZapRecord.HEADER_BYTES;
import static io.lcpfs.format.ZapRecord.SMALLEST_BYTES;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ZapRecord;
import io.lcpfs.object.Block;
import io.lcpfs.object.BlockObject;
import io.lcpfs.object.ChangeRecord;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Named attributes in an object: names of 1 to {@link #MAX_NAME_BYTES} bytes, values of 1 to {@link
 * #MAX_VALUE_BYTES}.
 *
 * <p>Each entry has a <em>cookie</em>, a number above 0 that it keeps as long as it is there,
 * whatever else comes and goes: 47 bits of the name's hash under the ZAP's salt, then a 16-bit
 * number that tells apart names of equal hash. Iteration is in the order of cookies. The least is
 * {@link #FIRST_COOKIE}; those below are the caller's ('.' and '..' of a directory).
 *
 * <p>The caller locks: exclusively for changes, shared for everything else; reads may overlap. A
 * change that throws leaves the content as it was.
 */
public final class Zap {
  public static final int MAX_NAME_BYTES = ZapRecord.MAX_NAME_BYTES;
  public static final int MAX_VALUE_BYTES = ZapRecord.MAX_VALUE_BYTES;

  /** Low bits of a cookie, which tell apart names of equal hash. */
  static final int COLLISION_BITS = 16;

  /** No entry has a lower cookie. */
  public static final long FIRST_COOKIE = 1L << COLLISION_BITS;

  /** What {@link #getLong} answers for an absent name. */
  public static final long ABSENT = -1;

  private static final int HASH_SHIFT = 64 - 47;
  private static final int COLLISION_LIMIT = 1 << COLLISION_BITS;

  /** What {@link #iterate} calls. It must not change the ZAP. */
  @FunctionalInterface
  public interface Visitor {

    /**
     * Takes an entry; name and value are its own copies.
     *
     * @return whether it was taken; false ends the iteration before this entry
     */
    boolean visit(long cookie, byte[] name, byte[] value);
  }

  /** What {@link #iterateLong} calls. It must not change the ZAP. */
  @FunctionalInterface
  public interface LongVisitor {

    /** As {@link Visitor#visit}, for a value that {@link #getLong} would answer. */
    boolean visit(long cookie, byte[] name, long value);
  }

  /** Takes the entry at {@code at} of a leaf; false ends the iteration before it. */
  @FunctionalInterface
  private interface EntryReader {
    boolean read(MemorySegment leaf, int at, long cookie);
  }

  private final BlockObject object;
  private final Env env;
  private final NameHash hash;
  private final int collisionLimit;

  Zap(BlockObject object, Env env, NameHash hash, int collisionLimit) {
    this.object = object;
    this.env = env;
    this.hash = hash;
    this.collisionLimit = collisionLimit;
  }

  /** Makes an empty ZAP of an object of one block at most, of 512 bytes for choice. */
  public static void create(Tx tx, BlockObject object, Env env) {
    create(tx, object, env.randomLong(), env.randomLong());
  }

  /** As {@link #create(Tx, BlockObject, Env)}, with the salts that it had before a crash. */
  public static void create(Tx tx, BlockObject object, long salt0, long salt1) {
    int blockBytes = object.blockBytes();
    Check.that(blockBytes >= SMALLEST_BYTES && object.blockCount() <= 1, "block size", blockBytes);
    boolean before = tx.changing();
    try (Block block = object.modify(tx, 0)) {
      ZapHeader.format(block.segment(), salt0, salt1);
    } catch (PoolException e) {
      tx.unchanged(before);
      throw e;
    }
    ChangeRecord changes = object.changesIn(tx);
    if (changes != null) {
      changes.zapCreated(object.number(), salt0, salt1);
    }
  }

  /** The ZAP in {@code object}. Reads nothing yet. */
  public static Zap open(BlockObject object, Env env) {
    return new Zap(object, env, SipHash::hash, COLLISION_LIMIT);
  }

  /**
   * The value of a name, stored by {@link #insertLong} or {@link #putLong}; allocates nothing.
   *
   * @return the value, or {@link #ABSENT}
   * @throws PoolException EINVAL, ENAMETOOLONG for a name of no or too many bytes; EIO when the ZAP
   *     is corrupt, the value is not of 8 bytes or a block cannot be read; ENOMEM
   */
  public long getLong(byte[] name, int offset, int length) {
    return search(name, offset, length, null);
  }

  /** As the longer one, for all of {@code name}. */
  public long getLong(byte[] name) {
    return search(name, 0, name.length, null);
  }

  /** The value of a name, or null. Errors as {@link #getLong}. */
  public byte @Nullable [] get(byte[] name) {
    Found found = new Found();
    search(name, 0, name.length, found);
    return found.value;
  }

  /** Whether the name is there. Errors as {@link #getLong}. */
  public boolean contains(byte[] name) {
    Found found = new Found();
    search(name, 0, name.length, found);
    return found.value != null;
  }

  private static final class Found {
    byte @Nullable [] value;
  }

  /** Looks up a name; puts the value into {@code found}, or without one answers it as a number. */
  private long search(byte[] name, int offset, int length, @Nullable Found found) {
    checkName(length);
    Objects.checkFromIndexSize(offset, length, name.length);
    long key = -1;
    while (true) {
      Block block = object.read(0);
      try {
        MemorySegment node = block.segment();
        int level = ZapHeader.check(node, object.blockBytes());
        int limit = ZapHeader.blockLimit(node);
        int base = HEADER_BYTES;
        int end = ZapHeader.layoutBytes(node);
        if (key < 0) {
          key =
              hashOf(ZapHeader.salt0(node), ZapHeader.salt1(node), name, offset, length)
                  << COLLISION_BITS;
        }
        long low = FIRST_COOKIE;
        long last = Long.MAX_VALUE;
        int id = 0;
        int rootLevel = level;
        for (; level > 0; level--) {
          int count = ZapInterior.count(node, base, level, id);
          int index = ZapInterior.find(node, base, count, key);
          if (index > 0) {
            low = checkKey(ZapInterior.key(node, base, index), low, last);
          }
          if (index + 1 < count) {
            last = checkKey(ZapInterior.key(node, base, index + 1), low, last) - 1;
          }
          id = ZapInterior.child(node, base, index, limit);
          Block next = object.read(id);
          block.close();
          block = next;
          node = next.segment();
          base = 0;
          end = BLOCK_BYTES;
        }
        int count = ZapLeaf.count(node, base, end, id);
        ZapCursor.checkLeafBounds(node, base, count, rootLevel, low, last);
        for (int i = ZapLeaf.lowerBound(node, base, count, key); i < count; i++) {
          if ((ZapLeaf.cookie(node, base, i) ^ key) >>> COLLISION_BITS != 0) {
            return ABSENT;
          }
          int at = ZapLeaf.entryAt(node, base, end, i);
          if (ZapLeaf.nameEquals(node, at, name, offset, length)) {
            if (found == null) {
              return ZapLeaf.longValue(node, at);
            }
            found.value = ZapLeaf.value(node, at);
            return 0;
          }
        }
        if (last == Long.MAX_VALUE || ((last + 1) ^ key) >>> COLLISION_BITS != 0) {
          return ABSENT;
        }
        key = last + 1; // names of the same hash go on in the next leaf
      } finally {
        block.close();
      }
    }
  }

  private static long checkKey(long key, long low, long last) {
    if (key < low || key > last) {
      throw corrupt("zap_branch.key", key);
    }
    return key;
  }

  private long hashOf(long salt0, long salt1, byte[] name, int offset, int length) {
    // Hash 0 would give cookies below the first one.
    return Math.max(1, hash.hash(salt0, salt1, name, offset, length) >>> HASH_SHIFT);
  }

  /**
   * Adds a name.
   *
   * @return false when the name is there already; then nothing changes
   * @throws PoolException EINVAL, ENAMETOOLONG for a name of no or too many bytes; EINVAL, ERANGE
   *     for such a value; ENOSPC when 65,536 names have the same hash, or the tree is at its
   *     largest; EIO when the ZAP is corrupt or a block cannot be read; ENOMEM
   */
  public boolean insert(Tx tx, byte[] name, byte[] value) {
    checkValue(value);
    return store(tx, new ZapEntry(name, value, 0), false);
  }

  /** As {@link #insert}, with an 8-byte value for {@link #getLong}; {@link #ABSENT} is none. */
  public boolean insertLong(Tx tx, byte[] name, long value) {
    Check.that(value != ABSENT, "zap value", value);
    return store(tx, new ZapEntry(name, null, value), false);
  }

  /** Adds a name or replaces its value. Returns whether it was added. Errors as {@link #insert}. */
  public boolean put(Tx tx, byte[] name, byte[] value) {
    checkValue(value);
    return store(tx, new ZapEntry(name, value, 0), true);
  }

  /** As {@link #put}, with an 8-byte value for {@link #getLong}; {@link #ABSENT} is none. */
  public boolean putLong(Tx tx, byte[] name, long value) {
    Check.that(value != ABSENT, "zap value", value);
    return store(tx, new ZapEntry(name, null, value), true);
  }

  private boolean store(Tx tx, ZapEntry entry, boolean replace) {
    checkName(entry.name().length);
    try (ZapCursor cursor = new ZapCursor(object)) {
      cursor.start();
      long cookie = place(cursor, entry.name());
      boolean present = cookie < 0;
      if (present && !replace) {
        return false;
      }
      boolean before = tx.changing();
      try {
        new ZapInsert(object, env, tx).store(cursor, present ? -cookie : cookie, entry, present);
      } catch (PoolException e) {
        tx.unchanged(before);
        throw e;
      }
      ChangeRecord changes = object.changesIn(tx);
      if (changes != null) {
        changes.zapPut(object.number(), entry.name(), entry.storedValue());
      }
      return !present;
    }
  }

  /**
   * From a started cursor, finds where a name is or belongs, and leaves the cursor there.
   *
   * @return minus the cookie of the name when it is there, else the cookie for it
   */
  private long place(ZapCursor cursor, byte[] name) {
    long wanted = hashOf(cursor.salt0, cursor.salt1, name, 0, name.length);
    long key = wanted << COLLISION_BITS;
    int number = 0; // the least that is not taken
    long before = 0;
    cursor.descend(key);
    while (true) {
      for (int i = cursor.lowerBound(key); i < cursor.count; i++) {
        long cookie = cursor.cookie(i);
        if (cookie >>> COLLISION_BITS != wanted) {
          break;
        }
        if (cookie <= before) {
          throw corrupt("zap_slot.cookie", cookie);
        }
        before = cookie;
        int at = cursor.entryAt(i);
        if (ZapLeaf.nameEquals(cursor.leaf, at, name, 0, name.length)) {
          return -cookie;
        }
        if ((cookie & (COLLISION_LIMIT - 1)) == number) {
          number++;
        }
      }
      if (!cursor.runGoesOn(wanted)) {
        break;
      }
      key = cursor.last + 1;
      cursor.seek(key);
    }
    if (before != 0) {
      env.probe(CodeProbe.ZAP_HASH_COLLISION);
    }
    if (number >= collisionLimit) {
      throw PoolException.refused(
          Errno.ENOSPC, "no more than " + collisionLimit + " names can have the same hash");
    }
    long cookie = wanted << COLLISION_BITS | number;
    if (cookie < cursor.low || cookie > cursor.last) {
      cursor.seek(cookie);
    }
    return cookie;
  }

  /**
   * Removes a name.
   *
   * @return false when it is not there
   * @throws PoolException EINVAL, ENAMETOOLONG for a name of no or too many bytes; EIO when the ZAP
   *     is corrupt or a block cannot be read; ENOMEM
   */
  public boolean remove(Tx tx, byte[] name) {
    checkName(name.length);
    boolean before = tx.changing();
    boolean removed = false;
    try (ZapCursor cursor = new ZapCursor(object)) {
      ZapRemove removal = new ZapRemove(object, tx, cursor);
      while (true) {
        cursor.start();
        long cookie = -place(cursor, name);
        if (cookie < 0) {
          tx.unchanged(before); // a root may have been collapsed, which changes nothing told here
          return false;
        }
        if (!removal.collapseRoot()) {
          removal.remove(cookie);
          removed = true;
          ChangeRecord changes = object.changesIn(tx);
          if (changes != null) {
            changes.zapRemoved(object.number(), name);
          }
          return true;
        }
      }
    } catch (PoolException e) {
      if (!removed) {
        tx.unchanged(before);
      }
      throw e;
    }
  }

  /** How many names there are. */
  public long count() {
    try (Block block = object.read(0)) {
      ZapHeader.check(block.segment(), object.blockBytes());
      return ZapHeader.entryCount(block.segment());
    }
  }

  public boolean isEmpty() {
    return count() == 0;
  }

  /**
   * Visits the entries whose cookie is above {@code fromCookie} (0 for all), by rising cookies,
   * until the visitor refuses one. Blocks stay pinned while the visitor runs.
   *
   * @return the cookie of the last entry that was taken, from which to go on; {@code fromCookie} if
   *     none
   * @throws PoolException EIO when the ZAP is corrupt or a block cannot be read; ENOMEM
   */
  public long iterate(long fromCookie, Visitor visitor) {
    return iterateEntries(
        fromCookie,
        (leaf, at, cookie) ->
            visitor.visit(cookie, ZapLeaf.name(leaf, at), ZapLeaf.value(leaf, at)));
  }

  /**
   * As {@link #iterate}, for values of 8 bytes, which need no copies.
   *
   * @throws PoolException as there, and EIO for a value that is not of 8 bytes
   */
  public long iterateLong(long fromCookie, LongVisitor visitor) {
    return iterateEntries(
        fromCookie,
        (leaf, at, cookie) ->
            visitor.visit(cookie, ZapLeaf.name(leaf, at), ZapLeaf.longValue(leaf, at)));
  }

  /**
   * As {@link #iterateLong} from the start, but only the entries that lie in some of the blocks;
   * others are not read, but for those that lead to them.
   */
  public void iterateLongIn(LongPredicate blocks, LongVisitor visitor) {
    try (ZapCursor cursor = new ZapCursor(object)) {
      long key = 0;
      while (key != Long.MAX_VALUE) {
        key++;
        if (blocks.test(cursor.leafOf(key))) {
          cursor.seek(key);
          for (int i = cursor.lowerBound(key); i < cursor.count; i++) {
            int at = cursor.entryAt(i);
            long cookie = cursor.cookie(i);
            if (cookie < key || cookie > cursor.last) {
              throw corrupt("zap_slot.cookie", cookie);
            }
            byte[] name = ZapLeaf.name(cursor.leaf, at);
            if (!visitor.visit(cookie, name, ZapLeaf.longValue(cursor.leaf, at))) {
              return;
            }
          }
        }
        key = cursor.last;
      }
    }
  }

  private long iterateEntries(long fromCookie, EntryReader reader) {
    Check.that(fromCookie >= 0, "zap cookie", fromCookie);
    long taken = fromCookie;
    try (ZapCursor cursor = new ZapCursor(object)) {
      long key = fromCookie;
      while (key != Long.MAX_VALUE) {
        key++;
        cursor.seek(key);
        for (int i = cursor.lowerBound(key); i < cursor.count; i++) {
          long cookie = cursor.cookie(i);
          if (cookie <= taken || cookie > cursor.last) {
            throw corrupt("zap_slot.cookie", cookie);
          }
          if (!reader.read(cursor.leaf, cursor.entryAt(i), cookie)) {
            return taken;
          }
          taken = cookie;
        }
        key = cursor.last;
      }
    }
    return taken;
  }

  /** What is wrong with the structure, a line each; empty when nothing is. Reads every block. */
  public List<String> check() {
    return new ZapCheck(object, this::hashOf).run();
  }

  private static void checkName(int length) {
    if (length == 0 || length > MAX_NAME_BYTES) {
      throw PoolException.posix(
          length == 0 ? Errno.EINVAL : Errno.ENAMETOOLONG, "name of " + length + " bytes");
    }
  }

  private static void checkValue(byte[] value) {
    if (value.length == 0 || value.length > MAX_VALUE_BYTES) {
      throw PoolException.posix(
          value.length == 0 ? Errno.EINVAL : Errno.ERANGE, "value of " + value.length + " bytes");
    }
  }
}
