package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;

import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.TreeDelta;
import io.lcpfs.posix.DiffSide.Link;
import io.lcpfs.posix.FileChange.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What has changed between two states of one file system, neither of which changes meanwhile: one
 * grew out of the other, or both out of a third. Costs what changed: objects and directories are
 * compared by what they share on disk. Of a file that was modified in place a directory that did
 * not change has to be looked through for its name; of one with several names, of which the latest
 * is gone, perhaps all of them. Memory: some 200 bytes a changed file.
 */
public final class FileDiff {
  private static final Comparator<Link> BY_NAME =
      Comparator.comparingLong(Link::directory).thenComparing(Link::name);

  /** A file that is not the same before and after, or not in the same place. */
  private static final class Changed {
    final @Nullable ZnodeRecord before;
    final @Nullable ZnodeRecord after;
    final boolean same;
    final List<Link> removed = new ArrayList<>();
    final List<Link> added = new ArrayList<>();

    Changed(@Nullable ZnodeRecord before, @Nullable ZnodeRecord after, boolean same) {
      this.before = before;
      this.after = after;
      this.same = same;
    }

    /** Whether both are one file. */
    boolean same() {
      return same;
    }
  }

  private final DiffSide before;
  private final DiffSide after;

  /** What both grew out of; null when it is one of the two. */
  private final @Nullable DiffSide common;

  private final TreeMap<Long, Changed> changed = new TreeMap<>();
  private final TreeSet<Long> xattrs = new TreeSet<>();

  private FileDiff(DiffSide before, DiffSide after, @Nullable DiffSide common) {
    this.before = before;
    this.after = after;
    this.common = common;
  }

  /**
   * Tells {@code to} what has changed, in the order of inode numbers.
   *
   * @param before a snapshot
   * @param after a snapshot that it grew into, or the other way round
   * @throws io.lcpfs.error.PoolException EIO when something that is needed cannot be read; ENOMEM
   */
  public static void between(
      PosixFileSystem before, PosixFileSystem after, Consumer<FileChange> to) {
    between(before, after, null, to);
  }

  /**
   * As {@link #between(PosixFileSystem, PosixFileSystem, Consumer)}, of two that may have parted.
   *
   * @param common the newest snapshot that both grew out of; null when it is one of the two
   */
  public static void between(
      PosixFileSystem before,
      PosixFileSystem after,
      @Nullable PosixFileSystem common,
      Consumer<FileChange> to) {
    FileDiff diff =
        new FileDiff(
            new DiffSide(before.core()),
            new DiffSide(after.core()),
            common == null ? null : new DiffSide(common.core()));
    diff.collect();
    diff.resolve();
    diff.tell(to);
  }

  private Changed changed(long number, @Nullable ZnodeRecord old, @Nullable ZnodeRecord now) {
    return new Changed(old, now, old != null && now != null && isOne(number, old, now));
  }

  /**
   * Whether two records of one number are of one file. A number that is used again has another
   * generation; but two file systems that have parted may each give the same pair to a new file.
   */
  private boolean isOne(long number, ZnodeRecord old, ZnodeRecord now) {
    if (old.generation != now.generation || common == null) {
      return old.generation == now.generation;
    }
    ZnodeRecord origin = common.recordEvenUnlinked(number);
    return origin != null && origin.generation == now.generation;
  }

  private void collect() {
    TreeMap<Long, TreeSet<Long>> blocks = new TreeMap<>();
    TreeDelta.objects(
        before.objects,
        after.objects,
        (number, a, b) -> {
          if (isType(a, ObjectType.XATTRS) || isType(b, ObjectType.XATTRS)) {
            xattrs.add(number);
          }
          ZnodeRecord old = file(a);
          ZnodeRecord now = file(b);
          if (old != null || now != null) {
            Changed one = changed(number, old, now);
            changed.put(number, one);
            if (one.same() && a != null && b != null && a.type() == ObjectType.DIRECTORY) {
              TreeSet<Long> differ = TreeDelta.blocks(after.objects, a, b);
              if (differ != null) {
                blocks.put(number, differ);
              }
            }
          }
        });
    for (long number : List.copyOf(changed.keySet())) {
      entries(number, blocks.get(number));
    }
  }

  private static boolean isType(@Nullable DnodeRecord dnode, ObjectType type) {
    return dnode != null && dnode.type() == type;
  }

  /** The attributes of a file that has a name, or null. */
  private static @Nullable ZnodeRecord file(@Nullable DnodeRecord dnode) {
    if (dnode == null) {
      return null;
    }
    return switch (dnode.type()) {
      case FILE, DIRECTORY, SYMLINK, SPECIAL -> {
        ZnodeRecord record = ZnodeRecord.decode(dnode.bonus());
        if (Mode.objectType(record.mode) != dnode.type()) {
          throw corrupt("znode.mode", record.mode);
        }
        yield record.nlink == 0 ? null : record;
      }
      default -> null;
    };
  }

  /** Notes what names came to a changed directory and left it. */
  private void entries(long number, @Nullable TreeSet<Long> blocks) {
    Changed directory = changed.get(number);
    if (directory == null) {
      return;
    }
    boolean was = directory.before != null && directory.before.isDirectory();
    boolean is = directory.after != null && directory.after.isDirectory();
    if (blocks != null && blocks.isEmpty()) {
      return;
    }
    Map<String, Long> old =
        was ? before.entries(number, blocks == null ? null : blocks::contains) : Map.of();
    Map<String, Long> now =
        is ? after.entries(number, blocks == null ? null : blocks::contains) : Map.of();
    boolean same = directory.same();
    old.forEach(
        (name, entry) -> {
          if (!same || !entry.equals(now.get(name))) {
            link(entry, before).removed.add(new Link(number, name));
          }
        });
    now.forEach(
        (name, entry) -> {
          if (!same || !entry.equals(old.get(name))) {
            link(entry, after).added.add(new Link(number, name));
          }
        });
  }

  /** The file that an entry is of. */
  private Changed link(long entry, DiffSide side) {
    long inode = DirectoryEntry.inode(entry);
    Changed known = changed.get(inode);
    if (known == null) {
      known = changed(inode, before.record(inode), after.record(inode));
      changed.put(inode, known);
    }
    ZnodeRecord record = side == before ? known.before : known.after;
    if (record == null || !DirectoryEntry.fits(entry, record)) {
      throw corrupt("directory_entry.generation", entry);
    }
    return known;
  }

  private void resolve() {
    TreeSet<Long> old = new TreeSet<>();
    TreeSet<Long> now = new TreeSet<>();
    changed.forEach(
        (number, file) -> {
          file.removed.sort(BY_NAME);
          file.added.sort(BY_NAME);
          file.removed.forEach(link -> before.know(number, link));
          file.added.forEach(link -> after.know(number, link));
        });
    changed.forEach(
        (number, file) -> {
          file.removed.forEach(link -> old.add(link.directory()));
          file.added.forEach(link -> now.add(link.directory()));
          if (file.same() && file.added.isEmpty() && isModified(file)) {
            now.add(number);
          }
        });
    before.resolve(old);
    after.resolve(now);
  }

  private void tell(Consumer<FileChange> to) {
    changed.forEach(
        (number, file) -> {
          ZnodeRecord old = file.before;
          ZnodeRecord now = file.after;
          int renamed = file.same() ? Math.min(file.removed.size(), file.added.size()) : 0;
          for (int i = 0; now != null && i < renamed; i++) {
            byte[] from = before.path(file.removed.get(i));
            byte[] path = after.path(file.added.get(i));
            to.accept(change(Kind.RENAMED, number, now, from, path));
          }
          for (Link link : file.removed.subList(renamed, file.removed.size())) {
            if (old != null) {
              to.accept(change(Kind.REMOVED, number, old, before.path(link), null));
            }
          }
          for (Link link : file.added.subList(renamed, file.added.size())) {
            if (now != null) {
              to.accept(change(Kind.ADDED, number, now, after.path(link), null));
            }
          }
          if (now != null && file.same() && isModified(file)) {
            byte[] path =
                file.added.isEmpty() ? after.path(number) : after.path(file.added.getFirst());
            to.accept(change(Kind.MODIFIED, number, now, path, null));
          }
        });
  }

  private static FileChange change(
      Kind kind, long inode, ZnodeRecord of, byte[] path, byte @Nullable [] newPath) {
    return new FileChange(kind, inode, of.mode, path, newPath, of.ctimeSeconds, of.ctimeNanos);
  }

  /**
   * Whether more than names has changed. A change of names changes some attributes as well, which
   * then count for nothing.
   */
  private boolean isModified(Changed file) {
    ZnodeRecord old = file.before;
    ZnodeRecord now = file.after;
    if (old == null || now == null) {
      return false;
    }
    ZnodeRecord a = old.copy();
    ZnodeRecord b = now.copy();
    a.atimeSeconds = b.atimeSeconds;
    a.atimeNanos = b.atimeNanos;
    if (!file.removed.isEmpty() || !file.added.isEmpty()) {
      a.ctimeSeconds = b.ctimeSeconds;
      a.ctimeNanos = b.ctimeNanos;
      a.parent = b.parent;
      a.nlink = old.isDirectory() ? a.nlink : b.nlink;
    }
    return !Arrays.equals(a.encode(), b.encode()) || xattrs.contains(b.xattrObject);
  }
}
