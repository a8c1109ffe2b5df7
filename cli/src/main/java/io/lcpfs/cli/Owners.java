package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.cli.owner.CommandRunner;
import io.lcpfs.cli.owner.OwnerClient;
import io.lcpfs.cli.owner.OwnerServer;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;

/** Pools that one process has open and other commands use: both sides of it. */
final class Owners {
  /** Commands that show all datasets when none is named. */
  private static final List<List<String>> LISTINGS =
      List.of(List.of("fs", "list"), List.of("fs", "get"));

  private Owners() {}

  /**
   * Lets other commands use pools that this process has open, until what is answered is closed;
   * that has to be before the pools are.
   *
   * @param inUse datasets, by full name, that may be neither destroyed nor renamed meanwhile
   */
  static OwnerServer serve(Cli cli, List<Pool> pools, Predicate<String> inUse) {
    SortedMap<String, Pool> lent = new TreeMap<>();
    pools.forEach(pool -> lent.put(pool.name(), pool.lend(inUse)));
    CommandRunner runner =
        (arguments, in, out, err) -> {
          try (Cli each = cli.forOthers(in, out, err, arguments, lent)) {
            return Main.execute(each, arguments.toArray(String[]::new));
          }
        };
    List<OwnerServer.Served> served = new ArrayList<>();
    pools.forEach(pool -> served.add(new OwnerServer.Served(pool, runner)));
    try {
      return OwnerServer.start(served, cli.environment(), inUse, cli::warn);
    } catch (IOException e) {
      throw new Failure(ExitCode.FAILED, Messages.of(e), e);
    }
  }

  /**
   * Runs a command at the owners of the pools that it is about; empty when it is to be run here.
   * One that names no pool is about all of them: each owner then prints its part.
   */
  static OptionalInt run(Cli cli, String... words) {
    List<String> arguments = List.of(words);
    boolean help = arguments.contains("-h") || arguments.contains("--help");
    if (help || cli.isForOthers() || !OwnerServer.runs(arguments)) {
      return OptionalInt.empty();
    }
    List<Registry.Entry> all = cli.registry().list();
    List<Registry.Entry> named = named(all, arguments);
    Map<Registry.Entry, OwnerClient> owners = new LinkedHashMap<>();
    try {
      for (Registry.Entry entry : named.isEmpty() ? all : named) {
        OwnerClient.connect(cli.environment(), entry.guid())
            .ifPresent(owner -> owners.put(entry, owner));
      }
      if (owners.isEmpty()) {
        return OptionalInt.empty();
      }
      StreamCommands.refuseTerminal(arguments);
      if (owners.size() == 1) {
        // The owner opens the other pools itself, as this command would.
        return OptionalInt.of(run(cli, owners.values().iterator().next(), arguments));
      }
      if (!named.isEmpty()) {
        throw PoolException.refused(
            Errno.EBUSY,
            "the pools are open in processes of their own; name those of one process at a time");
      }
      return OptionalInt.of(each(cli, all, owners, arguments));
    } finally {
      owners.values().forEach(OwnerClient::close);
    }
  }

  /** Runs a command once for each pool, at its owner or here. */
  private static int each(
      Cli cli,
      List<Registry.Entry> pools,
      Map<Registry.Entry, OwnerClient> owners,
      List<String> arguments) {
    int code = ExitCode.OK;
    for (Registry.Entry pool : pools) {
      List<String> one = new ArrayList<>(arguments);
      if (LISTINGS.contains(arguments.subList(0, Math.min(2, arguments.size())))) {
        one.add("-r"); // of all datasets, as nothing is named
      }
      one.add(pool.name());
      OwnerClient owner = owners.get(pool);
      code =
          Math.max(
              code,
              owner == null
                  ? Main.executeHere(cli, one.toArray(String[]::new))
                  : run(cli, owner, one));
    }
    return code;
  }

  private static int run(Cli cli, OwnerClient owner, List<String> arguments) {
    int code = owner.run(arguments, cli.in(), cli.out(), cli.err());
    cli.out().flush();
    return code;
  }

  /** The pools that some argument names, alone or with a dataset or a path behind it. */
  private static List<Registry.Entry> named(List<Registry.Entry> all, List<String> arguments) {
    return all.stream()
        .filter(entry -> arguments.stream().anyMatch(word -> names(entry.name(), word)))
        .toList();
  }

  private static boolean names(String pool, String word) {
    return word.equals(pool)
        || StreamCommands.poolOfToken(word).equals(pool)
        || word.startsWith(pool + "/")
        || word.startsWith(pool + ":")
        || word.startsWith(pool + "@")
        || word.startsWith(pool + "#");
  }
}
