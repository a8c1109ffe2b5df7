package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ALICE;
import static io.lcpfs.posix.TestFs.BOB;
import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.errno;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class XattrTest {
  private final TestFs t = new TestFs();

  @AfterEach
  void checked() {
    t.close();
  }

  private void set(String path, String name, byte[] value, int flags, Caller caller) {
    t.paths.setxattr(b(path), false, b(name), value, flags, caller);
  }

  private byte[] get(String path, String name, Caller caller) {
    return t.paths.getxattr(b(path), false, b(name), caller);
  }

  private List<String> list(String path, Caller caller) {
    List<String> names = new ArrayList<>();
    for (byte[] name : t.paths.listxattr(b(path), false, caller)) {
      names.add(TestFs.s(name));
    }
    return names;
  }

  @Test
  void everyAttributeIsKeptFromInlineToTheLargest() {
    t.touch("/f");
    TreeMap<String, byte[]> model = new TreeMap<>();
    SplittableRandom random = new SplittableRandom(7);
    long objects = t.objects.objectCount();
    for (int i = 0; i < 400; i++) {
      String name = "user." + (char) ('a' + random.nextInt(12));
      if (model.containsKey(name) && random.nextInt(3) == 0) {
        t.paths.removexattr(b("/f"), false, b(name), ROOT);
        model.remove(name);
      } else {
        byte[] value =
            new byte[random.nextInt(4) == 0 ? random.nextInt(65_537) : random.nextInt(40)];
        random.nextBytes(value);
        set("/f", name, value, model.containsKey(name) ? Xattrs.REPLACE : Xattrs.CREATE, ROOT);
        model.put(name, value);
      }
      if (i % 20 == 0) {
        t.reopen(FsOptions.DEFAULTS);
        assertThat(t.check().problems()).isEmpty();
      }
      assertThat(list("/f", ROOT)).containsExactlyElementsOf(model.keySet());
      model.forEach((key, value) -> assertThat(get("/f", key, ROOT)).isEqualTo(value));
    }
    t.unlink("/f");
    assertThat(t.objects.objectCount()).isEqualTo(objects - 1);
  }

  @Test
  void everyWrongUseHasItsErrno() {
    t.touch("/f");
    set("/f", "user.a", b("1"), 0, ROOT);
    assertThat(errno(() -> get("/f", "user.b", ROOT))).isEqualTo(Errno.ENODATA);
    assertThat(errno(() -> set("/f", "user.a", b("2"), Xattrs.CREATE, ROOT)))
        .isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> set("/f", "user.b", b("2"), Xattrs.REPLACE, ROOT)))
        .isEqualTo(Errno.ENODATA);
    assertThat(errno(() -> set("/f", "user.b", b("2"), 3, ROOT))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> set("/f", "user.", b("2"), 0, ROOT))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> set("/f", "user", b("2"), 0, ROOT))).isEqualTo(Errno.EOPNOTSUPP);
    assertThat(errno(() -> set("/f", "other.x", b("2"), 0, ROOT))).isEqualTo(Errno.EOPNOTSUPP);
    assertThat(errno(() -> get("/f", "system.other", ROOT))).isEqualTo(Errno.EOPNOTSUPP);
    assertThat(errno(() -> set("/f", "user." + "x".repeat(251), b("2"), 0, ROOT)))
        .isEqualTo(Errno.ERANGE);
    assertThat(errno(() -> set("/f", "", b("2"), 0, ROOT))).isEqualTo(Errno.ERANGE);
    assertThat(errno(() -> set("/f", "user.b", new byte[65_537], 0, ROOT))).isEqualTo(Errno.E2BIG);
    assertThat(errno(() -> t.paths.removexattr(b("/f"), false, b("user.b"), ROOT)))
        .isEqualTo(Errno.ENODATA);
    for (int i = 0; i < 15; i++) {
      set("/f", "user.big" + i, new byte[65_536], 0, ROOT);
    }
    assertThat(errno(() -> set("/f", "user.more", new byte[65_536], 0, ROOT)))
        .isEqualTo(Errno.ENOSPC);
    assertThat(get("/f", "user.a", ROOT)).isEqualTo(b("1"));
  }

  @Test
  void everyNameSpaceHasItsRules() {
    t.chmod("/", 0x1FF, ROOT);
    t.touch("/f", 0x1A4, ALICE);
    set("/f", "user.a", b("1"), 0, ALICE);
    assertThat(get("/f", "user.a", BOB)).isEqualTo(b("1"));
    assertThat(errno(() -> set("/f", "user.a", b("2"), 0, BOB))).isEqualTo(Errno.EACCES);
    t.chmod("/f", 0x180, ALICE);
    assertThat(errno(() -> get("/f", "user.a", BOB))).isEqualTo(Errno.EACCES);
    assertThat(errno(() -> set("/f", "trusted.a", b("2"), 0, ALICE))).isEqualTo(Errno.EPERM);
    set("/f", "trusted.a", b("2"), 0, ROOT);
    assertThat(errno(() -> get("/f", "trusted.a", ALICE))).isEqualTo(Errno.ENODATA);
    assertThat(list("/f", ALICE)).containsExactly("user.a");
    assertThat(list("/f", ROOT)).containsExactly("trusted.a", "user.a");
    assertThat(errno(() -> set("/f", "security.a", b("2"), 0, ALICE))).isEqualTo(Errno.EPERM);
    set("/f", "security.a", b("3"), 0, ROOT);
    assertThat(get("/f", "security.a", BOB)).isEqualTo(b("3"));
    t.symlink("f", "/s");
    assertThat(errno(() -> set("/s", "user.a", b("1"), 0, ROOT))).isEqualTo(Errno.EPERM);
    assertThat(errno(() -> get("/s", "user.a", ROOT))).isEqualTo(Errno.ENODATA);
    set("/s", "trusted.a", b("on a link with its target inline"), 0, ROOT);
    assertThat(t.paths.readlink(b("/s"), ROOT)).isEqualTo(b("f"));
    t.mkdir("/tmp", 0x1FF, ROOT);
    t.chmod("/tmp", 0x3FF, ROOT);
    assertThat(errno(() -> set("/tmp", "user.a", b("1"), 0, ALICE))).isEqualTo(Errno.EPERM);
    set("/tmp", "user.a", b("1"), 0, ROOT);
  }

  @Test
  void aWriteByAnotherTakesTheCapabilities() {
    t.touch("/f", 0x1FF, ROOT);
    set("/f", "security.capability", b("caps"), 0, ROOT);
    set("/f", "user.a", b("kept"), 0, ROOT);
    try (FileHandle handle = t.open("/f", OpenFlags.O_RDWR, ROOT)) {
      TestFs.write(handle, 0, b("x"));
      assertThat(get("/f", "security.capability", ROOT)).isEqualTo(b("caps"));
    }
    t.chmod("/f", 0x1B6, ROOT);
    try (FileHandle handle = t.open("/f", OpenFlags.O_RDWR, BOB)) {
      TestFs.write(handle, 0, b("x"));
    }
    assertThat(list("/f", ROOT)).containsExactly("user.a");
  }

  @Test
  void everyDamagedMapIsRefusedAsCorrupt() {
    XattrMap map =
        XattrMap.EMPTY
            .with(b("user.b"), new byte[100])
            .with(b("user.a"), b("x"))
            .with(b("trusted.c"), new byte[0]);
    byte[] good = map.encode();
    assertThat(XattrMap.decode(good).encode()).isEqualTo(good);
    SplittableRandom random = new SplittableRandom(3);
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] bad =
          random.nextInt(4) == 0
              ? Arrays.copyOf(good, random.nextInt(good.length + 20))
              : good.clone();
      for (int k = random.nextInt(4); k >= 0 && bad.length > 0; k--) {
        bad[random.nextInt(Math.min(bad.length, 60))] = (byte) random.nextInt();
      }
      try {
        XattrMap.decode(bad).encode();
      } catch (PoolException e) {
        assertThat(e.errno()).isEqualTo(Errno.EIO);
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(10_000);
  }
}
