package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.s;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SyscallsTest {
  private static final int RW_ALL = 0x1B6;
  private static final int CREATE = OpenFlags.O_CREAT | OpenFlags.O_RDWR;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  private final TestFs t = new TestFs();
  private final VfsOperations vfs = new VfsOperations(t.fs, 42, ROOT);
  private final Syscalls calls = new Syscalls(vfs);

  @AfterEach
  void checked() {
    vfs.close();
    t.close();
  }

  private static MemorySegment buffer(int bytes) {
    return MemorySegment.ofArray(new byte[bytes]);
  }

  private static String text(MemorySegment buffer, long length) {
    return s(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
  }

  @Test
  void everyNamedErrorOfTheInterfaceHasItsNumber() {
    assertThat(Syscalls.errnoOf("NotFound")).isEqualTo(-2);
    assertThat(Syscalls.errnoOf("DiskFull")).isEqualTo(-28);
    assertThat(Syscalls.errnoOf("PermissionDenied")).isEqualTo(-13);
    assertThat(Syscalls.errnoOf("InvalidArgument")).isEqualTo(-22);
    assertThat(Syscalls.errnoOf("IsDirectory")).isEqualTo(-21);
    assertThat(Syscalls.errnoOf("NotDirectory")).isEqualTo(-20);
    assertThat(Syscalls.errnoOf("Exists")).isEqualTo(-17);
    assertThat(Syscalls.errnoOf("Unknown")).isEqualTo(-5);
    for (Errno errno : Errno.values()) {
      assertThat(Syscalls.errnoOf(PoolException.posix(errno, "x"))).isEqualTo(-errno.value());
    }
  }

  /** Calls every method of the interface with a descriptor that is closed and a missing name. */
  @Test
  void everyCallAnswersANegativeErrnoAndThrowsNothing() throws Exception {
    List<String> called = new ArrayList<>();
    for (Method method : Syscalls.class.getDeclaredMethods()) {
      if (!Modifier.isPublic(method.getModifiers()) || Modifier.isStatic(method.getModifiers())) {
        continue;
      }
      Object[] arguments =
          Arrays.stream(method.getParameterTypes()).map(SyscallsTest::unusable).toArray();
      long answer;
      try {
        answer = ((Number) method.invoke(calls, arguments)).longValue();
      } catch (InvocationTargetException e) {
        throw new AssertionError(method.getName(), e.getCause());
      }
      if (List.of("sync", "umask").contains(method.getName())) {
        assertThat(answer).as(method.getName()).isNotNegative();
      } else {
        assertThat(answer).as(method.getName()).isBetween(-4095L, -1L);
      }
      called.add(method.getName());
    }
    assertThat(called).contains("open", "read", "write", "seek", "close", "mkdir", "unlink");
    assertThat(called).contains("rename", "stat").hasSizeGreaterThan(60);
  }

  private static Object unusable(Class<?> type) {
    if (type == byte[].class) {
      return b("/missing/name");
    }
    if (type == MemorySegment.class) {
      return buffer(0);
    }
    if (type == Timespec.class) {
      return Timespec.NOW;
    }
    return type == boolean.class ? (Object) true : type == long.class ? (Object) 7L : (Object) 7;
  }

  @Test
  void everyResultThatIsNoErrorIsTheCallsOwn() {
    int fd = calls.open(b("/f"), CREATE, RW_ALL);
    assertThat(fd).isZero();
    assertThat(calls.write(fd, MemorySegment.ofArray(b("hello")), 5)).isEqualTo(5);
    assertThat(calls.seek(fd, 1, VfsFlags.SEEK_SET)).isEqualTo(1);
    MemorySegment buffer = buffer(64);
    assertThat(calls.read(fd, buffer, 64)).isEqualTo(4);
    assertThat(text(buffer, 4)).isEqualTo("ello");
    assertThat(calls.pwrite(fd, buffer, 1, 0)).isEqualTo(1);
    assertThat(calls.pread(fd, buffer, 5, 0)).isEqualTo(5);
    assertThat(text(buffer, 5)).isEqualTo("eello");
    assertThat(calls.stat(b("/f"), buffer)).isZero();
    assertThat(FileStat.readFrom(buffer, 0)).isEqualTo(vfs.fstat(fd));
    assertThat(calls.fstat(fd, buffer(63))).isEqualTo(-Errno.EFAULT.value());
    MemorySegment full = buffer(FullStat.BYTES);
    assertThat(calls.fullStat(VfsFlags.AT_FDCWD, b("/f"), 0, full)).isZero();
    assertThat(FullStat.readFrom(full, 0)).isEqualTo(vfs.fullStat(fd));
    assertThat(calls.dup(fd)).isEqualTo(1);
    assertThat(calls.dup2(fd, 5)).isEqualTo(5);
    assertThat(calls.dup3(fd, 6, 0)).isEqualTo(6);
    assertThat(calls.fcntl(fd, VfsFlags.F_GETFL, 0)).isEqualTo(OpenFlags.O_RDWR);
    assertThat(calls.close(6)).isZero();
    assertThat(calls.close(6)).isEqualTo(-Errno.EBADF.value());
    assertThat(calls.setLock(fd, VfsFlags.F_WRLCK, 0, 3, 4, false)).isZero();
    assertThat(calls.getLock(fd, VfsFlags.F_WRLCK, 0, 0, 0, buffer)).isZero();
    assertThat(buffer.get(ValueLayout.JAVA_INT_UNALIGNED, 16)).isEqualTo(VfsFlags.F_UNLCK);
    VfsOperations other = new VfsOperations(t.fs, 42, ROOT, 9, 4);
    Syscalls theirs = new Syscalls(other);
    assertThat(theirs.open(b("/f"), 0, 0)).isZero();
    assertThat(theirs.getLock(0, VfsFlags.F_RDLCK, 0, 0, 0, buffer)).isZero();
    assertThat(buffer.get(LONG, 0)).isEqualTo(3);
    assertThat(buffer.get(LONG, 8)).isEqualTo(4);
    assertThat(buffer.get(ValueLayout.JAVA_INT_UNALIGNED, 20)).isEqualTo(1);
    other.close();
    assertThat(calls.flock(fd, VfsFlags.LOCK_EX)).isZero();
  }

  @Test
  void everyTextAndValueGoesToTheBufferOrIsTooLong() {
    assertThat(calls.mkdir(b("/dir"), 0x1FF)).isZero();
    assertThat(calls.chdir(b("/dir"))).isZero();
    MemorySegment buffer = buffer(16);
    assertThat(calls.getcwd(buffer)).isEqualTo(5);
    assertThat(text(buffer, 5)).isEqualTo("/dir\0");
    assertThat(calls.getcwd(buffer(4))).isEqualTo(-Errno.ERANGE.value());
    assertThat(calls.symlink(b("target"), b("s"))).isZero();
    assertThat(calls.readlink(b("s"), buffer)).isEqualTo(6);
    assertThat(text(buffer, 6)).isEqualTo("target");
    assertThat(calls.readlink(b("s"), buffer(3))).isEqualTo(3);
    assertThat(calls.readlink(b("s"), buffer(0))).isEqualTo(-Errno.EINVAL.value());
    assertThat(calls.close(calls.open(b("f"), CREATE, RW_ALL))).isZero();
    assertThat(calls.setxattr(b("f"), true, b("user.name"), b("value"), 0)).isZero();
    assertThat(calls.setxattr(b("f"), true, b("user.two"), b(""), 0)).isZero();
    assertThat(calls.getxattr(b("f"), true, b("user.name"), buffer(0))).isEqualTo(5);
    assertThat(calls.getxattr(b("f"), true, b("user.name"), buffer)).isEqualTo(5);
    assertThat(text(buffer, 5)).isEqualTo("value");
    assertThat(calls.getxattr(b("f"), true, b("user.name"), buffer(4)))
        .isEqualTo(-Errno.ERANGE.value());
    MemorySegment list = buffer(19);
    assertThat(calls.listxattr(b("f"), true, list)).isEqualTo(19);
    assertThat(text(list, 19).split("\0")).containsExactlyInAnyOrder("user.name", "user.two");
    assertThat(calls.listxattr(b("f"), true, buffer(18))).isEqualTo(-Errno.ERANGE.value());
    MemorySegment statfs = buffer(Syscalls.STATFS_BYTES);
    assertThat(calls.statfs(b("/"), statfs)).isZero();
    assertThat(statfs.get(LONG, 48)).isEqualTo(255);
    assertThat(calls.statfs(b("/"), buffer(55))).isEqualTo(-Errno.EFAULT.value());
  }

  @Test
  void everyDirectoryRecordIsWholeWithinTheBuffer() {
    for (int i = 0; i < 9; i++) {
      calls.close(calls.open(b("/" + "n".repeat(i + 1)), CREATE, RW_ALL));
    }
    int fd = calls.open(b("/"), OpenFlags.O_DIRECTORY, 0);
    List<String> names = new ArrayList<>();
    MemorySegment buffer = buffer(70);
    long used;
    while ((used = calls.getdents(fd, buffer)) > 0) {
      for (long at = 0; at < used; ) {
        int bytes = buffer.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 16);
        assertThat(bytes % 8).isZero();
        String name = buffer.getString(at + 19);
        names.add(name);
        Attr attr = t.stat("/" + name);
        assertThat(buffer.get(LONG, at)).isEqualTo(attr.inode());
        assertThat((int) buffer.get(ValueLayout.JAVA_BYTE, at + 18))
            .isEqualTo(Mode.entryType(attr.mode()));
        at += bytes;
      }
    }
    assertThat(used).isZero();
    assertThat(names).hasSize(11).doesNotHaveDuplicates().contains(".", "..", "nnnnnnnnn");
    calls.seek(fd, 0, VfsFlags.SEEK_SET);
    assertThat(calls.getdents(fd, buffer(23))).isEqualTo(-Errno.EINVAL.value());
    assertThat(calls.getdents(fd, buffer(24))).isEqualTo(24);
  }
}
