package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Access control lists, umasks and modes set by chance, and files made and opened by several
 * people, on Linux's own file system and on this one: each has to answer the same, and to be the
 * same afterwards.
 */
class AclComparisonTest {
  private static final int STEPS = 2_500;
  private static final int SEEDS = 6;
  private static final int[] USERS = {0, 1001, 1002, 1003};
  private static final String[] PATHS = {"d", "e", "f", "d/f", "d/g", "d/d", "e/f", "d/d/f"};

  private final TreeMap<Integer, Integer> answers = new TreeMap<>();
  private Random random = new Random(0);
  private String step = "";
  private String place = "";

  @Test
  void everyRightIsAsLinuxSeesIt(@TempDir Path directory) throws Exception {
    boolean asRoot = System.getProperty("user.name", "").equals("root");
    assumeTrue(asRoot, "root may act as others");
    assumeTrue(hasLists(directory), "the file system of the test's directory has lists");
    for (Path up = directory.getParent(); up != null; up = up.getParent()) {
      boolean open = ((int) Files.getAttribute(up, "unix:mode") & 1) != 0;
      assumeTrue(open, "others than root get to " + up);
    }
    // The identity and the umask that the test takes on are those of a thread of its own.
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                compare(directory);
              } catch (Throwable e) {
                failure.set(e);
              }
            });
    thread.start();
    thread.join();
    if (failure.get() != null) {
      throw new AssertionError(step, failure.get());
    }
    for (Errno errno : new Errno[] {Errno.EACCES, Errno.EPERM, Errno.EINVAL, Errno.ENOENT}) {
      assertThat(answers).containsKey(errno.value());
    }
    assertThat(answers.get(0)).isGreaterThan(STEPS);
  }

  private static boolean hasLists(Path directory) throws Exception {
    Path file = Files.createFile(directory.resolve("lists"));
    try (Kernel kernel = new Kernel()) {
      byte[] named = AclTest.list("u::6 u:1001:7 g::4 m::7 o::0");
      return kernel.setxattr(b(file.toString()), PosixAcl.ACCESS, named) == 0;
    }
  }

  private void compare(Path directory) throws Exception {
    Files.setAttribute(directory, "unix:mode", 0755);
    try (Kernel kernel = new Kernel()) {
      assertThat(kernel.unshareUmask()).isZero();
      for (int seed = 0; seed < SEEDS; seed++) {
        random = new Random(seed);
        Path root = Files.createDirectory(directory.resolve("seed" + seed));
        Files.setAttribute(root, "unix:mode", 0777);
        place = root + "/";
        try (TestFs t = new TestFs()) {
          t.chmod("/", 0777, ROOT);
          for (int i = 0; i < STEPS; i++) {
            step = "seed " + seed + " step " + i;
            step(kernel, t);
            if (i % 25 == 0) {
              sameTree(kernel, t);
            }
            if (i % 500 == 499) {
              assertThat(t.check().problems()).isEmpty();
              t.reopen(FsOptions.DEFAULTS);
            }
          }
        }
      }
    }
  }

  private byte[] kernelPath(String path) {
    return b(place + path);
  }

  private byte[] randomList() {
    StringBuilder text = new StringBuilder("u::" + random.nextInt(8));
    boolean named = false;
    for (int user : USERS) {
      if (random.nextInt(4) == 0) {
        text.append(" u:").append(user).append(':').append(random.nextInt(8));
        named = true;
      }
    }
    text.append(" g::").append(random.nextInt(8));
    for (int group : USERS) {
      if (random.nextInt(4) == 0) {
        text.append(" g:").append(group).append(':').append(random.nextInt(8));
        named = true;
      }
    }
    boolean mask = named ? random.nextInt(20) != 0 : random.nextInt(4) == 0;
    text.append(mask ? " m::" + random.nextInt(8) : "").append(" o::").append(random.nextInt(8));
    byte[] list = AclTest.list(text.toString());
    if (random.nextInt(30) == 0) {
      list[random.nextInt(list.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return random.nextInt(30) == 0 ? Arrays.copyOf(list, random.nextInt(list.length)) : list;
  }

  private void step(Kernel kernel, TestFs t) {
    String path = PATHS[random.nextInt(PATHS.length)];
    byte[] own = b("/" + path);
    byte[] theirs = kernelPath(path);
    int user = USERS[random.nextInt(USERS.length)];
    int group = USERS[random.nextInt(USERS.length)];
    Caller caller = Caller.of(user, group).withUmask(random.nextInt(4) * 022);
    int mode = random.nextInt(4096);
    int kind = random.nextInt(12);
    byte[] name = random.nextInt(3) == 0 ? PosixAcl.DEFAULT : PosixAcl.ACCESS;
    step += " kind " + kind + " " + path + " mode " + Integer.toOctalString(mode) + " " + caller;
    kernel.umask(caller.umask());
    kernel.actAs(user, group);
    switch (kind) {
      case 0, 1 -> {
        int flags = OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_RDWR;
        int fd = kernel.openat(VfsFlags.AT_FDCWD, theirs, flags, mode);
        closed(kernel, fd, answer(() -> t.paths.open(own, flags, mode, caller).close()));
      }
      case 2 ->
          same(
              kernel.mkdirat(VfsFlags.AT_FDCWD, theirs, mode),
              answer(() -> t.paths.mkdir(own, mode, caller)));
      case 3, 4, 5 -> {
        byte[] list = randomList();
        step += " " + java.util.HexFormat.of().formatHex(list);
        same(
            kernel.setxattr(theirs, name, list),
            answer(() -> t.paths.setxattr(own, true, name, list, 0, caller)));
      }
      case 6 ->
          same(
              kernel.removexattr(theirs, name),
              answer(() -> t.paths.removexattr(own, true, name, caller)));
      case 7 ->
          same(
              kernel.fchmodat(VfsFlags.AT_FDCWD, theirs, mode),
              answer(() -> t.paths.setattr(own, true, new SetAttr().mode(mode), caller)));
      case 8 -> {
        // Who may give a file away is PermissionTest's matter.
        kernel.actAs(0, 0);
        same(
            kernel.fchownat(theirs, user, group),
            answer(() -> t.paths.setattr(own, true, new SetAttr().uid(user).gid(group), ROOT)));
      }
      case 9, 10 -> {
        int flags = random.nextInt(3);
        int fd = kernel.openat(VfsFlags.AT_FDCWD, theirs, flags, 0);
        closed(kernel, fd, answer(() -> t.paths.open(own, flags, 0, caller).close()));
      }
      default -> {
        if (random.nextInt(3) > 0) {
          same(
              kernel.unlinkat(VfsFlags.AT_FDCWD, theirs, 0),
              answer(() -> t.paths.unlink(own, caller)));
        } else {
          same(
              kernel.unlinkat(VfsFlags.AT_FDCWD, theirs, VfsFlags.AT_REMOVEDIR),
              answer(() -> t.paths.rmdir(own, caller)));
        }
      }
    }
    kernel.actAs(0, 0);
  }

  private static int answer(Runnable call) {
    try {
      call.run();
      return 0;
    } catch (PoolException e) {
      return -e.errno().value();
    }
  }

  private void closed(Kernel kernel, int fd, int own) {
    if (fd >= 0) {
      kernel.close(fd);
    }
    same(Math.min(fd, 0), own);
  }

  private void same(int kernel, int own) {
    assertThat(own).as(step).isEqualTo(kernel);
    answers.merge(-kernel, 1, Integer::sum);
  }

  private void sameTree(Kernel kernel, TestFs t) throws Exception {
    for (String path : PATHS) {
      Path theirs = Path.of(place + path);
      boolean there = Files.exists(theirs);
      assertThat(t.exists("/" + path)).as(step + " " + path).isEqualTo(there);
      if (!there) {
        continue;
      }
      Attr own = t.stat("/" + path);
      String what = step + ": " + path;
      assertThat(Integer.toOctalString(own.mode()))
          .as(what)
          .isEqualTo(Integer.toOctalString((int) Files.getAttribute(theirs, "unix:mode")));
      assertThat(own.uid()).as(what).isEqualTo(Files.getAttribute(theirs, "unix:uid"));
      assertThat(own.gid()).as(what).isEqualTo(Files.getAttribute(theirs, "unix:gid"));
      for (byte[] name : new byte[][] {PosixAcl.ACCESS, PosixAcl.DEFAULT}) {
        assertThat(own(t, path, name)).as(what).isEqualTo(kernel.getxattr(kernelPath(path), name));
      }
    }
  }

  private static byte @Nullable [] own(TestFs t, String path, byte[] name) {
    try {
      return t.paths.getxattr(b("/" + path), true, name, ROOT);
    } catch (PoolException e) {
      assertThat(e.errno()).isEqualTo(Errno.ENODATA);
      return null;
    }
  }
}
