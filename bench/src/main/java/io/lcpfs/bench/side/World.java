package io.lcpfs.bench.side;

import io.lcpfs.env.Env;
import io.lcpfs.pool.Tuning;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * What all rows share: sizes, a folder on the host's file system, the pools, and random data whose
 * every 4 KiB page is known by its first word.
 */
final class World implements AutoCloseable {
  static final int PAGE_BYTES = 4096;
  static final int CHUNK_BYTES = 1 << 20;
  private static final int SOURCE_BYTES = 32 << 20;

  final Options options;
  final Env env;
  final Path directory;
  final long fileBytes;
  final int smallFiles;
  final int randomReads;
  final int overwrites;
  final MemorySegment source;
  private final long[] firstWords = new long[SOURCE_BYTES / PAGE_BYTES];
  private final Arena arena = Arena.ofShared();
  private final KeptMemory memory = new KeptMemory();
  private @Nullable LcpfsPool main;
  private @Nullable LcpfsPool small;

  World(Options options, Env env) throws IOException {
    this.options = options;
    this.env = env;
    this.directory =
        Files.createTempDirectory(Files.createDirectories(options.directory()), "lcpfs-bench-");
    int part = options.quick() ? 16 : 1;
    this.fileBytes = (1L << 30) / part;
    this.smallFiles = 20_000 / part;
    this.randomReads = 2_000_000 / part;
    this.overwrites = 65_536 / part;
    this.source = arena.allocate(SOURCE_BYTES, PAGE_BYTES);
    SplittableRandom random = new SplittableRandom(options.seed());
    for (long at = 0; at < SOURCE_BYTES; at += Long.BYTES) {
      source.set(ValueLayout.JAVA_LONG, at, random.nextLong());
    }
    for (int page = 0; page < firstWords.length; page++) {
      firstWords[page] = source.get(ValueLayout.JAVA_LONG, (long) page * PAGE_BYTES);
    }
  }

  /** Off-heap memory, page aligned, until the world ends. */
  MemorySegment buffer(int bytes) {
    return arena.allocate(bytes, PAGE_BYTES);
  }

  /** Where in the source the content of a data file at this offset is. */
  long sourceOffset(long fileOffset) {
    return fileOffset % SOURCE_BYTES;
  }

  /** The first word of the page of a data file that begins at this offset. */
  long firstWord(long fileOffset) {
    return firstWords[(int) (fileOffset % SOURCE_BYTES) / PAGE_BYTES];
  }

  /** A page number, evenly distributed, for a random 64-bit word. */
  static long page(long random, long pages) {
    return ((random >>> 33) * pages) >>> 31;
  }

  /** The next of a sequence of random words; made in place, so that no row measures a generator. */
  static long step(long random) {
    return random * 6_364_136_223_846_793_005L + 1_442_695_040_888_963_407L;
  }

  private Tuning tuning(long cacheBytes, long dirtyBytes) {
    int part = options.quick() ? 16 : 1;
    // The least that a 16 MiB flow of writes works well in.
    return Tuning.standard()
        .withMemory(memory)
        .withCacheBytes(Math.max(256L << 20, cacheBytes / part))
        .withDirtyBytes(Math.max(64L << 20, dirtyBytes / part));
  }

  /** The pool of all rows that do not name their own. */
  LcpfsPool pool() {
    if (main == null) {
      main =
          new LcpfsPool(
              directory.resolve("main.pool"),
              poolBytes(),
              "bench",
              tuning(3L << 30, 1L << 30),
              Map.of(),
              env);
    }
    return main;
  }

  /** The pool with records of 4 KiB. */
  LcpfsPool poolOfSmallRecords() {
    if (small == null) {
      small =
          new LcpfsPool(
              directory.resolve("small.pool"),
              poolBytes(),
              "small",
              tuning(2L << 30, 256L << 20),
              Map.of("recordsize", "4096"),
              env);
    }
    return small;
  }

  long poolBytes() {
    return Math.max(12 * fileBytes, 1L << 30);
  }

  Path hostFile(String name) {
    return directory.resolve(name);
  }

  /** A new file of the host with the known content, synced. */
  Path writeHostFile(String name) throws IOException {
    Path file = hostFile(name);
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      for (long at = 0; at < fileBytes; at += CHUNK_BYTES) {
        writeFully(channel, source.asSlice(sourceOffset(at), CHUNK_BYTES), at);
      }
      channel.force(true);
    }
    return file;
  }

  static void writeFully(FileChannel channel, MemorySegment data, long offset) throws IOException {
    var buffer = data.asByteBuffer();
    long at = offset;
    while (buffer.hasRemaining()) {
      at += channel.write(buffer, at);
    }
  }

  /** A file of a pool with the known content, synced. */
  void writePoolFile(LcpfsPool pool, String path) {
    try (var file = pool.create(path)) {
      for (long at = 0; at < fileBytes; at += CHUNK_BYTES) {
        writeFully(file, sourceOffset(at), CHUNK_BYTES, at);
      }
    }
    pool.pool().sync();
  }

  void writeFully(io.lcpfs.posix.FileHandle file, long sourceOffset, int length, long offset) {
    int written = file.write(offset, source, sourceOffset, length);
    if (written != length) {
      throw new IllegalStateException("short write: " + written + " of " + length);
    }
  }

  /**
   * Ends what the last measurement may have left to do, so that the next one does not pay for it.
   */
  void settle() throws IOException {
    if (main != null) {
      main.pool().sync();
    }
    if (small != null) {
      small.pool().sync();
    }
    HostSystem.sync(directory);
    System.gc();
  }

  /** What the checks of the pools find wrong. */
  java.util.List<String> verify() {
    java.util.List<String> findings = new java.util.ArrayList<>();
    if (main != null) {
      findings.addAll(main.verify());
    }
    if (small != null) {
      findings.addAll(small.verify());
    }
    return findings;
  }

  @Override
  public void close() throws IOException {
    try {
      if (main != null) {
        main.close();
      }
      if (small != null) {
        small.close();
      }
    } finally {
      memory.clear();
      HostSystem.removeTree(directory);
      arena.close();
    }
  }
}
