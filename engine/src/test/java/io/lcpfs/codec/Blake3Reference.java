package io.lcpfs.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * BLAKE3-256 written from the specification alone, as plainly as possible: recursive over the tree,
 * loops over the rounds, nothing shared with the kernels that it judges.
 */
final class Blake3Reference {
  private static final int[] IV = {
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19
  };
  private static final int[] PERMUTATION = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};

  private Blake3Reference() {}

  static byte[] hash(byte[] input) {
    ByteBuffer out = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
    for (int word : subtree(input, 0, input.length, 0, 8)) {
      out.putInt(word);
    }
    return out.array();
  }

  private static int[] subtree(byte[] input, int from, int to, long firstChunk, int rootFlag) {
    int length = to - from;
    if (length <= 1024) {
      return chunk(input, from, to, firstChunk, rootFlag);
    }
    int chunks = (length + 1023) / 1024;
    int leftChunks = Integer.highestOneBit(chunks - 1);
    int middle = from + leftChunks * 1024;
    int[] message = new int[16];
    System.arraycopy(subtree(input, from, middle, firstChunk, 0), 0, message, 0, 8);
    System.arraycopy(subtree(input, middle, to, firstChunk + leftChunks, 0), 0, message, 8, 8);
    return compress(IV, message, 0, 64, 4 | rootFlag);
  }

  private static int[] chunk(byte[] input, int from, int to, long counter, int rootFlag) {
    int[] chaining = IV;
    int at = from;
    do {
      int bytes = Math.min(64, to - at);
      int[] message = new int[16];
      for (int i = 0; i < bytes; i++) {
        message[i / 4] |= (input[at + i] & 0xFF) << (i % 4 * 8);
      }
      boolean last = at + bytes == to;
      int flags = (at == from ? 1 : 0) | (last ? 2 | rootFlag : 0);
      chaining = compress(chaining, message, counter, bytes, flags);
      at += bytes;
    } while (at < to);
    return chaining;
  }

  private static int[] compress(int[] chaining, int[] block, long counter, int bytes, int flags) {
    int[] v = new int[16];
    System.arraycopy(chaining, 0, v, 0, 8);
    System.arraycopy(IV, 0, v, 8, 4);
    v[12] = (int) counter;
    v[13] = (int) (counter >>> 32);
    v[14] = bytes;
    v[15] = flags;
    int[] m = block.clone();
    for (int round = 0; round < 7; round++) {
      for (int i = 0; i < 4; i++) {
        mix(v, i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1]);
      }
      for (int i = 0; i < 4; i++) {
        mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i]);
      }
      int[] permuted = new int[16];
      for (int i = 0; i < 16; i++) {
        permuted[i] = m[PERMUTATION[i]];
      }
      m = permuted;
    }
    int[] out = new int[8];
    for (int i = 0; i < 8; i++) {
      out[i] = v[i] ^ v[i + 8];
    }
    return out;
  }

  private static void mix(int[] v, int a, int b, int c, int d, int x, int y) {
    v[a] += v[b] + x;
    v[d] = Integer.rotateRight(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = Integer.rotateRight(v[b] ^ v[c], 12);
    v[a] += v[b] + y;
    v[d] = Integer.rotateRight(v[d] ^ v[a], 8);
    v[c] += v[d];
    v[b] = Integer.rotateRight(v[b] ^ v[c], 7);
  }
}
