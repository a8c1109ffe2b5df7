package io.lcpfs.cli;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertySource;
import io.lcpfs.dataset.PropertyValue;
import io.lcpfs.dataset.Sizes;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.Progress;
import io.lcpfs.stream.HealReport;
import io.lcpfs.stream.ReceiveOptions;
import io.lcpfs.stream.ReceiveReport;
import io.lcpfs.stream.ResumeToken;
import io.lcpfs.stream.SendOptions;
import io.lcpfs.stream.Sender;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs send} and {@code lcpfs receive}: snapshots as streams. */
final class StreamCommands {
  private static final int BUFFER_BYTES = 256 << 10;
  private static final long TELL_NANOS = 1_000_000_000L;

  private static final String TOKEN = "receive_resume_token";

  private StreamCommands() {}

  static Map<String, Function<Cli, BaseCommand>> all() {
    Map<String, Function<Cli, BaseCommand>> all = new LinkedHashMap<>();
    all.put("send", Send::new);
    all.put("receive", Receive::new);
    return all;
  }

  /** Refuses to have an owner send to a terminal. */
  static void refuseTerminal(List<String> arguments) {
    String first = arguments.isEmpty() ? "" : arguments.getFirst();
    String second = arguments.size() > 1 ? arguments.get(1) : "";
    boolean sends = first.equals("send") || (first.equals("fs") && second.equals("send"));
    if (sends && arguments.stream().noneMatch(word -> word.matches("-[a-zA-Z]*n.*|--dry-run"))) {
      refuseTerminal();
    }
  }

  private static void refuseTerminal() {
    if (Terminal.is(Terminal.STDOUT)) {
      throw Failure.failed(
          "standard output",
          "is a terminal, and a stream is no text",
          "send it to a file or into a pipe: | lcpfs receive POOL/NAME");
    }
  }

  /** The pool where a receiver's token says that the snapshot is; empty for another word. */
  static String poolOfToken(String word) {
    if (!word.startsWith("1-")) {
      return "";
    }
    try {
      return DatasetName.poolOf(ResumeToken.parse(word).snapshot());
    } catch (PoolException e) {
      return ""; // the command itself says what is wrong
    }
  }

  /** The property of a dataset that is received in part, before it is there: whether it is such. */
  static boolean tellUnborn(Pool pool, String name, String wanted, GetCommand.PropertyRow rows) {
    if (!wanted.equals(TOKEN)
        || pool.datasets().stream().anyMatch(one -> one.name().equals(name))) {
      return false;
    }
    String token = pool.streams().partial().get(name);
    if (token != null) {
      rows.add(name, TOKEN, PropertyValue.of(token, PropertySource.NONE));
    }
    return token != null;
  }

  /**
   * Where several are received in part at and below a dataset, each is told by its own name.
   *
   * @param alone whether those that are there have no rows of their own
   */
  static void tellPartial(
      Dataset dataset, String wanted, boolean alone, GetCommand.PropertyRow rows) {
    if (!wanted.equals("all") && !List.of(wanted.split(",", -1)).contains(TOKEN)) {
      return;
    }
    SortedMap<String, String> tokens = dataset.pool().streams().partialAt(dataset.name());
    if (tokens.size() < 2) {
      return;
    }
    tokens.remove(dataset.name());
    if (!alone) {
      dataset.pool().datasets().forEach(one -> tokens.remove(one.name()));
    }
    tokens.forEach(
        (name, token) -> rows.add(name, TOKEN, PropertyValue.of(token, PropertySource.NONE)));
  }

  /** Tells how far it is on standard error, a line a second or, on a terminal, one that changes. */
  private static final class Teller implements Consumer<Progress> {
    private final Cli cli;
    private final ProgressLine line;
    private long last;

    Teller(Cli cli) {
      this.cli = cli;
      this.line = ProgressLine.onTerminal(cli);
      this.last = cli.env().nanoTime();
    }

    @Override
    public void accept(Progress progress) {
      if (line.visible()) {
        line.show(progress);
        return;
      }
      long now = cli.env().nanoTime();
      if (now - last >= TELL_NANOS) {
        last = now;
        cli.err()
            .println(
                progress.stage()
                    + ": "
                    + Sizes.print(progress.doneBytes())
                    + (progress.totalBytes() > 0
                        ? " of " + Sizes.print(progress.totalBytes())
                        : ""));
      }
    }

    void clear() {
      line.clear();
    }
  }

  /** {@code lcpfs send}. */
  @Command(
      name = "send",
      description = "Write a snapshot to standard output, for 'lcpfs receive' here or elsewhere.")
  static final class Send extends BaseCommand {
    @Option(
        names = {"-i", "--incremental"},
        paramLabel = "SNAPSHOT",
        description =
            "Only what changed since this earlier snapshot, which the receiver has; here a bookmark"
                + " of it is enough. Of a clone also its origin: the receiver makes a clone, too.")
    String from = "";

    @Option(
        names = {"-I", "--intermediates"},
        paramLabel = "SNAPSHOT",
        description = "As -i, with every snapshot in between.")
    String since = "";

    @Option(
        names = {"-R", "--replicate"},
        description =
            "All datasets below too, with all their snapshots up to this one, and properties.")
    boolean recursive;

    @Option(
        names = {"-p", "--props"},
        description = "With the properties that are set at the dataset or received.")
    boolean properties;

    @Option(
        names = {"-b", "--backup"},
        description =
            "With the properties as the dataset received them, whatever is set here since; as -p"
                + " of one that received none.")
    boolean backup;

    @Option(
        names = {"-c", "--compressed"},
        description = "Blocks as they are stored, which is less to send.")
    boolean compressed;

    @Option(
        names = {"-t", "--resume"},
        paramLabel = "TOKEN",
        description = "Go on with what was received in part: its receive_resume_token.")
    String token = "";

    @Option(
        names = {"-n", "--dry-run"},
        description = "Send nothing; with -v say how large it would be.")
    boolean dryRun;

    @Option(
        names = {"-v", "--verbose"},
        description = "Say what is sent and how far it is, on standard error.")
    boolean verbose;

    @Option(
        names = {"-P", "--parsable"},
        description = "As -v, in columns separated by tabs with exact numbers.")
    boolean parsable;

    @Parameters(
        arity = "0..1",
        paramLabel = "DATASET@NAME",
        description = "For example tank/home@monday; none with -t.")
    String name = "";

    Send(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() throws IOException {
      if (token.isEmpty() == name.isEmpty()) {
        throw Failure.usage(
            "send",
            token.isEmpty() ? "names no snapshot" : "takes no snapshot with -t",
            "write 'lcpfs send POOL/DATASET@NAME' or 'lcpfs send -t TOKEN'");
      }
      if (!from.isEmpty() && !since.isEmpty()) {
        throw Failure.usage("-i and -I", "exclude each other", "give one of them");
      }
      if (!dryRun && !cli.isForOthers()) {
        refuseTerminal();
      }
      if (token.isEmpty()) {
        DatasetName.checkSnapshot(name);
      }
      String poolName =
          token.isEmpty()
              ? DatasetName.poolOf(name)
              : DatasetName.poolOf(ResumeToken.parse(token).snapshot());
      Teller teller = new Teller(cli);
      Consumer<Progress> progress = verbose ? teller : SendOptions.SILENT;
      try (Pool pool = cli.openToRead(poolName)) {
        Sender sender =
            token.isEmpty()
                ? pool.streams().sender(name, options(progress))
                : pool.streams().resuming(token, progress);
        sender
            .skipped()
            .forEach(one -> cli.warn(one + ": no such snapshot; its dataset is left out"));
        if (verbose || parsable) {
          tell(sender.estimate(), dryRun ? cli.out() : cli.err());
        }
        if (!dryRun) {
          try (OutputStream out = new BufferedOutputStream(checked(cli.out()), BUFFER_BYTES)) {
            sender.send(out);
          }
        }
      } finally {
        teller.clear();
      }
      return ExitCode.OK;
    }

    private SendOptions options(Consumer<Progress> progress) {
      String older = from.isEmpty() ? since : from;
      return new SendOptions(
          olderName(older), !since.isEmpty(), recursive, properties, backup, compressed, progress);
    }

    /** The part behind the @ of {@code a}, {@code @a} or its own {@code pool/fs@a}; from a # on. */
    private String olderName(String older) {
      boolean mark = DatasetName.isBookmark(older);
      String dataset = mark || DatasetName.isSnapshot(older) ? DatasetName.datasetOf(older) : "";
      boolean others = !dataset.isEmpty() && !dataset.equals(DatasetName.datasetOf(name));
      if (others && mark) {
        throw Failure.usage(
            older,
            "is no bookmark of " + DatasetName.datasetOf(name),
            "name an earlier one of that dataset, or of a clone its origin");
      }
      return others
          ? older
          : mark ? "#" + DatasetName.bookmarkOf(older) : DatasetName.snapshotOf(older);
    }

    private void tell(List<Sender.Part> parts, PrintStream to) {
      long total = 0;
      for (Sender.Part part : parts) {
        boolean full = part.from().isEmpty();
        total += part.bytes();
        if (parsable) {
          to.println(
              (full ? "full" : "incremental\t" + part.from())
                  + "\t"
                  + part.name()
                  + "\t"
                  + part.bytes());
        } else {
          to.println(
              (full
                      ? "full "
                      : "since " + (part.from().matches(".*[#@].*") ? "" : "@") + part.from() + " ")
                  + part.name()
                  + ": "
                  + Sizes.print(part.bytes()));
        }
      }
      to.println(parsable ? "size\t" + total : "in all " + Sizes.print(total));
    }

    /** A stream that says when nobody reads it any more; closing it only flushes. */
    private static OutputStream checked(PrintStream out) {
      return new OutputStream() {
        @Override
        public void write(int b) throws IOException {
          write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
          out.write(bytes, offset, length);
          if (out.checkError()) {
            throw new IOException("whoever read standard output is gone, or has no room");
          }
        }
      };
    }
  }

  /** {@code lcpfs receive}. */
  @Command(
      name = "receive",
      aliases = "recv",
      description = "Make a dataset of a stream that 'lcpfs send' wrote, from standard input.")
  static final class Receive extends BaseCommand {
    @Option(
        names = {"-s", "--resumable"},
        description = "Keep what arrived when the stream ends early, to go on later.")
    boolean resumable;

    @Option(
        names = {"-F", "--force"},
        description =
            "Roll a dataset back that changed since its newest snapshot; replace one, with its"
                + " snapshots, by a whole stream.")
    boolean force;

    @Option(
        names = {"-u", "--unmounted"},
        description = "Mount nothing; this never does.")
    boolean unmounted;

    @Option(
        names = {"-d", "--discard-first"},
        description = "Below the dataset, named as what was sent without its pool.")
    boolean withoutPool;

    @Option(
        names = {"-e", "--last-name"},
        description = "Below the dataset, named as the last part of what was sent.")
    boolean lastPart;

    @Option(names = "-o", paramLabel = "PROPERTY=VALUE", description = "Set a property.")
    List<String> set = new ArrayList<>();

    @Option(
        names = "-x",
        paramLabel = "PROPERTY",
        description = "What the stream says of it does not count, until 'fs inherit -S'.")
    List<String> exclude = new ArrayList<>();

    @Option(
        names = "--accept-properties",
        description =
            "Values of mountpoint, canmount, setuid, devices and exec in the stream count, too, not"
                + " only those that restrict.")
    boolean acceptAll;

    @Option(
        names = {"-n", "--dry-run"},
        description = "Only verify the stream.")
    boolean dryRun;

    @Option(
        names = {"-v", "--verbose"},
        description = "Say what was received, and how far it is.")
    boolean verbose;

    @Option(
        names = {"-A", "--abort"},
        description = "Drop what was received in part.")
    boolean abort;

    @Option(
        names = {"-c", "--corrective"},
        description =
            "Heal the blocks of DATASET@NAME that cannot be read with a stream of that snapshot.")
    boolean corrective;

    @Mixin OutputOptions output = new OutputOptions();

    @Parameters(
        paramLabel = "DATASET[@NAME]",
        description =
            "What it becomes, or with -d and -e what it comes below; with -c what is healed.")
    String target = "";

    Receive(Cli cli) {
      super(cli);
    }

    @Override
    public Integer call() {
      String dataset = DatasetName.datasetOf(target);
      DatasetName.check(dataset);
      if (withoutPool && lastPart) {
        throw Failure.usage("-d and -e", "exclude each other", "give one of them");
      }
      if (corrective) {
        return heal();
      }
      Teller teller = new Teller(cli);
      try (Pool pool = cli.openToWrite(DatasetName.poolOf(dataset))) {
        if (abort) {
          pool.streams().drop(dataset);
          cli.remember(pool);
          return ExitCode.OK;
        }
        ReceiveReport report = pool.receive(cli.in(), target, options(teller));
        report.leftOut().forEach(cli::warn);
        if (output.json) {
          cli.out().println(Json.write(asJson(report)));
        } else if (verbose) {
          report
              .snapshots()
              .forEach(
                  one ->
                      cli.out()
                          .println(
                              one.sent() + " -> " + one.name() + ": " + Sizes.print(one.bytes())));
        }
        if (!dryRun) {
          cli.remember(pool);
        }
      } finally {
        teller.clear();
      }
      return ExitCode.OK;
    }

    private static Map<String, Object> asJson(ReceiveReport report) {
      List<Object> snapshots = new ArrayList<>();
      for (ReceiveReport.Received one : report.snapshots()) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("sent", one.sent());
        row.put("name", one.name());
        row.put("bytes", one.bytes());
        snapshots.add(row);
      }
      Map<String, Object> all = new LinkedHashMap<>();
      all.put("snapshots", snapshots);
      all.put("left_out", report.leftOut());
      return all;
    }

    /** {@code receive -c}: 1 when something cannot be read still. */
    private Integer heal() {
      boolean others =
          resumable || force || withoutPool || lastPart || abort || acceptAll || dryRun;
      if (others || !set.isEmpty() || !exclude.isEmpty()) {
        throw Failure.usage(
            "-c", "changes no dataset and takes no other option but -v, -j, -H and -p", "leave it");
      }
      DatasetName.checkSnapshot(target);
      Teller teller = new Teller(cli);
      HealReport report;
      try (Pool pool = cli.openToWrite(DatasetName.poolOf(target))) {
        Consumer<Progress> progress = verbose ? teller : ignored -> {};
        report = pool.streams().heal(cli.in(), target, progress);
        cli.remember(pool);
      } finally {
        teller.clear();
      }
      tell(report);
      return report.lostBlocks() == 0 ? ExitCode.OK : ExitCode.FAILED;
    }

    private void tell(HealReport report) {
      if (output.json) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("snapshot", report.snapshot());
        all.put("healed_blocks", report.healedBlocks());
        all.put("healed_bytes", report.healedBytes());
        all.put("good_blocks", report.goodBlocks());
        all.put("unhealed_blocks", report.lostBlocks());
        all.put("unhealed", report.lost());
        cli.out().println(Json.write(all));
        return;
      }
      Table table =
          new Table(
              output, "healed", List.of("SNAPSHOT", "HEALED", "HEALED BYTES", "GOOD", "UNHEALED"));
      table.row(
          report.snapshot(),
          report.healedBlocks(),
          new Table.Bytes(report.healedBytes()),
          report.goodBlocks(),
          report.lostBlocks());
      table.print(cli.out());
      report.lost().forEach(line -> cli.warn(report.snapshot() + ": not healed: " + line));
    }

    private ReceiveOptions options(Teller teller) {
      ReceiveOptions.Naming naming =
          withoutPool
              ? ReceiveOptions.Naming.WITHOUT_POOL
              : lastPart ? ReceiveOptions.Naming.LAST_PART : ReceiveOptions.Naming.TARGET;
      Set<String> left = new TreeSet<>(exclude);
      return ReceiveOptions.STANDARD
          .withNaming(naming)
          .withForce(force)
          .withResumable(resumable)
          .withProperties(Assignments.parseAll(set), left, acceptAll)
          .withDryRun(dryRun)
          .withProgress(verbose ? teller : ignored -> {});
    }
  }
}
