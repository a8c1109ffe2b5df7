package io.lcpfs.sim.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.sim.Finding;
import io.lcpfs.sim.model.Contents;
import io.lcpfs.sim.model.Tree;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimRandom;
import io.lcpfs.sim.world.Violation;
import io.lcpfs.stream.ReceiveOptions;
import io.lcpfs.stream.SendOptions;
import io.lcpfs.stream.Sender;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends the snapshots that {@link SideSnapshots} takes into a dataset of the same pool, whole and
 * since the one before, sometimes cut anywhere and then gone on with or dropped. Nobody else writes
 * in that dataset: whenever it is looked at, after whatever crashes, it is not there or shows what
 * its newest snapshot shows, and each of its snapshots what its name says.
 */
final class SideReceives {
  private static final int PER_MILLE = 6;
  private static final int MOST_SNAPSHOTS = 4;
  private static final int MOST_CUT_BYTES = 600_000;
  private static final String COPY = EngineTarget.POOL + "/copy";

  /** A file that is there while the dataset has changes of its own. */
  private static final String CHANGED = "/changed here";

  private final SimEnv machine;
  private final SimRandom random;
  private final Pool pool;
  private final ReentrantLock lock = new ReentrantLock();

  SideReceives(SimEnv machine, Pool pool) {
    this.machine = machine;
    this.random = machine.randomFor("receives of " + machine.name());
    this.pool = pool;
  }

  /** Perhaps does something; its refusals are nobody's, its failures the caller's. */
  void now() {
    if (!random.chance(PER_MILLE)) {
      return;
    }
    lock.lock();
    try {
      step();
    } catch (PoolException e) {
      // Others take, rename and destroy snapshots meanwhile, make clones of them, and destroy the
      // dataset with what it has become a clone of.
      if (e.errno() != Errno.ENOSPC
          && e.errno() != Errno.ENOMEM
          && e.errno() != Errno.ENOENT
          && e.errno() != Errno.EEXIST
          && e.errno() != Errno.ESTALE
          && e.errno() != Errno.EBUSY
          && e.errno() != Errno.EBADF
          && e.errno() != Errno.ENOTEMPTY) {
        throw e;
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean exists() {
    return pool.datasets().stream().anyMatch(dataset -> dataset.name().equals(COPY));
  }

  /** The token of what was received in part, or null. */
  private @Nullable String token() {
    String value = pool.dataset(EngineTarget.POOL).property("receive_resume_token").value();
    return value.equals("-") ? null : value;
  }

  private void step() {
    String token = token();
    if (token != null) {
      resume(token);
    } else if (!exists()) {
      whole(false);
    } else {
      Dataset copy = pool.dataset(COPY);
      switch (random.nextInt(8)) {
        case 0 -> pool.destroyWithClones(COPY);
        case 1 -> change(copy);
        case 2 -> whole(true);
        default -> since(copy);
      }
    }
  }

  private void resume(String token) {
    if (random.nextInt(4) == 0) {
      drop();
      return;
    }
    try {
      transfer(() -> pool.streams().resuming(token, SendOptions.SILENT), true);
      machine.probe(CodeProbe.RECEIVE_RESUMED);
    } catch (PoolException e) {
      boolean gone = e.errno() == Errno.ENOENT || e.errno() == Errno.ESTALE;
      if (!gone && e.errno() != Errno.EEXIST && e.errno() != Errno.EBUSY) {
        throw e;
      }
      drop(); // the snapshot was destroyed, or what it was to be is taken
    }
  }

  private void drop() {
    pool.streams().drop(COPY);
    machine.probe(CodeProbe.RECEIVE_DROPPED);
    if (token() != null) {
      throw new Violation("what was received in part is there after it was dropped");
    }
  }

  private List<Snapshot> sources() {
    return pool.dataset(EngineTarget.POOL).snapshots().stream()
        .filter(SideSnapshots::isRead)
        .toList();
  }

  private SendOptions options() {
    return SendOptions.FULL.withCompressed(random.nextBoolean());
  }

  /** Receives a whole snapshot, in the place of what is there when {@code force}. */
  private void whole(boolean force) {
    List<Snapshot> known = sources();
    if (!known.isEmpty()) {
      Snapshot one = known.get(random.nextInt(known.size()));
      if (transfer(() -> pool.streams().sender(one.name(), options()), force)) {
        machine.probe(force ? CodeProbe.RECEIVED_REPLACING : CodeProbe.RECEIVED_WHOLE);
      }
    }
  }

  /** Goes on from the newest snapshot that both have. */
  private void since(Dataset copy) {
    List<Snapshot> known = sources();
    List<Snapshot> here = copy.snapshots();
    if (here.size() > MOST_SNAPSHOTS) {
      here.getFirst().destroy();
      return;
    }
    for (Snapshot mine : here.reversed()) {
      for (int i = 0; i + 1 < known.size(); i++) {
        if (known.get(i).guid() == mine.guid()) {
          Snapshot from = known.get(i);
          Snapshot to = known.get(i + 1 + random.nextInt(known.size() - i - 1));
          if (mine != here.getLast()) {
            mark(copy); // a crash may leave it as it is without its newest snapshots
          }
          copy.rollback(mine.shortName(), true);
          SendOptions options =
              options().withFrom(from.shortName()).withIntermediates(random.nextInt(3) == 0);
          if (transfer(() -> pool.streams().sender(to.name(), options), true)) {
            machine.probe(CodeProbe.RECEIVED_INCREMENTALLY);
          }
          return;
        }
      }
    }
    pool.destroyWithClones(COPY); // it has nothing in common with what there is to send
  }

  private void change(Dataset copy) {
    mark(copy);
    since(copy);
  }

  private void mark(Dataset copy) {
    int flags = OpenFlags.O_CREAT | OpenFlags.O_RDWR;
    byte[] content = Contents.bytes(random.nextLong() | 2, random.nextInt(20_000));
    try (FileHandle file =
        copy.fileSystem().paths().open(CHANGED.getBytes(UTF_8), flags, 0644, Caller.ROOT)) {
      file.write(0, MemorySegment.ofArray(content), 0, content.length);
    }
  }

  /**
   * Sends and receives at once.
   *
   * @return whether all of it arrived
   */
  private boolean transfer(Supplier<Sender> prepared, boolean force) {
    Sender sender = prepared.get();
    long total = sender.estimate().stream().mapToLong(Sender.Part::bytes).sum();
    boolean resumable = random.nextInt(3) > 0;
    MemoryPipe pipe =
        new MemoryPipe(
            random.nextInt(3) == 0
                ? 1 + random.nextInt((int) Math.min(MOST_CUT_BYTES, total))
                : Long.MAX_VALUE);
    @Nullable PoolException[] unsent = new PoolException[1];
    Task<Void> sending =
        machine.fork(
            "send",
            () -> {
              try (OutputStream out = pipe.out()) {
                sender.send(out);
              } catch (PoolException e) {
                unsent[0] = e;
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    ReceiveOptions options =
        ReceiveOptions.STANDARD
            .withForce(force)
            .withResumable(resumable)
            .withProperties(Map.of("atime", "off"), Set.of(), false);
    try (InputStream in = pipe.in()) {
      pool.receive(in, COPY, options);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (PoolException e) {
      sending.join();
      if (pipe.isCut() && endsEarly(e)) {
        return false;
      }
      PoolException cause = unsent[0];
      throw pipe.isCut() || cause == null || !endsEarly(e) ? e : cause;
    }
    sending.join();
    if (pipe.written() != total) {
      throw new Violation("a stream of " + total + " bytes had " + pipe.written());
    }
    Finding unequal = unequal();
    if (unequal != null && !unequal.damage()) {
      throw new Violation("after receiving: " + unequal.text());
    }
    return true;
  }

  /** Whether a receiver says that the stream is not all there. */
  private static boolean endsEarly(PoolException e) {
    return (e.errno() == Errno.EIO && e.error().message().contains("the stream ends"))
        || (e.errno() == Errno.EINVAL && e.error().message().contains("lcpfs fs send"));
  }

  private Tree read(PosixSource source) {
    return new TreeReader(machine, source.open()).read();
  }

  /** Opens a file system. */
  private interface PosixSource {
    PosixFileSystem open();
  }

  /** What is wrong with the dataset, or null. */
  private @Nullable Finding unequal() {
    Dataset copy = pool.dataset(COPY);
    List<Snapshot> snapshots = copy.snapshots();
    if (snapshots.isEmpty()) {
      return null; // a clone has them all
    }
    Snapshot newest = snapshots.getLast();
    Tree now = read(copy::fileSystem);
    Tree then = read(newest::fileSystem);
    if (now.digest() == then.digest() || isChanged(copy)) {
      return null;
    }
    return new Finding(
        now.unreadableChunks() + then.unreadableChunks() > 0,
        COPY + " does not show what " + newest + " does");
  }

  private static boolean isChanged(Dataset copy) {
    try {
      copy.fileSystem().paths().lstat(CHANGED.getBytes(UTF_8), Caller.ROOT);
      return true;
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
      return false;
    }
  }

  /** Whether what was received is what it was. */
  List<Finding> check() {
    lock.lock();
    try {
      Finding unequal = exists() ? unequal() : null;
      return unequal == null ? List.of() : List.of(unequal);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOSPC) {
        return List.of(); // destroyed meanwhile
      }
      if (e.errno() != Errno.EIO) {
        throw e;
      }
      return List.of(new Finding(true, COPY + ": " + e.getMessage()));
    } finally {
      lock.unlock();
    }
  }
}
