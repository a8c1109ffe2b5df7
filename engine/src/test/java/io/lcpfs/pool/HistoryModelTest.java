package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.stream.ReceiveOptions;
import io.lcpfs.stream.SendOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random histories of all that changes in time, together: writes, blocks cloned between files and
 * datasets, snapshots, clones, promotes, rollbacks, renames, destroys, and streams that are sent,
 * cut, resumed or dropped and received, over imports and power losses. Every dataset and snapshot
 * reads as the model says, the pool's check recounts every byte, what datasets use adds up, and
 * when all is destroyed the space is back.
 *
 * <p>{@code -Dlcpfs.histories=10000} takes so many instead of 8, from {@code -Dlcpfs.history=1} on.
 */
class HistoryModelTest {
  private static final int STEPS = 120;
  private static final int MOST_DATASETS = 8;
  private static final int MOST_SNAPSHOTS = 24;

  /** What is shorter is no stream. */
  private static final int PREAMBLE_BYTES = 32;

  private static final int CREATE = OpenFlags.O_RDWR | OpenFlags.O_CREAT;

  /** A snapshot as it should be; received ones share their contents with what was sent. */
  private static final class Taken {
    final String name;
    final long guid;
    final TreeMap<String, byte[]> files;

    Taken(String name, long guid, TreeMap<String, byte[]> files) {
      this.name = name;
      this.guid = guid;
      this.files = files;
    }

    Taken received() {
      return new Taken(name, guid, files);
    }
  }

  /** A dataset as it should be. */
  private static final class Model {
    String name;
    TreeMap<String, byte[]> files = new TreeMap<>();
    final List<Taken> snapshots = new ArrayList<>();
    @Nullable Taken origin;

    Model(String name) {
      this.name = name;
    }
  }

  private final RealEnv env = new RealEnv();
  private final Tuning tuning =
      Tuning.standard()
          .withCacheBytes(16L << 20)
          .withDirtyBytes(4L << 20)
          .withPoison(true)
          .withBlocksFreedAtOnce(50);

  private MemoryDisk disk = MemoryDisk.ofBytes(512, 64 << 20);
  private @Nullable Pool opened;
  private Random random = new Random();
  private final TreeMap<String, Model> datasets = new TreeMap<>();
  private int made;

  @AfterEach
  void close() {
    try (env) {
      Pool left = opened; // by a test that failed
      if (left != null) {
        left.close();
      }
    }
  }

  private Pool pool() {
    return Objects.requireNonNull(opened);
  }

  static LongStream seeds() {
    long first = Long.getLong("lcpfs.history", 1);
    return LongStream.range(first, first + Long.getLong("lcpfs.histories", 8));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  @Timeout(300)
  void everythingIsWhatItShouldBe(long seed) {
    random = new Random(seed);
    CreateOptions named = CreateOptions.named("tank").withSmallDevices(true).withTuning(tuning);
    opened = Pool.create(List.of(disk), named, env);
    datasets.put("tank", new Model("tank"));
    pool().dataset("tank").fileSystem();
    settle();
    final long atFirst = pool().status().allocatedBytes();
    for (int step = 0; step < STEPS; step++) {
      step(random.nextInt(100));
    }
    check();
    destroyAll();
    check();
    settle();
    // Maps grow, and some of the pool's own objects are made when they are first needed.
    assertThat(pool().status().allocatedBytes() - atFirst).isLessThan(1 << 20);
    pool().close();
    opened = null;
  }

  private void step(int kind) {
    Model some = pick(List.copyOf(datasets.values()));
    if (kind < 30) {
      change(some);
    } else if (kind < 45) {
      cloneRange(some, pick(List.copyOf(datasets.values())));
    } else if (kind < 57) {
      snapshot(some);
    } else if (kind < 61) {
      create(some);
    } else if (kind < 66) {
      cloneOne(some);
    } else if (kind < 70) {
      promote(some);
    } else if (kind < 73) {
      rollback(some);
    } else if (kind < 80) {
      destroySnapshot(some);
    } else if (kind < 82) {
      destroyDataset(some);
    } else if (kind < 83) {
      destroyWithClones(some);
    } else if (kind < 85) {
      rename(some);
    } else if (kind < 93) {
      send(some);
    } else if (kind < 97) {
      pool().sync();
    } else if (kind < 98) {
      importAgain(random.nextBoolean());
    } else {
      check();
    }
  }

  private <T> T pick(List<T> from) {
    return from.get(random.nextInt(from.size()));
  }

  private static byte[] path(String name) {
    return name.getBytes(UTF_8);
  }

  private static void refused(Errno errno, Runnable what) {
    assertThatThrownBy(what::run)
        .isInstanceOfSatisfying(
            PoolException.class, e -> assertThat(e.errno()).as(e.getMessage()).isEqualTo(errno));
  }

  private PosixFileSystem files(Model model) {
    return pool().dataset(model.name).fileSystem();
  }

  private long snapshotCount() {
    return datasets.values().stream().mapToLong(model -> model.snapshots.size()).sum();
  }

  // ---- files

  private void change(Model model) {
    PosixFileSystem fs = files(model);
    String name = "f" + random.nextInt(12);
    byte[] content = model.files.get(name);
    if (content != null && random.nextInt(5) == 0) {
      fs.paths().unlink(path(name), Caller.ROOT);
      model.files.remove(name);
      return;
    }
    byte[] old = content == null ? new byte[0] : content;
    try (FileHandle file = fs.paths().open(path(name), CREATE, 0644, Caller.ROOT)) {
      if (random.nextInt(6) == 0) {
        int size = random.nextInt(30_000);
        file.truncate(size);
        model.files.put(name, Arrays.copyOf(old, size));
        return;
      }
      int at = random.nextInt(old.length + 1);
      byte[] data = new byte[1 + random.nextInt(random.nextBoolean() ? 300 : 30_000)];
      if (random.nextInt(4) > 0) {
        random.nextBytes(data);
      }
      byte[] next = Arrays.copyOf(old, Math.max(old.length, at + data.length));
      System.arraycopy(data, 0, next, at, data.length);
      assertThat(file.write(at, MemorySegment.ofArray(data), 0, data.length))
          .isEqualTo(data.length);
      model.files.put(name, next);
    }
  }

  private void cloneRange(Model from, Model to) {
    if (from.files.isEmpty()) {
      return;
    }
    String source = pick(List.copyOf(from.files.keySet()));
    String target = "f" + random.nextInt(12);
    if (from == to && source.equals(target)) {
      return;
    }
    byte[] content = Objects.requireNonNull(from.files.get(source));
    byte[] before = to.files.getOrDefault(target, new byte[0]);
    int at = random.nextInt(3) > 0 ? 0 : random.nextInt(before.length / 4096 + 1) * 4096;
    if (at > 200_000) {
      return;
    }
    try (FileHandle in = files(from).paths().open(path(source), CREATE, 0644, Caller.ROOT);
        FileHandle out = files(to).paths().open(path(target), CREATE, 0644, Caller.ROOT)) {
      assertThat(out.copyFrom(in, 0, at, content.length, false)).isEqualTo(content.length);
    }
    byte[] next =
        content.length == 0
            ? before
            : Arrays.copyOf(before, Math.max(before.length, at + content.length));
    System.arraycopy(content, 0, next, Math.min(at, next.length - content.length), content.length);
    to.files.put(target, next);
  }

  // ---- datasets

  private static TreeMap<String, byte[]> copy(TreeMap<String, byte[]> files) {
    TreeMap<String, byte[]> copy = new TreeMap<>();
    files.forEach((name, content) -> copy.put(name, content.clone()));
    return copy;
  }

  private Map<String, String> properties() {
    return Map.of(
        "recordsize",
        Integer.toString(4096 << random.nextInt(2)),
        "compression",
        pick(List.of("off", "lz4", "zstd")));
  }

  private void create(Model parent) {
    if (datasets.size() < MOST_DATASETS) {
      Model model = new Model(parent.name + "/d" + made++);
      pool().createDataset(model.name, properties(), false);
      datasets.put(model.name, model);
    }
  }

  private void snapshot(Model model) {
    if (snapshotCount() < MOST_SNAPSHOTS) {
      files(model);
      String name = "s" + made++;
      long guid = pool().dataset(model.name).snapshot(name).guid();
      model.snapshots.add(new Taken(name, guid, copy(model.files)));
    }
  }

  private void cloneOne(Model from) {
    if (from.snapshots.isEmpty() || datasets.size() >= MOST_DATASETS) {
      return;
    }
    Taken origin = pick(from.snapshots);
    Model clone = new Model(pick(List.copyOf(datasets.keySet())) + "/c" + made++);
    pool().snapshot(from.name + "@" + origin.name).cloneTo(clone.name, properties());
    clone.files = copy(origin.files);
    clone.origin = origin;
    datasets.put(clone.name, clone);
  }

  private boolean hasClones(Taken snapshot) {
    return datasets.values().stream().anyMatch(model -> model.origin == snapshot);
  }

  private Model ownerOf(Taken snapshot) {
    return datasets.values().stream()
        .filter(model -> model.snapshots.contains(snapshot))
        .findFirst()
        .orElseThrow();
  }

  private void promote(Model clone) {
    Dataset dataset = pool().dataset(clone.name);
    Taken origin = clone.origin;
    if (origin == null) {
      refused(Errno.EINVAL, dataset::promote);
      return;
    }
    Model parent = ownerOf(origin);
    int end = parent.snapshots.indexOf(origin) + 1;
    List<Taken> moved = List.copyOf(parent.snapshots.subList(0, end));
    if (moved.stream().anyMatch(one -> named(clone, one.name) != null)) {
      refused(Errno.EEXIST, dataset::promote); // both have received it
      return;
    }
    dataset.promote();
    clone.snapshots.addAll(0, moved);
    parent.snapshots.subList(0, end).clear();
    clone.origin = parent.origin;
    parent.origin = origin;
  }

  private static @Nullable Taken named(Model model, String name) {
    return model.snapshots.stream().filter(one -> one.name.equals(name)).findFirst().orElse(null);
  }

  private void rollback(Model model) {
    if (model.snapshots.isEmpty()) {
      return;
    }
    int to = random.nextInt(model.snapshots.size());
    List<Taken> newer = model.snapshots.subList(to + 1, model.snapshots.size());
    Taken target = model.snapshots.get(to);
    Dataset dataset = pool().dataset(model.name);
    if (newer.stream().anyMatch(this::hasClones)) {
      refused(Errno.EBUSY, () -> dataset.rollback(target.name, true));
      return;
    }
    if (!newer.isEmpty() && random.nextInt(3) > 0) {
      refused(Errno.EEXIST, () -> dataset.rollback(target.name, false));
      return;
    }
    dataset.rollback(target.name, true);
    newer.clear();
    model.files = copy(target.files);
  }

  private void destroySnapshot(Model model) {
    if (model.snapshots.isEmpty()) {
      return;
    }
    Taken one = pick(model.snapshots);
    if (hasClones(one)) {
      refused(Errno.EBUSY, () -> pool().snapshot(model.name + "@" + one.name).destroy());
      return;
    }
    pool().snapshot(model.name + "@" + one.name).destroy();
    model.snapshots.remove(one);
  }

  private List<Model> below(Model top) {
    return datasets.values().stream()
        .filter(model -> model == top || model.name.startsWith(top.name + "/"))
        .toList();
  }

  private boolean destroyDataset(Model model) {
    if (model.name.equals("tank")
        || below(model).stream()
            .anyMatch(one -> one.snapshots.stream().anyMatch(this::hasClones))) {
      return false;
    }
    pool().destroyDataset(model.name, true);
    below(model).forEach(one -> datasets.remove(one.name));
    return true;
  }

  /** Whether there is an order in which each goes after those below it and after its clones. */
  private boolean canGo(Set<Model> doomed) {
    Set<Model> left = new LinkedHashSet<>(doomed);
    while (!left.isEmpty()) {
      boolean any =
          left.removeIf(
              model ->
                  left.stream().noneMatch(one -> one.name.startsWith(model.name + "/"))
                      && left.stream().noneMatch(one -> model.snapshots.contains(one.origin)));
      if (!any) {
        return false;
      }
    }
    return true;
  }

  /** With all that began as a snapshot of what goes. */
  private boolean destroyWithClones(Model top) {
    Set<Model> doomed = new LinkedHashSet<>(below(top));
    List<Model> todo = new ArrayList<>(doomed);
    while (!todo.isEmpty()) {
      List<Taken> going = todo.removeFirst().snapshots;
      for (Model clone : List.copyOf(datasets.values())) {
        if (going.contains(clone.origin)) {
          below(clone).stream().filter(doomed::add).forEach(todo::add);
        }
      }
    }
    if (doomed.contains(datasets.get("tank")) || !canGo(doomed)) {
      refused(Errno.EBUSY, () -> pool().destroyWithClones(top.name));
      return false;
    }
    pool().destroyWithClones(top.name);
    doomed.forEach(one -> datasets.remove(one.name));
    return true;
  }

  private void rename(Model model) {
    Model parent = pick(List.copyOf(datasets.values()));
    if (model.name.equals("tank") || below(model).contains(parent)) {
      return;
    }
    String from = model.name;
    String to = parent.name + "/n" + made++;
    pool().renameDataset(from, to);
    for (Model one : below(model)) {
      datasets.remove(one.name);
      one.name = to + one.name.substring(from.length());
      datasets.put(one.name, one);
    }
  }

  // ---- streams

  private void send(Model from) {
    if (from.snapshots.isEmpty() || snapshotCount() >= MOST_SNAPSHOTS) {
      return;
    }
    int to = random.nextInt(from.snapshots.size());
    Taken sent = from.snapshots.get(to);
    SendOptions options = SendOptions.FULL.withCompressed(random.nextBoolean());
    Model target = null;
    for (int base = to - 1; base >= 0 && target == null; base--) {
      target = continuing(from, base, to);
      if (target != null) {
        Taken last = target.snapshots.getLast();
        boolean between = random.nextBoolean();
        Model into = target;
        byte[] stream = stream(from, sent, options.withFrom(last.name).withIntermediates(between));
        deliver(target, stream, between && base < to - 1);
        if (between) {
          from.snapshots.subList(base + 1, to).forEach(one -> into.snapshots.add(one.received()));
        }
        target.snapshots.add(sent.received());
        target.files = copy(sent.files);
      }
    }
    if (target == null && datasets.size() < MOST_DATASETS) {
      target = new Model(pick(List.copyOf(datasets.keySet())) + "/r" + made++);
      deliver(target, stream(from, sent, options), false);
      target.snapshots.add(sent.received());
      target.files = copy(sent.files);
      datasets.put(target.name, target);
    }
  }

  /** A dataset that has received a snapshot, and nothing since, which can be continued. */
  private @Nullable Model continuing(Model from, int base, int to) {
    Taken last = from.snapshots.get(base);
    List<Taken> more = from.snapshots.subList(base + 1, to + 1);
    return datasets.values().stream()
        .filter(
            model ->
                model != from
                    && !model.snapshots.isEmpty()
                    && model.snapshots.getLast().guid == last.guid
                    && more.stream().allMatch(one -> named(model, one.name) == null))
        .findFirst()
        .orElse(null);
  }

  private byte[] stream(Model from, Taken snapshot, SendOptions options) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    pool().snapshot(from.name + "@" + snapshot.name).send(out, options);
    return out.toByteArray();
  }

  private void deliver(Model target, byte[] whole, boolean several) {
    byte[] stream = whole;
    boolean kept = false;
    while (!several && random.nextInt(3) == 0) {
      boolean resumable = random.nextBoolean();
      byte[] cut =
          Arrays.copyOf(stream, PREAMBLE_BYTES + random.nextInt(stream.length - PREAMBLE_BYTES));
      refused(Errno.EIO, () -> receive(target, cut, resumable));
      if (random.nextInt(4) == 0) {
        importAgain(random.nextBoolean());
      }
      String token = token(target);
      assertThat(resumable || kept || token.isEmpty()).isTrue();
      kept = !token.isEmpty();
      if (!token.isEmpty() && random.nextBoolean()) {
        ByteArrayOutputStream rest = new ByteArrayOutputStream();
        pool().streams().resuming(token, p -> {}).send(rest);
        stream = rest.toByteArray();
      } else {
        if (!token.isEmpty()) {
          pool().streams().drop(target.name);
        }
        kept = false;
        stream = whole;
      }
    }
    receive(target, stream, random.nextBoolean());
  }

  private void receive(Model target, byte[] stream, boolean resumable) {
    pool()
        .receive(
            new ByteArrayInputStream(stream),
            target.name,
            ReceiveOptions.STANDARD.withForce(true).withResumable(resumable));
  }

  private String token(Model target) {
    String at =
        datasets.containsKey(target.name)
            ? target.name
            : target.name.substring(0, target.name.lastIndexOf('/'));
    String token = pool().dataset(at).property("receive_resume_token").value();
    return token.equals("-") ? "" : token;
  }

  // ---- the pool

  private void importAgain(boolean powerLost) {
    if (powerLost) {
      pool().sync();
      byte[] image = disk.image();
      pool().close();
      disk = new MemoryDisk(512, image);
    } else {
      pool().close();
    }
    OpenOptions options = OpenOptions.standard().withTuning(tuning).withForce(true);
    opened = Pool.open(List.of(disk), options, env);
  }

  private void check() {
    assertThat(pool().verify(p -> {}).findings()).isEmpty();
    assertThat(pool().status().problems()).isEmpty();
    assertThat(pool().datasets().stream().map(Dataset::name))
        .containsExactlyInAnyOrderElementsOf(datasets.keySet());
    for (Model model : datasets.values()) {
      Dataset dataset = pool().dataset(model.name);
      ModelFiles.same(dataset.fileSystem(), model.files, model.name);
      Taken origin = model.origin;
      assertThat(dataset.origin().orElse(""))
          .isEqualTo(origin == null ? "" : ownerOf(origin).name + "@" + origin.name);
      assertThat(dataset.snapshots().stream().map(one -> one.shortName() + " " + one.guid()))
          .as(model.name)
          .containsExactlyElementsOf(
              model.snapshots.stream().map(one -> one.name + " " + one.guid).toList());
      for (Taken one : model.snapshots) {
        String name = model.name + "@" + one.name;
        ModelFiles.same(pool().snapshot(name).fileSystem(), one.files, name);
      }
    }
    pool().sync();
    for (Model model : datasets.values()) {
      SpaceInfo space = pool().dataset(model.name).space();
      long children =
          datasets.values().stream()
              .filter(one -> one.name.lastIndexOf('/') == model.name.length())
              .filter(one -> one.name.startsWith(model.name + "/"))
              .mapToLong(one -> pool().dataset(one.name).usedBytes())
              .sum();
      assertThat(space.childrenBytes()).as(model.name).isEqualTo(children);
      assertThat(space.usedBytes())
          .isEqualTo(space.datasetBytes() + space.snapshotBytes() + children);
    }
  }

  /** Everything but the root, which may itself be a clone by now. */
  private void destroyAll() {
    Model root = Objects.requireNonNull(datasets.get("tank"));
    while (root.origin != null) {
      promote(root);
    }
    while (datasets.size() > 1) {
      Model model = pick(List.copyOf(datasets.values()));
      if (!destroyDataset(model) && !destroyWithClones(model) && model.origin != null) {
        promote(model);
      }
    }
    while (!root.snapshots.isEmpty()) {
      destroySnapshot(root);
    }
    for (String name : List.copyOf(root.files.keySet())) {
      files(root).paths().unlink(path(name), Caller.ROOT);
      root.files.remove(name);
    }
  }

  private void settle() {
    long end = System.nanoTime() + 20_000_000_000L;
    while (pool().status().freeingBytes() > 0) {
      assertThat(System.nanoTime()).as("freeing goes on").isLessThan(end);
      Thread.onSpinWait();
    }
    for (int i = 0; i < 4; i++) { // what was freed is kept back for two groups
      pool().sync();
    }
  }
}
