package io.lcpfs.cli;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Locale;

/** Turns what went wrong into one line for a person: subject, what happened, what to do. */
public final class Messages {
  private Messages() {}

  /** The line, without the leading program name. */
  public static String of(Throwable problem) {
    return switch (problem) {
      case Failure failure -> text(failure);
      case PoolException refusal -> of(refusal.error());
      case IOException failure -> of(failure);
      case InvalidPathException invalid -> of(invalid);
      case OutOfMemoryError noMemory ->
          "memory: " + text(noMemory) + "; give the command more with LCPFS_JAVA_OPTS=-Xmx1g";
      case null, default ->
          "internal error: " + problem + "; run again with LCPFS_DEBUG=1 and report what it prints";
    };
  }

  /** Of what is neither copied nor in a pool, where the JDK has to be able to name it. */
  private static String of(InvalidPathException invalid) {
    return invalid.getInput()
        + ": cannot be named by the JVM ("
        + invalid.getReason().toLowerCase(Locale.ROOT)
        + "); use a name that is UTF-8, in a UTF-8 locale such as LC_ALL=C.UTF-8";
  }

  private static String of(PoolError error) {
    return switch (error) {
      case PoolError.Posix(var errno, var subject) ->
          subject + ": " + describe(errno) + "; " + remedy(errno);
      case PoolError.Corrupt corrupt ->
          corrupt.message() + "; run 'lcpfs pool verify' to see all damage";
      case PoolError.DeviceFailed failed ->
          failed.message() + "; check the device and its cables, then 'lcpfs pool verify'";
      case PoolError.Closed closed -> closed.message() + "; open it again";
      case PoolError.ChecksumMismatch mismatch -> mismatch.message();
      case PoolError.OutOfSpace space -> space.message();
      case PoolError.OutOfMemory memory -> memory.message();
      case PoolError.Suspended suspended -> suspended.message();
      case PoolError.Refused refused ->
          refused.message().contains("; ")
              ? refused.message()
              : refused.message() + "; " + remedy(refused.errno());
    };
  }

  private static String of(IOException failure) {
    String subject =
        failure instanceof FileSystemException f && f.getFile() != null
            ? f.getFile()
            : "input/output";
    Errno errno =
        switch (failure) {
          case NoSuchFileException e -> Errno.ENOENT;
          case AccessDeniedException e -> Errno.EACCES;
          case FileAlreadyExistsException e -> Errno.EEXIST;
          case DirectoryNotEmptyException e -> Errno.ENOTEMPTY;
          case NotDirectoryException e -> Errno.ENOTDIR;
          case FileSystemLoopException e -> Errno.ELOOP;
          default -> Errno.EIO;
        };
    if (errno != Errno.EIO) {
      return subject + ": " + describe(errno) + "; " + remedy(errno);
    }
    String reason =
        failure instanceof FileSystemException f && f.getReason() != null
            ? f.getReason()
            : text(failure);
    return subject + ": " + reason.toLowerCase(Locale.ROOT) + "; " + remedy(Errno.EIO);
  }

  private static String text(Throwable problem) {
    String message = problem.getMessage();
    return message == null ? problem.getClass().getSimpleName() : message;
  }

  /** What the number means, as libc words it. */
  public static String describe(Errno errno) {
    return switch (errno) {
      case EPERM -> "operation not permitted";
      case ENOENT -> "no such file or directory";
      case EINTR -> "interrupted";
      case EIO -> "input/output error";
      case ENXIO -> "no such device or address";
      case EBADF -> "not open";
      case EAGAIN -> "try again";
      case ENOMEM -> "out of memory";
      case EACCES -> "permission denied";
      case EBUSY -> "in use";
      case EEXIST -> "exists already";
      case EXDEV -> "lies in another dataset";
      case ENODEV -> "no such device";
      case ENOTDIR -> "is not a directory";
      case EISDIR -> "is a directory";
      case EINVAL -> "invalid argument";
      case ENFILE, EMFILE -> "too many open files";
      case ETXTBSY -> "is being executed";
      case EFBIG -> "file too large";
      case ENOSPC -> "no space left";
      case ESPIPE -> "cannot seek";
      case EROFS -> "is read-only";
      case EMLINK -> "too many links";
      case ERANGE -> "result too large";
      case ENAMETOOLONG -> "name too long";
      case ENOSYS, EOPNOTSUPP -> "not supported";
      case ENOTEMPTY -> "directory not empty";
      case ELOOP -> "too many symbolic links";
      case ENODATA -> "no such attribute";
      case EOVERFLOW -> "value too large";
      case EILSEQ -> "invalid characters";
      case ESTALE -> "no longer exists";
      case EDQUOT -> "quota exceeded";
      default -> errno.name();
    };
  }

  /** What a person can do about it. */
  static String remedy(Errno errno) {
    return switch (errno) {
      case ENOENT, ENOTDIR, ESTALE -> "check the path";
      case EPERM, EACCES -> "use an account that may, or change the permissions";
      case EEXIST -> "choose another name or remove it first";
      case EISDIR -> "name a file, or add -r where the command has it";
      case EBUSY, ETXTBSY, EAGAIN -> "end what uses it and try again";
      case ENOSPC, EDQUOT -> "delete something or make room";
      case EROFS -> "import the pool or set the dataset without readonly=on";
      case EXDEV -> "copy it and delete the original";
      case ENOTEMPTY -> "empty it first, or remove it with -r";
      case ENAMETOOLONG -> "use a shorter name";
      case ELOOP -> "name the file that the links lead to";
      case EIO -> "check the device; 'lcpfs pool verify' finds what is damaged in a pool";
      case ENOMEM -> "close other programs and try again";
      default -> "see 'lcpfs help' for what is possible";
    };
  }
}
