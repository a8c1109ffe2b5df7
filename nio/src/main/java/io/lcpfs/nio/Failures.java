package io.lcpfs.nio;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.ReadOnlyFileSystemException;
import org.jspecify.annotations.Nullable;

/** The one place where the engine's errors become those of java.nio.file. */
final class Failures {
  private Failures() {}

  /**
   * The exception to throw for {@code e}.
   *
   * @throws ReadOnlyFileSystemException for EROFS, as it is no IOException
   */
  static IOException of(PoolException e, @Nullable String file, @Nullable String other) {
    IOException result =
        switch (e.errno()) {
          case ENOENT -> new NoSuchFileException(file, other, null);
          case EEXIST -> new FileAlreadyExistsException(file, other, null);
          case EACCES -> new AccessDeniedException(file, other, null);
          case ENOTEMPTY -> new DirectoryNotEmptyException(file);
          case EROFS -> {
            ReadOnlyFileSystemException readOnly = new ReadOnlyFileSystemException();
            readOnly.initCause(e);
            throw readOnly;
          }
          default -> new FileSystemException(file, other, text(e));
        };
    result.initCause(e);
    return result;
  }

  private static String text(PoolException e) {
    return switch (e.errno()) {
      case EPERM -> "Operation not permitted";
      case ENOTDIR -> "Not a directory";
      case EISDIR -> "Is a directory";
      case ELOOP -> "Too many levels of symbolic links";
      case ENAMETOOLONG -> "File name too long";
      case EXDEV -> "Cross-device link";
      case EFBIG -> "File too large";
      case EMLINK -> "Too many links";
      case ENODATA -> "No such attribute";
      default -> {
        String message = e.getMessage();
        yield message == null ? e.errno().toString() : message;
      }
    };
  }

  /** Whether {@code e} is the engine's answer {@code errno}. */
  static boolean is(RuntimeException e, Errno errno) {
    return e instanceof PoolException failure && failure.errno() == errno;
  }
}
