package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.api.SnapshotDirectory;
import io.lcpfs.api.SnapshotWatcher;
import io.lcpfs.error.Errno;
import io.lcpfs.posix.ChangeListener;
import io.lcpfs.posix.FsOptions;
import io.lcpfs.posix.PosixFileSystem;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;

/**
 * Datasets mounted on a directory of this host, served by threads of this process until somebody
 * unmounts it. The process must not use the directory from a thread that the mount waits for.
 */
public final class FuseMount implements AutoCloseable {
  private static final int GREETING_SECONDS = 30;
  private static final int CLOSING_SECONDS = 10;
  private static final int NOTIFICATION_BYTES = 512;
  private static final String READ_AHEAD_KIB = "4096";

  /** Threads that wait for requests at a time, where there are fewer processors. */
  private static final int LEAST_READERS = 2;

  private final Path directory;
  private final Server server;
  private final DeviceChannel channel;

  /** The buffers of the threads. Shared, as the engine's own threads fill them too. */
  private final Arena arena = Arena.ofShared();

  /** Held shared by who sends what the kernel did not ask for. */
  private final ReentrantReadWriteLock notifying = new ReentrantReadWriteLock();

  /** Under {@link #notifying}. */
  private boolean closed;

  private final Readers readers =
      new Readers(Math.max(LEAST_READERS, Runtime.getRuntime().availableProcessors()));

  private final AtomicInteger running;
  private final CountDownLatch ended = new CountDownLatch(1);

  /** Set by who closes it first. */
  private final AtomicBoolean closing = new AtomicBoolean();

  /** Open when who closes it has waited for those inside. */
  private final CountDownLatch waited = new CountDownLatch(1);

  private FuseMount(Path directory, Server server, DeviceChannel channel, int threads) {
    this.directory = directory;
    this.server = server;
    this.channel = channel;
    this.running = new AtomicInteger(threads);
  }

  /**
   * Mounts, and serves from threads of its own. What a server that was killed left there is removed
   * first.
   *
   * @param datasets the one at the mount point first, with the path "", parents before children;
   *     their file systems stay the caller's, who closes them after the mount
   * @param log takes lines about what goes wrong while it serves
   * @throws io.lcpfs.error.PoolException ENOENT, ENOTDIR for the directory; ENODEV without
   *     /dev/fuse; EPERM, EACCES, EBUSY
   */
  public static FuseMount mount(
      List<MountedDataset> datasets, Path directory, MountOptions options, Consumer<String> log) {
    Mounter.cleanDead(directory.toAbsolutePath().normalize().toString());
    Path place = realDirectory(directory);
    Server server = new Server(datasets, options, log);
    int fd = Mounter.mount(place.toString(), options);
    FuseMount mount = new FuseMount(place, server, new DeviceChannel(fd), options.threads());
    FsOptions.Forced forced = forced(options);
    datasets.forEach(dataset -> force(dataset.files(), forced));
    mount.start(options.threads());
    mount.awaitGreeting();
    mount.raiseReadAhead();
    return mount;
  }

  /** What the server does itself, since the kernel leaves it to a FUSE file system. */
  private static FsOptions.Forced forced(MountOptions options) {
    FsOptions.Atime atime = null;
    if (!options.atime()) {
      atime = FsOptions.Atime.OFF;
    } else if (options.has(MountOptions.Switch.STRICT_ATIME)) {
      atime = FsOptions.Atime.ON;
    }
    return new FsOptions.Forced(atime, options.has(MountOptions.Switch.SYNC));
  }

  private static void force(PosixFileSystem files, FsOptions.Forced forced) {
    files.setOptions(files.options().withForced(forced));
  }

  private static Path realDirectory(Path directory) {
    try {
      Path real = directory.toRealPath();
      if (!Files.isDirectory(real)) {
        throw refused(Errno.ENOTDIR, directory + ": is no directory; name one to mount on");
      }
      return real;
    } catch (IOException e) {
      throw refused(
          Errno.ENOENT, directory + ": cannot be found; make it with 'mkdir " + directory + "'");
    }
  }

  private void start(int threads) {
    for (Forest.Place place : server.forest.places()) {
      place.files.setListener(new Others(place.index));
      SnapshotDirectory snapshots = place.snapshots;
      if (snapshots != null) {
        snapshots.watch(new Watcher(this, place));
      }
    }
    for (int i = 0; i < threads; i++) {
      new ServingThread(new Worker(server, channel, readers, arena), i).start();
    }
  }

  private final class ServingThread extends Thread {
    private final Worker worker;

    ServingThread(Worker worker, int number) {
      super("fuse-" + number);
      this.worker = worker;
      setDaemon(true);
    }

    @Override
    public void run() {
      serve(worker);
    }
  }

  /** What the mount does about snapshots of a dataset. Equal to another of the same two. */
  private record Watcher(FuseMount mount, Forest.Place place) implements SnapshotWatcher {
    @Override
    public void beforeSnapshot() {
      mount.flush();
    }

    @Override
    public void snapshotsChanged() {
      if (Thread.currentThread() instanceof ServingThread) {
        return; // the kernel asked for it, and holds the directory until it is answered
      }
      mount.invalidate(ControlHandlers.directoryOf(place));
    }

    @Override
    public void visibilityChanged() {
      if (!(Thread.currentThread() instanceof ServingThread)) {
        mount.invalidate(place.node(place.root));
      }
    }
  }

  /** Has the kernel hand over what it holds back of changes. Not to be called while serving. */
  public void flush() {
    if (isUnmounted() || Thread.currentThread() instanceof ServingThread) {
      return;
    }
    int fd = Libc.open(directory.toString(), Libc.O_CLOEXEC);
    int rc = fd < 0 ? fd : Libc.syncfs(fd);
    if (fd >= 0) {
      Libc.close(fd);
    }
    if (rc < 0) {
      throw refused(
          Errno.EIO,
          directory
              + ": the kernel cannot hand over what was written (error "
              + -rc
              + "); see its log, or unmount first");
    }
  }

  /** Tells the kernel what others than the kernel changed in a dataset. */
  private final class Others implements ChangeListener {
    private final int dataset;

    Others(int dataset) {
      this.dataset = dataset;
    }

    @Override
    public void fileChanged(long inode) {
      if (!(Thread.currentThread() instanceof ServingThread)) {
        server.changesByOthers.incrementAndGet();
        invalidateInode(dataset, inode);
      }
    }

    @Override
    public void nameChanged(long directory, byte[] name) {
      if (!(Thread.currentThread() instanceof ServingThread)) {
        server.changesByOthers.incrementAndGet();
        // Listings and attributes of the directory are kept too.
        invalidateInode(dataset, directory);
        invalidateEntry(dataset, directory, name);
      }
    }
  }

  private void serve(Worker worker) {
    try {
      worker.run();
    } finally {
      readers.end();
      if (running.decrementAndGet() == 0) {
        try {
          server.greeted.countDown();
          for (Forest.Place place : server.forest.places()) {
            place.files.setListener(null);
            force(place.files, FsOptions.Forced.NOTHING);
            SnapshotDirectory snapshots = place.snapshots;
            if (snapshots != null) {
              snapshots.unwatch(new Watcher(this, place));
            }
          }
          server.releaseAll();
          closeChannel();
          arena.close();
        } finally {
          ended.countDown();
        }
      }
    }
  }

  private void awaitGreeting() {
    boolean greeted;
    try {
      greeted = server.greeted.await(GREETING_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      greeted = false;
    }
    String refusal = server.refusal;
    if (greeted && refusal == null) {
      return;
    }
    close();
    throw refused(
        Errno.ENODEV,
        directory
            + ": "
            + (refusal == null ? "the kernel did not answer" : refusal)
            + "; Linux 4.20 or newer is needed");
  }

  /** Lets the kernel read ahead in several requests at a time. Only root may; else it stays. */
  private void raiseReadAhead() {
    String device = device();
    Path setting = Path.of("/sys/class/bdi", device, "read_ahead_kb");
    if (!device.isEmpty() && Files.isWritable(setting)) {
      try {
        Files.writeString(setting, READ_AHEAD_KIB);
      } catch (IOException e) {
        server.report(setting + ": cannot be set; reading from the start of files is slower");
      }
    }
  }

  /** Makes this process outlive the terminal that it was started from. */
  public static void leaveTerminal() {
    Libc.setsid();
  }

  /** Where it is mounted, without symbolic links. */
  public Path directory() {
    return directory;
  }

  /** The number of its file system as {@code major:minor}; empty when it is not mounted. */
  public String device() {
    return MountTable.on(directory).map(MountTable.Entry::device).orElse("");
  }

  /** Returns when it is unmounted and nothing of it is served any more. */
  public void awaitUnmounted() throws InterruptedException {
    ended.await();
  }

  /** Whether it is unmounted and nothing of it is served any more. */
  public boolean isUnmounted() {
    return ended.getCount() == 0;
  }

  /**
   * Unmounts.
   *
   * @param lazily at once, though somebody is inside; who is stays served until leaving
   * @throws io.lcpfs.error.PoolException EBUSY while somebody is inside, unless lazily
   */
  public void unmount(boolean lazily) {
    if (isUnmounted()) {
      return;
    }
    unmount(directory, lazily);
  }

  /** Unmounts a directory on which this process or another one serves a mount. */
  public static void unmount(Path directory, boolean lazily) {
    int rc = Mounter.unmount(directory.toString(), lazily);
    if (rc < 0 && rc != -Libc.EINVAL && rc != -Libc.ENOENT) {
      throw refused(
          Errno.EBUSY,
          directory
              + ": is in use; end what uses it (see 'fuser -vm "
              + directory
              + "'), or detach it with --lazy");
    }
  }

  /**
   * Tells the kernel that a file was changed by somebody else than the kernel. Not to be called
   * while serving, or while holding what serving needs.
   *
   * @param dataset its place in the list of datasets that is mounted
   */
  public void invalidateInode(int dataset, long inode) {
    invalidate(server.forest.places().get(dataset).node(inode));
  }

  private void invalidate(long node) {
    try (Arena memory = Arena.ofConfined()) {
      MemorySegment message = notification(memory, Fuse.NOTIFY_INVAL_INODE, 40);
      message.set(ValueLayout.JAVA_LONG, 16, node);
      message.set(ValueLayout.JAVA_LONG, 24, 0);
      message.set(ValueLayout.JAVA_LONG, 32, 0); // to the end
      notify(message, 40);
    }
  }

  /** As {@link #invalidateInode}, for a name that came, went or means something else now. */
  public void invalidateEntry(int dataset, long directoryInode, byte[] name) {
    try (Arena memory = Arena.ofConfined()) {
      int bytes = 32 + name.length + 1;
      MemorySegment message = notification(memory, Fuse.NOTIFY_INVAL_ENTRY, bytes);
      long node = server.forest.places().get(dataset).node(directoryInode);
      message.set(ValueLayout.JAVA_LONG, 16, node);
      message.set(ValueLayout.JAVA_INT, 24, name.length);
      MemorySegment.copy(name, 0, message, ValueLayout.JAVA_BYTE, 32, name.length);
      notify(message, bytes);
    }
  }

  private static MemorySegment notification(Arena memory, int code, int bytes) {
    MemorySegment message = memory.allocate(Math.max(bytes, NOTIFICATION_BYTES), 8);
    message.set(ValueLayout.JAVA_INT, 0, bytes);
    message.set(ValueLayout.JAVA_INT, 4, code);
    return message;
  }

  private void closeChannel() {
    notifying.writeLock().lock();
    try {
      closed = true;
      channel.close();
    } finally {
      notifying.writeLock().unlock();
    }
  }

  private void notify(MemorySegment message, int bytes) {
    int rc;
    notifying.readLock().lock();
    try {
      if (closed) {
        return; // and the number of its descriptor may be another's
      }
      rc = channel.send(message, 0, bytes);
    } finally {
      notifying.readLock().unlock();
    }
    // ENOENT: the kernel does not know the file, so it has nothing to forget.
    if (rc < 0 && rc != -Libc.ENOENT && rc != -Libc.ENODEV) {
      server.report("/dev/fuse: a notification fails with error " + -rc);
    }
  }

  /**
   * Changes how a directory is mounted, whoever serves it; only root may.
   *
   * @param words as in fstab(5); what they do not name stays
   * @throws io.lcpfs.error.PoolException EINVAL when nothing is mounted there, or for what cannot
   *     change; EPERM; EBUSY when files are open for writing that is to be refused
   */
  public static void remount(Path directory, String words) {
    MountTable.Entry now =
        MountTable.on(directory)
            .orElseThrow(
                () ->
                    refused(
                        Errno.EINVAL,
                        directory + ": is not mounted; leave out remount to mount it"));
    MountOptions before = MountOptions.mounted(now);
    MountOptions after = before.with("remount").with(words);
    String fixed = after.differenceThatStays(before);
    if (!fixed.isEmpty()) {
      throw refused(
          Errno.EINVAL,
          directory + ": " + fixed + " cannot be changed by a remount; unmount it and mount again");
    }
    Mounter.remount(directory.toString(), after);
  }

  /**
   * Unmounts, if need be lazily, and waits a while for those who are still inside. When another
   * thread does so already, waits for that.
   */
  @Override
  public void close() {
    closeAll(List.of(this));
  }

  /** Closes mounts, the last first; the while for those inside is the same for all of them. */
  public static void closeAll(List<FuseMount> mounts) {
    List<FuseMount> own = new ArrayList<>();
    for (FuseMount mount : mounts.reversed()) {
      if (mount.closing.compareAndSet(false, true)) {
        mount.detach();
        own.add(mount);
      }
    }
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSING_SECONDS);
    try {
      for (FuseMount mount : own) {
        if (!mount.ended.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
          mount.server.report(
              mount.directory + ": is still used by somebody, who will get errors from now on");
        }
        mount.waited.countDown();
      }
      for (FuseMount mount : mounts) {
        mount.waited.await();
      }
    } catch (InterruptedException e) {
      own.forEach(mount -> mount.waited.countDown());
      Thread.currentThread().interrupt();
    }
  }

  private void detach() {
    if (!isUnmounted() && Mounter.unmount(directory.toString(), false) < 0) {
      Mounter.unmount(directory.toString(), true);
    }
  }
}
