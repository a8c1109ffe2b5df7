package io.lcpfs.posix;

import org.jspecify.annotations.Nullable;

/**
 * What became of a file, or of one of its names, between two states of a file system.
 *
 * @param kind what
 * @param inode number of the file
 * @param mode type and permissions as in st_mode: after, of one that was removed before
 * @param path absolute, bytes as in the directories: where it is, or was when it was removed or
 *     renamed; not to be changed
 * @param newPath of one that was renamed, where it is now; else null
 * @param ctimeSeconds when it was changed last, as of {@code mode}: since 1970
 * @param ctimeNanos 0 to 999,999,999
 */
@SuppressWarnings("ArrayRecordComponent")
public record FileChange(
    Kind kind,
    long inode,
    int mode,
    byte[] path,
    byte @Nullable [] newPath,
    long ctimeSeconds,
    int ctimeNanos) {

  /** What happened. */
  public enum Kind {
    /** Content or attributes other than the access time, or the entries of a directory. */
    MODIFIED('M'),
    /** The path is new. */
    ADDED('+'),
    /** The path is gone. */
    REMOVED('-'),
    /** The path is another. */
    RENAMED('R');

    private final char letter;

    Kind(char letter) {
      this.letter = letter;
    }

    /** As in a listing. */
    public char letter() {
      return letter;
    }
  }
}
