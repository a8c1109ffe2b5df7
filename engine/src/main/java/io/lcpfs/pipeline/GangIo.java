package io.lcpfs.pipeline;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.cache.Arc;
import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.error.Errno;
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
 * Gang blocks: a copy for which no extent was long enough, in pieces that a header of one sector
 * lists. A piece for which there is no extent either is a gang itself, so that whatever is free can
 * be used. Each copy of a block has its own gang.
 */
final class GangIo {
  /** Gangs within gangs: three pieces to a header of 512 bytes, and 16 MiB in single sectors. */
  private static final int MAX_DEPTH = 24;

  private final Env env;
  private final SlabAllocator slabs;
  private final Arc cache;
  private final Allocator allocator;
  private final Devices devices;
  private final int sectorBytes;
  private final int maxChildren;

  GangIo(Env env, SlabAllocator slabs, Arc cache, Allocator allocator, Devices devices) {
    this.env = env;
    this.slabs = slabs;
    this.cache = cache;
    this.allocator = allocator;
    this.devices = devices;
    this.sectorBytes = allocator.sectorBytes();
    this.maxChildren = GangHeader.maxChildren(sectorBytes);
  }

  /** Bytes of a header on disk. */
  int headerBytes() {
    return sectorBytes;
  }

  /** The most that headers take for a copy of {@code bytes} bytes: all of it in single sectors. */
  long worstHeaderBytes(long bytes) {
    // Each header stands for one piece less than it lists.
    return Math.ceilDiv(bytes / sectorBytes, maxChildren - 1) * (long) sectorBytes;
  }

  /** Allocated so far, to be given back when the rest finds no room. */
  private record Taken(long dva, int bytes) {}

  /**
   * Finds room for {@code bytes}, whole sectors, in pieces as large as can be.
   *
   * @throws PoolException ENOSPC; nothing is then allocated
   */
  Placement.Gang place(int bytes, long txg) {
    List<Taken> taken = new ArrayList<>();
    boolean done = false;
    try {
      Placement.Gang gang = place(bytes, txg, taken);
      done = true;
      return gang;
    } finally {
      if (!done) {
        taken.forEach(one -> allocator.cancel(one.dva, one.bytes, txg));
      }
    }
  }

  private Placement.Gang place(int bytes, long txg, List<Taken> taken) {
    long header = take(sectorBytes, txg, taken);
    if (header == Dva.NONE) {
      throw new PoolException(new PoolError.OutOfSpace(bytes, allocator.freeBytes()));
    }
    List<Placement.Piece> pieces = new ArrayList<>();
    int left = bytes;
    int wished = wholeSectors(bytes / 2);
    while (left > 0) {
      // Smaller pieces than this would not all find a place in the header.
      int least = wholeSectors(Math.ceilDiv(left, maxChildren - pieces.size()));
      int size = Math.min(Math.max(wished, least), left);
      long dva = take(size, txg, taken);
      if (dva != Dva.NONE) {
        pieces.add(new Placement.Piece(dva, size, null));
        left -= size;
      } else if (size > least) {
        wished = wholeSectors(size / 2);
      } else if (size == sectorBytes) {
        throw new PoolException(new PoolError.OutOfSpace(bytes, allocator.freeBytes()));
      } else {
        Placement.Gang nested = place(size, txg, taken);
        pieces.add(new Placement.Piece(Dva.gang(nested.headerDva()), size, nested));
        left -= size;
      }
    }
    return new Placement.Gang(header, pieces);
  }

  private long take(int bytes, long txg, List<Taken> taken) {
    long dva = allocator.allocate(bytes, txg, Dva.NONE, Dva.NONE);
    if (dva != Dva.NONE) {
      taken.add(new Taken(dva, bytes));
    }
    return dva;
  }

  private int wholeSectors(int bytes) {
    return Math.max(1, Math.ceilDiv(bytes, sectorBytes)) * sectorBytes;
  }

  /** Queues the writes of one gang copy. */
  void write(
      Placement.Gang gang, MemorySegment source, BlockPointer parent, BlockIo.Release release) {
    env.probe(CodeProbe.GANG_BLOCK_WRITTEN);
    List<BlockPointer> children = new ArrayList<>();
    int at = 0;
    for (Placement.Piece piece : gang.pieces()) {
      MemorySegment content = source.asSlice(at, piece.bytes());
      at += piece.bytes();
      long[] dvas = {piece.dva(), Dva.NONE, Dva.NONE};
      children.add(
          BlockPointer.stored(
              dvas,
              piece.bytes(),
              piece.bytes(),
              CompressionType.OFF,
              ChecksumType.BLAKE3,
              ObjectType.GANG_HEADER,
              0,
              parent.physicalBirth(),
              1,
              BlockIo.checksum(ChecksumType.BLAKE3, content)));
      Placement.Gang nested = piece.nested();
      if (nested == null) {
        release.expect();
        devices.write(piece.dva(), content, release);
      } else {
        write(nested, content, parent, release);
      }
    }
    Slab header = Scratch.allocate(cache, devices, sectorBytes);
    new GangHeader(gang.headerDva(), parent.physicalBirth(), children).encode(header.segment());
    devices.write(gang.headerDva(), header.segment(), failure -> slabs.free(header));
  }

  /** Told of the extents of a gang, headers and pieces. */
  private interface Visitor {
    /**
     * @param offsetBytes where the piece belongs in the block; negative for a header
     */
    void extent(long dva, long offsetBytes, int bytes);
  }

  /** A gang's header without the bit that marks it in a pointer. */
  private static long headerDva(long gangDva) {
    return Dva.of(Dva.metaslab(gangDva), Dva.offsetBytes(gangDva));
  }

  /**
   * Visits one gang copy, each header after what it lists.
   *
   * @param gangDva the copy's address, with the gang bit
   * @param bytes stored bytes of the copy, whole sectors
   * @throws PoolException Corrupt when a header does not verify; DeviceFailed
   */
  private void visit(
      long gangDva, long birthTxg, long offsetBytes, long bytes, int depth, Visitor visitor) {
    long dva = headerDva(gangDva);
    long at = offsetBytes;
    for (BlockPointer piece : pieces(dva, birthTxg, bytes)) {
      if (!Dva.isGang(piece.dva(0))) {
        visitor.extent(piece.dva(0), at, piece.psizeBytes());
      } else if (depth == MAX_DEPTH) {
        throw PoolException.corrupt("gang.depth", depth);
      } else {
        visit(piece.dva(0), birthTxg, at, piece.psizeBytes(), depth + 1, visitor);
      }
      at += piece.psizeBytes();
    }
    visitor.extent(dva, -1, sectorBytes);
  }

  private List<BlockPointer> pieces(long dva, long birthTxg, long bytes) {
    Slab header = Scratch.allocate(cache, devices, sectorBytes);
    try {
      devices.read(dva, header.segment());
      List<BlockPointer> children = GangHeader.decode(header.segment(), dva, birthTxg).children();
      long total = 0;
      for (BlockPointer child : children) {
        if (child.copies() != 1 || child.psizeBytes() % sectorBytes != 0) {
          throw PoolException.corrupt("gang.child", child.toString());
        }
        total += child.psizeBytes();
      }
      if (total != bytes) {
        throw PoolException.corrupt("gang.total_bytes", total);
      }
      return children;
    } finally {
      slabs.free(header);
    }
  }

  private int wholeSectors(BlockPointer parent) {
    return wholeSectors(parent.psizeBytes());
  }

  /** Reads one gang copy into {@code target}, whose size is the stored size in whole sectors. */
  void read(long gangDva, BlockPointer parent, MemorySegment target) {
    env.probe(CodeProbe.GANG_BLOCK_READ);
    visit(
        gangDva,
        parent.physicalBirth(),
        0,
        target.byteSize(),
        0,
        (dva, offset, bytes) -> {
          if (offset >= 0) {
            devices.read(dva, target.asSlice(offset, bytes));
          }
        });
  }

  /**
   * Writes the pieces of one gang copy again where they are.
   *
   * @return whether all headers could be read; else nothing was written
   */
  boolean rewrite(long gangDva, BlockPointer parent, MemorySegment source) {
    List<Runnable> writes = new ArrayList<>();
    try {
      visit(
          gangDva,
          parent.physicalBirth(),
          0,
          source.byteSize(),
          0,
          (dva, offset, bytes) -> {
            if (offset >= 0) {
              writes.add(() -> writePiece(dva, source.asSlice(offset, bytes)));
            }
          });
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e;
      }
      return false;
    }
    writes.forEach(Runnable::run);
    return true;
  }

  private void writePiece(long dva, MemorySegment bytes) {
    Slab own = Scratch.allocate(cache, devices, (int) bytes.byteSize());
    own.segment().copyFrom(bytes);
    devices.write(dva, own.segment(), failure -> slabs.free(own));
  }

  /** Tells the extents of one gang copy. */
  void extents(long gangDva, BlockPointer parent, BlockReader.ExtentVisitor visitor) {
    visit(
        gangDva,
        parent.physicalBirth(),
        0,
        wholeSectors(parent),
        0,
        (dva, offset, bytes) -> visitor.extent(dva, bytes));
  }

  /**
   * Frees headers and pieces of one gang copy. A header that is lost leaves its pieces allocated:
   * they are reported as a leak by the pool's check.
   */
  void free(long gangDva, BlockPointer parent, long txg) {
    List<Taken> extents = new ArrayList<>();
    try {
      extents(gangDva, parent, (dva, bytes) -> extents.add(new Taken(dva, bytes)));
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e; // nothing is lost: whoever frees may try again
      }
      env.probe(CodeProbe.GANG_HEADER_LOST);
      devices.countChecksumError(headerDva(gangDva));
      if (extents.stream().noneMatch(one -> one.dva == headerDva(gangDva))) {
        extents.add(new Taken(headerDva(gangDva), sectorBytes));
      }
    }
    extents.forEach(one -> allocator.free(one.dva, one.bytes, txg));
  }
}
