package io.lcpfs.posix;

import io.lcpfs.env.Env;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Checks a file system that nobody changes meanwhile: every object is a file that the tree reaches
 * as often as its link count says, or belongs to one, or is in the unlinked set; entries fit their
 * files; parents, counts of entries and of subdirectories agree; nothing lies beyond the end of a
 * file.
 */
public final class PosixCheck {
  private static final int MOST_PROBLEMS = 1000;
  private static final int NEVER = 0;
  private static final int MAX_TARGET_BYTES = 4095;

  /**
   * @param files files and directories found
   * @param entries names of them
   * @param problems a line each, at most 1,000; empty when all is well
   */
  public record Report(long files, long entries, List<String> problems) {}

  /** What the first pass remembers of an object. */
  private static final class Seen {
    final ObjectType type;
    @Nullable ZnodeRecord record;
    long names;
    int subdirectories;
    boolean reached;

    /** The file whose extended attributes these are. */
    long owner = NEVER;

    Seen(ObjectType type) {
      this.type = type;
    }
  }

  private final ObjectSet objects;
  private final Env env;
  private final TreeMap<Long, Seen> seen = new TreeMap<>();
  private final List<String> problems = new ArrayList<>();
  private long files;
  private long entries;

  private PosixCheck(ObjectSet objects, Env env) {
    this.objects = objects;
    this.env = env;
  }

  /** Checks all of it. What cannot be read is a problem, too. */
  public static Report check(ObjectSet objects, Env env) {
    PosixCheck check = new PosixCheck(objects, env);
    check.run();
    return new Report(check.files, check.entries, List.copyOf(check.problems));
  }

  private void problem(String text) {
    if (problems.size() < MOST_PROBLEMS) {
      problems.add(text);
    }
  }

  private void run() {
    readObjects();
    MasterRecord master;
    try {
      master = MasterRecord.read(objects, env);
    } catch (PoolException e) {
      problem("master object: " + e.error().message());
      return;
    }
    checkZap(MasterRecord.OBJECT);
    Seen root = seen.get(master.rootInode());
    if (root == null || root.type != ObjectType.DIRECTORY) {
      problem("root directory: object " + master.rootInode() + " is none");
      return;
    }
    root.names++;
    walk(master.rootInode());
    checkUnlinked(master.unlinkedObject());
    if (master.accountsObject() != 0) {
      checkZap(master.accountsObject());
    }
    judge(master);
  }

  private void readObjects() {
    for (long at = objects.nextObject(1); at >= 0; at = objects.nextObject(at + 1)) {
      try (Dnode dnode = objects.hold(at)) {
        Seen object = new Seen(dnode.type());
        seen.put(at, object);
        switch (dnode.type()) {
          case FILE, DIRECTORY, SYMLINK, SPECIAL -> {
            object.record = Znode.decode(dnode);
            files++;
            checkEnd(dnode, object.record);
            checkTarget(dnode, object.record);
          }
          case XATTRS, ZAP -> {}
          default -> problem("object " + at + ": type " + dnode.type() + " in a file system");
        }
      } catch (PoolException e) {
        problem("object " + at + ": " + e.error().message());
      }
    }
    seen.forEach(
        (inode, object) -> {
          if (object.record != null) {
            checkXattrs(inode, object.record);
          }
        });
  }

  private void checkEnd(Dnode dnode, ZnodeRecord record) {
    if (!record.isRegular()) {
      return;
    }
    long block = dnode.blockBytes();
    long firstUnused = (record.size + block - 1) / block * block;
    long data = dnode.nextData(firstUnused);
    if (data >= 0) {
      problem("inode " + dnode.number() + ": data at " + data + " beyond its size " + record.size);
    }
  }

  private void checkTarget(Dnode dnode, ZnodeRecord record) {
    if (!record.isSymlink()) {
      return;
    }
    byte[] target = record.inline;
    if (!record.hasFlag(ZnodeRecord.FLAG_INLINE_TARGET)) {
      target = new byte[Math.clamp(record.size, 0, MAX_TARGET_BYTES + 1)];
      dnode.read(0, MemorySegment.ofArray(target), 0, target.length);
    }
    boolean whole = target.length > 0 && target.length <= MAX_TARGET_BYTES;
    for (byte b : target) {
      whole &= b != 0;
    }
    if (!whole || target.length != record.size) {
      problem("inode " + dnode.number() + ": no target of a symbolic link");
    }
  }

  private void checkXattrs(long inode, ZnodeRecord record) {
    try {
      XattrMap xattrs = Xattrs.read(objects, record);
      xattrs.names().forEach(Xattrs::checkName);
      int flags = Xattrs.flagsOf(xattrs);
      int noted = record.flags & ZnodeRecord.XATTR_FLAGS & ~ZnodeRecord.FLAG_INLINE_XATTRS;
      if (flags != noted) {
        problem("inode " + inode + ": flags " + noted + " for extended attributes of " + flags);
      }
    } catch (PoolException e) {
      problem("inode " + inode + ": " + e.error().message());
    }
    if (record.xattrObject == 0) {
      return;
    }
    Seen xattrs = seen.get(record.xattrObject);
    if (xattrs == null || xattrs.type != ObjectType.XATTRS) {
      problem("inode " + inode + ": no extended attributes in object " + record.xattrObject);
    } else if (xattrs.owner != NEVER) {
      problem(
          "object "
              + record.xattrObject
              + ": extended attributes of inodes "
              + xattrs.owner
              + " and "
              + inode);
    } else {
      xattrs.owner = inode;
    }
  }

  private void checkZap(long object) {
    try (Dnode dnode = objects.hold(object)) {
      for (String line : Zap.open(dnode, env).check()) {
        problem("object " + object + ": " + line);
      }
    } catch (PoolException e) {
      problem("object " + object + ": " + e.error().message());
    }
  }

  /** Visits the directories from the root on, each once. */
  private void walk(long root) {
    ArrayDeque<Long> todo = new ArrayDeque<>();
    todo.add(root);
    while (!todo.isEmpty()) {
      long inode = todo.remove();
      Seen directory = seen.get(inode);
      if (directory == null || directory.record == null || directory.reached) {
        continue;
      }
      directory.reached = true;
      checkZap(inode);
      long[] count = {0};
      try (Dnode dnode = objects.hold(inode)) {
        Zap.open(dnode, env)
            .iterate(
                0,
                (cookie, name, value) -> {
                  count[0]++;
                  visit(inode, directory, name, value, todo);
                  return true;
                });
      } catch (PoolException e) {
        problem("directory " + inode + ": " + e.error().message());
      }
      entries += count[0];
      if (count[0] != directory.record.entryCount) {
        problem(
            "directory "
                + inode
                + ": "
                + count[0]
                + " entries, counted as "
                + directory.record.entryCount);
      }
    }
  }

  private void visit(
      long directory, Seen parent, byte[] name, byte[] value, ArrayDeque<Long> todo) {
    String where = "directory " + directory + ", entry " + Names.show(name) + ": ";
    try {
      Names.checkFromDisk(name);
      long entry = DirectoryOps.entryOf(value);
      long inode = DirectoryEntry.inode(entry);
      Seen child = seen.get(inode);
      if (child == null || child.record == null) {
        problem(where + "no file " + inode);
        return;
      }
      if (!DirectoryEntry.fits(entry, child.record)) {
        problem(where + "type or generation is not that of inode " + inode);
      }
      child.names++;
      if (child.type != ObjectType.DIRECTORY) {
        child.reached = true;
        return;
      }
      parent.subdirectories++;
      if (child.names > 1) {
        problem(where + "another name of directory " + inode);
      }
      if (child.record.parent != directory) {
        problem(where + "parent of inode " + inode + " is noted as " + child.record.parent);
      }
      todo.add(inode);
    } catch (PoolException e) {
      problem(where + e.error().message());
    }
  }

  private void checkUnlinked(long object) {
    checkZap(object);
    try (Dnode dnode = objects.hold(object)) {
      Zap.open(dnode, env)
          .iterate(
              0,
              (cookie, name, value) -> {
                Seen file = seen.get(UnlinkedSet.decode(value));
                if (file != null && file.record != null && file.record.nlink == 0) {
                  file.reached = true;
                }
                return true;
              });
    } catch (PoolException e) {
      problem("unlinked set: " + e.error().message());
    }
  }

  private void judge(MasterRecord master) {
    seen.forEach(
        (number, object) -> {
          ZnodeRecord record = object.record;
          if (record != null) {
            judgeFile(number, object, record, master);
          } else if (object.type == ObjectType.XATTRS && object.owner == NEVER) {
            problem("object " + number + ": extended attributes of no file");
          } else if (object.type == ObjectType.ZAP
              && number != MasterRecord.OBJECT
              && number != master.unlinkedObject()
              && number != master.accountsObject()) {
            problem("object " + number + ": a ZAP that nothing refers to");
          }
        });
  }

  private void judgeFile(long inode, Seen object, ZnodeRecord record, MasterRecord master) {
    if (!object.reached) {
      problem("inode " + inode + ": allocated, but neither reachable nor in the unlinked set");
      return;
    }
    long links = object.names;
    if (record.isDirectory() && links > 0) {
      links = 2L + object.subdirectories;
    }
    if (record.nlink != links) {
      problem("inode " + inode + ": link count " + record.nlink + ", should be " + links);
    }
    if (inode == master.rootInode() && record.parent != inode) {
      problem("root directory: its parent is noted as " + record.parent);
    }
  }
}
