package io.lcpfs.sim.model;

import io.lcpfs.sim.world.Digest;
import java.util.Arrays;
import java.util.NavigableMap;
import java.util.TreeMap;

/** The content of a file: chunks of 4 KiB where something was written, zeros elsewhere. */
public final class SparseBytes {
  public static final int CHUNK_BYTES = 4096;

  private final TreeMap<Long, byte[]> chunks = new TreeMap<>();
  private final TreeMap<Long, Long> hashes = new TreeMap<>();
  private long size;

  public long size() {
    return size;
  }

  /** Bytes held in memory. */
  public long storedBytes() {
    return (long) chunks.size() * CHUNK_BYTES;
  }

  public void write(long offset, byte[] bytes, int length) {
    int done = 0;
    while (done < length) {
      long position = offset + done;
      int inChunk = (int) (position % CHUNK_BYTES);
      int count = Math.min(CHUNK_BYTES - inChunk, length - done);
      byte[] chunk = chunks.computeIfAbsent(position / CHUNK_BYTES, index -> new byte[CHUNK_BYTES]);
      System.arraycopy(bytes, done, chunk, inChunk, count);
      hashes.remove(position / CHUNK_BYTES);
      done += count;
    }
    size = Math.max(size, offset + length);
  }

  /** Up to {@code length} bytes; fewer at the end of the content. */
  public byte[] read(long offset, int length) {
    if (offset >= size) {
      return new byte[0];
    }
    byte[] bytes = new byte[(int) Math.min(length, size - offset)];
    int done = 0;
    while (done < bytes.length) {
      long position = offset + done;
      int inChunk = (int) (position % CHUNK_BYTES);
      int count = Math.min(CHUNK_BYTES - inChunk, bytes.length - done);
      byte[] chunk = chunks.get(position / CHUNK_BYTES);
      if (chunk != null) {
        System.arraycopy(chunk, inChunk, bytes, done, count);
      }
      done += count;
    }
    return bytes;
  }

  public void truncate(long newSize) {
    if (newSize < size) {
      zero(newSize, size);
    }
    size = newSize;
  }

  /** Makes a range read as zeros; the size stays. */
  public void punch(long offset, long length) {
    if (offset < size) {
      zero(offset, length > size - offset ? size : offset + length);
    }
  }

  private void zero(long from, long to) {
    long first = from / CHUNK_BYTES;
    long last = (to - 1) / CHUNK_BYTES;
    NavigableMap<Long, byte[]> touched = chunks.subMap(first, true, last, true);
    touched
        .entrySet()
        .removeIf(
            entry -> {
              long start = entry.getKey() * CHUNK_BYTES;
              int a = (int) Math.max(0, from - start);
              int b = (int) Math.min(CHUNK_BYTES, to - start);
              if (a < b) {
                Arrays.fill(entry.getValue(), a, b, (byte) 0);
                hashes.remove(entry.getKey());
              }
              return a == 0 && b == CHUNK_BYTES;
            });
  }

  /** The hash of every chunk that is not all zeros, by its index. */
  public Fingerprint fingerprint() {
    TreeMap<Long, Long> result = new TreeMap<>();
    chunks.forEach(
        (index, chunk) -> {
          long hash = hashes.computeIfAbsent(index, i -> Fingerprint.hashOf(chunk, CHUNK_BYTES));
          if (hash != Fingerprint.ZEROS) {
            result.put(index, hash);
          }
        });
    return new Fingerprint(size, result);
  }

  /** Content in short: size, and the hash of every chunk of 4 KiB that is not all zeros. */
  public record Fingerprint(long size, NavigableMap<Long, Long> chunkHashes) {
    /** Stands for a chunk of zeros. */
    public static final long ZEROS = 0;

    /** Stands for a chunk that could not be read. */
    public static final long UNREADABLE = -1;

    /** The hash of a chunk; a short last one counts as filled up with zeros. */
    public static long hashOf(byte[] chunk, int length) {
      byte[] whole =
          length == CHUNK_BYTES && chunk.length == CHUNK_BYTES
              ? chunk
              : Arrays.copyOf(Arrays.copyOf(chunk, length), CHUNK_BYTES);
      boolean allZero = true;
      for (int i = 0; i < whole.length && allZero; i++) {
        allZero = whole[i] == 0;
      }
      if (allZero) {
        return ZEROS;
      }
      long hash = Digest.of(whole);
      return hash == ZEROS || hash == UNREADABLE ? 1 : hash;
    }

    public long hash() {
      Digest digest = new Digest();
      digest.add(size);
      chunkHashes.forEach(
          (index, hash) -> {
            digest.add(index);
            digest.add(hash);
          });
      return digest.value();
    }
  }
}
