package io.lcpfs.cli;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.PoolException;
import io.lcpfs.fuse.FuseMount;
import io.lcpfs.fuse.MountTable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
  private static final int LOOK_MILLIS = 20;

  @Option(
      names = {"-a", "--all"},
      description = "Unmount everything of the imported pools.")
  boolean all;

  @Option(
      names = {"-l", "--lazy"},
      description =
          "Though it is in use: at once for new users, who is inside may finish. Returns without"
              + " waiting for them.")
  boolean lazy;

  @Parameters(arity = "0..*", paramLabel = "DIR|DATASET", description = "What to unmount.")
  List<String> words = new ArrayList<>();

  private int code = ExitCode.OK;

  UmountCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() throws InterruptedException {
    if (!all && words.isEmpty()) {
      throw Failure.usage("umount", "nothing is named", "name a directory or a dataset, or add -a");
    }
    // Inner ones first.
    List<MountTable.Entry> mounts = MountTable.list().reversed();
    Set<MountTable.Entry> doomed = new LinkedHashSet<>();
    if (all) {
      mounts.stream().filter(one -> record(one).isPresent()).forEach(doomed::add);
    }
    for (String word : words) {
      try {
        doomed.addAll(named(mounts, word));
      } catch (Failure e) {
        failed(e);
      }
    }
    Map<String, MountRecord> pools = new LinkedHashMap<>();
    for (MountTable.Entry entry : doomed) {
      Optional<MountRecord> record = record(entry);
      try {
        FuseMount.unmount(Path.of(entry.directory()), lazy);
        record.ifPresent(one -> pools.put(DatasetName.poolOf(entry.source()), one));
      } catch (PoolException e) {
        failed(e);
      }
    }
    if (!lazy) {
      List<MountTable.Entry> left = MountTable.list();
      for (Map.Entry<String, MountRecord> pool : pools.entrySet()) {
        if (left.stream().noneMatch(pool.getValue()::has)) {
          awaitClosed(pool.getKey(), pool.getValue());
        }
      }
    }
    return code;
  }

  private void failed(RuntimeException e) {
    cli.warn(Messages.of(e));
    code = ExitCode.FAILED;
  }

  /** What is known of who serves a mount, if it is of a pool of this registry. */
  private Optional<MountRecord> record(MountTable.Entry mount) {
    return MountRecord.read(cli, DatasetName.poolOf(mount.source()))
        .filter(record -> record.has(mount));
  }

  private List<MountTable.Entry> named(List<MountTable.Entry> mounts, String word) {
    String directory = Path.of(word).toAbsolutePath().normalize().toString();
    List<MountTable.Entry> found =
        mounts.stream()
            .filter(
                one ->
                    one.directory().equals(directory)
                        || (one.source().equals(word) && record(one).isPresent()))
            .toList();
    if (found.isEmpty()) {
      List<String> others =
          mounts.stream()
              .filter(one -> one.source().equals(word))
              .map(MountTable.Entry::directory)
              .toList();
      throw others.isEmpty()
          ? Failure.failed(word, "is not mounted", "'lcpfs mount' shows what is")
          : Failure.failed(
              word,
              "is mounted on "
                  + String.join(", ", others)
                  + ", but not from this list of imported pools",
              "name the directory to unmount it nevertheless");
    }
    return found;
  }

  /** Returns when the process that served a pool has closed it, or is gone. */
  private void awaitClosed(String poolName, MountRecord record) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSING_SECONDS);
    while (record.isAlive() && MountRecord.read(cli, poolName).filter(record::equals).isPresent()) {
      if (System.nanoTime() - deadline > 0) {
        cli.warn(
            poolName
                + ": is unmounted, but process "
                + record.pid()
                + " still works on it; wait for that before you use the pool");
        return;
      }
      Thread.sleep(LOOK_MILLIS);
    }
  }
}
