package io.lcpfs.zap;

import static io.lcpfs.format.ZapRecord.BLOCK_BYTES;
import static io.lcpfs.format.ZapRecord.HEADER_BYTES;

import io.lcpfs.error.PoolException;
import io.lcpfs.object.Block;
import io.lcpfs.object.BlockObject;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Holds a whole ZAP against its rules. */
final class ZapCheck {
  private static final int MOST_LINES = 100;

  private final BlockObject object;
  private final NameHash cookieHash;
  private final List<String> problems = new ArrayList<>();
  private final Set<Integer> reached = new HashSet<>();
  private int rootLevel;
  private int limit;
  private int smallEnd;
  private long salt0;
  private long salt1;
  private long entries;

  /**
   * @param cookieHash the upper 47 bits of a name's cookie
   */
  ZapCheck(BlockObject object, NameHash cookieHash) {
    this.object = object;
    this.cookieHash = cookieHash;
  }

  List<String> run() {
    try (Block block = object.read(0)) {
      MemorySegment header = block.segment();
      rootLevel = ZapHeader.check(header, object.blockBytes());
      limit = ZapHeader.blockLimit(header);
      smallEnd = ZapHeader.layoutBytes(header);
      salt0 = ZapHeader.salt0(header);
      salt1 = ZapHeader.salt1(header);
      if (limit > object.blockCount()) {
        add("block limit " + limit + " beyond the object's " + object.blockCount() + " blocks");
      }
      node(header, 0, rootLevel, Zap.FIRST_COOKIE, Long.MAX_VALUE);
      if (ZapHeader.entryCount(header) != entries) {
        add("header counts " + ZapHeader.entryCount(header) + " entries, found " + entries);
      }
      freeList(ZapHeader.freeHead(header), ZapHeader.freeCount(header));
      if (reached.size() + 1 != limit) {
        add("block limit " + limit + ", but " + (reached.size() + 1) + " blocks are reached");
      }
    } catch (PoolException e) {
      add(e.error().message());
    }
    return problems;
  }

  private void add(String problem) {
    if (problems.size() < MOST_LINES) {
      problems.add(problem);
    }
  }

  private void child(int id, int level, long low, long last) {
    if (!reached.add(id)) {
      add("block " + id + " is reached twice");
      return;
    }
    try (Block block = object.read(id)) {
      node(block.segment(), id, level, low, last);
    } catch (PoolException e) {
      add("block " + id + ": " + e.error().message());
    }
  }

  private void node(MemorySegment node, int id, int level, long low, long last) {
    int base = ZapNode.base(id);
    if (level == 0) {
      leaf(node, base, id, low, last);
      return;
    }
    int count = ZapInterior.count(node, base, level, id);
    for (int i = 0; i < count; i++) {
      long from = i == 0 ? low : ZapInterior.key(node, base, i);
      long to = i + 1 == count ? last : ZapInterior.key(node, base, i + 1) - 1;
      if (from < low || to > last || from > to) {
        add(
            "block "
                + id
                + ": branch "
                + i
                + " holds cookies "
                + from
                + " to "
                + to
                + " within "
                + low
                + " to "
                + last);
      } else {
        child(ZapInterior.child(node, base, i, limit), level - 1, from, to);
      }
    }
  }

  private void leaf(MemorySegment leaf, int base, int id, long low, long last) {
    int end = base == HEADER_BYTES ? smallEnd : BLOCK_BYTES;
    int count = ZapLeaf.count(leaf, base, end, id);
    ZapCursor.checkLeafBounds(leaf, base, count, rootLevel, low, last);
    ZapLeaf.verify(leaf, base, end, count, low, last);
    entries += count;
    long[] spans = new long[count];
    for (int i = 0; i < count; i++) {
      int at = ZapLeaf.entryAt(leaf, base, end, i);
      spans[i] = (long) at << 32 | ZapLeaf.entryBytes(leaf, at);
      byte[] name = ZapLeaf.name(leaf, at);
      long hash = ZapLeaf.cookie(leaf, base, i) >>> Zap.COLLISION_BITS;
      if (cookieHash.hash(salt0, salt1, name, 0, name.length) != hash) {
        add("block " + id + ": slot " + i + " has another hash than its name");
      }
      // Names of equal hash are next to each other, and as a rule there are none.
      for (int j = i - 1;
          j >= 0 && ZapLeaf.cookie(leaf, base, j) >>> Zap.COLLISION_BITS == hash;
          j--) {
        int other = ZapLeaf.entryAt(leaf, base, end, j);
        if (ZapLeaf.nameEquals(leaf, other, name, 0, name.length)) {
          add("block " + id + ": slots " + j + " and " + i + " have the same name");
        }
      }
    }
    Arrays.sort(spans);
    for (int i = 1; i < count; i++) {
      if ((spans[i - 1] >>> 32) + (int) spans[i - 1] > spans[i] >>> 32) {
        add("block " + id + ": entries overlap at offset " + (spans[i] >>> 32));
      }
    }
  }

  private void freeList(int head, int count) {
    int found = 0;
    for (int id = head; id != 0; found++) {
      if (!reached.add(id)) {
        add("free block " + id + " is reached twice");
        return;
      }
      try (Block block = object.read(id)) {
        id = ZapNode.freeNext(block.segment(), id, limit);
      }
    }
    if (found != count) {
      add("header counts " + count + " free blocks, found " + found);
    }
  }
}
