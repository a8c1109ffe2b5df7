package io.lcpfs.cli.tree;

import io.lcpfs.format.NameText;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A path of the host as bytes, as its calls take it: {@link java.nio.file.Path} cannot hold names
 * that are not text in the locale's character set.
 */
public final class HostPath {
  private final byte[] bytes;

  private HostPath(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * The path that a text names, in which {@link NameText} shows bytes that are not UTF-8; the
   * working directory when it is empty.
   *
   * @throws java.nio.file.InvalidPathException for NUL and what stands for no bytes
   */
  public static HostPath of(String text) {
    return new HostPath(NameText.encode(text.isEmpty() ? "." : text));
  }

  /** What it names, a symbolic link at its end followed when {@code follow}; null for nothing. */
  public @Nullable Attributes attributes(boolean follow) {
    int flags = follow ? 0 : HostCalls.AT_SYMLINK_NOFOLLOW;
    long answer = HostCalls.statx(HostCalls.AT_FDCWD, bytes, flags);
    if (answer == HostCalls.ENOENT) {
      return null;
    }
    Native.check(answer, toString());
    return HostDirectory.attributes(Native.buffers().statx);
  }

  /** The absolute path without symbolic links. */
  public HostPath real() {
    long length = Native.check(HostCalls.realpath(bytes), toString());
    return new HostPath(
        Native.buffers().result().asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
  }

  /** Where the path ends without slashes at its end. */
  private int end() {
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] == '/') {
      end--;
    }
    return end;
  }

  /** Where the last name begins. */
  private int begin() {
    int begin = end();
    while (begin > 0 && bytes[begin - 1] != '/') {
      begin--;
    }
    return begin;
  }

  /** The last name; null when it is the root, '.' or '..'. */
  public byte @Nullable [] lastName() {
    byte[] name = Arrays.copyOfRange(bytes, begin(), end());
    return name.length == 0 || HostDirectory.isDots(name) ? null : name;
  }

  /** The directory that holds the last name. */
  public HostPath parent() {
    int begin = begin();
    return begin == 0 ? of(".") : new HostPath(Arrays.copyOf(bytes, begin));
  }

  /** Opens the directory that it names, symbolic links followed; ENOTDIR, EACCES. */
  public HostDirectory open() {
    long fd =
        HostCalls.openat(HostCalls.AT_FDCWD, bytes, HostCalls.O_RDONLY | HostCalls.O_DIRECTORY, 0);
    return new HostDirectory((int) Native.check(fd, toString()), toString());
  }

  /** As text, see {@link #of}. */
  @Override
  public String toString() {
    return NameText.decode(bytes);
  }
}
