package io.lcpfs.posix;

import static io.lcpfs.posix.OpenFlags.RENAME_EXCHANGE;
import static io.lcpfs.posix.OpenFlags.RENAME_NOREPLACE;
import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static io.lcpfs.posix.TestFs.errno;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.PlantedBug;
import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RenameTest {
  private final TestFs t = new TestFs();

  @AfterEach
  void checked() {
    t.close();
  }

  @Test
  void everyRenameMovesTheFileAndReplacesWhatWasThere() {
    t.mkdir("/a");
    t.mkdir("/b");
    t.write("/a/f", "one");
    t.write("/b/g", "two");
    long inode = t.stat("/a/f").inode();
    long gone = t.stat("/b/g").inode();
    t.rename("/a/f", "/a/f2");
    t.rename("/a/f2", "/b/g");
    assertThat(t.stat("/b/g").inode()).isEqualTo(inode);
    assertThat(t.read("/b/g")).isEqualTo("one");
    assertThat(errno(() -> t.fs.getattr(gone))).isEqualTo(Errno.ENOENT);
    assertThat(t.names("/a")).isEmpty();
    t.rename("/b/g", "/b/g");
    assertThat(t.names("/b")).containsExactly("g");
    t.link("/b/g", "/b/h");
    t.rename("/b/g", "/b/h");
    assertThat(t.names("/b")).containsExactly("g", "h");
  }

  @Test
  void everyMovedDirectoryHasItsNewParent() {
    t.mkdir("/a");
    t.mkdir("/a/sub");
    t.mkdir("/a/sub/deep");
    t.mkdir("/b");
    t.mkdir("/b/empty");
    t.rename("/a/sub", "/b/empty");
    assertThat(t.stat("/a").nlink()).isEqualTo(2);
    assertThat(t.stat("/b").nlink()).isEqualTo(3);
    assertThat(t.stat("/b/empty/deep/../..").inode()).isEqualTo(t.stat("/b").inode());
    t.rename("/b/empty", "/moved");
    assertThat(t.stat("/b").nlink()).isEqualTo(2);
    assertThat(t.stat("/").nlink()).isEqualTo(5);
  }

  @Test
  void everyImpossibleRenameIsRefusedAndChangesNothing() {
    t.mkdir("/d");
    t.mkdir("/d/e");
    t.mkdir("/d/e/f");
    t.mkdir("/empty");
    t.mkdir("/full");
    t.touch("/full/x");
    t.touch("/file");
    String before = t.tree();
    assertThat(errno(() -> t.rename("/d", "/d/e/f/g"))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> t.rename("/d", "/d/e"))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> t.rename("/d/e/f", "/d"))).isEqualTo(Errno.ENOTEMPTY);
    assertThat(errno(() -> t.rename("/d", "/full"))).isEqualTo(Errno.ENOTEMPTY);
    assertThat(errno(() -> t.rename("/d", "/file"))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> t.rename("/file", "/empty"))).isEqualTo(Errno.EISDIR);
    assertThat(errno(() -> t.rename("/none", "/x"))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.rename("/file", "/none/x"))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.rename("/file", "/file/x"))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> t.rename("/file", "/x/"))).isEqualTo(Errno.ENOTDIR);
    assertThat(errno(() -> t.rename("/", "/x"))).isEqualTo(Errno.EBUSY);
    assertThat(errno(() -> t.rename("/d/.", "/x"))).isEqualTo(Errno.EBUSY);
    assertThat(errno(() -> t.rename("/file", "/d/.."))).isEqualTo(Errno.EBUSY);
    assertThat(errno(() -> t.rename("/file", "/empty", RENAME_NOREPLACE))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> t.rename("/file", "/file", RENAME_NOREPLACE))).isEqualTo(Errno.EEXIST);
    assertThat(errno(() -> t.rename("/file", "/x", RENAME_EXCHANGE))).isEqualTo(Errno.ENOENT);
    assertThat(errno(() -> t.rename("/d/e", "/d", RENAME_EXCHANGE))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> t.rename("/d", "/d/e/f", RENAME_EXCHANGE))).isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> t.rename("/file", "/x", RENAME_EXCHANGE | RENAME_NOREPLACE)))
        .isEqualTo(Errno.EINVAL);
    assertThat(errno(() -> t.rename("/file", "/x", 4))).isEqualTo(Errno.EINVAL);
    assertThat(t.tree()).isEqualTo(before);
    t.rename("/d/", "/d2/");
    t.rename("/file", "/file2", RENAME_NOREPLACE);
    assertThat(t.names("/")).containsExactly("d2", "empty", "file2", "full");
  }

  @Test
  void everyExchangeLeavesBothFilesWithTheOthersName() {
    t.mkdir("/a");
    t.mkdir("/a/dir");
    t.mkdir("/b");
    t.write("/b/file", "text");
    t.write("/a/other", "other");
    long dir = t.stat("/a/dir").inode();
    long file = t.stat("/b/file").inode();
    t.rename("/a/dir", "/b/file", RENAME_EXCHANGE);
    assertThat(t.stat("/b/file").inode()).isEqualTo(dir);
    assertThat(t.stat("/a/dir").inode()).isEqualTo(file);
    assertThat(t.stat("/a").nlink()).isEqualTo(2);
    assertThat(t.stat("/b").nlink()).isEqualTo(3);
    assertThat(t.fs.lookup(dir, b(".."), ROOT).inode()).isEqualTo(t.stat("/b").inode());
    t.rename("/a/dir", "/a/other", RENAME_EXCHANGE);
    assertThat(t.read("/a/dir")).isEqualTo("other");
    assertThat(t.read("/a/other")).isEqualTo("text");
  }

  @Test
  void concurrentMovesNeverMakeACycleOrLoseAFile() {
    for (String name : List.of("/a", "/b", "/c", "/a/x", "/b/y", "/c/z")) {
      t.mkdir(name);
    }
    t.touch("/a/x/file");
    List<Task<Void>> tasks = new ArrayList<>();
    for (int thread = 0; thread < 4; thread++) {
      SplittableRandom random = new SplittableRandom(thread);
      tasks.add(
          t.world.fork(
              "mover",
              () -> {
                for (int i = 0; i < 2000; i++) {
                  String from = path(random);
                  String to = path(random);
                  try {
                    t.rename(from, to, random.nextInt(3) == 0 ? RENAME_EXCHANGE : 0);
                  } catch (PoolException e) {
                    assertThat(e.errno())
                        .isIn(
                            Errno.ENOENT,
                            Errno.EINVAL,
                            Errno.ENOTEMPTY,
                            Errno.ENOTDIR,
                            Errno.EISDIR);
                  }
                }
              }));
    }
    tasks.forEach(Task::join);
    assertThat(t.check().problems()).isEmpty();
    assertThat(t.tree()).contains("/file ");
  }

  private static String path(SplittableRandom random) {
    StringBuilder path = new StringBuilder();
    for (int i = random.nextInt(3); i >= 0; i--) {
      path.append('/').append("abcxyz".charAt(random.nextInt(6)));
    }
    return path.toString();
  }

  @Test
  void thePlantedRenameUsesTwoTransactionsAndStillEndsRight() {
    t.world.bugs.add(PlantedBug.RENAME_IN_TWO_TXGS);
    t.write("/f", "text");
    t.mkdir("/d");
    t.rename("/f", "/d/f");
    assertThat(t.read("/d/f")).isEqualTo("text");
    assertThat(t.names("/")).containsExactly("d");
  }
}
