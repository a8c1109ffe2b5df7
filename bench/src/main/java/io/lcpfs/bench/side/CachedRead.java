package io.lcpfs.bench.side;

import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Random pages of a file that is wholly in memory; each thread has a handle of its own. */
final class CachedRead extends Row {
  private static final String NAME = "cached";
  private final World world;
  private final int threads;
  private final List<MemorySegment> buffers = new ArrayList<>();

  CachedRead(World world, int threads) {
    super(
        "cached" + threads,
        "cached 4 KiB random read, " + threads + (threads == 1 ? " thread" : " threads"),
        "reads/s",
        1.25,
        threads * 1_200_000.0);
    this.world = world;
    this.threads = threads;
    for (int i = 0; i < threads; i++) {
      buffers.add(world.buffer(World.PAGE_BYTES));
    }
  }

  @Override
  void prepare() throws Exception {
    if (!java.nio.file.Files.exists(world.hostFile(NAME))) {
      world.writeHostFile(NAME);
      world.writePoolFile(world.pool(), NAME);
    }
  }

  /** Reads the page at an offset; on either side. */
  private interface PageReader extends AutoCloseable {
    int read(long offset) throws Exception;
  }

  private interface Opener {
    PageReader open(MemorySegment buffer) throws Exception;
  }

  private static final class ChannelReader implements PageReader {
    private final FileChannel channel;
    private final ByteBuffer target;

    ChannelReader(FileChannel channel, ByteBuffer target) {
      this.channel = channel;
      this.target = target;
    }

    @Override
    public int read(long offset) throws Exception {
      target.clear();
      return channel.read(target, offset);
    }

    @Override
    public void close() throws Exception {
      channel.close();
    }
  }

  private static final class HandleReader implements PageReader {
    private final FileHandle handle;
    private final MemorySegment target;

    HandleReader(FileHandle handle, MemorySegment target) {
      this.handle = handle;
      this.target = target;
    }

    @Override
    public int read(long offset) {
      return handle.read(offset, target, 0, World.PAGE_BYTES);
    }

    @Override
    public void close() {
      handle.close();
    }
  }

  @Override
  Sample host(long seed) throws Exception {
    return measure(
        seed,
        buffer ->
            new ChannelReader(
                FileChannel.open(world.hostFile(NAME), StandardOpenOption.READ),
                buffer.asByteBuffer()));
  }

  @Override
  Sample lcpfs(long seed) throws Exception {
    return measure(
        seed, buffer -> new HandleReader(world.pool().open(NAME, OpenFlags.O_RDONLY), buffer));
  }

  private Sample measure(long seed, Opener opener) throws Exception {
    try (PageReader reader = opener.open(buffers.getFirst())) {
      for (long at = 0; at < world.fileBytes; at += World.PAGE_BYTES) {
        read(reader, buffers.getFirst(), at);
      }
    }
    world.settle();
    int each = world.randomReads;
    CyclicBarrier start = new CyclicBarrier(threads + 1);
    CyclicBarrier end = new CyclicBarrier(threads + 1);
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      List<Future<Long>> allocated = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        MemorySegment buffer = buffers.get(i);
        long mine = seed + i;
        allocated.add(
            pool.submit(
                () -> {
                  try (PageReader reader = opener.open(buffer)) {
                    start.await();
                    long before = Meter.threadAllocatedBytes();
                    run(reader, buffer, mine, each);
                    long bytes = Meter.threadAllocatedBytes() - before;
                    end.await();
                    return bytes;
                  }
                }));
      }
      start.await();
      Meter meter = Meter.start();
      end.await();
      Sample sample = meter.stop((double) each * threads, (long) each * threads);
      long bytes = 0;
      for (Future<Long> one : allocated) {
        bytes += one.get();
      }
      return new Sample(sample.value(), sample.operations(), sample.cpuNanos(), bytes);
    }
  }

  private void run(PageReader reader, MemorySegment buffer, long seed, int count) throws Exception {
    long pages = world.fileBytes / World.PAGE_BYTES;
    long random = World.step(seed);
    for (int i = 0; i < count; i++) {
      random = World.step(random);
      read(reader, buffer, World.page(random, pages) * World.PAGE_BYTES);
    }
  }

  private void read(PageReader reader, MemorySegment buffer, long offset) throws Exception {
    if (reader.read(offset) != World.PAGE_BYTES
        || buffer.get(ValueLayout.JAVA_LONG, 0) != world.firstWord(offset)) {
      throw new IllegalStateException("wrong content at " + offset);
    }
  }
}
