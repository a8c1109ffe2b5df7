package io.lcpfs.pipeline;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.cache.Arc;
import io.lcpfs.codec.Checksum;
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
 * Blocks to disk and back. A write goes: all zeros? then a hole; compress, unless it does not gain an
 * eighth; tiny? then into the pointer; checksum; allocate the copies; queue the device writes. The queue
 * is drained before the group is committed.
 *
 * <p>Content that needs no change and is a multiple of the sector is written from the caller's memory,
 * which must stay as it is until the queue is drained; everything else is copied first.
 */
public final class BlockIo {
  /** A compressed block: {@code length} bytes at the start of a slab that has room up to a sector. */
  private record Packed(Slab slab, int length) {}

  private static final int LARGE_BYTES = 64 << 10;

  private final Env env;
  private final SlabAllocator slabs;
  private final Arc cache;
  private final Allocator allocator;
  private final Devices devices;
  private final BlockReader reader;
  private final GangIo gangs;
  private final int sectorBytes;

  /**
   * @param reuseGuard says whether a block seen as live in a group may still be rewritten in place
   */
  public BlockIo(Env env, SlabAllocator slabs, Arc cache, Allocator allocator, Devices devices,
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
   * @param seenTxg the last synced group when the pointer was looked up: a damaged copy is rewritten only
   *     while the block cannot have been freed and its sectors reused since
   * @throws PoolException EIO when no intact copy is left
   */
  public void read(BlockPointer pointer, MemorySegment target, long seenTxg) {
    if (pointer.lsizeBytes() > LARGE_BYTES && Thread.currentThread().isVirtual()) {
      // A codec at work for long would keep a carrier from all other virtual threads.
      env.onDevice(() -> {
        reader.read(pointer, target, seenTxg);
        return true;
      }).join();
    } else {
      reader.read(pointer, target, seenTxg);
    }
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
    if (spec.mayVanish() && isZero(content)) {
      env.probe(CodeProbe.HOLE_FROM_ZEROS);
      return BlockPointer.HOLE;
    }
    int lsize = (int) content.byteSize();
    Packed packed = compress(content, spec);
    if (packed == null) {
      return store(content, lsize, CompressionType.OFF, lsize, spec, fill, null);
    }
    MemorySegment bytes = packed.slab.segment();
    if (spec.mayVanish() && packed.length <= BlockPointer.EMBEDDED_BYTES) {
      env.probe(CodeProbe.EMBEDDED_BLOCK);
      byte[] payload = bytes.asSlice(0, packed.length).toArray(Disk.U8);
      slabs.free(packed.slab);
      return BlockPointer.embedded(payload, lsize, spec.compression().type(), spec.type(),
          spec.level(), spec.txg(), fill);
    }
    int psize = (packed.length + Disk.SECTOR_BYTES - 1) & -Disk.SECTOR_BYTES;
    bytes.asSlice(packed.length, sectors(psize) - packed.length).fill((byte) 0);
    return store(bytes, psize, spec.compression().type(), lsize, spec, fill, packed.slab);
  }

  /** Writes several blocks of one object; pointers in the same order. */
  public List<BlockPointer> writeMany(List<MemorySegment> contents, WriteSpec spec, long fill) {
    List<BlockPointer> pointers = new ArrayList<>(contents.size());
    for (MemorySegment content : contents) {
      pointers.add(write(content, spec, fill));
    }
    return pointers;
  }

  private static boolean isZero(MemorySegment content) {
    long bytes = content.byteSize();
    // Data that is not zero mostly shows within the first words.
    return Disk.u64(content, 0) == 0 && Disk.u64(content, bytes - 8) == 0
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
    Slab slab = syncMemory(sectors(limit));
    int length = Compressors.of(spec.compression())
        .compress(content, slab.segment().asSlice(0, limit));
    boolean embeds = spec.mayVanish() && length > 0 && length <= BlockPointer.EMBEDDED_BYTES;
    if (length == 0 || (!embeds && sectors(length) >= sectors(lsize))) {
      slabs.free(slab);
      return null;
    }
    return new Packed(slab, length);
  }

  /**
   * @param bytes the stored bytes; with {@code owned}, padded to a sector and owned by the write
   */
  private BlockPointer store(MemorySegment bytes, int psize, CompressionType compression, int lsize,
      WriteSpec spec, long fill, @Nullable Slab owned) {
    Placement placement;
    try {
      placement = place(psize, spec.copies(), spec.txg());
    } catch (PoolException e) {
      if (owned != null) {
        slabs.free(owned);
      }
      throw e;
    }
    return storeAt(placement, bytes, psize, compression, lsize, spec, fill, owned);
  }

  /**
   * Finds room for {@code copies} copies of a block of {@code bytes} stored bytes. Where the pool has no
   * room for all copies, fewer are placed, at least one.
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
  public BlockPointer writePlaced(Placement placement, MemorySegment content, WriteSpec spec,
      long fill) {
    int size = (int) content.byteSize();
    return storeAt(placement, content, size, CompressionType.OFF, size, spec, fill, null);
  }

  private BlockPointer storeAt(Placement placement, MemorySegment bytes, int psize,
      CompressionType compression, int lsize, WriteSpec spec, long fill, @Nullable Slab given) {
    int stored = sectors(psize);
    Check.that(stored == placement.bytes(), "placed size", placement.bytes());
    Slab owned = given;
    MemorySegment source = bytes;
    if (owned == null && bytes.byteSize() % sectorBytes != 0) {
      owned = syncMemory(stored);
      source = owned.segment();
      MemorySegment.copy(bytes, 0, source, 0, psize);
      source.asSlice(psize).fill((byte) 0);
    }
    source = source.asSlice(0, stored);
    long[] checksum = checksum(spec.checksum(), source.asSlice(0, psize));
    Release release = new Release(owned);
    BlockPointer pointer = BlockPointer.stored(placement.dvas(), lsize, psize, compression,
        spec.checksum(), spec.type(), spec.level(), spec.txg(), fill, checksum);
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
    long[] words = new long[4];
    if (type != ChecksumType.OFF) {
      byte[] sum = new byte[Checksums.BYTES];
      MemorySegment out = MemorySegment.ofArray(sum);
      Checksum algorithm = Checksums.of(type);
      algorithm.compute(data, out, 0);
      for (int i = 0; i < 4; i++) {
        words[i] = Disk.u64(out, 8L * i);
      }
    }
    return words;
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

  /** Frees all copies of a block in {@code txg}; a hole or an embedded block has none. */
  public void free(BlockPointer pointer, long txg) {
    for (int copy = 0; copy < pointer.copies(); copy++) {
      long dva = pointer.dva(copy);
      if (Dva.isGang(dva)) {
        gangs.free(dva, pointer, txg);
      } else {
        allocator.free(dva, sectors(pointer.psizeBytes()), txg);
      }
    }
  }

  /** The most that {@code copies} copies of a block of {@code bytes} bytes can occupy, in gangs too. */
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
