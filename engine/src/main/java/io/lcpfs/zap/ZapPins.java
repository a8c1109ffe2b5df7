package io.lcpfs.zap;

import io.lcpfs.object.Block;
import io.lcpfs.object.BlockObject;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The blocks that one change is about to touch. All are pinned before the first is written to, so
 * that a failure to get one leaves the ZAP as it was.
 */
final class ZapPins implements AutoCloseable {
  private final BlockObject object;
  private final Tx tx;
  private @Nullable Block[] pinned = new Block[4];
  private int[] ids = new int[4];
  private int size;

  ZapPins(BlockObject object, Tx tx) {
    this.object = object;
    this.tx = tx;
  }

  /** The bytes of block {@code id}, to be changed; the same each time. */
  MemorySegment modify(int id) {
    for (int i = 0; i < size; i++) {
      Block block = pinned[i];
      if (ids[i] == id && block != null) {
        return block.segment();
      }
    }
    if (size == ids.length) {
      pinned = Arrays.copyOf(pinned, size * 2);
      ids = Arrays.copyOf(ids, size * 2);
    }
    Block block = object.modify(tx, id);
    pinned[size] = block;
    ids[size++] = id;
    return block.segment();
  }

  /** Whether {@link #modify} was asked for block {@code id}. */
  boolean has(int id) {
    for (int i = 0; i < size; i++) {
      if (ids[i] == id) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    while (size > 0) {
      Block block = pinned[--size];
      if (block != null) {
        block.close();
      }
    }
  }
}
