import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Holds the sources to their format. Run by Maven from the root on the JDK of the toolchain, since
 * the formatter parses with the compiler of the JDK it runs on.
 *
 * <p>Arguments: a mode and the root folder. {@code check} fails on every file that
 * google-java-format would change, on lines beyond 100 columns, files beyond 800 lines, tabs and
 * trailing blanks; {@code report} only counts them; {@code apply} rewrites the files.
 * Javadoc is reflowed only in a file where some of it is too wide.
 */
final class Format {
  private static final int MAX_COLUMNS = 100;
  private static final int MAX_LINES = 800;
  private static final Set<String> SKIPPED_FOLDERS = Set.of("target", ".git", ".idea", "shared");

  private final List<String> problems = new ArrayList<>();
  private final Formatter codeOnly = formatter(false);
  private final Formatter withJavadoc = formatter(true);

  public static void main(String[] args) throws IOException {
    if (args.length != 2 || !Set.of("report", "check", "apply").contains(args[0])) {
      System.err.println("usage: Format report|check|apply ROOT");
      System.exit(2);
    }
    Path root = Path.of(args[1]);
    Format format = new Format();
    Set<Path> sources = sources(root);
    for (Path source : sources) {
      format.visit(args[0], root, source);
    }
    if (!args[0].equals("report")) {
      format.problems.forEach(System.err::println);
    }
    if (!format.problems.isEmpty()) {
      System.err.println(
          format.problems.size()
              + " format problems; `mvn -N verify -Dformat.mode=apply` rewrites what it can");
      System.exit(args[0].equals("report") ? 0 : 1);
    }
  }

  private static Formatter formatter(boolean javadoc) {
    return new Formatter(JavaFormatterOptions.builder().formatJavadoc(javadoc).build());
  }

  private static Set<Path> sources(Path root) throws IOException {
    Set<Path> found = new TreeSet<>();
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            return SKIPPED_FOLDERS.contains(folder.getFileName().toString())
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (file.toString().endsWith(".java")) {
              found.add(file);
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return found;
  }

  private void visit(String mode, Path root, Path source) throws IOException {
    String name = root.relativize(source).toString();
    String text = Files.readString(source);
    try {
      String wanted = formatted(codeOnly, text);
      if (mode.equals("apply")) {
        if (wanted.lines().anyMatch(Format::isWideJavadoc)) {
          wanted = formatted(withJavadoc, wanted);
        }
        if (!wanted.equals(text)) {
          Files.writeString(source, wanted);
          System.out.println("formatted " + name);
          text = wanted;
        }
      } else if (!wanted.equals(text)) {
        problems.add(name + ":" + firstDifference(text, wanted) + ": not formatted");
      }
    } catch (FormatterException e) {
      problems.add(name + ": cannot be parsed: " + e.getMessage());
    }
    checkRules(name, text);
  }

  private static String formatted(Formatter formatter, String text) throws FormatterException {
    return ImportOrderer.reorderImports(
        RemoveUnusedImports.removeUnusedImports(formatter.formatSource(text)),
        JavaFormatterOptions.Style.GOOGLE);
  }

  private static boolean isWideJavadoc(String line) {
    String content = line.strip();
    return columns(line) > MAX_COLUMNS && (content.startsWith("*") || content.startsWith("/**"));
  }

  private static int columns(String line) {
    return line.codePointCount(0, line.length());
  }

  private static int firstDifference(String text, String wanted) {
    List<String> have = text.lines().toList();
    List<String> want = wanted.lines().toList();
    int line = 0;
    while (line < have.size() && line < want.size() && have.get(line).equals(want.get(line))) {
      line++;
    }
    return line + 1;
  }

  private void checkRules(String name, String text) {
    List<String> lines = text.lines().toList();
    if (lines.size() > MAX_LINES) {
      problems.add(name + ": " + lines.size() + " lines, at most " + MAX_LINES);
    }
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      String place = name + ":" + (i + 1) + ": ";
      int columns = columns(line);
      if (columns > MAX_COLUMNS && !line.startsWith("import ")) {
        problems.add(place + columns + " columns, at most " + MAX_COLUMNS);
      }
      if (line.indexOf('\t') >= 0) {
        problems.add(place + "tab");
      }
      if (!line.equals(line.stripTrailing())) {
        problems.add(place + "trailing blanks");
      }
    }
  }
}
