package io.lcpfs.cli.owner;

import io.lcpfs.api.FileTree;
import io.lcpfs.api.Pool;
import io.lcpfs.cli.owner.Protocol.Operation;
import io.lcpfs.cli.tree.Applied;
import io.lcpfs.cli.tree.Attributes;
import io.lcpfs.cli.tree.PoolDirectory;
import io.lcpfs.cli.tree.TreeFile;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/**
 * What one connection asks about files in the pool. Names and paths are in datasets of that pool,
 * and no request reaches anything else. For one thread.
 */
final class Requests implements AutoCloseable {
  private static final int MOST_OPEN_FILES = 64;

  /** Bytes of names that one answer holds, and a little more. */
  private static final int NAMES_BYTES = 256 << 10;

  private static final long LAST_DOT_COOKIE = 2;

  /** A dataset of the pool. */
  private record Files(PosixFileSystem fs, long guid) {
    PoolDirectory at(long inode) {
      return new PoolDirectory(fs, guid, inode, "");
    }
  }

  private final Pool pool;
  private final Map<String, Files> known = new HashMap<>();
  private final Map<Integer, TreeFile> open = new HashMap<>();
  private int lastHandle;

  Requests(Pool pool) {
    this.pool = pool;
  }

  private Files files(String dataset) {
    Files files = known.get(dataset);
    if (files == null) {
      FileTree found = pool.tree(dataset);
      files = new Files(found.fileSystem(), found.guid());
      known.put(dataset, files);
    }
    return files;
  }

  private TreeFile file(int handle) {
    TreeFile file = open.get(handle);
    if (file == null) {
      throw PoolException.posix(Errno.EBADF, "handle " + handle);
    }
    return file;
  }

  private static FrameBuilder answer() {
    return new FrameBuilder(Protocol.ANSWER);
  }

  /**
   * Does what a request asks.
   *
   * @throws Frame.Malformed when it is none; nothing was done then
   * @throws PoolException when it cannot be done
   */
  FrameBuilder answer(Frame request) {
    Operation operation = Operation.of(request.getByte());
    return switch (operation) {
      case READ, WRITE, SEEK_DATA, SEEK_HOLE, SET_SIZE, CLOSE, COPY -> ofFile(operation, request);
      case SYNC -> {
        request.end();
        pool.sync();
        yield answer();
      }
      case STAT, READ_LINK_PATH -> ofPath(operation, request);
      default -> ofDirectory(operation, request);
    };
  }

  private FrameBuilder ofFile(Operation operation, Frame request) {
    int handle = request.getInt();
    if (operation == Operation.CLOSE) {
      request.end();
      TreeFile file = file(handle);
      open.remove(handle);
      file.close();
      return answer();
    }
    long offset = request.getLong();
    return switch (operation) {
      case READ -> {
        int length = request.getInt();
        request.end();
        if (length < 0 || length > Protocol.MOST_DATA_BYTES) {
          throw new Frame.Malformed("a read of " + length + " bytes");
        }
        byte[] bytes = new byte[length];
        int count = file(handle).read(offset, MemorySegment.ofArray(bytes), length);
        yield answer().put(bytes, 0, count);
      }
      case WRITE -> {
        byte[] bytes = request.getBytes();
        request.end();
        file(handle).write(offset, MemorySegment.ofArray(bytes), bytes.length);
        yield answer();
      }
      case COPY -> {
        String dataset = request.getText();
        long inode = request.getLong();
        long length = request.getLong();
        request.end();
        if (length < 0 || length > Protocol.MOST_COPIED_BYTES) {
          throw new Frame.Malformed("a copy of " + length + " bytes");
        }
        try (TreeFile source = files(dataset).at(inode).asFile()) {
          yield answer().put(file(handle).copyFrom(source, offset, length));
        }
      }
      case SEEK_DATA -> {
        request.end();
        yield answer().put(file(handle).seekData(offset));
      }
      case SEEK_HOLE -> {
        request.end();
        yield answer().put(file(handle).seekHole(offset));
      }
      default -> {
        request.end();
        file(handle).setSize(offset);
        yield answer();
      }
    };
  }

  private FrameBuilder ofPath(Operation operation, Frame request) {
    String dataset = request.getText();
    byte[] path = request.getBytes();
    if (operation == Operation.READ_LINK_PATH) {
      request.end();
      return answer().put(files(dataset).fs.paths().readlink(path, Caller.ROOT));
    }
    boolean follow = request.getByte() == 1;
    request.end();
    Files files = files(dataset);
    Attr attr =
        follow
            ? files.fs.paths().stat(path, Caller.ROOT)
            : files.fs.paths().lstat(path, Caller.ROOT);
    return Values.put(answer().put(files.guid), attr);
  }

  private FrameBuilder ofDirectory(Operation operation, Frame request) {
    String dataset = request.getText();
    long inode = request.getLong();
    return switch (operation) {
      case ATTRIBUTES -> {
        request.end();
        yield Values.put(answer(), files(dataset).fs.getattr(inode));
      }
      case NAMES -> {
        long cookie = request.getLong();
        request.end();
        yield names(files(dataset).fs, inode, cookie);
      }
      case APPLY -> {
        Applied applied = Values.applied(request);
        request.end();
        files(dataset).at(inode).apply(applied);
        yield answer();
      }
      case XATTRS -> {
        request.end();
        SortedMap<String, byte[]> all = files(dataset).at(inode).xattrs();
        FrameBuilder answer = answer().put(all.size());
        all.forEach((name, value) -> answer.put(name).put(value));
        yield answer;
      }
      case SET_XATTR -> {
        String name = request.getText();
        byte[] value = request.getBytes();
        request.end();
        files(dataset).at(inode).setXattr(name, value);
        yield answer();
      }
      default -> {
        yield ofName(operation, dataset, inode, request.getBytes(), request);
      }
    };
  }

  private FrameBuilder ofName(
      Operation operation, String dataset, long inode, byte[] name, Frame request) {
    switch (operation) {
      case LOOKUP -> {
        request.end();
        return Values.put(answer(), files(dataset).fs.lookup(inode, name, Caller.ROOT));
      }
      case READ_LINK -> {
        request.end();
        return answer().put(files(dataset).at(inode).readLink(name));
      }
      case OPEN, CREATE -> {
        request.end();
        return opened(files(dataset), inode, name, operation == Operation.CREATE);
      }
      case MAKE_DIRECTORY -> {
        request.end();
        files(dataset).at(inode).makeDirectory(name);
      }
      case MAKE_SYMLINK -> {
        byte[] target = request.getBytes();
        request.end();
        files(dataset).at(inode).makeSymlink(name, target);
      }
      case MAKE_NODE -> {
        int mode = request.getInt();
        long rdev = request.getLong();
        request.end();
        files(dataset).at(inode).makeNode(name, mode, rdev);
      }
      case LINK -> {
        long from = request.getLong();
        byte[] existing = request.getBytes();
        request.end();
        Files files = files(dataset);
        files.at(inode).link(name, files.at(from), existing);
      }
      case REMOVE -> {
        request.end();
        files(dataset).at(inode).remove(name);
      }
      default -> {
        // The last one left is APPLY_TO_NAME; of a type it only needs to know symbolic links.
        Applied applied = Values.applied(request);
        request.end();
        Files files = files(dataset);
        Attr attr = files.fs.lookup(inode, name, Caller.ROOT);
        Attributes type = PoolDirectory.attributes(attr, files.guid);
        files.at(inode).apply(name, type, applied);
      }
    }
    return answer();
  }

  private FrameBuilder opened(Files files, long inode, byte[] name, boolean create) {
    if (open.size() >= MOST_OPEN_FILES) {
      throw PoolException.posix(Errno.EMFILE, "files of one connection");
    }
    PoolDirectory directory = files.at(inode);
    TreeFile file = create ? directory.create(name) : directory.open(name);
    int handle = ++lastHandle;
    open.put(handle, file);
    Attr attr = files.fs.getattr(file.attributes().identity().inode());
    return Values.put(answer().put(handle), attr);
  }

  /** A page of names, behind the cookie where the next begins; -1 at the end. */
  private static FrameBuilder names(PosixFileSystem fs, long inode, long cookie) {
    List<byte[]> names = new ArrayList<>();
    long[] page = {-1, 0};
    int flags = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOATIME;
    try (FileHandle handle = fs.open(inode, flags, Caller.ROOT)) {
      fs.readdir(
          handle,
          cookie,
          (at, name, number, type) -> {
            if (page[1] >= NAMES_BYTES) {
              return false;
            }
            page[0] = at;
            page[1] += name.length + 4;
            if (at > LAST_DOT_COOKIE) {
              names.add(name);
            }
            return true;
          });
    }
    FrameBuilder answer = answer().put(page[1] >= NAMES_BYTES ? page[0] : -1L).put(names.size());
    names.forEach(answer::put);
    return answer;
  }

  /** Closes what the connection left open. */
  @Override
  public void close() {
    RuntimeException failure = null;
    for (TreeFile file : open.values()) {
      try {
        file.close();
      } catch (PoolException e) {
        failure = e;
      }
    }
    open.clear();
    if (failure != null) {
      throw failure;
    }
  }
}
