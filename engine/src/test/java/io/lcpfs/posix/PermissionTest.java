package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ALICE;
import static io.lcpfs.posix.TestFs.BOB;
import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.errno;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PermissionTest {
  private static final int ALICES_OTHER_GROUP = 2000;
  private final TestFs t = new TestFs();

  @AfterEach
  void checked() {
    t.close();
  }

  @Test
  void everyCombinationOfModeAndCallerGivesWhatTheBitsOfItsClassSay() {
    record Case(Caller caller, int uid, int gid, int shift) {}

    List<Case> cases =
        List.of(
            new Case(ALICE, 1001, 9, 6),
            new Case(ALICE, 9, 1001, 3),
            new Case(ALICE, 9, ALICES_OTHER_GROUP, 3),
            new Case(ALICE, 9, 9, 0),
            new Case(BOB, 1001, ALICES_OTHER_GROUP, 0));
    t.touch("/f");
    for (Case one : cases) {
      t.chown("/f", one.uid, one.gid);
      for (int mode = 0; mode < 512; mode += 7) {
        t.chmod("/f", mode, ROOT);
        for (int mask = 0; mask < 8; mask++) {
          boolean expected = (mode >> one.shift & mask) == mask;
          int asked = mask;
          if (expected) {
            t.paths.access(b("/f"), asked, one.caller);
          } else {
            assertThat(errno(() -> t.paths.access(b("/f"), asked, one.caller)))
                .isEqualTo(Errno.EACCES);
          }
        }
      }
    }
    t.chmod("/f", 0, ROOT);
    t.paths.access(b("/f"), OpenFlags.R_OK | OpenFlags.W_OK, ROOT);
    assertThat(errno(() -> t.paths.access(b("/f"), OpenFlags.X_OK, ROOT))).isEqualTo(Errno.EACCES);
    t.paths.access(b("/"), OpenFlags.X_OK, ROOT);
  }

  @Test
  void everyCallNeedsSearchAndWritePermissionOfTheDirectory() {
    t.mkdir("/d", 0x1C0, ROOT);
    t.touch("/d/f", 0x1FF, ROOT);
    assertThat(errno(() -> t.paths.stat(b("/d/f"), ALICE))).isEqualTo(Errno.EACCES);
    t.chmod("/d", 0x1C1, ROOT);
    t.paths.stat(b("/d/f"), ALICE);
    assertThat(errno(() -> t.open("/d", OpenFlags.O_DIRECTORY, ALICE))).isEqualTo(Errno.EACCES);
    assertThat(errno(() -> t.touch("/d/g", 0x1FF, ALICE))).isEqualTo(Errno.EACCES);
    assertThat(errno(() -> t.mkdir("/d/g", 0x1FF, ALICE))).isEqualTo(Errno.EACCES);
    assertThat(errno(() -> t.paths.unlink(b("/d/f"), ALICE))).isEqualTo(Errno.EACCES);
    assertThat(errno(() -> t.paths.rename(b("/d/f"), b("/d/g"), 0, ALICE))).isEqualTo(Errno.EACCES);
    assertThat(errno(() -> t.paths.link(b("/d/f"), b("/d/g"), ALICE))).isEqualTo(Errno.EACCES);
    assertThat(errno(() -> t.paths.symlink(b("x"), b("/d/g"), ALICE))).isEqualTo(Errno.EACCES);
    assertThat(errno(() -> t.paths.mknod(b("/d/g"), Mode.FIFO, 0, ALICE))).isEqualTo(Errno.EACCES);
    t.chmod("/d", 0x1C7, ROOT);
    assertThat(errno(() -> t.paths.mknod(b("/d/g"), Mode.CHARACTER, 0, ALICE)))
        .isEqualTo(Errno.EPERM);
    t.paths.mknod(b("/d/g"), Mode.FIFO, 0, ALICE);
    t.paths.rename(b("/d/f"), b("/d/h"), 0, ALICE);
    t.paths.unlink(b("/d/h"), ALICE);
  }

  @Test
  void everyStickyDirectoryLetsOnlyOwnersRemove() {
    t.mkdir("/tmp", 0x1FF, ROOT);
    t.chmod("/tmp", 0x3FF, ROOT);
    t.touch("/tmp/a", 0x1FF, ALICE);
    t.touch("/tmp/b", 0x1FF, BOB);
    assertThat(errno(() -> t.paths.unlink(b("/tmp/a"), BOB))).isEqualTo(Errno.EPERM);
    assertThat(errno(() -> t.paths.rename(b("/tmp/a"), b("/tmp/x"), 0, BOB)))
        .isEqualTo(Errno.EPERM);
    assertThat(errno(() -> t.paths.rename(b("/tmp/b"), b("/tmp/a"), 0, BOB)))
        .isEqualTo(Errno.EPERM);
    t.paths.unlink(b("/tmp/a"), ALICE);
    t.chown("/tmp", 1001, 0);
    t.paths.unlink(b("/tmp/b"), ALICE);
  }

  @Test
  void onlyOwnersChangeModesAndOnlyRootGivesFilesAway() {
    t.chmod("/", 0x1FF, ROOT);
    t.touch("/f", 0x1A4, ALICE);
    assertThat(errno(() -> t.chmod("/f", 0x1FF, BOB))).isEqualTo(Errno.EPERM);
    t.chmod("/f", 0x5FF, ALICE);
    assertThat(t.stat("/f").permissions()).isEqualTo(0x5FF);
    assertThat(errno(() -> change("/f", new SetAttr().uid(1002), ALICE))).isEqualTo(Errno.EPERM);
    assertThat(errno(() -> change("/f", new SetAttr().gid(1002), ALICE))).isEqualTo(Errno.EPERM);
    change("/f", new SetAttr().uid(1001), ALICE);
    assertThat(t.stat("/f").permissions()).isEqualTo(0x1FF);
    change("/f", new SetAttr().gid(ALICES_OTHER_GROUP), ALICE);
    assertThat(t.stat("/f").gid()).isEqualTo(ALICES_OTHER_GROUP);
    t.chown("/f", 1001, 77);
    t.chmod("/f", 0x5FF, ALICE);
    assertThat(t.stat("/f").permissions()).isEqualTo(0x1FF);
    t.symlink("f", "/s");
    assertThat(errno(() -> t.paths.setattr(b("/s"), false, new SetAttr().mode(0), ROOT)))
        .isEqualTo(Errno.EOPNOTSUPP);
  }

  private void change(String path, SetAttr change, Caller caller) {
    t.paths.setattr(b(path), true, change, caller);
  }

  @Test
  void everyWriteAndChownByAnotherTakesTheSetIdBits() {
    t.chmod("/", 0x1FF, ROOT);
    t.touch("/f", 0xDFF, ALICE);
    t.chmod("/f", 0xDFF, ROOT);
    try (FileHandle handle = t.open("/f", OpenFlags.O_RDWR, ROOT)) {
      TestFs.write(handle, 0, b("x"));
    }
    assertThat(t.stat("/f").permissions()).isEqualTo(0xDFF);
    try (FileHandle handle = t.open("/f", OpenFlags.O_RDWR, BOB)) {
      TestFs.write(handle, 0, b("x"));
    }
    assertThat(t.stat("/f").permissions()).isEqualTo(0x1FF);
    t.chmod("/f", 0xDFF, ROOT);
    change("/f", new SetAttr().size(0), BOB);
    assertThat(t.stat("/f").permissions()).isEqualTo(0x1FF);
    t.chmod("/f", 0xDF7, ROOT);
    t.chown("/f", 5, 5);
    assertThat(t.stat("/f").permissions())
        .as("set-gid without group execute is kept")
        .isEqualTo(0x5F7);
  }

  @Test
  void everySetGidDirectoryGivesItsGroup() {
    t.mkdir("/d", 0x1FF, ROOT);
    t.chown("/d", 0, 555);
    t.chmod("/d", 0x5FF, ROOT);
    assertThat(t.touch("/d/f", 0x1A4, ALICE).gid()).isEqualTo(555);
    Attr sub = t.mkdir("/d/sub", 0x1ED, ALICE);
    assertThat(sub.gid()).isEqualTo(555);
    assertThat(sub.permissions() & Mode.SET_GID).isNotZero();
    assertThat(t.touch("/d/g", 0x5FF, ALICE).permissions()).isEqualTo(0x1FF);
    assertThat(t.touch("/d/h", 0x5FF, ROOT).permissions()).isEqualTo(0x5FF);
  }

  @Test
  void everyTimeIsSetByThoseWhoMay() {
    t.touch("/f", 0x1B6, ROOT);
    change("/f", new SetAttr().atimeNow().mtimeNow(), BOB);
    assertThat(errno(() -> change("/f", new SetAttr().mtimeNow(), BOB))).isEqualTo(Errno.EPERM);
    assertThat(errno(() -> change("/f", new SetAttr().mtime(5, 6), BOB))).isEqualTo(Errno.EPERM);
    t.chmod("/f", 0x1A4, ROOT);
    assertThat(errno(() -> change("/f", new SetAttr().atimeNow().mtimeNow(), BOB)))
        .isEqualTo(Errno.EACCES);
    change("/f", new SetAttr().atime(-5, 999_999_999).mtime(1L << 40, 1), ROOT);
    t.reopen(FsOptions.DEFAULTS);
    assertThat(t.stat("/f").atimeSeconds()).isEqualTo(-5);
    assertThat(t.stat("/f").atimeNanos()).isEqualTo(999_999_999);
    assertThat(t.stat("/f").mtimeSeconds()).isEqualTo(1L << 40);
    assertThat(errno(() -> change("/f", new SetAttr().mtime(0, 1_000_000_000), ROOT)))
        .isEqualTo(Errno.EINVAL);
  }

  @Test
  void everyOpenIsCheckedOnceAndGoodUntilClosed() {
    t.chmod("/", 0x1FF, ROOT);
    t.touch("/f", 0x180, ALICE);
    assertThat(errno(() -> t.open("/f", OpenFlags.O_RDONLY, BOB))).isEqualTo(Errno.EACCES);
    assertThat(errno(() -> t.open("/f", OpenFlags.O_RDONLY | OpenFlags.O_TRUNC, BOB)))
        .isEqualTo(Errno.EACCES);
    t.chmod("/f", 0x1A4, ALICE);
    assertThat(errno(() -> t.open("/f", OpenFlags.O_RDONLY | OpenFlags.O_NOATIME, BOB)))
        .isEqualTo(Errno.EPERM);
    assertThat(errno(() -> change("/f", new SetAttr().size(0), BOB))).isEqualTo(Errno.EACCES);
    try (FileHandle handle = t.open("/f", OpenFlags.O_RDWR, ALICE)) {
      t.chmod("/f", 0, ALICE);
      TestFs.write(handle, 0, b("still"));
      handle.truncate(2);
      assertThat(TestFs.read(handle, 0, 9)).isEqualTo(b("st"));
    }
    try (FileHandle handle =
        t.paths.open(b("/new"), OpenFlags.O_CREAT | OpenFlags.O_RDWR, 0, ALICE)) {
      TestFs.write(handle, 0, b("mode 0"));
    }
  }
}
