package io.lcpfs.stream;

import io.lcpfs.codec.CompressionType;
import io.lcpfs.codec.Compressors;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.ReceiveRecord;
import io.lcpfs.object.ChangeWalk;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.pool.Receiving;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Does to a dataset that is not in the tree what the records of a stream say. Each record is
 * applied on its own, so that no transaction waits for a stream.
 */
final class ObjectReceiver implements AutoCloseable {
  private static final long TX_BYTES = 256 << 10;

  /** How often how far it is goes to disk with the data. */
  private static final long SAVE_BYTES = 1 << 20;

  private static final long MAX_OFFSET = 1L << 62;

  /** So often is a change tried again that memory was short for. */
  private static final int ATTEMPTS = 3;

  private final StreamReader reader;
  private final Receiving receiving;
  private final ObjectSet objects;
  private final BeginRecord begin;
  private @Nullable Dnode current;
  private int blockBytes;
  private long nextOffset;
  private byte[] block = new byte[0];
  private long lastObject;
  private long savedAt;

  ObjectReceiver(StreamReader reader, Receiving receiving, BeginRecord begin) {
    this.reader = reader;
    this.receiving = receiving;
    this.objects = receiving.objects();
    this.begin = begin;
    this.lastObject = Math.max(0, begin.object() - 1);
    this.savedAt = reader.bytes();
  }

  /** Applies a record of the content. */
  void apply(StreamReader.Item item) {
    switch (item.type()) {
      case OBJECT -> object(item);
      case FREE -> free(item);
      case WRITE -> write(item);
      case HOLE -> hole(item);
      default -> throw reader.damaged("a record of type " + item.type() + " in its middle");
    }
    if (receiving.record().resumable() && reader.bytes() - savedAt >= SAVE_BYTES) {
      save();
    }
  }

  /** Notes how far it is, with what came before. */
  void save() {
    Dnode known = current;
    long before = receiving.record().receivedBytes();
    ReceiveRecord now =
        receiving
            .record()
            .at(
                known == null ? lastObject + 1 : known.number(),
                known == null ? 0 : nextOffset,
                before + reader.bytes() - savedAt);
    try (Tx tx = objects.begin(TX_BYTES)) {
      receiving.save(tx, now);
    }
    savedAt = reader.bytes();
  }

  private void change(long dirtyBytes, long storedBytes, boolean freeing, Consumer<Tx> what) {
    for (int attempt = 1; ; attempt++) {
      try (Tx tx =
          freeing
              ? objects.beginFreeing(dirtyBytes)
              : objects.begin(dirtyBytes, Math.max(dirtyBytes, storedBytes))) {
        what.accept(tx);
        return;
      } catch (PoolException e) {
        if (!(e.error() instanceof PoolError.OutOfMemory) || attempt == ATTEMPTS) {
          throw e;
        }
      }
      objects.sync(); // what was written takes the memory
    }
  }

  private @Nullable Dnode find(long number) {
    try {
      return objects.hold(number);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return null;
      }
      throw e;
    }
  }

  private void object(StreamReader.Item item) {
    MemorySegment at = item.payload();
    long number = item.object();
    long size = Disk.u32(at, 4);
    long blockCount = Disk.u64(at, 8);
    int bonusBytes = Disk.u16(at, 2);
    ObjectType type = type(Disk.u8(at, 0));
    if (number <= lastObject || number < 1 || number >= ChangeWalk.END_OF_OBJECTS) {
      throw reader.damaged("object " + number + " behind object " + lastObject);
    }
    if (size < Disk.SECTOR_BYTES
        || size > BlockPointer.MAX_BLOCK_BYTES
        || size % Disk.SECTOR_BYTES != 0
        || blockCount < 0
        || blockCount > MAX_OFFSET / size) {
      throw reader.damaged(blockCount + " blocks of " + size + " bytes in object " + number);
    }
    if (bonusBytes != at.byteSize() - StreamRecord.OBJECT_BYTES
        || bonusBytes > DnodeRecord.BONUS_BYTES
        || (item.flags() & ~StreamRecord.FLAG_NEW) != 0
        || item.offset() != 0
        || item.length() != 0) {
      throw reader.damaged("the head of object " + number);
    }
    byte[] bonus = at.asSlice(StreamRecord.OBJECT_BYTES).toArray(Disk.U8);
    boolean isNew = (item.flags() & StreamRecord.FLAG_NEW) != 0;
    close();
    blockBytes = (int) size;
    nextOffset = 0;
    Dnode dnode = prepared(number, type, isNew, blockCount);
    lastObject = number; // not before, or who goes on would pass over one that found no room
    current = dnode;
    change(TX_BYTES, 0, false, tx -> dnode.setBonus(tx, bonus));
  }

  private ObjectType type(int code) {
    ObjectType type;
    try {
      type = ObjectType.ofCode(code, "stream.object");
    } catch (PoolException e) {
      throw reader.damaged("an object of the unknown type " + code);
    }
    return switch (type) {
      case FILE, DIRECTORY, SYMLINK, SPECIAL, XATTRS, ZAP -> type;
      default -> throw reader.damaged("an object of type " + type + " in a file system");
    };
  }

  /** The object with this number, of the right type and block size. */
  private Dnode prepared(long number, ObjectType type, boolean isNew, long blockCount) {
    Dnode known = find(number);
    if (known != null && known.type() != type) {
      known.close();
      free(number);
      known = null;
    }
    if (known == null) {
      // A number is given again once the group that freed it is on disk.
      while (objects.isLeaving(number)) {
        objects.sync();
      }
      Dnode[] made = new Dnode[1];
      change(TX_BYTES, 0, false, tx -> made[0] = objects.createAgain(tx, number, type, blockBytes));
      return made[0];
    }
    boolean ready = false;
    try {
      if (isNew || known.blockBytes() != blockBytes) {
        clear(known, 0, Long.MAX_VALUE);
        Dnode resized = known;
        change(TX_BYTES, 0, false, tx -> resized.setBlockBytes(tx, blockBytes));
      } else if (known.blockCount() > blockCount) {
        long from = blockCount * blockBytes;
        clear(known, from, Long.MAX_VALUE - from);
      }
      ready = true;
      return known;
    } finally {
      if (!ready) {
        known.close();
      }
    }
  }

  /** Frees a range, so much in each transaction as one may. */
  private void clear(Dnode dnode, long offset, long length) {
    long end = length > Long.MAX_VALUE - offset ? Long.MAX_VALUE : offset + length;
    long at = offset;
    while (at < end && dnode.nextData(at) >= 0 && dnode.nextData(at) < end) {
      long from = at;
      long to = Math.min(end, dnode.endOfBlocks(from, Dnode.MAX_BLOCKS_FREED_AT_ONCE));
      change(TX_BYTES, 0, true, tx -> dnode.freeRange(tx, from, to - from));
      at = to;
    }
    if (end == Long.MAX_VALUE && dnode.blockCount() > 0) {
      change(TX_BYTES, 0, true, tx -> dnode.freeRange(tx, offset, end - offset));
    }
  }

  private void free(long number) {
    Dnode dnode = find(number);
    if (dnode != null) {
      try (dnode) {
        clear(dnode, 0, Long.MAX_VALUE);
        change(TX_BYTES, 0, true, dnode::free);
      }
    }
  }

  private void free(StreamReader.Item item) {
    long first = item.object();
    long count = item.offset();
    if (begin.fromGuid() == 0
        || first < 1
        || first >= ChangeWalk.END_OF_OBJECTS
        || count < 1
        || count > ChangeWalk.END_OF_OBJECTS - first
        || item.flags() != 0
        || item.length() != 0) {
      throw reader.damaged("free objects from " + first + " on");
    }
    close();
    for (long number = objects.nextObject(first);
        number >= 0 && number < first + count;
        number = objects.nextObject(number + 1)) {
      free(number);
    }
  }

  private Dnode target(StreamReader.Item item) {
    Dnode dnode = current;
    if (dnode == null || dnode.number() != item.object()) {
      throw reader.damaged("content of object " + item.object() + ", which is not told");
    }
    return dnode;
  }

  private void write(StreamReader.Item item) {
    Dnode dnode = target(item);
    long offset = item.offset();
    if (offset % blockBytes != 0
        || offset < nextOffset
        || offset > MAX_OFFSET
        || item.length() < 1
        || item.length() > blockBytes) {
      throw reader.damaged(item.length() + " bytes at " + offset + " of object " + item.object());
    }
    if (block.length < blockBytes) {
      block = new byte[blockBytes];
    }
    MemorySegment content = MemorySegment.ofArray(block).asSlice(0, blockBytes);
    decode(item, content.asSlice(0, item.length()));
    content.asSlice(item.length()).fill((byte) 0);
    change(
        dnode.memoryForWrite(offset, blockBytes, blockBytes),
        dnode.spaceForWrite(offset, blockBytes, blockBytes),
        false,
        tx -> dnode.write(tx, offset, content, 0, blockBytes, blockBytes));
    nextOffset = offset + blockBytes;
  }

  private void decode(StreamReader.Item item, MemorySegment content) {
    CompressionType compression;
    try {
      compression = CompressionType.ofCode(item.flags());
    } catch (PoolException e) {
      throw reader.damaged("the unknown compression " + item.flags());
    }
    if (compression == CompressionType.OFF) {
      if (item.payload().byteSize() != content.byteSize()) {
        throw reader.damaged(
            item.payload().byteSize() + " bytes for " + content.byteSize() + " of content");
      }
      content.copyFrom(item.payload());
      return;
    }
    if (!begin.compressed()) {
      throw reader.damaged("a compressed block, which its head does not tell of");
    }
    try {
      Compressors.of(compression).decompress(item.payload(), content);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e;
      }
      throw reader.damaged("a block that does not decompress");
    }
  }

  private void hole(StreamReader.Item item) {
    Dnode dnode = target(item);
    if (begin.fromGuid() == 0
        || item.offset() % blockBytes != 0
        || item.length() % blockBytes != 0
        || item.length() < 1
        || item.offset() > MAX_OFFSET
        || item.length() > MAX_OFFSET
        || item.flags() != 0) {
      throw reader.damaged("a hole at " + item.offset() + " of object " + item.object());
    }
    clear(dnode, item.offset(), item.length());
  }

  /** Lets go of the object under way. */
  @Override
  public void close() {
    Dnode known = current;
    current = null;
    if (known != null) {
      known.close();
    }
  }
}
