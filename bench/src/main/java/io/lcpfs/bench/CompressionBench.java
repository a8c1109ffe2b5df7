package io.lcpfs.bench;

import io.lcpfs.codec.Compression;
import io.lcpfs.codec.Compressor;
import io.lcpfs.codec.Compressors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * Compression of 128 KiB records of the corpus into targets of 7/8 their size, and back. One
 * operation: all records once, so that every kind counts equally however slow the algorithm is.
 */
@State(Scope.Thread)
public class CompressionBench {
  static final int RECORD_BYTES = 128 << 10;
  private static final int KIND_BYTES = 512 << 10;

  @Param({"lz4", "zstd-1", "zstd", "zstd-9", "zstd-19", "lzma-1", "lzma"})
  String property = "off";

  /** Records: those of the whole corpus, or those of its random part only. */
  @Param({"corpus", "random"})
  String records = "";

  private Compressor compressor = Compressors.of(Compression.OFF);
  private final List<MemorySegment> plain = new ArrayList<>();
  private final List<MemorySegment> packed = new ArrayList<>();
  private MemorySegment target = MemorySegment.NULL;
  private MemorySegment back = MemorySegment.NULL;

  /**
   * Makes the corpus and compresses all of it once; a record that does not shrink is kept plain.
   */
  @Setup
  public void setUp() {
    setUp(property, records);
  }

  /** As {@link #setUp()} for given parameters. */
  void setUp(String propertyValue, String which) {
    compressor = Compressors.of(Compression.parse(propertyValue));
    target = Arena.global().allocate(RECORD_BYTES * 7L / 8, 4096);
    back = Arena.global().allocate(RECORD_BYTES, 4096);
    Corpus corpus = new Corpus(KIND_BYTES);
    if (which.equals("random")) {
      corpus.kinds().keySet().retainAll(List.of("random"));
    }
    for (byte[] record : corpus.records(RECORD_BYTES)) {
      MemorySegment memory = Arena.global().allocate(RECORD_BYTES, 4096);
      MemorySegment.copy(record, 0, memory, ValueLayout.JAVA_BYTE, 0, record.length);
      plain.add(memory);
      int bytes = compressor.compress(memory, target);
      if (bytes > 0) {
        packed.add(Arena.global().allocate(bytes, 4096).copyFrom(target.asSlice(0, bytes)));
      }
    }
  }

  /** Plain bytes over stored bytes; a record that does not shrink is stored plain. */
  double ratio() {
    long stored = (long) (plain.size() - packed.size()) * RECORD_BYTES;
    for (MemorySegment record : packed) {
      stored += record.byteSize();
    }
    return (double) plain.size() * RECORD_BYTES / stored;
  }

  /** Plain bytes of one operation of {@link #compress}. */
  long compressedPerOperation() {
    return (long) plain.size() * RECORD_BYTES;
  }

  /** Plain bytes of one operation of {@link #decompress}. */
  long decompressedPerOperation() {
    return (long) packed.size() * RECORD_BYTES;
  }

  /** Compresses every record; answers the bytes written. */
  @Benchmark
  public long compress(CpuClock clock) {
    clock.operations++;
    long bytes = 0;
    for (MemorySegment record : plain) {
      bytes += compressor.compress(record, target);
    }
    return bytes;
  }

  /** Decompresses every record that had shrunk. */
  @Benchmark
  public MemorySegment decompress(CpuClock clock) {
    clock.operations++;
    for (MemorySegment record : packed) {
      compressor.decompress(record, back);
    }
    return back;
  }
}
