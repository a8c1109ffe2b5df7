package io.lcpfs.error;

/**
 * Why an operation failed, as data. Each case has exactly one {@link Errno}; {@link #message} is
 * one line that says what happened and, where a person can do something, what to do next.
 */
public sealed interface PoolError {

  /** The errno that a system call interface answers with. */
  Errno errno();

  /** One line for a person. */
  String message();

  /** A POSIX-level refusal that needs no more than its errno and the name that it concerns. */
  record Posix(Errno errno, String subject) implements PoolError {
    @Override
    public String message() {
      return subject + ": " + errno;
    }
  }

  /** Bytes on a device do not decode: {@code place} names the structure and field. */
  record Corrupt(String place, String detail) implements PoolError {
    @Override
    public Errno errno() {
      return Errno.EIO;
    }

    @Override
    public String message() {
      return "corrupt " + place + ": " + detail;
    }
  }

  /** No copy of a block matched its checksum. */
  record ChecksumMismatch(String block) implements PoolError {
    @Override
    public Errno errno() {
      return Errno.EIO;
    }

    @Override
    public String message() {
      return "no intact copy left of " + block + "; restore the file from a copy or a snapshot";
    }
  }

  /** A device answered a request with a failure. */
  record DeviceFailed(String device, String operation, String detail) implements PoolError {
    @Override
    public Errno errno() {
      return Errno.EIO;
    }

    @Override
    public String message() {
      return device + ": " + operation + " failed: " + detail;
    }
  }

  /** Not enough free space. Sizes in bytes. */
  record OutOfSpace(long requestedBytes, long freeBytes) implements PoolError {
    @Override
    public Errno errno() {
      return Errno.ENOSPC;
    }

    @Override
    public String message() {
      return "no space: "
          + requestedBytes
          + " bytes asked, "
          + freeBytes
          + " free; delete files or add a device";
    }
  }

  /** The memory budget or the host's allocator is exhausted. Sizes in bytes. */
  record OutOfMemory(long requestedBytes, long budgetBytes) implements PoolError {
    @Override
    public Errno errno() {
      return Errno.ENOMEM;
    }

    @Override
    public String message() {
      return "no memory: "
          + requestedBytes
          + " bytes asked, budget "
          + budgetBytes
          + "; raise the cache budget or retry";
    }
  }

  /** The pool stopped accepting changes after a write or a flush that it depends on failed. */
  record Suspended(String pool, String cause) implements PoolError {
    @Override
    public Errno errno() {
      return Errno.EIO;
    }

    @Override
    public String message() {
      return "pool " + pool + " is suspended: " + cause + "; export it and import it again";
    }
  }

  /** A request that cannot be carried out as given, with the reason and what to do. */
  record Refused(Errno errno, String message) implements PoolError {}

  /** The operation's object was closed, exported or destroyed meanwhile. */
  record Closed(String what) implements PoolError {
    @Override
    public Errno errno() {
      return Errno.EBADF;
    }

    @Override
    public String message() {
      return what + " is closed";
    }
  }
}
