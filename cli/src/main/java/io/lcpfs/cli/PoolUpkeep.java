package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.api.PoolDevices;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Commands that change a pool as a whole. */
final class PoolUpkeep {
  private PoolUpkeep() {}

  /** {@code lcpfs pool export}. */
  @Command(name = "export", description = "Let go of pools, so that they can be taken elsewhere.")
  static final class Export extends BaseCommand {
    @Option(
        names = {"-a", "--all"},
        description = "Export all pools.")
    boolean all;

    @Option(
        names = {"-f", "--force"},
        description = "Also a pool that cannot be opened, as its devices are gone: only forget it.")
    boolean force;

    @Parameters(arity = "0..*", paramLabel = "POOL", description = "The pools.")
    List<String> names = new ArrayList<>();

    Export(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      if (all == !names.isEmpty()) {
        throw Failure.usage(
            "pool export",
            "needs the name of a pool, or -a alone for all",
            "see 'lcpfs pool list'");
      }
      List<Registry.Entry> entries =
          all ? cli.registry().list() : names.stream().map(cli::known).toList();
      for (Registry.Entry entry : entries) {
        if (!entry.readOnly() && !exported(entry)) {
          continue;
        }
        cli.registry().remove(entry.name());
        out()
            .println(
                "exported "
                    + entry.name()
                    + "; import it again with 'lcpfs pool import -d "
                    + entry.devices().getFirst().getParent()
                    + " "
                    + entry.name()
                    + "'");
      }
      return ExitCode.OK;
    }

    /** False when the pool could not be opened and was only forgotten. */
    private boolean exported(Registry.Entry entry) {
      try (Pool pool = cli.open(entry, false)) {
        cli.remember(pool);
        pool.export();
        return true;
      } catch (PoolException | Failure e) {
        PoolException reason = e instanceof PoolException pool ? pool : causeOf(e);
        if (reason == null || reason.errno() == Errno.EBUSY) {
          throw e;
        }
        String what = Messages.of(reason).split("; ", 2)[0];
        if (!force) {
          throw new Failure(
              ExitCode.FAILED,
              entry.name()
                  + " cannot be exported: "
                  + what
                  + "; bring it back, or forget the pool with 'lcpfs pool export -f "
                  + entry.name()
                  + "'",
              e);
        }
        cli.registry().remove(entry.name());
        out().println("forgot " + entry.name() + ", which was not exported: " + what);
        return false;
      }
    }

    private static @Nullable PoolException causeOf(RuntimeException failure) {
      return failure.getCause() instanceof PoolException reason ? reason : null;
    }
  }

  /** {@code lcpfs pool destroy}. */
  @Command(name = "destroy", description = "Destroy a pool with everything in it.")
  static final class Destroy extends BaseCommand {
    @Option(
        names = {"-f", "--force"},
        description = "Do not ask.")
    boolean force;

    @Parameters(paramLabel = "POOL", description = "The pool.")
    String name = "";

    Destroy(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() throws IOException {
      Registry.Entry entry = cli.known(name);
      if (!force && !confirmed()) {
        throw Failure.failed(name, "was not destroyed", "type its name when asked, or add -f");
      }
      try (Pool pool = cli.openToWrite(entry.name())) {
        pool.destroy();
      }
      cli.registry().remove(name);
      out().println("destroyed " + name);
      return ExitCode.OK;
    }

    private boolean confirmed() throws IOException {
      if (!Terminal.is(Terminal.STDIN)) {
        return false;
      }
      cli.err().print("Everything in " + name + " will be lost. Type its name: ");
      cli.err().flush();
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      return name.equals(in.readLine());
    }
  }

  /** {@code lcpfs pool set}. */
  @Command(name = "set", description = "Set a pool property.")
  static final class SetProperty extends BaseCommand {
    @Parameters(index = "0", paramLabel = "PROPERTY=VALUE", description = "For example autotrim=on")
    String assignment = "";

    @Parameters(index = "1", paramLabel = "POOL", description = "The pool.")
    String name = "";

    SetProperty(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      Map.Entry<String, String> one = Assignments.parse(assignment);
      try (Pool pool = cli.openToWrite(name)) {
        pool.setProperty(one.getKey(), one.getValue());
        cli.remember(pool);
      }
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs pool labelclear}. */
  @Command(
      name = "labelclear",
      description = "Wipe the pool's labels from a device, so that it counts as unused.")
  static final class LabelClear extends BaseCommand {
    @Option(
        names = {"-f", "--force"},
        description = "Also when its pool was neither exported nor destroyed.")
    boolean force;

    @Parameters(paramLabel = "DEVICE", description = "The file or block device.")
    Path device = Path.of("");

    LabelClear(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      Path path = device.toAbsolutePath().normalize();
      for (Registry.Entry entry : cli.registry().list()) {
        if (entry.devices().contains(path)) {
          throw Failure.failed(
              path.toString(),
              "belongs to the imported pool " + entry.name(),
              "export or destroy that pool first");
        }
      }
      PoolDevices.clearLabels(path, force);
      out().println("cleared the labels of " + path);
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs pool sync}. */
  @Command(name = "sync", description = "Return when everything done before is on disk.")
  static final class Sync extends BaseCommand {
    @Parameters(arity = "1..*", paramLabel = "POOL", description = "The pools.")
    List<String> names = new ArrayList<>();

    Sync(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      for (String name : names) {
        try (Pool pool = cli.openToWrite(name)) {
          pool.sync();
        }
      }
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs pool upgrade}. */
  @Command(name = "upgrade", description = "Turn on all features of the disk format.")
  static final class Upgrade extends BaseCommand {
    @Parameters(paramLabel = "POOL", description = "The pool.")
    String name = "";

    Upgrade(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      try (Pool pool = cli.openToWrite(name)) {
        List<String> turnedOn = pool.upgrade();
        cli.remember(pool);
        out()
            .println(
                turnedOn.isEmpty()
                    ? name + " has all features already"
                    : name + ": turned on " + String.join(", ", turnedOn));
      }
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs pool reguid}. */
  @Command(
      name = "reguid",
      description = "Give a pool a new guid, for example after its device was cloned.")
  static final class Reguid extends BaseCommand {
    @Parameters(paramLabel = "POOL", description = "The pool.")
    String name = "";

    Reguid(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      Registry.Entry entry = cli.known(name);
      try (Pool pool = cli.openToWrite(name)) {
        cli.remember(pool);
        pool.reguid();
        long guid = pool.guid();
        cli.registry().put(new Registry.Entry(name, guid, false, entry.devices()));
        out().println(name + ": guid is " + Long.toUnsignedString(guid) + " now");
      }
      return ExitCode.OK;
    }
  }
}
