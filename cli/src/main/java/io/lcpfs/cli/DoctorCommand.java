package io.lcpfs.cli;

import io.lcpfs.checkup.CheckedItem;
import io.lcpfs.checkup.CheckedItem.Verdict;
import io.lcpfs.checkup.IntegrationChecklist;
import io.lcpfs.checkup.Surroundings;
import io.lcpfs.device.BlockDevice;
import io.lcpfs.device.DirectIo;
import io.lcpfs.device.FileDevice;
import io.lcpfs.device.OpenMode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lcpfs doctor}. */
@Command(
    name = "doctor",
    description = {
      "Look whether this machine can carry pools, and what to do where it cannot.",
      "A device is tried on a file of 16 MiB that is removed again, or on the one named."
    })
final class DoctorCommand extends BaseCommand {
  private static final long TRIAL_BYTES = 16L << 20;
  private static final int BLOCK_BYTES = 4096;

  /** What is looked at for content at each end of a device. */
  private static final long PROBED_BYTES = 1L << 20;

  @Option(
      names = {"-j", "--json"},
      description = "Print JSON.")
  boolean json;

  @Option(
      names = {"-d", "--device"},
      paramLabel = "DEVICE",
      description = "Try this file or disk; what is on it is lost.")
  @Nullable Path device;

  @Option(
      names = {"-f", "--force"},
      description = "Overwrite the device although it is not empty.")
  boolean force;

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "Where the file to try is made (default: the directory for temporary files).")
  @Nullable Path directory;

  @Option(
      names = "--allow-other",
      description = "Mounts are to be used by other users too: look whether this user may do that.")
  boolean allowOther;

  DoctorCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() throws IOException {
    Surroundings machine = Surroundings.ofThisMachine(cli.env(), cli.tuning().cacheBytes());
    Surroundings around = machine.withHelper(machine.helper().withForOthers(allowOther));
    List<CheckedItem> items = new ArrayList<>(IntegrationChecklist.machine(around));
    Path named = device;
    if (named != null) {
      if (!force) {
        refuseContent(named);
      }
      items.addAll(tried(around, named));
    } else if (around.linux64()) {
      items.addAll(triedOnNewFile(around));
    }
    if (json) {
      print(items);
    } else {
      items.forEach(this::print);
      out().println(summary(items));
    }
    return IntegrationChecklist.usable(items) ? ExitCode.OK : ExitCode.FAILED;
  }

  private static List<CheckedItem> tried(Surroundings around, Path file) {
    return IntegrationChecklist.device(
        around,
        () -> FileDevice.open(file, OpenMode.READ_WRITE, BLOCK_BYTES, DirectIo.AUTO),
        around.env().randomLong());
  }

  private List<CheckedItem> triedOnNewFile(Surroundings around) throws IOException {
    Path parent = directory;
    Path place =
        parent == null
            ? Files.createTempDirectory("lcpfs-doctor")
            : Files.createTempDirectory(parent, "lcpfs-doctor");
    Path file = place.resolve("disk");
    try {
      FileDevice.create(file, TRIAL_BYTES, false);
      return tried(around, file);
    } finally {
      Files.deleteIfExists(file);
      Files.delete(place);
    }
  }

  private static void refuseContent(Path file) {
    try (BlockDevice probe = FileDevice.open(file, OpenMode.PROBE, BLOCK_BYTES, DirectIo.OFF)) {
      long blocks = Math.min(probe.totalBlocks(), PROBED_BYTES / BLOCK_BYTES);
      byte[] content = new byte[(int) blocks * BLOCK_BYTES];
      byte[] zeros = new byte[content.length];
      for (long at : new long[] {0, probe.totalBlocks() - blocks}) {
        probe.readBlocks(at, (int) blocks, MemorySegment.ofArray(content));
        if (MemorySegment.ofArray(content).mismatch(MemorySegment.ofArray(zeros)) >= 0) {
          throw Failure.failed(
              file.toString(),
              "is not empty, and a trial overwrites it",
              "name another device, or add -f to lose what is on it");
        }
      }
    }
  }

  private void print(CheckedItem item) {
    out()
        .printf(
            Locale.ROOT,
            "%-8s %-16s %s%n",
            item.verdict().name().toLowerCase(Locale.ROOT),
            item.subject(),
            item.finding());
    if (!item.remedy().isEmpty()) {
      out().println(" ".repeat(26) + "-> " + item.remedy());
    }
  }

  private static long count(List<CheckedItem> items, Verdict verdict) {
    return items.stream().filter(item -> item.verdict() == verdict).count();
  }

  private static String summary(List<CheckedItem> items) {
    return count(items, Verdict.OK)
        + " ok, "
        + count(items, Verdict.WARNING)
        + " to know of, "
        + count(items, Verdict.BROKEN)
        + " broken";
  }

  private void print(List<CheckedItem> items) {
    List<Object> rows = new ArrayList<>();
    for (CheckedItem item : items) {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("subject", item.subject());
      row.put("verdict", item.verdict().name().toLowerCase(Locale.ROOT));
      row.put("finding", item.finding());
      row.put("remedy", item.remedy());
      rows.add(row);
    }
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("usable", IntegrationChecklist.usable(items));
    all.put("items", rows);
    out().println(Json.write(all));
  }
}
