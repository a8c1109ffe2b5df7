package io.lcpfs.sim.engine;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.Pool;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.VerifyReport;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import io.lcpfs.sim.Finding;
import io.lcpfs.sim.SimTarget.Session;
import io.lcpfs.sim.model.Contents;
import io.lcpfs.sim.model.FileRef;
import io.lcpfs.sim.model.Op;
import io.lcpfs.sim.model.Outcome;
import io.lcpfs.sim.model.Tree;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.Violation;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An imported pool whose root dataset the writers work in; other datasets come and go beside it.
 */
final class EngineSession implements Session {
  private static final long IDLE_POLL_NANOS = 1_000_000;

  /** Checks whose findings say that bytes were lost, not that the engine is at odds with itself. */
  private static final String BLOCK_CHECK = "BlockCheck";

  /** What no object has in the tail block any more. */
  private static final String LEFT_IN_TAIL = "slot \\d+ has \\d+ bytes, object \\d+ has 0 in it";

  /** What a block that stays allocated is told by, too: a count of references to it. */
  private static final String REFERENCE_CHECK = "ReferenceTableCheck";

  /** What a mirror has on one of its devices. */
  private static final Pattern ON_ONE_DEVICE = Pattern.compile("copy \\d.* on device (\\d+): ");

  /** Space that stays allocated, and is still counted. */
  private static final String LEAK = ".*leaked|(used|snapshot|unique)_bytes is .*";

  private final SimEnv machine;
  private final Pool pool;
  private final PosixFileSystem fs;
  private final PathCalls paths;
  private final SideDatasets side;
  private final SideSnapshots snapshots;
  private final SideClones clones;
  private final SideReflinks reflinks;
  private final SideReceives receives;
  private final TreeMap<Integer, FileHandle> handles = new TreeMap<>();

  EngineSession(SimEnv machine, Pool pool) {
    this.machine = machine;
    this.pool = pool;
    this.fs = pool.dataset(EngineTarget.POOL).fileSystem();
    this.paths = fs.paths();
    this.side = new SideDatasets(machine, pool);
    this.snapshots = new SideSnapshots(machine, pool);
    this.clones = new SideClones(machine, pool);
    this.reflinks = new SideReflinks(machine, pool);
    this.receives = new SideReceives(machine, pool);
  }

  @Override
  public Outcome apply(Op op) {
    try {
      side.now();
      snapshots.now();
      clones.now();
      reflinks.now();
      receives.now();
      return carryOut(op);
    } catch (PoolException e) {
      refuseBadSuspension(e);
      return Outcome.failed(e.errno());
    }
  }

  /**
   * A pool stops when a device fails or metadata is lost, never for want of space or memory, nor
   * because a change was left half done.
   */
  private static void refuseBadSuspension(PoolException failure) {
    if (failure.error() instanceof PoolError.Suspended
        && failure.getCause() instanceof PoolException cause
        && (cause.errno() != Errno.EIO || cause.error() instanceof PoolError.Suspended)) {
      throw new Violation("the pool stopped: " + cause.getMessage(), cause);
    }
  }

  private Outcome carryOut(Op op) {
    return switch (op) {
      case Op.Mkdir o -> done(paths.mkdir(bytes(o.path()), o.mode(), Caller.ROOT));
      case Op.Create o -> create(o);
      case Op.Mknod o ->
          done(
              paths.mknod(bytes(o.path()), Kinds.mode(o.kind()) | o.mode(), o.rdev(), Caller.ROOT));
      case Op.Symlink o -> done(paths.symlink(bytes(o.target()), bytes(o.path()), Caller.ROOT));
      case Op.Link o -> done(paths.link(bytes(o.existing()), bytes(o.path()), Caller.ROOT));
      case Op.Unlink o -> {
        paths.unlink(bytes(o.path()), Caller.ROOT);
        yield Outcome.done();
      }
      case Op.Rmdir o -> {
        paths.rmdir(bytes(o.path()), Caller.ROOT);
        yield Outcome.done();
      }
      case Op.Rename o -> rename(o);
      case Op.Open o -> open(o);
      case Op.Close o -> close(o);
      case Op.Write o -> onFile(o.file(), file -> write(file, o));
      case Op.Read o -> onFile(o.file(), file -> read(file, o));
      case Op.Truncate o -> truncate(o);
      case Op.PunchHole o -> onFile(o.file(), file -> punch(file, o));
      case Op.CopyRange o -> onFile(o.from(), in -> onFile(o.to(), out -> copy(in, out, o)));
      case Op.Fsync o -> fsync(o);
      case Op.Chmod o -> chmod(o);
      case Op.Chown o -> set(o.path(), new SetAttr().uid(o.uid()).gid(o.gid()));
      case Op.SetTimes o -> set(o.path(), times(o));
      case Op.SetXattr o -> setXattr(o);
      case Op.GetXattr o ->
          new Outcome.Data(paths.getxattr(bytes(o.path()), false, bytes(o.name()), Caller.ROOT));
      case Op.RemoveXattr o -> {
        paths.removexattr(bytes(o.path()), false, bytes(o.name()), Caller.ROOT);
        yield Outcome.done();
      }
      case Op.ListXattr o -> names(paths.listxattr(bytes(o.path()), false, Caller.ROOT));
      case Op.Stat o ->
          new Outcome.Status(Kinds.attributes(paths.lstat(bytes(o.path()), Caller.ROOT)));
      case Op.Readlink o ->
          new Outcome.Text(new String(paths.readlink(bytes(o.path()), Caller.ROOT), UTF_8));
      case Op.Readdir o -> readdir(o);
    };
  }

  private static byte[] bytes(String text) {
    return PathCalls.path(text);
  }

  private static Outcome done(Attr made) {
    return made.inode() > 0 ? Outcome.done() : Outcome.failed(Errno.EIO);
  }

  private static Outcome names(List<byte[]> names) {
    TreeSet<String> sorted = new TreeSet<>();
    names.forEach(name -> sorted.add(new String(name, UTF_8)));
    return new Outcome.Names(List.copyOf(sorted));
  }

  private Outcome create(Op.Create op) {
    int flags = OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_RDWR;
    paths.open(bytes(op.path()), flags, op.mode(), Caller.ROOT).close();
    return Outcome.done();
  }

  private Outcome rename(Op.Rename op) {
    int flags =
        switch (op.mode()) {
          case REPLACE -> 0;
          case NO_REPLACE -> OpenFlags.RENAME_NOREPLACE;
          case EXCHANGE -> OpenFlags.RENAME_EXCHANGE;
        };
    paths.rename(bytes(op.from()), bytes(op.to()), flags, Caller.ROOT);
    return Outcome.done();
  }

  private Outcome readdir(Op.Readdir op) {
    int flags = OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW;
    List<byte[]> found = new ArrayList<>();
    try (FileHandle directory = paths.open(bytes(op.path()), flags, 0, Caller.ROOT)) {
      fs.readdir(
          directory,
          0,
          (cookie, name, inode, type) -> {
            if (cookie > 2) {
              found.add(name.clone());
            }
            return true;
          });
    }
    return names(found);
  }

  // ---- content

  private interface OnFile {
    Outcome run(FileHandle file);
  }

  private FileHandle openFile(String path) {
    int flags = OpenFlags.O_RDWR | OpenFlags.O_NOFOLLOW;
    try {
      return paths.open(bytes(path), flags, 0, Caller.ROOT);
    } catch (PoolException e) {
      // The kernel opens what is behind a fifo, socket or device itself and then refuses the call.
      throw e.errno() == Errno.ENXIO ? PoolException.posix(Errno.EINVAL, path) : e;
    }
  }

  private Outcome onFile(FileRef ref, OnFile action) {
    return switch (ref) {
      case FileRef.ByPath(String path) -> {
        try (FileHandle file = openFile(path)) {
          yield action.run(file);
        }
      }
      case FileRef.ByHandle(int handle) -> {
        FileHandle file = handles.get(handle);
        yield file == null ? Outcome.failed(Errno.EBADF) : action.run(file);
      }
    };
  }

  private Outcome open(Op.Open op) {
    handles.put(op.handle(), openFile(op.path()));
    return Outcome.done();
  }

  private Outcome close(Op.Close op) {
    FileHandle file = handles.remove(op.handle());
    if (file == null) {
      return Outcome.failed(Errno.EBADF);
    }
    file.close();
    return Outcome.done();
  }

  private static Outcome write(FileHandle file, Op.Write op) {
    MemorySegment content = MemorySegment.ofArray(op.content());
    return new Outcome.Count(file.write(op.offset(), content, 0, op.length()));
  }

  private static Outcome read(FileHandle file, Op.Read op) {
    byte[] target = new byte[op.length()];
    int count = file.read(op.offset(), MemorySegment.ofArray(target), 0, op.length());
    return new Outcome.Data(count == target.length ? target : Arrays.copyOf(target, count));
  }

  private Outcome truncate(Op.Truncate op) {
    if (op.size() < 0) {
      return Outcome.failed(Errno.EINVAL); // before the file is looked for
    }
    return onFile(
        op.file(),
        file -> {
          file.truncate(op.size());
          return Outcome.done();
        });
  }

  private static Outcome punch(FileHandle file, Op.PunchHole op) {
    file.fallocate(
        OpenFlags.FALLOC_PUNCH_HOLE | OpenFlags.FALLOC_KEEP_SIZE, op.offset(), op.length());
    return Outcome.done();
  }

  private static Outcome copy(FileHandle in, FileHandle out, Op.CopyRange op) {
    return new Outcome.Count(out.copyFrom(in, op.fromOffset(), op.toOffset(), op.length(), false));
  }

  private Outcome fsync(Op.Fsync op) {
    if (op.file() instanceof FileRef.ByPath(String path)
        && paths.lstat(bytes(path), Caller.ROOT).isDirectory()) {
      try (FileHandle directory = paths.open(bytes(path), OpenFlags.O_DIRECTORY, 0, Caller.ROOT)) {
        directory.fsync();
      }
      return Outcome.done();
    }
    return onFile(
        op.file(),
        file -> {
          file.fsync();
          return Outcome.done();
        });
  }

  // ---- attributes

  private Outcome set(String path, SetAttr change) {
    return done(paths.setattr(bytes(path), false, change, Caller.ROOT));
  }

  private Outcome chmod(Op.Chmod op) {
    return set(op.path(), new SetAttr().mode(op.mode()));
  }

  private static SetAttr times(Op.SetTimes op) {
    long second = 1_000_000_000L;
    return new SetAttr()
        .atime(Math.floorDiv(op.atimeNanos(), second), (int) Math.floorMod(op.atimeNanos(), second))
        .mtime(
            Math.floorDiv(op.mtimeNanos(), second), (int) Math.floorMod(op.mtimeNanos(), second));
  }

  private static int flags(Op.XattrMode mode) {
    return switch (mode) {
      case SET -> 0;
      case CREATE -> 1;
      case REPLACE -> 2;
    };
  }

  private Outcome setXattr(Op.SetXattr op) {
    byte[] value = Contents.bytes(op.contentSeed(), op.length());
    paths.setxattr(bytes(op.path()), false, bytes(op.name()), value, flags(op.mode()), Caller.ROOT);
    return Outcome.done();
  }

  // ---- the whole

  @Override
  public boolean hasCheckpoint() {
    return pool.checkpoints().find().isPresent();
  }

  @Override
  public void takeCheckpoint() {
    try {
      pool.checkpoints().take();
    } catch (PoolException e) {
      refuseBadSuspension(e);
      throw e;
    }
  }

  @Override
  public void discardCheckpoint() {
    try {
      pool.checkpoints().discard();
    } catch (PoolException e) {
      refuseBadSuspension(e);
      throw e;
    }
  }

  @Override
  public void sync() {
    try {
      fs.sync();
    } catch (PoolException e) {
      refuseBadSuspension(e);
      throw e;
    }
  }

  @Override
  public List<Finding> verify() {
    awaitReaper();
    List<VerifyReport.Finding> found = withoutOneDevice(pool.verify(progress -> {}).findings());
    boolean lost = found.stream().anyMatch(finding -> finding.check().equals(BLOCK_CHECK));
    // What only a block knew of that a device lost stays allocated when it is freed.
    boolean leaked =
        machine.probesSoFar().containsKey(CodeProbe.GANG_HEADER_LOST)
            || machine.probesSoFar().containsKey(CodeProbe.INDIRECT_BLOCK_LOST);
    // A tail that could not be read keeps what its objects have elsewhere by now.
    boolean tailLeft = machine.probesSoFar().containsKey(CodeProbe.TAIL_BLOCK_LOST);
    List<Finding> findings = new ArrayList<>();
    for (VerifyReport.Finding finding : found) {
      // What hangs below a block that cannot be read cannot be accounted for either.
      boolean damage =
          lost
              || (leaked
                  && (finding.what().matches(LEAK) || finding.check().equals(REFERENCE_CHECK)))
              || (tailLeft && finding.what().matches(LEFT_IN_TAIL))
              || isInjected(finding.what());
      findings.add(
          new Finding(damage, finding.check() + " " + finding.where() + ": " + finding.what()));
    }
    findings.addAll(snapshots.check());
    findings.addAll(reflinks.check());
    findings.addAll(receives.check());
    return findings;
  }

  /** Faults strike one device of a mirror, and what it has lost is on the other. */
  private static List<VerifyReport.Finding> withoutOneDevice(List<VerifyReport.Finding> all) {
    List<VerifyReport.Finding> others = new ArrayList<>();
    Set<String> devices = new TreeSet<>();
    for (VerifyReport.Finding finding : all) {
      Matcher matcher = ON_ONE_DEVICE.matcher(finding.what());
      if (matcher.find()) {
        devices.add(matcher.group(1));
      } else {
        others.add(finding);
      }
    }
    return devices.size() > 1 ? all : others;
  }

  /** Whether it tells a fault of a simulated device that struck while it was being looked for. */
  private static boolean isInjected(String what) {
    return what.contains("injected ") || what.contains("device is gone");
  }

  /** Files without a name are freed in the background after an import. */
  private void awaitReaper() {
    while (!fs.reaperIdle()) {
      machine.sleep(IDLE_POLL_NANOS);
    }
  }

  @Override
  public Tree snapshotTree() {
    return new TreeReader(machine, fs).read();
  }

  @Override
  public void close() {
    handles.values().forEach(FileHandle::close);
    handles.clear();
    pool.close();
  }
}
