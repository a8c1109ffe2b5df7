package io.lcpfs.zap;

import static io.lcpfs.format.ZapRecord.HEADER_BYTES;
import static io.lcpfs.format.ZapRecord.SMALLEST_BYTES;

import io.lcpfs.error.PoolException;
import io.lcpfs.object.BlockObject;
import io.lcpfs.txg.Tx;

/** How large block 0 of a small ZAP should be. */
final class SmallBlock {
  private SmallBlock() {}

  /**
   * The layout to shrink to: half, again and again, while the content fills at most half of that.
   */
  static int shrunk(int layoutBytes, int usedBytes) {
    int layout = layoutBytes;
    while (layout > SMALLEST_BYTES && usedBytes <= ZapLeaf.capacity(HEADER_BYTES, layout / 2) / 2) {
      layout /= 2;
    }
    return layout;
  }

  /**
   * Gives back what the object has beyond the layout of a small ZAP. The change that made it small
   * is done and stays done when this fails: a larger object is sound, and the next change tries
   * again.
   */
  static void fit(BlockObject object, Tx tx, int layoutBytes) {
    if (object.blockCount() <= 1 && object.blockBytes() <= layoutBytes) {
      return;
    }
    try {
      if (object.blockCount() > 1) {
        object.truncateBlocks(tx, 1);
      }
      object.setBlockBytes(tx, layoutBytes);
    } catch (PoolException e) {
      // Not an error of the caller's change; see above.
      return;
    }
  }
}
