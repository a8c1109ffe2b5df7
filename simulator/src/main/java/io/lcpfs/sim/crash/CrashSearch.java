package io.lcpfs.sim.crash;

import io.lcpfs.sim.device.CommandHook;
import io.lcpfs.sim.device.CrashChooser;
import io.lcpfs.sim.device.FaultPlan;
import io.lcpfs.sim.device.SimDevice;
import io.lcpfs.sim.device.SimMedium;
import io.lcpfs.sim.device.WriteFate;
import io.lcpfs.sim.world.MachineCrashed;
import io.lcpfs.sim.world.SimConfig;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimFailure;
import io.lcpfs.sim.world.SimRandom;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Explores what recovery can find after a crash. A write that no flush covered may be lost, done or
 * torn; which one is asked only when recovery reads of it, so states that recovery cannot tell
 * apart are tried once. Depth first, all of them within a budget; beyond it, drawn at random.
 */
public final class CrashSearch {

  /** Opens what is on the devices and throws when a promise is broken. */
  public interface Recovery {
    void run(SimEnv machine, List<SimDevice> devices) throws Exception;
  }

  /**
   * How to search.
   *
   * @param maxStates runs of recovery tried in order before the rest is sampled
   * @param samples runs with random answers when the budget did not suffice
   * @param bySector whether each 512-byte sector has its own fate; else a write is lost, done, or
   *     done in one half
   * @param crashAgain whether recovery itself is crashed too, before each of its flushes and at
   *     its end: all that was written since the flush before can then be lost
   */
  public record Options(long maxStates, long samples, boolean bySector, boolean crashAgain) {

    public Options withMaxStates(long most) {
      return new Options(most, samples, bySector, crashAgain);
    }
  }

  /**
   * What a search found.
   *
   * @param states runs of recovery
   * @param complete whether every state was tried
   * @param violation what went wrong first and in which state; null when nothing did
   */
  public record Result(long states, boolean complete, @Nullable String violation) {}

  private final SimConfig config;
  private final List<SimMedium> crashed;
  private final Options options;
  private final Recovery recovery;
  private long states;

  private CrashSearch(
      SimConfig config, List<SimMedium> crashed, Options options, Recovery recovery) {
    this.config = config;
    this.crashed = crashed;
    this.options = options;
    this.recovery = recovery;
  }

  /**
   * Runs {@code recovery} over the states of {@code media}.
   *
   * @param media as they were at the moment of the crash, not yet {@link SimMedium#crash}ed;
   *     copied, not changed
   */
  public static Result explore(
      SimConfig config, List<SimMedium> media, Options options, Recovery recovery) {
    return new CrashSearch(config.calm(), media, options, recovery).explore();
  }

  private Result explore() {
    int[] given = new int[0];
    while (given != null && states < options.maxStates()) {
      Choices choices = new Choices(given, null, false);
      String violation = tryState(choices);
      if (violation != null) {
        return new Result(states, false, describe(choices, violation));
      }
      given = choices.next();
    }
    if (given == null) {
      return new Result(states, true, null);
    }
    SimRandom random = SimRandom.named(config.seed(), "crash samples");
    for (long i = 0; i < options.samples(); i++) {
      Choices choices = new Choices(new int[0], random, false);
      String violation = tryState(choices);
      if (violation != null) {
        return new Result(states, false, describe(choices, violation));
      }
    }
    return new Result(states, false, null);
  }

  /** The same run once more, to say in words which state it was. */
  private String describe(Choices failed, String violation) {
    Choices again = new Choices(failed.all(), null, true);
    tryState(again);
    states--;
    StringBuilder text = new StringBuilder(violation).append("\n  in the state where");
    again.descriptions().forEach(line -> text.append("\n    ").append(line));
    return text.toString();
  }

  private @Nullable String tryState(Choices choices) {
    states++;
    try {
      SimEnv.run(
          config,
          world -> {
            recover(world, choices);
            return 0;
          });
      return null;
    } catch (SimFailure failure) {
      return failure.getMessage();
    }
  }

  private void recover(SimEnv world, Choices choices) {
    CrashChooser chooser = chooser(choices);
    List<SimMedium> media = new ArrayList<>();
    for (SimMedium medium : crashed) {
      SimMedium copy = medium.copy();
      copy.crash(chooser);
      media.add(copy);
    }
    if (!options.crashAgain()) {
      attempt(world, media, CommandHook.NONE, "recovery");
      return;
    }
    SimEnv first = world.newMachine("recovery");
    CommandHook hook =
        (device, barrier) -> {
          if (barrier && choices.choose(2, () -> "crash again before a flush") == 1) {
            first.crash();
          }
        };
    try {
      attemptOn(first, media, hook);
      boolean unflushed = media.stream().anyMatch(medium -> medium.openWrites() > 0);
      if (!unflushed || choices.choose(2, () -> "crash again at the end") == 0) {
        return;
      }
    } catch (MachineCrashed again) {
      // goes on below
    }
    for (SimMedium medium : media) {
      medium.crash(chooser);
    }
    attempt(world, media, CommandHook.NONE, "second recovery");
  }

  private void attempt(SimEnv world, List<SimMedium> media, CommandHook hook, String name) {
    attemptOn(world.newMachine(name), media, hook);
  }

  private void attemptOn(SimEnv machine, List<SimMedium> media, CommandHook hook) {
    machine.call(
        "recovery",
        () -> {
          List<SimDevice> devices = new ArrayList<>();
          for (SimMedium medium : media) {
            devices.add(new SimDevice(machine, medium, FaultPlan.none()).hook(hook));
          }
          recovery.run(machine, devices);
          return 0;
        });
  }

  private CrashChooser chooser(Choices choices) {
    return new CrashChooser() {
      @Override
      public WriteFate fate(String device, long firstBlock, int sectors, List<WriteFate> distinct) {
        int answer =
            choices.choose(
                distinct.size(),
                () ->
                    device
                        + ", write of "
                        + sectors
                        + " sectors at block "
                        + firstBlock
                        + " "
                        + distinct);
        return distinct.get(answer);
      }

      @Override
      public boolean bySector() {
        return options.bySector();
      }

      @Override
      public boolean sectorDone(String device, long firstBlock, int sector) {
        return choices.choose(
                2,
                () ->
                    device
                        + ", sector "
                        + sector
                        + " of the write at block "
                        + firstBlock
                        + " (lost, done)")
            == 1;
      }
    };
  }
}
