package io.lcpfs.object;

import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Builds the next content of a tail block and makes it what readers see. Readers copy out under the
 * tails object's lock, so a content is replaced whole under it.
 */
final class TailBlock {
  private TailBlock() {}

  /**
   * The old content with the changed slots replaced.
   *
   * @param old the block as it is, or null for none
   * @param changes by slot; null where nothing changes
   * @return the new content, or null when no slot has any left
   */
  static @Nullable Slab merge(
      ObjectContext context,
      @Nullable MemorySegment old,
      ObjectSetSync.@Nullable Changed[] changes,
      long txg) {
    MemorySegment[] contents = new MemorySegment[TailRecord.SLOTS];
    long[] births = new long[TailRecord.SLOTS];
    int total = 0;
    for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
      ObjectSetSync.Changed change = changes[slot];
      if (change == null) {
        contents[slot] = old == null ? MemorySegment.NULL : TailRecord.content(old, slot);
        births[slot] = old == null ? 0 : TailRecord.birth(old, slot);
      } else {
        contents[slot] =
            change.tailContent == null || change.removeTail
                ? MemorySegment.NULL
                : change.tailContent.slab.segment().asSlice(0, change.tailLength);
        births[slot] = txg;
      }
      total += (int) contents[slot].byteSize();
    }
    if (total == 0) {
      return null;
    }
    int bytes = (TailRecord.DIRECTORY_BYTES + total + 511) & ~511;
    Slab slab = context.io().syncMemory(bytes);
    MemorySegment target = slab.segment();
    int at = TailRecord.DIRECTORY_BYTES;
    for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
      int length = (int) contents[slot].byteSize();
      TailRecord.putEntry(
          target, slot, length == 0 ? 0 : at, length, length == 0 ? 0 : births[slot]);
      MemorySegment.copy(contents[slot], 0, target, at, length);
      at += length;
    }
    target.asSlice(at).fill((byte) 0);
    return slab;
  }

  /**
   * Makes {@code content} the block that readers find, and tells the objects that they live there.
   *
   * @param old the cached block, pinned, or null
   * @param content null when the block becomes a hole
   * @return the block, pinned
   */
  static Dbuf install(
      Dnode tails,
      long blockId,
      @Nullable Dbuf old,
      @Nullable Slab content,
      ObjectSetSync.@Nullable Changed[] changes) {
    Dbuf block = old;
    boolean fresh = false;
    if (block == null) {
      block = new Dbuf(tails, 0, blockId);
      fresh = true;
    }
    Slab replaced = null;
    tails.lock.lock();
    try {
      if (content == null) {
        if (!fresh) {
          tails.blocks.remove(block);
        }
        block.detached = true;
      } else {
        replaced = block.data;
        block.data = content;
        if (fresh) {
          tails.blocks.add(block);
        }
      }
      for (ObjectSetSync.Changed change : changes) {
        if (change != null) {
          boolean stays = change.tailContent != null && !change.removeTail;
          change.dnode.setTail(stays, stays ? change.tailLength : 0);
        }
      }
    } finally {
      tails.lock.unlock();
    }
    if (replaced != null) {
      tails.objectSet().context().cache().recharge(block);
      tails.objectSet().context().slabs().free(replaced);
    } else if (fresh && content != null) {
      tails.objectSet().context().cache().insert(block);
    }
    return block;
  }
}
