package io.lcpfs.codec;

import static io.lcpfs.codec.Blake3Lanes.GROUP;
import static io.lcpfs.codec.Blake3Lanes.L;
import static io.lcpfs.codec.Blake3Scratch.BLOCK_BYTES;
import static io.lcpfs.codec.Blake3Scratch.CHUNK_BYTES;
import static io.lcpfs.codec.Blake3Scratch.WORD;

import java.lang.foreign.MemorySegment;

/**
 * BLAKE3-256 over {@link Blake3Lanes}: chunks are compressed side by side, and so are the parents
 * of each level of the tree, subtree by subtree of 128 KiB. Loaded only where the vector module is.
 */
final class Blake3Vector {
  /** A power of two, so that subtrees merge as single chunks do. */
  private static final int SUBTREE_CHUNKS = 128;

  private static final int SUBTREE_BYTES = SUBTREE_CHUNKS * CHUNK_BYTES;
  private static final int GROUP_BYTES = GROUP * CHUNK_BYTES;

  /** Nodes per row; a last batch may read and write a vector or two of nodes that nobody needs. */
  private static final int STRIDE = SUBTREE_CHUNKS + 2 * L;

  /** Below this many parents, one after the other is faster than a vector mostly empty. */
  private static final int LEAST_WIDE_PARENTS = 3;

  private static final int[] NO_COUNTERS = new int[L];

  private static final class Scratch {
    /** One vector longer than needed: {@link Blake3Lanes#pair} reads past the last row. */
    final int[] h = new int[9 * L];

    final int[] m = new int[16 * L];
    final int[] counters = new int[L];
    final int[] rows = new int[8 * STRIDE];
    final int[] odd = new int[8];
    final int[] children = new int[16];
    final int[] value = new int[8];
  }

  private static final ScratchPool<Scratch> POOL = new ScratchPool<>(64, Scratch::new, _ -> {});

  private Blake3Vector() {}

  /** Writes the hash of all of {@code data}, of any length, to {@code out}. */
  static void hash(MemorySegment data, MemorySegment out, long outOffsetBytes) {
    if (data.byteSize() < GROUP_BYTES) {
      Blake3Scalar.hash(data, out, outOffsetBytes);
      return;
    }
    Scratch scratch = POOL.take();
    Blake3Scratch tree = Blake3Scratch.take();
    try {
      int[] hash = hash(scratch, tree, data);
      MemorySegment.copy(hash, 0, out, WORD, outOffsetBytes, 8);
    } finally {
      Blake3Scratch.give(tree);
      POOL.give(scratch);
    }
  }

  private static int[] hash(Scratch scratch, Blake3Scratch tree, MemorySegment data) {
    long rest = data.byteSize();
    long offset = 0;
    long subtrees = 0;
    for (; rest > SUBTREE_BYTES; rest -= SUBTREE_BYTES) {
      leaves(scratch, tree, data, offset, SUBTREE_BYTES);
      reduce(scratch, SUBTREE_CHUNKS, 0);
      subtrees++;
      tree.push(scratch.value, 0, subtrees);
      offset += SUBTREE_BYTES;
    }
    int nodes = leaves(scratch, tree, data, offset, (int) rest);
    if (subtrees == 0) {
      reduce(scratch, nodes, Blake3Compression.ROOT);
      return scratch.value;
    }
    reduce(scratch, nodes, 0);
    tree.finish(scratch.value, 0);
    return tree.stack;
  }

  /** Fills the rows with the chaining values of the chunks of one subtree; answers their number. */
  private static int leaves(
      Scratch scratch, Blake3Scratch tree, MemorySegment data, long offset, int bytes) {
    int full = bytes / CHUNK_BYTES;
    long firstChunk = offset / CHUNK_BYTES;
    int done = 0;
    if (full >= GROUP) {
      for (; done < full; done += L) {
        batch(scratch, data, offset, firstChunk, done, full);
      }
      done = full;
    }
    int chunks = (bytes + CHUNK_BYTES - 1) / CHUNK_BYTES;
    for (; done < chunks; done++) {
      int at = done * CHUNK_BYTES;
      int length = Math.min(CHUNK_BYTES, bytes - at);
      tree.chunk(data, offset + at, length, firstChunk + done, 0, scratch.value, 0);
      scatter(scratch.value, scratch.rows, done);
    }
    return chunks;
  }

  /**
   * The chaining values of chunks {@code done} and those that follow, as many as there are lanes.
   * Where fewer than that are left, a group of lanes starts earlier and repeats what is known.
   */
  private static void batch(
      Scratch scratch, MemorySegment data, long offset, long firstChunk, int done, int full) {
    int lastGroup = full - GROUP;
    for (int lane = 0; lane < L; lane++) {
      int start = Math.min(done + lane / GROUP * GROUP, lastGroup);
      scratch.counters[lane] = (int) firstChunk + start + lane % GROUP;
    }
    int[] h = scratch.h;
    compressChunks(
        scratch,
        data,
        offset + (long) Math.min(done, lastGroup) * CHUNK_BYTES,
        data,
        offset + (long) Math.min(done + GROUP, lastGroup) * CHUNK_BYTES,
        data,
        offset + (long) Math.min(done + 2 * GROUP, lastGroup) * CHUNK_BYTES,
        data,
        offset + (long) Math.min(done + 3 * GROUP, lastGroup) * CHUNK_BYTES,
        (int) (firstChunk >>> 32));
    int[] rows = scratch.rows;
    if (full - done >= L) {
      for (int word = 0; word < 8; word++) {
        System.arraycopy(h, word * L, rows, word * STRIDE + done, L);
      }
      return;
    }
    for (int group = 0; group < L / GROUP; group++) {
      int start = Math.min(done + group * GROUP, lastGroup);
      for (int word = 0; word < 8; word++) {
        System.arraycopy(h, word * L + group * GROUP, rows, word * STRIDE + start, GROUP);
      }
    }
  }

  /** Leaves the chaining values of L whole chunks in h; their counters are set already. */
  private static void compressChunks(
      Scratch scratch,
      MemorySegment s0,
      long o0,
      MemorySegment s1,
      long o1,
      MemorySegment s2,
      long o2,
      MemorySegment s3,
      long o3,
      int counterHigh) {
    int[] m = scratch.m;
    Blake3Lanes.start(scratch.h);
    for (int at = 0; at < CHUNK_BYTES; at += BLOCK_BYTES) {
      if (L == 16) {
        Blake3Lanes.gather16(s0, o0 + at, s1, o1 + at, s2, o2 + at, s3, o3 + at, m);
      } else {
        Blake3Lanes.gather8(s0, o0 + at, s1, o1 + at, m, 0);
        Blake3Lanes.gather8(s0, o0 + at + 32, s1, o1 + at + 32, m, 8 * L);
      }
      int flags = at == 0 ? Blake3Compression.CHUNK_START : 0;
      if (at == CHUNK_BYTES - BLOCK_BYTES) {
        flags |= Blake3Compression.CHUNK_END;
      }
      Blake3Lanes.compress(scratch.h, m, scratch.counters, counterHigh, flags);
    }
  }

  /** Joins the first {@code nodes} nodes of the rows level by level into {@code scratch.value}. */
  private static void reduce(Scratch scratch, int nodes, int rootFlag) {
    int[] rows = scratch.rows;
    int left = nodes;
    while (left > 1) {
      int parents = left / 2;
      boolean odd = left % 2 != 0;
      if (odd) {
        gather(rows, left - 1, scratch.odd, 0);
      }
      int flags = left == 2 ? rootFlag : 0;
      if (parents >= LEAST_WIDE_PARENTS) {
        for (int parent = 0; parent < parents; parent += L) {
          Blake3Lanes.pair(rows, STRIDE, 2 * parent, scratch.m);
          compressParents(scratch, flags);
          for (int word = 0; word < 8; word++) {
            System.arraycopy(scratch.h, word * L, rows, word * STRIDE + parent, L);
          }
        }
      } else {
        for (int parent = 0; parent < parents; parent++) {
          gather(rows, 2 * parent, scratch.children, 0);
          gather(rows, 2 * parent + 1, scratch.children, 8);
          Blake3Compression.parent(scratch.children, 0, scratch.value, 0, flags);
          scatter(scratch.value, rows, parent);
        }
      }
      if (odd) {
        scatter(scratch.odd, rows, parents);
        parents++;
      }
      left = parents;
    }
    gather(rows, 0, scratch.value, 0);
  }

  private static void compressParents(Scratch scratch, int flags) {
    Blake3Lanes.start(scratch.h);
    Blake3Lanes.compress(scratch.h, scratch.m, NO_COUNTERS, 0, Blake3Compression.PARENT | flags);
  }

  private static void gather(int[] rows, int node, int[] value, int valueAt) {
    for (int word = 0; word < 8; word++) {
      value[valueAt + word] = rows[word * STRIDE + node];
    }
  }

  private static void scatter(int[] value, int[] rows, int node) {
    for (int word = 0; word < 8; word++) {
      rows[word * STRIDE + node] = value[word];
    }
  }

  /** As {@link Checksum#computeMany}: small blocks share a batch. */
  static void hashMany(MemorySegment[] blocks, MemorySegment[] outs, int count) {
    int done = 0;
    if (count > 1) {
      long bytes = blocks[0].byteSize();
      if (bytes == GROUP_BYTES || (bytes == 2 * GROUP_BYTES && L == 16)) {
        int groups = (int) bytes / GROUP_BYTES;
        int together = L / GROUP / groups;
        Scratch scratch = POOL.take();
        try {
          for (int lane = 0; lane < L; lane++) {
            scratch.counters[lane] = lane % (groups * GROUP);
          }
          for (; count - done > 1; done = Math.min(count, done + together)) {
            hashTogether(scratch, blocks, outs, done, Math.min(count, done + together), groups);
          }
        } finally {
          POOL.give(scratch);
        }
      }
    }
    for (; done < count; done++) {
      hash(blocks[done], outs[done], 0);
    }
  }

  /**
   * Hashes blocks {@code from} to {@code to} - 1, each of 1 or 2 groups of chunks, in one batch.
   */
  private static void hashTogether(
      Scratch scratch, MemorySegment[] blocks, MemorySegment[] outs, int from, int to, int groups) {
    int last = to - 1;
    int second = groups - 1; // Two groups to a block: every odd one starts in the block's middle.
    compressChunks(
        scratch,
        blocks[from],
        0,
        blocks[Math.min(from + 1 / groups, last)],
        (long) second * GROUP_BYTES,
        blocks[Math.min(from + 2 / groups, last)],
        0,
        blocks[Math.min(from + 3 / groups, last)],
        (long) second * GROUP_BYTES,
        0);
    for (int nodes = groups * GROUP; nodes > 1; nodes /= 2) {
      Blake3Lanes.pair(scratch.h, L, 0, scratch.m);
      compressParents(scratch, nodes == 2 ? Blake3Compression.ROOT : 0);
    }
    for (int block = from; block < to; block++) {
      for (int word = 0; word < 8; word++) {
        outs[block].set(WORD, 4L * word, scratch.h[word * L + block - from]);
      }
    }
  }
}
