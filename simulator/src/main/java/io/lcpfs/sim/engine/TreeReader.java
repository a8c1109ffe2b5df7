package io.lcpfs.sim.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.sim.model.SparseBytes;
import io.lcpfs.sim.model.SparseBytes.Fingerprint;
import io.lcpfs.sim.model.Tree;
import io.lcpfs.sim.world.Digest;
import io.lcpfs.sim.world.SimEnv;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads a whole file system: every name, attribute, extended attribute and byte. */
final class TreeReader {
  private static final int READ_BYTES = 32 * SparseBytes.CHUNK_BYTES;

  /** A group that is being written holds memory; its end gives it back. */
  private static final int MEMORY_ATTEMPTS = 50;

  private static final long MEMORY_WAIT_NANOS = 200_000_000;

  private final SimEnv machine;
  private final PosixFileSystem fs;
  private final Tree.Builder builder = new Tree.Builder();

  /** Only looked up by key. */
  private final Map<Long, Fingerprint> prints = new HashMap<>();

  private final byte[] buffer = new byte[READ_BYTES];

  TreeReader(SimEnv machine, PosixFileSystem fs) {
    this.machine = machine;
    this.fs = fs;
  }

  Tree read() {
    visit("/", fs.rootInode());
    return builder.build();
  }

  private void visit(String path, long inode) {
    Attr attr = fs.getattr(inode);
    String target = attr.isSymlink() ? new String(fs.readlink(inode), UTF_8) : "";
    Fingerprint print = null;
    if (attr.isRegular()) {
      print = prints.get(inode);
      if (print == null) {
        print = content(inode);
        prints.put(inode, print);
      }
    }
    builder.add(path, Kinds.attributes(attr), inode, print, target, xattrs(inode));
    if (attr.isDirectory()) {
      String prefix = path.equals("/") ? "/" : path + "/";
      children(inode).forEach((name, child) -> visit(prefix + name, child));
    }
  }

  private NavigableMap<String, Long> children(long inode) {
    TreeMap<String, Long> children = new TreeMap<>();
    int flags = OpenFlags.O_DIRECTORY | OpenFlags.O_NOATIME;
    try (FileHandle directory = fs.open(inode, flags, Caller.ROOT)) {
      fs.readdir(
          directory,
          0,
          (cookie, name, child, type) -> {
            if (cookie > 2) {
              children.put(new String(name, UTF_8), child);
            }
            return true;
          });
    }
    return children;
  }

  private NavigableMap<String, Long> xattrs(long inode) {
    TreeMap<String, Long> values = new TreeMap<>();
    for (byte[] name : fs.listxattr(inode, Caller.ROOT)) {
      values.put(new String(name, UTF_8), Digest.of(fs.getxattr(inode, name, Caller.ROOT)));
    }
    return values;
  }

  private Fingerprint content(long inode) {
    TreeMap<Long, Long> hashes = new TreeMap<>();
    try (FileHandle file = fs.open(inode, OpenFlags.O_RDONLY | OpenFlags.O_NOATIME, Caller.ROOT)) {
      long size = file.size();
      long at = 0;
      while (at < size) {
        Long data = nextData(file, at);
        if (data == null) {
          break;
        }
        at = data / SparseBytes.CHUNK_BYTES * SparseBytes.CHUNK_BYTES;
        at += readSome(file, at, hashes);
      }
      return new Fingerprint(size, hashes);
    }
  }

  /** Where data goes on; null when only a hole follows. What cannot be said counts as data. */
  private static @Nullable Long nextData(FileHandle file, long at) {
    try {
      return file.seekData(at);
    } catch (PoolException e) {
      return switch (e.errno()) {
        case ENXIO -> null;
        case EIO -> at;
        default -> throw e;
      };
    }
  }

  /** Hashes the chunks from {@code at} on; answers how many bytes were looked at. */
  private int readSome(FileHandle file, long at, Map<Long, Long> hashes) {
    int count = readOrFail(file, at, READ_BYTES);
    if (count >= 0) {
      for (int from = 0; from < count; from += SparseBytes.CHUNK_BYTES) {
        put(hashes, at + from, from, Math.min(SparseBytes.CHUNK_BYTES, count - from));
      }
      return READ_BYTES;
    }
    for (int from = 0; from < READ_BYTES; from += SparseBytes.CHUNK_BYTES) {
      long chunk = at + from;
      if (chunk >= file.size()) {
        break;
      }
      int length = readOrFail(file, chunk, SparseBytes.CHUNK_BYTES);
      if (length < 0) {
        hashes.put(chunk / SparseBytes.CHUNK_BYTES, Fingerprint.UNREADABLE);
      } else {
        put(hashes, chunk, 0, length);
      }
    }
    return READ_BYTES;
  }

  private void put(Map<Long, Long> hashes, long at, int from, int length) {
    byte[] chunk = Arrays.copyOfRange(buffer, from, from + length);
    long hash = Fingerprint.hashOf(chunk, length);
    if (hash != Fingerprint.ZEROS) {
      hashes.put(at / SparseBytes.CHUNK_BYTES, hash);
    }
  }

  /** Bytes read, or -1 when nothing intact is left of them. */
  private int readOrFail(FileHandle file, long at, int length) {
    for (int attempt = 1; ; attempt++) {
      try {
        return file.read(at, MemorySegment.ofArray(buffer), 0, length);
      } catch (PoolException e) {
        if (e.errno() == Errno.EIO) {
          return -1;
        }
        if (e.errno() != Errno.ENOMEM || attempt == MEMORY_ATTEMPTS) {
          throw e;
        }
        machine.sleep(MEMORY_WAIT_NANOS);
      }
    }
  }
}
