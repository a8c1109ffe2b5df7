package io.lcpfs.bench.side;

import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A new file written in steps of 1 MiB and synced. LCPFS computes a checksum of each record. */
final class SequentialWrite extends Row {
  private static final String NAME = "sequential";
  private final World world;

  SequentialWrite(World world) {
    super("write", "sequential write, incompressible, final sync", "MB/s", 1.0, 1200);
    this.world = world;
  }

  @Override
  void prepare() {}

  @Override
  Sample host(long seed) throws Exception {
    Path file = world.hostFile(NAME);
    Files.deleteIfExists(file);
    world.settle();
    Meter meter = Meter.start();
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (long at = 0; at < world.fileBytes; at += World.CHUNK_BYTES) {
        World.writeFully(
            channel, world.source.asSlice(world.sourceOffset(at), World.CHUNK_BYTES), at);
      }
      channel.force(true);
    }
    return meter.stop(world.fileBytes / 1e6, world.fileBytes / World.CHUNK_BYTES);
  }

  @Override
  Sample lcpfs(long seed) throws Exception {
    LcpfsPool pool = world.pool();
    pool.removeTree(NAME);
    world.settle();
    Meter meter = Meter.start();
    try (var file = pool.create(NAME)) {
      for (long at = 0; at < world.fileBytes; at += World.CHUNK_BYTES) {
        world.writeFully(file, world.sourceOffset(at), World.CHUNK_BYTES, at);
      }
    }
    pool.files().sync();
    return meter.stop(world.fileBytes / 1e6, world.fileBytes / World.CHUNK_BYTES);
  }
}
