package io.lcpfs.fuzz;

import static io.lcpfs.posix.PathCalls.path;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.management.ThreadMXBean;
import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.pool.PoolEngines;
import io.lcpfs.pool.VerifyReport;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Does with an image what a person would do with a pool from a stranger: looks at its labels,
 * imports it, lists, reads and verifies everything, and then writes, removes and destroys. Whatever
 * the bytes are, each step must end, within bounds of memory and device traffic, with a result or a
 * PoolException.
 */
final class HostileRun {
  /** Heap that one step may allocate: the pool has 16 MiB. */
  private static final long STEP_HEAP_BYTES = 256L << 20;

  /** Device traffic of one run. */
  private static final long TRAFFIC_BYTES = 2L << 30;

  private static final long TIMEOUT_MILLIS = 30_000;
  private static final int MOST_FILES = 4000;
  private static final int MOST_SEEKS = 64;
  private static final int WINDOW_BYTES = 64 << 10;
  private static final Caller ROOT = Caller.ROOT;

  /**
   * What came of it.
   *
   * @param imported whether the import succeeded
   * @param refusals what the PoolExceptions said, in order
   * @param findings what verify found; empty when it did not come to that
   * @param verified whether verify ended with a report
   */
  record Outcome(
      boolean imported,
      List<String> refusals,
      List<VerifyReport.Finding> findings,
      boolean verified) {

    /** Whether the damage was told of: refused, found, or both. */
    boolean told() {
      return !imported || !findings.isEmpty();
    }
  }

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final ImageDevice device;
  private final RealEnv env;
  private final boolean writable;
  private final boolean rewind;
  private final List<String> refusals = new ArrayList<>();
  private List<VerifyReport.Finding> findings = List.of();
  private boolean imported;
  private boolean verified;
  private volatile String step = "";

  private HostileRun(byte[] image, RealEnv env, boolean writable, boolean rewind) {
    this.rewind = rewind;
    this.device = new ImageDevice(image);
    this.env = env;
    this.writable = writable;
  }

  /** Reads everything; the image stays as it is. */
  static Outcome read(byte[] image, RealEnv env) {
    return new HostileRun(image, env, false, false).run();
  }

  /** Reads everything, then changes and removes; changes the image. */
  static Outcome use(byte[] image, RealEnv env) {
    return new HostileRun(image, env, true, false).run();
  }

  /** Goes back to the pool's checkpoint, then as {@link #use}; changes the image. */
  static Outcome goBack(byte[] image, RealEnv env) {
    return new HostileRun(image, env, true, true).run();
  }

  private Outcome run() {
    device.limit(TRAFFIC_BYTES);
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .name("hostile-run")
            .start(
                () -> {
                  try {
                    all();
                  } catch (Throwable e) {
                    failure.set(e);
                  }
                });
    try {
      thread.join(TIMEOUT_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (thread.isAlive()) {
      AssertionError hang = new AssertionError("'" + step + "' does not end");
      hang.setStackTrace(thread.getStackTrace());
      throw hang;
    }
    Throwable thrown = failure.get();
    if (thrown != null) {
      throw new AssertionError("'" + step + "' ended with " + thrown, thrown);
    }
    if (device.overBudget()) {
      throw new AssertionError("the run moved more than " + TRAFFIC_BYTES + " bytes: " + refusals);
    }
    return new Outcome(imported, List.copyOf(refusals), findings, verified);
  }

  private interface Step {
    void run();
  }

  /** Runs a step; whether it ended without a PoolException. */
  private boolean step(String name, Step body) {
    step = name;
    long before = THREADS.getCurrentThreadAllocatedBytes();
    boolean done = false;
    try {
      body.run();
      done = true;
    } catch (PoolException e) {
      refusals.add(name + ": " + e.error().message());
    }
    long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
    if (allocated > STEP_HEAP_BYTES) {
      throw new AssertionError("'" + name + "' allocated " + allocated + " bytes of heap");
    }
    return done;
  }

  private void all() {
    step("label", () -> PoolEngines.readLabel(device));
    step("debug label", () -> PoolEngines.debugDevice(device, "label", List.of()));
    OpenOptions options =
        OpenOptions.standard()
            .withReadOnly(!writable)
            .withTuning(SoundImage.tuning())
            .withRewind(rewind);
    Pool[] opened = new Pool[1];
    imported = step("import", () -> opened[0] = Pool.open(List.of(device), options, env));
    if (!imported) {
      return;
    }
    try {
      look(opened[0]);
      if (writable) {
        change(opened[0]);
      }
    } finally {
      step("close", opened[0]::close);
    }
  }

  private void look(Pool pool) {
    step("status", pool::status);
    step("properties", pool::properties);
    step("history", pool::history);
    for (String what : List.of("uberblock", "layout", "config", "mos")) {
      step("debug " + what, () -> pool.debug(what, List.of()));
    }
    List<Dataset> datasets = new ArrayList<>();
    step("datasets", () -> datasets.addAll(pool.datasets()));
    for (Dataset dataset : datasets) {
      step("properties of " + dataset, dataset::properties);
      step("files of " + dataset, () -> files(dataset.fileSystem()));
    }
    verified = step("verify", () -> findings = pool.verify(progress -> {}).findings());
  }

  /** Every file that names lead to, each inode once. */
  private void files(PosixFileSystem fs) {
    step("statfs", fs::statfs);
    ArrayDeque<Long> todo = new ArrayDeque<>();
    TreeSet<Long> seen = new TreeSet<>();
    todo.add(fs.rootInode());
    while (!todo.isEmpty() && seen.size() < MOST_FILES) {
      long inode = todo.remove();
      if (!seen.add(inode)) {
        continue;
      }
      step(
          "inode " + inode,
          () -> {
            Attr attr = fs.getattr(inode);
            if (attr.isDirectory()) {
              directory(fs, inode, todo);
            } else if (attr.isSymlink()) {
              fs.readlink(inode);
            } else if (attr.isRegular()) {
              content(fs, inode, attr.size());
            }
          });
      step(
          "xattrs of " + inode,
          () -> {
            for (byte[] name : fs.listxattr(inode, ROOT)) {
              step("xattr of " + inode, () -> fs.getxattr(inode, name, ROOT));
            }
          });
    }
    for (String name :
        List.of(
            "/d1/d2/d3/../../tail0",
            "/short-link/d3",
            "/loop",
            "/long-link",
            "/many/name-of-some-length-17",
            "/none")) {
      step("stat " + name, () -> fs.paths().stat(path(name), ROOT));
    }
  }

  private void directory(PosixFileSystem fs, long inode, ArrayDeque<Long> todo) {
    List<byte[]> names = new ArrayList<>();
    try (FileHandle handle = fs.open(inode, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, ROOT)) {
      fs.readdir(
          handle,
          0,
          (cookie, name, child, type) -> {
            if (cookie > 2) {
              names.add(name.clone());
            }
            return names.size() < MOST_FILES;
          });
    } finally {
      for (byte[] name : names) {
        step(
            "lookup " + new String(name, UTF_8),
            () -> todo.add(fs.lookup(inode, name, ROOT).inode()));
      }
    }
  }

  private void content(PosixFileSystem fs, long inode, long size) {
    MemorySegment window = MemorySegment.ofArray(new byte[WINDOW_BYTES]);
    try (FileHandle handle = fs.open(inode, OpenFlags.O_RDONLY, ROOT)) {
      for (long at = 0; at < Math.min(size, 4L << 20); at += WINDOW_BYTES) {
        long from = at;
        step("read " + inode + " at " + at, () -> handle.read(from, window, 0, WINDOW_BYTES));
      }
      step(
          "read the end of " + inode,
          () -> handle.read(Math.max(0, size - 100), window, 0, WINDOW_BYTES));
      step("read the middle of " + inode, () -> handle.read(size / 2, window, 0, 1000));
      step(
          "seek in " + inode,
          () -> {
            long at = 0;
            for (int i = 0; i < MOST_SEEKS && at < size; i++) {
              long data = handle.seekData(at);
              at = handle.seekHole(data);
              handle.read(data, window, 0, 100);
            }
          });
    }
  }

  private void change(Pool pool) {
    step("add history", () -> pool.addHistory("fuzz", "was here"));
    step("set", () -> pool.setProperty("comment", "hello"));
    List<Dataset> datasets = new ArrayList<>();
    step("datasets again", () -> datasets.addAll(pool.datasets()));
    for (Dataset dataset : datasets) {
      step("change files of " + dataset, () -> changeFiles(dataset.fileSystem()));
      step("snapshot of " + dataset, () -> dataset.snapshot("new"));
      step("set of " + dataset, () -> dataset.setProperty("user:x", "y"));
    }
    step("sync", pool::sync);
    for (Dataset dataset : datasets) {
      snapshots(dataset);
      step("change after it " + dataset, () -> changeFiles(dataset.fileSystem()));
      step("rename in " + dataset, () -> pool.snapshot(dataset + "@new").rename("newer"));
      step(
          "bookmark in " + dataset,
          () -> dataset.createBookmark(pool.snapshot(dataset + "@s1"), "new"));
      step("end of a bookmark in " + dataset, () -> dataset.destroyBookmark("mark"));
      step("hold in " + dataset, () -> pool.snapshot(dataset + "@s1").hold("mine"));
      step("destroy later", () -> dataset.destroySnapshotsLater(List.of("s1", "s3")));
      for (String tag : List.of("keep", "another")) {
        step("release " + dataset, () -> pool.snapshot(dataset + "@s2").release(tag));
      }
      step("release in " + dataset, () -> pool.snapshot(dataset + "@s1").release("mine"));
      for (String name : List.of("s2", "s1", "newer", "s3")) {
        step("destroy " + dataset + "@" + name, () -> dataset.destroySnapshots(List.of(name)));
      }
    }
    step("clone", () -> pool.snapshot("tank/a/b@s3").cloneTo("tank/e", java.util.Map.of()));
    step("clone again", () -> pool.snapshot("tank/a@s3").cloneTo("tank/e", java.util.Map.of()));
    step("promote", () -> pool.dataset("tank/a/d").promote());
    step("change the clone", () -> changeFiles(pool.dataset("tank/a/d").fileSystem()));
    step("roll back", () -> pool.dataset("tank/a/d").rollback("own", true));
    step("roll back", () -> pool.dataset("tank/a").rollback("s3", true));
    step("destroy with clones", () -> pool.destroyWithClones("tank/a/d"));
    step("create", () -> pool.createDataset("tank/new/more", java.util.Map.of(), true));
    step("rename", () -> pool.renameDataset("tank/a/c", "tank/c"));
    step("destroy", () -> pool.destroyDataset("tank/a", true));
    step("sync again", pool::sync);
    step("verify again", () -> pool.verify(progress -> {}));
    step("status again", pool::status);
    step("export", pool::export);
  }

  private void snapshots(Dataset dataset) {
    List<Snapshot> found = new ArrayList<>();
    step("bookmarks of " + dataset, dataset::bookmarks);
    step("snapshots of " + dataset, () -> found.addAll(dataset.snapshots()));
    for (int i = 1; i < found.size(); i++) {
      Snapshot before = found.get(i - 1);
      Snapshot after = found.get(i);
      step("diff of " + before + " and " + after, () -> before.diff(after, change -> {}));
    }
    if (!found.isEmpty()) {
      step("diff of " + dataset, () -> found.getFirst().diff(dataset, change -> {}));
    }
    for (Snapshot snapshot : found) {
      step("holds of " + snapshot, snapshot::holds);
      step(
          "read " + snapshot,
          () -> {
            PosixFileSystem fs = snapshot.fileSystem();
            content(fs, fs.lookup(fs.rootInode(), path("packed"), ROOT).inode(), 20_000);
          });
    }
  }

  private void changeFiles(PosixFileSystem fs) {
    step("new file", () -> SoundImage.write(fs, "/new", SoundImage.noise(50, 9000), 0));
    step("new small file", () -> SoundImage.write(fs, "/new-small", SoundImage.noise(51, 99), 0));
    step("sync files", fs::sync);
    List<byte[]> files = new ArrayList<>();
    List<byte[]> directories = new ArrayList<>();
    collect(fs, path("/"), files, directories, 0);
    for (byte[] file : files) {
      String name = new String(file, UTF_8);
      step("overwrite " + name, () -> SoundImage.write(fs, name, SoundImage.noise(52, 5000), 0));
      step("append " + name, () -> append(fs, name));
      step(
          "xattr " + name,
          () -> fs.paths().setxattr(file, false, path("user.y"), new byte[300], 0, ROOT));
      step("link " + name, () -> fs.paths().link(file, path(name + "-2"), ROOT));
      step("truncate " + name, () -> fs.paths().setattr(file, true, new SetAttr().size(10), ROOT));
    }
    step("sync changes", fs::sync);
    for (byte[] file : files) {
      step("unlink " + new String(file, UTF_8), () -> fs.paths().unlink(file, ROOT));
    }
    for (byte[] directory : directories.reversed()) {
      step("rmdir " + new String(directory, UTF_8), () -> fs.paths().rmdir(directory, ROOT));
    }
    step("sync removals", fs::sync);
  }

  private static void append(PosixFileSystem fs, String name) {
    try (FileHandle file =
        fs.paths().open(path(name), OpenFlags.O_RDWR | OpenFlags.O_NOFOLLOW, 0, ROOT)) {
      long size = file.size();
      file.write(size, MemorySegment.ofArray(new byte[3000]), 0, 3000);
      file.seekHole(0);
    }
  }

  /** Paths below a directory, links not followed, as deep as paths may be. */
  private void collect(
      PosixFileSystem fs,
      byte[] directory,
      List<byte[]> files,
      List<byte[]> directories,
      int depth) {
    List<byte[]> names = new ArrayList<>();
    step(
        "list " + new String(directory, UTF_8),
        () ->
            fs.paths()
                .list(
                    directory,
                    ROOT,
                    (cookie, name, inode, type) -> {
                      if (cookie > 2) {
                        names.add(name.clone());
                      }
                      return names.size() < 40;
                    }));
    String prefix = new String(directory, UTF_8);
    for (byte[] name : names) {
      byte[] child = path((prefix.endsWith("/") ? prefix : prefix + "/") + new String(name, UTF_8));
      step(
          "lstat",
          () -> {
            if (fs.paths().lstat(child, ROOT).isDirectory()) {
              directories.add(child);
              if (depth < 20 && directories.size() < 500) {
                collect(fs, child, files, directories, depth + 1);
              }
            } else if (files.size() < 200) {
              files.add(child);
            }
          });
    }
  }
}
