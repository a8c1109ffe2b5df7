package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileChange;
import io.lcpfs.posix.FileDiff;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random histories of files, directories, links and renames, of which snapshots are taken, against
 * a model that knows which file has which names, and when each was changed last. What is told of
 * any two snapshots, in either order and also of clones, is what the model says. {@code
 * -Dlcpfs.trust.all=true} takes 400 histories.
 */
@Timeout(300)
class DiffModelTest {
  private static final int STEPS = 240;

  private final PoolWorld world = new PoolWorld();
  private @Nullable PoolEngine opened;

  @AfterEach
  void close() {
    PoolEngine left = opened;
    if (left != null) {
      left.close();
    }
    world.close();
  }

  /** A file or directory of the model. */
  private static final class Node {
    final int id;
    final boolean directory;

    /** The last change of content, or of the entries of a directory. */
    int version;

    int mode;

    /** The last change of any kind, also of names: the change time tells of them. */
    int touches;

    Node(int id, boolean directory) {
      this.id = id;
      this.directory = directory;
    }

    Node copy() {
      Node copy = new Node(id, directory);
      copy.version = version;
      copy.mode = mode;
      copy.touches = touches;
      return copy;
    }
  }

  /** A file system: nodes by path; several paths may have one node. */
  private static final class Model {
    final TreeMap<String, Node> paths = new TreeMap<>();

    /** Numbers nodes and changes; one for all models that came from one. */
    final AtomicInteger clock;

    Model() {
      this(new AtomicInteger());
    }

    private Model(AtomicInteger clock) {
      this.clock = clock;
      paths.put("/", new Node(clock.getAndIncrement(), true));
    }

    Model copy() {
      Model copy = new Model(clock);
      copy.paths.clear();
      Map<Integer, Node> copies = new TreeMap<>();
      paths.forEach(
          (path, node) -> copy.paths.put(path, copies.computeIfAbsent(node.id, i -> node.copy())));
      return copy;
    }

    Node at(String path) {
      return Objects.requireNonNull(paths.get(path), path);
    }

    static String parent(String path) {
      int slash = path.lastIndexOf('/');
      return slash <= 0 ? "/" : path.substring(0, slash);
    }

    /** A name came or went. */
    void touched(String path, Node node) {
      at(parent(path)).version = clock.getAndIncrement();
      at(parent(path)).touches = clock.getAndIncrement();
      node.touches = clock.getAndIncrement();
    }

    boolean isEmpty(String path) {
      return paths.keySet().stream().noneMatch(p -> !p.equals(path) && p.startsWith(path + "/"));
    }

    Map<Integer, Node> nodes() {
      Map<Integer, Node> nodes = new TreeMap<>();
      paths.forEach((path, node) -> nodes.put(node.id, node));
      return nodes;
    }
  }

  /** What is expected of one file. */
  private static final class Expected {
    final TreeSet<String> removed = new TreeSet<>();
    final TreeSet<String> added = new TreeSet<>();
    boolean modified;
    boolean same;
    TreeSet<String> now = new TreeSet<>();
  }

  /** Names of a node by its directory's id and its name in it: a renamed parent is no change. */
  private static Map<Integer, Map<String, String>> keyed(Model model) {
    Map<Integer, Map<String, String>> keyed = new TreeMap<>();
    model.paths.forEach(
        (path, node) -> {
          String key =
              path.equals("/")
                  ? "/"
                  : model.at(Model.parent(path)).id + path.substring(path.lastIndexOf('/'));
          keyed.computeIfAbsent(node.id, i -> new TreeMap<>()).put(key, path);
        });
    return keyed;
  }

  private static Map<Integer, Expected> expected(Model before, Model after) {
    Map<Integer, Map<String, String>> old = keyed(before);
    Map<Integer, Map<String, String>> now = keyed(after);
    Map<Integer, Node> oldNodes = before.nodes();
    Map<Integer, Node> nowNodes = after.nodes();
    Map<Integer, Expected> expected = new TreeMap<>();
    TreeSet<Integer> ids = new TreeSet<>(old.keySet());
    ids.addAll(now.keySet());
    for (int id : ids) {
      Expected of = new Expected();
      Map<String, String> a = old.getOrDefault(id, Map.of());
      Map<String, String> b = now.getOrDefault(id, Map.of());
      a.forEach(
          (key, path) -> {
            if (!b.containsKey(key)) of.removed.add(path);
          });
      b.forEach(
          (key, path) -> {
            if (!a.containsKey(key)) of.added.add(path);
          });
      of.now.addAll(b.values());
      Node was = oldNodes.get(id);
      Node is = nowNodes.get(id);
      of.same = was != null && is != null;
      boolean named = !of.removed.isEmpty() || !of.added.isEmpty();
      of.modified =
          was != null
              && is != null
              && (named
                  ? was.version != is.version || was.mode != is.mode
                  : was.touches != is.touches);
      expected.put(id, of);
    }
    return expected;
  }

  private static byte[] b(String path) {
    return path.getBytes(ISO_8859_1);
  }

  /** Checks what was told of files against the model; each thing is told once. */
  private static void check(Model before, Model after, List<FileChange> told, String where) {
    List<String> lines = new ArrayList<>();
    for (FileChange change : told) {
      byte[] path = change.newPath();
      lines.add(
          change.kind().letter()
              + " "
              + new String(change.path(), ISO_8859_1)
              + (path == null ? "" : " -> " + new String(path, ISO_8859_1)));
    }
    List<String> left = new ArrayList<>(lines);
    expected(before, after)
        .forEach(
            (id, of) -> {
              int renames = of.same ? Math.min(of.removed.size(), of.added.size()) : 0;
              TreeSet<String> removed = new TreeSet<>(of.removed);
              TreeSet<String> added = new TreeSet<>(of.added);
              for (int i = 0; i < renames; i++) {
                String line = null;
                for (String from : removed) {
                  for (String to : added) {
                    if (left.contains("R " + from + " -> " + to)) {
                      line = "R " + from + " -> " + to;
                      removed.remove(from);
                      added.remove(to);
                      break;
                    }
                  }
                  if (line != null) {
                    break;
                  }
                }
                assertThat(line)
                    .as("%s: a rename of %s to %s in %s", where, of.removed, of.added, lines)
                    .isNotNull();
                left.remove(line);
              }
              removed.forEach(
                  path ->
                      assertThat(left.remove("- " + path))
                          .as(where + " - " + path + lines)
                          .isTrue());
              added.forEach(
                  path ->
                      assertThat(left.remove("+ " + path))
                          .as(where + " + " + path + lines)
                          .isTrue());
              if (of.modified) {
                assertThat(of.now.stream().anyMatch(path -> left.remove("M " + path)))
                    .as("%s: one of %s in %s", where, of.now, lines)
                    .isTrue();
              }
            });
    assertThat(left).as(where).isEmpty();
  }

  /** Does things to a file system and to the model. */
  private static final class Actor {
    final PosixFileSystem fs;
    final Model model;
    final Random random;

    Actor(PosixFileSystem fs, Model model, Random random) {
      this.fs = fs;
      this.model = model;
      this.random = random;
    }

    private String some(boolean directory) {
      List<String> all =
          model.paths.entrySet().stream()
              .filter(entry -> entry.getValue().directory == directory)
              .map(Map.Entry::getKey)
              .toList();
      return all.isEmpty() ? "" : all.get(random.nextInt(all.size()));
    }

    private String fresh() {
      String directory = some(true);
      String name = (random.nextInt(4) == 0 ? "\u00ff\u0001 n" : "n") + random.nextInt(40);
      return (directory.equals("/") ? "" : directory) + "/" + name;
    }

    void step() {
      String file = some(false);
      String target = fresh();
      boolean free = !model.paths.containsKey(target);
      switch (random.nextInt(12)) {
        case 0, 1, 2 -> {
          if (free) {
            create(target);
          }
        }
        case 3 -> {
          if (free) {
            fs.paths().mkdir(b(target), 0755, Caller.ROOT);
            Node made = new Node(model.clock.getAndIncrement(), true);
            model.paths.put(target, made);
            model.touched(target, made);
          }
        }
        case 4, 5 -> {
          if (!file.isEmpty()) {
            write(file);
          }
        }
        case 6 -> {
          if (!file.isEmpty() && free) {
            fs.paths().link(b(file), b(target), Caller.ROOT);
            model.paths.put(target, model.at(file));
            model.touched(target, model.at(file));
          }
        }
        case 7 -> {
          if (!file.isEmpty()) {
            fs.paths().unlink(b(file), Caller.ROOT);
            model.touched(file, model.at(file));
            model.paths.remove(file);
          }
        }
        case 8 -> {
          String directory = some(true);
          if (!directory.equals("/") && model.isEmpty(directory)) {
            fs.paths().rmdir(b(directory), Caller.ROOT);
            model.touched(directory, model.at(directory));
            model.paths.remove(directory);
          }
        }
        case 9, 10 -> rename(random.nextInt(3) == 0 ? some(true) : file, target);
        default -> {
          if (!file.isEmpty()) {
            int mode = 0600 + random.nextInt(8);
            fs.paths().setattr(b(file), true, new SetAttr().mode(mode), Caller.ROOT);
            model.at(file).mode = mode;
            model.at(file).touches = model.clock.getAndIncrement();
          }
        }
      }
    }

    private void create(String path) {
      fs.paths().open(b(path), OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0644, Caller.ROOT).close();
      Node made = new Node(model.clock.getAndIncrement(), false);
      made.mode = 0644;
      model.paths.put(path, made);
      model.touched(path, made);
    }

    private void write(String path) {
      byte[] data = new byte[1 + random.nextInt(random.nextBoolean() ? 300 : 9000)];
      random.nextBytes(data);
      try (FileHandle file = fs.paths().open(b(path), OpenFlags.O_RDWR, 0, Caller.ROOT)) {
        file.write(random.nextInt(5000), MemorySegment.ofArray(data), 0, data.length);
      }
      model.at(path).version = model.clock.getAndIncrement();
      model.at(path).touches = model.clock.getAndIncrement();
    }

    private void rename(String from, String to) {
      Node target = model.paths.get(to);
      if (from.isEmpty()
          || from.equals("/")
          || to.equals(from)
          || to.startsWith(from + "/")
          || from.startsWith(to + "/")
          || (target != null && (target.directory || model.at(from).directory))
          || target == model.at(from)) {
        return;
      }
      fs.paths().rename(b(from), b(to), 0, Caller.ROOT);
      if (target != null) {
        model.touched(to, target);
      }
      model.touched(from, model.at(from));
      model.touched(to, model.at(from));
      TreeMap<String, Node> moved = new TreeMap<>();
      model.paths.forEach(
          (path, node) -> {
            if (path.equals(from) || path.startsWith(from + "/")) {
              moved.put(to + path.substring(from.length()), node);
            }
          });
      model.paths.keySet().removeIf(path -> path.equals(from) || path.startsWith(from + "/"));
      model.paths.putAll(moved);
    }
  }

  static LongStream seeds() {
    return LongStream.rangeClosed(1, Boolean.getBoolean("lcpfs.trust.all") ? 400 : 12);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void whatIsToldOfTwoSnapshotsIsWhatHappened(long seed) {
    Random random = new Random(seed);
    MemoryDisk disk = MemoryDisk.ofBytes(512, 64 << 20);
    PoolEngine pool = world.create(disk);
    opened = pool;
    PosixFileSystem fs = world.format(pool);
    Actor actor = new Actor(fs, new Model(), random);
    int crowd = random.nextInt(3) == 0 ? 700 : 0; // a directory of several blocks
    for (int i = 0; i < crowd; i++) {
      actor.create("/crowd" + i);
    }
    List<Model> taken = new ArrayList<>();
    for (int step = 0; step < STEPS; step++) {
      actor.step();
      if (random.nextInt(30) == 0 || step == STEPS - 1 || step == 0) {
        pool.snapshot(List.of(""), "s" + taken.size());
        taken.add(actor.model.copy());
      } else if (random.nextInt(20) == 0) {
        pool.sync();
      }
    }
    List<PosixFileSystem> views = new ArrayList<>();
    for (int i = 0; i < taken.size(); i++) {
      views.add(
          PosixFileSystem.open(
              pool.snapshotObjects("", "s" + i), world.env, FsOptions.DEFAULTS.withReadOnly(true)));
    }
    for (int i = 0; i < taken.size(); i++) {
      for (int j = 0; j < taken.size(); j++) {
        List<FileChange> told = new ArrayList<>();
        FileDiff.between(views.get(i), views.get(j), told::add);
        check(taken.get(i), taken.get(j), told, "seed " + seed + " s" + i + " to s" + j);
      }
    }
    views.forEach(PosixFileSystem::close);
    fs.close();
  }

  private PosixFileSystem view(PoolEngine pool, String path, String snapshot) {
    return PosixFileSystem.open(
        pool.snapshotObjects(path, snapshot), world.env, FsOptions.DEFAULTS.withReadOnly(true));
  }

  /** Two datasets that part at a snapshot and change on, both with the same numbers of files. */
  @ParameterizedTest
  @MethodSource("seeds")
  void whatIsToldOfTwoThatHavePartedIsHowTheyDiffer(long seed) {
    Random random = new Random(seed);
    PoolEngine pool = world.create(MemoryDisk.ofBytes(512, 64 << 20));
    opened = pool;
    PosixFileSystem fs = world.format(pool);
    Actor actor = new Actor(fs, new Model(), random);
    int crowd = random.nextInt(3) == 0 ? 300 : 0;
    for (int i = 0; i < crowd; i++) {
      actor.create("/crowd" + i);
    }
    for (int step = 0; step < STEPS; step++) {
      actor.step();
    }
    pool.snapshot(List.of(""), "common");
    Model common = actor.model.copy();
    pool.cloneSnapshot("", "common", "c", new TreeMap<>());
    // Opened anew, both number what they make from the same start.
    fs.close();
    fs = world.mount(pool);
    PosixFileSystem clone =
        PosixFileSystem.open(
            pool.objectSet("c", DatasetPolicy.DEFAULT), world.env, FsOptions.DEFAULTS);
    actor = new Actor(fs, actor.model, random);
    Actor other = new Actor(clone, common.copy(), random);
    List<Model> models = new ArrayList<>(List.of(common));
    List<PosixFileSystem> views = new ArrayList<>(List.of(view(pool, "", "common")));
    List<String> sides = new ArrayList<>(List.of("both"));
    for (int step = 0; step < STEPS; step++) {
      (random.nextBoolean() ? actor : other).step();
      if (random.nextInt(60) == 0 || step >= STEPS - 2) {
        boolean first = step % 2 == 0;
        pool.snapshot(List.of(first ? "" : "c"), "s" + step);
        models.add((first ? actor : other).model.copy());
        views.add(view(pool, first ? "" : "c", "s" + step));
        sides.add(first ? "origin" : "clone");
      }
    }
    for (int i = 0; i < models.size(); i++) {
      for (int j = 0; j < models.size(); j++) {
        boolean parted = i > 0 && j > 0 && !sides.get(i).equals(sides.get(j));
        List<FileChange> told = new ArrayList<>();
        FileDiff.between(views.get(i), views.get(j), parted ? views.getFirst() : null, told::add);
        check(models.get(i), models.get(j), told, "seed " + seed + " " + i + " to " + j);
      }
    }
    views.forEach(PosixFileSystem::close);
    clone.close();
    fs.close();
  }
}
