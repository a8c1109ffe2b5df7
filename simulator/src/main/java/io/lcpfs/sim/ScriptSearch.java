package io.lcpfs.sim;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.error.Errno;
import io.lcpfs.sim.SimTarget.Session;
import io.lcpfs.sim.crash.CrashSearch;
import io.lcpfs.sim.device.CommandHook;
import io.lcpfs.sim.device.FaultPlan;
import io.lcpfs.sim.device.SimDevice;
import io.lcpfs.sim.device.SimMedium;
import io.lcpfs.sim.model.Op;
import io.lcpfs.sim.model.OpGenerator;
import io.lcpfs.sim.model.Outcome;
import io.lcpfs.sim.world.SimConfig;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimFailure;
import io.lcpfs.sim.world.SimRandom;
import io.lcpfs.sim.world.Violation;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A short script of operations and syncs by one client, crashed at every moment, and at each in
 * every state that the unflushed writes can leave. Each state has to open, hold a prefix of the
 * script no older than the last sync, and pass all checks.
 *
 * <p>A crash between two flushes leaves some of the writes since the first of them; so does a crash
 * just before the second takes effect, where all of them are there to be lost, and at which at
 * least as much has been promised. So the moments before each flush stand for all others.
 */
public final class ScriptSearch {
  /** The longest script. */
  public static final int MAX_OPERATIONS = 12;

  private static final long MIN_STATES_PER_POINT = 8;

  /**
   * What the search of one script gave.
   *
   * @param seed of the script
   * @param points moments at which it was crashed
   * @param states recoveries run
   * @param complete whether that was every state of every moment
   * @param violation what was broken first; null when nothing was
   */
  public record Result(
      long seed, long points, long states, boolean complete, @Nullable String violation) {}

  private record Point(List<SimMedium> media, Journal journal) {}

  private final SimTarget target;
  private final SimConfig config;
  private final PoolShape shape;
  private final SimRandom random;
  private final List<Point> points = new ArrayList<>();

  private ScriptSearch(SimTarget target, SimConfig config) {
    this.target = target;
    this.config = config;
    this.random = SimRandom.named(config.seed(), "script");
    this.shape = target.shapes().get(random.nextInt(target.shapes().size()));
  }

  /** Searches the script of a seed with about {@code maxStates} recoveries in all. */
  public static Result run(SimTarget target, SimConfig config, long maxStates) {
    ScriptSearch search = new ScriptSearch(target, config.calm());
    try {
      SimEnv.run(
          search.config,
          world -> {
            search.runScript(world);
            return 0;
          });
    } catch (SimFailure failure) {
      return new Result(config.seed(), 0, 0, false, String.valueOf(failure.getMessage()));
    }
    return search.searchPoints(maxStates);
  }

  private void runScript(SimEnv world) {
    SimEnv machine = world.newMachine("host");
    List<SimMedium> media = new ArrayList<>();
    for (int i = 0; i < shape.devices(); i++) {
      media.add(new SimMedium("d" + i, shape.blockSize(), shape.blocks()));
    }
    Journal journal = new Journal("/w0", target, 0);
    machine.call(
        "script",
        () -> {
          target.format(machine, attach(machine, media, CommandHook.NONE), shape);
          Session session =
              target.open(
                  machine,
                  attach(
                      machine,
                      media,
                      (device, barrier) -> {
                        if (barrier) {
                          remember(media, journal);
                        }
                      }),
                  shape);
          script(session, journal);
          session.close();
          remember(media, journal);
          return 0;
        });
  }

  private static List<BlockDevice> attach(SimEnv machine, List<SimMedium> media, CommandHook hook) {
    List<BlockDevice> devices = new ArrayList<>();
    for (SimMedium medium : media) {
      devices.add(new SimDevice(machine, medium, FaultPlan.none()).hook(hook));
    }
    return devices;
  }

  private void remember(List<SimMedium> media, Journal journal) {
    points.add(new Point(media.stream().map(SimMedium::copy).toList(), journal.copy()));
  }

  private void script(Session session, Journal journal) {
    OpGenerator generator =
        new OpGenerator(
            new SimRandom(random.nextLong()),
            journal.model(),
            journal.root(),
            shape.deviceBytes() / 8,
            0,
            target.handles());
    int operations = random.between(3, MAX_OPERATIONS);
    // Scripts that live on fsync, on sync, or on both.
    int fsyncs = random.nextInt(3) * 500;
    for (int i = 0; i < operations; i++) {
      Op op = i == 0 ? new Op.Mkdir(journal.root(), 0755) : generator.next();
      journal.begin(op);
      Outcome actual = session.apply(op);
      if (actual instanceof Outcome.Failed(Errno errno) && SeedRun.outOfResources(errno)) {
        journal.refuse();
        continue;
      }
      Outcome expected = journal.end(op);
      if (!expected.agrees(actual)) {
        throw new Violation(op + ": " + Outcome.difference(expected, actual));
      }
      if (random.chance(fsyncs)) {
        fsync(session, journal);
      } else if (random.chance(300)) {
        int length = journal.length();
        session.sync();
        journal.durableUpTo(length);
      }
    }
  }

  private void fsync(Session session, Journal journal) {
    if (target.fsyncCoversEarlierOperations()
        && session.apply(journal.fsyncOfRoot()).equals(Outcome.done())) {
      journal.fsynced();
    }
  }

  private Result searchPoints(long maxStates) {
    CrashSearch.Options options =
        new CrashSearch.Options(
            Long.MAX_VALUE, MIN_STATES_PER_POINT, random.chance(250), random.chance(500));
    long states = 0;
    boolean complete = true;
    for (int i = 0; i < points.size(); i++) {
      Point point = points.get(i);
      // What one moment leaves of its share is there for the rest.
      long share = Math.max(MIN_STATES_PER_POINT, (maxStates - states) / (points.size() - i));
      CrashSearch.Result result =
          CrashSearch.explore(
              config,
              point.media,
              options.withMaxStates(share),
              (machine, devices) -> {
                check(machine, devices, point.journal.copy());
              });
      states += result.states();
      complete &= result.complete();
      String violation = result.violation();
      if (violation != null) {
        return new Result(
            config.seed(),
            points.size(),
            states,
            false,
            "crash before flush "
                + (i + 1)
                + " of "
                + points.size()
                + " of the script: "
                + violation);
      }
    }
    return new Result(config.seed(), points.size(), states, complete, null);
  }

  private void check(SimEnv machine, List<SimDevice> devices, Journal journal) {
    Session session = target.open(machine, devices, shape);
    journal.recoverTo(session.snapshotTree().below(journal.root()), false);
    for (Finding finding : session.verify()) {
      throw new Violation("verify: " + finding.text());
    }
    session.close();
  }
}
