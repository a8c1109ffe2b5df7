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
import io.lcpfs.format.Disk;
import io.lcpfs.format.Dva;
import io.lcpfs.format.GangHeader;
import io.lcpfs.format.ObjectType;
import io.lcpfs.memory.Slab;
import io.lcpfs.memory.SlabAllocator;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
     * @param piece what the header says of the piece; null for a header
     */
    void extent(long dva, long offsetBytes, int bytes, @Nullable BlockPointer piece);
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
   * @param damage takes the headers that are wrong in one way and intact in another
   * @throws PoolException Corrupt when a header does not verify; DeviceFailed
   */
  private void visit(
      long gangDva,
      long birthTxg,
      long offsetBytes,
      long bytes,
      int depth,
      Damage damage,
      Visitor visitor) {
    long dva = headerDva(gangDva);
    long at = offsetBytes;
    for (BlockPointer piece : pieces(dva, birthTxg, bytes, damage)) {
      if (!Dva.isGang(piece.dva(0))) {
        visitor.extent(piece.dva(0), at, piece.psizeBytes(), piece);
      } else if (depth == MAX_DEPTH) {
        throw PoolException.corrupt("gang.depth", depth);
      } else {
        visit(piece.dva(0), birthTxg, at, piece.psizeBytes(), depth + 1, damage, visitor);
      }
      at += piece.psizeBytes();
    }
    visitor.extent(dva, -1, sectorBytes, null);
  }

  /** What a header lists, read in the first way in which it is one. */
  private List<BlockPointer> pieces(long dva, long birthTxg, long bytes, Damage damage) {
    int ways = devices.ways(dva);
    Slab header = Scratch.allocate(cache, devices, sectorBytes);
    try {
      for (int way = 0; true; way++) {
        try {
          devices.read(dva, way, header.segment());
          List<BlockPointer> pieces = decode(header.segment(), dva, birthTxg, bytes);
          noteHeaders(dva, way, header.segment(), damage);
          return pieces;
        } catch (PoolException e) {
          if (e.errno() == Errno.ENOMEM || way == ways - 1) {
            throw e;
          }
        }
      }
    } finally {
      slabs.free(header);
    }
  }

  private void noteHeaders(long dva, int wrong, MemorySegment intact, Damage damage) {
    if (wrong > 0) {
      MemorySegment own = MemorySegment.ofArray(intact.toArray(Disk.U8));
      for (int way = 0; way < wrong; way++) {
        devices.countChecksumError(dva, way);
        damage.header(dva, way, own);
      }
    }
  }

  private List<BlockPointer> decode(MemorySegment header, long dva, long birthTxg, long bytes) {
    List<BlockPointer> children = GangHeader.decode(header, dva, birthTxg).children();
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
  }

  private int wholeSectors(BlockPointer parent) {
    return wholeSectors(parent.psizeBytes());
  }

  /**
   * Reads one gang copy into {@code target}, whose size is the stored size in whole sectors. Pieces
   * that can be had in several ways are verified by themselves.
   *
   * @param damage takes what is wrong in one way and intact in another
   */
  void read(long gangDva, BlockPointer parent, MemorySegment target, Damage damage) {
    env.probe(CodeProbe.GANG_BLOCK_READ);
    visit(
        gangDva,
        parent.physicalBirth(),
        0,
        target.byteSize(),
        0,
        damage,
        (dva, offset, bytes, piece) -> {
          if (piece != null) {
            read(piece, target.asSlice(offset, bytes), offset, damage);
          }
        });
  }

  private void read(BlockPointer piece, MemorySegment target, long offsetBytes, Damage damage) {
    long dva = piece.dva(0);
    int ways = devices.ways(dva);
    if (ways == 1) {
      devices.read(dva, 0, target); // the block's own checksum tells
      return;
    }
    for (int way = 0; true; way++) {
      PoolException failure = tryRead(piece, way, target);
      if (failure == null) {
        for (int wrong = 0; wrong < way; wrong++) {
          damage.content(dva, wrong, offsetBytes, (int) target.byteSize());
        }
        return;
      }
      if (failure.errno() == Errno.ENOMEM || way == ways - 1) {
        throw failure;
      }
    }
  }

  private @Nullable PoolException tryRead(BlockPointer piece, int way, MemorySegment target) {
    long dva = piece.dva(0);
    try {
      devices.read(dva, way, target);
    } catch (PoolException e) {
      return e;
    }
    if (BlockIo.matches(piece, target)) {
      return null;
    }
    devices.countChecksumError(dva, way);
    return new PoolException(new PoolError.ChecksumMismatch(piece.toString()));
  }

  /** Told of an address that is not intact in one of its ways. */
  interface WayVisitor {
    void way(long dva, int way);
  }

  /**
   * Looks at the ways of having headers and pieces of an intact copy that reading it had no need
   * of.
   *
   * @param copyBytes stored bytes of the copy, whole sectors
   * @param known what reading found wrong, which is not told again
   */
  void checkOtherWays(
      long gangDva, BlockPointer parent, long copyBytes, Damage known, WayVisitor wrong) {
    visit(
        gangDva,
        parent.physicalBirth(),
        0,
        copyBytes,
        0,
        new Damage(),
        (dva, offset, bytes, piece) -> {
          int ways = devices.ways(dva);
          for (int way = 0; ways > 1 && way < ways; way++) {
            if (!known.has(dva, way) && !isIntact(dva, way, bytes, piece, parent)) {
              wrong.way(dva, way);
            }
          }
        });
  }

  private boolean isIntact(
      long dva, int way, int bytes, @Nullable BlockPointer piece, BlockPointer parent) {
    Slab scratch = Scratch.allocate(cache, devices, bytes);
    try {
      if (piece != null) {
        return tryRead(piece, way, scratch.segment().asSlice(0, bytes)) == null;
      }
      devices.read(dva, way, scratch.segment());
      GangHeader.decode(scratch.segment(), dva, parent.physicalBirth());
      return true;
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e;
      }
      devices.countChecksumError(dva, way);
      return false;
    } finally {
      slabs.free(scratch);
    }
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
          new Damage(),
          (dva, offset, bytes, piece) -> {
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
        new Damage(),
        (dva, offset, bytes, piece) -> visitor.extent(dva, bytes));
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
      devices.countChecksumError(headerDva(gangDva), 0);
      if (extents.stream().noneMatch(one -> one.dva == headerDva(gangDva))) {
        extents.add(new Taken(headerDva(gangDva), sectorBytes));
      }
    }
    extents.forEach(one -> allocator.free(one.dva, one.bytes, txg));
  }
}
