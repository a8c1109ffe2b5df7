package io.lcpfs.cli;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.fuse.FuseMount;
import io.lcpfs.fuse.MountTable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs umount}: the end of a mount. */
@Command(
    name = "umount",
    description =
        "Unmount what is mounted on a directory, or a dataset wherever it is mounted, and wait"
            + " until its pool is closed.")
final class UmountCommand extends BaseCommand {
  private static final int CLOSING_SECONDS = 120;

  @Option(
      names = {"-a", "--all"},
      description = "Unmount everything.")
  boolean all;

  @Option(
      names = {"-l", "--lazy"},
      description = "Though it is in use: at once for new users, who is inside may finish.")
  boolean lazy;

  @Parameters(arity = "0..*", paramLabel = "DIR|DATASET", description = "What to unmount.")
  List<String> words = new ArrayList<>();

  UmountCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    List<MountTable.Entry> mounts = MountTable.list().reversed();
    List<MountTable.Entry> doomed = new ArrayList<>(all ? mounts : List.of());
    if (!all && words.isEmpty()) {
      throw Failure.usage("umount", "nothing is named", "name a directory or a dataset, or add -a");
    }
    for (String word : words) {
      String directory = Path.of(word).toAbsolutePath().normalize().toString();
      List<MountTable.Entry> found =
          mounts.stream()
              .filter(one -> one.directory().equals(directory) || one.source().equals(word))
              .toList();
      if (found.isEmpty()) {
        throw Failure.failed(word, "is not mounted", "'lcpfs mount' shows what is");
      }
      doomed.addAll(found);
    }
    Set<String> pools = new LinkedHashSet<>();
    for (MountTable.Entry entry : doomed) {
      FuseMount.unmount(Path.of(entry.directory()), lazy);
      pools.add(DatasetName.poolOf(entry.source()));
    }
    MountTable.list().forEach(left -> pools.remove(DatasetName.poolOf(left.source())));
    pools.forEach(this::awaitClosed);
    return ExitCode.OK;
  }

  private void awaitClosed(String poolName) {
    MountDaemon.find(cli, poolName)
        .ifPresent(
            process -> {
              try {
                process.onExit().orTimeout(CLOSING_SECONDS, TimeUnit.SECONDS).join();
              } catch (CompletionException e) {
                cli.warn(
                    poolName
                        + ": is unmounted, but process "
                        + process.pid()
                        + " still works on it; wait for that before you use the pool");
              }
            });
  }
}
