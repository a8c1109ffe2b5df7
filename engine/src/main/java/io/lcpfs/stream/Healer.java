package io.lcpfs.stream;

import io.lcpfs.codec.CompressionType;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.BlockHealer;
import io.lcpfs.object.ChangeWalk;
import io.lcpfs.pool.HeldSnapshot;
import io.lcpfs.pool.Progress;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Heals damaged blocks of a snapshot from a stream of the same snapshot, told by its guid. Blocks
 * that can be read are left alone, and so is everything when the stream says something else.
 */
public final class Healer {
  private static final long PROGRESS_BYTES = 1 << 20;
  private static final int MOST_LINES = 100;

  private final HeldSnapshot snapshot;
  private final String name;
  private final Consumer<Progress> progress;
  private final StreamReader reader;
  private final List<String> lost = new ArrayList<>();
  private long healedBlocks;
  private long goodBlocks;
  private long lostBlocks;
  private long told;
  private long current;
  private int blockBytes;

  /**
   * @param snapshot what is damaged; stays the caller's
   * @param name its full name
   */
  public Healer(HeldSnapshot snapshot, String name, Consumer<Progress> progress, InputStream in) {
    this.snapshot = snapshot;
    this.name = name;
    this.progress = progress;
    this.reader = new StreamReader(in);
  }

  /**
   * Reads the stream up to its end. Of a package, what is of other snapshots is only verified.
   *
   * @throws PoolException EIO when it is damaged or ends early, with what was healed before; EINVAL
   *     when it is none, or of another snapshot; EOPNOTSUPP
   */
  public HealReport run() {
    if (snapshot.root().isHole()) {
      throw PoolException.refused(
          Errno.EINVAL, name + ": has no file system in it; there is nothing to heal");
    }
    try (BlockHealer healer = new BlockHealer(snapshot.context(), snapshot.root())) {
      reader.preamble();
      String other = "";
      boolean found = false;
      boolean last = false;
      while (!last) {
        StreamReader.Item item = reader.next();
        if (item.type() != StreamRecord.Type.BEGIN) {
          throw reader.damaged("a record of type " + item.type() + " where a snapshot begins");
        }
        reader.resetRecords();
        BeginRecord begin = BeginRecord.decode(reader, item);
        boolean same = begin.toGuid() == snapshot.info().guid();
        found |= same;
        other = same ? other : begin.name();
        last = one(begin, same ? healer : null);
      }
      if (!found) {
        throw PoolException.refused(
            Errno.EINVAL,
            name
                + ": the stream is of another snapshot ("
                + other
                + " has another guid); send the one that this was received from or sent to");
      }
      return new HealReport(
          name, healedBlocks, healer.healedBytes(), goodBlocks, lostBlocks, List.copyOf(lost));
    }
  }

  /** Goes through one snapshot; with null only verifies it. */
  private boolean one(BeginRecord begin, @Nullable BlockHealer healer) {
    current = 0;
    while (true) {
      StreamReader.Item item = reader.next();
      if (reader.bytes() - told >= PROGRESS_BYTES) {
        told = reader.bytes();
        progress.accept(new Progress("heal", told, 0));
      }
      switch (item.type()) {
        case END -> {
          if (Disk.u64(item.payload(), 8) != reader.records()
              || (item.flags() & ~StreamRecord.FLAG_LAST) != 0) {
            throw reader.damaged("records are missing");
          }
          return (item.flags() & StreamRecord.FLAG_LAST) != 0;
        }
        case BEGIN -> throw reader.damaged("a snapshot begins before " + begin.name() + " ends");
        case OBJECT -> {
          if (healer != null) {
            object(item, healer);
          }
        }
        case WRITE -> {
          if (healer != null) {
            write(begin, item, healer);
          }
        }
        case PROPERTIES, FREE, HOLE -> {} // nothing that could be damaged
      }
    }
  }

  private void object(StreamReader.Item item, BlockHealer healer) {
    long number = item.object();
    long size = Disk.u32(item.payload(), 4);
    if (number <= current
        || number >= ChangeWalk.END_OF_OBJECTS
        || size < Disk.SECTOR_BYTES
        || size > BlockPointer.MAX_BLOCK_BYTES
        || size % Disk.SECTOR_BYTES != 0) {
      throw reader.damaged("the head of object " + number);
    }
    ObjectType type;
    try {
      type = ObjectType.ofCode(Disk.u8(item.payload(), 0), "stream.object");
    } catch (PoolException e) {
      throw reader.damaged("an object of the unknown type " + Disk.u8(item.payload(), 0));
    }
    current = number;
    blockBytes = (int) size;
    if (!healer.object(number, type, blockBytes)) {
      throw notTheSame("object " + number);
    }
  }

  private PoolException notTheSame(String what) {
    return PoolException.refused(
        Errno.EINVAL,
        name
            + ": the stream says something else of "
            + what
            + " than the snapshot; verify the pool that it was sent from, and send it again");
  }

  private void write(BeginRecord begin, StreamReader.Item item, BlockHealer healer) {
    if (item.object() != current
        || current == 0
        || item.offset() % blockBytes != 0
        || item.length() < 1
        || item.length() > blockBytes) {
      throw reader.damaged(
          item.length() + " bytes at " + item.offset() + " of object " + item.object());
    }
    CompressionType compression;
    try {
      compression = CompressionType.ofCode(item.flags());
    } catch (PoolException e) {
      throw reader.damaged("the unknown compression " + item.flags());
    }
    if (compression != CompressionType.OFF && !begin.compressed()) {
      throw reader.damaged("a compressed block, which its head does not tell of");
    }
    MemorySegment payload = item.payload();
    if (compression == CompressionType.OFF && payload.byteSize() != item.length()) {
      throw reader.damaged(payload.byteSize() + " bytes for " + item.length() + " of content");
    }
    switch (healer.block(item.offset() / blockBytes, compression, payload, (int) item.length())) {
      case GOOD -> goodBlocks++;
      case HEALED -> healedBlocks++;
      case LOST -> {
        lostBlocks++;
        if (lost.size() < MOST_LINES) {
          lost.add(
              "object " + item.object() + ", " + item.length() + " bytes from " + item.offset());
        }
      }
    }
  }
}
