package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.object.ObjectAccounts.Owner;
import io.lcpfs.pool.OwnerSpace;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs fs userspace}, {@code groupspace} and {@code projectspace}. */
final class OwnerCommands {
  private OwnerCommands() {}

  /** What the three have in common. */
  abstract static class OwnerSpaceCommand extends BaseCommand {
    @Mixin OutputOptions output = new OutputOptions();

    @Option(
        names = {"-n", "--numeric"},
        description = "Show numbers instead of names.")
    boolean numeric;

    @Option(
        names = {"-s", "--sort"},
        paramLabel = "COLUMN",
        description = "Sort by name, used, quota, objused or objquota; by name when not given.")
    String sortBy = "name";

    @Option(
        names = {"-r", "--reverse"},
        description = "Sort the other way round.")
    boolean reverse;

    @Parameters(paramLabel = "DATASET[@NAME]", description = "The dataset, or a snapshot of it.")
    String name = "";

    private final Owner owner;

    OwnerSpaceCommand(Cli cli, Owner owner) {
      super(cli);
      this.owner = owner;
    }

    private Comparator<OwnerSpace> order(Map<String, String> names) {
      Comparator<OwnerSpace> byName =
          Comparator.comparing((OwnerSpace one) -> shown(one, names))
              .thenComparingLong(one -> Integer.toUnsignedLong(one.id()));
      Comparator<OwnerSpace> order =
          switch (sortBy) {
            case "name" ->
                numeric || owner == Owner.PROJECT
                    ? Comparator.comparingLong(one -> Integer.toUnsignedLong(one.id()))
                    : byName;
            case "used" -> Comparator.comparingLong(OwnerSpace::bytes).thenComparing(byName);
            case "quota" -> Comparator.comparingLong(OwnerSpace::quota).thenComparing(byName);
            case "objused" -> Comparator.comparingLong(OwnerSpace::objects).thenComparing(byName);
            case "objquota" ->
                Comparator.comparingLong(OwnerSpace::objectQuota).thenComparing(byName);
            default ->
                throw Failure.usage(
                    sortBy, "is no column", "write name, used, quota, objused or objquota");
          };
      return reverse ? order.reversed() : order;
    }

    private String shown(OwnerSpace one, Map<String, String> names) {
      String number = Integer.toUnsignedString(one.id());
      return numeric ? number : names.getOrDefault(number, number);
    }

    private static Table.Shown limit(long value, Object exact, String text) {
      return new Table.Shown(value == 0 ? "none" : text, exact);
    }

    @Override
    public Integer call() {
      boolean snapshot = DatasetName.isSnapshot(name);
      if (snapshot) {
        DatasetName.checkSnapshot(name);
      }
      String dataset = snapshot ? DatasetName.datasetOf(name) : name;
      DatasetName.check(dataset);
      Map<String, String> names = OwnerNames.byNumber(owner);
      Comparator<OwnerSpace> order = order(names);
      Table table =
          new Table(
              output, "owners", List.of("TYPE", "NAME", "USED", "QUOTA", "OBJUSED", "OBJQUOTA"));
      try (Pool pool = cli.openToRead(DatasetName.poolOf(dataset))) {
        String shortName = snapshot ? pool.snapshot(name).shortName() : "";
        List<OwnerSpace> rows = new ArrayList<>(pool.dataset(dataset).owners(shortName));
        rows.removeIf(one -> one.owner() != owner);
        rows.sort(order);
        for (OwnerSpace one : rows) {
          table.row(
              owner.name().toLowerCase(Locale.ROOT),
              shown(one, names),
              new Table.Bytes(one.bytes()),
              limit(one.quota(), one.quota(), io.lcpfs.dataset.Sizes.print(one.quota())),
              one.objects(),
              limit(one.objectQuota(), one.objectQuota(), Long.toString(one.objectQuota())));
        }
      }
      table.print(out());
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs fs userspace}. */
  @Command(name = "userspace", description = "Show what each user has in a dataset or snapshot.")
  static final class Users extends OwnerSpaceCommand {
    Users(Cli cli) {
      super(cli, Owner.USER);
    }
  }

  /** {@code lcpfs fs groupspace}. */
  @Command(name = "groupspace", description = "Show what each group has in a dataset or snapshot.")
  static final class Groups extends OwnerSpaceCommand {
    Groups(Cli cli) {
      super(cli, Owner.GROUP);
    }
  }

  /** {@code lcpfs fs projectspace}. */
  @Command(
      name = "projectspace",
      description = "Show what each project has in a dataset or snapshot.")
  static final class Projects extends OwnerSpaceCommand {
    Projects(Cli cli) {
      super(cli, Owner.PROJECT);
    }
  }
}
