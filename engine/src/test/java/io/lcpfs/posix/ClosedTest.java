package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.errno;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** A file system after its close. */
class ClosedTest {
  @Test
  void everyCallAfterCloseAnswersEbadf() {
    try (TestFs world = new TestFs()) {
      world.touch("/file");
      PosixFileSystem fs = world.fs;
      PathCalls paths = world.paths;
      FileHandle handle = world.open("/file", OpenFlags.O_RDWR);
      long inode = handle.inode();
      world.reopen(FsOptions.DEFAULTS);
      List<ThrowingCallable> calls =
          List.of(
              () -> paths.stat(b("/file"), ROOT),
              () -> paths.lstat(b("/none"), ROOT),
              () -> paths.resolve(b("/file"), true, ROOT),
              () -> paths.mkdir(b("/dir"), 0x1C0, ROOT),
              () -> paths.open(b("/new"), OpenFlags.O_CREAT | OpenFlags.O_RDWR, 0x180, ROOT),
              () -> paths.unlink(b("/file"), ROOT),
              () -> paths.rename(b("/file"), b("/other"), 0, ROOT),
              () -> paths.names(b("/"), ROOT),
              () -> paths.setxattr(b("/file"), true, b("user.a"), b("v"), 0, ROOT),
              () -> fs.lookup(fs.rootInode(), b("file"), ROOT),
              () -> fs.find(fs.rootInode(), b("file"), ROOT, new AttrBuffer()),
              () -> fs.getattr(inode),
              () -> fs.open(inode, OpenFlags.O_RDONLY, ROOT),
              () -> fs.setattr(inode, new SetAttr().mode(0x180), ROOT),
              () -> fs.access(inode, OpenFlags.R_OK, ROOT),
              () -> fs.retain(inode, 1),
              () -> fs.createUnnamed(fs.rootInode(), 0x180, OpenFlags.O_RDWR, ROOT),
              fs::statfs,
              fs::sync,
              handle::fsync,
              handle::fdatasync,
              handle::getattr,
              () -> handle.truncate(1),
              () -> TestFs.write(handle, 0, b("x")),
              () -> TestFs.read(handle, 0, 1));
      for (ThrowingCallable call : calls) {
        assertThat(errno(call)).as("call " + calls.indexOf(call)).isEqualTo(Errno.EBADF);
      }
      fs.forget(inode, 1);
      handle.close();
      assertThat(world.exists("/file")).isTrue();
    }
  }
}
