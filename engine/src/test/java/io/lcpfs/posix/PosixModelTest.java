package io.lcpfs.posix;

import static io.lcpfs.posix.TestFs.ROOT;
import static io.lcpfs.posix.TestFs.b;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random calls against a tree of maps, with and without memory running out below. */
class PosixModelTest {

  private static final class Node {
    final boolean directory;
    final TreeMap<String, Node> children = new TreeMap<>();
    byte[] content = {};
    int links;

    Node(boolean directory) {
      this.directory = directory;
    }
  }

  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;
    final Errno errno;

    Refused(Errno errno) {
      this.errno = errno;
    }
  }

  private interface Change {
    void run() throws Refused;
  }

  private final TestFs t = new TestFs(FsOptions.DEFAULTS.withCaches(40, 64).withRecordBytes(512));
  private final Node root = new Node(true);
  private int refusals;
  private int successes;
  private int outOfMemory;

  private static String[] split(String path) {
    return path.substring(1).split("/");
  }

  /** The node of a path that has no symbolic links. */
  private Node find(String[] names, int count) throws Refused {
    Node at = root;
    for (int i = 0; i < count; i++) {
      if (!at.directory) {
        throw new Refused(Errno.ENOTDIR);
      }
      Node next = at.children.get(names[i]);
      if (next == null) {
        throw new Refused(Errno.ENOENT);
      }
      at = next;
    }
    return at;
  }

  private Node parent(String path) throws Refused {
    String[] names = split(path);
    Node parent = find(names, names.length - 1);
    if (!parent.directory) {
      throw new Refused(Errno.ENOTDIR);
    }
    return parent;
  }

  private static String last(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  private void create(String path, boolean directory) throws Refused {
    Node parent = parent(path);
    Node existing = parent.children.get(last(path));
    if (existing != null) {
      if (directory) {
        throw new Refused(Errno.EEXIST);
      }
      if (existing.directory) {
        throw new Refused(Errno.EISDIR);
      }
      return;
    }
    Node node = new Node(directory);
    node.links = 1;
    parent.children.put(last(path), node);
  }

  private void remove(String path, boolean directory) throws Refused {
    Node parent = parent(path);
    Node node = parent.children.get(last(path));
    if (node == null) {
      throw new Refused(Errno.ENOENT);
    }
    if (node.directory != directory) {
      throw new Refused(directory ? Errno.ENOTDIR : Errno.EISDIR);
    }
    if (!node.children.isEmpty()) {
      throw new Refused(Errno.ENOTEMPTY);
    }
    node.links--;
    parent.children.remove(last(path));
  }

  private void link(String from, String to) throws Refused {
    String[] names = split(from);
    Node node = find(names, names.length);
    Node parent = parent(to);
    if (parent.children.containsKey(last(to))) {
      throw new Refused(Errno.EEXIST);
    }
    if (node.directory) {
      throw new Refused(Errno.EPERM);
    }
    node.links++;
    parent.children.put(last(to), node);
  }

  private static boolean contains(Node above, Node below) {
    return above == below
        || above.children.values().stream()
            .anyMatch(child -> child.directory && contains(child, below));
  }

  private void rename(String from, String to, int flags) throws Refused {
    Node oldParent = parent(from);
    Node newParent = parent(to);
    Node node = oldParent.children.get(last(from));
    Node there = newParent.children.get(last(to));
    boolean exchange = flags == OpenFlags.RENAME_EXCHANGE;
    if (node == null) {
      throw new Refused(Errno.ENOENT);
    }
    if (there != null && flags == OpenFlags.RENAME_NOREPLACE) {
      throw new Refused(Errno.EEXIST);
    }
    if (there == null && exchange) {
      throw new Refused(Errno.ENOENT);
    }
    if (oldParent != newParent) {
      if (node.directory && contains(node, newParent)) {
        throw new Refused(Errno.EINVAL);
      }
      if (there != null && there.directory && contains(there, oldParent)) {
        throw new Refused(exchange ? Errno.EINVAL : Errno.ENOTEMPTY);
      }
    }
    if (node == there) {
      return;
    }
    if (there != null && !exchange) {
      if (node.directory != there.directory) {
        throw new Refused(node.directory ? Errno.ENOTDIR : Errno.EISDIR);
      }
      if (!there.children.isEmpty()) {
        throw new Refused(Errno.ENOTEMPTY);
      }
      there.links--;
    }
    oldParent.children.remove(last(from));
    if (exchange && there != null) {
      oldParent.children.put(last(from), there);
    }
    newParent.children.put(last(to), node);
  }

  private void write(String path, byte[] content) throws Refused {
    String[] names = split(path);
    Node node = find(names, names.length);
    if (node.directory) {
      throw new Refused(Errno.EISDIR);
    }
    node.content = content;
  }

  private void compare(String path, Node node) {
    Attr attr = t.stat(path);
    assertThat(attr.isDirectory()).as(path).isEqualTo(node.directory);
    if (!node.directory) {
      assertThat(attr.nlink()).as(path).isEqualTo(node.links);
      assertThat(t.read(path)).as(path).isEqualTo(TestFs.s(node.content));
      return;
    }
    assertThat(t.names(path)).as(path).containsExactlyElementsOf(node.children.keySet());
    long subdirectories = node.children.values().stream().filter(one -> one.directory).count();
    assertThat(attr.nlink()).as(path).isEqualTo(2 + subdirectories);
    node.children.forEach(
        (name, child) -> compare(path.equals("/") ? "/" + name : path + "/" + name, child));
  }

  /** Makes a change here and there; both have to refuse it for the same reason, or neither. */
  private void both(
      SplittableRandom random, boolean failures, ThrowingCallable real, Change model) {
    if (failures && random.nextInt(10) == 0) {
      t.reimport();
      t.pool.failIn(random.nextInt(8));
    }
    Errno got = null;
    try {
      real.call();
    } catch (PoolException e) {
      got = e.errno();
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
    t.pool.failIn(-1);
    if (failures && got == Errno.ENOMEM) {
      outOfMemory++;
      return;
    }
    @Nullable Errno expected = null;
    try {
      model.run();
    } catch (Refused e) {
      expected = e.errno;
    }
    assertThat(got).isEqualTo(expected);
    if (got == null) {
      successes++;
    } else {
      refusals++;
    }
  }

  private static String path(SplittableRandom random) {
    StringBuilder path = new StringBuilder();
    for (int i = random.nextInt(4) / 2 + random.nextInt(2); i >= 0; i--) {
      path.append('/').append("abcdef".charAt(random.nextInt(6)));
    }
    return path.toString();
  }

  private void run(long seed, int steps, boolean failures) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < steps; i++) {
      String one = path(random);
      String two = path(random);
      switch (random.nextInt(9)) {
        case 0 -> both(random, failures, () -> t.mkdir(one), () -> create(one, true));
        case 1, 2 -> both(random, failures, () -> t.touch(one), () -> create(one, false));
        case 3 -> both(random, failures, () -> t.unlink(one), () -> remove(one, false));
        case 4 -> both(random, failures, () -> t.rmdir(one), () -> remove(one, true));
        case 5 -> both(random, failures, () -> t.link(one, two), () -> link(one, two));
        case 6, 7 -> {
          int flags = random.nextInt(3);
          both(random, failures, () -> t.rename(one, two, flags), () -> rename(one, two, flags));
        }
        default -> {
          byte[] content = b("content " + i);
          both(
              random,
              false,
              () -> {
                try (FileHandle handle = t.open(one, OpenFlags.O_WRONLY | OpenFlags.O_TRUNC)) {
                  TestFs.write(handle, 0, content);
                }
              },
              () -> write(one, content));
        }
      }
      if (random.nextInt(200) == 0) {
        t.reopen(t.fs.options());
      }
      if (i % 500 == 499) {
        t.awaitReaper();
        compare("/", root);
        assertThat(t.check().problems()).isEmpty();
      }
    }
    assertThat(refusals).isGreaterThan(steps / 10);
    assertThat(successes).isGreaterThan(steps / 10);
    assertThat(t.fs.statfs().files()).isPositive();
    assertThat(t.paths.stat(b("/"), ROOT).isDirectory()).isTrue();
    t.close();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void everyRandomSequenceOfCallsAnswersAsTheModel(long seed) {
    run(seed, 6000, false);
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13})
  void everyCallThatRunsOutOfMemoryChangesNothing(long seed) {
    run(seed, 2000, true);
    assertThat(outOfMemory).isGreaterThan(20);
  }
}
