package io.lcpfs.error;

/** Carries a {@link PoolError} from where it arose to a way in, which translates it. */
public final class PoolException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient PoolError error;

  public PoolException(PoolError error) {
    super(error.message());
    this.error = error;
  }

  public PoolException(PoolError error, Throwable cause) {
    super(error.message(), cause);
    this.error = error;
  }

  public PoolError error() {
    return error;
  }

  public Errno errno() {
    return error.errno();
  }

  /** A POSIX refusal: {@code subject} is the name or handle concerned. */
  public static PoolException posix(Errno errno, String subject) {
    return new PoolException(new PoolError.Posix(errno, subject));
  }

  /** The disk lied: {@code place} is structure.field. */
  public static PoolException corrupt(String place, String detail) {
    return new PoolException(new PoolError.Corrupt(place, detail));
  }

  /** The disk lied: {@code place} is structure.field, {@code value} what stood there. */
  public static PoolException corrupt(String place, long value) {
    return corrupt(place, "value " + value);
  }

  public static PoolException refused(Errno errno, String message) {
    return new PoolException(new PoolError.Refused(errno, message));
  }
}
