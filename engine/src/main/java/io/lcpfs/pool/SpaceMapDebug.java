package io.lcpfs.pool;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SpaceMapHead;
import io.lcpfs.format.SpaceMapRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.vdev.TileMap;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Prints space maps: heads, records, bitmaps in short. */
final class SpaceMapDebug {
  private static final int READ_BYTES = 1 << 16;

  private final CommittedView view;
  private final TileMap tiles;
  private final DebugText out;

  /** Of the bitmap that is being read. */
  private long cellsLeft;

  private long starts;
  private long allocated;
  private long padding;

  SpaceMapDebug(CommittedView view, TileMap tiles, DebugText out) {
    this.view = view;
    this.tiles = tiles;
    this.out = out;
  }

  private long object(int metaslab) {
    try (MetaHold directory = new MetaHold(view, MetaDirectory.SPACE_MAPS)) {
      return Zap.open(directory.dnode(), view.context().env())
          .getLong(Integer.toString(metaslab).getBytes(StandardCharsets.US_ASCII));
    }
  }

  /** One of the pool's own objects by its name, held. */
  private record MetaHold(Dnode dnode) implements AutoCloseable {
    MetaHold(CommittedView view, String name) {
      this(new MetaDirectory(view.meta(), view.context().env()).hold(name, ObjectType.ZAP));
    }

    @Override
    public void close() {
      dnode.close();
    }
  }

  /** A line for each metaslab. */
  void list() {
    for (LayoutRecord.Entry entry : tiles.metaslabs()) {
      String line = "metaslab " + entry.id() + ": " + tiles.sizeBytes(entry.id()) + " bytes";
      try {
        long object = object(entry.id());
        try (Dnode dnode = view.hold(object, ObjectType.SPACE_MAP)) {
          SpaceMapHead head = SpaceMapHead.decode(dnode.bonus());
          line +=
              ", allocated "
                  + head.allocatedBytes()
                  + ", map of "
                  + head.lengthBytes()
                  + " bytes in object "
                  + object;
        }
      } catch (PoolException e) {
        line += ", map: " + e.error().message();
      }
      out.line(line);
    }
  }

  /** Head and records of one map. */
  void map(int metaslab) {
    if (tiles.metaslabs().stream().noneMatch(entry -> entry.id() == metaslab)) {
      throw PoolException.refused(
          Errno.EINVAL,
          "there is no metaslab " + metaslab + "; spacemap without a number lists them");
    }
    long object = object(metaslab);
    try (Dnode dnode = view.hold(object, ObjectType.SPACE_MAP)) {
      SpaceMapHead head = SpaceMapHead.decode(dnode.bonus());
      out.line(
          "space map of metaslab "
              + head.metaslab()
              + " in object "
              + object
              + ": "
              + head.lengthBytes()
              + " bytes, allocated "
              + head.allocatedBytes()
              + " of "
              + tiles.sizeBytes(metaslab));
      long length = Math.min(head.lengthBytes(), dnode.blockCount() * dnode.blockBytes());
      if (length != head.lengthBytes()) {
        out.line("problem: the object has only " + length + " bytes");
      }
      out.inside(() -> records(dnode, length, tiles.sectorBytes(metaslab)));
    }
  }

  private void records(Dnode dnode, long length, int sectorBytes) {
    MemorySegment buffer = MemorySegment.ofArray(new byte[READ_BYTES]);
    cellsLeft = 0;
    for (long at = 0; at < length; at += READ_BYTES) {
      long n = Math.min(READ_BYTES, length - at) & -SpaceMapRecord.BYTES;
      dnode.read(at, buffer, 0, n);
      for (long word = 0; word < n; word += SpaceMapRecord.BYTES) {
        record(Disk.u64(buffer, word), sectorBytes);
      }
    }
    if (cellsLeft > 0) {
      out.line("problem: the bitmap ends early, " + cellsLeft + " sectors are missing");
    }
  }

  private void record(long record, int sectorBytes) {
    if (cellsLeft > 0) {
      bitmapWord(record, sectorBytes);
      return;
    }
    String offset = Long.toHexString(SpaceMapRecord.offsetBytes(record));
    switch (SpaceMapRecord.type(record)) {
      case SpaceMapRecord.TXG -> out.line("txg " + (record & (1L << 62) - 1));
      case SpaceMapRecord.ALLOC ->
          out.line("alloc " + offset + " " + SpaceMapRecord.lengthBytes(record));
      case SpaceMapRecord.FREE ->
          out.line("free " + offset + " " + SpaceMapRecord.lengthBytes(record));
      default -> {
        cellsLeft = SpaceMapRecord.length(record);
        starts = 0;
        allocated = 0;
        padding = 0;
        out.line("bitmap from " + offset + " of " + cellsLeft + " sectors");
      }
    }
  }

  private void bitmapWord(long word, int sectorBytes) {
    long count = Math.min(SpaceMapRecord.CELLS_PER_WORD, cellsLeft);
    long rest = word;
    for (int i = 0; i < count; i++, rest >>>= 2) {
      int cell = (int) rest & 3;
      starts += cell == SpaceMapRecord.CELL_START ? 1 : 0;
      padding += cell == SpaceMapRecord.CELL_PADDING ? 1 : 0;
      allocated += cell == SpaceMapRecord.CELL_NONE ? 0 : 1;
    }
    cellsLeft -= count;
    if (cellsLeft == 0) {
      out.line(
          "  "
              + starts
              + " blocks, "
              + allocated * sectorBytes
              + " bytes, of them padding "
              + padding * sectorBytes);
    }
  }
}
