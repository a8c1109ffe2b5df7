package io.lcpfs.pipeline;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.cache.Arc;
import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Checksums;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.codec.Compressors;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.Dva;
import io.lcpfs.memory.Slab;
import io.lcpfs.memory.SlabAllocator;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Blocks to disk and back. A write goes: all zeros? then a hole; compress, unless it does not gain
 * an eighth; tiny? then into the pointer; checksum; allocate the copies; queue the device writes.
 * The queue is drained before the group is committed.
 *
 * <p>Content that needs no change and is a multiple of the sector is written from the caller's
 * memory, which must stay as it is until the queue is drained; everything else is copied first.
 */
public final class BlockIo {
  /**
   * A compressed block: {@code length} bytes at the start of a slab that has room up to a sector.
   */
  private record Packed(Slab slab, int length) {}

  private static final int LARGE_BYTES = 64 << 10;
  private static final int CHECKSUM_WORDS = Checksums.BYTES / Long.BYTES;

  /** Larger blocks fill the vectors alone; and together they take no more than one large record. */
  private static final int HASHED_TOGETHER_BYTES = 8 << 10;

  private static final int HASHED_TOGETHER = 16;

  private final Env env;
  private final SlabAllocator slabs;
  private final Arc cache;
  private final Allocator allocator;
  private final Devices devices;
  private final BlockReader reader;
  private final GangIo gangs;
  private final int sectorBytes;

  /** Connected before anything is freed. */
  private volatile BlockReferences references = BlockReferences.NONE;

  /**
   * @param reuseGuard says whether a block seen as live in a group may still be rewritten in place
   */
  public BlockIo(
      Env env,
      SlabAllocator slabs,
      Arc cache,
      Allocator allocator,
      Devices devices,
      BlockReader.ReuseGuard reuseGuard) {
    this.env = env;
    this.slabs = slabs;
    this.cache = cache;
    this.allocator = allocator;
    this.devices = devices;
    this.sectorBytes = allocator.sectorBytes();
    this.gangs = new GangIo(env, slabs, cache, allocator, devices);
    this.reader = new BlockReader(env, slabs, cache, devices, gangs, sectorBytes, reuseGuard);
  }

  /**
   * Memory for the sync task; where there is none, that of queued writes is waited for first.
   *
   * @throws PoolException ENOMEM when that does not help
   */
  public Slab syncMemory(int bytes) {
    return Scratch.allocate(cache, devices, bytes);
  }

  /** Bytes that a stored length occupies per copy. */
  private int sectors(int bytes) {
    return (bytes + sectorBytes - 1) / sectorBytes * sectorBytes;
  }

  /**
   * Reads a block into {@code target}, whose size is the block's.
   *
   * @param seenTxg the last synced group when the pointer was looked up: a damaged copy is
   *     rewritten only while the block cannot have been freed and its sectors reused since
   * @throws PoolException EIO when no intact copy is left
   */
  public void read(BlockPointer pointer, MemorySegment target, long seenTxg) {
    if (pointer.lsizeBytes() > LARGE_BYTES && Thread.currentThread().isVirtual()) {
      // A codec at work for long would keep a carrier from all other virtual threads.
      env.onDevice(
              () -> {
                reader.read(pointer, target, seenTxg);
                return true;
              })
          .join();
    } else {
      reader.read(pointer, target, seenTxg);
    }
  }

  /**
   * As {@link #read}, of a block that is not embedded, as it is stored: {@code target} is as long
   * as its physical size.
   */
  public void readStored(BlockPointer pointer, MemorySegment target, long seenTxg) {
    reader.readStored(pointer, target, seenTxg);
  }

  /** The reading half, for checks that look at each copy. */
  public BlockReader reader() {
    return reader;
  }

  /** Bytes that one copy of a block of {@code bytes} takes: whole sectors. */
  public int allocatedSize(int bytes) {
    return allocator.allocatedSize(bytes);
  }

  /** Writes one block; see the class. {@code fill} goes into the pointer. */
  public BlockPointer write(MemorySegment content, WriteSpec spec, long fill) {
    Prepared block = prepare(content, spec, fill);
    if (block.pointer != null) {
      return block.pointer;
    }
    return store(block, spec, fill, checksum(spec.checksum(), block.data()));
  }

  /**
   * Writes several blocks of one object; pointers in the same order. Small blocks of equal stored
   * size that follow each other are hashed together.
   */
  public List<BlockPointer> writeMany(List<MemorySegment> contents, WriteSpec spec, long fill) {
    List<BlockPointer> pointers = new ArrayList<>(contents.size());
    List<Prepared> together = new ArrayList<>(HASHED_TOGETHER);
    for (int from = 0; from < contents.size(); from = pointers.size()) {
      int to = from;
      while (to < contents.size()
          && to - from < HASHED_TOGETHER
          && contents.get(to).byteSize() <= HASHED_TOGETHER_BYTES) {
        to++;
      }
      if (to - from < 2) {
        pointers.add(write(contents.get(from), spec, fill));
      } else {
        writeTogether(contents.subList(from, to), spec, fill, together, pointers);
      }
    }
    return pointers;
  }

  /**
   * @param blocks empty, and so again afterwards
   */
  private void writeTogether(
      List<MemorySegment> contents,
      WriteSpec spec,
      long fill,
      List<Prepared> blocks,
      List<BlockPointer> pointers) {
    int stored = 0;
    try {
      for (MemorySegment content : contents) {
        blocks.add(prepare(content, spec, fill));
      }
      long[][] checksums = checksums(spec.checksum(), blocks);
      while (stored < blocks.size()) {
        int index = stored++;
        Prepared block = blocks.get(index);
        pointers.add(
            block.pointer != null ? block.pointer : store(block, spec, fill, checksums[index]));
      }
    } finally {
      for (Prepared left : blocks.subList(stored, blocks.size())) {
        if (left.owned != null) {
          slabs.free(left.owned);
        }
      }
      blocks.clear();
    }
  }

  /**
   * A block before it has a place.
   *
   * @param pointer what it became without one, or null
   * @param bytes what is stored: {@code psize} bytes, padded to a sector
   * @param owned where the bytes lie, when that is not the caller's memory; goes to {@link #store}
   */
  private record Prepared(
      @Nullable BlockPointer pointer,
      MemorySegment bytes,
      int psize,
      CompressionType compression,
      int lsize,
      @Nullable Slab owned) {
    static Prepared placeless(BlockPointer pointer) {
      return new Prepared(pointer, MemorySegment.NULL, 0, CompressionType.OFF, 0, null);
    }

    /** What the checksum is of. */
    MemorySegment data() {
      return bytes.asSlice(0, psize);
    }
  }

  private Prepared prepare(MemorySegment content, WriteSpec spec, long fill) {
    if (spec.mayVanish() && isZero(content)) {
      env.probe(CodeProbe.HOLE_FROM_ZEROS);
      return Prepared.placeless(BlockPointer.HOLE);
    }
    int lsize = (int) content.byteSize();
    Packed packed = compress(content, spec);
    if (packed == null) {
      return plain(content);
    }
    MemorySegment bytes = packed.slab.segment();
    if (spec.mayVanish() && packed.length <= BlockPointer.EMBEDDED_BYTES) {
      env.probe(CodeProbe.EMBEDDED_BLOCK);
      byte[] payload = bytes.asSlice(0, packed.length).toArray(Disk.U8);
      slabs.free(packed.slab);
      return Prepared.placeless(
          BlockPointer.embedded(
              payload,
              lsize,
              spec.compression().type(),
              spec.type(),
              spec.level(),
              spec.txg(),
              fill));
    }
    int psize = (packed.length + Disk.SECTOR_BYTES - 1) & -Disk.SECTOR_BYTES;
    int stored = sectors(psize);
    bytes.asSlice(packed.length, stored - packed.length).fill((byte) 0);
    return new Prepared(
        null, bytes.asSlice(0, stored), psize, spec.compression().type(), lsize, packed.slab);
  }

  /** To be stored as it is; a copy only where it must be padded. */
  private Prepared plain(MemorySegment content) {
    int size = (int) content.byteSize();
    int stored = sectors(size);
    if (stored == size) {
      return new Prepared(null, content, size, CompressionType.OFF, size, null);
    }
    Slab owned = syncMemory(stored);
    MemorySegment bytes = owned.segment().asSlice(0, stored);
    MemorySegment.copy(content, 0, bytes, 0, size);
    bytes.asSlice(size).fill((byte) 0);
    return new Prepared(null, bytes, size, CompressionType.OFF, size, owned);
  }

  private static boolean isZero(MemorySegment content) {
    long bytes = content.byteSize();
    // Data that is not zero mostly shows within the first words.
    return Disk.u64(content, 0) == 0
        && Disk.u64(content, bytes - 8) == 0
        && content.asSlice(0, bytes - 8).mismatch(content.asSlice(8)) == -1;
  }

  private @Nullable Packed compress(MemorySegment content, WriteSpec spec) {
    if (spec.compression().type() == CompressionType.OFF) {
      return null;
    }
    int lsize = (int) content.byteSize();
    int limit = lsize - lsize / 8;
    if (sectors(lsize) == sectorBytes) {
      // One sector cannot shrink; only an embedded block would gain.
      if (!spec.mayVanish()) {
        return null;
      }
      limit = BlockPointer.EMBEDDED_BYTES;
    }
    Slab slab;
    try {
      slab = syncMemory(sectors(limit));
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOMEM) {
        throw e;
      }
      return null; // as it is, it needs none
    }
    int length =
        Compressors.of(spec.compression()).compress(content, slab.segment().asSlice(0, limit));
    boolean embeds = spec.mayVanish() && length > 0 && length <= BlockPointer.EMBEDDED_BYTES;
    if (length == 0 || (!embeds && sectors(length) >= sectors(lsize))) {
      slabs.free(slab);
      return null;
    }
    return new Packed(slab, length);
  }

  /** Gives a block its place and queues its writes; its memory is freed when they have ended. */
  private BlockPointer store(Prepared block, WriteSpec spec, long fill, long[] checksum) {
    Placement placement = null;
    try {
      placement = place(block.psize, spec.copies(), spec.txg());
    } finally {
      if (placement == null && block.owned != null) {
        slabs.free(block.owned);
      }
    }
    return storeAt(placement, block, spec, fill, checksum);
  }

  /**
   * Finds room for {@code copies} copies of a block of {@code bytes} stored bytes. Where the pool
   * has no room for all copies, fewer are placed, at least one.
   *
   * @throws PoolException ENOSPC when there is not even room for one
   */
  public Placement place(int bytes, int copies, long txg) {
    long[] dvas = new long[BlockPointer.MAX_COPIES];
    Placement.@Nullable Gang[] pieces = new Placement.Gang[BlockPointer.MAX_COPIES];
    int need = sectors(bytes);
    for (int copy = 0; copy < copies; copy++) {
      try {
        long dva = allocator.allocate(need, txg, dvas[0], dvas[1]);
        if (dva == Dva.NONE) {
          Placement.Gang gang = gangs.place(need, txg);
          pieces[copy] = gang;
          dva = Dva.gang(gang.headerDva());
        }
        dvas[copy] = dva;
      } catch (PoolException e) {
        if (copy == 0 || e.errno() != Errno.ENOSPC) {
          throw e;
        }
        break;
      }
    }
    return new Placement(dvas, pieces, need);
  }

  /** Writes a block, uncompressed, where it was placed. */
  public BlockPointer writePlaced(
      Placement placement, MemorySegment content, WriteSpec spec, long fill) {
    Prepared block = plain(content);
    return storeAt(placement, block, spec, fill, checksum(spec.checksum(), block.data()));
  }

  private BlockPointer storeAt(
      Placement placement, Prepared block, WriteSpec spec, long fill, long[] checksum) {
    MemorySegment source = block.bytes;
    Check.that(source.byteSize() == placement.bytes(), "placed size", placement.bytes());
    Release release = new Release(block.owned);
    BlockPointer pointer =
        BlockPointer.stored(
            placement.dvas(),
            block.lsize,
            block.psize,
            block.compression,
            spec.checksum(),
            spec.type(),
            spec.level(),
            spec.txg(),
            fill,
            checksum);
    for (int copy = 0; copy < placement.copies(); copy++) {
      Placement.Gang gang = placement.gang(copy);
      if (gang == null) {
        release.expect();
        devices.write(placement.dva(copy), source, release);
      } else {
        gangs.write(gang, source, pointer, release);
      }
    }
    release.expectNoMore();
    return pointer;
  }

  static long[] checksum(ChecksumType type, MemorySegment data) {
    if (type == ChecksumType.OFF) {
      return new long[CHECKSUM_WORDS];
    }
    MemorySegment out = MemorySegment.ofArray(new byte[Checksums.BYTES]);
    Checksums.of(type).compute(data, out, 0);
    return words(out);
  }

  /** Whether the stored bytes of a block, padding or not, are what its pointer says. */
  static boolean matches(BlockPointer pointer, MemorySegment bytes) {
    if (pointer.checksumType() == ChecksumType.OFF) {
      return true;
    }
    long[] sum = checksum(pointer.checksumType(), bytes.asSlice(0, pointer.psizeBytes()));
    for (int i = 0; i < sum.length; i++) {
      if (sum[i] != pointer.checksumWord(i)) {
        return false;
      }
    }
    return true;
  }

  private static long[] words(MemorySegment checksum) {
    long[] words = new long[CHECKSUM_WORDS];
    for (int i = 0; i < words.length; i++) {
      words[i] = Disk.u64(checksum, 8L * i);
    }
    return words;
  }

  /** The checksums of blocks, in their order; of one without a place, anything. */
  private static long[][] checksums(ChecksumType type, List<Prepared> blocks) {
    long[][] all = new long[blocks.size()][CHECKSUM_WORDS];
    if (type == ChecksumType.OFF) {
      return all;
    }
    MemorySegment[] data = new MemorySegment[blocks.size()];
    MemorySegment[] outs = new MemorySegment[blocks.size()];
    int[] owners = new int[blocks.size()];
    int count = 0;
    for (int i = 0; i < blocks.size(); i++) {
      Prepared block = blocks.get(i);
      if (block.pointer != null) {
        continue;
      }
      if (count > 0 && data[0].byteSize() != block.psize) {
        hashTogether(type, data, outs, owners, count, all);
        count = 0;
      }
      data[count] = block.data();
      outs[count] = MemorySegment.ofArray(new byte[Checksums.BYTES]);
      owners[count++] = i;
    }
    hashTogether(type, data, outs, owners, count, all);
    return all;
  }

  private static void hashTogether(
      ChecksumType type,
      MemorySegment[] data,
      MemorySegment[] outs,
      int[] owners,
      int count,
      long[][] all) {
    Checksums.of(type).computeMany(data, outs, count);
    for (int i = 0; i < count; i++) {
      all[owners[i]] = words(outs[i]);
    }
  }

  /** Frees a slab when all writes from it have ended. Failures are the queue's to report. */
  final class Release implements Devices.Written {
    private final @Nullable Slab slab;
    private final AtomicInteger open = new AtomicInteger(1);

    Release(@Nullable Slab slab) {
      this.slab = slab;
    }

    void expect() {
      open.incrementAndGet();
    }

    void expectNoMore() {
      done(null);
    }

    @Override
    public void done(@Nullable PoolException failure) {
      if (open.decrementAndGet() == 0 && slab != null) {
        slabs.free(slab);
      }
    }
  }

  /** How many blocks the pool could hold: the sectors of its metaslabs. */
  public long capacitySectors() {
    return devices.capacityBytes() / sectorBytes;
  }

  /** Who counts further references to blocks. */
  public BlockReferences references() {
    return references;
  }

  public void connect(BlockReferences table) {
    references = table;
  }

  /**
   * A pointer goes in {@code txg}: gives up one of several references to its block, or frees all
   * copies; a hole or an embedded block has none.
   */
  public void free(BlockPointer pointer, long txg) {
    if (pointer.copies() > 0 && references.release(pointer, txg)) {
      return;
    }
    for (int copy = 0; copy < pointer.copies(); copy++) {
      long dva = pointer.dva(copy);
      if (Dva.isGang(dva)) {
        gangs.free(dva, pointer, txg);
      } else {
        allocator.free(dva, sectors(pointer.psizeBytes()), txg);
      }
    }
  }

  /**
   * The most that {@code copies} copies of a block of {@code bytes} bytes can occupy, in gangs too.
   */
  public long worstBytes(int bytes, int copies) {
    long data = sectors(bytes);
    return copies * (data + (data > sectorBytes ? gangs.worstHeaderBytes(data) : 0));
  }

  /**
   * Bytes that a block occupies, all copies; for a gang copy, one sector for its header counts too.
   */
  public long allocatedBytes(BlockPointer pointer) {
    long bytes = 0;
    for (int copy = 0; copy < pointer.copies(); copy++) {
      bytes += sectors(pointer.psizeBytes());
      if (Dva.isGang(pointer.dva(copy))) {
        bytes += gangs.headerBytes();
      }
    }
    return bytes;
  }
}
