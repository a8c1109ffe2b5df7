package io.lcpfs.cli;

import io.lcpfs.api.Dataset;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.NameText;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Commands on files in pools; copying and listing have classes of their own. */
final class FileCommands {
  private static final String PATHS = "For example tank/home:/docs";

  private FileCommands() {}

  static Map<String, Function<Cli, BaseCommand>> all() {
    Map<String, Function<Cli, BaseCommand>> all = new LinkedHashMap<>();
    all.put("ls", LsCommand::new);
    all.put("cp", CpCommand::new);
    all.put("cat", Cat::new);
    all.put("mv", Move::new);
    all.put("rm", RmCommand::new);
    all.put("mkdir", MakeDirectory::new);
    all.put("ln", MakeLink::new);
    all.put("stat", StatCommand::new);
    all.put("df", DiskFree::new);
    return all;
  }

  /** {@code lcpfs cat}. */
  @Command(name = "cat", description = "Write files of a pool to standard output.")
  static final class Cat extends BaseCommand {
    private static final int BUFFER_BYTES = 1 << 20;

    @Parameters(arity = "1..*", paramLabel = "PATH", description = PATHS)
    List<String> words = new ArrayList<>();

    Cat(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      List<PathSpec> specs = words.stream().map(PathSpec::require).toList();
      try (OpenPools pools = new OpenPools(cli)) {
        for (PathSpec spec : specs) {
          print(pools, spec);
        }
      }
      return ExitCode.OK;
    }

    private void print(OpenPools pools, PathSpec spec) {
      Attr attr = pools.attributes(spec, true);
      if (!attr.isRegular()) {
        throw OpenPools.named(
            PoolException.posix(attr.isDirectory() ? Errno.EISDIR : Errno.EINVAL, ""), spec);
      }
      try (FileHandle file =
              pools
                  .files(spec)
                  .open(attr.inode(), OpenFlags.O_RDONLY | OpenFlags.O_NOATIME, Caller.ROOT);
          Arena arena = Arena.ofConfined()) {
        MemorySegment buffer = arena.allocate(BUFFER_BYTES, 4096);
        byte[] bytes = new byte[BUFFER_BYTES];
        long at = 0;
        while (true) {
          int n = file.read(at, buffer, 0, BUFFER_BYTES);
          if (n == 0 || out().checkError()) {
            return;
          }
          MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, bytes, 0, n);
          out().write(bytes, 0, n);
          at += n;
        }
      }
    }
  }

  /** {@code lcpfs mv}. */
  @Command(name = "mv", description = "Rename or move files within a dataset.")
  static final class Move extends BaseCommand {
    @Option(
        names = {"-n", "--no-clobber"},
        description = "Leave what exists already.")
    boolean noClobber;

    @Parameters(
        arity = "2..*",
        paramLabel = "SOURCE... DESTINATION",
        hideParamSyntax = true,
        description = PATHS)
    List<String> words = new ArrayList<>();

    Move(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      List<PathSpec> specs = words.stream().map(PathSpec::require).toList();
      PathSpec to = specs.getLast();
      List<PathSpec> sources = specs.subList(0, specs.size() - 1);
      for (PathSpec source : sources) {
        if (!source.dataset().equals(to.dataset())) {
          throw Failure.failed(
              source.toString(),
              "lies in another dataset than " + to,
              "copy it with 'lcpfs cp -r' and remove the original");
        }
      }
      try (OpenPools pools = new OpenPools(cli)) {
        pools.toWrite(to.pool());
        boolean into = pools.find(to, true).filter(Attr::isDirectory).isPresent();
        if (!into && sources.size() > 1) {
          throw Failure.failed(to.toString(), "is no directory", "name an existing directory");
        }
        PathCalls paths = pools.files(to).paths();
        for (PathSpec source : sources) {
          pools.attributes(source, false);
          PathSpec target = into ? inside(to, source) : to;
          try {
            paths.rename(
                PathCalls.path(source.path()),
                PathCalls.path(target.path()),
                noClobber ? OpenFlags.RENAME_NOREPLACE : 0,
                Caller.ROOT);
          } catch (PoolException e) {
            throw pools.explained(
                e,
                e.errno() == Errno.EEXIST
                        || e.errno() == Errno.ENOTEMPTY
                        || e.errno() == Errno.EISDIR
                    ? target
                    : source);
          }
        }
      }
      return ExitCode.OK;
    }

    private static PathSpec inside(PathSpec directory, PathSpec source) {
      byte[] name =
          source
              .lastName()
              .orElseThrow(() -> OpenPools.named(PoolException.posix(Errno.EBUSY, ""), source));
      return directory.child(NameText.decode(name));
    }
  }

  /** {@code lcpfs mkdir}. */
  @Command(name = "mkdir", description = "Make directories.")
  static final class MakeDirectory extends BaseCommand {
    @Option(
        names = {"-p", "--parents"},
        description = "Make missing parents too, and be content when it exists.")
    boolean parents;

    @Option(
        names = {"-m", "--mode"},
        paramLabel = "MODE",
        description = "Permissions as an octal number (755).")
    String mode = "755";

    @Parameters(arity = "1..*", paramLabel = "PATH", description = PATHS)
    List<String> words = new ArrayList<>();

    MakeDirectory(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      if (!mode.matches("[0-7]{1,4}")) {
        throw Failure.usage(mode, "is no octal mode", "write it as 755");
      }
      int permissions = Integer.parseInt(mode, 8);
      try (OpenPools pools = new OpenPools(cli)) {
        for (PathSpec spec : words.stream().map(PathSpec::require).toList()) {
          pools.toWrite(spec.pool());
          try {
            make(pools.files(spec), spec, permissions);
          } catch (PoolException e) {
            throw pools.explained(e, spec);
          }
        }
      }
      return ExitCode.OK;
    }

    private void make(PosixFileSystem files, PathSpec spec, int permissions) {
      PathCalls paths = files.paths();
      if (!parents) {
        own(files, paths.mkdir(PathCalls.path(spec.path()), permissions, Caller.ROOT));
        return;
      }
      StringBuilder prefix = new StringBuilder();
      for (String step : spec.path().split("/", -1)) {
        if (step.isEmpty()) {
          continue;
        }
        prefix.append('/').append(step);
        byte[] path = PathCalls.path(prefix.toString());
        try {
          own(files, paths.mkdir(path, permissions, Caller.ROOT));
        } catch (PoolException e) {
          if (e.errno() != Errno.EEXIST || !paths.stat(path, Caller.ROOT).isDirectory()) {
            throw e;
          }
        }
      }
    }

    private static void own(PosixFileSystem files, Attr made) {
      Ownership.give(files, made.inode());
    }
  }

  /** {@code lcpfs ln}. */
  @Command(name = "ln", description = "Make a second name for a file, or with -s a symbolic link.")
  static final class MakeLink extends BaseCommand {
    @Option(
        names = {"-s", "--symbolic"},
        description = "Make a symbolic link.")
    boolean symbolic;

    @Parameters(
        index = "0",
        paramLabel = "TARGET",
        description = "The existing file; with -s any text that the link shall hold.")
    String target = "";

    @Parameters(index = "1", paramLabel = "LINK", description = "The new name.")
    String link = "";

    MakeLink(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      PathSpec to = PathSpec.require(link);
      if (!symbolic && !PathSpec.require(target).dataset().equals(to.dataset())) {
        throw Failure.failed(
            target,
            "lies in another dataset than " + to,
            "make a copy with 'lcpfs cp', or a symbolic link with -s");
      }
      try (OpenPools pools = new OpenPools(cli)) {
        pools.toWrite(to.pool());
        PosixFileSystem files = pools.files(to);
        try {
          if (symbolic) {
            Attr made =
                files
                    .paths()
                    .symlink(PathCalls.path(target), PathCalls.path(to.path()), Caller.ROOT);
            Ownership.give(files, made.inode());
          } else {
            PathSpec from = PathSpec.require(target);
            pools.attributes(from, false);
            files.paths().link(PathCalls.path(from.path()), PathCalls.path(to.path()), Caller.ROOT);
          }
        } catch (PoolException e) {
          throw pools.explained(e, e.errno() == Errno.EPERM ? PathSpec.require(target) : to);
        }
      }
      return ExitCode.OK;
    }
  }

  /** {@code lcpfs df}. */
  @Command(name = "df", description = "Show the space of datasets.")
  static final class DiskFree extends BaseCommand {
    @Mixin OutputOptions output = new OutputOptions();

    @Parameters(arity = "0..*", paramLabel = "DATASET", description = "Only these; also as a path.")
    List<String> words = new ArrayList<>();

    DiskFree(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      List<String> names = new ArrayList<>();
      for (String word : words) {
        String name = PathSpec.parse(word).map(PathSpec::dataset).orElse(word);
        DatasetName.check(name);
        names.add(name);
      }
      Table table =
          new Table(
              output, "datasets", List.of("DATASET", "SIZE", "USED", "AVAIL", "USE%", "RATIO"));
      int exit = ExitCode.OK;
      try (OpenPools pools = new OpenPools(cli)) {
        if (names.isEmpty()) {
          for (Registry.Entry entry : cli.registry().list()) {
            for (Dataset dataset : pools.toRead(entry.name()).datasets()) {
              if (dataset.isReadable()) {
                row(table, dataset);
              } else {
                exit = FsCommands.damaged(cli, dataset.name());
              }
            }
          }
        }
        for (String name : names) {
          row(table, pools.toRead(DatasetName.poolOf(name)).dataset(name));
        }
      }
      table.print(out());
      return exit;
    }

    private static void row(Table table, Dataset dataset) {
      long used = dataset.referencedBytes();
      long available = dataset.availableBytes();
      long size = used + available;
      long percent = size <= 0 ? 0 : (100 * used + size - 1) / size;
      table.row(
          dataset.name(),
          new Table.Bytes(size),
          new Table.Bytes(used),
          new Table.Bytes(available),
          new Table.Percent(percent),
          FsCommands.shown(
              PropertyCatalog.dataset("compressratio"), dataset.property("compressratio")));
    }
  }
}
