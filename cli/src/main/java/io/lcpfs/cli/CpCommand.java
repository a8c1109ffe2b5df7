package io.lcpfs.cli;

import io.lcpfs.cli.tree.Applied;
import io.lcpfs.cli.tree.Attributes;
import io.lcpfs.cli.tree.CopyOptions;
import io.lcpfs.cli.tree.CopyReport;
import io.lcpfs.cli.tree.HostDirectory;
import io.lcpfs.cli.tree.HostPath;
import io.lcpfs.cli.tree.TreeCopy;
import io.lcpfs.cli.tree.TreeDirectory;
import io.lcpfs.cli.tree.TreeSize;
import io.lcpfs.dataset.Sizes;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.Progress;
import io.lcpfs.posix.Attr;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Stack;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs cp}: files between the host and pools, and within pools. */
@Command(
    name = "cp",
    description =
        "Copy files from the host into a pool, out of a pool, or within pools. Permissions, times,"
            + " links, extended attributes and holes are kept; owners too for root.",
    footer = {
      "",
      "For example: lcpfs cp -r DIR tank/home:/    lcpfs cp tank:/file .",
      "A file or attribute that cannot be copied is named on standard error, and the rest goes on.",
      "What is copied out cannot lead outside of the destination, whatever links it holds."
    })
final class CpCommand extends BaseCommand {
  private static final int WORKERS = 2;
  private static final long PROGRESS_NANOS = 200_000_000L;

  @Option(
      names = {"-r", "-R", "--recursive"},
      description = "Copy directories too.")
  boolean recursive;

  @Option(
      names = {"-a", "--archive"},
      description = "The same as -r.")
  boolean archive;

  @Option(
      names = {"-p", "--preserve"},
      description = "Accepted as in cp; it is how it works.")
  boolean preserve;

  @Option(
      names = "--no-preserve",
      description = "Give copies new times, customary permissions and no extended attributes.")
  boolean noPreserve;

  @Option(
      names = {"-n", "--no-clobber"},
      description = "Leave files that exist already.")
  boolean noClobber;

  @Option(
      names = "--special",
      description = "As root: copy device nodes, set-user-id bits and privileged attributes too.")
  boolean special;

  @Option(
      names = "--reflink",
      arity = "0..1",
      fallbackValue = "always",
      preprocessor = Attached.class,
      paramLabel = "WHEN",
      description =
          "Let copies within a pool share the blocks of what they are of: ${COMPLETION-CANDIDATES}."
              + " auto, which is how it works without it, copies what cannot; always refuses to.")
  Reflink reflink = Reflink.auto;

  @Option(
      names = {"-v", "--verbose"},
      description = "Say at the end what was copied.")
  boolean verbose;

  @Parameters(
      arity = "2..*",
      paramLabel = "SOURCE... DESTINATION",
      hideParamSyntax = true,
      description = "Paths of the host, and paths in pools as pool/dataset:/path.")
  List<String> words = new ArrayList<>();

  /** Takes only a value behind =, so that a file may follow, as with the system's cp. */
  static final class Attached implements IParameterPreprocessor {
    @Override
    public boolean preprocess(
        Stack<String> words, CommandSpec command, ArgSpec option, Map<String, Object> info) {
      if (" ".equals(info.get("separator"))) {
        words.push("always");
      }
      return false;
    }
  }

  /** As it is written. */
  enum Reflink {
    always,
    auto,
    never
  }

  CpCommand(Cli cli) {
    super(cli);
  }

  /**
   * Where something is copied from.
   *
   * @param name null for the content of the directory
   * @param copyName what the copy is called unless the destination says so
   */
  private record Source(TreeDirectory directory, byte @Nullable [] name, byte[] copyName) {}

  /** Where to. {@code name} is null when copies keep their names in the directory. */
  private record Target(TreeDirectory directory, byte @Nullable [] name) {}

  @Override
  public Integer call() {
    recursive |= archive;
    String destination = words.getLast();
    List<String> sources = words.subList(0, words.size() - 1);
    Optional<PathSpec> into = PathSpec.parse(destination);
    if (into.isEmpty() && sources.stream().noneMatch(word -> PathSpec.parse(word).isPresent())) {
      throw Failure.usage(
          destination,
          "neither it nor a source is in a pool",
          "write paths in pools as pool/dataset:/path, or use the system's cp");
    }
    if (special && HostDirectory.euid() != 0) {
      throw Failure.failed("--special", "only root may copy special files", "leave it out");
    }
    List<TreeDirectory> opened = new ArrayList<>();
    try (OpenPools pools = new OpenPools(cli)) {
      into.ifPresent(spec -> pools.toChange(spec.pool()));
      try {
        return copy(pools, sources, destination, opened);
      } finally {
        opened.forEach(TreeDirectory::close);
      }
    }
  }

  private Integer copy(
      OpenPools pools, List<String> words, String destination, List<TreeDirectory> opened) {
    List<Source> sources = new ArrayList<>();
    for (String word : words) {
      sources.add(source(pools, word, opened));
    }
    boolean content = sources.stream().anyMatch(source -> source.name == null);
    Target target = target(pools, destination, content, sources.size() > 1, opened);
    long start = cli.env().nanoTime();
    TreeCopy copy =
        new TreeCopy(
            options(PathSpec.parse(destination).isPresent()),
            failure -> cli.warn(Messages.of(failure)));
    try (Meter meter = new Meter(cli, copy.report(), sources)) {
      for (Source source : sources) {
        if (source.name == null) {
          copy.copyContents(source.directory, target.directory);
        } else {
          copy.copyEntry(
              source.directory,
              source.name,
              target.directory,
              target.name == null ? source.copyName : target.name);
        }
      }
      meter.end();
    }
    CopyReport report = copy.report();
    if (verbose) {
      double seconds = (cli.env().nanoTime() - start) / 1e9;
      out()
          .println(
              "copied "
                  + report.files()
                  + " files, "
                  + report.directories()
                  + " directories, "
                  + report.others()
                  + " links and others, "
                  + Sizes.print(report.bytes())
                  + " in "
                  + String.format(Locale.ROOT, "%.1f s", seconds));
    }
    return report.failures() == 0 ? ExitCode.OK : ExitCode.FAILED;
  }

  private CopyOptions options(boolean intoPool) {
    boolean root = HostDirectory.euid() == 0;
    int uid = intoPool && !root ? HostDirectory.euid() : -1;
    int gid = intoPool && !root ? HostDirectory.egid() : -1;
    return new CopyOptions(
        recursive,
        !noPreserve,
        root && !noPreserve,
        special,
        noClobber,
        uid,
        gid,
        WORKERS,
        CopyOptions.Reflink.valueOf(reflink.name().toUpperCase(Locale.ROOT)));
  }

  private Source source(OpenPools pools, String word, List<TreeDirectory> opened) {
    Optional<PathSpec> spec = PathSpec.parse(word);
    return spec.isPresent() ? poolSource(pools, spec.get(), opened) : hostSource(word, opened);
  }

  private Source poolSource(OpenPools pools, PathSpec spec, List<TreeDirectory> opened) {
    // Without -r a link is followed, as there is nothing else to copy.
    boolean follow = !recursive || spec.path().endsWith("/");
    Attr attr = pools.attributes(spec, follow);
    refuseDirectory(attr.isDirectory(), spec.toString());
    PathSpec real = follow ? pools.realPath(spec) : spec;
    Optional<byte[]> name = real.lastName();
    if (name.isEmpty() || spec.lastName().isEmpty()) {
      TreeDirectory directory = pools.directory(spec);
      opened.add(directory);
      return new Source(directory, null, new byte[0]);
    }
    TreeDirectory parent = pools.directory(real.parent());
    opened.add(parent);
    return new Source(parent, name.get(), spec.lastName().get());
  }

  private void refuseDirectory(boolean directory, String display) {
    if (directory && !recursive) {
      throw Failure.failed(display, "is a directory", "add -r to copy it with its content");
    }
  }

  private Source hostSource(String word, List<TreeDirectory> opened) {
    HostPath path = HostPath.of(word);
    boolean follow = !recursive || word.endsWith("/");
    Attributes attributes = path.attributes(follow);
    if (attributes == null) {
      throw PoolException.posix(Errno.ENOENT, word);
    }
    refuseDirectory(attributes.isDirectory(), word);
    byte[] last = path.lastName();
    if (attributes.isDirectory()) {
      // Opened in any case: one that may not be read is refused before anything is copied.
      TreeDirectory content = path.open();
      opened.add(content);
      if (last == null) {
        return new Source(content, null, new byte[0]);
      }
    }
    HostPath real = follow ? path.real() : path;
    byte[] realName = real.lastName();
    if (last == null || realName == null) {
      throw PoolException.posix(Errno.EINVAL, word);
    }
    TreeDirectory parent = real.parent().open();
    opened.add(parent);
    // The copy is called as the user called the file, wherever a link led.
    return new Source(parent, realName, last);
  }

  private Target target(
      OpenPools pools, String word, boolean content, boolean several, List<TreeDirectory> opened) {
    Optional<PathSpec> spec = PathSpec.parse(word);
    TreeDirectory existing =
        spec.isPresent() ? poolDirectory(pools, spec.get()) : hostDirectory(word);
    if (existing != null) {
      opened.add(existing);
      return new Target(existing, null);
    }
    if (several || (word.endsWith("/") && !content)) {
      throw Failure.failed(word, "is no directory", "make it first, or name an existing one");
    }
    TreeDirectory parent;
    byte[] name;
    if (spec.isPresent()) {
      parent = pools.directory(spec.get().parent());
      name = spec.get().lastName().orElseThrow(() -> PoolException.posix(Errno.EINVAL, word));
    } else {
      HostPath path = HostPath.of(word);
      byte[] last = path.lastName();
      if (last == null) {
        throw PoolException.posix(Errno.ENOENT, word);
      }
      parent = path.parent().open();
      name = last;
    }
    opened.add(parent);
    if (content) {
      parent.makeDirectory(name);
      TreeDirectory made = parent.directory(name);
      opened.add(made);
      made.apply(new Applied(0755, -1, -1, Applied.NO_TIMES));
      return new Target(made, null);
    }
    return new Target(parent, name);
  }

  private static @Nullable TreeDirectory poolDirectory(OpenPools pools, PathSpec spec) {
    Optional<Attr> attr = pools.find(spec, true);
    return attr.isPresent() && attr.get().isDirectory() ? pools.directory(spec) : null;
  }

  private static @Nullable TreeDirectory hostDirectory(String word) {
    HostPath path = HostPath.of(word);
    Attributes attributes = path.attributes(true);
    return attributes != null && attributes.isDirectory() ? path.open() : null;
  }

  /** Shows how far the copy is, on a terminal. */
  private static final class Meter implements AutoCloseable {
    private final AtomicBoolean ended = new AtomicBoolean();
    private final ProgressLine line;
    private final CopyReport report;

    Meter(Cli cli, CopyReport report, List<Source> sources) {
      this.line = ProgressLine.onTerminal(cli);
      this.report = report;
      if (!line.visible()) {
        return;
      }
      TreeSize total = new TreeSize();
      for (Source source : sources) {
        cli.env().fork("copy-total", () -> count(total, source));
      }
      cli.env()
          .fork(
              "copy-meter",
              () -> {
                while (!ended.get()) {
                  cli.env().sleep(PROGRESS_NANOS);
                  show(total.complete() ? total.bytes() : 0);
                }
              });
    }

    private void count(TreeSize total, Source source) {
      total.count(source.directory, source.name, ended::get);
    }

    private void show(long totalBytes) {
      if (!ended.get()) {
        line.show(new Progress(report.files() + " files", report.bytes(), totalBytes));
      }
    }

    void end() {
      ended.set(true);
      line.clear();
    }

    @Override
    public void close() {
      end();
    }
  }
}
