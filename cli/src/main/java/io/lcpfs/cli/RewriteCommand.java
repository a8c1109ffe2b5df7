package io.lcpfs.cli;

import io.lcpfs.dataset.Sizes;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.NameText;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.Rewritten;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs fs rewrite}. */
@Command(
    name = "rewrite",
    description =
        "Write the content of files anew, in place, so that it gets the compression, checksum and"
            + " copies that are set now.")
final class RewriteCommand extends BaseCommand {
  private static final long LAST_DOT_COOKIE = 2;

  @Option(
      names = {"-r", "--recursive"},
      description = "Of directories, all files below them.")
  boolean recursive;

  @Option(
      names = {"-v", "--verbose"},
      description = "Print each file that was rewritten.")
  boolean verbose;

  @Option(
      names = {"-o", "--offset"},
      paramLabel = "BYTES",
      description = "Begin here in each file; for example 1M.")
  String offset = "0";

  @Option(
      names = {"-l", "--length"},
      paramLabel = "BYTES",
      description = "Rewrite so much of each file; all when not given.")
  String length = "";

  @Option(
      names = "--shared",
      description =
          "Also what other files have too since a copy shared it: each then takes space of its"
              + " own.")
  boolean shared;

  @Option(
      names = {"-j", "--json"},
      description = "Print JSON.")
  boolean json;

  @Parameters(arity = "1..*", paramLabel = "PATH", description = "For example tank/home:/docs")
  List<String> words = new ArrayList<>();

  private Rewritten all = Rewritten.NONE;
  private long files;
  private int failed;
  private long from;
  private long most;

  /** Files that have several names are rewritten once. */
  private final TreeSet<Long> seen = new TreeSet<>();

  RewriteCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    from = bytes("--offset", offset);
    most = length.isEmpty() ? Long.MAX_VALUE : bytes("--length", length);
    List<PathSpec> specs = words.stream().map(PathSpec::require).toList();
    try (OpenPools pools = new OpenPools(cli)) {
      specs.forEach(spec -> pools.toWrite(spec.pool()));
      for (PathSpec spec : specs) {
        seen.clear();
        try {
          rewrite(pools, spec);
        } catch (PoolException | Failure e) {
          failed(e);
        }
      }
    }
    print();
    return failed == 0 ? ExitCode.OK : ExitCode.FAILED;
  }

  private static long bytes(String option, String text) {
    long value = text.equals("0") ? 0 : Sizes.parse(text);
    if (value < 0) {
      throw Failure.usage(option, "is negative", "write a number of bytes, for example 1M");
    }
    return value;
  }

  private void failed(RuntimeException e) {
    cli.warn(Messages.of(e));
    failed++;
  }

  private void rewrite(OpenPools pools, PathSpec spec) {
    Attr attr = pools.attributes(spec, true);
    if (attr.isDirectory() && !recursive) {
      throw Failure.failed(spec.toString(), "is a directory", "add -r for the files below it");
    }
    if (!attr.isDirectory() && !attr.isRegular()) {
      throw Failure.failed(spec.toString(), "is no file", "name files, or directories with -r");
    }
    rewrite(pools.files(spec), attr, spec);
  }

  private void rewrite(PosixFileSystem in, Attr attr, PathSpec shown) {
    if (attr.isDirectory()) {
      below(in, attr, shown);
      return;
    }
    if (!attr.isRegular() || (attr.nlink() > 1 && !seen.add(attr.inode()))) {
      return;
    }
    try (FileHandle file =
        in.open(attr.inode(), OpenFlags.O_RDWR | OpenFlags.O_NOATIME, Caller.ROOT)) {
      Rewritten done = file.rewrite(from, most, shared);
      all = all.plus(done);
      files++;
      if (verbose && !json) {
        out().println(shown + (done.sharedBytes() > 0 ? " (shared in part)" : ""));
      }
    } catch (PoolException e) {
      failed(OpenPools.named(e, shown));
    }
  }

  private void below(PosixFileSystem in, Attr directory, PathSpec shown) {
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
    }
    for (byte[] name : names) {
      PathSpec child = shown.child(NameText.decode(name));
      Attr attr;
      try {
        attr = in.lookup(directory.inode(), name, Caller.ROOT);
      } catch (PoolException e) {
        if (e.errno() != Errno.ENOENT) {
          failed(OpenPools.named(e, child));
        }
        continue; // removed meanwhile
      }
      rewrite(in, attr, child);
    }
  }

  private void print() {
    if (json) {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("files", files);
      row.put("bytes", all.bytes());
      row.put("shared_bytes", all.sharedBytes());
      out().println(Json.write(row));
    } else if (all.sharedBytes() > 0) {
      out()
          .println(
              Sizes.print(all.sharedBytes())
                  + " are shared with other files and stay as they are; --shared rewrites them"
                  + " too");
    }
  }
}
