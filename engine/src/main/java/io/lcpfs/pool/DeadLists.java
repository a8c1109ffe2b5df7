package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DeadlistRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.memory.Slab;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Sets of lists of dead blocks: a ZAP that names DEADLIST objects, with what each list's blocks
 * were born after. Changed by the sync task alone, which makes and frees the objects, too.
 */
final class DeadLists {
  /** A list grows to this block size and then block by block. */
  private static final int LIST_BLOCK_BYTES = 12 << 10;

  private final ObjectContext context;
  private final ObjectSet meta;

  /**
   * A list in a set.
   *
   * @param object its DEADLIST object
   * @param sinceTxg its blocks were born after this
   */
  record Entry(long object, long sinceTxg) {}

  DeadLists(ObjectContext context, ObjectSet meta) {
    this.context = context;
    this.meta = meta;
  }

  /** The lists of a set, by object number; none of set 0. */
  List<Entry> entries(long zap) {
    return entries(context, meta, zap);
  }

  /** As {@link #entries(long)}, of another view of the pool. */
  static List<Entry> entries(ObjectContext context, ObjectSet meta, long zap) {
    List<Entry> found = new ArrayList<>();
    if (zap == 0) {
      return found;
    }
    try (Dnode dnode = holdZap(meta, zap)) {
      Zap.open(dnode, context.env())
          .iterateLong(
              0,
              (cookie, name, since) -> {
                found.add(new Entry(objectOf(name), since));
                return true;
              });
    }
    found.sort(Comparator.comparingLong(Entry::object));
    return found;
  }

  private static long objectOf(byte[] name) {
    try {
      long object = Long.parseLong(new String(name, UTF_8));
      if (object > 0) {
        return object;
      }
    } catch (NumberFormatException e) {
      throw PoolException.corrupt("dead_zap.name", new String(name, UTF_8));
    }
    throw PoolException.corrupt("dead_zap.name", new String(name, UTF_8));
  }

  private static Dnode holdZap(ObjectSet meta, long zap) {
    return hold(meta, zap, ObjectType.ZAP);
  }

  private static Dnode hold(ObjectSet meta, long object, ObjectType type) {
    Dnode dnode = meta.hold(object);
    if (dnode.type() != type) {
      dnode.close();
      throw PoolException.corrupt("dead_zap", "object " + object + " is " + dnode.type());
    }
    return dnode;
  }

  private static byte[] name(Entry entry) {
    return Long.toString(entry.object).getBytes(UTF_8);
  }

  /** Enters a list; answers the set, which is made when it is 0. */
  long add(long txg, long zap, Entry entry) {
    Tx tx = Tx.inSync(txg);
    if (zap == 0) {
      try (Dnode made = meta.create(tx, ObjectType.ZAP, 512)) {
        Zap.create(tx, made, context.env());
        Zap.open(made, context.env()).putLong(tx, name(entry), entry.sinceTxg);
        return made.number();
      }
    }
    try (Dnode dnode = holdZap(meta, zap)) {
      Zap.open(dnode, context.env()).putLong(tx, name(entry), entry.sinceTxg);
    }
    return zap;
  }

  /** Takes a list out of its set. */
  void remove(long txg, long zap, Entry entry) {
    try (Dnode dnode = holdZap(meta, zap)) {
      Zap.open(dnode, context.env()).remove(Tx.inSync(txg), name(entry));
    }
  }

  /** Frees an object: a list, or a set without its lists. */
  void freeObject(long txg, long object) {
    try (Dnode dnode = meta.hold(object)) {
      dnode.free(Tx.inSync(txg));
    }
  }

  /** A new, empty list, held. */
  Dnode create(long txg, long sinceTxg) {
    Dnode list = meta.create(Tx.inSync(txg), ObjectType.DEADLIST, 512);
    list.setBonus(Tx.inSync(txg), new DeadlistRecord(sinceTxg, 0, 0).encode());
    return list;
  }

  /** The list, held; Corrupt when it is none. */
  Dnode hold(Entry entry) {
    return hold(meta, entry.object, ObjectType.DEADLIST);
  }

  /** Allocated bytes of a list's blocks. */
  long storedBytes(Entry entry) {
    try (Dnode list = hold(entry)) {
      return DeadlistRecord.decode(list.bonus()).storedBytes();
    }
  }

  /** Adds blocks to a list; answers their allocated bytes. */
  long append(long txg, Dnode list, List<BlockPointer> blocks) {
    DeadlistRecord before = DeadlistRecord.decode(list.bonus());
    Tx tx = Tx.inSync(txg);
    long stored = 0;
    int step = LIST_BLOCK_BYTES / DeadlistRecord.BLOCK_BYTES;
    Slab slab = context.io().syncMemory(LIST_BLOCK_BYTES);
    try {
      MemorySegment bytes = slab.segment();
      for (int from = 0; from < blocks.size(); from += step) {
        int to = Math.min(blocks.size(), from + step);
        for (int i = from; i < to; i++) {
          BlockPointer block = blocks.get(i);
          DeadlistRecord.encodeBlock(block, bytes, (long) (i - from) * DeadlistRecord.BLOCK_BYTES);
          stored += context.io().allocatedBytes(block);
        }
        list.write(
            tx,
            (before.count() + from) * DeadlistRecord.BLOCK_BYTES,
            bytes,
            0,
            (long) (to - from) * DeadlistRecord.BLOCK_BYTES,
            LIST_BLOCK_BYTES);
      }
    } finally {
      context.slabs().free(slab);
    }
    list.setBonus(
        tx,
        new DeadlistRecord(
                before.sinceTxg(), before.count() + blocks.size(), before.storedBytes() + stored)
            .encode());
    return stored;
  }

  /**
   * The blocks {@code [from, to)} of a list, good for freeing them.
   *
   * @throws PoolException EIO when one cannot be read, or is none
   */
  static List<BlockPointer> blocks(Dnode list, long from, long to) {
    byte[] bytes = new byte[Math.toIntExact((to - from) * DeadlistRecord.BLOCK_BYTES)];
    MemorySegment at = MemorySegment.ofArray(bytes);
    list.read(from * DeadlistRecord.BLOCK_BYTES, at, 0, bytes.length);
    List<BlockPointer> blocks = new ArrayList<>();
    for (long offset = 0; offset < bytes.length; offset += DeadlistRecord.BLOCK_BYTES) {
      blocks.add(DeadlistRecord.decodeBlock(at, offset));
    }
    return blocks;
  }

  /** How many blocks lie in one block of a list's own. */
  static int blocksPerBlock() {
    return LIST_BLOCK_BYTES / DeadlistRecord.BLOCK_BYTES;
  }
}
