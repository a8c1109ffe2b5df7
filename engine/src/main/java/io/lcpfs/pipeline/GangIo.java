package io.lcpfs.pipeline;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.cache.Arc;
import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Dva;
import io.lcpfs.format.GangHeader;
import io.lcpfs.format.ObjectType;
import io.lcpfs.memory.Slab;
import io.lcpfs.memory.SlabAllocator;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Gang blocks: a copy for which no extent was long enough, in up to some thirty pieces that a header
 * block lists. Each copy of a block has its own gang.
 */
final class GangIo {
  private static final int MIN_HEADER_BYTES = 4096;

  private final Env env;
  private final SlabAllocator slabs;
  private final Arc cache;
  private final Allocator allocator;
  private final Devices devices;
  private final int sectorBytes;
  private final int headerBytes;

  GangIo(Env env, SlabAllocator slabs, Arc cache, Allocator allocator, Devices devices) {
    this.env = env;
    this.slabs = slabs;
    this.cache = cache;
    this.allocator = allocator;
    this.devices = devices;
    this.sectorBytes = allocator.sectorBytes();
    this.headerBytes = Math.max(MIN_HEADER_BYTES, sectorBytes);
  }

  int headerBytes() {
    return headerBytes;
  }

  /**
   * Finds room for {@code bytes} in pieces, the largest first.
   *
   * @throws PoolException ENOSPC; nothing is then allocated
   */
  Placement.Gang place(int bytes, long txg) {
    List<Long> dvas = new ArrayList<>();
    List<Integer> sizes = new ArrayList<>();
    long header = Dva.NONE;
    boolean done = false;
    try {
      header = allocator.allocate(headerBytes, txg, Dva.NONE, Dva.NONE);
      int left = bytes;
      int piece = (bytes / 2 + sectorBytes - 1) / sectorBytes * sectorBytes;
      while (left > 0 && header != Dva.NONE && dvas.size() < GangHeader.maxChildren(headerBytes)) {
        int size = Math.min(piece, left);
        long dva = allocator.allocate(size, txg, Dva.NONE, Dva.NONE);
        if (dva != Dva.NONE) {
          dvas.add(dva);
          sizes.add(size);
          left -= size;
        } else if (size > sectorBytes) {
          piece = (size / 2 + sectorBytes - 1) / sectorBytes * sectorBytes;
        } else {
          break;
        }
      }
      if (left > 0 || header == Dva.NONE) {
        throw new PoolException(new PoolError.OutOfSpace(bytes, allocator.freeBytes()));
      }
      done = true;
      return new Placement.Gang(header, dvas.stream().mapToLong(Long::longValue).toArray(),
          sizes.stream().mapToInt(Integer::intValue).toArray());
    } finally {
      if (!done) {
        for (int i = 0; i < dvas.size(); i++) {
          allocator.cancel(dvas.get(i), sizes.get(i), txg);
        }
        if (header != Dva.NONE) {
          allocator.cancel(header, headerBytes, txg);
        }
      }
    }
  }

  /** Queues the writes of one gang copy. */
  void write(Placement.Gang gang, MemorySegment source, BlockPointer parent,
      BlockIo.Release release) {
    env.probe(CodeProbe.GANG_BLOCK_WRITTEN);
    List<BlockPointer> children = new ArrayList<>();
    int at = 0;
    for (int i = 0; i < gang.pieceDvas().length; i++) {
      int size = gang.pieceBytes()[i];
      MemorySegment piece = source.asSlice(at, size);
      at += size;
      long[] dvas = {gang.pieceDvas()[i], Dva.NONE, Dva.NONE};
      children.add(BlockPointer.stored(dvas, size, size, CompressionType.OFF, ChecksumType.BLAKE3,
          ObjectType.GANG_HEADER, 0, parent.physicalBirth(), 1,
          BlockIo.checksum(ChecksumType.BLAKE3, piece)));
      release.expect();
      devices.write(gang.pieceDvas()[i], piece, release);
    }
    Slab header = Scratch.allocate(cache, devices, headerBytes);
    new GangHeader(gang.headerDva(), parent.physicalBirth(), children).encode(header.segment());
    devices.write(gang.headerDva(), header.segment(), failure -> slabs.free(header));
  }

  /**
   * The pieces of a gang copy.
   *
   * @param gangDva the copy's address, with the gang bit
   * @throws PoolException Corrupt when the header does not verify; DeviceFailed
   */
  List<BlockPointer> pieces(long gangDva, BlockPointer parent) {
    long dva = Dva.of(Dva.metaslab(gangDva), Dva.offsetBytes(gangDva));
    Slab header = Scratch.allocate(cache, devices, headerBytes);
    try {
      devices.read(dva, header.segment());
      List<BlockPointer> children =
          GangHeader.decode(header.segment(), dva, parent.physicalBirth()).children();
      long total = 0;
      for (BlockPointer child : children) {
        if (child.copies() != 1 || Dva.isGang(child.dva(0))
            || child.psizeBytes() % sectorBytes != 0) {
          throw PoolException.corrupt("gang.child", child.toString());
        }
        total += child.psizeBytes();
      }
      long expected = (parent.psizeBytes() + sectorBytes - 1L) / sectorBytes * sectorBytes;
      if (total != expected) {
        throw PoolException.corrupt("gang.total_bytes", total);
      }
      return children;
    } finally {
      slabs.free(header);
    }
  }

  /** Reads one gang copy into {@code target}, whose size is the stored size in whole sectors. */
  void read(long gangDva, BlockPointer parent, MemorySegment target) {
    env.probe(CodeProbe.GANG_BLOCK_READ);
    long at = 0;
    for (BlockPointer piece : pieces(gangDva, parent)) {
      devices.read(piece.dva(0), target.asSlice(at, piece.psizeBytes()));
      at += piece.psizeBytes();
    }
  }

  /**
   * Frees header and pieces of one gang copy. A header that is lost leaves its pieces allocated: they are
   * reported as a leak by the pool's check.
   */
  void free(long gangDva, BlockPointer parent, long txg) {
    long dva = Dva.of(Dva.metaslab(gangDva), Dva.offsetBytes(gangDva));
    List<BlockPointer> pieces;
    try {
      pieces = pieces(gangDva, parent);
    } catch (PoolException e) {
      devices.countChecksumError(dva);
      pieces = List.of();
    }
    for (BlockPointer piece : pieces) {
      allocator.free(piece.dva(0), piece.psizeBytes(), txg);
    }
    allocator.free(dva, headerBytes, txg);
  }
}
