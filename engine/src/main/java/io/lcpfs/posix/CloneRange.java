package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.BlockCloner;
import io.lcpfs.object.SpaceGate;
import io.lcpfs.txg.Tx;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;

/** Gives a file blocks of another file of the pool by reference, where whole records fit. */
final class CloneRange {
  /** With more unsynced changes in the source than this, a sync costs less than copying them. */
  private static final long SYNC_RATHER_THAN_COPY_BYTES = 4 << 20;

  private final FsCore inCore;
  private final Znode in;
  private final FsCore outCore;
  private final Znode out;

  /** Blocks that one transaction gives; fewer once a quota had no room for so many. */
  private int mostBlocks = BlockCloner.MOST_BLOCKS;

  private CloneRange(FsCore inCore, Znode in, FsCore outCore, Znode out) {
    this.inCore = inCore;
    this.in = in;
    this.outCore = outCore;
    this.out = out;
  }

  /** From one open file to another; null when there is no way. */
  static @Nullable CloneRange between(FsCore inCore, Znode in, FsCore outCore, Znode out) {
    boolean regular = in.attrs().isRegular() && out.attrs().isRegular();
    return regular && inCore.objects.isBesides(outCore.objects)
        ? new CloneRange(inCore, in, outCore, out)
        : null;
  }

  /** Sees to it that much of the range can be given; without any lock or transaction. */
  void prepare(long inOffset, long length) {
    int size = in.dnode.blockBytes();
    long end = Math.min(in.attrs().size, inOffset + length);
    if (end > inOffset
        && BlockCloner.changedBytes(in.dnode, inOffset / size, Math.ceilDiv(end, size))
            > SYNC_RATHER_THAN_COPY_BYTES) {
      inCore.objects.sync();
    }
  }

  /** Bytes to copy at {@code inOffset} before it is worth asking again. */
  int notGiven(long inOffset, int most) {
    int size = in.dnode.blockBytes();
    return (int) Math.min(most, size - inOffset % size);
  }

  /**
   * Gives as much as one transaction does of {@code length} bytes.
   *
   * @return bytes given; 0 when those at {@code inOffset} have to be copied
   */
  long give(long inOffset, long outOffset, long length, boolean killSetId) {
    int size = in.dnode.blockBytes();
    if (inOffset % size != 0 || outOffset % size != 0) {
      return 0;
    }
    outCore.checkWritable();
    try (Locks locks = new Locks()) {
      long bytes = Math.min(length, in.attrs().size - inOffset);
      if (bytes <= 0 || in.dnode.blockBytes() != size || !fits(size, outOffset)) {
        return 0;
      }
      if (outOffset > FileData.MAX_FILE_BYTES - bytes) {
        throw posix(Errno.EFBIG, "inode " + out.inode);
      }
      boolean lastToo =
          inOffset + bytes == in.attrs().size
              && outOffset + bytes >= out.attrs().size
              && !in.bytesBeyondEnd;
      long count = lastToo ? Math.ceilDiv(bytes, size) : bytes / size;
      BlockCloner cloner = new BlockCloner(in.dnode, out.dnode, outOffset / size);
      int found = cloner.find(inOffset / size, (int) Math.min(count, mostBlocks));
      if (found == 0) {
        return 0;
      }
      return give(cloner, outOffset, bytes, killSetId);
    }
  }

  /** Whether the target's blocks have the size of the source's, or can still get it. */
  private boolean fits(int size, long outOffset) {
    long inBlocks = in.dnode.blockCount();
    long outBlocks = out.dnode.blockCount();
    if (inBlocks == 0 || (outBlocks > 0 && out.dnode.blockBytes() != size)) {
      return false;
    }
    // A file of one block has one as long as itself; several are as long as records are.
    return inBlocks > 1 || outBlocks > 1 || outOffset == 0;
  }

  /** Gives what was found of {@code length} bytes, or as much of it as quotas have room for. */
  private long give(BlockCloner cloner, long outOffset, long length, boolean killSetId) {
    OwnerQuotas.refuseWrite(outCore.objects, out.attrs());
    fitOwners(cloner);
    try (Tx tx = begin(cloner, outOffset, length).wholeOnly()) {
      long bytes = bytes(cloner, length);
      ZnodeRecord before = out.attrs();
      if (outOffset > before.size) {
        FileData.clearBeyondEnd(tx, out);
        tx.complete();
      }
      if (!cloner.apply(tx)) {
        return 0;
      }
      OwnerQuotas.given(outCore.objects, before, cloner.sharedBytes(), tx.txg());
      ZnodeRecord next = before.copy();
      if (outOffset + bytes >= before.size) {
        next.size = outOffset + bytes;
        out.bytesBeyondEnd = false;
      }
      if (killSetId) {
        next.mode = Permissions.withoutSetId(next.mode);
      }
      long now = outCore.env.wallNanos();
      next.setMtime(now);
      next.setCtime(now);
      out.publish(tx, next);
      tx.complete();
      return bytes;
    }
  }

  private long bytes(BlockCloner cloner, long length) {
    return Math.min(length, (long) cloner.count() * in.dnode.blockBytes());
  }

  /** Leaves out what the quotas of the target's owners have no room for. */
  private void fitOwners(BlockCloner cloner) {
    boolean synced = false;
    while (true) {
      long room = OwnerQuotas.roomBytes(outCore.objects, out.attrs());
      if (cloner.sharedBytes() <= room || (room > 0 && !halve(cloner))) {
        return; // the last may go beyond it, as the last write may
      }
      if (room <= 0 && synced) {
        OwnerQuotas.refuseWithoutRoom(outCore.objects, out.attrs());
      } else if (room <= 0) {
        outCore.objects.sync(); // what was given may have taken the place of other blocks
        synced = true;
      }
    }
  }

  /** Leaves out half of the blocks; false when what is left is no more than one write. */
  private boolean halve(BlockCloner cloner) {
    if (cloner.sharedBytes() <= SpaceGate.ONE_WRITE_BYTES || cloner.count() == 1) {
      return false;
    }
    mostBlocks = cloner.count() / 2;
    cloner.shorten(mostBlocks);
    return true;
  }

  /**
   * Begins the transaction, for fewer blocks where the dataset's quotas have no room for all. Where
   * they are reached, what is there may be replaced by no more than that.
   */
  private Tx begin(BlockCloner cloner, long outOffset, long length) {
    while (true) {
      long dirty = cloner.dirtyBytes() + FsCore.WRITE_OVERHEAD_BYTES;
      long stored = cloner.storedBytes() + FsCore.WRITE_OVERHEAD_BYTES;
      try {
        return outCore.objects.beginSharing(dirty, stored, cloner.sharedBytes());
      } catch (PoolException e) {
        if (e.errno() != Errno.EDQUOT) {
          throw e;
        }
        if (outOffset + bytes(cloner, length) <= out.attrs().size && cloner.replacesAsMuch()) {
          return outCore.objects.beginReplacing(dirty, stored);
        }
        if (!halve(cloner)) {
          throw e;
        }
      }
    }
  }

  /** The source kept from changing, the target for us alone; in the order of all file locks. */
  private final class Locks implements AutoCloseable {
    private final long read;
    private final long write;

    Locks() {
      if (in == out) {
        read = 0;
        write = out.lock.writeLock();
      } else if (isBefore()) {
        read = in.lock.readLock();
        write = out.lock.writeLock();
      } else {
        write = out.lock.writeLock();
        read = in.lock.readLock();
      }
    }

    private boolean isBefore() {
      int sets = Long.compare(inCore.objects.number(), outCore.objects.number());
      return sets != 0 ? sets < 0 : in.inode < out.inode;
    }

    @Override
    public void close() {
      out.lock.unlockWrite(write);
      if (read != 0) {
        StampedLock source = in.lock;
        source.unlockRead(read);
      }
    }
  }
}
