package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ALICE;
import static io.lcpfs.posix.TestFs.BOB;
import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.errno;
import static io.lcpfs.posix.TestFs.s;
import static io.lcpfs.posix.VfsFlags.AT_FDCWD;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class VfsOperationsTest {
  private static final int LIMIT = 16;
  private static final int CREATE = OpenFlags.O_CREAT | OpenFlags.O_RDWR;
  private static final int DIRECTORY = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY;
  private static final int TEMPORARY = VfsFlags.O_TMPFILE | OpenFlags.O_RDWR;
  private static final int RW_ALL = 0x1B6;
  private static final int RWX_ALL = 0x1FF;
  private static final int NO_FD = 11;

  private final TestFs t = new TestFs();
  private final VfsOperations vfs = new VfsOperations(t.fs, 42, ROOT, 100, LIMIT);

  @AfterEach
  void checked() {
    vfs.close();
    t.close();
  }

  private int open(String path, int flags) {
    return vfs.open(b(path), flags, RW_ALL);
  }

  private int write(int fd, String text) {
    return vfs.write(fd, MemorySegment.ofArray(b(text)), b(text).length);
  }

  private String read(int fd, int count) {
    byte[] to = new byte[count];
    int got = vfs.read(fd, MemorySegment.ofArray(to), count);
    return s(Arrays.copyOf(to, got));
  }

  private int file(String path, String content) {
    int fd = open(path, CREATE);
    assertThat(write(fd, content)).isEqualTo(b(content).length);
    assertThat(vfs.seek(fd, 0, VfsFlags.SEEK_SET)).isZero();
    return fd;
  }

  @Test
  void everyOpenAnswersTheLowestDescriptorUntilTheLimit() {
    for (int i = 0; i < LIMIT; i++) {
      assertThat(open("/f" + i, CREATE)).isEqualTo(i);
    }
    assertThat(errno(() -> open("/one-more", CREATE))).isEqualTo(Errno.EMFILE);
    assertThat(t.exists("/one-more")).as("created without a descriptor").isFalse();
    assertThat(errno(() -> vfs.dup(3))).isEqualTo(Errno.EMFILE);
    vfs.close(7);
    vfs.close(5);
    assertThat(errno(() -> open("/missing", 0))).isEqualTo(Errno.ENOENT);
    assertThat(open("/f0", 0)).isEqualTo(5);
    assertThat(vfs.dup(0)).isEqualTo(7);
  }

  @Test
  void everyOpenFlagMeansWhatItDoesOnLinux() {
    vfs.mkdir(b("/d"), RWX_ALL);
    vfs.close(file("/f", "content"));
    vfs.symlink(b("f"), b("/link"));
    vfs.symlink(b("new"), b("/dangling"));
    vfs.mknod(b("/fifo"), Mode.FIFO | RW_ALL, 0);
    int excl = CREATE | OpenFlags.O_EXCL;
    assertThat(errno(() -> open("/f", excl))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> open("/dangling", excl))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> open("/link", OpenFlags.O_NOFOLLOW))).isEqualTo(Errno.ELOOP);
    assertThat(errno(() -> open("/f", DIRECTORY))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> open("/f/x", 0))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> open("/d", OpenFlags.O_RDWR))).isEqualTo(Errno.EISDIR);
    assertThat(errno(() -> open("/d", OpenFlags.O_CREAT))).isEqualTo(Errno.EISDIR);
    assertThat(errno(() -> open("", 0))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> open("/fifo", 0))).isEqualTo(Errno.ENXIO);
    assertThat(errno(() -> open("/" + "n".repeat(256), CREATE))).isEqualTo(Errno.ENAMETOOLONG);
    assertThat(errno(() -> open("/f", OpenFlags.O_ACCMODE))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> open("/f", VfsFlags.O_PATH))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> open("/x", CREATE | OpenFlags.O_DIRECTORY))).isEqualTo(Errno.EINVAL);
    assertThat(read(open("/link", 0), 100)).isEqualTo("content");
    vfs.close(open("/dangling", CREATE));
    assertThat(t.exists("/new")).isTrue();
    int truncated = open("/f", OpenFlags.O_RDWR | OpenFlags.O_TRUNC);
    assertThat(vfs.fstat(truncated).size()).isZero();
    int append = open("/f", OpenFlags.O_WRONLY | OpenFlags.O_APPEND);
    write(truncated, "ab");
    write(append, "cd");
    assertThat(vfs.seek(append, 0, VfsFlags.SEEK_CUR)).isEqualTo(4);
    vfs.pwrite(append, MemorySegment.ofArray(b("ef")), 2, 0);
    assertThat(t.read("/f")).isEqualTo("abcdef");
    int durable = open("/f", OpenFlags.O_WRONLY | VfsFlags.O_SYNC);
    write(durable, "AB");
    t.crashAfterSync();
    assertThat(t.read("/f")).isEqualTo("ABcdef");
  }

  @Test
  void aFileWithoutANameGoesWithItsLastDescriptorUnlessItGetsOne() {
    vfs.mkdir(b("/d"), RWX_ALL);
    long free = t.fs.statfs().freeFiles();
    int lost = vfs.open(b("/d"), TEMPORARY, RW_ALL);
    write(lost, "lost");
    assertThat(vfs.fstat(lost).mode()).isEqualTo(Mode.REGULAR | 0x1A4);
    assertThat(vfs.fullStat(lost).attr().nlink()).isZero();
    vfs.close(lost);
    int kept = vfs.open(b("/d"), TEMPORARY, RW_ALL);
    int other = vfs.dup(kept);
    write(kept, "kept");
    assertThat(errno(() -> link(kept, "/missing/name"))).isEqualTo(Errno.ENOENT);
    link(kept, "/d/name");
    assertThat(errno(() -> link(kept, "/d/name"))).isEqualTo(Errno.EEXIST);
    link(other, "/second");
    vfs.close(kept);
    vfs.close(other);
    t.crashAfterSync();
    assertThat(t.read("/d/name")).isEqualTo("kept");
    assertThat(t.read("/second")).isEqualTo("kept");
    assertThat(t.stat("/second").nlink()).isEqualTo(2);
    assertThat(t.fs.statfs().freeFiles()).isLessThanOrEqualTo(free);
  }

  @Test
  void onlyAFileThatNeverHadANameGetsItsFirstOneByItsDescriptor() {
    vfs.mkdir(b("/d"), RWX_ALL);
    int exclusive = vfs.open(b("/d"), TEMPORARY | OpenFlags.O_EXCL, RW_ALL);
    assertThat(errno(() -> link(exclusive, "/x"))).isEqualTo(Errno.ENOENT);
    int named = file("/f", "content");
    vfs.unlink(b("/f"));
    assertThat(errno(() -> link(named, "/x"))).isEqualTo(Errno.ENOENT);
    int twice = vfs.open(b("/d"), TEMPORARY, RW_ALL);
    link(twice, "/x");
    vfs.unlink(b("/x"));
    assertThat(errno(() -> link(twice, "/x"))).isEqualTo(Errno.ENOENT);
    assertThat(t.exists("/x")).isFalse();
  }

  @Test
  void aFileWithoutANameIsMadeAsLinuxMakesIt() {
    vfs.mkdir(b("/d"), RWX_ALL);
    vfs.close(file("/f", "content"));
    vfs.symlink(b("d"), b("/link"));
    assertThat(errno(() -> open("/f", TEMPORARY))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> open("/none", TEMPORARY))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> open("/link", TEMPORARY | OpenFlags.O_NOFOLLOW)))
        .isEqualTo(Errno.ENOTDIR);
    vfs.close(open("/link", TEMPORARY));
    assertThat(errno(() -> open("/d", VfsFlags.O_TMPFILE))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> open("/d", TEMPORARY | OpenFlags.O_CREAT))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> open("/d", VfsFlags.O_TMPFILE_BIT | OpenFlags.O_RDWR)))
        .isEqualTo(Errno.EINVAL);
    vfs.chmod(b("/d"), 0x1ED);
    vfs.caller(ALICE);
    assertThat(errno(() -> open("/d", TEMPORARY))).isEqualTo(Errno.EACCES);
    vfs.caller(ROOT);
    int fd = open("/d", TEMPORARY);
    vfs.fcntl(fd, VfsFlags.F_SETFL, OpenFlags.O_APPEND);
    write(fd, "a");
    assertThat(vfs.pwrite(fd, MemorySegment.ofArray(b("b")), 1, 0)).isEqualTo(1);
    assertThat(vfs.fstat(fd).size()).isEqualTo(2);
    for (int i = 1; i < LIMIT; i++) {
      open("/d", TEMPORARY);
    }
    assertThat(errno(() -> open("/d", TEMPORARY))).isEqualTo(Errno.EMFILE);
  }

  private void link(int fd, String name) {
    vfs.linkat(fd, b(""), AT_FDCWD, b(name), VfsFlags.AT_EMPTY_PATH);
  }

  @Test
  void everyModeIsMaskedByTheUmask() {
    assertThat(vfs.umask(0x3F)).isEqualTo(0x12);
    vfs.mkdir(b("/d"), RWX_ALL);
    vfs.close(open("/f", CREATE));
    vfs.mknod(b("/p"), Mode.FIFO | RW_ALL, 0);
    assertThat(vfs.umask(0)).isEqualTo(0x3F);
    vfs.close(open("/g", CREATE));
    assertThat(t.stat("/d").permissions()).isEqualTo(0x1C0);
    assertThat(t.stat("/f").permissions()).isEqualTo(0x180);
    assertThat(t.stat("/p").permissions()).isEqualTo(0x180);
    assertThat(t.stat("/g").permissions()).isEqualTo(RW_ALL);
  }

  @Test
  void everyDescriptorHasAPositionThatItsDuplicatesShare() {
    int fd = file("/f", "0123456789");
    int twin = vfs.dup(fd);
    int other = open("/f", 0);
    assertThat(read(fd, 3)).isEqualTo("012");
    assertThat(read(twin, 3)).isEqualTo("345");
    assertThat(read(other, 3)).isEqualTo("012");
    byte[] to = new byte[2];
    assertThat(vfs.pread(fd, MemorySegment.ofArray(to), 2, 8)).isEqualTo(2);
    assertThat(s(to)).isEqualTo("89");
    vfs.close(fd);
    assertThat(errno(() -> read(fd, 1))).isEqualTo(Errno.EBADF);
    assertThat(read(twin, 100)).isEqualTo("6789");
    assertThat(read(twin, 100)).isEmpty();
    assertThat(vfs.dup2(other, twin)).isEqualTo(twin);
    assertThat(read(twin, 2)).isEqualTo("34");
    assertThat(vfs.dup2(other, other)).isEqualTo(other);
    assertThat(vfs.dup3(other, NO_FD, VfsFlags.O_CLOEXEC)).isEqualTo(NO_FD);
    assertThat(vfs.fcntl(NO_FD, VfsFlags.F_GETFD, 0)).isEqualTo(VfsFlags.FD_CLOEXEC);
    assertThat(errno(() -> vfs.dup3(other, other, 0))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.dup3(other, 3, 1))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.dup2(other, LIMIT))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.dup2(9, 9))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.close(9))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.close(-1))).isEqualTo(Errno.EBADF);
  }

  @Test
  void everyFcntlChangesWhatItNames() {
    int fd = file("/f", "ab");
    assertThat(vfs.fcntl(fd, VfsFlags.F_DUPFD, 5)).isEqualTo(5);
    assertThat(vfs.fcntl(fd, VfsFlags.F_DUPFD_CLOEXEC, 5)).isEqualTo(6);
    assertThat(vfs.fcntl(5, VfsFlags.F_GETFD, 0)).isZero();
    assertThat(vfs.fcntl(5, VfsFlags.F_SETFD, 1)).isZero();
    assertThat(vfs.fcntl(5, VfsFlags.F_GETFD, 0)).isEqualTo(1);
    assertThat(vfs.fcntl(fd, VfsFlags.F_GETFL, 0)).isEqualTo(OpenFlags.O_RDWR);
    int wanted = OpenFlags.O_APPEND | OpenFlags.O_NOATIME | VfsFlags.O_NONBLOCK;
    vfs.fcntl(fd, VfsFlags.F_SETFL, wanted | OpenFlags.O_CREAT | VfsFlags.O_SYNC);
    assertThat(vfs.fcntl(5, VfsFlags.F_GETFL, 0)).isEqualTo(OpenFlags.O_RDWR | wanted);
    write(fd, "cd");
    vfs.fcntl(fd, VfsFlags.F_SETFL, 0);
    vfs.seek(fd, 0, VfsFlags.SEEK_SET);
    write(fd, "AB");
    assertThat(t.read("/f")).isEqualTo("ABcd");
    vfs.caller(ALICE);
    // The handle with both flags is there already.
    assertThat(vfs.fcntl(6, VfsFlags.F_SETFL, wanted)).isZero();
    write(6, "ef");
    assertThat(t.read("/f")).isEqualTo("ABcdef");
  }

  @Test
  void everyFcntlThatCannotBeSaysWhy() {
    int fd = file("/f", "ab");
    assertThat(errno(() -> vfs.fcntl(NO_FD, VfsFlags.F_GETFL, 0))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.fcntl(fd, VfsFlags.F_DUPFD, LIMIT))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.fcntl(fd, 77, 0))).isEqualTo(Errno.EINVAL);
    vfs.chmod(b("/f"), RW_ALL);
    vfs.caller(ALICE);
    assertThat(errno(() -> vfs.fcntl(fd, VfsFlags.F_SETFL, OpenFlags.O_NOATIME)))
        .isEqualTo(Errno.EPERM);
    assertThat(vfs.fcntl(fd, VfsFlags.F_GETFL, 0)).isEqualTo(OpenFlags.O_RDWR);
  }

  @Test
  void everySeekMovesOrSaysWhyNot() {
    int fd = file("/f", "0123456789");
    assertThat(vfs.seek(fd, 4, VfsFlags.SEEK_SET)).isEqualTo(4);
    assertThat(vfs.seek(fd, -1, VfsFlags.SEEK_CUR)).isEqualTo(3);
    assertThat(read(fd, 1)).isEqualTo("3");
    assertThat(vfs.seek(fd, -1, VfsFlags.SEEK_END)).isEqualTo(9);
    assertThat(errno(() -> vfs.seek(fd, -11, VfsFlags.SEEK_END))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.seek(fd, -1, VfsFlags.SEEK_SET))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.seek(fd, Long.MAX_VALUE, VfsFlags.SEEK_CUR)))
        .isEqualTo(Errno.EOVERFLOW);
    assertThat(errno(() -> vfs.seek(fd, Long.MAX_VALUE, VfsFlags.SEEK_SET)))
        .isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.seek(fd, 0, 5))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.seek(NO_FD, 0, 0))).isEqualTo(Errno.EBADF);
    assertThat(vfs.seek(fd, 0, VfsFlags.SEEK_CUR)).as("after refusals").isEqualTo(9);
    vfs.ftruncate(fd, 1 << 20);
    vfs.pwrite(fd, MemorySegment.ofArray(b("x")), 1, (1 << 20) - 1);
    t.fs.sync();
    assertThat(vfs.seek(fd, 0, VfsFlags.SEEK_HOLE)).isEqualTo(128 << 10);
    assertThat(vfs.seek(fd, 128 << 10, VfsFlags.SEEK_DATA)).isEqualTo((1 << 20) - (128 << 10));
    assertThat(errno(() -> vfs.seek(fd, 1 << 20, VfsFlags.SEEK_DATA))).isEqualTo(Errno.ENXIO);
    assertThat(errno(() -> vfs.seek(fd, 1 << 20, VfsFlags.SEEK_HOLE))).isEqualTo(Errno.ENXIO);
  }

  @Test
  void everyReadAndWriteChecksItsDescriptorAndItsBuffer() {
    vfs.mkdir(b("/d"), RWX_ALL);
    int directory = open("/d", DIRECTORY);
    int fd = file("/f", "abc");
    int readOnly = open("/f", 0);
    int writeOnly = open("/f", OpenFlags.O_WRONLY);
    MemorySegment buffer = MemorySegment.ofArray(new byte[8]);
    assertThat(errno(() -> vfs.read(directory, buffer, 8))).isEqualTo(Errno.EISDIR);
    assertThat(errno(() -> vfs.write(directory, buffer, 8))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.write(readOnly, buffer, 8))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.pread(writeOnly, buffer, 8, 0))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.read(fd, buffer, -1))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.read(fd, buffer, 9))).isEqualTo(Errno.EFAULT);
    assertThat(errno(() -> vfs.write(fd, buffer, 9))).isEqualTo(Errno.EFAULT);
    assertThat(errno(() -> vfs.pread(fd, buffer, 8, -1))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.pwrite(fd, buffer, 8, -1))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.pwrite(fd, buffer, 8, FileData.MAX_FILE_BYTES)))
        .isEqualTo(Errno.EFBIG);
    assertThat(vfs.read(fd, buffer, 0)).isZero();
    assertThat(read(fd, 8)).isEqualTo("abc");
    t.fs.setOptions(t.fs.options().withReadOnly(true));
    assertThat(errno(() -> vfs.write(fd, buffer, 8))).isEqualTo(Errno.EROFS);
    assertThat(errno(() -> open("/g", CREATE))).isEqualTo(Errno.EROFS);
    t.fs.setOptions(t.fs.options().withReadOnly(false));
  }

  @Test
  void everySizeChangeIsSeenAndRefusedAsDocumented() {
    int fd = file("/f", "abcdef");
    int readOnly = open("/f", 0);
    vfs.mkdir(b("/d"), RWX_ALL);
    vfs.ftruncate(fd, 3);
    assertThat(t.read("/f")).isEqualTo("abc");
    vfs.truncate(b("/f"), 5);
    assertThat(t.read("/f")).isEqualTo("abc\0\0");
    vfs.fallocate(fd, 0, 0, 8);
    assertThat(vfs.fstat(fd).size()).isEqualTo(8);
    vfs.fallocate(fd, OpenFlags.FALLOC_PUNCH_HOLE | OpenFlags.FALLOC_KEEP_SIZE, 1, 1);
    assertThat(t.read("/f")).isEqualTo("a\0c\0\0\0\0\0");
    assertThat(errno(() -> vfs.ftruncate(readOnly, 1))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.ftruncate(fd, -1))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.ftruncate(NO_FD, 1))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.truncate(b("/d"), 1))).isEqualTo(Errno.EISDIR);
    assertThat(errno(() -> vfs.truncate(b("/f"), Long.MAX_VALUE))).isEqualTo(Errno.EFBIG);
    assertThat(errno(() -> vfs.fallocate(readOnly, 0, 0, 1))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.fallocate(fd, 0, 0, 0))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.fallocate(fd, 0x40, 0, 1))).isEqualTo(Errno.EOPNOTSUPP);
    vfs.caller(ALICE);
    assertThat(errno(() -> vfs.truncate(b("/f"), 1))).isEqualTo(Errno.EACCES);
  }

  @Test
  void everyCopyBetweenDescriptorsMovesTheBytesAndThePositionsItMay() {
    int in = file("/in", "0123456789");
    int out = file("/out", "");
    assertThat(vfs.copyFileRange(in, VfsOperations.AT_POSITION, out, 2, 4, 0)).isEqualTo(4);
    assertThat(vfs.copyFileRange(in, 8, out, VfsOperations.AT_POSITION, 99, 0)).isEqualTo(2);
    assertThat(t.read("/out")).isEqualTo("890123");
    assertThat(vfs.seek(in, 0, VfsFlags.SEEK_CUR)).isEqualTo(4);
    assertThat(vfs.seek(out, 0, VfsFlags.SEEK_CUR)).isEqualTo(2);
    assertThat(vfs.copyFileRange(in, 10, out, 0, 5, 0)).isZero();
    assertThat(vfs.copyFileRange(in, 0, in, 5, 5, 0)).isEqualTo(5);
    assertThat(t.read("/in")).isEqualTo("0123401234");
    byte[] big = new byte[3_000_000];
    Arrays.fill(big, (byte) 'x');
    vfs.pwrite(in, MemorySegment.ofArray(big), big.length, 0);
    assertThat(vfs.copyFileRange(in, 0, out, 0, Long.MAX_VALUE, 0)).isEqualTo(big.length);
    assertThat(b(t.read("/out"))).isEqualTo(big);
    int readOnly = open("/in", 0);
    int append = open("/out", OpenFlags.O_WRONLY | OpenFlags.O_APPEND);
    int directory = open("/", DIRECTORY);
    assertThat(errno(() -> vfs.copyFileRange(in, 0, in, 5, 6, 0))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.copyFileRange(in, 0, out, 0, 6, 1))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.copyFileRange(in, -2, out, 0, 6, 0))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.copyFileRange(in, 0, out, 0, -1, 0))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.copyFileRange(in, 0, readOnly, 0, 6, 0))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.copyFileRange(append, 0, out, 0, 6, 0))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.copyFileRange(in, 0, append, 0, 6, 0))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.copyFileRange(directory, 0, out, 0, 6, 0))).isEqualTo(Errno.EISDIR);
  }

  @Test
  void everySyncedFileOutlivesACrash() {
    int fd = file("/f", "kept");
    vfs.fsync(fd);
    vfs.fdatasync(fd);
    vfs.sync();
    assertThat(errno(() -> vfs.fsync(NO_FD))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.fdatasync(NO_FD))).isEqualTo(Errno.EBADF);
    t.crashAfterSync();
    assertThat(t.read("/f")).isEqualTo("kept");
  }

  @Test
  void everyNameCallDoesWhatItsSystemCallDoes() {
    vfs.mkdir(b("/d"), RWX_ALL);
    vfs.close(file("/d/f", "x"));
    assertThat(errno(() -> vfs.mkdir(b("/d"), 0))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> vfs.mkdir(b("/no/d"), 0))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> vfs.mkdir(b("/d/f/x"), 0))).isEqualTo(Errno.ENOTDIR);
    vfs.link(b("/d/f"), b("/d/g"));
    assertThat(vfs.stat(b("/d/g")).nlink()).isEqualTo(2);
    assertThat(errno(() -> vfs.link(b("/d/f"), b("/d/g")))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> vfs.link(b("/d"), b("/e")))).isEqualTo(Errno.EPERM);
    assertThat(errno(() -> vfs.link(b("/no"), b("/e")))).isEqualTo(Errno.ENOENT);
    vfs.symlink(b("d/f"), b("/s"));
    assertThat(s(vfs.readlink(b("/s")))).isEqualTo("d/f");
    assertThat(errno(() -> vfs.symlink(b("x"), b("/s")))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> vfs.symlink(b(""), b("/q")))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> vfs.symlink(b("x".repeat(4096)), b("/q"))))
        .isEqualTo(Errno.ENAMETOOLONG);
    assertThat(errno(() -> vfs.readlink(b("/d")))).isEqualTo(Errno.EINVAL);
    assertThat(vfs.stat(b("/s")).inode()).isEqualTo(vfs.stat(b("/d/f")).inode());
    assertThat(vfs.lstat(b("/s")).inode()).isNotEqualTo(vfs.stat(b("/d/f")).inode());
    vfs.rename(b("/d/f"), b("/h"));
    assertThat(errno(() -> vfs.rename(b("/d/f"), b("/h")))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> vfs.rename(b("/h"), b("/d")))).isEqualTo(Errno.EISDIR);
    assertThat(errno(() -> vfs.rename(b("/d"), b("/h")))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> vfs.rename(b("/d"), b("/d/x")))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.rename(b("/"), b("/x")))).isEqualTo(Errno.EBUSY);
    assertThat(errno(() -> vfs.unlink(b("/d")))).isEqualTo(Errno.EISDIR);
    assertThat(errno(() -> vfs.unlink(b("/no")))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> vfs.rmdir(b("/d")))).isEqualTo(Errno.ENOTEMPTY);
    assertThat(errno(() -> vfs.rmdir(b("/h")))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> vfs.rmdir(b("/")))).isEqualTo(Errno.EBUSY);
    assertThat(errno(() -> vfs.rmdir(b("/d/.")))).isEqualTo(Errno.EINVAL);
    vfs.unlink(b("/d/g"));
    vfs.rmdir(b("/d"));
    assertThat(errno(() -> vfs.mknod(b("/h"), Mode.FIFO, 0))).isEqualTo(Errno.EEXIST);
    vfs.mknod(b("/dev"), Mode.CHARACTER | RW_ALL, 0x103);
    assertThat(vfs.stat(b("/dev")).rdev()).isEqualTo(0x103);
    vfs.chmod(b("/"), RWX_ALL);
    vfs.caller(ALICE);
    assertThat(errno(() -> vfs.mknod(b("/dev2"), Mode.BLOCK, 0))).isEqualTo(Errno.EPERM);
  }

  @Test
  void everyRelativePathBeginsAtTheWorkingDirectoryOrTheGivenOne() {
    vfs.mkdir(b("/a"), RWX_ALL);
    vfs.mkdir(b("/a/b"), RWX_ALL);
    vfs.chdir(b("a"));
    assertThat(s(vfs.getcwd())).isEqualTo("/a");
    vfs.close(file("f", "in a"));
    assertThat(t.read("/a/f")).isEqualTo("in a");
    int b = vfs.openat(AT_FDCWD, TestFs.b("b"), DIRECTORY, 0);
    vfs.mkdirat(b, TestFs.b("c"), RWX_ALL);
    vfs.renameat(AT_FDCWD, TestFs.b("f"), b, TestFs.b("g"), 0);
    vfs.symlinkat(TestFs.b("g"), b, TestFs.b("s"));
    assertThat(s(vfs.readlinkat(b, TestFs.b("s")))).isEqualTo("g");
    vfs.linkat(b, TestFs.b("s"), AT_FDCWD, TestFs.b("h"), VfsFlags.AT_SYMLINK_FOLLOW);
    vfs.linkat(b, TestFs.b("s"), AT_FDCWD, TestFs.b("s2"), 0);
    assertThat(t.read("/a/h")).isEqualTo("in a");
    assertThat(t.stat("/a/s2").isSymlink()).isTrue();
    int g = vfs.openat(b, TestFs.b("g"), 0, 0);
    vfs.linkat(g, TestFs.b(""), b, TestFs.b("i"), VfsFlags.AT_EMPTY_PATH);
    assertThat(vfs.fstat(g).nlink()).isEqualTo(3);
    assertThat(vfs.fullStat(g, TestFs.b(""), VfsFlags.AT_EMPTY_PATH).stat())
        .isEqualTo(vfs.fstat(g));
    assertThat(vfs.fullStat(AT_FDCWD, TestFs.b(""), VfsFlags.AT_EMPTY_PATH).attr().inode())
        .isEqualTo(t.stat("/a").inode());
    vfs.mknodat(b, TestFs.b("p"), Mode.FIFO | RW_ALL, 0);
    int exchange = OpenFlags.RENAME_EXCHANGE;
    vfs.renameat(b, TestFs.b("p"), AT_FDCWD, TestFs.b("h"), exchange);
    assertThat(t.read("/a/b/p")).isEqualTo("in a");
    assertThat(
            errno(
                () -> vfs.renameat(b, TestFs.b("p"), b, TestFs.b("g"), OpenFlags.RENAME_NOREPLACE)))
        .isEqualTo(Errno.EEXIST);
    vfs.fchmodat(b, TestFs.b("g"), 0x180, 0);
    vfs.fchownat(b, TestFs.b("g"), 5, -1, 0);
    assertThat(vfs.fstat(g).uid()).isEqualTo(5);
    vfs.faccessat(b, TestFs.b("g"), OpenFlags.R_OK, VfsFlags.AT_EACCESS);
    vfs.fchdir(b);
    assertThat(s(vfs.getcwd())).isEqualTo("/a/b");
    vfs.unlinkat(AT_FDCWD, TestFs.b("g"), 0);
    vfs.unlinkat(b, TestFs.b("c"), VfsFlags.AT_REMOVEDIR);
    assertThat(errno(() -> vfs.openat(g, TestFs.b("x"), 0, 0))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> vfs.openat(NO_FD, TestFs.b("x"), 0, 0))).isEqualTo(Errno.EBADF);
    vfs.close(vfs.openat(NO_FD, TestFs.b("/a"), 0, 0));
    assertThat(errno(() -> vfs.fchdir(g))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> vfs.fchdir(NO_FD))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.chdir(TestFs.b("no")))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> vfs.unlinkat(b, TestFs.b("i"), 1))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.linkat(b, TestFs.b("i"), b, TestFs.b("j"), 1)))
        .isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.faccessat(b, TestFs.b("i"), 0, 1))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.fchmodat(b, TestFs.b("i"), 0, 1))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.fullStat(b, TestFs.b("i"), 1))).isEqualTo(Errno.EINVAL);
  }

  @Test
  void aRemovedWorkingDirectoryHoldsNothingAndLeadsNowhere() {
    vfs.mkdir(b("/d"), RWX_ALL);
    vfs.chdir(b("/d"));
    VfsOperations child = vfs.fork(7);
    vfs.rmdir(b("/d"));
    assertThat(errno(vfs::getcwd)).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> open("f", CREATE))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> child.stat(b("..")))).isEqualTo(Errno.ENOENT);
    vfs.chdir(b("/"));
    assertThat(s(vfs.getcwd())).isEqualTo("/");
    child.close();
    vfs.mkdir(b("/locked"), 0x1C0);
    vfs.caller(ALICE);
    assertThat(errno(() -> vfs.chdir(b("/locked")))).isEqualTo(Errno.EACCES);
  }

  @Test
  void everyListingGoesOnWhereItStoppedAndCanBeMoved() {
    for (int i = 0; i < 30; i++) {
      vfs.close(open("/f" + i, CREATE));
    }
    int fd = open("/", DIRECTORY);
    List<String> names = new ArrayList<>();
    List<Long> cookies = new ArrayList<>();
    List<NamedEntry> some;
    do {
      some = vfs.readdir(fd, 7);
      some.forEach(
          entry -> {
            names.add(s(entry.name()));
            cookies.add(entry.cookie());
          });
      assertThat(some.isEmpty() ? vfs.seek(fd, 0, VfsFlags.SEEK_CUR) : cookies.getLast())
          .isEqualTo(cookies.getLast());
    } while (!some.isEmpty());
    assertThat(names).hasSize(32).doesNotHaveDuplicates().startsWith(".", "..");
    assertThat(vfs.seek(fd, cookies.get(9), VfsFlags.SEEK_SET)).isEqualTo(cookies.get(9));
    assertThat(s(vfs.readdir(fd, 1).getFirst().name())).isEqualTo(names.get(10));
    assertThat(vfs.seek(fd, 0, VfsFlags.SEEK_SET)).isZero();
    assertThat(vfs.readdir(fd, 100)).hasSize(32);
    assertThat(errno(() -> vfs.seek(fd, 0, VfsFlags.SEEK_END))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.seek(fd, 0, VfsFlags.SEEK_DATA))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.readdir(open("/f1", 0), 1))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> vfs.readdir(NO_FD, 1))).isEqualTo(Errno.EBADF);
  }

  @Test
  void everyAttributeCallSetsWhatStatTells() {
    int fd = file("/f", "x");
    vfs.symlink(b("f"), b("/s"));
    vfs.chmod(b("/s"), 0x1A0);
    assertThat(vfs.fstat(fd).mode()).isEqualTo(Mode.REGULAR | 0x1A0);
    vfs.fchmod(fd, 0x180);
    vfs.chown(b("/s"), 7, -1);
    vfs.fchown(fd, -1, 8);
    vfs.lchown(b("/s"), 1, 2);
    FileStat stat = vfs.fstat(fd);
    assertThat(stat).isEqualTo(vfs.stat(b("/s")));
    assertThat(stat.device()).isEqualTo(42);
    assertThat(stat.mode()).isEqualTo(Mode.REGULAR | 0x180);
    assertThat(stat.uid()).isEqualTo(7);
    assertThat(stat.gid()).isEqualTo(8);
    assertThat(vfs.lstat(b("/s")).uid()).isEqualTo(1);
    assertThat(vfs.lstat(b("/s")).gid()).isEqualTo(2);
    int nofollow = VfsFlags.AT_SYMLINK_NOFOLLOW;
    assertThat(errno(() -> vfs.fchmodat(AT_FDCWD, b("/s"), 0, nofollow)))
        .isEqualTo(Errno.EOPNOTSUPP);
    vfs.utimensat(AT_FDCWD, b("/f"), new Timespec(1, 2), new Timespec(-3, 4), 0);
    assertThat(vfs.fullStat(fd).attr().mtimeSeconds()).isEqualTo(-3);
    vfs.futimens(fd, Timespec.OMIT, new Timespec(9, 9));
    Attr attr = vfs.fullStat(fd).attr();
    assertThat(attr.atimeSeconds()).isEqualTo(1);
    assertThat(attr.atimeNanos()).isEqualTo(2);
    assertThat(attr.mtimeSeconds()).isEqualTo(9);
    vfs.futimens(fd, Timespec.NOW, Timespec.NOW);
    assertThat(vfs.fullStat(fd).attr().atimeSeconds()).isEqualTo(1_700_000_000L);
    vfs.utimensat(AT_FDCWD, b("/no"), Timespec.OMIT, Timespec.OMIT, 0);
    vfs.futimens(fd, Timespec.OMIT, Timespec.OMIT);
    Timespec wrong = new Timespec(0, 1_000_000_000);
    assertThat(errno(() -> vfs.futimens(fd, wrong, Timespec.NOW))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.futimens(NO_FD, Timespec.OMIT, Timespec.OMIT)))
        .isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.fstat(NO_FD))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.fchmod(NO_FD, 0))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.fchown(NO_FD, 0, 0))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.stat(b("/f/x")))).isEqualTo(Errno.ENOTDIR);
    vfs.caller(BOB);
    assertThat(errno(() -> vfs.chmod(b("/f"), 0))).isEqualTo(Errno.EPERM);
    assertThat(errno(() -> vfs.chown(b("/f"), 1002, -1))).isEqualTo(Errno.EPERM);
    assertThat(errno(() -> vfs.futimens(fd, wrong, Timespec.NOW))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.futimens(fd, Timespec.NOW, Timespec.NOW))).isEqualTo(Errno.EACCES);
    assertThat(errno(() -> vfs.access(b("/f"), OpenFlags.R_OK))).isEqualTo(Errno.EACCES);
    assertThat(errno(() -> vfs.access(b("/f"), 8))).isEqualTo(Errno.EINVAL);
    vfs.access(b("/f"), 0);
    assertThat(vfs.caller()).isEqualTo(BOB);
  }

  @Test
  void everyExtendedAttributeIsReachedByPathAndByDescriptor() {
    int fd = file("/f", "x");
    vfs.symlink(b("f"), b("/s"));
    vfs.setxattr(b("/s"), true, b("user.a"), b("1"), 0);
    vfs.fsetxattr(fd, b("user.b"), b("22"), 1);
    assertThat(s(vfs.fgetxattr(fd, b("user.a")))).isEqualTo("1");
    assertThat(s(vfs.getxattr(b("/s"), true, b("user.b")))).isEqualTo("22");
    assertThat(vfs.listxattr(b("/f"), false)).hasSize(2);
    assertThat(vfs.listxattr(b("/s"), false)).isEmpty();
    assertThat(errno(() -> vfs.fsetxattr(fd, b("user.b"), b(""), 1))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> vfs.fsetxattr(fd, b("user.c"), b(""), 2))).isEqualTo(Errno.ENODATA);
    assertThat(errno(() -> vfs.fsetxattr(fd, b("odd.c"), b(""), 0))).isEqualTo(Errno.EOPNOTSUPP);
    vfs.fremovexattr(fd, b("user.a"));
    vfs.removexattr(b("/f"), true, b("user.b"));
    assertThat(vfs.flistxattr(fd)).isEmpty();
    assertThat(errno(() -> vfs.fgetxattr(fd, b("user.a")))).isEqualTo(Errno.ENODATA);
    assertThat(errno(() -> vfs.fgetxattr(NO_FD, b("user.a")))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> vfs.removexattr(b("/f"), true, b("user.a")))).isEqualTo(Errno.ENODATA);
  }

  @Test
  void theFileSystemTellsItsSizeByPathAndByDescriptor() {
    StatFs statfs = vfs.statfs(b("/"));
    assertThat(statfs.maxNameBytes()).isEqualTo(255);
    assertThat(vfs.fstatfs(open("/", DIRECTORY))).isEqualTo(statfs);
    assertThat(errno(() -> vfs.statfs(b("/no")))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> vfs.fstatfs(NO_FD))).isEqualTo(Errno.EBADF);
  }

  @Test
  void everyRangeLockBelongsToTheProcessAndEndsWithAnyOfItsDescriptors() {
    int fd = file("/f", "0123456789");
    VfsOperations other = new VfsOperations(t.fs, 42, ROOT, 200, LIMIT);
    int theirs = other.open(b("/f"), OpenFlags.O_RDWR, 0);
    vfs.seek(fd, 4, VfsFlags.SEEK_SET);
    vfs.setLock(fd, VfsFlags.F_WRLCK, VfsFlags.SEEK_CUR, 0, 2, false);
    vfs.setLock(fd, VfsFlags.F_RDLCK, VfsFlags.SEEK_END, 0, -2, false);
    assertThat(other.getLock(theirs, VfsFlags.F_RDLCK, VfsFlags.SEEK_SET, 0, 0))
        .contains(new FileLock(VfsFlags.F_WRLCK, 4, 2, 100));
    assertThat(other.getLock(theirs, VfsFlags.F_WRLCK, VfsFlags.SEEK_SET, 6, 0))
        .contains(new FileLock(VfsFlags.F_RDLCK, 8, 2, 100));
    assertThat(other.getLock(theirs, VfsFlags.F_RDLCK, VfsFlags.SEEK_SET, 6, 0)).isEmpty();
    assertThat(vfs.getLock(fd, VfsFlags.F_WRLCK, VfsFlags.SEEK_SET, 0, 0)).isEmpty();
    assertThat(errno(() -> lock(other, theirs, VfsFlags.F_WRLCK, 5, 1))).isEqualTo(Errno.EAGAIN);
    lock(vfs, fd, VfsFlags.F_UNLCK, 5, 1);
    lock(other, theirs, VfsFlags.F_WRLCK, 5, 1);
    vfs.close(vfs.dup(fd));
    lock(other, theirs, VfsFlags.F_WRLCK, 0, 0);
    assertThat(errno(() -> lock(vfs, fd, VfsFlags.F_RDLCK, 0, 0))).isEqualTo(Errno.EAGAIN);
    VfsOperations child = other.fork(201);
    assertThat(errno(() -> lock(child, theirs, VfsFlags.F_RDLCK, 0, 0))).isEqualTo(Errno.EAGAIN);
    child.close();
    assertThat(errno(() -> lock(vfs, fd, VfsFlags.F_RDLCK, 0, 0))).isEqualTo(Errno.EAGAIN);
    other.close();
    lock(vfs, fd, VfsFlags.F_RDLCK, 0, 0);
    int readOnly = open("/f", 0);
    assertThat(errno(() -> lock(vfs, readOnly, VfsFlags.F_WRLCK, 0, 0))).isEqualTo(Errno.EBADF);
    assertThat(errno(() -> lock(vfs, fd, 3, 0, 0))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> lock(vfs, fd, VfsFlags.F_RDLCK, -1, 5))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> lock(vfs, fd, VfsFlags.F_RDLCK, 0, -1))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> lock(vfs, fd, VfsFlags.F_RDLCK, Long.MAX_VALUE, 2)))
        .isEqualTo(Errno.EOVERFLOW);
    assertThat(errno(() -> vfs.setLock(fd, 0, 9, 0, 1, false))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.getLock(NO_FD, 0, 0, 0, 1))).isEqualTo(Errno.EBADF);
    lock(vfs, fd, VfsFlags.F_RDLCK, Long.MAX_VALUE, 1);
  }

  private static void lock(VfsOperations by, int fd, int type, long start, long length) {
    by.setLock(fd, type, VfsFlags.SEEK_SET, start, length, false);
  }

  @Test
  void everyLockOfAnOpenFileEndsWithItsLastDescriptor() {
    int fd = file("/f", "x");
    int twin = vfs.dup(fd);
    int other = open("/f", OpenFlags.O_RDWR);
    vfs.flock(fd, VfsFlags.LOCK_SH);
    vfs.flock(other, VfsFlags.LOCK_SH | VfsFlags.LOCK_NB);
    vfs.flock(other, VfsFlags.LOCK_SH | VfsFlags.LOCK_NB);
    assertThat(errno(() -> vfs.flock(twin, VfsFlags.LOCK_EX | VfsFlags.LOCK_NB)))
        .isEqualTo(Errno.EAGAIN);
    vfs.flock(other, VfsFlags.LOCK_UN);
    vfs.flock(twin, VfsFlags.LOCK_EX | VfsFlags.LOCK_NB);
    vfs.setFileLock(fd, VfsFlags.F_WRLCK, VfsFlags.SEEK_SET, 0, 0, false);
    vfs.close(fd);
    assertThat(errno(() -> vfs.flock(other, VfsFlags.LOCK_SH | VfsFlags.LOCK_NB)))
        .isEqualTo(Errno.EAGAIN);
    assertThat(vfs.getFileLock(other, VfsFlags.F_RDLCK, VfsFlags.SEEK_SET, 0, 1))
        .contains(new FileLock(VfsFlags.F_WRLCK, 0, 0, -1));
    assertThat(errno(() -> lock(vfs, other, VfsFlags.F_RDLCK, 0, 1))).isEqualTo(Errno.EAGAIN);
    vfs.close(twin);
    vfs.flock(other, VfsFlags.LOCK_EX | VfsFlags.LOCK_NB);
    assertThat(vfs.getFileLock(other, VfsFlags.F_WRLCK, VfsFlags.SEEK_SET, 0, 0)).isEmpty();
    assertThat(errno(() -> vfs.flock(other, 0))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> vfs.flock(NO_FD, VfsFlags.LOCK_SH))).isEqualTo(Errno.EBADF);
  }

  @Test
  void everyForkSharesPositionsAndKeepsItsOwnTable() {
    int fd = file("/f", "0123456789");
    int marked = vfs.open(b("/f"), VfsFlags.O_CLOEXEC, 0);
    vfs.umask(0x3F);
    vfs.mkdir(b("/d"), RWX_ALL);
    vfs.chdir(b("/d"));
    VfsOperations child = vfs.fork(2);
    assertThat(read(fd, 2)).isEqualTo("01");
    byte[] to = new byte[2];
    child.read(fd, MemorySegment.ofArray(to), 2);
    assertThat(s(to)).isEqualTo("23");
    vfs.close(fd);
    assertThat(child.fstat(fd).size()).isEqualTo(10);
    child.closeOnExec();
    assertThat(errno(() -> child.fstat(marked))).isEqualTo(Errno.EBADF);
    assertThat(vfs.fstat(marked).size()).isEqualTo(10);
    assertThat(child.umask(0)).isEqualTo(0x3F);
    assertThat(s(child.getcwd())).isEqualTo("/d");
    child.close();
    child.close();
    assertThat(errno(() -> child.fstat(fd))).isEqualTo(Errno.EBADF);
  }

  @Test
  void everyFileWithoutANameLivesAsLongAsItIsOpen() {
    int fd = file("/f", "still here");
    int twin = vfs.dup(fd);
    vfs.unlink(b("/f"));
    vfs.close(fd);
    assertThat(vfs.fstat(twin).nlink()).isZero();
    assertThat(read(twin, 100)).isEqualTo("still here");
    vfs.fchmod(twin, 0x100);
    vfs.fsetxattr(twin, b("user.a"), b("1"), 0);
    vfs.close(twin);
    t.awaitReaper();
    assertThat(t.fs.unlinkedCount()).isZero();
  }
}
