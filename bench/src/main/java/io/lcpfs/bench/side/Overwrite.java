package io.lcpfs.bench.side;

import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Random pages of a cached file overwritten, and then synced. */
final class Overwrite extends Row {
  private final World world;
  private final boolean smallRecords;
  private final String name;
  private final MemorySegment buffer;

  Overwrite(World world, boolean smallRecords) {
    super(
        smallRecords ? "overwrite4k" : "overwrite",
        "random 4 KiB overwrites of a cached file, final sync"
            + (smallRecords ? ", 4 KiB records" : ""),
        "writes/s",
        0,
        smallRecords ? 30_000 : 60_000);
    this.world = world;
    this.smallRecords = smallRecords;
    this.name = smallRecords ? "overwritten4k" : "overwritten";
    this.buffer = world.buffer(World.CHUNK_BYTES);
  }

  private LcpfsPool pool() {
    return smallRecords ? world.poolOfSmallRecords() : world.pool();
  }

  @Override
  String configuration() {
    return smallRecords ? Comparison.describe(pool(), 4096) : "";
  }

  @Override
  void prepare() throws Exception {
    world.writeHostFile(name);
    world.writePoolFile(pool(), name);
  }

  @Override
  Sample host(long seed) throws Exception {
    Path file = world.hostFile(name);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      var target = buffer.asByteBuffer();
      for (long at = 0; at < world.fileBytes; at += World.CHUNK_BYTES) {
        target.clear();
        int _ = channel.read(target, at);
      }
      world.settle();
      Meter meter = Meter.start();
      long random = World.step(seed);
      long pages = world.fileBytes / World.PAGE_BYTES;
      var content = world.source.asByteBuffer();
      for (int i = 0; i < world.overwrites; i++) {
        random = World.step(random);
        long from = world.sourceOffset((long) i * World.PAGE_BYTES);
        content.limit((int) from + World.PAGE_BYTES).position((int) from);
        int written = channel.write(content, World.page(random, pages) * World.PAGE_BYTES);
        if (written != World.PAGE_BYTES) {
          throw new IllegalStateException("short write");
        }
      }
      channel.force(true);
      return meter.stop(world.overwrites, world.overwrites);
    }
  }

  @Override
  Sample lcpfs(long seed) throws Exception {
    LcpfsPool pool = pool();
    try (FileHandle file = pool.open(name, OpenFlags.O_RDWR)) {
      for (long at = 0; at < world.fileBytes; at += World.CHUNK_BYTES) {
        int _ = file.read(at, buffer, 0, World.CHUNK_BYTES);
      }
      world.settle();
      Meter meter = Meter.start();
      long random = World.step(seed);
      long pages = world.fileBytes / World.PAGE_BYTES;
      for (int i = 0; i < world.overwrites; i++) {
        random = World.step(random);
        world.writeFully(
            file,
            world.sourceOffset((long) i * World.PAGE_BYTES),
            World.PAGE_BYTES,
            World.page(random, pages) * World.PAGE_BYTES);
      }
      pool.files().sync();
      return meter.stop(world.overwrites, world.overwrites);
    }
  }
}
