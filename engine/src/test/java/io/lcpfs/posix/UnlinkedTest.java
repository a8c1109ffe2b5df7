package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.errno;
import static io.lcpfs.posix.TestFs.read;
import static io.lcpfs.posix.TestFs.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class UnlinkedTest {
  private final TestFs t = new TestFs(FsOptions.DEFAULTS.withRecordBytes(512));

  @AfterEach
  void checked() {
    t.close();
  }

  @Test
  void anOpenFileWorksWithoutANameAndGoesWithItsLastHandle() {
    t.write("/f", "text");
    t.paths.setxattr(b("/f"), true, b("user.large"), new byte[4000], 0, ROOT);
    long before = t.objects.objectCount();
    FileHandle first = t.open("/f", OpenFlags.O_RDWR);
    FileHandle second = t.fs.open(first.inode(), OpenFlags.O_RDONLY, ROOT);
    t.unlink("/f");
    assertThat(t.fs.unlinkedCount()).isEqualTo(1);
    assertThat(first.getattr().nlink()).isZero();
    write(first, 4, b(" more"));
    assertThat(read(second, 0, 99)).isEqualTo(b("text more"));
    assertThat(errno(() -> t.fs.link(first.inode(), t.fs.rootInode(), b("back"), ROOT)))
        .isEqualTo(Errno.ENOENT);
    FileHandle third = t.fs.open(first.inode(), OpenFlags.O_RDONLY, ROOT);
    third.close();
    first.close();
    assertThat(t.fs.unlinkedCount()).isEqualTo(1);
    assertThat(t.check().problems()).isEmpty();
    second.close();
    assertThat(t.fs.unlinkedCount()).isZero();
    assertThat(t.objects.objectCount()).isEqualTo(before - 2);
    assertThat(errno(() -> t.fs.getattr(second.inode()))).isEqualTo(Errno.ENOENT);
  }

  @Test
  void aReplacedOpenFileLivesUntilClosed() {
    t.write("/f", "old");
    t.write("/g", "new");
    try (FileHandle old = t.open("/f", OpenFlags.O_RDONLY)) {
      t.rename("/g", "/f");
      assertThat(read(old, 0, 9)).isEqualTo(b("old"));
      assertThat(t.read("/f")).isEqualTo("new");
    }
    assertThat(t.fs.unlinkedCount()).isZero();
  }

  @Test
  @SuppressWarnings("MustBeClosed")
  void everyFileLeftWithoutANameIsFreedAtTheNextImport() {
    t.mkdir("/d");
    for (int i = 0; i < 600; i++) {
      t.write("/f" + i, "text");
      FileHandle handle = t.open("/f" + i, OpenFlags.O_RDONLY);
      t.unlink("/f" + i);
      assertThat(read(handle, 0, 9)).hasSize(4);
    }
    FileHandle directory = t.open("/d", OpenFlags.O_DIRECTORY);
    t.rmdir("/d");
    assertThat(directory.getattr().nlink()).isZero();
    assertThat(t.fs.unlinkedCount()).isEqualTo(601);
    t.reopen(FsOptions.DEFAULTS.withReadOnly(true));
    assertThat(t.fs.unlinkedCount()).isEqualTo(601);
    assertThat(t.world.probes).doesNotContain(CodeProbe.UNLINKED_REAPED_ON_IMPORT);
    t.reopen(FsOptions.DEFAULTS);
    assertThat(t.world.probes).contains(CodeProbe.UNLINKED_REAPED_ON_IMPORT);
    t.awaitReaper();
    assertThat(t.fs.unlinkedCount()).isZero();
    assertThat(t.fs.reaperFailure()).isNull();
    assertThat(t.objects.objectCount()).isEqualTo(4);
  }

  @Test
  void aFileOfMoreBlocksThanATransactionFreesGoesInSteps() {
    t.fs.setBlocksFreedAtOnce(10);
    byte[] content = new byte[300 * 512];
    Arrays.fill(content, (byte) 7);
    try (FileHandle handle = t.open("/big", OpenFlags.O_RDWR | OpenFlags.O_CREAT)) {
      write(handle, 0, content);
      t.fs.sync();
      handle.truncate(200 * 512 + 5);
      assertThat(handle.size()).isEqualTo(200 * 512 + 5);
      handle.truncate(50 * 512);
      handle.truncate(300 * 512);
      assertThat(handle.seekHole(0)).isEqualTo(50 * 512);
      assertThat(read(handle, 50 * 512, content.length)).containsOnly(0);
      write(handle, 0, content);
      t.fs.sync();
      handle.fallocate(
          OpenFlags.FALLOC_PUNCH_HOLE | OpenFlags.FALLOC_KEEP_SIZE, 100, content.length - 200);
      assertThat(read(handle, 100, content.length - 200)).containsOnly(0);
      assertThat(read(handle, content.length - 100, 200)).hasSize(100).containsOnly(7);
      write(handle, 0, content);
    }
    t.fs.sync();
    t.link("/big", "/big2");
    t.unlink("/big");
    assertThat(t.fs.unlinkedCount()).isZero();
    FileHandle handle = t.open("/big2", OpenFlags.O_RDWR);
    t.unlink("/big2");
    handle.close();
    t.awaitReaper();
    assertThat(t.fs.reaperFailure()).isNull();
    assertThat(t.fs.unlinkedCount()).isZero();
    assertThat(t.objects.objectCount()).isEqualTo(4);
  }

  @Test
  void aFileThatIsFreedInStepsIsFinishedAfterACrash() {
    byte[] content = new byte[300 * 512];
    Arrays.fill(content, (byte) 7);
    try (FileHandle handle = t.open("/big", OpenFlags.O_RDWR | OpenFlags.O_CREAT)) {
      write(handle, 0, content);
      t.unlink("/big");
      t.crashAfterSync();
    }
    t.awaitReaper();
    assertThat(t.world.probes).contains(CodeProbe.UNLINKED_REAPED_ON_IMPORT);
    assertThat(t.fs.unlinkedCount()).isZero();
    assertThat(t.objects.objectCount()).isEqualTo(4);
  }

  @Test
  void aSparseFileOfAnySizeIsFreedAtOnce() {
    try (FileHandle handle = t.open("/sparse", OpenFlags.O_RDWR | OpenFlags.O_CREAT)) {
      for (long at = 1; at > 0 && at < FileData.MAX_FILE_BYTES; at <<= 3) {
        write(handle, at, b("x"));
      }
    }
    t.unlink("/sparse");
    assertThat(t.fs.unlinkedCount()).isZero();
    assertThat(t.objects.objectCount()).isEqualTo(4);
  }

  @Test
  void aFileThatCannotBeFreedNowIsFreedAtTheNextImport() {
    boolean met = false;
    for (int call = 0; call < 40 && !met; call++) {
      t.write("/f", "text");
      for (int i = 0; i < 40; i++) {
        t.touch("/between" + i);
      }
      t.paths.setxattr(b("/f"), true, b("user.far"), new byte[3000], 0, ROOT);
      t.reimport();
      t.stat("/f");
      t.pool.failIn(call);
      try {
        t.unlink("/f");
      } catch (PoolException e) {
        assertThat(e.errno()).isEqualTo(Errno.ENOMEM);
      }
      t.pool.failIn(-1);
      met = !t.exists("/f") && t.fs.unlinkedCount() == 1;
      assertThat(t.check().problems()).isEmpty();
    }
    assertThat(met).isTrue();
    assertThat(t.fs.reaperFailure()).isNotNull();
    t.reopen(FsOptions.DEFAULTS);
    t.awaitReaper();
    assertThat(t.fs.unlinkedCount()).isZero();
  }
}
