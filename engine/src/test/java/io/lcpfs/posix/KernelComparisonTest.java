package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lcpfs.error.Errno;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same calls, by chance, to Linux and to this file system: each has to answer the same. */
class KernelComparisonTest {
  private static final int STEPS = 3_000;
  private static final int SEEDS = 6;
  private static final int MOST_OPEN = 8;
  private static final int RENAME = 6;

  /** An open file on both sides. */
  private record Pair(int kernelFd, int fd) {}

  private final List<Pair> open = new ArrayList<>();
  private final Set<Long> errnos = new TreeSet<>();
  private Random random = new Random(0);
  private String step = "";

  @Test
  void everyCallAnswersAsLinuxDoes(@TempDir Path directory) throws Exception {
    boolean asRoot = System.getProperty("user.name", "").equals("root");
    String arch = System.getProperty("os.arch", "");
    assumeTrue(asRoot && arch.equals("amd64"), "root on x86-64");
    for (int seed = 0; seed < SEEDS; seed++) {
      Path place = Files.createDirectory(directory.resolve("seed" + seed));
      random = new Random(seed);
      try (Kernel kernel = new Kernel();
          TestFs t = new TestFs()) {
        int root = kernel.openat(VfsFlags.AT_FDCWD, b(place.toString()), 0x10000, 0);
        assertThat(root).isPositive();
        VfsOperations vfs = new VfsOperations(t.fs, 1, ROOT);
        Syscalls calls = new Syscalls(vfs);
        for (int i = 0; i < STEPS; i++) {
          step(kernel, root, calls, "seed " + seed + " step " + i);
        }
        for (Pair pair : open) {
          kernel.close(pair.kernelFd);
        }
        open.clear();
        vfs.close();
        kernel.close(root);
      }
    }
    // What is compared has to be worth it.
    for (Errno expected :
        List.of(
            Errno.ENOENT,
            Errno.EEXIST,
            Errno.ENOTDIR,
            Errno.EISDIR,
            Errno.EINVAL,
            Errno.EBADF,
            Errno.ELOOP,
            Errno.ENOTEMPTY,
            Errno.EPERM)) {
      assertThat(errnos).contains(-(long) expected.value());
    }
  }

  private byte[] path(boolean mayBeLong) {
    StringBuilder path = new StringBuilder();
    int depth = 1 + random.nextInt(3);
    for (int i = 0; i < depth; i++) {
      // No "..": a link to a directory and ".." behind it would lead out of the test's own.
      path.append(i == 0 ? "" : "/").append("abcd.".charAt(random.nextInt(5)));
    }
    if (random.nextInt(12) == 0) {
      path.append('/');
    }
    if (random.nextInt(200) == 0) {
      return new byte[0];
    }
    return b(mayBeLong && random.nextInt(100) == 0 ? "n".repeat(256) : path.toString());
  }

  private void same(long kernel, long own) {
    if (kernel < 0) {
      errnos.add(kernel);
    }
    assertThat(own).as(step).isEqualTo(kernel);
  }

  private Pair pair() {
    return open.isEmpty() || random.nextInt(50) == 0
        ? new Pair(-1, -1)
        : open.get(random.nextInt(open.size()));
  }

  private void step(Kernel kernel, int root, Syscalls calls, String name) {
    int kind = random.nextInt(17);
    // Of a rename with two faults Linux sees a missing source before a new name that is too long.
    byte[] path = path(kind != RENAME);
    byte[] other = path(kind != RENAME);
    step = name + " kind " + kind + " " + TestFs.s(path) + " " + TestFs.s(other);
    switch (kind) {
      case 0, 1, 2 -> opened(kernel, root, calls, path);
      case 3 ->
          same(kernel.mkdirat(root, path, 0755), calls.mkdirat(VfsFlags.AT_FDCWD, path, 0755));
      case 4 -> same(kernel.unlinkat(root, path, 0), calls.unlink(path));
      case 5 -> same(kernel.unlinkat(root, path, VfsFlags.AT_REMOVEDIR), calls.rmdir(path));
      case RENAME -> {
        int flags = random.nextInt(4);
        same(
            kernel.renameat(root, path, other, flags),
            calls.renameat(VfsFlags.AT_FDCWD, path, VfsFlags.AT_FDCWD, other, flags));
      }
      case 7 -> {
        int flags = random.nextBoolean() ? 0 : VfsFlags.AT_SYMLINK_FOLLOW;
        same(
            kernel.linkat(root, path, other, flags),
            calls.linkat(VfsFlags.AT_FDCWD, path, VfsFlags.AT_FDCWD, other, flags));
      }
      case 8 -> same(kernel.symlinkat(path, root, other), calls.symlink(path, other));
      case 9 -> {
        MemorySegment one = kernel.memory(64);
        MemorySegment two = kernel.memory(64);
        same(kernel.readlinkat(root, path, one), calls.readlink(path, two));
        assertThat(one.mismatch(two)).as(step).isEqualTo(-1);
      }
      case 10 -> {
        int mode = random.nextInt(512);
        same(kernel.fchmodat(root, path, mode), calls.fchmodat(VfsFlags.AT_FDCWD, path, mode, 0));
      }
      case 11 -> {
        int mask = random.nextInt(8);
        same(kernel.faccessat(root, path, mask), calls.faccessat(VfsFlags.AT_FDCWD, path, mask, 0));
      }
      case 12 -> closed(kernel, calls);
      default -> content(kernel, calls, kind);
    }
  }

  private void opened(Kernel kernel, int root, Syscalls calls, byte[] path) {
    int flags =
        random.nextInt(4)
            | (random.nextBoolean() ? OpenFlags.O_CREAT : 0)
            | (random.nextInt(5) == 0 ? OpenFlags.O_EXCL : 0)
            | (random.nextInt(5) == 0 ? OpenFlags.O_APPEND : 0)
            | (random.nextInt(8) == 0 ? OpenFlags.O_DIRECTORY : 0)
            | (random.nextInt(8) == 0 ? OpenFlags.O_NOFOLLOW : 0);
    if ((flags & OpenFlags.O_ACCMODE) != 3 && random.nextInt(6) == 0) {
      flags |= OpenFlags.O_TRUNC;
    }
    step += " flags " + Integer.toHexString(flags);
    if ((flags & OpenFlags.O_ACCMODE) == 3
        || ((flags & OpenFlags.O_DIRECTORY) != 0 && (flags & OpenFlags.O_CREAT) != 0)
        || (flags & (OpenFlags.O_EXCL | OpenFlags.O_CREAT)) == OpenFlags.O_EXCL) {
      return; // Linux leaves open what these mean, or changed it between versions.
    }
    int kernelFd = kernel.openat(root, path, flags, 0644);
    int fd = calls.open(path, flags, 0644);
    if (kernelFd >= 0 && fd >= 0) {
      open.add(new Pair(kernelFd, fd));
      if (open.size() > MOST_OPEN) {
        closed(kernel, calls);
      }
    } else {
      same(Math.min(kernelFd, 0), Math.min(fd, 0));
    }
  }

  private void closed(Kernel kernel, Syscalls calls) {
    Pair pair = pair();
    open.remove(pair);
    same(kernel.close(pair.kernelFd), calls.close(pair.fd));
  }

  private void content(Kernel kernel, Syscalls calls, int kind) {
    Pair pair = pair();
    long offset = random.nextInt(9_000) - 20L;
    int length = random.nextInt(6_000);
    MemorySegment one = kernel.memory(length);
    MemorySegment two = kernel.memory(length);
    step += " fd " + pair + " offset " + offset + " length " + length;
    switch (kind) {
      case 13 -> {
        boolean positioned = random.nextBoolean();
        same(
            positioned ? kernel.pread(pair.kernelFd, one, offset) : kernel.read(pair.kernelFd, one),
            positioned
                ? calls.pread(pair.fd, two, length, offset)
                : calls.read(pair.fd, two, length));
        assertThat(one.mismatch(two)).as(step).isEqualTo(-1);
      }
      case 14 -> {
        boolean positioned = random.nextBoolean();
        one.fill((byte) random.nextInt());
        same(
            positioned
                ? kernel.pwrite(pair.kernelFd, one, offset)
                : kernel.write(pair.kernelFd, one),
            positioned
                ? calls.pwrite(pair.fd, one, length, offset)
                : calls.write(pair.fd, one, length));
      }
      case 15 -> {
        // Listings' positions differ by file system; so do those of data within a file.
        int whence = random.nextInt(3);
        boolean directory = calls.pread(pair.fd, two, length, 0) == -Errno.EISDIR.value();
        if (!directory) {
          same(kernel.lseek(pair.kernelFd, offset, whence), calls.seek(pair.fd, offset, whence));
        }
      }
      default -> {
        if (random.nextBoolean()) {
          same(kernel.ftruncate(pair.kernelFd, offset), calls.ftruncate(pair.fd, offset));
        } else {
          int flags = random.nextBoolean() ? OpenFlags.O_APPEND : 0;
          same(
              kernel.setFlags(pair.kernelFd, flags), calls.fcntl(pair.fd, VfsFlags.F_SETFL, flags));
          int kernelFlags = kernel.getFlags(pair.kernelFd);
          same(
              kernelFlags < 0 ? kernelFlags : kernelFlags & OpenFlags.O_APPEND,
              kernelFlags < 0
                  ? calls.fcntl(pair.fd, VfsFlags.F_GETFL, 0)
                  : calls.fcntl(pair.fd, VfsFlags.F_GETFL, 0) & OpenFlags.O_APPEND);
        }
      }
    }
  }
}
