package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.errno;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NameSpaceTest {
  private final TestFs t = new TestFs();

  @AfterEach
  void checked() {
    t.close();
  }

  @Test
  void everyNewFileIsFoundWithWhatItWasMadeFrom() {
    long root = t.fs.rootInode();
    Attr directory = t.mkdir("/d", 0x1C0, ROOT);
    assertThat(directory.mode()).isEqualTo(Mode.DIRECTORY | 0x1C0);
    assertThat(directory.nlink()).isEqualTo(2);
    assertThat(t.fs.getattr(root).nlink()).isEqualTo(3);
    assertThat(t.touch("/d/f").mode()).isEqualTo(Mode.REGULAR | 0x1A4);
    Attr device = t.paths.mknod(b("/d/dev"), Mode.BLOCK | 0x180, 0x123456789L, ROOT);
    assertThat(device.rdev()).isEqualTo(0x123456789L);
    assertThat(t.paths.mknod(b("/d/p"), Mode.FIFO | 0x180, 7, ROOT).rdev()).isZero();
    assertThat(t.paths.mknod(b("/d/s"), Mode.SOCKET | 0x180, 0, ROOT).mode())
        .isEqualTo(Mode.SOCKET | 0x180);
    assertThat(t.paths.mknod(b("/d/r"), 0x180, 0, ROOT).isRegular()).isTrue();
    t.symlink("target", "/d/l");
    assertThat(t.stat("/d/l").size()).isEqualTo(6);
    assertThat(t.names("/d")).containsExactly("dev", "f", "l", "p", "r", "s");
    assertThat(t.stat("/d").size()).isEqualTo(6);
    t.reopen(FsOptions.DEFAULTS);
    assertThat(t.stat("/d/dev")).isEqualTo(device);
    assertThat(t.fs.lookup(directory.inode(), b(".."), ROOT).inode()).isEqualTo(root);
    assertThat(t.fs.lookup(root, b(".."), ROOT).inode()).isEqualTo(root);
    assertThat(t.fs.lookup(directory.inode(), b("."), ROOT).inode()).isEqualTo(directory.inode());
  }

  @Test
  void everyIllegalNameIsRefused() {
    long root = t.fs.rootInode();
    byte[] longest = new byte[255];
    Arrays.fill(longest, (byte) 'x');
    byte[] tooLong = Arrays.copyOf(longest, 256);
    tooLong[255] = 'x';
    t.fs.mkdir(root, longest, 0x1FF, ROOT);
    assertThat(errno(() -> t.fs.mkdir(root, tooLong, 0x1FF, ROOT))).isEqualTo(Errno.ENAMETOOLONG);
    assertThat(errno(() -> t.fs.lookup(root, tooLong, ROOT))).isEqualTo(Errno.ENAMETOOLONG);
    assertThat(errno(() -> t.fs.unlink(root, tooLong, ROOT))).isEqualTo(Errno.ENAMETOOLONG);
    assertThat(errno(() -> t.fs.rename(root, longest, root, tooLong, 0, ROOT)))
        .isEqualTo(Errno.ENAMETOOLONG);
    assertThat(errno(() -> t.fs.mkdir(root, b("a/b"), 0, ROOT))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> t.fs.mkdir(root, b("a\0b"), 0, ROOT))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> t.fs.mkdir(root, b(""), 0, ROOT))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.fs.mkdir(root, b("."), 0, ROOT))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> t.fs.rmdir(root, b("."), ROOT))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> t.fs.rmdir(root, b(".."), ROOT))).isEqualTo(Errno.ENOTEMPTY);
    byte[] odd = {(byte) 0xFF, (byte) 0x80, 1, '\n'};
    t.fs.mkdir(root, odd, 0x1FF, ROOT);
    assertThat(t.fs.lookup(root, odd, ROOT).isDirectory()).isTrue();
  }

  @Test
  void everyWrongUseOfADirectoryOrFileHasItsErrno() {
    t.mkdir("/d");
    t.touch("/d/f");
    t.touch("/f");
    assertThat(errno(() -> t.mkdir("/d"))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> t.mkdir("/f"))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> t.mkdir("/"))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> t.mkdir("/none/x"))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.mkdir("/f/x"))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> t.rmdir("/f"))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> t.rmdir("/d"))).isEqualTo(Errno.ENOTEMPTY);
    assertThat(errno(() -> t.rmdir("/none"))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.rmdir("/"))).isEqualTo(Errno.EBUSY);
    assertThat(errno(() -> t.unlink("/d"))).isEqualTo(Errno.EISDIR);
    assertThat(errno(() -> t.unlink("/"))).isEqualTo(Errno.EISDIR);
    assertThat(errno(() -> t.unlink("/none"))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.unlink("/f/"))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> t.link("/d", "/d2"))).isEqualTo(Errno.EPERM);
    assertThat(errno(() -> t.link("/f", "/d"))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> t.link("/none", "/d2"))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.symlink("x", "/f"))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> t.symlink("", "/g"))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.symlink("x".repeat(4096), "/g"))).isEqualTo(Errno.ENAMETOOLONG);
    assertThat(errno(() -> t.paths.readlink(b("/f"), ROOT))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> t.paths.mknod(b("/g"), Mode.DIRECTORY, 0, ROOT))).isEqualTo(Errno.EPERM);
    assertThat(errno(() -> t.paths.mknod(b("/g"), Mode.SYMLINK, 0, ROOT))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> t.open("/none", OpenFlags.O_RDONLY))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.open("/d", OpenFlags.O_WRONLY))).isEqualTo(Errno.EISDIR);
    assertThat(errno(() -> t.open("/d", OpenFlags.O_CREAT))).isEqualTo(Errno.EISDIR);
    assertThat(errno(() -> t.open("/f", OpenFlags.O_DIRECTORY))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> t.open("/f", OpenFlags.O_CREAT | OpenFlags.O_EXCL)))
        .isEqualTo(Errno.EEXIST);
    t.paths.mknod(b("/fifo"), Mode.FIFO | 0x1FF, 0, ROOT);
    assertThat(errno(() -> t.open("/fifo", OpenFlags.O_RDONLY))).isEqualTo(Errno.ENXIO);
    assertThat(errno(() -> t.fs.getattr(1))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.fs.getattr(999_999))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.fs.getattr(-1))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.fs.lookup(t.stat("/f").inode(), b("x"), ROOT)))
        .isEqualTo(Errno.ENOTDIR);
  }

  @Test
  void everyPathIsResolvedAsTheStandardSays() {
    t.mkdir("/a");
    t.mkdir("/a/b");
    t.write("/a/b/f", "content");
    t.symlink("b", "/a/relative");
    t.symlink("/a/b/", "/absolute");
    t.symlink("../a/relative/f", "/a/twice");
    t.symlink("nothing", "/dangling");
    t.symlink("loop2", "/loop1");
    t.symlink("loop1", "/loop2");
    String longTarget = "./".repeat(1000) + "a/b/f";
    t.symlink(longTarget, "/long");
    assertThat(t.read("/a/relative/f")).isEqualTo("content");
    assertThat(t.read("/absolute/f")).isEqualTo("content");
    assertThat(t.read("/a/twice")).isEqualTo("content");
    assertThat(t.read("/long")).isEqualTo("content");
    assertThat(t.read("a//b/./../b/f")).isEqualTo("content");
    assertThat(t.read("/../../a/b/f")).isEqualTo("content");
    assertThat(new String(t.paths.readlink(b("/long"), ROOT), StandardCharsets.UTF_8))
        .isEqualTo(longTarget);
    assertThat(t.stat("/absolute").isSymlink()).isTrue();
    assertThat(t.stat("/absolute/").isDirectory()).isTrue();
    assertThat(t.paths.stat(b("/absolute"), ROOT).isDirectory()).isTrue();
    assertThat(errno(() -> t.paths.stat(b("/dangling"), ROOT))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.paths.stat(b("/loop1"), ROOT))).isEqualTo(Errno.ELOOP);
    assertThat(errno(() -> t.open("/loop1", OpenFlags.O_CREAT))).isEqualTo(Errno.ELOOP);
    assertThat(errno(() -> t.open("/absolute", OpenFlags.O_NOFOLLOW))).isEqualTo(Errno.ELOOP);
    assertThat(errno(() -> t.paths.stat(b("/a/b/f/"), ROOT))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> t.paths.stat(b("/a/b/f/.."), ROOT))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> t.paths.stat(b(""), ROOT))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.paths.stat(b("x".repeat(5000)), ROOT))).isEqualTo(Errno.ENAMETOOLONG);
    assertThat(errno(() -> t.paths.stat(b("/" + "x".repeat(256)), ROOT)))
        .isEqualTo(Errno.ENAMETOOLONG);
    t.open("/dangling", OpenFlags.O_CREAT).close();
    assertThat(t.exists("/nothing")).isTrue();
    assertThat(errno(() -> t.open("/dangling", OpenFlags.O_CREAT | OpenFlags.O_EXCL)))
        .isEqualTo(Errno.EEXIST);
    PathCalls below = t.fs.pathsAt(t.stat("/a").inode());
    assertThat(below.stat(b("b/f"), ROOT).size()).isEqualTo(7);
    assertThat(below.stat(b("/a"), ROOT)).isEqualTo(t.stat("/a"));
    assertThat(below.stat(b("relative/../.."), ROOT).inode()).isEqualTo(t.fs.rootInode());
  }

  @Test
  void exactlyFortySymbolicLinksAreFollowed() {
    t.touch("/l0");
    for (int i = 1; i <= 41; i++) {
      t.symlink("l" + (i - 1), "/l" + i);
    }
    assertThat(t.paths.stat(b("/l40"), ROOT).isRegular()).isTrue();
    assertThat(errno(() -> t.paths.stat(b("/l41"), ROOT))).isEqualTo(Errno.ELOOP);
  }

  @Test
  void everyNameOfAFileLeadsToTheSameFileUntilTheLastIsGone() {
    t.write("/f", "text");
    t.mkdir("/d");
    t.link("/f", "/d/g");
    t.symlink("f", "/s");
    t.link("/s", "/s2");
    assertThat(t.stat("/s2").isSymlink()).isTrue();
    assertThat(t.stat("/f").nlink()).isEqualTo(2);
    assertThat(t.stat("/d/g").inode()).isEqualTo(t.stat("/f").inode());
    t.unlink("/f");
    assertThat(t.read("/d/g")).isEqualTo("text");
    assertThat(t.stat("/d/g").nlink()).isEqualTo(1);
    t.unlink("/d/g");
    assertThat(t.names("/d")).isEmpty();
  }

  @Test
  void everyDirectoryIsListedWholeFromAnyCookieWhileNamesComeAndGo() {
    t.mkdir("/d");
    Set<String> expected = new HashSet<>();
    for (int i = 0; i < 3000; i++) {
      t.touch("/d/f" + i);
      expected.add("f" + i);
    }
    Set<String> found = new HashSet<>();
    long[] cookie = {0};
    int[] fresh = {0};
    try (FileHandle handle = t.open("/d", OpenFlags.O_DIRECTORY)) {
      int[] inBatch = {1};
      while (inBatch[0] > 0) {
        inBatch[0] = 0;
        t.fs.readdir(
            handle,
            cookie[0],
            (at, name, inode, type) -> {
              if (inBatch[0] == 50) {
                return false;
              }
              inBatch[0]++;
              assertThat(at).isGreaterThan(cookie[0]);
              cookie[0] = at;
              assertThat(found.add(TestFs.s(name))).isTrue();
              return true;
            });
        if (fresh[0] < 40) {
          t.touch("/d/new" + fresh[0]);
          t.unlink("/d/f" + fresh[0]++);
        }
      }
    }
    for (int i = fresh[0]; i < 3000; i++) {
      assertThat(found).contains("f" + i);
    }
    assertThat(found).contains(".", "..");
    found.removeAll(expected);
    assertThat(found).allMatch(name -> name.startsWith("new") || name.startsWith("."));
  }

  @Test
  void aDirectoryOfFiftyThousandNamesKeepsAllOfThem() {
    t.mkdir("/big");
    long big = t.stat("/big").inode();
    for (int i = 0; i < 50_000; i++) {
      t.fs.mknod(big, b("file-with-a-usual-name-" + i), 0x1A4, 0, ROOT);
    }
    assertThat(t.stat("/big").size()).isEqualTo(50_000);
    t.reopen(FsOptions.DEFAULTS);
    assertThat(t.paths.names(b("/big"), ROOT)).hasSize(50_000);
    for (int i = 0; i < 50_000; i += 7) {
      assertThat(t.fs.lookup(big, b("file-with-a-usual-name-" + i), ROOT).isRegular()).isTrue();
      t.fs.unlink(big, b("file-with-a-usual-name-" + i), ROOT);
    }
    assertThat(t.stat("/big").size()).isEqualTo(50_000 - 7143);
    assertThat(t.check().problems()).isEmpty();
  }

  @Test
  void everyRemovedDirectoryIsDeadForThoseWhoStillHaveIt() {
    t.mkdir("/d");
    Attr attr = t.stat("/d");
    assertThat(t.fs.retain(attr.inode(), attr.generation())).isTrue();
    assertThat(t.fs.retain(attr.inode(), attr.generation() + 1)).isFalse();
    try (FileHandle handle = t.open("/d", OpenFlags.O_DIRECTORY)) {
      t.rmdir("/d");
      assertThat(errno(() -> t.fs.create(attr.inode(), b("x"), 0x1A4, OpenFlags.O_RDWR, ROOT)))
          .isEqualTo(Errno.ENOENT);
      assertThat(errno(() -> t.fs.lookup(attr.inode(), b("x"), ROOT))).isEqualTo(Errno.ENOENT);
      t.fs.readdir(
          handle,
          0,
          (cookie, name, inode, type) -> {
            throw new AssertionError("entry in a removed directory");
          });
      assertThat(handle.getattr().nlink()).isZero();
    }
    assertThat(t.fs.getattr(attr.inode()).nlink()).isZero();
    assertThat(errno(() -> t.fs.mkdir(attr.inode(), b("x"), 0, ROOT))).isEqualTo(Errno.ENOENT);
    assertThat(t.mkdir("/e").inode()).isNotEqualTo(attr.inode());
    t.fs.forget(attr.inode(), 1);
    assertThat(errno(() -> t.fs.getattr(attr.inode()))).isEqualTo(Errno.ENOENT);
  }

  @Test
  void aReusedNumberIsAnotherFile() {
    t.mkdir("/d");
    Attr before = t.stat("/d");
    assertThat(t.exists("/d/never")).isFalse();
    t.rmdir("/d");
    for (int i = 0; i < 4; i++) {
      t.mkdir("/e" + i);
      t.touch("/e" + i + "/never");
      assertThat(t.exists("/e" + i + "/never")).isTrue();
      assertThat(t.stat("/e" + i).generation()).isNotEqualTo(before.generation());
    }
  }

  @Test
  void everyChangeIsRefusedWhenReadOnly() {
    t.write("/f", "text");
    t.mkdir("/d");
    t.reopen(FsOptions.DEFAULTS.withReadOnly(true));
    assertThat(t.read("/f")).isEqualTo("text");
    assertThat(errno(() -> t.touch("/g"))).isEqualTo(Errno.EROFS);
    assertThat(errno(() -> t.mkdir("/g"))).isEqualTo(Errno.EROFS);
    assertThat(errno(() -> t.unlink("/f"))).isEqualTo(Errno.EROFS);
    assertThat(errno(() -> t.rmdir("/d"))).isEqualTo(Errno.EROFS);
    assertThat(errno(() -> t.rename("/f", "/g"))).isEqualTo(Errno.EROFS);
    assertThat(errno(() -> t.link("/f", "/g"))).isEqualTo(Errno.EROFS);
    assertThat(errno(() -> t.chmod("/f", 0, ROOT))).isEqualTo(Errno.EROFS);
    assertThat(errno(() -> t.open("/f", OpenFlags.O_WRONLY))).isEqualTo(Errno.EROFS);
    assertThat(errno(() -> t.paths.setxattr(b("/f"), true, b("user.x"), b("y"), 0, ROOT)))
        .isEqualTo(Errno.EROFS);
    assertThat(errno(() -> t.paths.access(b("/f"), OpenFlags.W_OK, ROOT))).isEqualTo(Errno.EROFS);
  }

  @Test
  void everyCallWorksWithHardlyAnyCache() {
    t.reopen(FsOptions.DEFAULTS.withCaches(1, 1));
    t.mkdir("/d");
    for (int i = 0; i < 300; i++) {
      t.write("/d/f" + i, "content " + i);
    }
    for (int i = 0; i < 300; i++) {
      assertThat(t.read("/d/f" + i)).isEqualTo("content " + i);
      assertThat(t.exists("/d/g" + i)).isFalse();
    }
    assertThat(t.names("/d")).hasSize(300);
  }

  @Test
  void everyFailureOfTheLayerBelowLeavesTheTreeAsItWas() {
    t.mkdir("/a");
    t.mkdir("/b");
    t.write("/a/f", "f");
    t.write("/b/victim", "victim");
    t.paths.setxattr(b("/b/victim"), true, b("user.big"), new byte[5000], 0, ROOT);
    int failures = 0;
    Runnable[] changes = {
      () -> t.touch("/a/new"),
      () -> t.mkdir("/a/newdir"),
      () -> t.symlink("x".repeat(999), "/a/s"),
      () -> t.link("/a/f", "/b/f"),
      () -> t.rename("/a/f", "/b/victim"),
      () -> t.rename("/b/victim", "/a/v"),
      () -> t.unlink("/b/victim"),
      () -> t.rename("/a/f", "/b/victim", OpenFlags.RENAME_EXCHANGE),
      () -> t.paths.setxattr(b("/b/victim"), true, b("user.big"), new byte[9000], 0, ROOT),
    };
    for (Runnable change : changes) {
      boolean done = false;
      for (int call = 0; !done; call++) {
        String before = t.tree();
        t.reimport();
        t.pool.failIn(call);
        try {
          change.run();
          done = true;
        } catch (PoolException e) {
          t.pool.failIn(-1);
          assertThat(e.errno()).isEqualTo(Errno.ENOMEM);
          assertThat(t.tree()).isEqualTo(before);
          failures++;
        }
        t.pool.failIn(-1);
        t.awaitReaper();
        assertThat(t.check().problems()).isEmpty();
        assertThat(call).isLessThan(500);
      }
      restore();
    }
    assertThat(failures).isGreaterThan(20);
  }

  /** Makes /a/f and /b/victim be as at the start. */
  private void restore() {
    for (String directory : new String[] {"/a", "/b"}) {
      for (String name : t.names(directory)) {
        String path = directory + "/" + name;
        if (t.stat(path).isDirectory()) {
          t.rmdir(path);
        } else {
          t.unlink(path);
        }
      }
    }
    t.write("/a/f", "f");
    t.write("/b/victim", "victim");
    t.paths.setxattr(b("/b/victim"), true, b("user.big"), new byte[5000], 0, ROOT);
  }
}
