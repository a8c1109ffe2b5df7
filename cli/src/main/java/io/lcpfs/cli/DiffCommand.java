package io.lcpfs.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.FileTree;
import io.lcpfs.api.Pool;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.format.NameText;
import io.lcpfs.posix.FileChange;
import io.lcpfs.posix.Mode;
import java.io.ByteArrayOutputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs fs diff}: the columns and letters are those of zfs-diff(8). */
@Command(
    name = "diff",
    description =
        "Show what has changed since a snapshot, or between any two of a dataset and its clones: M"
            + " modified, + added, - removed, R renamed.")
final class DiffCommand extends BaseCommand {
  @Option(
      names = {"-F", "--file-type"},
      description =
          "With the type: F file, / directory, @ link, | pipe, = socket, B block or C character"
              + " device.")
  boolean types;

  @Option(
      names = {"-t", "--time"},
      description = "With the time of the change: seconds since 1970.")
  boolean times;

  @Option(
      names = {"-H", "--no-headers"},
      description = "Separate columns by one tab and no arrow, for scripts.")
  boolean script;

  @Option(
      names = {"-r", "--raw"},
      description = "Print the bytes of paths as they are, instead of \\0ooo for special ones.")
  boolean raw;

  @Option(
      names = {"-j", "--json"},
      description = "Print JSON.")
  boolean json;

  @Parameters(index = "0", paramLabel = "DATASET[@NAME]", description = "What it was.")
  String from = "";

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "DATASET[@NAME]",
      description =
          "What it has become, also in a clone: @NAME for a snapshot of the same dataset; the"
              + " dataset as it is now when not given.")
  String to = "";

  private boolean any;

  DiffCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    String dataset = DatasetName.datasetOf(from);
    String other = to.isEmpty() ? dataset : to.startsWith("@") ? dataset + to : to;
    if (to.isEmpty()) {
      DatasetName.checkSnapshot(from);
    }
    for (String one : List.of(from, other)) {
      if (DatasetName.isSnapshot(one)) {
        DatasetName.checkSnapshot(one);
      } else {
        DatasetName.check(one);
      }
    }
    if (!DatasetName.poolOf(other).equals(DatasetName.poolOf(from))) {
      throw Failure.usage(other, "lies in another pool than " + from, "name two of one pool");
    }
    String name = DatasetName.poolOf(from);
    // What a dataset has now is kept in a snapshot while it is looked at.
    boolean live = !DatasetName.isSnapshot(from) || !DatasetName.isSnapshot(other);
    try (Pool pool =
        live && !cli.known(name).readOnly() ? cli.openToWrite(name) : cli.openToRead(name)) {
      FileTree before = pool.tree(from);
      FileTree after = pool.tree(other);
      if (json) {
        out().print("{\"changes\": [");
      }
      before.diff(after, json ? this::printJson : this::print);
      if (json) {
        out().println(any ? "\n]}" : "]}");
      }
    }
    return ExitCode.OK;
  }

  private static String type(int mode) {
    return switch (mode & Mode.TYPE_MASK) {
      case Mode.DIRECTORY -> "/";
      case Mode.SYMLINK -> "@";
      case Mode.FIFO -> "|";
      case Mode.SOCKET -> "=";
      case Mode.BLOCK -> "B";
      case Mode.CHARACTER -> "C";
      default -> "F";
    };
  }

  private static String time(FileChange change) {
    return String.format(Locale.ROOT, "%d.%09d", change.ctimeSeconds(), change.ctimeNanos());
  }

  private void print(FileChange change) {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    if (times) {
      String time = time(change);
      line.writeBytes((script ? time : String.format(Locale.ROOT, "%20s", time)).getBytes(UTF_8));
      line.write('\t');
    }
    line.write(change.kind().letter());
    line.write('\t');
    if (types) {
      line.writeBytes(type(change.mode()).getBytes(UTF_8));
      line.write('\t');
    }
    path(line, change.path());
    byte[] now = change.newPath();
    if (now != null) {
      line.writeBytes((script ? "\t" : " -> ").getBytes(UTF_8));
      path(line, now);
    }
    line.write('\n');
    byte[] bytes = line.toByteArray();
    out().write(bytes, 0, bytes.length);
  }

  private void path(ByteArrayOutputStream line, byte[] path) {
    line.writeBytes(raw ? path : escaped(path).getBytes(UTF_8));
  }

  /** Bytes that are no visible ASCII character, and backslashes, as a backslash and four digits. */
  static String escaped(byte[] path) {
    StringBuilder text = new StringBuilder();
    for (byte b : path) {
      if (b > ' ' && b < 0x7F && b != '\\') {
        text.append((char) b);
      } else {
        text.append(String.format(Locale.ROOT, "\\%04o", Byte.toUnsignedInt(b)));
      }
    }
    return text.toString();
  }

  private void printJson(FileChange change) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("change", change.kind().name().toLowerCase(Locale.ROOT));
    row.put("type", type(change.mode()));
    row.put("path", NameText.decode(change.path()));
    FileText.addBytes(row, "nameBase64", FileText.lastName(change.path()));
    byte[] now = change.newPath();
    if (now != null) {
      row.put("new_path", NameText.decode(now));
      FileText.addBytes(row, "newNameBase64", FileText.lastName(now));
    }
    row.put("inode", change.inode());
    row.put("time", time(change));
    out().print((any ? ",\n" : "\n") + Json.write(row));
    any = true;
  }
}
