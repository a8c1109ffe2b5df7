package io.lcpfs.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.CompressionType;
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
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Holds the tables of docs/FORMAT.md and docs/STREAM.md against the layouts. The heading of a
 * structure is the name of its class without "Record", then that of the constant: ZapRecord.HEADER
 * is ZapHeader, X.LAYOUT just X.
 */
class FormatDocTest {
  private static final List<Path> DOCUMENTS =
      List.of(Path.of("..", "docs", "FORMAT.md"), Path.of("..", "docs", "STREAM.md"));

  /** What calls of an operating system pass. */
  private static final Set<String> NOT_ON_DISK =
      Set.of("io.lcpfs.device.Posix", "io.lcpfs.posix.FileStat", "io.lcpfs.posix.FullStat");

  private static String heading(Class<?> owner, String constant) {
    String name = owner.getSimpleName().replace("Record", "");
    String suffix =
        constant.equals("LAYOUT")
            ? ""
            : constant.charAt(0) + constant.substring(1).toLowerCase(Locale.ROOT);
    return name.endsWith(suffix) ? name : name + suffix;
  }

  /** Every layout that any class of the engine declares, by heading, as rows of a table. */
  private static Map<String, List<String>> layouts() throws Exception {
    Map<String, List<String>> found = new TreeMap<>();
    for (JavaClass type : builders()) {
      collect(Class.forName(type.getName()), found);
    }
    return found;
  }

  /** The classes that put layouts together, but for those that are not for disks. */
  private static List<JavaClass> builders() throws Exception {
    Path classes = Path.of(Disk.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    List<JavaClass> builders =
        new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPath(classes)
                .stream()
                .filter(FormatDocTest::buildsLayouts)
                .toList();
    assertThat(builders.stream().map(JavaClass::getName)).containsAll(NOT_ON_DISK);
    return builders.stream().filter(type -> !NOT_ON_DISK.contains(type.getName())).toList();
  }

  private static boolean buildsLayouts(JavaClass type) {
    return type.getMethodCallsFromSelf().stream()
        .anyMatch(
            call ->
                call.getTargetOwner().isEquivalentTo(MemoryLayout.class)
                    && call.getTarget().getName().equals("structLayout"));
  }

  private static void collect(Class<?> owner, Map<String, List<String>> found)
      throws IllegalAccessException {
    int before = found.size();
    for (Field field : owner.getDeclaredFields()) {
      if (field.getType() == StructLayout.class && Modifier.isStatic(field.getModifiers())) {
        field.setAccessible(true);
        StructLayout layout = (StructLayout) field.get(null);
        assertThat(found.put(heading(owner, field.getName()), rows(layout)))
            .as(owner + "." + field.getName())
            .isNull();
      }
    }
    // One that is only a local variable would otherwise escape.
    assertThat(found.size())
        .as(owner + " keeps its layouts in static fields")
        .isGreaterThan(before);
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
    List<String> lines = new ArrayList<>();
    for (Path document : DOCUMENTS) {
      lines.addAll(Files.readAllLines(document));
    }
    for (String line : lines) {
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
            "Znode",
            "History");
    layouts.forEach((name, rows) -> assertThat(documented.get(name)).as(name).isEqualTo(rows));
    assertThat(documented.keySet()).isEqualTo(layouts.keySet());
  }

  @Test
  void everyStructureDeclaredAnywhereIsSeen() {
    JavaClass stranger = new ClassFileImporter().importClass(Stranger.class);
    assertThat(buildsLayouts(stranger)).isTrue();
    assertThatThrownBy(() -> collect(Stranger.class, new TreeMap<>()))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("static fields");
  }

  /** Declares a structure that no table could be held against. */
  static final class Stranger {
    long bytes() {
      return MemoryLayout.structLayout(Disk.U64.withName("hidden")).byteSize();
    }
  }

  @Test
  void everyNumberedThingIsNamed() throws IOException {
    String text = Files.readString(DOCUMENTS.getFirst()).replaceAll("\\s+", " ");
    for (ObjectType type : ObjectType.values()) {
      assertThat(text).containsPattern("[ ,]" + type.code() + " [a-zA-Z ]+[,.]");
    }
    for (ChecksumType type : ChecksumType.values()) {
      assertThat(text.toLowerCase(Locale.ROOT))
          .contains(
              type == ChecksumType.OFF
                  ? "0 none"
                  : type.code() + " " + type.propertyName().replace("sha256", "sha-256"));
    }
    for (CompressionType type : CompressionType.values()) {
      assertThat(text.toLowerCase(Locale.ROOT))
          .contains(type.code() + " " + type.name().toLowerCase(Locale.ROOT));
    }
    for (PoolConfig.Feature feature : Features.KNOWN) {
      assertThat(text).contains("`" + feature.name() + "`");
    }
    for (String name :
        List.of(
            "space_maps",
            "root_dataset",
            "pool_properties",
            "history",
            "destroyed",
            "version",
            "root",
            "unlinked",
            "xattrs")) {
      assertThat(text).contains("| `" + name + "` |");
    }
  }
}
