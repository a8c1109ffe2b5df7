package io.lcpfs.cli;

import io.lcpfs.format.NameText;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs ls}. */
@Command(name = "ls", description = "List files in a pool.")
final class LsCommand extends BaseCommand {
  private static final long LAST_DOT_COOKIE = 2;

  @Mixin OutputOptions output = new OutputOptions();

  @Option(
      names = {"-l", "--long"},
      description = "With type, permissions, owner, size and time.")
  boolean detailed;

  @Option(
      names = {"-R", "--recursive"},
      description = "With the directories below.")
  boolean recursive;

  @Option(
      names = {"-a", "--all"},
      description = "With names that begin with a dot.")
  boolean all;

  @Option(
      names = {"-d", "--directory"},
      description = "A directory itself, not what is in it.")
  boolean itself;

  @Parameters(arity = "1..*", paramLabel = "PATH", description = "For example tank/home:/docs")
  List<String> words = new ArrayList<>();

  LsCommand(Cli cli) {
    super(cli);
  }

  private record Entry(byte[] name, Attr attr) {
    String text() {
      return NameText.decode(name);
    }
  }

  @Override
  public Integer call() {
    List<PathSpec> specs = words.stream().map(PathSpec::require).toList();
    List<Object> json = new ArrayList<>();
    try (OpenPools pools = new OpenPools(cli)) {
      boolean several = specs.size() > 1 || recursive;
      for (PathSpec spec : specs) {
        list(pools, spec, several, json);
      }
    }
    if (output.json) {
      out().println(Json.write(Map.of("files", json)));
    }
    return ExitCode.OK;
  }

  private void list(OpenPools pools, PathSpec spec, boolean several, List<Object> json) {
    Attr attr = pools.attributes(spec, spec.path().endsWith("/") || !detailed);
    PosixFileSystem files = pools.files(spec);
    if (!attr.isDirectory() || itself) {
      print(files, List.of(new Entry(PathCalls.path(spec.path()), attr)), json, "");
      return;
    }
    directory(files, spec, attr.inode(), several, json);
  }

  private void directory(
      PosixFileSystem files, PathSpec spec, long inode, boolean titled, List<Object> json) {
    List<Entry> entries = entries(files, inode);
    boolean plain = !output.json;
    if (plain && titled) {
      out().println(spec + ":");
    }
    print(files, entries, json, spec.path().endsWith("/") ? spec.path() : spec.path() + "/");
    if (recursive) {
      for (Entry entry : entries) {
        if (entry.attr.isDirectory()) {
          if (plain) {
            out().println();
          }
          directory(files, spec.child(entry.text()), entry.attr.inode(), true, json);
        }
      }
    }
  }

  private List<Entry> entries(PosixFileSystem files, long inode) {
    List<byte[]> names = new ArrayList<>();
    try (FileHandle handle =
        files.open(
            inode, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_NOATIME, Caller.ROOT)) {
      files.readdir(
          handle,
          0,
          (cookie, name, number, type) -> {
            if (cookie > LAST_DOT_COOKIE && (all || name[0] != '.')) {
              names.add(name.clone());
            }
            return true;
          });
    }
    names.sort(Arrays::compareUnsigned);
    List<Entry> entries = new ArrayList<>(names.size());
    for (byte[] name : names) {
      entries.add(new Entry(name, files.lookup(inode, name, Caller.ROOT)));
    }
    return entries;
  }

  private void print(PosixFileSystem files, List<Entry> entries, List<Object> json, String prefix) {
    if (output.json) {
      for (Entry entry : entries) {
        json.add(asJson(files, entry, prefix));
      }
    } else if (detailed) {
      Table table =
          new Table(
              headless(), "files", List.of("MODE", "LINKS", "UID", "GID", "SIZE", "TIME", "NAME"));
      for (Entry entry : entries) {
        Attr attr = entry.attr;
        String target =
            attr.isSymlink() ? " -> " + NameText.decode(files.readlink(attr.inode())) : "";
        table.row(
            FileText.mode(attr.mode()),
            attr.nlink(),
            Integer.toUnsignedLong(attr.uid()),
            Integer.toUnsignedLong(attr.gid()),
            attr.size(),
            new Table.Shown(
                FileText.minutes(attr.mtimeSeconds()),
                FileText.exactTime(attr.mtimeSeconds(), attr.mtimeNanos())),
            entry.text() + target);
      }
      table.print(out());
    } else {
      for (Entry entry : entries) {
        out().write(entry.name, 0, entry.name.length);
        out().write('\n');
      }
    }
  }

  /** A listing of files has no headers, as people know it. */
  private OutputOptions headless() {
    OutputOptions options = new OutputOptions();
    options.noHeaders = output.noHeaders;
    options.exact = output.exact;
    options.withoutTitles = true;
    return options;
  }

  private static Map<String, Object> asJson(PosixFileSystem files, Entry entry, String prefix) {
    Attr attr = entry.attr;
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("path", prefix + entry.text());
    FileText.addBytes(one, "nameBase64", FileText.lastName(entry.name));
    one.put("type", FileText.type(attr));
    one.put("mode", String.format(Locale.ROOT, "%04o", attr.permissions()));
    one.put("links", attr.nlink());
    one.put("uid", attr.uid());
    one.put("gid", attr.gid());
    one.put("size", attr.size());
    one.put("mtime", FileText.exactTime(attr.mtimeSeconds(), attr.mtimeNanos()));
    one.put("inode", attr.inode());
    if (attr.isSymlink()) {
      byte[] target = files.readlink(attr.inode());
      one.put("target", NameText.decode(target));
      FileText.addBytes(one, "targetBase64", target);
    }
    return one;
  }
}
