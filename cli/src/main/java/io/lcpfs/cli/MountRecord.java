package io.lcpfs.cli;

import io.lcpfs.api.Pool;
import io.lcpfs.fuse.FuseMount;
import io.lcpfs.fuse.MountTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which process serves the mounts of a pool, and which mounts: a file beside the registry, from the
 * first mount until the pool is closed. Names of datasets alone would not tell the mounts of two
 * pools of the same name in two registries apart.
 *
 * @param pid of the process
 * @param started when it started, in milliseconds since 1970: a pid is used again
 * @param guid of the pool
 * @param readOnly whether the pool is open read-only
 * @param devices of the mounts, as {@code major:minor}
 */
record MountRecord(long pid, long started, long guid, boolean readOnly, List<String> devices) {
  private static final String READ_ONLY = "ro";
  private static final String WRITABLE = "rw";

  MountRecord {
    devices = List.copyOf(devices);
  }

  private static Path file(Cli cli, String poolName) {
    return cli.registry().home().resolve("mount-" + poolName + ".pid");
  }

  private static long started(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  /** Writes that this process serves mounts of a pool. */
  static void write(Cli cli, Pool pool, List<FuseMount> mounts) {
    ProcessHandle self = ProcessHandle.current();
    List<String> lines = new ArrayList<>();
    lines.add(self.pid() + " " + started(self));
    lines.add(Long.toUnsignedString(pool.guid()) + " " + (pool.readOnly() ? READ_ONLY : WRITABLE));
    mounts.forEach(mount -> lines.add(mount.device()));
    Path file = file(cli, pool.name());
    Path next = file.resolveSibling(file.getFileName() + ".new");
    try {
      Files.write(next, lines);
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Removes what this process wrote, once the pool is closed. */
  static void remove(Cli cli, String poolName) {
    boolean own =
        read(cli, poolName).filter(one -> one.pid == ProcessHandle.current().pid()).isPresent();
    if (own) {
      try {
        Files.deleteIfExists(file(cli, poolName));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** What was written last of a pool's mounts. The process may have been killed since. */
  static Optional<MountRecord> read(Cli cli, String poolName) {
    List<String> lines = new ArrayList<>();
    try {
      lines.addAll(Files.readAllLines(file(cli, poolName)));
    } catch (IOException e) {
      return Optional.empty(); // nothing is mounted from here
    }
    if (lines.size() < 2
        || !lines.getFirst().matches("[0-9]{1,18} [0-9]{1,18}")
        || !lines.get(1).matches("[0-9]{1,20} (ro|rw)")) {
      return Optional.empty();
    }
    String[] process = lines.getFirst().split(" ", -1);
    String[] pool = lines.get(1).split(" ", -1);
    return Optional.of(
        new MountRecord(
            Long.parseLong(process[0]),
            Long.parseLong(process[1]),
            Long.parseUnsignedLong(pool[0]),
            pool[1].equals(READ_ONLY),
            lines.subList(2, lines.size())));
  }

  /** Whether it tells of this mount. */
  boolean has(MountTable.Entry mount) {
    return devices.contains(mount.device());
  }

  /** Whether the process runs. */
  boolean isAlive() {
    return ProcessHandle.of(pid).filter(process -> started(process) == started).isPresent();
  }
}
