package io.lcpfs.object;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Changes one object's data blocks within transactions: makes them dirty, copying what an earlier
 * group still needs; resizes a single block; takes freed ranges out of memory. Everything that can
 * fail happens before the first change.
 */
final class BlockChanger {
  private final Dnode dnode;

  BlockChanger(Dnode dnode) {
    this.dnode = dnode;
  }

  private ObjectContext context() {
    return dnode.objectSet().context();
  }

  /** See {@link Dnode#writeSome}. */
  long write(
      Tx tx,
      long offsetBytes,
      MemorySegment source,
      long sourceOffset,
      long length,
      int maxBlockBytes) {
    growFor(tx, Math.addExact(offsetBytes, length), maxBlockBytes);
    tx.countWritten(length);
    long at = offsetBytes;
    long from = sourceOffset;
    long left = length;
    while (left > 0) {
      int size = dnode.blockBytes;
      long blockId = at / size;
      int inside = (int) (at - blockId * size);
      int n = (int) Math.min(left, size - inside);
      try (Dbuf dbuf = dirty(tx, blockId, n == size)) {
        MemorySegment.copy(source, from, dbuf.segment(), inside, n);
      } catch (PoolException e) {
        if (left < length) {
          return length - left; // who goes on from there is told
        }
        throw e;
      }
      at += n;
      from += n;
      left -= n;
    }
    return length;
  }

  /**
   * The block to change in this group, pinned. With {@code overwrite} its old content is not read,
   * and the caller fills all of it.
   */
  Dbuf dirty(Tx tx, long blockId, boolean overwrite) {
    if (blockId >= DnodeRecord.maxBlocks(DnodeRecord.MAX_LEVELS, dnode.indirectShift())) {
      throw PoolException.posix(Errno.EFBIG, "block " + blockId + " of object " + dnode.number());
    }
    long txg = tx.txg();
    Dbuf cached = dnode.blocks.find(blockId);
    if (cached != null && cached.tryPin()) {
      if (cached.dirtyTxg == txg && !cached.detached) {
        return cached;
      }
      cached.unpin();
    }
    while (true) {
      Dbuf dbuf = overwrite ? loadOrBlank(blockId) : dnode.load(0, blockId);
      Slab copy = null;
      boolean keepPin = false;
      try {
        if (dbuf.dirtyTxg != 0 && dbuf.dirtyTxg != txg) {
          copy = dnode.allocate(dbuf.slab().bytes());
        }
        dnode.lock.lock();
        try {
          dnode.refuseFreed();
          if (dnode.blocks.find(blockId) != dbuf) {
            continue; // freed or resized meanwhile
          }
          Dbuf.Version newest = dbuf.newest;
          if (newest != null && newest.txg != txg && copy == null) {
            continue;
          }
          if (newest == null || newest.txg != txg) {
            Check.that(newest == null || newest.txg < txg, "dirty in an older group", txg);
            if (newest != null && copy != null) {
              context().env().probe(CodeProbe.DIRTY_BLOCK_COPIED);
              if (!overwrite) {
                copy.segment().copyFrom(newest.slab.segment());
              }
              dbuf.data = copy;
              copy = null;
            }
            dbuf.pin();
            dbuf.newest = new Dbuf.Version(txg, dbuf.slab(), newest);
            dbuf.dirtyTxg = txg;
            Pending changes = dnode.pendingIn(tx);
            changes.blocks.add(dbuf);
            SpaceCost.dirtied(tx, dnode, changes, blockId, dbuf.slab().bytes());
            if (blockId >= dnode.blockCount) {
              dnode.blockCount = blockId + 1;
            }
            changes.blockCount = dnode.blockCount;
            changes.blockBytes = dnode.blockBytes;
          }
          keepPin = true;
        } finally {
          dnode.lock.unlock();
        }
        charge(tx, dbuf.slab().chargedBytes());
        return dbuf;
      } finally {
        if (copy != null) {
          context().slabs().free(copy);
        }
        if (!keepPin) {
          dbuf.unpin();
        }
      }
    }
  }

  /** Content written by others than {@link Dnode#write} counts as whole blocks. */
  private void charge(Tx tx, int bytes) {
    tx.chargeDirty(Math.max(Dbuf.LEAST_CHARGE_BYTES, bytes));
    if (dnode.type() != ObjectType.FILE && dnode.type() != ObjectType.VOLUME) {
      tx.countWritten(bytes);
    }
  }

  /** The block pinned, with any content when it was not in memory. */
  private Dbuf loadOrBlank(long blockId) {
    while (true) {
      dnode.lock.lock();
      try {
        Dbuf found = dnode.blocks.find(blockId);
        if (found != null) {
          if (!found.tryPin()) {
            dnode.blocks.remove(found);
          } else if (found.isReady()) {
            return found;
          } else {
            found.unpin();
            dnode.loaded().awaitUninterruptibly();
            continue;
          }
        }
      } finally {
        dnode.lock.unlock();
      }
      Slab slab = dnode.allocate(dnode.blockBytes);
      Dbuf mine = new Dbuf(dnode, 0, blockId);
      dnode.lock.lock();
      try {
        if (dnode.blocks.find(blockId) == null && slab.bytes() == dnode.blockBytes) {
          mine.data = slab;
          dnode.blocks.add(mine);
          slab = null;
        }
      } finally {
        dnode.lock.unlock();
        if (slab != null) {
          context().slabs().free(slab);
        }
      }
      if (slab == null) {
        context().cache().insert(mine);
        return mine;
      }
    }
  }

  /** See {@link BlockObject#setBlockBytes}. */
  void setBlockBytes(Tx tx, int newBytes) {
    Check.that(
        newBytes >= 512 && newBytes % 512 == 0 && newBytes <= BlockPointer.MAX_BLOCK_BYTES,
        "block size",
        newBytes);
    Check.that(
        dnode.blockCount <= 1, "block size of an object with several blocks", dnode.blockCount);
    if (newBytes == dnode.blockBytes) {
      return;
    }
    if (dnode.blockCount == 0) {
      List<Dbuf> detached;
      dnode.lock.lock();
      try {
        dnode.refuseFreed();
        detached = detachRange(tx.txg(), 0, 1);
        dnode.blockBytes = newBytes;
        Pending changes = dnode.pendingIn(tx);
        changes.blockBytes = newBytes;
      } finally {
        dnode.lock.unlock();
      }
      dropDetached(detached);
      return;
    }
    Dbuf bigger = new Dbuf(dnode, 0, 0);
    bigger.pin(); // for the version
    List<Dbuf> detached;
    try (Dbuf old = dnode.load(0, 0)) {
      Slab slab = dnode.allocate(newBytes);
      long kept = Math.min(old.slab().bytes(), newBytes);
      MemorySegment.copy(old.segment(), 0, slab.segment(), 0, kept);
      slab.segment().asSlice(kept).fill((byte) 0);
      dnode.lock.lock();
      try {
        Check.that(!dnode.isFreed(), "resize of a freed object", dnode.number());
        detached = detachRange(tx.txg(), 0, 1);
        dnode.blockBytes = newBytes;
        bigger.data = slab;
        bigger.newest = new Dbuf.Version(tx.txg(), slab, null);
        bigger.dirtyTxg = tx.txg();
        dnode.blocks.add(bigger);
        Pending changes = dnode.pendingIn(tx);
        changes.blockBytes = newBytes;
        changes.blockCount = dnode.blockCount;
        changes.blocks.add(bigger);
        SpaceCost.dirtied(tx, dnode, changes, 0, newBytes);
      } finally {
        dnode.lock.unlock();
      }
    }
    dropDetached(detached);
    charge(tx, newBytes);
    context().cache().insert(bigger);
    bigger.unpin();
  }

  /**
   * Takes the data blocks in range out of the table and undoes their change in {@code txg}. Caller
   * holds the lock, and gives the result to {@link #dropDetached} without it.
   */
  private List<Dbuf> detachRange(long txg, long fromBlock, long toBlock) {
    List<Dbuf> detached = new ArrayList<>();
    if (toBlock - fromBlock <= dnode.blocks.size()) {
      for (long id = fromBlock; id < toBlock; id++) {
        Dbuf dbuf = dnode.blocks.find(id);
        if (dbuf != null) {
          detach(dbuf, txg);
          detached.add(dbuf);
        }
      }
      return detached;
    }
    for (Dbuf dbuf : dnode.blocks.snapshot()) {
      if (dbuf.level() == 0 && dbuf.blockId() >= fromBlock && dbuf.blockId() < toBlock) {
        detach(dbuf, txg);
        detached.add(dbuf);
      }
    }
    return detached;
  }

  /** Gives the memory of detached blocks back at once, where nobody is using it. */
  private void dropDetached(List<Dbuf> detached) {
    for (Dbuf dbuf : detached) {
      context().cache().tryEvict(dbuf);
    }
  }

  private void detach(Dbuf dbuf, long txg) {
    dnode.blocks.remove(dbuf);
    dbuf.detached = true;
    if (dbuf.version(txg) != null) {
      Slab unused = dbuf.dropVersion(txg);
      Check.that(unused == null, "newest version is not what readers see");
      dbuf.unpin(); // it stays in the group's list, where the sync finds no version and skips it
    }
  }

  /** Frees the data blocks in {@code [first, last)}; Long.MAX_VALUE for all from the first on. */
  void free(Tx tx, long first, long last) {
    List<Dbuf> detached;
    dnode.lock.lock();
    try {
      dnode.refuseFreed();
      if (first >= dnode.blockCount) {
        return;
      }
      detached = detachRange(tx.txg(), first, Math.min(last, dnode.blockCount));
      Pending changes = dnode.pendingIn(tx);
      changes.free(first, last);
      SpaceCost.freed(tx, dnode, first, last);
      if (last >= dnode.blockCount) {
        dnode.blockCount = first;
      }
      changes.blockCount = dnode.blockCount;
    } finally {
      dnode.lock.unlock();
    }
    dropDetached(detached);
  }

  /** Gives the object blocks by reference, from {@code first} on, in place of what it has there. */
  void clone(Tx tx, long first, BlockPointer[] pointers, SpaceCost.OfClone cost) {
    leaveTail(tx, Math.multiplyExact(first + pointers.length, dnode.blockBytes));
    List<Dbuf> detached;
    dnode.lock.lock();
    try {
      dnode.refuseFreed();
      detached = detachRange(tx.txg(), first, first + pointers.length);
      Pending changes = dnode.pendingIn(tx);
      changes.addClones(first, pointers);
      dnode.blockCount = Math.max(dnode.blockCount, first + pointers.length);
      changes.blockCount = dnode.blockCount;
      changes.blockBytes = dnode.blockBytes;
      SpaceCost.cloned(tx, dnode, first, pointers.length, cost);
    } finally {
      dnode.lock.unlock();
    }
    dropDetached(detached);
    dnode.objectSet().addCloning(tx.txg(), dnode);
  }

  /** Zeros a part of a block in place; a hole stays one. */
  void zero(Tx tx, long blockId, int from, int to) {
    Dbuf present = dnode.loadUnlessHole(blockId);
    if (present == null) {
      return;
    }
    present.close();
    try (Dbuf dbuf = dirty(tx, blockId, false)) {
      dbuf.segment().asSlice(from, to - from).fill((byte) 0);
    }
  }

  /** Before bytes up to {@code endBytes} are written: a single block grows as far as it may. */
  void growFor(Tx tx, long endBytes, int maxBlockBytes) {
    int size = dnode.blockBytes;
    if (dnode.blockCount > 1 || endBytes <= size || size >= maxBlockBytes) {
      leaveTail(tx, endBytes);
      return;
    }
    int wanted = maxBlockBytes;
    if (endBytes < maxBlockBytes) {
      // Appends in small steps would copy the block each time: grow by a quarter at least.
      int step = dnode.blockCount == 0 ? Disk.SECTOR_BYTES : Math.max(Disk.SECTOR_BYTES, size / 4);
      wanted = (int) Math.min(maxBlockBytes, (endBytes + step - 1) / step * step);
      wanted = (wanted + 511) & ~511;
    }
    setBlockBytes(tx, wanted);
    leaveTail(tx, endBytes);
  }

  /** A second block ends residence in a tail: block 0 must then be written as a block. */
  private void leaveTail(Tx tx, long endBytes) {
    if (dnode.blockCount == 1
        && dnode.blockBytes <= TailRecord.MAX_ENTRY_BYTES
        && endBytes > dnode.blockBytes) {
      dirty(tx, 0, false).close();
    }
  }
}
