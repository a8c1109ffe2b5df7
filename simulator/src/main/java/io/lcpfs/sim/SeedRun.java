package io.lcpfs.sim;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.sim.SimTarget.Session;
import io.lcpfs.sim.device.CommandHook;
import io.lcpfs.sim.device.CrashChooser;
import io.lcpfs.sim.device.FaultKind;
import io.lcpfs.sim.device.FaultPlan;
import io.lcpfs.sim.device.SimDevice;
import io.lcpfs.sim.device.SimMedium;
import io.lcpfs.sim.device.WriteFate;
import io.lcpfs.sim.model.Tree;
import io.lcpfs.sim.world.SimConfig;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimFailure;
import io.lcpfs.sim.world.SimRandom;
import io.lcpfs.sim.world.SimResult;
import io.lcpfs.sim.world.Violation;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One seed: format, then rounds of operations by concurrent writers, each ended by a crash, with
 * faults kept inside what the shape's redundancy promises; at the end a close, a fresh import, a
 * comparison of everything and all checks. At least 1,000 operations, 2 crashes and 1 fault.
 */
public final class SeedRun {
  private static final EnumSet<Errno> OUT_OF_RESOURCES =
      EnumSet.of(Errno.ENOSPC, Errno.EDQUOT, Errno.ENOMEM);
  private static final long POLL_NANOS = 200_000;
  private static final int OPEN_ATTEMPTS = 6;

  /** A timer that was set before the close may run out after it. */
  private static final long CLOSE_PATIENCE_NANOS = 10_000_000_000L;

  private final SimTarget target;
  private final SimEnv world;
  private final SimRandom random;
  private final PoolShape shape;
  private final FaultPlan faults;
  private final List<SimMedium> media = new ArrayList<>();
  private final List<Writer> writers = new ArrayList<>();
  private @Nullable Onlooker onlooker;
  private @Nullable KeptState kept;
  private final int totalOperations;
  private final int victim;
  private long stoppingAtOpen;
  private int crashes;
  private int machines;

  private SeedRun(SimTarget target, SimEnv world, int totalOperations) {
    this.target = target;
    this.world = world;
    this.totalOperations = totalOperations;
    this.random = world.randomFor("seed run");
    this.shape =
        target.variant(
            target.shapes().get(random.nextInt(target.shapes().size())),
            world.randomFor("variant of the shape"));
    this.faults = plan(world.randomFor("faults"));
    this.victim = random.nextInt(shape.devices());
    if (shape.redundancy() > 0) {
      faults.onlyOn("d" + victim);
    }
    for (int i = 0; i < shape.devices(); i++) {
      media.add(new SimMedium("d" + i, shape.blockSize(), shape.blocks()));
    }
  }

  /** Runs one seed against {@code target}; every failure is in the result. */
  public static SeedResult run(SimTarget target, SimConfig config, int operations) {
    SeedRun[] run = new SeedRun[1];
    String violation;
    long digest = 0;
    long nanos = 0;
    try {
      SimResult<Integer> result =
          SimEnv.run(
              config,
              world -> {
                run[0] = new SeedRun(target, world, operations);
                run[0].live();
                return 0;
              });
      violation = null;
      digest = result.digest();
      nanos = result.virtualNanos();
    } catch (SimFailure failure) {
      violation = failure.getMessage() + whereThrown(failure);
    }
    SeedRun seed = run[0];
    if (seed == null) {
      throw new IllegalStateException("seed " + config.seed() + " did not begin: " + violation);
    }
    Map<FaultKind, Long> injected = new EnumMap<>(FaultKind.class);
    injected.putAll(seed.faults.injected());
    Map<CodeProbe, Long> probes = new EnumMap<>(CodeProbe.class);
    probes.putAll(seed.world.probesSoFar());
    return new SeedResult(
        config.seed(),
        digest,
        seed.operations(),
        seed.refusals(),
        seed.crashes,
        injected,
        probes,
        nanos,
        violation);
  }

  /** A violation explains itself; of anything else the first frames help. */
  private static String whereThrown(SimFailure failure) {
    Throwable cause = failure.getCause();
    if (cause == null || (cause instanceof Violation && cause.getCause() == null)) {
      return "";
    }
    Throwable root = cause;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    StringBuilder text = new StringBuilder();
    StackTraceElement[] frames = root.getStackTrace();
    for (int i = 0; i < Math.min(8, frames.length); i++) {
      text.append("\n    at ").append(frames[i]);
    }
    return text.toString();
  }

  long operations() {
    return writers.stream().mapToLong(Writer::operations).sum();
  }

  private long refusals() {
    return writers.stream().mapToLong(Writer::refusals).sum();
  }

  /** Which faults this seed may see: none that the shape does not promise to survive or report. */
  private FaultPlan plan(SimRandom faultRandom) {
    FaultPlan plan = new FaultPlan(faultRandom);
    plan.allow(FaultKind.LATENCY_SPIKE, 2_000, 20);
    if (faultRandom.nextInt(4) == 0) {
      plan.withSlowReads();
    }
    switch (faultRandom.nextInt(8)) {
      case 0 -> plan.allow(FaultKind.READ_ERROR, 20_000, 3);
      case 1 -> plan.allow(FaultKind.LOST_WRITE, 8_000, 1);
      case 2 -> plan.allow(FaultKind.MISDIRECTED_WRITE, 8_000, 1);
      case 3 -> plan.allow(FaultKind.WRITE_ERROR, 5_000, 1);
      case 4 -> plan.allow(FaultKind.FLUSH_ERROR, 20_000, 1);
      case 5 -> plan.allow(FaultKind.DISAPPEARANCE, 3_000, 1);
      default -> {} // bit rot while the machine is down, see damageAtRest
    }
    return plan;
  }

  // ---- the life of a pool

  private void live() {
    SimEnv formatter = world.newMachine("format");
    faults.enable(false);
    formatter.call(
        "format",
        () -> {
          List<BlockDevice> devices = attach(formatter, CommandHook.NONE);
          target.format(formatter, devices, shape);
          devices.forEach(BlockDevice::close);
          return 0;
        });
    faults.enable(true);
    int count = 1 + random.nextInt(Math.min(3, target.writers()));
    for (int i = 0; i < count; i++) {
      writers.add(new Writer(this, world, i, target, count, shape));
    }
    kept = new KeptState(this, world, writers, target.checkpoints());
    int rounds = random.between(2, 4);
    // Damage may take what only an intent log holds, so what fsync promised is held to only before.
    boolean damagedEarly = random.nextBoolean();
    for (int round = 0; round < rounds; round++) {
      roundThatCrashes(totalOperations / (rounds + 1));
      if (damagedEarly || round == rounds - 1) {
        damageAtRest();
      }
    }
    lastRound();
  }

  private List<BlockDevice> attach(SimEnv machine, CommandHook hook) {
    List<BlockDevice> devices = new ArrayList<>();
    for (SimMedium medium : media) {
      devices.add(new SimDevice(machine, medium, faults).hook(hook));
    }
    return devices;
  }

  /** Opens on a fresh machine; now and then the power fails during that too. */
  private Opened open(CommandHook hook) {
    return open(hook, Objects.requireNonNull(kept).wantsReturn());
  }

  private Opened open(CommandHook hook, boolean goingBack) {
    boolean back = goingBack;
    boolean tried = false;
    for (int attempt = 0; ; attempt++) {
      boolean now = back;
      SimEnv machine = world.newMachine("host" + machines++);
      long errors = reportedErrors();
      stoppingAtOpen = faults.stopping();
      Task<Session> opening =
          machine.start(
              "open",
              () ->
                  now
                      ? target.openCheckpoint(machine, attach(machine, hook), shape)
                      : target.open(machine, attach(machine, hook), shape));
      if (attempt < OPEN_ATTEMPTS / 2 && random.chance(200)) {
        world.sleep(random.nextLong(20_000_000L));
        if (!opening.isDone()) {
          tried |= now;
          crash(machine);
          continue;
        }
      }
      try {
        Session session = opening.join();
        boolean there = machine.call("checkpoint", session::hasCheckpoint);
        Objects.requireNonNull(kept).opened(there, now || tried);
        return new Opened(machine, session);
      } catch (PoolException e) {
        if (now && e.errno() == Errno.ENOENT && (tried || eioTolerated())) {
          back = false; // the import that was cut short has gone back
          crash(machine);
          continue;
        }
        tried |= now;
        // A device that answers EIO may stop an import, but only for as long as it does; one that
        // went away before its labels were read looks as if no pool were there.
        boolean excused =
            (e.errno() == Errno.EIO && (reportedErrors() > errors || stopped()))
                || (e.errno() == Errno.ENODEV && stopped());
        if (attempt >= OPEN_ATTEMPTS || !excused) {
          throw new Violation("cannot be opened: " + e.getMessage(), e);
        }
        crash(machine);
      }
    }
  }

  private record Opened(SimEnv machine, Session session) {}

  private long reportedErrors() {
    return faults.injected().getOrDefault(FaultKind.READ_ERROR, 0L);
  }

  /** What ends a round: nothing yet, or one of the commands that the devices get. */
  private final class PowerFailure implements CommandHook {
    private @Nullable SimEnv host;
    private int commandsLeft = -1;
    private boolean ignoringFlush;
    private boolean ignored;

    @Override
    public void onCommand(SimDevice device, boolean barrier) {
      if (commandsLeft > 0 && --commandsLeft == 0) {
        powerOff();
      } else if (barrier && ignored) {
        powerOff();
      } else if (barrier
          && ignoringFlush
          && faults.silentDamage() == 0
          && (shape.redundancy() == 0 || device.medium() == media.get(victim))
          && device.medium().openOnlyInTheMiddle(target.endBytes(shape))) {
        ignored = true;
        device.ignoreFlush();
      }
    }

    private void powerOff() {
      Objects.requireNonNull(host).crash();
    }
  }

  private void roundThatCrashes(int share) {
    PowerFailure end = new PowerFailure();
    Opened opened = open(end);
    end.host = opened.machine;
    if (!compareRecovered(opened)) {
      crash(opened.machine);
      return;
    }
    // More than the share, so that the crash meets writers at work.
    Task<?> last = startWriters(opened, 2 * share + 200);
    long before = operations();
    while (operations() - before < share && !opened.machine.crashed() && !last.isDone()) {
      world.sleep(POLL_NANOS);
    }
    // Then a moment later, or at the n-th command from now, or after a flush that lied.
    switch (random.nextInt(target.endBytes(shape) > 0 ? 8 : 7)) {
      case 0, 1, 2 -> {
        end.commandsLeft = 1 + random.nextInt(60);
        awaitPowerFailure(opened);
      }
      case 7 -> {
        end.ignoringFlush = true;
        awaitPowerFailure(opened);
      }
      default -> world.sleep(random.nextLong(8_000_000L));
    }
    throwIfFailed();
    crash(opened.machine);
  }

  private void awaitPowerFailure(Opened opened) {
    for (int i = 0; i < 50 && !opened.machine.crashed(); i++) {
      world.sleep(10 * POLL_NANOS);
    }
  }

  private void crash(SimEnv machine) {
    machine.crash();
    crashes++;
    CrashChooser sampled = CrashChooser.sampled(random);
    CrashChooser counting =
        (device, firstBlock, sectors, distinct) -> {
          WriteFate fate = sampled.fate(device, firstBlock, sectors, distinct);
          if (fate == WriteFate.LOST) {
            faults.count(FaultKind.UNFLUSHED_WRITE_LOST);
          } else if (fate != WriteFate.DONE) {
            faults.count(FaultKind.TORN_WRITE);
          }
          return fate;
        };
    for (SimMedium medium : media) {
      medium.crash(counting);
    }
  }

  private Task<?> startWriters(Opened opened, int share) {
    List<Task<Void>> tasks = new ArrayList<>();
    for (Writer writer : writers) {
      writer.prepare(opened.session, share / writers.size() + 1);
      tasks.add(opened.machine.fork("writer " + writer.index(), writer));
    }
    Onlooker looking =
        new Onlooker(this, world, opened.session, writers, "onlooker of " + opened.machine.name());
    onlooker = looking;
    KeptState keeping = Objects.requireNonNull(kept);
    keeping.prepare(opened.session);
    List<Task<Void>> keepers =
        keeping.wanted() ? List.of(opened.machine.fork("checkpoints", keeping)) : List.of();
    List<Task<Void>> onlookers =
        writers.size() < target.writers()
            ? List.of(opened.machine.fork("onlooker", looking))
            : List.of();
    return opened.machine.start(
        "writers",
        () -> {
          tasks.forEach(Task::join);
          looking.finish();
          keeping.finish();
          onlookers.forEach(Task::join);
          keepers.forEach(Task::join);
          return 0;
        });
  }

  private void throwIfFailed() {
    for (Writer writer : writers) {
      writer.throwIfFailed();
    }
    Onlooker looking = onlooker;
    if (looking != null) {
      looking.throwIfFailed();
    }
    Objects.requireNonNull(kept).throwIfFailed();
  }

  /** Bits rot while the machine is down; at most what the shape can repair or has to report. */
  private void damageAtRest() {
    long silent = faults.silentDamage();
    boolean nothingYet =
        faults.injected().keySet().stream()
            .noneMatch(
                kind -> kind.silent() || kind.stopsThePool() || kind == FaultKind.READ_ERROR);
    if (silent > 0 || !(nothingYet || random.nextBoolean())) {
      return;
    }
    SimMedium medium = media.get(victim);
    long block = medium.randomWrittenBlock(random);
    if (block >= 0) {
      if (random.nextBoolean()) {
        medium.rot(block, 1 + random.nextInt(8), random);
      } else {
        medium.rotSector(block, random);
      }
      faults.count(FaultKind.BIT_ROT);
    }
  }

  /** Damage beyond the redundancy must be reported: then EIO passes, wrong content never does. */
  boolean eioTolerated() {
    return shape.redundancy() == 0 && (faults.silentDamage() > 0 || reportedErrors() > 0);
  }

  /** A device refused to store something: no pool outlives that yet, and has to be opened anew. */
  boolean stopped() {
    return faults.stopping() > stoppingAtOpen;
  }

  /** How far each writer is; what is counted here will be durable once a sync has returned. */
  int[] journalLengths() {
    return writers.stream().mapToInt(writer -> writer.journal().length()).toArray();
  }

  void durableUpTo(int[] lengths) {
    for (int i = 0; i < lengths.length; i++) {
      writers.get(i).journal().durableUpTo(lengths[i]);
    }
  }

  static boolean outOfResources(Errno errno) {
    return OUT_OF_RESOURCES.contains(errno);
  }

  /** Whether the comparison came to its end: not when the pool had to stop meanwhile. */
  private boolean compareRecovered(Opened opened) {
    return unlessStopped(
            () -> {
              Tree found = opened.machine.call("snapshot", opened.session::snapshotTree);
              world.record(found.digest());
              if (!stopped()) {
                for (Writer writer : writers) {
                  writer.recovered(found, eioTolerated());
                }
                checkAll(opened);
              }
            })
        && !stopped();
  }

  private boolean unlessStopped(Runnable action) {
    try {
      action.run();
      return true;
    } catch (PoolException e) {
      if (e.errno() == Errno.EIO && stopped()) {
        return false;
      }
      throw new Violation("failed without a reason: " + e.getMessage(), e);
    }
  }

  private void checkAll(Opened opened) {
    for (Finding finding : opened.machine.call("verify", opened.session::verify)) {
      if (!(finding.damage() && (eioTolerated() || stopped()))) {
        throw new Violation("verify: " + finding.text());
      }
    }
  }

  /** The rest of the operations, then close, and all over again from the devices. */
  private void lastRound() {
    while (!finishedWithoutStop(open(CommandHook.NONE))) {
      damageAtRest();
    }
    Opened again = open(CommandHook.NONE, false);
    faults.enable(false);
    writers.forEach(Writer::forgetHandles);
    compareExactly(again, "after close and import");
    checkAll(again);
    close(again);
  }

  private boolean finishedWithoutStop(Opened opened) {
    boolean closed =
        compareRecovered(opened)
            && writersFinished(opened)
            && unlessStopped(() -> compareExactly(opened, "before the close"))
            && !stopped()
            && unlessStopped(() -> close(opened));
    if (!closed) {
      crash(opened.machine);
      return false;
    }
    opened.machine.crash(); // the machine is off; nothing was left to be lost
    for (SimMedium medium : media) {
      medium.crash((device, firstBlock, sectors, distinct) -> WriteFate.LOST);
    }
    return true;
  }

  private boolean writersFinished(Opened opened) {
    startWriters(opened, (int) Math.max(20, totalOperations - operations())).join();
    throwIfFailed();
    return !stopped();
  }

  private void close(Opened opened) {
    opened.machine.call(
        "close",
        () -> {
          opened.session.close();
          return 0;
        });
    if (opened.machine.liveTasks() > 0) {
      world.sleep(CLOSE_PATIENCE_NANOS);
    }
    if (opened.machine.liveTasks() > 0) {
      throw new Violation(opened.machine.liveTasks() + " tasks are still alive after the close");
    }
  }

  private void compareExactly(Opened opened, String when) {
    Tree found = opened.machine.call("snapshot", opened.session::snapshotTree);
    world.record(found.digest());
    if (stopped()) {
      return;
    }
    for (Writer writer : writers) {
      writer.compareExactly(found, eioTolerated(), when);
    }
  }
}
