package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ALICE;
import static io.lcpfs.posix.TestFs.BOB;
import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.errno;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AclTest {
  private final TestFs t = new TestFs();

  @AfterEach
  void checked() {
    t.close();
  }

  /** An extended attribute's value of words as u::6, u:1001:7, g::4, m::7, o::0. */
  static byte[] list(String text) {
    String[] words = text.split(" ");
    ByteBuffer value = ByteBuffer.allocate(4 + 8 * words.length).order(ByteOrder.LITTLE_ENDIAN);
    value.putInt(2);
    for (String word : words) {
      String[] part = word.split(":");
      boolean named = !part[1].isEmpty();
      int tag =
          switch (part[0]) {
            case "u" -> named ? 2 : 1;
            case "g" -> named ? 8 : 4;
            case "m" -> 0x10;
            case "o" -> 0x20;
            default -> throw new IllegalArgumentException(word);
          };
      value.putShort((short) tag);
      value.putShort(Short.parseShort(part[2]));
      value.putInt(named ? Integer.parseInt(part[1]) : -1);
    }
    return value.array();
  }

  private void set(String path, byte[] name, String list, Caller caller) {
    t.paths.setxattr(b(path), true, name, list(list), 0, caller);
  }

  private byte[] get(String path, byte[] name) {
    return t.paths.getxattr(b(path), true, name, BOB);
  }

  private int permissions(String path) {
    return t.stat(path).mode() & 0xFFF;
  }

  @Test
  void aListDecidesAndFollowsTheMode() {
    t.chmod("/", 0777, ROOT);
    t.touch("/f", 0600, ALICE);
    assertThat(errno(() -> t.open("/f", OpenFlags.O_RDONLY, BOB))).isEqualTo(Errno.EACCES);
    set("/f", PosixAcl.ACCESS, "u::6 u:1002:6 g::0 m::6 o::0", ALICE);
    assertThat(permissions("/f")).isEqualTo(0660);
    t.open("/f", OpenFlags.O_RDWR, BOB).close();
    t.chmod("/f", 0640, ALICE);
    assertThat(get("/f", PosixAcl.ACCESS)).isEqualTo(list("u::6 u:1002:6 g::0 m::4 o::0"));
    t.open("/f", OpenFlags.O_RDONLY, BOB).close();
    assertThat(errno(() -> t.open("/f", OpenFlags.O_WRONLY, BOB))).isEqualTo(Errno.EACCES);
    t.reopen(FsOptions.DEFAULTS);
    assertThat(errno(() -> t.open("/f", OpenFlags.O_WRONLY, BOB))).isEqualTo(Errno.EACCES);
    t.open("/f", OpenFlags.O_RDONLY, BOB).close();
    t.paths.removexattr(b("/f"), true, PosixAcl.ACCESS, ALICE);
    assertThat(permissions("/f")).isEqualTo(0640);
    assertThat(errno(() -> t.open("/f", OpenFlags.O_RDONLY, BOB))).isEqualTo(Errno.EACCES);
    assertThat(t.check().problems()).isEmpty();
  }

  @Test
  void aListThatAModeCanSayBecomesTheMode() {
    t.touch("/f", 0600, ROOT);
    set("/f", PosixAcl.ACCESS, "u::7 u:5:1 g::5 m::7 o::1", ROOT);
    set("/f", PosixAcl.ACCESS, "u::6 g::4 o::4", ROOT);
    assertThat(permissions("/f")).isEqualTo(0644);
    assertThat(errno(() -> get("/f", PosixAcl.ACCESS))).isEqualTo(Errno.ENODATA);
    assertThat(t.paths.listxattr(b("/f"), true, ROOT)).isEmpty();
  }

  @Test
  void whatIsMadeInADirectoryInheritsItsDefault() {
    t.mkdir("/d", 0755, ROOT);
    set("/d", PosixAcl.DEFAULT, "u::7 u:1002:7 g::5 m::7 o::5", ROOT);
    assertThat(permissions("/d")).isEqualTo(0755);
    Caller careful = ROOT.withUmask(077);
    t.touch("/d/f", 0664, careful);
    assertThat(permissions("/d/f")).isEqualTo(0664);
    assertThat(get("/d/f", PosixAcl.ACCESS)).isEqualTo(list("u::6 u:1002:7 g::5 m::6 o::4"));
    t.mkdir("/d/d", 0777, careful);
    assertThat(permissions("/d/d")).isEqualTo(0775);
    assertThat(get("/d/d", PosixAcl.DEFAULT)).isEqualTo(get("/d", PosixAcl.DEFAULT));
    t.symlink("f", "/d/l");
    try (FileHandle unnamed =
        t.fs.createUnnamed(t.stat("/d").inode(), 0666, OpenFlags.O_RDWR, careful).handle()) {
      assertThat(unnamed.getattr().mode() & 0777).isEqualTo(0664);
    }
    t.touch("/f", 0666, careful);
    assertThat(permissions("/f")).isEqualTo(0600);
    assertThat(t.check().problems()).isEmpty();
    t.crashAfterSync();
    assertThat(get("/d/f", PosixAcl.ACCESS)).isEqualTo(list("u::6 u:1002:7 g::5 m::6 o::4"));
    assertThat(t.check().problems()).isEmpty();
  }

  @Test
  void aLongListHasAnObjectAndDecidesTheSame() {
    StringBuilder text = new StringBuilder("u::7");
    for (int user = 2000; user < 2500; user++) {
      text.append(" u:").append(user).append(":0");
    }
    t.chmod("/", 0777, ROOT);
    t.mkdir("/d", 0777, ROOT);
    set("/d", PosixAcl.DEFAULT, text + " g::7 m::7 o::7", ROOT);
    t.touch("/d/f", 0666, ROOT);
    assertThat(get("/d/f", PosixAcl.ACCESS)).hasSizeGreaterThan(4000);
    for (int round = 0; round < 2; round++) {
      t.open("/d/f", OpenFlags.O_RDWR, BOB).close();
      assertThat(errno(() -> t.open("/d/f", OpenFlags.O_RDONLY, Caller.of(2400, 1))))
          .isEqualTo(Errno.EACCES);
      assertThat(t.check().problems()).isEmpty();
      t.reimport();
    }
    long objects = t.objects.objectCount();
    t.unlink("/d/f");
    t.awaitReaper();
    assertThat(t.objects.objectCount()).isEqualTo(objects - 2);
  }

  @Test
  void everyWrongUseHasItsErrno() {
    t.chmod("/", 0777, ROOT);
    t.touch("/f", 0666, ALICE);
    t.symlink("f", "/l");
    String good = "u::6 u:1002:6 g::0 m::6 o::0";
    assertThat(errno(() -> set("/f", PosixAcl.ACCESS, good, BOB))).isEqualTo(Errno.EPERM);
    assertThat(errno(() -> set("/f", PosixAcl.DEFAULT, good, ALICE))).isEqualTo(Errno.EACCES);
    assertThat(errno(() -> t.paths.setxattr(b("/l"), false, PosixAcl.ACCESS, list(good), 0, ROOT)))
        .isEqualTo(Errno.EOPNOTSUPP);
    for (String bad :
        new String[] {
          "u::6",
          "u::6 g::6",
          "g::6 u::6 o::6",
          "u::6 u:1:6 g::6 o::6",
          "u::8 g::6 o::6",
          "u::6 g::6 m::6 m::6 o::6",
          "u::6 u::6 g::6 o::6",
          "u::6 u:-1:6 g::6 m::6 o::6",
        }) {
      assertThat(errno(() -> set("/f", PosixAcl.ACCESS, bad, ALICE)))
          .as(bad)
          .isEqualTo(Errno.EINVAL);
    }
    byte[] version = list("u::6 g::6 o::6");
    version[0] = 3;
    assertThat(errno(() -> t.paths.setxattr(b("/f"), true, PosixAcl.ACCESS, version, 0, ROOT)))
        .isEqualTo(Errno.EOPNOTSUPP);
    assertThat(permissions("/f")).isEqualTo(0666);
    // A list without entries stands for none, and there is none to remove: both are no error.
    t.paths.setxattr(b("/f"), true, PosixAcl.ACCESS, new byte[] {2, 0, 0, 0}, 0, ALICE);
    t.paths.removexattr(b("/f"), true, PosixAcl.DEFAULT, ROOT);
  }
}
