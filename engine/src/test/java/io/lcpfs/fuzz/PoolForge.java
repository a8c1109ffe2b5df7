package io.lcpfs.fuzz;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.codec.Compressors;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.Dva;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.Hash256;
import io.lcpfs.format.LabelRecord;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.TailRecord;
import io.lcpfs.format.Uberblock;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Forges a pool image as an attacker would: edits any block and puts it back with the checksums of
 * all that is above it made right, up to the uberblock, which is the only one left. A changed block
 * moves to space of the file "loot", so that it lies in allocated space. Knows the format, not the
 * engine.
 */
final class PoolForge {
  private static final long UBERBLOCK_ROOT = Disk.offset(Uberblock.LAYOUT, "root");
  private static final long DNODE_ROOT = Disk.offset(DnodeRecord.LAYOUT, "root");
  private static final long DNODE_BONUS = Disk.offset(DnodeRecord.LAYOUT, "bonus");
  private static final long DATASET_OBJECTS = Disk.offset(DatasetRecord.LAYOUT, "object_set");
  private static final long DNODES = Disk.offset(ObjectSetRecord.LAYOUT, "dnodes");
  private static final long TAILS = Disk.offset(ObjectSetRecord.LAYOUT, "tails");
  private static final long META_TAILS = Disk.offset(ObjectSetRecord.LAYOUT, "meta_tails");
  private static final int SECTOR = 4096;

  private final MemorySegment image;
  private final Geometry geometry = new Geometry(SoundImage.BYTES, 512);
  private PoolConfig config;
  private LayoutRecord layout;
  private Uberblock uberblock;
  private final Deque<long[]> loot = new ArrayDeque<>();

  /** Forges {@code bytes}, a copy of a {@link SoundImage}. */
  PoolForge(byte[] bytes) {
    image = MemorySegment.ofArray(bytes);
    Uberblock newest = null;
    for (int slot = 0; slot < geometry.uberblockSlots(); slot++) {
      long at = geometry.uberblockOffset(0, slot);
      MemorySegment unit = image.asSlice(at, geometry.unitBytes());
      if (Uberblock.isPresent(unit)) {
        Uberblock one = Uberblock.decode(unit, at);
        newest = newest == null || one.txg() > newest.txg() ? one : newest;
      }
    }
    if (newest == null) {
      throw new AssertionError("no uberblock");
    }
    uberblock = newest;
    LabelRecord label =
        LabelRecord.decode(
            image.asSlice(geometry.configOffset(0), geometry.configBytes()),
            geometry.configOffset(0));
    config = label.config();
    int slot = Geometry.layoutSlot(uberblock.layoutGeneration());
    layout =
        LayoutRecord.decode(
            image.asSlice(geometry.layoutOffset(slot, 0), geometry.layoutSlotBytes()));
    plunder();
    writeUberblock();
  }

  /** A forge on a fresh copy of the sound image. */
  static PoolForge fresh() {
    return new PoolForge(SoundImage.get().copy());
  }

  /** The image, which further edits change. */
  byte[] bytes() {
    return (byte[]) image.heapBase().orElseThrow();
  }

  private void plunder() {
    Obj file = files("").object(inode(SoundImage.LOOT));
    long blocks = file.record().blockCount();
    for (long id = 1; id < blocks; id++) {
      BlockPointer block = file.block(0, id).pointer();
      if (!block.isHole() && !block.isEmbedded() && !Dva.isGang(block.dva(0))) {
        loot.add(new long[] {block.dva(0), block.psizeBytes()});
      }
    }
  }

  static long inode(String path) {
    Long inode = SoundImage.get().inodes.get(path);
    if (inode == null) {
      throw new AssertionError("no " + path);
    }
    return inode;
  }

  // ---- labels

  Uberblock uberblock() {
    return uberblock;
  }

  PoolConfig config() {
    return config;
  }

  LayoutRecord layout() {
    return layout;
  }

  Geometry geometry() {
    return geometry;
  }

  MemorySegment image() {
    return image;
  }

  private void writeUberblock() {
    for (int label = 0; label < Geometry.LABELS; label++) {
      for (int slot = 0; slot < geometry.uberblockSlots(); slot++) {
        long at = geometry.uberblockOffset(label, slot);
        MemorySegment unit = image.asSlice(at, geometry.unitBytes());
        if (slot == geometry.uberblockSlot(uberblock.txg())) {
          uberblock.encode(unit, at);
        } else {
          unit.fill((byte) 0);
        }
      }
    }
  }

  /** Replaces the uberblock in all labels. */
  void editUberblock(UnaryOperator<Uberblock> edit) {
    uberblock = edit.apply(uberblock);
    writeUberblock();
  }

  /** Changes the uberblock's bytes; the checksum is made right. */
  void editUberblockBytes(Consumer<MemorySegment> edit) {
    long checksum = Disk.offset(Uberblock.LAYOUT, "checksum");
    int slot = geometry.uberblockSlot(uberblock.txg());
    for (int label = 0; label < Geometry.LABELS; label++) {
      long at = geometry.uberblockOffset(label, slot);
      MemorySegment unit = image.asSlice(at, geometry.unitBytes());
      edit.accept(unit);
      Hash256.ofRecord(unit, checksum, at).put(unit, checksum);
    }
  }

  void editConfig(UnaryOperator<PoolConfig> edit) {
    config = edit.apply(config);
    byte[] encoded = config.encode();
    editConfigBytes(
        bytes -> MemorySegment.copy(encoded, 0, bytes, Disk.U8, 0, encoded.length), encoded.length);
  }

  /** Changes the encoded configuration, {@code length} bytes of it, in all labels. */
  void editConfigBytes(Consumer<MemorySegment> edit, int length) {
    long checksum = Disk.offset(PoolConfig.HEADER, "checksum");
    Hash256 sum = Hash256.ZERO;
    for (int label = 0; label < Geometry.LABELS; label++) {
      long at = geometry.configOffset(label);
      MemorySegment area = image.asSlice(at, geometry.configBytes());
      MemorySegment record = area.asSlice(LabelRecord.HEADER_BYTES, length);
      edit.accept(record);
      sum = Hash256.ofRecord(record, checksum, 0);
      sum.put(record, checksum);
      Disk.putU32(area, 12, length);
      MemorySegment header = area.asSlice(0, LabelRecord.HEADER_BYTES);
      long own = Disk.offset(LabelRecord.HEADER, "checksum");
      Hash256.ofRecord(header, own, at).put(header, own);
    }
    Hash256 named = sum;
    MemorySegment record = image.asSlice(geometry.configOffset(0) + LabelRecord.HEADER_BYTES);
    long generation = Disk.u64(record, 16);
    editUberblock(
        u ->
            new Uberblock(
                u.txg(),
                u.timestampNanos(),
                Disk.u64(record, 24),
                Disk.u64(record, 32),
                u.root(),
                u.layoutGeneration(),
                u.layoutChecksum(),
                generation,
                named,
                u.checkpoint()));
  }

  void editLayout(UnaryOperator<LayoutRecord> edit) {
    layout = edit.apply(layout);
    byte[] encoded = layout.encode();
    editLayoutBytes(
        bytes -> MemorySegment.copy(encoded, 0, bytes, Disk.U8, 0, encoded.length), encoded.length);
  }

  /** Changes the encoded layout, {@code length} bytes of it, in both copies. */
  void editLayoutBytes(Consumer<MemorySegment> edit, int length) {
    long checksum = Disk.offset(LayoutRecord.HEADER, "checksum");
    long before = uberblock.layoutGeneration();
    byte[] base = new byte[length];
    MemorySegment record = MemorySegment.ofArray(base);
    long from = geometry.layoutOffset(Geometry.layoutSlot(before), 0);
    record.copyFrom(image.asSlice(from, length));
    edit.accept(record);
    Hash256 sum = Hash256.ofRecord(record, checksum, 0);
    sum.put(record, checksum);
    long generation = Disk.u64(record, 16);
    for (int copy = 0; copy < Geometry.LAYOUT_COPIES; copy++) {
      for (int slot = 0; slot < 2; slot++) {
        image.asSlice(geometry.layoutOffset(slot, copy), geometry.unitBytes()).fill((byte) 0);
      }
      image
          .asSlice(geometry.layoutOffset(Geometry.layoutSlot(generation), copy), length)
          .copyFrom(record);
    }
    editUberblock(
        u ->
            new Uberblock(
                u.txg(),
                u.timestampNanos(),
                u.poolGuid(),
                u.forkId(),
                u.root(),
                generation,
                sum,
                u.configGeneration(),
                u.configChecksum(),
                u.checkpoint()));
  }

  // ---- blocks

  private long place(long dva) {
    for (LayoutRecord.Entry entry : layout.entries()) {
      if (entry.id() == Dva.metaslab(dva)) {
        long tile = config.group(entry.group()).tileBytes();
        return geometry.tileOffset(entry.columns().getFirst().tile(), tile) + Dva.offsetBytes(dva);
      }
    }
    throw new AssertionError("no metaslab of " + Dva.toString(dva));
  }

  /** The stored bytes at an address. */
  MemorySegment at(long dva, int bytes) {
    return image.asSlice(place(dva), bytes);
  }

  private static int sectors(int bytes) {
    return Math.ceilDiv(bytes, SECTOR) * SECTOR;
  }

  /** Space in the metaslabs that is allocated and that nothing else uses: its address. */
  long steal(int bytes) {
    for (int tries = loot.size(); tries > 0; tries--) {
      long[] piece = loot.removeFirst();
      if (piece[1] >= sectors(bytes)) {
        long dva = piece[0];
        piece[0] += sectors(bytes) / Disk.SECTOR_BYTES;
        piece[1] -= sectors(bytes);
        loot.addFirst(piece);
        return dva;
      }
      loot.addLast(piece);
    }
    throw new AssertionError("no loot left for " + bytes + " bytes");
  }

  /** Stores a block uncompressed, in one copy with BLAKE3, and answers the pointer to it. */
  BlockPointer store(byte[] content, ObjectType type, int level, long birth, long fill) {
    long dva = steal(content.length);
    MemorySegment target = at(dva, sectors(content.length));
    target.fill((byte) 0);
    target.asSlice(0, content.length).copyFrom(MemorySegment.ofArray(content));
    return BlockPointer.stored(
        new long[] {dva, 0, 0},
        content.length,
        content.length,
        CompressionType.OFF,
        ChecksumType.BLAKE3,
        type,
        level,
        birth,
        fill,
        checksum(MemorySegment.ofArray(content)));
  }

  static long[] checksum(MemorySegment content) {
    Hash256 sum = Hash256.of(content);
    return new long[] {sum.word0(), sum.word1(), sum.word2(), sum.word3()};
  }

  /** The content of a block: what the engine would read. */
  byte[] content(BlockPointer pointer) {
    byte[] content = new byte[pointer.lsizeBytes()];
    MemorySegment target = MemorySegment.ofArray(content);
    if (pointer.isHole()) {
      return new byte[0];
    }
    if (pointer.isEmbedded()) {
      Compressors.of(pointer.compression())
          .decompress(MemorySegment.ofArray(pointer.embeddedPayload()), target);
      return content;
    }
    byte[] stored = new byte[pointer.psizeBytes()];
    for (int copy = 0; copy < pointer.copies(); copy++) {
      if (!Dva.isGang(pointer.dva(copy))) {
        MemorySegment.ofArray(stored).copyFrom(at(pointer.dva(copy), stored.length));
        Compressors.of(pointer.compression()).decompress(MemorySegment.ofArray(stored), target);
        return content;
      }
    }
    throw new AssertionError("all copies in gangs: " + pointer);
  }

  /** A place where a block pointer stands: in another block, or in the uberblock. */
  final class Ref {
    private final @Nullable Ref parent;
    private final long offset;

    Ref(@Nullable Ref parent, long offset) {
      this.parent = parent;
      this.offset = offset;
    }

    BlockPointer pointer() {
      if (parent == null) {
        return uberblock.root();
      }
      byte[] block = parent.read();
      return block.length == 0
          ? BlockPointer.HOLE // below a hole are holes
          : BlockPointer.decode(MemorySegment.ofArray(block), offset);
    }

    byte[] read() {
      return content(pointer());
    }

    /** Changes the pointer itself. */
    void set(BlockPointer pointer) {
      Ref up = parent;
      if (up == null) {
        editUberblock(
            u ->
                new Uberblock(
                    u.txg(),
                    u.timestampNanos(),
                    u.poolGuid(),
                    u.forkId(),
                    pointer,
                    u.layoutGeneration(),
                    u.layoutChecksum(),
                    u.configGeneration(),
                    u.configChecksum(),
                    u.checkpoint()));
      } else {
        up.edit(block -> pointer.encode(block, offset));
      }
    }

    /** Changes the pointer's 128 bytes, whatever becomes of them. */
    void editPointerBytes(Consumer<MemorySegment> edit) {
      Ref up = parent;
      if (up == null) {
        editUberblockBytes(u -> edit.accept(u.asSlice(UBERBLOCK_ROOT, BlockPointer.BYTES)));
      } else {
        up.edit(block -> edit.accept(block.asSlice(offset, BlockPointer.BYTES)));
      }
    }

    /** Changes the block, and everything above it accordingly. */
    void edit(Consumer<MemorySegment> edit) {
      byte[] content = read();
      edit.accept(MemorySegment.ofArray(content));
      replace(content);
    }

    /** Puts another block in its place. */
    void replace(byte[] content) {
      BlockPointer old = pointer();
      set(store(content, old.type(), old.level(), old.logicalBirth(), old.fill()));
    }
  }

  /** An object: its dnode at an offset in a block. */
  final class Obj {
    private final Ref holder;
    private final long offset;
    private final @Nullable Ref objectSet;
    private final long number;

    Obj(Ref holder, long offset, @Nullable Ref objectSet, long number) {
      this.holder = holder;
      this.offset = offset;
      this.objectSet = objectSet;
      this.number = number;
    }

    long number() {
      return number;
    }

    DnodeRecord record() {
      return DnodeRecord.decode(MemorySegment.ofArray(holder.read()), offset);
    }

    /** The place of its root pointer. */
    Ref root() {
      return new Ref(holder, offset + DNODE_ROOT);
    }

    /** Changes the dnode's 512 bytes. */
    void edit(Consumer<MemorySegment> edit) {
      holder.edit(block -> edit.accept(block.asSlice(offset, DnodeRecord.BYTES)));
    }

    void set(UnaryOperator<DnodeRecord> edit) {
      DnodeRecord next = edit.apply(record());
      edit(at -> next.encode(at, 0));
    }

    /** Changes the bonus, of which {@code record().bonus().length} bytes count. */
    void editBonus(Consumer<MemorySegment> edit) {
      edit(at -> edit.accept(at.asSlice(DNODE_BONUS, DnodeRecord.BONUS_BYTES)));
    }

    /** The place of the pointer to a block. */
    Ref block(int level, long id) {
      DnodeRecord dnode = record();
      int shift = dnode.indirectShift() - 7;
      Ref at = root();
      for (int l = dnode.levels() - 1; l > level; l--) {
        long child = id >>> (shift * (l - 1 - level));
        at = new Ref(at, (child & ((1L << shift) - 1)) * BlockPointer.BYTES);
      }
      return at;
    }

    /** The tail block that holds its content. */
    Ref tail() {
      DnodeRecord dnode = record();
      long tails = dnode.type().isMetadata() ? META_TAILS : TAILS;
      Ref set = objectSet;
      if (!dnode.inTail() || set == null) {
        throw new AssertionError("object " + number + " is in no tail");
      }
      return new Obj(set, tails, null, 0).block(0, number / TailRecord.SLOTS);
    }

    /** Changes its content, wherever that is, which must have only one block. */
    void editContent(Consumer<MemorySegment> edit) {
      if (record().inTail()) {
        int slot = (int) (number % TailRecord.SLOTS);
        tail().edit(block -> edit.accept(TailRecord.content(block, slot)));
      } else {
        block(0, 0).edit(edit);
      }
    }
  }

  /** An object set by the place of its root pointer. */
  final class Objects {
    private final Ref root;

    Objects(Ref root) {
      this.root = root;
    }

    Ref root() {
      return root;
    }

    Obj dnodes() {
      return new Obj(root, DNODES, null, 0);
    }

    Obj tails() {
      return new Obj(root, TAILS, null, 0);
    }

    Obj metaTails() {
      return new Obj(root, META_TAILS, null, 0);
    }

    Obj object(long number) {
      Ref holder = dnodes().block(0, number / TailRecord.SLOTS);
      return new Obj(holder, number % TailRecord.SLOTS * DnodeRecord.BYTES, root, number);
    }

    /** All objects that {@code wanted} likes, by number. */
    List<Obj> find(Predicate<DnodeRecord> wanted) {
      List<Obj> found = new ArrayList<>();
      long blocks = dnodes().record().blockCount();
      for (long id = 0; id < blocks; id++) {
        Ref holder = dnodes().block(0, id);
        byte[] block = holder.read();
        for (int slot = 0; slot * DnodeRecord.BYTES < block.length; slot++) {
          long at = (long) slot * DnodeRecord.BYTES;
          MemorySegment dnodes = MemorySegment.ofArray(block);
          if (DnodeRecord.isAllocated(dnodes, at) && wanted.test(DnodeRecord.decode(dnodes, at))) {
            found.add(new Obj(holder, at, root, id * TailRecord.SLOTS + slot));
          }
        }
      }
      return found;
    }
  }

  /** The pool's own objects. */
  Objects meta() {
    return new Objects(new Ref(null, 0));
  }

  /** The DATASET objects in the order of their creation: the root, then a, a/b, a/c. */
  Obj dataset(String path) {
    int index = List.of("", "a", "a/b", "a/c", "a/d").indexOf(path);
    return meta().find(dnode -> dnode.type() == ObjectType.DATASET).get(index);
  }

  /** The objects of a dataset. */
  Objects files(String path) {
    Obj dataset = dataset(path);
    return new Objects(new Ref(dataset.holder, dataset.offset + DNODE_BONUS + DATASET_OBJECTS));
  }

  /** A file of the root dataset. */
  Obj file(String path) {
    return files("").object(inode(path));
  }
}
