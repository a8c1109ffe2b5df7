package io.lcpfs.sim;

import io.lcpfs.env.PlantedBug;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.EnumSet;

/** The command line of the simulator; {@code lcpfs sim} hands its arguments over. */
public final class SimMain {
  /** What the arguments mean. */
  public static final String USAGE =
      """
      usage: lcpfs sim [--seeds N] [--first S] [--operations N] [--scripts N] [--states N]
                       [--workers N] [--plant BUG]... [--replay SEED | --script SEED]
        --seeds N       seeds to run (default 20)
        --first S       first seed (default 1)
        --operations N  operations per seed (default 1000)
        --scripts N     scripts whose crash states are searched (default: seeds / 100, at least 1)
        --states N      recoveries per script before the search samples (default 20000)
        --workers N     threads; results do not depend on it (default 2)
        --plant BUG     make the engine do something wrong on purpose: %s
        --replay SEED   run one seed again
        --script SEED   search one script again
      """
          .formatted(Arrays.toString(PlantedBug.values()));

  private static final int EXIT_VIOLATION = 1;
  private static final int EXIT_USAGE = 2;

  private SimMain() {}

  /**
   * Runs what {@code args} ask for.
   *
   * @param progress gets a line now and then
   * @return 0 when every promise was kept, 1 when one was broken, 2 when the arguments make no
   *     sense
   */
  public static int run(SimTarget target, String[] args, PrintStream out, PrintStream progress) {
    SimOptions options;
    try {
      options = parse(args);
    } catch (IllegalArgumentException e) {
      out.println(e.getMessage());
      out.print(USAGE);
      return EXIT_USAGE;
    }
    SimReport report = Simulation.run(target, options, progress::println);
    report.lines().forEach(out::println);
    return report.passed() ? 0 : EXIT_VIOLATION;
  }

  /**
   * Reads the arguments.
   *
   * @throws IllegalArgumentException naming the argument that makes no sense
   */
  public static SimOptions parse(String[] args) {
    long first = 1;
    long seeds = 20;
    long scripts = -1;
    long states = 20_000;
    int operations = SimOptions.OPERATIONS;
    int workers = 2;
    EnumSet<PlantedBug> planted = EnumSet.noneOf(PlantedBug.class);
    for (int i = 0; i < args.length; i += 2) {
      if (i + 1 == args.length) {
        throw new IllegalArgumentException(args[i] + ": no value");
      }
      String value = args[i + 1];
      switch (args[i]) {
        case "--seeds" -> seeds = number(args[i], value, 0, 10_000_000);
        case "--first" -> first = number(args[i], value, 0, Long.MAX_VALUE / 2);
        case "--operations" -> operations = (int) number(args[i], value, 10, 1_000_000);
        case "--scripts" -> scripts = number(args[i], value, 0, 1_000_000);
        case "--states" -> states = number(args[i], value, 1, Long.MAX_VALUE);
        case "--workers" -> workers = (int) number(args[i], value, 1, 256);
        case "--plant" -> planted.add(bug(value));
        case "--replay" -> {
          first = number(args[i], value, 0, Long.MAX_VALUE / 2);
          seeds = 1;
          scripts = 0;
          workers = 1;
        }
        case "--script" -> {
          first = number(args[i], value, 0, Long.MAX_VALUE / 2);
          seeds = 0;
          scripts = 1;
          workers = 1;
        }
        default -> throw new IllegalArgumentException(args[i] + ": not an option");
      }
    }
    long searched = scripts >= 0 ? scripts : Math.max(1, seeds / 100);
    return new SimOptions(
        first,
        seeds,
        operations,
        searched,
        states,
        planted,
        workers,
        seeds >= SimOptions.SEEDS_THAT_REACH_EVERY_PROBE);
  }

  private static long number(String option, String text, long least, long most) {
    try {
      long value = Long.parseLong(text);
      if (value >= least && value <= most) {
        return value;
      }
      throw new IllegalArgumentException(
          option + " " + text + ": must be from " + least + " to " + most);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(option + " " + text + ": not a number", e);
    }
  }

  private static PlantedBug bug(String name) {
    for (PlantedBug bug : PlantedBug.values()) {
      if (bug.name().equals(name)) {
        return bug;
      }
    }
    throw new IllegalArgumentException(
        "--plant " + name + ": not one of " + Arrays.toString(PlantedBug.values()));
  }
}
