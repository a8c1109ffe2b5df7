package io.lcpfs.cli;

import io.lcpfs.format.NameText;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lcpfs stat}. */
@Command(name = "stat", description = "Show all that is known of files.")
final class StatCommand extends BaseCommand {
  @Option(
      names = {"-j", "--json"},
      description = "Print JSON.")
  boolean json;

  @Option(
      names = {"-L", "--dereference"},
      description = "Follow symbolic links.")
  boolean follow;

  @Parameters(arity = "1..*", paramLabel = "PATH", description = "For example tank/home:/docs")
  List<String> words = new ArrayList<>();

  StatCommand(Cli cli) {
    super(cli);
  }

  @Override
  public Integer call() {
    List<Object> all = new ArrayList<>();
    List<PathSpec> specs = words.stream().map(PathSpec::require).toList();
    try (OpenPools pools = new OpenPools(cli)) {
      for (PathSpec spec : specs) {
        Attr attr = pools.attributes(spec, follow);
        if (json) {
          all.add(asJson(pools.files(spec), spec, attr));
        } else {
          print(pools.files(spec), spec, attr);
        }
      }
    }
    if (json) {
      out().println(Json.write(Map.of("files", all)));
    }
    return ExitCode.OK;
  }

  private static String octal(Attr attr) {
    return String.format(Locale.ROOT, "%04o", attr.permissions());
  }

  private static List<String> xattrs(PosixFileSystem files, Attr attr) {
    return files.listxattr(attr.inode(), Caller.ROOT).stream()
        .map(name -> NameText.decode(name))
        .sorted()
        .toList();
  }

  private void print(PosixFileSystem files, PathSpec spec, Attr attr) {
    String target = attr.isSymlink() ? " -> " + NameText.decode(files.readlink(attr.inode())) : "";
    out().println("  File: " + spec + target);
    out().println("  Type: " + FileText.type(attr));
    out()
        .println(
            "  Size: "
                + attr.size()
                + "  Stored: "
                + attr.blocks512() * 512
                + "  Block: "
                + attr.blockBytes());
    out()
        .println(
            " Inode: "
                + attr.inode()
                + "  Links: "
                + attr.nlink()
                + "  Generation: "
                + Long.toUnsignedString(attr.generation()));
    out()
        .println(
            "Access: "
                + octal(attr)
                + " "
                + FileText.mode(attr.mode())
                + "  Uid: "
                + attr.uid()
                + "  Gid: "
                + attr.gid());
    out().println("Access: " + FileText.nanos(attr.atimeSeconds(), attr.atimeNanos()));
    out().println("Modify: " + FileText.nanos(attr.mtimeSeconds(), attr.mtimeNanos()));
    out().println("Change: " + FileText.nanos(attr.ctimeSeconds(), attr.ctimeNanos()));
    out().println(" Birth: " + FileText.nanos(attr.btimeSeconds(), attr.btimeNanos()));
    List<String> xattrs = xattrs(files, attr);
    if (!xattrs.isEmpty()) {
      out().println(" Xattr: " + String.join(", ", xattrs));
    }
  }

  private static Map<String, Object> asJson(PosixFileSystem files, PathSpec spec, Attr attr) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("path", spec.toString());
    FileText.addBytes(one, "nameBase64", FileText.lastName(PathCalls.path(spec.path())));
    one.put("type", FileText.type(attr));
    one.put("size", attr.size());
    one.put("stored", attr.blocks512() * 512);
    one.put("inode", attr.inode());
    one.put("links", attr.nlink());
    one.put("mode", octal(attr));
    one.put("uid", attr.uid());
    one.put("gid", attr.gid());
    one.put("rdev", attr.rdev());
    one.put("atime", FileText.exactTime(attr.atimeSeconds(), attr.atimeNanos()));
    one.put("mtime", FileText.exactTime(attr.mtimeSeconds(), attr.mtimeNanos()));
    one.put("ctime", FileText.exactTime(attr.ctimeSeconds(), attr.ctimeNanos()));
    one.put("btime", FileText.exactTime(attr.btimeSeconds(), attr.btimeNanos()));
    if (attr.isSymlink()) {
      byte[] target = files.readlink(attr.inode());
      one.put("target", NameText.decode(target));
      FileText.addBytes(one, "targetBase64", target);
    }
    one.put("xattrs", xattrs(files, attr));
    return one;
  }
}
