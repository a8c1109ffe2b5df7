package io.lcpfs.nio;

import java.io.IOException;
import java.net.URI;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A path: bytes with single slashes and none at the end. Immutable. */
final class LcpfsPath implements Path {
  private static final byte[] DOT = {'.'};

  private final LcpfsFileSystem fs;
  private final byte[] path;

  /** What users read instead, when this is where one of theirs leads; see {@link SnapshotWay}. */
  private final @Nullable LcpfsPath shown;

  /** What serves it instead of the file system's calls. */
  private final @Nullable FileCalls server;

  /** Where names begin, computed when first needed; a race computes the same twice. */
  private int @Nullable [] starts;

  private @Nullable String text;
  private int hash;

  LcpfsPath(LcpfsFileSystem fs, byte[] normalized) {
    this(fs, normalized, null, null);
  }

  private LcpfsPath(
      LcpfsFileSystem fs,
      byte[] normalized,
      @Nullable LcpfsPath shown,
      @Nullable FileCalls server) {
    this.fs = fs;
    this.path = normalized;
    this.shown = shown;
    this.server = server;
  }

  /** This path as that to which {@code users} leads; served by {@code calls} if there are any. */
  LcpfsPath reached(LcpfsPath users, @Nullable FileCalls calls) {
    return new LcpfsPath(fs, path, users, calls);
  }

  /** The same place as its users name it. */
  LcpfsPath unreached() {
    LcpfsPath users = shown;
    return users == null ? this : server == null ? fs.asShown(make(path)) : users.normalize();
  }

  boolean isReached() {
    return shown != null;
  }

  /** The calls that serve it. */
  FileCalls calls() {
    FileCalls own = server;
    return own == null ? fs.calls() : own;
  }

  /** The path as one of ours. */
  static LcpfsPath of(Path path) {
    if (Objects.requireNonNull(path) instanceof LcpfsPath own) {
      return own;
    }
    throw new ProviderMismatchException();
  }

  /** The bytes; not to be changed. */
  byte[] bytes() {
    return path;
  }

  /** The bytes as the engine wants them: the empty path is where relative ones begin. */
  byte[] forCall() {
    return path.length == 0 ? DOT : path;
  }

  boolean isEmpty() {
    return path.length == 0;
  }

  private LcpfsPath make(byte[] normalized) {
    return new LcpfsPath(fs, normalized);
  }

  @Override
  public LcpfsFileSystem getFileSystem() {
    return fs;
  }

  @Override
  public boolean isAbsolute() {
    return path.length > 0 && path[0] == '/';
  }

  @Override
  public @Nullable Path getRoot() {
    return isAbsolute() ? fs.root() : null;
  }

  private int[] starts() {
    int[] known = starts;
    if (known != null) {
      return known;
    }
    int count = path.length == 0 ? 1 : 0;
    for (int i = 0; i < path.length; i++) {
      if (path[i] != '/' && (i == 0 || path[i - 1] == '/')) {
        count++;
      }
    }
    int[] found = new int[count];
    int at = 0;
    for (int i = 0; i < path.length; i++) {
      if (path[i] != '/' && (i == 0 || path[i - 1] == '/')) {
        found[at++] = i;
      }
    }
    starts = found;
    return found;
  }

  private int endOf(int index) {
    int[] offsets = starts();
    return index == offsets.length - 1 ? path.length : offsets[index + 1] - 1;
  }

  byte[] nameBytes(int index) {
    return Arrays.copyOfRange(path, starts()[index], endOf(index));
  }

  @Override
  public @Nullable LcpfsPath getFileName() {
    int count = getNameCount();
    if (count == 0) {
      return null;
    }
    return count == 1 && !isAbsolute() ? this : make(nameBytes(count - 1));
  }

  @Override
  public @Nullable LcpfsPath getParent() {
    int count = getNameCount();
    if (count == 0 || (count == 1 && !isAbsolute())) {
      return null;
    }
    return count == 1 ? fs.root() : make(Arrays.copyOf(path, starts()[count - 1] - 1));
  }

  @Override
  public int getNameCount() {
    return starts().length;
  }

  @Override
  public LcpfsPath getName(int index) {
    if (index < 0 || index >= getNameCount()) {
      throw new IllegalArgumentException("name " + index + " of " + this);
    }
    return make(nameBytes(index));
  }

  @Override
  public LcpfsPath subpath(int beginIndex, int endIndex) {
    if (beginIndex < 0 || endIndex > getNameCount() || beginIndex >= endIndex) {
      throw new IllegalArgumentException("names " + beginIndex + " to " + endIndex + " of " + this);
    }
    return make(Arrays.copyOfRange(path, starts()[beginIndex], endOf(endIndex - 1)));
  }

  @Override
  public boolean startsWith(Path other) {
    if (!(Objects.requireNonNull(other) instanceof LcpfsPath that) || !that.fs.equals(fs)) {
      return false;
    }
    if (that.path.length == 0 || path.length == 0) {
      return that.path.length == path.length;
    }
    int length = that.path.length;
    if (length > path.length || !Arrays.equals(path, 0, length, that.path, 0, length)) {
      return false;
    }
    return length == path.length || that.path[length - 1] == '/' || path[length] == '/';
  }

  @Override
  public boolean endsWith(Path other) {
    if (!(Objects.requireNonNull(other) instanceof LcpfsPath that) || !that.fs.equals(fs)) {
      return false;
    }
    if (that.isAbsolute() || that.path.length == 0 || path.length == 0) {
      return Arrays.equals(path, that.path);
    }
    int from = path.length - that.path.length;
    return from >= 0
        && Arrays.equals(path, from, path.length, that.path, 0, that.path.length)
        && (from == 0 || path[from - 1] == '/');
  }

  private static boolean isDots(byte[] name) {
    return name.length <= 2 && name.length > 0 && name[0] == '.' && name[name.length - 1] == '.';
  }

  @Override
  public LcpfsPath normalize() {
    int count = getNameCount();
    boolean changes = false;
    for (int i = 0; i < count && !changes; i++) {
      changes = isDots(nameBytes(i));
    }
    if (!changes) {
      return this;
    }
    byte[][] kept = new byte[count][];
    int size = 0;
    for (int i = 0; i < count; i++) {
      byte[] name = nameBytes(i);
      if (!isDots(name)) {
        kept[size++] = name;
      } else if (name.length == 2) {
        if (size > 0 && !isDots(kept[size - 1])) {
          size--;
        } else if (!isAbsolute()) {
          kept[size++] = name;
        }
      }
    }
    return joined(isAbsolute(), Arrays.copyOf(kept, size));
  }

  private LcpfsPath joined(boolean absolute, byte[][] names) {
    int length = absolute ? 1 : 0;
    for (byte[] name : names) {
      length += name.length + 1;
    }
    byte[] all = new byte[Math.max(absolute ? 1 : 0, length - (names.length > 0 ? 1 : 0))];
    int at = 0;
    if (absolute) {
      all[at++] = '/';
    }
    for (int i = 0; i < names.length; i++) {
      if (i > 0) {
        all[at++] = '/';
      }
      System.arraycopy(names[i], 0, all, at, names[i].length);
      at += names[i].length;
    }
    return make(all);
  }

  @Override
  public LcpfsPath resolve(Path other) {
    LcpfsPath that = of(other);
    return that.isAbsolute() ? that : resolve(that.path);
  }

  /** The path of normalized relative bytes below this one. */
  LcpfsPath resolve(byte[] name) {
    if (name.length == 0) {
      return this;
    }
    if (path.length == 0) {
      return make(name);
    }
    boolean slash = path[path.length - 1] != '/';
    byte[] all = Arrays.copyOf(path, path.length + (slash ? 1 : 0) + name.length);
    if (slash) {
      all[path.length] = '/';
    }
    System.arraycopy(name, 0, all, all.length - name.length, name.length);
    return make(all);
  }

  @Override
  public LcpfsPath resolve(String other) {
    return resolve(fs.getPath(other));
  }

  @Override
  public LcpfsPath relativize(Path other) {
    LcpfsPath that = of(other);
    if (that.equals(this)) {
      return make(new byte[0]);
    }
    if (that.isAbsolute() != isAbsolute()) {
      throw new IllegalArgumentException("one of " + this + " and " + that + " is absolute");
    }
    if (path.length == 0) {
      return that;
    }
    LcpfsPath from = normalize();
    LcpfsPath to = that.normalize();
    int fromCount = from.isEmpty() ? 0 : from.getNameCount();
    int toCount = to.isEmpty() ? 0 : to.getNameCount();
    int common = 0;
    while (common < Math.min(fromCount, toCount)
        && Arrays.equals(from.nameBytes(common), to.nameBytes(common))) {
      common++;
    }
    byte[][] names = new byte[fromCount + toCount - 2 * common][];
    for (int i = common; i < fromCount; i++) {
      byte[] name = from.nameBytes(i);
      if (isDots(name)) {
        throw new IllegalArgumentException("no way is known from " + this + " to " + that);
      }
      names[i - common] = new byte[] {'.', '.'};
    }
    for (int i = common; i < toCount; i++) {
      names[fromCount - common + i - common] = to.nameBytes(i);
    }
    return joined(false, names);
  }

  @Override
  public URI toUri() {
    return fs.uri(toAbsolutePath().path);
  }

  @Override
  public LcpfsPath toAbsolutePath() {
    return isAbsolute() ? this : fs.root().resolve(path);
  }

  @Override
  public LcpfsPath toRealPath(LinkOption... options) throws IOException {
    boolean follow = FileCalls.follows(options);
    return SnapshotWay.reach(
        this,
        follow ? SnapshotWay.End.FOLLOWED : SnapshotWay.End.ITSELF,
        at -> at.calls().realPath(at, follow));
  }

  @Override
  public WatchKey register(
      WatchService watcher, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers)
      throws IOException {
    if (!(Objects.requireNonNull(watcher) instanceof LcpfsWatchService own)) {
      throw new ProviderMismatchException();
    }
    return own.register(this, events, modifiers);
  }

  @Override
  public int compareTo(Path other) {
    return Arrays.compareUnsigned(path, ((LcpfsPath) other).path);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof LcpfsPath that && that.fs.equals(fs) && Arrays.equals(path, that.path);
  }

  @Override
  public int hashCode() {
    int known = hash;
    if (known == 0) {
      known = Arrays.hashCode(path);
      hash = known;
    }
    return known;
  }

  @Override
  public String toString() {
    if (shown != null) {
      return shown.toString();
    }
    String known = text;
    if (known == null) {
      known = PathText.decode(path);
      text = known;
    }
    return known;
  }
}
