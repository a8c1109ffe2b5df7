package io.lcpfs.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The working memory of one BLAKE3 computation: one chunk as words, and the stack of chaining
 * values of complete subtrees that wait for their right sibling (BLAKE3 specification, section
 * 5.1.2).
 */
final class Blake3Scratch {
  static final int CHUNK_BYTES = 1024;
  static final int BLOCK_BYTES = 64;

  static final ValueLayout.OfInt WORD =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Subtrees on the stack have different heights, so 64 are enough for any 64-bit length. */
  private static final int STACK_VALUES = 64;

  private static final ScratchPool<Blake3Scratch> POOL =
      new ScratchPool<>(64, Blake3Scratch::new, _ -> {});

  final int[] words = new int[CHUNK_BYTES / 4];
  final int[] chunkValue = new int[8];
  final int[] stack = new int[STACK_VALUES * 8];
  private int depth;

  static Blake3Scratch take() {
    Blake3Scratch scratch = POOL.take();
    scratch.depth = 0;
    return scratch;
  }

  static void give(Blake3Scratch scratch) {
    POOL.give(scratch);
  }

  /**
   * Pushes the chaining value of a subtree that more data follows, and merges it with those on its
   * left that are complete by it.
   *
   * @param subtreesSoFar how many subtrees of this size were pushed, this one included
   */
  void push(int[] value, int valueAt, long subtreesSoFar) {
    System.arraycopy(value, valueAt, stack, depth * 8, 8);
    depth++;
    for (long rest = subtreesSoFar; (rest & 1) == 0; rest >>>= 1) {
      depth--;
      Blake3Compression.parent(stack, (depth - 1) * 8, stack, (depth - 1) * 8, 0);
    }
  }

  /**
   * Adds the chaining value of the last subtree, which is not the only one, and leaves the hash in
   * the first eight words of {@link #stack}.
   */
  void finish(int[] value, int valueAt) {
    System.arraycopy(value, valueAt, stack, depth * 8, 8);
    while (depth > 0) {
      int flags = depth == 1 ? Blake3Compression.ROOT : 0;
      Blake3Compression.parent(stack, (depth - 1) * 8, stack, (depth - 1) * 8, flags);
      depth--;
    }
  }

  /**
   * The chaining value of one chunk, written to {@code out}.
   *
   * @param chunkBytes 0 to 1024; 0 only for the empty input
   * @param rootFlag ROOT when the chunk is the whole input, else 0
   */
  void chunk(
      MemorySegment data,
      long offsetBytes,
      int chunkBytes,
      long counter,
      int rootFlag,
      int[] out,
      int outAt) {
    int wholeWords = chunkBytes / 4;
    MemorySegment.copy(data, WORD, offsetBytes, words, 0, wholeWords);
    int blocks = Math.max(1, (chunkBytes + BLOCK_BYTES - 1) / BLOCK_BYTES);
    if (chunkBytes < blocks * BLOCK_BYTES) {
      padLastBlock(data, offsetBytes, chunkBytes, blocks * BLOCK_BYTES / 4);
    }
    Blake3Compression.loadIv(out, outAt);
    for (int block = 0; block < blocks; block++) {
      int flags = block == 0 ? Blake3Compression.CHUNK_START : 0;
      int blockBytes = BLOCK_BYTES;
      if (block == blocks - 1) {
        flags |= Blake3Compression.CHUNK_END | rootFlag;
        blockBytes = chunkBytes - block * BLOCK_BYTES;
      }
      Blake3Compression.compress(
          out, outAt, words, block * 16, out, outAt, counter, blockBytes, flags);
    }
  }

  private void padLastBlock(MemorySegment data, long offsetBytes, int chunkBytes, int endWord) {
    int word = chunkBytes / 4;
    int partial = 0;
    for (int i = word * 4; i < chunkBytes; i++) {
      int value = data.get(ValueLayout.JAVA_BYTE, offsetBytes + i) & 0xFF;
      partial |= value << (8 * (i & 3));
    }
    if (word < endWord) {
      words[word] = partial;
    }
    for (int i = word + 1; i < endWord; i++) {
      words[i] = 0;
    }
  }
}
