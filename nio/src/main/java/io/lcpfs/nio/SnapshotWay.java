package io.lcpfs.nio;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.SnapshotDirectory;
import io.lcpfs.error.PoolException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The way from paths of a dataset into its snapshots, through {@code /.lcpfs/snapshot/NAME}. Each
 * call that a path or its links lead there is made on a file system of the snapshot that nobody
 * else sees; the paths that users have, and read in messages, stay those of the dataset. The last
 * few snapshots that were looked into stay open, and all in which something is open.
 */
final class SnapshotWay implements Closeable {
  static final byte[] NAME = SnapshotDirectory.NAME.getBytes(UTF_8);
  static final byte[] SNAPSHOTS = SnapshotDirectory.SNAPSHOTS.getBytes(UTF_8);

  private static final int MOST_IDLE = 4;
  private static final int MOST_LINKS = 40;

  /** What a call does with the end of its path. */
  enum End {
    /** It wants what a link there leads to. */
    FOLLOWED,
    /** It wants the link itself. */
    ITSELF,
    /** It makes, removes or changes the name; that of a snapshot is then not looked into. */
    NAME
  }

  /** A call on the file system that a path leads to. */
  interface Call<T> {
    /** Null where nothing is, from {@link FileCalls#find} only. */
    @Nullable T on(LcpfsPath path) throws IOException;
  }

  /** A snapshot that is looked into. */
  private final class Visited {
    final LcpfsFileSystem files;
    private final SnapshotDirectory.Visit visit;

    /** Guarded by the lock. */
    int calls;

    Visited(SnapshotDirectory.Entry entry) {
      visit = snapshots.visit(entry.name());
      files = fs.ofSnapshot(visit.files(), entry);
    }

    boolean isOver() {
      return visit.files().isClosed();
    }

    void close() throws IOException {
      try (visit) {
        files.close();
      }
    }
  }

  private final LcpfsFileSystem fs;
  private final SnapshotDirectory snapshots;
  private final Instant since = Instant.now();
  private final ReentrantLock lock = new ReentrantLock();

  /** By what tells the snapshots apart, the one that was entered last at the end; with the lock. */
  private final Map<Long, Visited> visited = new LinkedHashMap<>();

  SnapshotWay(LcpfsFileSystem fs, SnapshotDirectory snapshots) {
    this.fs = fs;
    this.snapshots = snapshots;
  }

  SnapshotDirectory snapshots() {
    return snapshots;
  }

  /** Whether some name of a path is that of the directory that leads to snapshots. */
  private static boolean mayLead(byte[] path) {
    int last = path.length - NAME.length;
    for (int i = 0; i <= last; i++) {
      if (path[i] == '.'
          && (i == 0 || path[i - 1] == '/')
          && (i == last || path[i + NAME.length] == '/')
          && Arrays.equals(path, i, i + NAME.length, NAME, 0, NAME.length)) {
        return true;
      }
    }
    return false;
  }

  /** {@link #find} for calls that answer something or fail. */
  static <T> T reach(LcpfsPath path, End end, Call<T> call) throws IOException {
    return Objects.requireNonNull(find(path, end, call));
  }

  /**
   * Makes a call where a path leads. What does not mention snapshots is tried as it is first; when
   * nothing is there, links on the path may lead to some.
   */
  static <T> @Nullable T find(LcpfsPath path, End end, Call<T> call) throws IOException {
    SnapshotWay way = path.getFileSystem().way();
    if (way == null || path.isReached()) {
      return call.on(path);
    }
    path.getFileSystem().checkOpen();
    if (mayLead(path.bytes())) {
      return way.walk(path, end, call, null);
    }
    @Nullable T answer;
    try {
      answer = call.on(path);
    } catch (NoSuchFileException e) {
      if (way.hasLinks(path, end)) {
        return way.walk(path, end, call, e);
      }
      throw e;
    }
    return answer == null && way.hasLinks(path, end) ? way.walk(path, end, call, null) : answer;
  }

  /** Whether links may be why nothing was found: not when only the last name is missing. */
  private boolean hasLinks(LcpfsPath path, End end) {
    LcpfsPath parent = path.toAbsolutePath().getParent();
    if (parent == null) {
      return false;
    }
    if (!exists(parent, true)) {
      return true;
    }
    return end == End.FOLLOWED && exists(path, false); // a link that leads out of the dataset
  }

  private boolean exists(LcpfsPath path, boolean follow) {
    try {
      long _ = fs.calls().engine().resolve(path.forCall(), follow, fs.caller());
      return true;
    } catch (PoolException e) {
      return false; // whatever is wrong: the walk finds it, too
    }
  }

  // ---- the walk

  /** Where a walk is. */
  private enum Place {
    DATASET,
    TOP,
    SNAPSHOTS,
    SNAPSHOT
  }

  private <T> @Nullable T walk(
      LcpfsPath path, End end, Call<T> call, @Nullable NoSuchFileException missing)
      throws IOException {
    Walk walk = new Walk(path, end);
    try {
      LcpfsPath at = walk.run();
      if (!walk.hasLeft) {
        if (missing != null) {
          throw missing;
        }
        return call.on(path);
      }
      return call.on(at);
    } finally {
      walk.leave();
    }
  }

  /** Goes along the names of a path. */
  private final class Walk {
    private final LcpfsPath path;
    private final End end;
    private final Deque<byte[]> left = new ArrayDeque<>();
    private Place place = Place.DATASET;
    private LcpfsPath here = fs.root();
    private @Nullable Visited snapshot;
    private int links;

    /** Whether the dataset's own directories were left. */
    boolean hasLeft;

    Walk(LcpfsPath path, End end) {
      this.path = path;
      this.end = end;
      push(path.toAbsolutePath());
    }

    private void push(LcpfsPath names) {
      for (int i = names.getNameCount() - 1; i >= 0; i--) {
        left.push(names.nameBytes(i));
      }
    }

    /** The path to make the call on. */
    LcpfsPath run() throws IOException {
      while (!left.isEmpty()) {
        byte[] name = left.pop();
        if (isDots(name, 1)) {
          continue;
        }
        if (isDots(name, 2)) {
          up();
          continue;
        }
        switch (place) {
          case DATASET -> {
            if (here.getNameCount() == 0 && Arrays.equals(name, NAME)) {
              place = Place.TOP;
              hasLeft = true;
            } else if (!step(fs, name)) {
              return here.reached(path, null);
            }
          }
          case TOP -> {
            if (!Arrays.equals(name, SNAPSHOTS)) {
              return control(name);
            }
            place = Place.SNAPSHOTS;
          }
          case SNAPSHOTS -> {
            SnapshotDirectory.Entry entry =
                end == End.NAME && left.isEmpty() ? null : named(snapshots, name);
            if (entry == null) {
              return control(name);
            }
            snapshot = enter(entry);
            here = snapshot.files.root();
            place = Place.SNAPSHOT;
          }
          case SNAPSHOT -> {
            Visited within = snapshot;
            if (within != null && !step(within.files, name)) {
              return here.reached(path, null);
            }
          }
        }
      }
      return switch (place) {
        case DATASET, SNAPSHOT -> here.reached(path, null);
        case TOP, SNAPSHOTS -> control(null);
      };
    }

    /** Goes to a name in a directory, or where a link of that name leads; false without one. */
    private boolean step(LcpfsFileSystem in, byte[] name) throws IOException {
      LcpfsPath next = here.resolve(name);
      LcpfsFileAttributes found = in.calls().find(next.reached(path, null), false);
      boolean last = left.isEmpty();
      if (found == null || !found.isSymbolicLink() || (last && end != End.FOLLOWED)) {
        here = next;
        if (found == null) {
          left.forEach(rest -> here = here.resolve(rest));
        }
        return found != null;
      }
      if (++links > MOST_LINKS) {
        throw new FileSystemException(path.toString(), null, "Too many levels of symbolic links");
      }
      LcpfsPath target = in.calls().readSymbolicLink(next.reached(path, null));
      push(target);
      if (target.isAbsolute()) {
        leave();
        place = Place.DATASET;
        here = fs.root();
      }
      return true;
    }

    private void up() throws IOException {
      switch (place) {
        case DATASET -> here = parent(here);
        case TOP -> {
          place = Place.DATASET;
          here = fs.root();
        }
        case SNAPSHOTS -> place = Place.TOP;
        case SNAPSHOT -> {
          if (here.getNameCount() > 0) {
            here = parent(here);
          } else {
            leave();
            place = Place.SNAPSHOTS;
          }
        }
      }
    }

    private static LcpfsPath parent(LcpfsPath of) {
      LcpfsPath parent = of.getParent();
      return parent == null ? of : parent;
    }

    /** One of the directories that lead to snapshots, or a name in it. */
    private LcpfsPath control(byte @Nullable [] name) throws IOException {
      if (!left.isEmpty()) {
        throw new NoSuchFileException(path.toString());
      }
      ControlCalls calls =
          new ControlCalls(fs, SnapshotWay.this, place == Place.SNAPSHOTS, name, since);
      return here.reached(path, calls);
    }

    void leave() throws IOException {
      Visited within = snapshot;
      snapshot = null;
      if (within != null) {
        SnapshotWay.this.leave(within);
      }
    }
  }

  private static boolean isDots(byte[] name, int count) {
    return name.length == count && name[0] == '.' && name[count - 1] == '.';
  }

  /** The snapshot of a name, if there is one. */
  static SnapshotDirectory.@Nullable Entry named(SnapshotDirectory snapshots, byte[] name) {
    String text = new String(name, UTF_8);
    return Arrays.equals(text.getBytes(UTF_8), name) ? snapshots.find(text).orElse(null) : null;
  }

  // ---- snapshots that are open

  private Visited enter(SnapshotDirectory.Entry entry) throws IOException {
    lock.lock();
    try {
      fs.checkOpen();
      Visited known = visited.remove(entry.guid());
      if (known != null && known.isOver()) {
        // It was closed to be destroyed, and then was not.
        known.close();
        known = null;
      }
      if (known == null) {
        if (visited.isEmpty()) {
          fs.opened(this);
        }
        known = new Visited(entry);
      }
      visited.put(entry.guid(), known);
      known.calls++;
      return known;
    } catch (RuntimeException e) {
      throw fs.failure(e, fs.root(), null);
    } finally {
      lock.unlock();
    }
  }

  private void leave(Visited left) throws IOException {
    lock.lock();
    try {
      left.calls--;
      int idle = 0;
      for (Visited one : visited.values()) {
        idle += isIdle(one) ? 1 : 0;
      }
      for (Long guid : List.copyOf(visited.keySet())) {
        Visited oldest = visited.get(guid);
        if (idle > MOST_IDLE && oldest != null && isIdle(oldest)) {
          visited.remove(guid);
          idle--;
          oldest.close();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private static boolean isIdle(Visited one) {
    return one.calls == 0 && (one.isOver() || !one.files.isInUse());
  }

  /** How many snapshots are open for those who look into them. */
  int openSnapshots() {
    lock.lock();
    try {
      return visited.size();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() throws IOException {
    lock.lock();
    try {
      for (Visited one : visited.values()) {
        one.close();
      }
      visited.clear();
    } finally {
      lock.unlock();
    }
  }
}
