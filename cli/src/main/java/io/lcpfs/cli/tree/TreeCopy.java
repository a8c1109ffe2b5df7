package io.lcpfs.cli.tree;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Copies a tree from one side to the other. The calling thread walks; regular files with one name
 * are copied by workers, so that small ones are read while others are written. An entry that fails
 * is reported and the rest goes on, unless nothing further could succeed (no space for content,
 * read-only). An extended attribute that the destination refuses is reported, and the file is there
 * without it. The attributes of a directory are set when everything in it is there.
 */
public final class TreeCopy {
  private static final int BUFFER_BYTES = 1 << 20;
  private static final int QUEUED_FILES = 256;

  private static final List<String> ACCESS_LISTS =
      List.of(PosixFileSystem.XATTR_ACCESS_LIST, PosixFileSystem.XATTR_DEFAULT_LIST);

  /** As the value of an access control list: there is to be none. */
  private static final byte[] NO_LIST = {};

  /** Smaller files are read whole: to look for their holes would take longer. */
  private static final int SPARSE_FROM_BYTES = 64 << 10;

  private final CopyOptions options;
  private final Consumer<PoolException> failures;
  private final CopyReport report = new CopyReport();
  private final ThreadLocal<MemorySegment> buffers =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(BUFFER_BYTES, 4096));
  private final Semaphore room = new Semaphore(QUEUED_FILES);
  private final AtomicReference<@Nullable PoolException> fatal = new AtomicReference<>();
  private final AtomicReference<@Nullable Throwable> bug = new AtomicReference<>();
  private final AtomicBoolean xattrsRefused = new AtomicBoolean();

  /** Where files with several names were copied to, for their other names. */
  private final Map<Attributes.Identity, Place> linked = new HashMap<>();

  /** A copy below the destination: names of directories and the file's own. */
  private record Place(List<byte[]> directories, byte[] name) {}

  /**
   * @param failures called with each failure that does not end the copy, by any thread, one at a
   *     time
   */
  public TreeCopy(CopyOptions options, Consumer<PoolException> failures) {
    this.options = options;
    this.failures = failures;
  }

  /** What was done so far. */
  public CopyReport report() {
    return report;
  }

  /** A directory whose copy is under way: open until the last file in it is copied. */
  private final class OpenCopy {
    private final TreeDirectory from;
    private final TreeDirectory to;
    private final boolean setsAttributes;

    /** Made by this copy: nothing is in it that has to be replaced. */
    private final boolean fresh;

    private final AtomicInteger holds = new AtomicInteger(1);

    OpenCopy(TreeDirectory from, TreeDirectory to, boolean setsAttributes, boolean fresh) {
      this.from = from;
      this.to = to;
      this.setsAttributes = setsAttributes;
      this.fresh = fresh;
    }

    OpenCopy hold() {
      holds.incrementAndGet();
      return this;
    }

    void release() {
      if (holds.decrementAndGet() > 0) {
        return;
      }
      try (from;
          to) {
        if (setsAttributes && fatal.get() == null) {
          copyXattrs(from.xattrs(), to.xattrs(), to.display(), to::setXattr);
          to.apply(options.applied(from.attributes()));
        }
      } catch (PoolException e) {
        failed(e);
      }
    }
  }

  /** Copies the entry {@code name} of {@code from} to {@code newName} in {@code to}. */
  public void copyEntry(TreeDirectory from, byte[] name, TreeDirectory to, byte[] newName) {
    run(
        () -> {
          Attributes attributes = from.stat(name);
          if (attributes == null) {
            throw PoolException.posix(Errno.ENOENT, show(from, name));
          }
          OpenCopy parent = new OpenCopy(new Borrowed(from), new Borrowed(to), false, false);
          entry(
              new Walk(to, to.attributes().identity()),
              parent,
              name,
              attributes,
              newName,
              List.of());
          parent.release();
        });
  }

  /** Copies everything in {@code from} into {@code to}, whose own attributes stay. */
  public void copyContents(TreeDirectory from, TreeDirectory to) {
    run(
        () -> {
          OpenCopy root = new OpenCopy(new Borrowed(from), new Borrowed(to), false, false);
          children(new Walk(to, to.attributes().identity()), root, List.of());
          root.release();
        });
  }

  /** The destination of one call: where links are found again, and what must not be walked into. */
  private record Walk(TreeDirectory root, Attributes.Identity rootIdentity) {}

  private void run(Runnable walk) {
    workers =
        Executors.newFixedThreadPool(
            options.workers(), Thread.ofPlatform().daemon().name("copy-", 0).factory());
    try {
      walk.run();
    } catch (PoolException e) {
      failed(e);
    } finally {
      stopWorkers();
    }
    Throwable thrown = bug.get();
    if (thrown != null) {
      throw new IllegalStateException(thrown);
    }
    PoolException end = fatal.get();
    if (end != null) {
      throw end;
    }
  }

  private @Nullable ExecutorService workers;

  private void stopWorkers() {
    ExecutorService current = workers;
    if (current == null) {
      return;
    }
    current.shutdown();
    boolean interrupted = false;
    while (true) {
      try {
        if (current.awaitTermination(1, TimeUnit.HOURS)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    workers = null;
  }

  /** Whether nothing can be changed there any more. */
  private static boolean isOver(PoolException e) {
    return e.errno() == Errno.EROFS
        || e.error() instanceof PoolError.Suspended
        || e.error() instanceof PoolError.Closed;
  }

  private void failed(PoolException e) {
    // A quota is somebody's: what others own may still fit.
    if (e.errno() == Errno.ENOSPC || isOver(e)) {
      fatal.compareAndSet(null, e);
      return;
    }
    reported(e);
  }

  private void reported(PoolException e) {
    report.failures.incrementAndGet();
    synchronized (failures) {
      failures.accept(e);
    }
  }

  private static String show(TreeDirectory directory, byte[] name) {
    String parent = directory.display();
    return (parent.endsWith("/") ? parent : parent + "/") + HostDirectory.show(name);
  }

  private void children(Walk walk, OpenCopy at, List<byte[]> path) {
    for (byte[] name : at.from.names()) {
      if (fatal.get() != null) {
        return;
      }
      try {
        Attributes attributes = at.from.stat(name);
        // It may have gone since the directory was listed.
        if (attributes != null) {
          entry(walk, at, name, attributes, name, path);
        }
      } catch (PoolException e) {
        failed(e);
      }
    }
  }

  private void entry(
      Walk walk,
      OpenCopy at,
      byte[] name,
      Attributes attributes,
      byte[] newName,
      List<byte[]> path) {
    if (attributes.isDirectory()) {
      directory(walk, at, name, attributes, newName, path);
    } else if (attributes.isRegular()) {
      file(walk, at, name, attributes, newName, path);
    } else if (prepared(at, attributes, newName)) {
      other(at, name, attributes, newName);
    }
  }

  private void directory(
      Walk walk,
      OpenCopy at,
      byte[] name,
      Attributes attributes,
      byte[] newName,
      List<byte[]> path) {
    String display = show(at.from, name);
    if (!options.recursive()) {
      throw PoolException.refused(Errno.EISDIR, display + ": is a directory; add -r to copy it");
    }
    if (attributes.identity().equals(walk.rootIdentity)) {
      throw PoolException.refused(
          Errno.EINVAL, display + ": is where the copy goes; choose a destination outside of it");
    }
    Attributes existing = at.fresh ? null : at.to.stat(newName);
    if (existing == null) {
      at.to.makeDirectory(newName);
    } else if (!existing.isDirectory()) {
      throw PoolException.refused(
          Errno.ENOTDIR,
          show(at.to, newName)
              + ": is no directory but a directory is to be copied there; remove it first");
    }
    TreeDirectory from = at.from.directory(name);
    TreeDirectory to;
    try {
      to = at.to.directory(newName);
    } catch (RuntimeException | Error e) {
      from.close();
      throw e;
    }
    OpenCopy copy = new OpenCopy(from, to, true, existing == null);
    report.directories.incrementAndGet();
    List<byte[]> below = new ArrayList<>(path);
    below.add(newName);
    try {
      children(walk, copy, below);
    } finally {
      copy.release();
    }
  }

  /** Makes sure that {@code newName} is free; false when what is there shall stay. */
  private boolean prepared(OpenCopy at, Attributes source, byte[] newName) {
    Attributes existing = at.fresh ? null : at.to.stat(newName);
    if (existing == null) {
      return true;
    }
    String display = show(at.to, newName);
    if (existing.isDirectory()) {
      throw PoolException.refused(
          Errno.EISDIR,
          display
              + ": is a directory but a file is to be copied there; remove it or copy elsewhere");
    }
    if (existing.identity().equals(source.identity())) {
      throw PoolException.refused(
          Errno.EINVAL, display + ": is the file to be copied itself; choose another name");
    }
    if (options.noClobber()) {
      return false;
    }
    at.to.remove(newName);
    return true;
  }

  private void file(
      Walk walk,
      OpenCopy at,
      byte[] name,
      Attributes attributes,
      byte[] newName,
      List<byte[]> path) {
    if (attributes.nlink() > 1 && options.recursive()) {
      severalNames(walk, at, name, attributes, newName, path);
      return;
    }
    if (!prepared(at, attributes, newName)) {
      return;
    }
    OpenCopy held = at.hold();
    room.acquireUninterruptibly();
    Runnable job =
        () -> {
          try {
            if (fatal.get() == null) {
              copyFile(held, name, newName);
            }
          } catch (PoolException e) {
            failed(e);
          } catch (RuntimeException | Error e) {
            bug.compareAndSet(null, e);
          } finally {
            room.release();
            held.release();
          }
        };
    ExecutorService current = workers;
    if (current == null) {
      throw new RejectedExecutionException("copy outside of run");
    }
    current.execute(job);
  }

  /** At once, not by a worker, so that the first name is there when the second is linked to it. */
  private void severalNames(
      Walk walk,
      OpenCopy at,
      byte[] name,
      Attributes attributes,
      byte[] newName,
      List<byte[]> path) {
    Place first = linked.get(attributes.identity());
    if (!prepared(at, attributes, newName)) {
      return;
    }
    if (first == null) {
      copyFile(at, name, newName);
      linked.put(attributes.identity(), new Place(path, newName));
      return;
    }
    List<TreeDirectory> opened = new ArrayList<>();
    try {
      TreeDirectory directory = walk.root;
      for (byte[] step : first.directories) {
        directory = directory.directory(step);
        opened.add(directory);
      }
      at.to.link(newName, directory, first.name);
      report.files.incrementAndGet();
    } finally {
      opened.forEach(TreeDirectory::close);
    }
  }

  private void copyFile(OpenCopy at, byte[] name, byte[] newName) {
    try (TreeFile in = at.from.open(name)) {
      Attributes attributes = in.attributes();
      try (TreeFile out = at.to.create(newName)) {
        copyContent(in, out, attributes);
        if (options.preserve()) {
          copyXattrs(in.xattrs(), out.xattrs(), out.display(), out::setXattr);
        }
        out.apply(options.applied(attributes));
      } catch (PoolException e) {
        if (e.errno() != Errno.EEXIST) {
          removeQuietly(at.to, newName);
        }
        throw e;
      }
    }
    report.files.incrementAndGet();
  }

  private static void removeQuietly(TreeDirectory directory, byte[] name) {
    try {
      directory.remove(name);
    } catch (PoolException e) {
      // The failure that led here is the one to report; half a file is left behind.
      if (e.error() instanceof PoolError.Closed) {
        throw e;
      }
    }
  }

  private void copyContent(TreeFile in, TreeFile out, Attributes attributes) {
    long size = attributes.size();
    boolean sparse = size > SPARSE_FROM_BYTES && attributes.storedBytes() < size;
    if (!sparse) {
      copyRange(in, out, 0, Long.MAX_VALUE);
      return;
    }
    long end = 0;
    long at = in.seekData(0);
    while (at >= 0 && at < size) {
      long hole = Math.min(in.seekHole(at), size);
      end = copyRange(in, out, at, hole);
      if (end < hole) {
        break;
      }
      at = end < size ? in.seekData(end) : -1;
    }
    if (end < size) {
      out.setSize(size);
    }
  }

  /**
   * @return where it stopped: {@code to}, or the end of the file
   */
  private long copyRange(TreeFile in, TreeFile out, long from, long to) {
    long at = from;
    if (options.reflink() != CopyOptions.Reflink.NEVER) {
      while (at < to) {
        long copied = out.copyFrom(in, at, to - at);
        if (copied < 0) {
          refuseToCopy(in, out);
          break;
        }
        if (copied == 0) {
          return at;
        }
        at += copied;
        report.bytes.addAndGet(copied);
      }
    }
    MemorySegment buffer = buffers.get();
    while (at < to) {
      int n = in.read(at, buffer, (int) Math.min(BUFFER_BYTES, to - at));
      if (n == 0) {
        break;
      }
      out.write(at, buffer, n);
      at += n;
      report.bytes.addAndGet(n);
    }
    return at;
  }

  private void refuseToCopy(TreeFile in, TreeFile out) {
    if (options.reflink() == CopyOptions.Reflink.ALWAYS) {
      throw PoolException.refused(
          Errno.EXDEV,
          out.display()
              + " cannot share the blocks of "
              + in.display()
              + ", which is not in the same pool; use --reflink=auto to copy them");
    }
  }

  private interface XattrSink {
    void set(String name, byte[] value);
  }

  /**
   * @param inherited what the copy got from its directory
   */
  private void copyXattrs(
      SortedMap<String, byte[]> xattrs,
      SortedMap<String, byte[]> inherited,
      String display,
      XattrSink to) {
    xattrs.forEach(
        (name, value) -> {
          if (options.copiesXattr(name)) {
            copyXattr(name, value, display, to);
          }
        });
    for (String list : ACCESS_LISTS) {
      if (inherited.containsKey(list) && !xattrs.containsKey(list)) {
        copyXattr(list, NO_LIST, display, to);
      }
    }
  }

  private void copyXattr(String name, byte[] value, String display, XattrSink to) {
    try {
      to.set(name, value);
    } catch (PoolException e) {
      if (isOver(e)) {
        throw e;
      }
      refusedXattr(name, display, e);
    }
  }

  private void refusedXattr(String name, String display, PoolException e) {
    boolean ofUsers = name.startsWith("user.");
    switch (e.errno()) {
      case EOPNOTSUPP -> {
        // Once for all: a destination that does not have them refuses them all.
        if (ofUsers && xattrsRefused.compareAndSet(false, true)) {
          reported(
              PoolException.refused(
                  Errno.EOPNOTSUPP,
                  display
                      + ": extended attributes cannot be kept there; copy with --no-preserve to"
                      + " leave them out"));
        }
      }
      case EPERM -> {
        if (ofUsers) {
          reported(PoolException.posix(Errno.EPERM, attribute(name, display)));
        }
      }
      case ENOSPC, E2BIG, ERANGE ->
          // Hosts give a file little room for them, however much the disk has.
          reported(
              PoolException.refused(
                  e.errno(),
                  attribute(name, display)
                      + ": has no room there and was left out; copy with --no-preserve to leave"
                      + " all out, or make room when the destination is full"));
      default -> reported(PoolException.posix(e.errno(), attribute(name, display)));
    }
  }

  private static String attribute(String name, String display) {
    return display + ": extended attribute " + name;
  }

  private void other(OpenCopy at, byte[] name, Attributes attributes, byte[] newName) {
    if (attributes.isSymlink()) {
      at.to.makeSymlink(newName, at.from.readLink(name));
    } else {
      int type = attributes.mode() & Attributes.TYPE_MASK;
      boolean device = type == 0x2000 || type == 0x6000;
      if (device && !options.special()) {
        throw PoolException.refused(
            Errno.EPERM,
            show(at.from, name)
                + ": is a device node and was left out; add --special as root to copy it");
      }
      at.to.makeNode(newName, type | 0600, attributes.rdev());
    }
    Applied applied = options.applied(attributes);
    at.to.apply(newName, attributes, applied);
    report.others.incrementAndGet();
  }
}
