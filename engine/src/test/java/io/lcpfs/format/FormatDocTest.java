package io.lcpfs.format;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.posix.ZnodeRecord;
import java.io.IOException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Holds the tables of docs/FORMAT.md against the layouts. The heading of a structure is the name of
 * its class without "Record", then that of the constant: ZapRecord.HEADER is ZapHeader, X.LAYOUT
 * just X.
 */
class FormatDocTest {
  private static final Path DOCUMENT = Path.of("..", "docs", "FORMAT.md");

  private static String heading(Class<?> owner, String constant) {
    String name = owner.getSimpleName().replace("Record", "");
    String suffix =
        constant.equals("LAYOUT")
            ? ""
            : constant.charAt(0) + constant.substring(1).toLowerCase(Locale.ROOT);
    return name.endsWith(suffix) ? name : name + suffix;
  }

  /** Every layout of the packages that say what bytes mean, by heading, as rows of a table. */
  private static Map<String, List<String>> layouts() throws Exception {
    Map<String, List<String>> found = new TreeMap<>();
    for (Class<?> anchor : List.of(Disk.class, ZnodeRecord.class)) {
      Path classes =
          Path.of(anchor.getProtectionDomain().getCodeSource().getLocation().toURI())
              .resolve(anchor.getPackageName().replace('.', '/'));
      List<Path> files;
      try (Stream<Path> list = Files.list(classes)) {
        files = list.sorted().toList();
      }
      for (Path file : files) {
        String name = String.valueOf(file.getFileName()).replace(".class", "");
        if (!name.contains("-")) {
          collect(Class.forName(anchor.getPackageName() + "." + name), found);
        }
      }
    }
    return found;
  }

  private static void collect(Class<?> owner, Map<String, List<String>> found)
      throws IllegalAccessException {
    for (Field field : owner.getDeclaredFields()) {
      if (field.getType() == StructLayout.class && Modifier.isStatic(field.getModifiers())) {
        field.setAccessible(true);
        StructLayout layout = (StructLayout) field.get(null);
        List<String> before = found.put(heading(owner, field.getName()), rows(layout));
        assertThat(before).as(owner + "." + field.getName()).isNull();
      }
    }
  }

  private static List<String> rows(StructLayout layout) {
    List<String> rows = new ArrayList<>();
    long offset = 0;
    for (MemoryLayout member : layout.memberLayouts()) {
      rows.add(offset + " " + member.byteSize() + " " + member.name().orElse("?"));
      offset += member.byteSize();
    }
    return rows;
  }

  /** The tables under third-level headings that have the four columns of a structure. */
  private static Map<String, List<String>> documented() throws IOException {
    Map<String, List<String>> found = new TreeMap<>();
    String heading = "";
    boolean inTable = false;
    for (String line : Files.readAllLines(DOCUMENT)) {
      if (line.startsWith("#")) {
        heading = line.startsWith("### ") ? line.substring(4).strip() : "";
      }
      if (line.equals("| offset | size | name | meaning |")) {
        inTable = true;
        assertThat(heading).as("heading of a table").isNotEmpty();
        assertThat(found.put(heading, new ArrayList<>())).as(heading).isNull();
      } else if (!inTable || !line.startsWith("|")) {
        inTable = false;
      } else if (!line.startsWith("|---")) {
        String[] cells = line.split("\\|", -1);
        assertThat(cells).as(line).hasSize(6);
        found
            .getOrDefault(heading, new ArrayList<>())
            .add(cells[1].strip() + " " + cells[2].strip() + " " + cells[3].strip());
      }
    }
    return found;
  }

  @Test
  void everyStructureIsDocumentedFieldByField() throws Exception {
    Map<String, List<String>> layouts = layouts();
    Map<String, List<String>> documented = documented();
    assertThat(layouts)
        .containsKeys(
            "BlockPointer",
            "Dnode",
            "TailEntry",
            "ObjectSet",
            "Dataset",
            "Uberblock",
            "LayoutColumn",
            "GangHeader",
            "Znode");
    layouts.forEach((name, rows) -> assertThat(documented.get(name)).as(name).isEqualTo(rows));
    assertThat(documented.keySet()).isEqualTo(layouts.keySet());
  }
}
