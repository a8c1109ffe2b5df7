package io.lcpfs.cli;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs rm}. */
@Command(name = "rm", description = "Remove files, and with -r directories.")
final class RmCommand extends BaseCommand {
  private static final long LAST_DOT_COOKIE = 2;

  @Option(
      names = {"-r", "-R", "--recursive"},
      description = "Remove directories with their content.")
  boolean recursive;

  @Option(
      names = {"-f", "--force"},
      description = "Say nothing of files that do not exist.")
  boolean force;

  @Parameters(arity = "1..*", paramLabel = "PATH", description = "For example tank/home:/docs")
  List<String> words = new ArrayList<>();

  RmCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    List<PathSpec> specs = words.stream().map(PathSpec::require).toList();
    int failed = 0;
    try (OpenPools pools = new OpenPools(cli)) {
      specs.forEach(spec -> pools.toWrite(spec.pool()));
      for (PathSpec spec : specs) {
        try {
          remove(pools, spec);
        } catch (PoolException | Failure e) {
          if (!force || !(e instanceof PoolException p) || p.errno() != Errno.ENOENT) {
            cli.warn(Messages.of(e));
            failed++;
          }
        }
      }
    }
    return failed == 0 ? ExitCode.OK : ExitCode.FAILED;
  }

  private void remove(OpenPools pools, PathSpec spec) {
    Attr attr = pools.attributes(spec, false);
    Optional<byte[]> name = spec.lastName();
    if (name.isEmpty()) {
      throw Failure.failed(
          spec.toString(),
          "cannot be removed itself",
          "name what is in it, or destroy the dataset with 'lcpfs fs destroy'");
    }
    if (attr.isDirectory() && !recursive) {
      throw Failure.failed(spec.toString(), "is a directory", "add -r to remove it");
    }
    PosixFileSystem files = pools.files(spec);
    long parent = pools.attributes(spec.parent(), true).inode();
    try {
      remove(files, parent, name.get(), attr);
    } catch (PoolException e) {
      throw OpenPools.named(e, spec);
    }
  }

  private static void remove(PosixFileSystem files, long parent, byte[] name, Attr attr) {
    if (!attr.isDirectory()) {
      files.unlink(parent, name, Caller.ROOT);
      return;
    }
    List<byte[]> names = new ArrayList<>();
    try (FileHandle handle =
        files.open(
            attr.inode(),
            OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOATIME,
            Caller.ROOT)) {
      files.readdir(
          handle,
          0,
          (cookie, child, number, type) -> {
            if (cookie > LAST_DOT_COOKIE) {
              names.add(child.clone());
            }
            return true;
          });
    }
    for (byte[] child : names) {
      remove(files, attr.inode(), child, files.lookup(attr.inode(), child, Caller.ROOT));
    }
    files.rmdir(parent, name, Caller.ROOT);
  }
}
