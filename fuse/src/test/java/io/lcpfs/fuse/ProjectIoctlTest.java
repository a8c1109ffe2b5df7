package io.lcpfs.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.posix.FileProject;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The requests behind chattr and lsattr for projects, with a stand-in for the kernel. */
class ProjectIoctlTest {
  private static final int GET_FLAGS = 0x80086601;
  private static final int SET_FLAGS = 0x40086602;
  private static final int GET_XATTR = 0x801c581f;
  private static final int SET_XATTR = 0x401c5820;
  private static final int INHERIT_FLAG = 0x20000000;
  private static final int INHERIT_XFLAG = 0x200;

  private final Kernel kernel = new Kernel();

  @AfterEach
  void close() {
    kernel.close();
  }

  private int ioctl(long node, int command, int wanted, int... given) {
    ByteBuffer body = Kernel.body(32 + 4 * given.length);
    body.putLong(0).putInt(0).putInt(command).putLong(0).putInt(4 * given.length).putInt(wanted);
    for (int word : given) {
      body.putInt(word);
    }
    return kernel.call(Fuse.IOCTL, node, body);
  }

  private int directory() {
    assertThat(kernel.mkdir(Kernel.ROOT, "d")).isZero();
    return (int) kernel.reply().getLong(0);
  }

  private FileProject project(long node) {
    return kernel.pool.dataset("tank").fileSystem().project(node);
  }

  @Test
  void aProjectIsSetAndTold() {
    long directory = directory();
    assertThat(ioctl(directory, GET_XATTR, 28)).isZero();
    assertThat(kernel.reply().capacity()).isEqualTo(16 + 28);
    assertThat(kernel.reply().getInt(16)).isZero();
    assertThat(kernel.reply().getInt(16 + 12)).isZero();
    assertThat(kernel.getattr(directory)).isZero();
    assertThat(ioctl(directory, SET_XATTR, 0, INHERIT_XFLAG, 0, 0, 42, 0, 0, 0)).isZero();
    assertThat(kernel.reply().capacity()).isEqualTo(16);
    assertThat(project(directory)).isEqualTo(new FileProject(42, true));
    assertThat(ioctl(directory, GET_XATTR, 28)).isZero();
    assertThat(kernel.reply().getInt(16)).isEqualTo(INHERIT_XFLAG);
    assertThat(kernel.reply().getInt(16 + 12)).isEqualTo(42);
    for (int bytes : new int[] {4, 8}) {
      assertThat(ioctl(directory, GET_FLAGS, bytes)).isZero();
      assertThat(kernel.reply().capacity()).isEqualTo(16 + bytes);
      assertThat(kernel.reply().getInt(16)).isEqualTo(INHERIT_FLAG);
    }
    long file = kernel.create(directory, "f");
    assertThat(project(file)).isEqualTo(new FileProject(42, false));
    assertThat(ioctl(directory, SET_FLAGS, 0, 0)).isZero();
    assertThat(project(directory)).isEqualTo(new FileProject(42, false));
  }

  @Test
  void theKernelIsToldThatTheTimeOfChangeIsAnother() {
    long directory = directory();
    assertThat(kernel.notifications).isEmpty();
    assertThat(ioctl(directory, SET_FLAGS, 0, INHERIT_FLAG)).isZero();
    assertThat(kernel.notifications).hasSize(1);
    ByteBuffer told = kernel.notifications.getFirst();
    assertThat(told.getInt(4)).isEqualTo(Fuse.NOTIFY_INVAL_INODE);
    assertThat(told.getLong(16)).isEqualTo(directory);
    assertThat(told.getLong(24)).as("attributes only").isNegative();
  }

  @Test
  void allElseIsRefused() {
    long file = kernel.create(Kernel.ROOT, "f");
    for (int command : new int[] {0, -1, 0x5401, 0x40049409, 0x801c5820}) {
      assertThat(ioctl(file, command, 28, 1, 2, 3)).isEqualTo(Errno.ENOTTY.value());
    }
    assertThat(ioctl(file, SET_XATTR, 0, INHERIT_XFLAG, 0, 0, 1, 0, 0, 0))
        .as("a file gives nothing on")
        .isEqualTo(Errno.EOPNOTSUPP.value());
    assertThat(ioctl(file, SET_XATTR, 0, 8, 0, 0, 1, 0, 0, 0))
        .as("append only")
        .isEqualTo(Errno.EOPNOTSUPP.value());
    assertThat(ioctl(file, SET_XATTR, 0, 0, 4096, 0, 1, 0, 0, 0))
        .as("a size of extents")
        .isEqualTo(Errno.EOPNOTSUPP.value());
    assertThat(ioctl(file, SET_XATTR, 0, 0, 0, 0, -1, 0, 0, 0)).isEqualTo(Errno.EINVAL.value());
    assertThat(project(file)).isEqualTo(new FileProject(0, false));
  }

  @Test
  void sizesThatNoKernelGivesAreRefused() {
    long file = kernel.create(Kernel.ROOT, "f");
    for (int wanted : new int[] {0, 1, 27, 29, 1 << 20, 1 << 30, -1, Integer.MIN_VALUE}) {
      assertThat(ioctl(file, GET_XATTR, wanted)).isEqualTo(Errno.EINVAL.value());
      assertThat(ioctl(file, GET_FLAGS, wanted)).isEqualTo(Errno.EINVAL.value());
    }
    assertThat(ioctl(file, SET_XATTR, 0, 0, 0, 0, 1)).isEqualTo(Errno.EINVAL.value());
    assertThat(ioctl(file, SET_FLAGS, 0)).isEqualTo(Errno.EINVAL.value());
    for (int given : new int[] {28, 29, 1 << 20, Integer.MAX_VALUE, -1}) {
      ByteBuffer body = Kernel.body(32).putLong(0).putInt(0).putInt(SET_XATTR).putLong(0);
      body.putInt(given).putInt(0);
      assertThat(kernel.call(Fuse.IOCTL, file, body)).isEqualTo(Errno.EINVAL.value());
    }
    assertThat(project(file)).isEqualTo(new FileProject(0, false));
  }
}
