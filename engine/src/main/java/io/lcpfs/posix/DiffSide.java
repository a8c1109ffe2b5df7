package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;

import io.lcpfs.env.Env;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.zap.Zap;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/** A file system that is compared with another: its records, entries and paths. */
final class DiffSide {
  /** A name of a file; {@code name} holds a byte in each character. */
  record Link(long directory, String name) {}

  final ObjectSet objects;
  private final Env env;
  private final long rootInode;
  private final Map<Long, ZnodeRecord> records = new HashMap<>();

  /** A name of each file that was asked for or seen, by inode. */
  private final Map<Long, Link> names = new HashMap<>();

  /** Directories whose way up is known or being found. */
  private final TreeSet<Long> resolved = new TreeSet<>();

  DiffSide(FsCore core) {
    objects = core.objects;
    env = core.env;
    rootInode = core.rootInode;
  }

  /** The record of a file that has a name; null when there is none. */
  @Nullable ZnodeRecord record(long inode) {
    ZnodeRecord known = records.get(inode);
    if (known != null) {
      return known;
    }
    ZnodeRecord found = recordEvenUnlinked(inode);
    if (found == null || found.nlink == 0) {
      return null;
    }
    records.put(inode, found);
    return found;
  }

  /** The record of a file, also of one without a name; null when there is none. */
  @Nullable ZnodeRecord recordEvenUnlinked(long inode) {
    try (Dnode dnode = objects.hold(inode)) {
      return switch (dnode.type()) {
        case FILE, DIRECTORY, SYMLINK, SPECIAL -> Znode.decode(dnode);
        default -> null;
      };
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return null;
      }
      throw e;
    }
  }

  private ZnodeRecord directory(long inode) {
    ZnodeRecord found = record(inode);
    if (found == null || !found.isDirectory()) {
      throw corrupt("znode.parent", inode);
    }
    return found;
  }

  /**
   * The entries of a directory by name, those that lie in some of its blocks.
   *
   * @param blocks null for all
   */
  Map<String, Long> entries(long inode, @Nullable LongPredicate blocks) {
    Map<String, Long> found = new TreeMap<>();
    Zap.LongVisitor visitor =
        (cookie, name, entry) -> {
          Names.checkFromDisk(name);
          found.put(new String(name, StandardCharsets.ISO_8859_1), entry);
          return true;
        };
    try (Dnode dnode = objects.hold(inode)) {
      if (dnode.type() != ObjectType.DIRECTORY) {
        throw corrupt("directory.type", dnode.type().code());
      }
      Zap zap = Zap.open(dnode, env);
      if (blocks == null) {
        zap.iterateLong(0, visitor);
      } else {
        zap.iterateLongIn(blocks, visitor);
      }
    }
    return found;
  }

  /** Notes a name that was seen. */
  void know(long inode, Link link) {
    names.putIfAbsent(inode, link);
  }

  /** Finds a name of each of these files, and of the directories that lead to them. */
  void resolve(Collection<Long> inodes) {
    TreeSet<Long> pending = new TreeSet<>(inodes);
    TreeSet<Long> lost = new TreeSet<>();
    while (!pending.isEmpty()) {
      TreeMap<Long, TreeSet<Long>> wanted = new TreeMap<>();
      TreeSet<Long> next = new TreeSet<>();
      for (long inode : pending) {
        Link known = names.get(inode);
        if (inode == rootInode) {
          continue;
        }
        if (known != null) {
          next.add(known.directory);
          continue;
        }
        ZnodeRecord record = record(inode);
        if (record == null) {
          throw corrupt("znode.parent", inode);
        }
        wanted.computeIfAbsent(record.parent, parent -> new TreeSet<>()).add(inode);
      }
      wanted.forEach(
          (parent, children) -> {
            search(parent, children);
            next.add(parent);
            for (long child : children) { // those that were not found there
              if (directoryOf(child)) {
                throw corrupt("znode.parent", parent);
              }
              lost.add(child);
            }
          });
      next.removeIf(this::isResolved);
      resolved.addAll(next);
      pending = next;
    }
    if (!lost.isEmpty()) {
      searchAll(lost);
    }
  }

  private boolean isResolved(long inode) {
    return inode == rootInode || resolved.contains(inode);
  }

  private boolean directoryOf(long inode) {
    ZnodeRecord record = record(inode);
    return record != null && record.isDirectory();
  }

  /** Looks through a directory for files; takes those that it finds out of {@code wanted}. */
  private void search(long directory, TreeSet<Long> wanted) {
    ZnodeRecord record = record(directory);
    if (record == null || !record.isDirectory()) {
      return; // a file's parent may have gone when the file has other names
    }
    try (Dnode dnode = objects.hold(directory)) {
      Zap.open(dnode, env)
          .iterateLong(
              0,
              (cookie, name, entry) -> {
                long inode = DirectoryEntry.inode(entry);
                if (wanted.contains(inode)) {
                  Names.checkFromDisk(name);
                  String text = new String(name, StandardCharsets.ISO_8859_1);
                  names.put(inode, new Link(directory, text));
                  wanted.remove(inode);
                }
                return !wanted.isEmpty();
              });
    }
  }

  /**
   * Looks through all directories for files of several names of which the one that they note as
   * the latest is gone.
   */
  private void searchAll(TreeSet<Long> lost) {
    TreeSet<Long> directories = new TreeSet<>();
    for (long at = objects.nextObject(1); at >= 0 && !lost.isEmpty(); ) {
      boolean directory;
      try (Dnode dnode = objects.hold(at)) {
        directory = dnode.type() == ObjectType.DIRECTORY;
      }
      if (directory) {
        TreeSet<Long> before = new TreeSet<>(lost);
        search(at, lost);
        if (lost.size() < before.size()) {
          directories.add(at);
        }
      }
      at = objects.nextObject(at + 1);
    }
    if (!lost.isEmpty()) {
      throw corrupt("znode.nlink", "no directory has a name of inode " + lost.first());
    }
    resolve(directories);
  }

  /** The path of a file whose name is known; its directories are resolved. */
  byte[] path(long inode) {
    if (inode == rootInode) {
      return new byte[] {'/'};
    }
    Link link = names.get(inode);
    if (link == null) {
      throw new AssertionError("the name of inode " + inode + " was not looked for");
    }
    return path(link);
  }

  /** The path of a name; its directory is resolved. */
  byte[] path(Link link) {
    ArrayDeque<String> parts = new ArrayDeque<>();
    parts.addFirst(link.name);
    long at = link.directory;
    while (at != rootInode) {
      directory(at);
      Link up = names.get(at);
      if (up == null || parts.size() > Short.MAX_VALUE) {
        throw corrupt("znode.parent", "no way from inode " + at + " to the root");
      }
      parts.addFirst(up.name);
      at = up.directory;
    }
    ByteArrayOutputStream path = new ByteArrayOutputStream();
    for (String part : parts) {
      path.write('/');
      path.writeBytes(part.getBytes(StandardCharsets.ISO_8859_1));
    }
    return path.toByteArray();
  }
}
