package io.lcpfs.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine.Command;

/** {@code lcpfs pool ...}: whole pools. */
final class PoolCommands {
  private PoolCommands() {}

  @Command(
      name = "pool",
      synopsisSubcommandLabel = "ACTION",
      description = "Make, import, inspect and look after pools.")
  static final class Group extends GroupCommand {
    Group(Cli cli) {
      super(cli);
    }
  }

  static Map<String, Function<Cli, BaseCommand>> all() {
    Map<String, Function<Cli, BaseCommand>> all = new LinkedHashMap<>();
    all.put("create", PoolCreate::new);
    all.put("list", PoolInspect.ListPools::new);
    all.put("status", PoolInspect.Status::new);
    all.put("import", PoolImport::new);
    all.put("export", PoolUpkeep.Export::new);
    all.put("checkpoint", CheckpointCommand::new);
    all.put("destroy", PoolUpkeep.Destroy::new);
    all.put("get", PoolInspect.Get::new);
    all.put("set", PoolUpkeep.SetProperty::new);
    all.put("verify", PoolInspect.Verify::new);
    all.put("history", PoolInspect.History::new);
    all.put("labelclear", PoolUpkeep.LabelClear::new);
    all.put("sync", PoolUpkeep.Sync::new);
    all.put("upgrade", PoolUpkeep.Upgrade::new);
    all.put("reguid", PoolUpkeep.Reguid::new);
    return all;
  }
}
