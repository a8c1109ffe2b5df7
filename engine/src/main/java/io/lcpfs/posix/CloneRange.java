package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.object.BlockCloner;
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
      int found = cloner.find(inOffset / size, (int) Math.min(count, BlockCloner.MOST_BLOCKS));
      if (found == 0) {
        return 0;
      }
      return give(cloner, outOffset, Math.min(bytes, (long) found * size), killSetId);
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

  private long give(BlockCloner cloner, long outOffset, long bytes, boolean killSetId) {
    long dirty = cloner.dirtyBytes() + FsCore.WRITE_OVERHEAD_BYTES;
    long stored = cloner.storedBytes() + FsCore.WRITE_OVERHEAD_BYTES;
    try (Tx tx = outCore.objects.begin(dirty, stored).wholeOnly()) {
      ZnodeRecord before = out.attrs();
      if (outOffset > before.size) {
        FileData.clearBeyondEnd(tx, out);
        tx.complete();
      }
      if (!cloner.apply(tx)) {
        return 0;
      }
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
