package io.lcpfs.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What requests of a well-behaved kernel do, with a stand-in for it. */
class ServingTest {
  private static final int EPERM = 1;
  private static final int EBUSY = 16;
  private static final int EEXIST = 17;
  private static final int EXDEV = 18;
  private static final int ENOSPC = 28;
  private static final int ENOSYS = 38;
  private static final int ESTALE = 116;

  @Test
  void everyWrittenByteIsReadBack() {
    try (Kernel kernel = new Kernel()) {
      long file = kernel.create(Kernel.ROOT, "file");
      byte[] data = new byte[300_000];
      new Random(3).nextBytes(data);
      assertThat(kernel.write(file, 10, data)).isZero();
      assertThat(kernel.reply().getInt(0)).isEqualTo(data.length);
      assertThat(kernel.read(file, 10, 1 << 20)).isZero();
      assertThat(kernel.reply().array()).isEqualTo(data);
      assertThat(kernel.getattr(file)).isZero();
      assertThat(kernel.reply().getLong(16 + 8)).isEqualTo(data.length + 10);
      assertThat(kernel.call(Fuse.FSYNC, file, Kernel.body(16))).isZero();
    }
  }

  @Test
  void anUnlinkedFileIsReadableUntilTheKernelForgetsIt() {
    try (Kernel kernel = new Kernel()) {
      long file = kernel.create(Kernel.ROOT, "file");
      assertThat(kernel.write(file, 0, new byte[] {5, 6})).isZero();
      assertThat(kernel.lookup(Kernel.ROOT, "file")).isZero();
      assertThat(kernel.unlink(Kernel.ROOT, "file")).isZero();
      assertThat(kernel.read(file, 0, 10)).isZero();
      assertThat(kernel.reply().array()).containsExactly(5, 6);
      assertThat(kernel.write(file, 2, new byte[] {7})).isZero();
      assertThat(kernel.pool.dataset("tank").fileSystem().unlinkedCount()).isOne();
      assertThat(kernel.forget(file, 2)).isEqualTo(Kernel.NO_REPLY);
      assertThat(kernel.read(file, 0, 10)).isEqualTo(ESTALE);
      assertThat(kernel.pool.dataset("tank").fileSystem().unlinkedCount()).isZero();
    }
  }

  @Test
  void aFileThatIsRenamedOverIsReadableUntilTheKernelForgetsIt() {
    try (Kernel kernel = new Kernel()) {
      long old = kernel.create(Kernel.ROOT, "old");
      assertThat(kernel.write(old, 0, new byte[] {1})).isZero();
      kernel.create(Kernel.ROOT, "new");
      assertThat(kernel.rename(Kernel.ROOT, "new", Kernel.ROOT, "old", 0)).isZero();
      assertThat(kernel.read(old, 0, 10)).isZero();
      assertThat(kernel.reply().array()).containsExactly(1);
    }
  }

  @Test
  void everyLookupIsForgottenAgain() {
    try (Kernel kernel = new Kernel()) {
      int atStart = kernel.server.nodes.size();
      List<Long> nodes = new ArrayList<>();
      for (int i = 0; i < 2000; i++) {
        nodes.add(kernel.create(Kernel.ROOT, "f" + i));
      }
      for (int i = 0; i < 2000; i += 3) {
        assertThat(kernel.lookup(Kernel.ROOT, "f" + i)).isZero();
        assertThat(kernel.server.nodes.count(nodes.get(i))).isEqualTo(2);
        kernel.forget(nodes.get(i), 1);
      }
      assertThat(kernel.names(Kernel.ROOT, 4096, true)).hasSize(2002);
      assertThat(kernel.server.nodes.count(nodes.get(0))).isEqualTo(2);
      ByteBuffer batch = Kernel.body(8 + 16 * nodes.size());
      batch.putInt(nodes.size()).putInt(0);
      nodes.forEach(node -> batch.putLong(node).putLong(2));
      assertThat(kernel.call(Fuse.BATCH_FORGET, 0, batch)).isEqualTo(Kernel.NO_REPLY);
      assertThat(kernel.server.nodes.size()).isEqualTo(atStart);
    }
  }

  @Test
  void aLookupWhoseReplyIsNotTakenDoesNotCount() {
    try (Kernel kernel = new Kernel()) {
      long file = kernel.create(Kernel.ROOT, "file");
      kernel.sendAnswer = -Libc.ENOENT;
      kernel.lookup(Kernel.ROOT, "file");
      kernel.sendAnswer = 0;
      assertThat(kernel.server.nodes.count(file)).isOne();
    }
  }

  @Test
  void everyNameIsListedOnceWhateverTheRoom() {
    try (Kernel kernel = new Kernel("home", "var")) {
      for (int i = 0; i < 500; i++) {
        kernel.create(Kernel.ROOT, "name-" + i);
      }
      for (int room : new int[] {300, 1000, 4096, 1 << 20}) {
        for (boolean plus : new boolean[] {false, true}) {
          List<String> names = kernel.names(Kernel.ROOT, room, plus);
          assertThat(names).hasSize(504).contains(".", "..", "home", "var", "name-499");
          assertThat(new HashSet<>(names)).hasSize(504);
        }
      }
    }
  }

  @Test
  void everyDatasetKeepsItsFilesAndItsPlace() {
    try (Kernel kernel = new Kernel("home", "home/ann")) {
      assertThat(kernel.mkdir(Kernel.ROOT, "home")).isEqualTo(EEXIST);
      assertThat(kernel.lookup(Kernel.ROOT, "home")).isZero();
      long home = kernel.reply().getLong(0);
      assertThat(home >>> 48).isOne();
      assertThat(kernel.lookup(home, "ann")).isZero();
      long ann = kernel.reply().getLong(0);
      assertThat(ann >>> 48).isEqualTo(2);
      kernel.create(ann, "inside");
      assertThat(kernel.rename(ann, "inside", home, "inside", 0)).isEqualTo(EXDEV);
      assertThat(kernel.rename(home, "ann", home, "bob", 0)).isEqualTo(EBUSY);
      assertThat(kernel.call(Fuse.RMDIR, home, Kernel.body(0, "ann"))).isEqualTo(EBUSY);
      assertThat(kernel.names(ann, 4096, false)).containsExactly(".", "..", "inside");
      assertThat(kernel.names(home, 4096, false)).containsExactly(".", "..", "ann");
      assertThat(kernel.pool.dataset("tank/home/ann").fileSystem().paths()).isNotNull();
    }
  }

  @Test
  void aFullPoolSaysSoAndStaysUsable() {
    try (Kernel kernel = new Kernel(24 << 20)) {
      byte[] data = new byte[1 << 20];
      Random random = new Random(5);
      int files = 0;
      int errno = 0;
      while (errno == 0 && files < 100) {
        long file = kernel.create(Kernel.ROOT, "f" + files++);
        random.nextBytes(data);
        errno = kernel.write(file, 0, data);
        kernel.pool.sync();
      }
      assertThat(errno).isEqualTo(ENOSPC);
      assertThat(kernel.getattr(Kernel.ROOT)).isZero();
      for (int i = 0; i < files; i++) {
        assertThat(kernel.lookup(Kernel.ROOT, "f" + i)).isZero();
        long node = kernel.reply().getLong(0);
        assertThat(kernel.unlink(Kernel.ROOT, "f" + i)).isZero();
        kernel.forget(node, 2);
      }
      for (int i = 0; i < 4; i++) {
        kernel.pool.sync();
      }
      long file = kernel.create(Kernel.ROOT, "again");
      assertThat(kernel.write(file, 0, data)).isZero();
    }
  }

  @Test
  void everyNewFileBelongsToWhoMadeIt() {
    try (Kernel kernel = new Kernel()) {
      ByteBuffer open = Kernel.body(88);
      open.putInt(Fuse.FATTR_MODE).position(68).putInt(0777);
      assertThat(kernel.call(Fuse.SETATTR, Kernel.ROOT, open)).isZero();
      kernel.uid = 1000;
      kernel.gid = 100;
      long file = kernel.create(Kernel.ROOT, "mine");
      assertThat(kernel.getattr(file)).isZero();
      assertThat(kernel.reply().getInt(16 + 68)).isEqualTo(1000);
      assertThat(kernel.reply().getInt(16 + 72)).isEqualTo(100);
    }
  }

  @Test
  void everyOpenIsLeftToTheKernel() {
    try (Kernel kernel = new Kernel()) {
      assertThat(kernel.call(Fuse.OPEN, Kernel.ROOT, Kernel.body(8))).isEqualTo(ENOSYS);
      assertThat(kernel.call(Fuse.OPENDIR, Kernel.ROOT, Kernel.body(8))).isEqualTo(ENOSYS);
      assertThat(kernel.call(Fuse.FLUSH, Kernel.ROOT, Kernel.body(24))).isEqualTo(ENOSYS);
    }
  }

  @Test
  void aDirectoryHasNoSecondName() {
    try (Kernel kernel = new Kernel()) {
      assertThat(kernel.mkdir(Kernel.ROOT, "d")).isZero();
      ByteBuffer link = Kernel.body(8, "e");
      link.putLong(kernel.reply().getLong(0));
      assertThat(kernel.call(Fuse.LINK, Kernel.ROOT, link)).isEqualTo(EPERM);
    }
  }

  @Test
  void everyRangeIsCopied() {
    try (Kernel kernel = new Kernel()) {
      long from = kernel.create(Kernel.ROOT, "from");
      long to = kernel.create(Kernel.ROOT, "to");
      byte[] data = new byte[100_000];
      new Random(9).nextBytes(data);
      assertThat(kernel.write(from, 0, data)).isZero();
      ByteBuffer copy = Kernel.body(56);
      copy.putLong(0).putLong(0).putLong(to).putLong(0).putLong(7).putLong(1 << 20).putLong(0);
      assertThat(kernel.call(Fuse.COPY_FILE_RANGE, from, copy)).isZero();
      assertThat(kernel.reply().getInt(0)).isEqualTo(data.length);
      assertThat(kernel.read(to, 7, 1 << 20)).isZero();
      assertThat(kernel.reply().array()).isEqualTo(data);
    }
  }

  @Test
  void wholeRecordsAreCopiedByReference() {
    try (Kernel kernel = new Kernel("other")) {
      long from = kernel.create(Kernel.ROOT, "from");
      assertThat(kernel.lookup(Kernel.ROOT, "other")).isZero();
      long to = kernel.create(kernel.reply().getLong(0), "to");
      byte[] data = new byte[1 << 20];
      new Random(9).nextBytes(data);
      assertThat(kernel.write(from, 0, data)).isZero();
      kernel.pool.sync();
      ByteBuffer copy = Kernel.body(56);
      copy.putLong(0).putLong(0).putLong(to).putLong(0).putLong(0).putLong(1 << 20).putLong(0);
      assertThat(kernel.call(Fuse.COPY_FILE_RANGE, from, copy)).isZero();
      assertThat(kernel.reply().getInt(0)).isEqualTo(data.length);
      kernel.pool.sync();
      assertThat(Long.parseLong(kernel.pool.property("bclonesaved").value()))
          .isGreaterThanOrEqualTo(data.length);
      assertThat(kernel.read(to, 0, 1 << 20)).isZero();
      assertThat(kernel.reply().array()).isEqualTo(data);
    }
  }

  @Test
  void aFileMadeWithoutANameGetsOneOrGoes() {
    try (Kernel kernel = new Kernel()) {
      var files = kernel.pool.dataset("tank").fileSystem();
      ByteBuffer body = Kernel.body(16, "");
      body.putInt(2).putInt(0100600);
      assertThat(kernel.call(Fuse.TMPFILE, Kernel.ROOT, body)).isZero();
      long kept = kernel.reply().getLong(0);
      assertThat(kernel.reply().getInt(40 + 64)).isZero();
      assertThat(kernel.write(kept, 0, new byte[] {1, 2})).isZero();
      assertThat(kernel.call(Fuse.TMPFILE, Kernel.ROOT, body)).isZero();
      long lost = kernel.reply().getLong(0);
      assertThat(files.unlinkedCount()).isEqualTo(2);
      ByteBuffer link = Kernel.body(8, "name");
      link.putLong(kept);
      assertThat(kernel.call(Fuse.LINK, Kernel.ROOT, link)).isZero();
      assertThat(kernel.reply().getInt(40 + 64)).isOne();
      kernel.forget(kept, 2);
      kernel.forget(lost, 1);
      assertThat(files.unlinkedCount()).isZero();
      assertThat(kernel.lookup(Kernel.ROOT, "name")).isZero();
      assertThat(kernel.read(kernel.reply().getLong(0), 0, 10)).isZero();
      assertThat(kernel.reply().array()).containsExactly(1, 2);
    }
  }
}
