package io.lcpfs.fuse;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.Mode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The directories that lead to snapshots, as the kernel asks about them. */
class SnapshotDirectoryTest {
  private final Kernel kernel = new Kernel("child");

  @AfterEach
  void close() {
    kernel.close();
  }

  private long lookup(long directory, String name) {
    int rc = kernel.call(Fuse.LOOKUP, directory, Kernel.body(0, name));
    assertThat(rc).as(name).isZero();
    return kernel.reply().getLong(0);
  }

  private List<String> list(long directory, int opcode, int room) {
    List<String> names = new ArrayList<>();
    long cookie = 0;
    while (true) {
      ByteBuffer body = Kernel.body(40);
      body.putLong(8, cookie).putInt(16, room);
      assertThat(kernel.call(opcode, directory, body)).isZero();
      ByteBuffer reply = kernel.reply();
      int at = 0;
      if (reply.capacity() == 0) {
        return names;
      }
      while (at < reply.capacity()) {
        at += opcode == Fuse.READDIRPLUS ? Fuse.ENTRY_OUT_BYTES : 0;
        int length = reply.getInt(at + 16);
        cookie = reply.getLong(at + 8);
        byte[] name = new byte[length];
        reply.get(at + 24, name);
        names.add(new String(name, UTF_8));
        at += Reply.direntBytes(length);
      }
    }
  }

  private void snapshot(String dataset, String name) {
    kernel.pool.dataset(dataset).snapshot(name);
  }

  @Test
  void eachDatasetHasItsOwn() {
    snapshot("tank", "a");
    snapshot("tank/child", "b");
    long child = lookup(Fuse.ROOT_NODE, "child");
    long ofRoot = lookup(lookup(Fuse.ROOT_NODE, ".lcpfs"), "snapshot");
    long ofChild = lookup(lookup(child, ".lcpfs"), "snapshot");
    assertThat(ofRoot).isNotEqualTo(ofChild);
    assertThat(list(ofRoot, Fuse.READDIR, 4096)).containsExactly(".", "..", "a");
    assertThat(list(ofChild, Fuse.READDIRPLUS, 4096)).containsExactly(".", "..", "b");
    long root = lookup(ofChild, "b");
    assertThat(kernel.call(Fuse.GETATTR, root, Kernel.body(16))).isZero();
    assertThat(kernel.reply().getInt(16 + 60) & Mode.TYPE_MASK).isEqualTo(Mode.DIRECTORY);
    assertThat(kernel.call(Fuse.LOOKUP, ofRoot, Kernel.body(0, "b")))
        .isEqualTo(Errno.ENOENT.value());
    assertThat(lookup(root, ".lcpfs")).as("a snapshot has none").isZero();
  }

  @Test
  void manyAreListedInPieces() {
    for (int i = 0; i < 40; i++) {
      snapshot("tank", "snapshot-with-a-name-" + i);
    }
    long directory = lookup(lookup(Fuse.ROOT_NODE, ".lcpfs"), "snapshot");
    for (int opcode : new int[] {Fuse.READDIR, Fuse.READDIRPLUS}) {
      List<String> names = list(directory, opcode, 600);
      assertThat(names).hasSize(42).doesNotHaveDuplicates().endsWith("snapshot-with-a-name-39");
    }
  }

  @Test
  void aDestroyedOneIsStaleAndItsNameMayComeAgain() {
    kernel.pool.dataset("tank").fileSystem().paths().mkdir("d".getBytes(UTF_8), 0755, Caller.ROOT);
    snapshot("tank", "a");
    long directory = lookup(lookup(Fuse.ROOT_NODE, ".lcpfs"), "snapshot");
    long first = lookup(directory, "a");
    kernel.pool.dataset("tank").destroySnapshots(List.of("a"));
    assertThat(kernel.call(Fuse.LOOKUP, directory, Kernel.body(0, "a")))
        .isEqualTo(Errno.ENOENT.value());
    assertThat(kernel.call(Fuse.LOOKUP, first, Kernel.body(0, "d"))).isPositive();
    kernel.pool.dataset("tank").fileSystem().paths().mkdir("e".getBytes(UTF_8), 0755, Caller.ROOT);
    snapshot("tank", "a");
    long second = lookup(directory, "a");
    assertThat(second).isNotEqualTo(first);
    lookup(second, "e");
  }

  /** Whatever is asked of them, there is an answer, and nothing is reported as a fault. */
  @Test
  void everyRequestOnThemIsAnswered() {
    snapshot("tank", "a");
    long top = lookup(Fuse.ROOT_NODE, ".lcpfs");
    long directory = lookup(top, "snapshot");
    Random random = new Random(3);
    for (int opcode = 1; opcode <= 60; opcode++) {
      if (opcode == Fuse.INIT || opcode == Fuse.DESTROY) {
        continue;
      }
      for (long node : new long[] {top, directory, top | 0x70, top | 0xffff00L, ~0L}) {
        for (int bytes : new int[] {0, 8, 40, 128}) {
          ByteBuffer body = Kernel.body(bytes);
          while (body.hasRemaining()) {
            body.put((byte) random.nextInt());
          }
          int rc = kernel.call(opcode, node, body);
          if (opcode != Fuse.FORGET && opcode != Fuse.BATCH_FORGET && opcode != Fuse.INTERRUPT) {
            assertThat(rc).as("opcode %s of %s bytes", opcode, bytes).isNotEqualTo(Kernel.NO_REPLY);
          }
        }
      }
    }
    assertThat(kernel.pool.dataset("tank").snapshots()).hasSize(1);
  }

  @Test
  void directoriesMadeRemovedAndRenamedThereAreSnapshots() {
    long directory = lookup(lookup(Fuse.ROOT_NODE, ".lcpfs"), "snapshot");
    assertThat(kernel.call(Fuse.GETATTR, directory, Kernel.body(16))).isZero();
    assertThat(kernel.reply().getInt(16 + 60)).isEqualTo(Mode.DIRECTORY | 0755);
    assertThat(kernel.call(Fuse.MKDIR, directory, Kernel.body(8, "made"))).isZero();
    long made = kernel.reply().getLong(0);
    assertThat(lookup(directory, "made")).isEqualTo(made);
    assertThat(kernel.call(Fuse.MKDIR, directory, Kernel.body(8, "made")))
        .isEqualTo(Errno.EEXIST.value());
    for (String bad : new String[] {"a b", "a@b", "", "..", "\u00fc", "x".repeat(300)}) {
      assertThat(kernel.call(Fuse.MKDIR, directory, Kernel.body(8, bad))).as(bad).isPositive();
    }
    ByteBuffer rename = Kernel.body(8, "made", "other").putLong(0, directory);
    assertThat(kernel.call(Fuse.RENAME, directory, rename)).isZero();
    assertThat(list(directory, Fuse.READDIR, 4096)).containsExactly(".", "..", "other");
    ByteBuffer away = Kernel.body(8, "other", "x").putLong(0, Fuse.ROOT_NODE);
    assertThat(kernel.call(Fuse.RENAME, directory, away)).isEqualTo(Errno.EXDEV.value());
    ByteBuffer exchange = Kernel.body(16, "other", "x").putLong(0, directory).putInt(8, 2);
    assertThat(kernel.call(Fuse.RENAME2, directory, exchange)).isEqualTo(Errno.EINVAL.value());
    kernel.pool.snapshot("tank@other").hold("keep");
    assertThat(kernel.call(Fuse.RMDIR, directory, Kernel.body(0, "other")))
        .isEqualTo(Errno.EBUSY.value());
    kernel.pool.snapshot("tank@other").release("keep");
    assertThat(kernel.call(Fuse.RMDIR, directory, Kernel.body(0, "other"))).isZero();
    assertThat(kernel.call(Fuse.RMDIR, directory, Kernel.body(0, "other")))
        .isEqualTo(Errno.ENOENT.value());
    assertThat(kernel.pool.dataset("tank").snapshots()).isEmpty();
    long top = lookup(Fuse.ROOT_NODE, ".lcpfs");
    assertThat(kernel.call(Fuse.MKDIR, top, Kernel.body(8, "x"))).isEqualTo(Errno.EROFS.value());
  }

  @Test
  void nobodyElseTakesOrDestroysThem() {
    snapshot("tank", "a");
    long directory = lookup(lookup(Fuse.ROOT_NODE, ".lcpfs"), "snapshot");
    kernel.uid = 12345;
    assertThat(kernel.call(Fuse.MKDIR, directory, Kernel.body(8, "x")))
        .isEqualTo(Errno.EPERM.value());
    assertThat(kernel.call(Fuse.RMDIR, directory, Kernel.body(0, "a")))
        .isEqualTo(Errno.EPERM.value());
    ByteBuffer rename = Kernel.body(8, "a", "x").putLong(0, directory);
    assertThat(kernel.call(Fuse.RENAME, directory, rename)).isEqualTo(Errno.EPERM.value());
    kernel.uid = 0;
    assertThat(list(directory, Fuse.READDIR, 4096)).containsExactly(".", "..", "a");
  }

  @Test
  void theWayToThemIsListedWhereThePropertySaysSo() {
    for (int opcode : new int[] {Fuse.READDIR, Fuse.READDIRPLUS}) {
      kernel.pool.dataset("tank").setProperty("snapdir", "hidden");
      assertThat(list(Fuse.ROOT_NODE, opcode, 4096)).containsExactly(".", "..", "child");
      kernel.pool.dataset("tank").setProperty("snapdir", "visible");
      long child = lookup(Fuse.ROOT_NODE, "child");
      for (int room : new int[] {4096, 200}) {
        assertThat(list(Fuse.ROOT_NODE, opcode, room))
            .containsExactly(".", "..", "child", ".lcpfs");
        assertThat(list(child, opcode, room)).as("inherited").containsExactly(".", "..", ".lcpfs");
      }
    }
  }
}
