package io.lcpfs.device;

import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who has a device open: one writer, or readers. Inside this process by a table keyed by device and
 * inode number (for a block device, by the device that it stands for, whatever its node is called);
 * towards other processes by a lock of the open file description. Java's own file locks would not
 * do: they vanish when any other channel to the same file is closed.
 */
final class DeviceClaim {
  private record Identity(boolean special, long device, long inode) {}

  private static final ReentrantLock LOCK = new ReentrantLock();

  /** Number of readers, or -1 for a writer. */
  private static final Map<Identity, Integer> OWNERS = new HashMap<>();

  private final Identity identity;
  private final boolean exclusive;

  private DeviceClaim(Identity identity, boolean exclusive) {
    this.identity = identity;
    this.exclusive = exclusive;
  }

  /** @throws PoolException EBUSY when somebody else has it */
  static DeviceClaim take(int fd, Posix.Stat stat, String name, boolean exclusive) {
    Identity identity =
        stat.isBlockDevice()
            ? new Identity(true, stat.specialDevice(), 0)
            : new Identity(false, stat.device(), stat.inode());
    DeviceClaim claim = new DeviceClaim(identity, exclusive);
    claim.enter(name);
    int rc = Posix.lockOpenFile(fd, exclusive);
    if (rc == -Posix.EINVAL || rc == -Posix.EOPNOTSUPP) {
      rc = Posix.flock(fd, exclusive);
    }
    if (rc < 0) {
      claim.release();
      if (rc == -Posix.EAGAIN || rc == -Posix.EACCES) {
        throw PoolException.refused(
            Errno.EBUSY, name + " is in use by another process; export it there first");
      }
      throw new PoolException(new PoolError.DeviceFailed(name, "lock", Posix.describe(-rc)));
    }
    return claim;
  }

  private void enter(String name) {
    LOCK.lock();
    try {
      int owners = OWNERS.getOrDefault(identity, 0);
      if (owners < 0 || (exclusive && owners > 0)) {
        throw PoolException.refused(
            Errno.EBUSY, name + " is in use by this process already; export it first");
      }
      OWNERS.put(identity, exclusive ? -1 : owners + 1);
    } finally {
      LOCK.unlock();
    }
  }

  /** Gives up this process's entry; the kernel's lock goes with the file descriptor. */
  void release() {
    LOCK.lock();
    try {
      Integer owners = OWNERS.remove(identity);
      if (owners == null) {
        throw new AssertionError("device claim released twice");
      }
      Check.that((owners == -1) == exclusive, "device claim", owners);
      if (owners > 1) {
        OWNERS.put(identity, owners - 1);
      }
    } finally {
      LOCK.unlock();
    }
  }
}
