package io.lcpfs.sim.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.Pool;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.sim.Finding;
import io.lcpfs.sim.model.Contents;
import io.lcpfs.sim.world.Digest;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimRandom;
import io.lcpfs.sim.world.Violation;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Clones in a dataset of their own, of the writers' files and of each other. Each is read when it
 * was made or changed, and then renamed to the digest of what it showed: whenever it is read later,
 * whatever becomes of the file that it shares blocks with and after whatever crashes, it has to
 * show the same.
 */
final class SideReflinks {
  private static final int PER_MILLE = 6;
  private static final int MOST = 8;
  private static final int MOST_BYTES = 1 << 20;
  private static final String DATASET = EngineTarget.POOL + "/reflinks";
  private static final String READ = "d";
  private static final String NEW = "n";

  private final SimRandom random;
  private final Pool pool;
  private final ReentrantLock lock = new ReentrantLock();

  SideReflinks(SimEnv machine, Pool pool) {
    this.random = machine.randomFor("reflinks of " + machine.name());
    this.pool = pool;
  }

  /** Perhaps does something; its refusals are nobody's, its failures the caller's. */
  void now() {
    if (!random.chance(PER_MILLE)) {
      return;
    }
    lock.lock();
    try {
      step();
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOSPC && e.errno() != Errno.ENOMEM) {
        throw e;
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean exists() {
    return pool.datasets().stream().anyMatch(dataset -> dataset.name().equals(DATASET));
  }

  private void step() {
    if (!exists()) {
      pool.createDataset(DATASET, Map.of(), false);
      return;
    }
    if (random.nextInt(25) == 0) {
      pool.destroyDataset(DATASET, true);
      return;
    }
    PosixFileSystem fs = pool.dataset(DATASET).fileSystem();
    List<String> known = names(fs, "/");
    if (known.size() < MOST && random.nextInt(3) > 0) {
      take(fs, known);
    } else if (known.isEmpty()) {
      return;
    } else if (random.nextBoolean()) {
      change(fs, random.pick(known.toArray(String[]::new)), known);
    } else {
      fs.paths().unlink(path(random.pick(known.toArray(String[]::new))), Caller.ROOT);
    }
  }

  private static byte[] path(String name) {
    return ("/" + name).getBytes(UTF_8);
  }

  private static List<String> names(PosixFileSystem fs, String directory) {
    List<String> found = new ArrayList<>();
    try (FileHandle root =
        fs.paths().open(directory.getBytes(UTF_8), OpenFlags.O_DIRECTORY, 0, Caller.ROOT)) {
      fs.readdir(
          root,
          0,
          (cookie, name, inode, type) -> {
            String text = new String(name, UTF_8);
            return text.equals(".") || text.equals("..") || found.add(text);
          });
    }
    return found;
  }

  /** A new clone of a file of a writer, or of a clone. */
  private void take(PosixFileSystem fs, List<String> known) {
    String name = NEW + Long.toHexString(random.nextLong());
    int flags = OpenFlags.O_CREAT | OpenFlags.O_RDWR;
    try (FileHandle out = fs.paths().open(path(name), flags, 0600, Caller.ROOT)) {
      if (random.nextInt(4) == 0 && !known.isEmpty()) {
        cloneOf(fs, random.pick(known.toArray(String[]::new)), out, 0);
      } else {
        cloneOfWriters(out);
      }
    }
    seal(fs, name);
  }

  private void cloneOfWriters(FileHandle out) {
    PosixFileSystem from = pool.dataset(EngineTarget.POOL).fileSystem();
    String directory = "/";
    for (int depth = 0; depth < 6; depth++) {
      List<String> names = names(from, directory);
      if (names.isEmpty()) {
        return;
      }
      String next = directory + random.pick(names.toArray(String[]::new));
      try {
        var attributes = from.paths().lstat(next.getBytes(UTF_8), Caller.ROOT);
        if (attributes.isRegular()) {
          cloneOf(from, next.substring(1), out, 0);
          return;
        }
        if (!attributes.isDirectory()) {
          return;
        }
      } catch (PoolException e) {
        if (e.errno() != Errno.ENOENT && e.errno() != Errno.ENOTDIR && e.errno() != Errno.EACCES) {
          throw e;
        }
        return; // a writer took it away
      }
      directory = next + "/";
    }
  }

  private void cloneOf(PosixFileSystem from, String name, FileHandle out, long offset) {
    try (FileHandle in = from.paths().open(path(name), OpenFlags.O_RDONLY, 0, Caller.ROOT)) {
      long most = Math.min(MOST_BYTES, in.size());
      if (in.inode() != out.inode() || from != pool.dataset(DATASET).fileSystem()) {
        out.copyFrom(in, 0, offset, most, false);
      }
    }
  }

  /** Overwrites, shortens or extends a clone; its name goes first, and is made anew after. */
  private void change(PosixFileSystem fs, String name, List<String> known) {
    String temporary = NEW + Long.toHexString(random.nextLong());
    fs.paths().rename(path(name), path(temporary), 0, Caller.ROOT);
    try (FileHandle file = fs.paths().open(path(temporary), OpenFlags.O_RDWR, 0, Caller.ROOT)) {
      switch (random.nextInt(4)) {
        case 0 -> file.truncate(file.size() / 2);
        case 1 -> file.truncate(0);
        case 2 -> {
          String other = random.pick(known.toArray(String[]::new));
          cloneOf(fs, other.equals(name) ? temporary : other, file, 0);
        }
        default -> {
          byte[] content = Contents.bytes(random.nextLong() | 2, random.nextInt(20_000));
          long at = random.nextInt((int) Math.min(MOST_BYTES, file.size()) + 1);
          file.write(at, MemorySegment.ofArray(content), 0, content.length);
        }
      }
    }
    seal(fs, temporary);
  }

  private void seal(PosixFileSystem fs, String name) {
    String digest;
    try {
      digest = digest(fs, name);
    } catch (PoolException e) {
      if (e.errno() != Errno.EIO) {
        throw e;
      }
      return; // what it was made of is damaged
    }
    fs.paths().rename(path(name), path(READ + digest + "-" + name), 0, Caller.ROOT);
  }

  private static String digest(PosixFileSystem fs, String name) {
    try (FileHandle file = fs.paths().open(path(name), OpenFlags.O_RDONLY, 0, Caller.ROOT)) {
      byte[] content = new byte[(int) Math.min(2 * MOST_BYTES, file.size())];
      int count = file.read(0, MemorySegment.ofArray(content), 0, content.length);
      if (count != content.length) {
        throw new Violation("clone " + name + " ends at " + count + " of " + content.length);
      }
      return Long.toHexString(Digest.of(Arrays.copyOf(content, count)));
    }
  }

  /** Whether every clone still shows what it showed first. */
  List<Finding> check() {
    List<Finding> findings = new ArrayList<>();
    lock.lock();
    try {
      if (!exists()) {
        return findings;
      }
      PosixFileSystem fs = pool.dataset(DATASET).fileSystem();
      for (String name : names(fs, "/")) {
        try {
          if (name.startsWith(READ) && !name.startsWith(READ + digest(fs, name) + "-")) {
            findings.add(new Finding(false, "clone " + name + " is not what it was any more"));
          }
        } catch (PoolException e) {
          if (e.errno() != Errno.EIO) {
            throw e;
          }
          findings.add(new Finding(true, "clone " + name + ": " + e.getMessage()));
        }
      }
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOSPC) {
        return findings; // there was no room to open it for the first time: nothing is in it
      }
      if (e.errno() != Errno.EIO) {
        throw e;
      }
      findings.add(new Finding(true, "reflinks: " + e.getMessage()));
    } finally {
      lock.unlock();
    }
    return findings;
  }
}
