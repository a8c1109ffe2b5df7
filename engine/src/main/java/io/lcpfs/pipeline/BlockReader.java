package io.lcpfs.pipeline;

import io.lcpfs.cache.Arc;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.codec.Compressors;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.PlantedBug;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Dva;
import io.lcpfs.memory.Slab;
import io.lcpfs.memory.SlabAllocator;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Reads blocks: the first copy that matches its checksum is decoded and given out; copies that did
 * not match are rewritten from it.
 */
public final class BlockReader {

  /**
   * Keeps the sectors of a block that was live in a group from being reused while a repair is
   * written.
   */
  public interface ReuseGuard {
    /**
     * Runs {@code repair} unless the sectors of a block that was live after {@code seenTxg} may
     * have been given to another since; no sector is reused while it runs.
     */
    void ifNotReused(long seenTxg, Runnable repair);
  }

  private final Env env;
  private final SlabAllocator slabs;
  private final Arc cache;
  private final Devices devices;
  private final GangIo gangs;
  private final int sectorBytes;
  private final ReuseGuard guard;

  BlockReader(
      Env env,
      SlabAllocator slabs,
      Arc cache,
      Devices devices,
      GangIo gangs,
      int sectorBytes,
      ReuseGuard guard) {
    this.env = env;
    this.slabs = slabs;
    this.cache = cache;
    this.devices = devices;
    this.gangs = gangs;
    this.sectorBytes = sectorBytes;
    this.guard = guard;
  }

  private int sectors(int bytes) {
    return (bytes + sectorBytes - 1) / sectorBytes * sectorBytes;
  }

  void read(BlockPointer pointer, MemorySegment target, long seenTxg) {
    Check.that(
        !pointer.isHole() && target.byteSize() == pointer.lsizeBytes(),
        "read target",
        target.byteSize());
    if (pointer.isEmbedded()) {
      Compressors.of(pointer.compression())
          .decompress(MemorySegment.ofArray(pointer.embeddedPayload()), target);
      return;
    }
    int stored = sectors(pointer.psizeBytes());
    boolean direct = pointer.compression() == CompressionType.OFF && stored == target.byteSize();
    Slab scratch = direct ? null : Scratch.allocate(cache, devices, stored);
    try {
      MemorySegment bytes = scratch == null ? target : scratch.segment();
      readIntact(pointer, bytes, seenTxg);
      if (scratch != null) {
        MemorySegment packed = bytes.asSlice(0, pointer.psizeBytes());
        if (pointer.compression() == CompressionType.OFF) {
          MemorySegment.copy(packed, 0, target, 0, target.byteSize());
        } else {
          Compressors.of(pointer.compression()).decompress(packed, target);
        }
      }
    } finally {
      if (scratch != null) {
        slabs.free(scratch);
      }
    }
  }

  /**
   * Reads a block that is not embedded as it is stored; {@code target} is as long as its physical
   * size.
   */
  void readStored(BlockPointer pointer, MemorySegment target, long seenTxg) {
    Check.that(
        !pointer.isHole() && !pointer.isEmbedded() && target.byteSize() == pointer.psizeBytes(),
        "read target",
        target.byteSize());
    int stored = sectors(pointer.psizeBytes());
    if (stored == target.byteSize()) {
      readIntact(pointer, target, seenTxg);
      return;
    }
    Slab scratch = Scratch.allocate(cache, devices, stored);
    try {
      readIntact(pointer, scratch.segment(), seenTxg);
      MemorySegment.copy(scratch.segment(), 0, target, 0, target.byteSize());
    } finally {
      slabs.free(scratch);
    }
  }

  private void readIntact(BlockPointer pointer, MemorySegment bytes, long seenTxg) {
    PoolException lastFailure = null;
    PoolError error = new PoolError.ChecksumMismatch(pointer.toString());
    Damage damage = new Damage();
    for (int copy = 0; copy < pointer.copies(); copy++) {
      lastFailure = readCopy(pointer, copy, bytes, damage);
      if (lastFailure == null) {
        if (copy > 0) {
          env.probe(CodeProbe.DITTO_COPY_READ);
        }
        repair(damage, bytes, seenTxg);
        return;
      }
      if (lastFailure.error() instanceof PoolError.DeviceFailed failed) {
        error = failed; // this copy may be intact: who asks again may get it
      }
    }
    throw lastFailure == null ? new PoolException(error) : new PoolException(error, lastFailure);
  }

  /**
   * Reads and verifies one copy in the ways in which it can be had, up to the first that is intact.
   *
   * @param damage takes the ways that were not
   * @return null when one is intact, else why the last was not
   */
  private @Nullable PoolException readCopy(
      BlockPointer pointer, int copy, MemorySegment bytes, Damage damage) {
    long dva = pointer.dva(copy);
    if (Dva.isGang(dva)) {
      return readGang(pointer, copy, bytes, damage);
    }
    int ways;
    try {
      ways = devices.ways(dva);
    } catch (PoolException e) {
      return e; // no such address, so nothing can be put right there
    }
    PoolException failure = null;
    for (int way = 0; way < ways; way++) {
      failure = failureOf(pointer, dva, way, bytes);
      if (failure == null) {
        if (way > 0) {
          env.probe(CodeProbe.MIRROR_COLUMN_READ);
        }
        return null;
      }
      if (!(failure.error() instanceof PoolError.Corrupt)) {
        damage.content(dva, way, 0, (int) bytes.byteSize());
      }
    }
    return failure;
  }

  /** As above; what is wrong in all ways is left: which piece that is may not even be known. */
  private @Nullable PoolException readGang(
      BlockPointer pointer, int copy, MemorySegment bytes, Damage damage) {
    long dva = pointer.dva(copy);
    Damage found = new Damage();
    try {
      gangs.read(dva, pointer, bytes, found);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e;
      }
      return e;
    }
    if (!matches(pointer, bytes)) {
      devices.countChecksumError(dva, 0);
      return new PoolException(new PoolError.ChecksumMismatch(pointer.toString()));
    }
    found.extents().forEach(damage.extents()::add);
    return null;
  }

  /** Reads and verifies in one way; why it is not intact, or null. Throws ENOMEM. */
  private @Nullable PoolException failureOf(
      BlockPointer pointer, long dva, int way, MemorySegment bytes) {
    try {
      devices.read(dva, way, bytes);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e; // says nothing about the copy
      }
      return e;
    }
    if (matches(pointer, bytes)) {
      return null;
    }
    devices.countChecksumError(dva, way);
    return new PoolException(new PoolError.ChecksumMismatch(pointer.toString()));
  }

  private boolean matches(BlockPointer pointer, MemorySegment bytes) {
    return env.planted(PlantedBug.CHECKSUM_NOT_VERIFIED) || BlockIo.matches(pointer, bytes);
  }

  private void repair(Damage damage, MemorySegment block, long seenTxg) {
    if (damage.isEmpty()) {
      return;
    }
    guard.ifNotReused(
        seenTxg,
        () -> {
          for (Damage.Extent extent : damage.extents()) {
            env.probe(CodeProbe.DITTO_COPY_REPAIRED);
            repair(extent, extent.content(block));
          }
        });
  }

  private void repair(Damage.Extent extent, MemorySegment content) {
    Slab own = Scratch.allocate(cache, devices, (int) content.byteSize());
    boolean queued = false;
    try {
      own.segment().copyFrom(content);
      devices.repair(
          extent.dva(),
          extent.way(),
          own.segment(),
          failure -> {
            if (failure == null) {
              devices.countRepaired(extent.dva(), extent.way());
            }
            slabs.free(own);
          });
      queued = true;
    } finally {
      if (!queued) {
        slabs.free(own); // a pointer may name what is no address
      }
    }
  }

  /** Told of each way of having a copy that is not intact. */
  public interface Flaws {
    /**
     * @param where what is wrong, for a person: the copy, or its part on one device
     */
    void flaw(String where, PoolException why);
  }

  /**
   * Reads one copy in every way in which it can be had, on whichever devices.
   *
   * @param bytes for one copy, as long as the stored size in whole sectors
   */
  public void check(BlockPointer pointer, int copy, MemorySegment bytes, Flaws flaws) {
    long dva = pointer.dva(copy);
    String name = "copy " + copy + " of " + pointer;
    try {
      if (Dva.isGang(dva)) {
        checkGang(pointer, copy, bytes, name, flaws);
        return;
      }
      int ways = devices.ways(dva);
      for (int way = 0; way < ways; way++) {
        PoolException failure = failureOf(pointer, dva, way, bytes);
        if (failure != null) {
          flaws.flaw(ways == 1 ? name : name + onDevice(dva, way), failure);
        }
      }
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e;
      }
      flaws.flaw(name, e);
    }
  }

  private void checkGang(
      BlockPointer pointer, int copy, MemorySegment bytes, String name, Flaws flaws) {
    Damage damage = new Damage();
    PoolException failure = readGang(pointer, copy, bytes, damage);
    if (failure != null) {
      flaws.flaw(name, failure);
      return;
    }
    for (Damage.Extent extent : damage.extents()) {
      tellPiece(name, extent.dva(), extent.way(), flaws);
    }
    if (devices.hasMirrors()) {
      gangs.checkOtherWays(
          pointer.dva(copy),
          pointer,
          bytes.byteSize(),
          damage,
          (dva, way) -> tellPiece(name, dva, way, flaws));
    }
  }

  private void tellPiece(String name, long dva, int way, Flaws flaws) {
    flaws.flaw(
        "a piece of " + name + onDevice(dva, way),
        new PoolException(new PoolError.ChecksumMismatch(Dva.toString(dva))));
  }

  private String onDevice(long dva, int way) {
    return " on device " + devices.device(dva, way);
  }

  /** Bytes that {@link #check} reads for all copies of a block, headers of gangs left out. */
  public long checkedBytes(BlockPointer pointer) {
    long bytes = 0;
    for (int copy = 0; copy < pointer.copies(); copy++) {
      int ways;
      try {
        ways = devices.ways(pointer.dva(copy));
      } catch (PoolException e) {
        ways = 1; // no such address, which is told when it is read
      }
      bytes += (long) storedBytes(pointer) * ways;
    }
    return bytes;
  }

  /**
   * Writes the stored bytes of a block again where they are, of which no copy can be read. Only
   * what the pointer's checksum says is written; a gang copy whose header is lost stays as it is.
   *
   * @param bytes as long as the stored size in whole sectors, zeros beyond the physical size
   * @param seenTxg as in {@link #read}
   * @return whether anything was written, and is on its device or told as its failure
   */
  public boolean rewrite(BlockPointer pointer, MemorySegment bytes, long seenTxg) {
    Check.that(bytes.byteSize() == storedBytes(pointer), "rewritten bytes", bytes.byteSize());
    if (!matches(pointer, bytes)) {
      return false;
    }
    int[] written = new int[1];
    guard.ifNotReused(
        seenTxg,
        () -> {
          for (int copy = 0; copy < pointer.copies(); copy++) {
            long dva = pointer.dva(copy);
            if (Dva.isGang(dva)) {
              written[0] += gangs.rewrite(dva, pointer, bytes) ? 1 : 0;
            } else {
              writeCopy(dva, bytes);
              written[0]++;
            }
          }
        });
    return written[0] > 0;
  }

  private void writeCopy(long dva, MemorySegment bytes) {
    Slab own = Scratch.allocate(cache, devices, (int) bytes.byteSize());
    own.segment().copyFrom(bytes);
    devices.write(dva, own.segment(), failure -> slabs.free(own));
  }

  /** Where the stored bytes of a block lie: address and length of each extent, all copies. */
  public interface ExtentVisitor {
    void extent(long dva, int bytes);
  }

  /**
   * Tells all extents that a block occupies.
   *
   * @throws PoolException Corrupt when the header of a gang copy is lost
   */
  public void extents(BlockPointer pointer, ExtentVisitor visitor) {
    for (int copy = 0; copy < pointer.copies(); copy++) {
      long dva = pointer.dva(copy);
      if (!Dva.isGang(dva)) {
        visitor.extent(dva, sectors(pointer.psizeBytes()));
      } else {
        gangs.extents(dva, pointer, visitor);
      }
    }
  }

  /** Stored bytes of one copy, in whole sectors. */
  public int storedBytes(BlockPointer pointer) {
    return sectors(pointer.psizeBytes());
  }
}
