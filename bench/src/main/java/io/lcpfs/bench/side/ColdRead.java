package io.lcpfs.bench.side;

import io.lcpfs.posix.OpenFlags;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file read in steps of 1 MiB that is in no cache: the page cache dropped on the host, the pool
 * newly imported and opened around the page cache on LCPFS, which verifies each record.
 */
final class ColdRead extends Row {
  static final String NAME = "data";
  private final World world;
  private final MemorySegment buffer;

  ColdRead(World world) {
    super("read", "cold sequential read, verified", "MB/s", 0.8, 1000);
    this.world = world;
    this.buffer = world.buffer(World.CHUNK_BYTES);
  }

  @Override
  String configuration() {
    return HostSystem.dropsAllCaches()
        ? "page cache dropped whole"
        : "page cache dropped for the file (posix_fadvise)";
  }

  @Override
  void prepare() throws Exception {
    world.writeHostFile(NAME);
    world.writePoolFile(world.pool(), NAME);
  }

  @Override
  Sample host(long seed) throws Exception {
    Path file = world.hostFile(NAME);
    world.settle();
    HostSystem.makeCold(file);
    Meter meter = Meter.start();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      var target = buffer.asByteBuffer();
      for (long at = 0; at < world.fileBytes; at += World.CHUNK_BYTES) {
        target.clear();
        while (target.hasRemaining()) {
          if (channel.read(target, at + target.position()) < 0) {
            throw new IllegalStateException("the file is short");
          }
        }
        check(at);
      }
    }
    return meter.stop(world.fileBytes / 1e6, world.fileBytes / World.CHUNK_BYTES);
  }

  @Override
  Sample lcpfs(long seed) throws Exception {
    world.settle();
    LcpfsPool pool = world.pool();
    pool.reimport();
    Meter meter = Meter.start();
    try (var file = pool.open(NAME, OpenFlags.O_RDONLY)) {
      for (long at = 0; at < world.fileBytes; at += World.CHUNK_BYTES) {
        if (file.read(at, buffer, 0, World.CHUNK_BYTES) != World.CHUNK_BYTES) {
          throw new IllegalStateException("the file is short");
        }
        check(at);
      }
    }
    return meter.stop(world.fileBytes / 1e6, world.fileBytes / World.CHUNK_BYTES);
  }

  /** The first word of each page, on either side: what was read is what was written. */
  private void check(long offset) {
    for (int page = 0; page < World.CHUNK_BYTES; page += World.PAGE_BYTES) {
      if (buffer.get(ValueLayout.JAVA_LONG, page) != world.firstWord(offset + page)) {
        throw new IllegalStateException("wrong content at " + (offset + page));
      }
    }
  }
}
