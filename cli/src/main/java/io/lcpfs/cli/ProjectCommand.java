package io.lcpfs.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.FileProject;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs fs project}. */
@Command(
    name = "project",
    description =
        "Show the projects of files, for whose quotas they count; with -p or -s set them, with -C"
            + " clear them.")
final class ProjectCommand extends BaseCommand {
  private static final long MOST_ID = 0xffff_fffeL;
  private static final long LAST_DOT_COOKIE = 2;

  @Option(
      names = {"-r", "--recursive"},
      description = "Of directories, all that is below them too.")
  boolean recursive;

  @Option(
      names = "-p",
      paramLabel = "ID",
      description = "Set the project: a number from 0 to 4294967294.")
  String id = "";

  @Option(
      names = "-s",
      description = "Set the inherit flag of directories: what is made in them gets their project.")
  boolean inherit;

  @Option(names = "-C", description = "Clear the project and the inherit flag.")
  boolean clear;

  @Option(names = "-k", description = "With -C: keep the project, clear the flag only.")
  boolean keep;

  @Option(
      names = {"-H", "--no-headers"},
      description = "Print no headers and separate columns by one tab, for scripts.")
  boolean noHeaders;

  @Option(
      names = {"-j", "--json"},
      description = "Print JSON.")
  boolean json;

  @Parameters(arity = "1..*", paramLabel = "PATH", description = "For example tank/home:/docs")
  List<String> words = new ArrayList<>();

  /** One file with its project. */
  private record Shown(FileProject project, PathSpec path) {}

  private final List<Shown> shown = new ArrayList<>();
  private int failed;

  ProjectCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    boolean sets = !id.isEmpty() || inherit;
    if (clear && sets) {
      throw Failure.usage("-C", "clears what -p and -s set", "give one or the other");
    }
    if (keep && !clear) {
      throw Failure.usage("-k", "says what -C is to keep", "add -C");
    }
    int project = id.isEmpty() ? 0 : parse(id);
    List<PathSpec> specs = words.stream().map(PathSpec::require).toList();
    try (OpenPools pools = new OpenPools(cli)) {
      if (sets || clear) {
        specs.forEach(spec -> pools.toWrite(spec.pool()));
      }
      for (PathSpec spec : specs) {
        try {
          Attr attr = pools.attributes(spec, true);
          visit(pools.files(spec), attr, spec, sets, project);
        } catch (PoolException | Failure e) {
          failed(e);
        }
      }
    }
    if (!sets && !clear) {
      print();
    }
    return failed == 0 ? ExitCode.OK : ExitCode.FAILED;
  }

  private static int parse(String text) {
    if (!text.matches("[0-9]{1,10}") || Long.parseLong(text) > MOST_ID) {
      throw Failure.usage(text, "is no project", "give a number from 0 to " + MOST_ID);
    }
    return Integer.parseUnsignedInt(text);
  }

  private void failed(RuntimeException e) {
    cli.warn(Messages.of(e));
    failed++;
  }

  private void visit(PosixFileSystem in, Attr attr, PathSpec path, boolean sets, int project) {
    try {
      if (sets || clear) {
        SetAttr change = change(attr, sets, project);
        in.setattr(attr.inode(), change, Caller.ROOT);
      } else {
        shown.add(new Shown(in.project(attr.inode()), path));
      }
    } catch (PoolException e) {
      failed(OpenPools.named(e, path));
      return;
    }
    if (recursive && attr.isDirectory()) {
      below(in, attr, path, sets, project);
    }
  }

  private SetAttr change(Attr attr, boolean sets, int project) {
    SetAttr change = new SetAttr();
    if (sets ? !id.isEmpty() : !keep) {
      change.project(project);
    }
    if (attr.isDirectory() && (clear || inherit)) {
      change.projectInherited(inherit);
    }
    return change;
  }

  private void below(PosixFileSystem in, Attr directory, PathSpec path, boolean sets, int project) {
    List<byte[]> names = new ArrayList<>();
    try (FileHandle handle =
        in.open(
            directory.inode(),
            OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOATIME,
            Caller.ROOT)) {
      in.readdir(
          handle,
          0,
          (cookie, name, number, type) -> {
            if (cookie > LAST_DOT_COOKIE) {
              names.add(name.clone());
            }
            return true;
          });
    } catch (PoolException e) {
      failed(OpenPools.named(e, path));
      return;
    }
    for (byte[] name : names) {
      PathSpec child = path.child(new String(name, UTF_8));
      Attr attr;
      try {
        attr = in.lookup(directory.inode(), name, Caller.ROOT);
      } catch (PoolException e) {
        if (e.errno() != Errno.ENOENT) {
          failed(OpenPools.named(e, child));
        }
        continue; // removed meanwhile
      }
      visit(in, attr, child, sets, project);
    }
  }

  private void print() {
    OutputOptions options = new OutputOptions();
    options.noHeaders = noHeaders;
    options.json = json;
    Table table = new Table(options, "files", List.of("PROJECT", "INHERIT", "PATH"));
    for (Shown one : shown) {
      boolean inherited = one.project.inherited();
      table.row(
          Integer.toUnsignedLong(one.project.id()),
          new Table.Shown(inherited ? "on" : "-", inherited),
          one.path.toString());
    }
    table.print(out());
  }
}
