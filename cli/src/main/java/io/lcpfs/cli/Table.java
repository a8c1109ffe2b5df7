package io.lcpfs.cli;

import io.lcpfs.dataset.Sizes;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Rows of equal shape, printed for people (aligned columns), scripts (tabs, no headers) or programs
 * (JSON with exact values).
 */
final class Table {
  /** A number of bytes: 1.50M for people, exact for others. */
  record Bytes(long value) {}

  /** A share: 12% for people, 12 for others. */
  record Percent(long value) {}

  /** Text for people and another exact form. */
  record Shown(String text, Object exact) {}

  private final OutputOptions options;
  private final String jsonKey;
  private final List<String> titles;
  private final List<List<Object>> rows = new ArrayList<>();

  /**
   * @param jsonKey what the array of rows is called in JSON
   * @param titles of the columns; in lower case they are the keys in JSON
   */
  Table(OutputOptions options, String jsonKey, List<String> titles) {
    this.options = options;
    this.jsonKey = jsonKey;
    this.titles = List.copyOf(titles);
  }

  /** Adds a row: as many cells as titles, each text, a number, Bytes, Percent or Shown. */
  void row(Object... cells) {
    if (cells.length != titles.size()) {
      throw new AssertionError(cells.length + " cells for " + titles.size() + " columns");
    }
    rows.add(List.of(cells));
  }

  void print(PrintStream out) {
    if (options.json) {
      out.println(Json.write(Map.of(jsonKey, rows.stream().map(this::jsonRow).toList())));
    } else if (options.noHeaders) {
      for (List<Object> row : rows) {
        out.println(String.join("\t", row.stream().map(this::shown).toList()));
      }
    } else {
      printAligned(out);
    }
  }

  private Map<String, Object> jsonRow(List<Object> row) {
    Map<String, Object> object = new LinkedHashMap<>();
    for (int i = 0; i < row.size(); i++) {
      object.put(titles.get(i).toLowerCase(Locale.ROOT), exact(row.get(i)));
    }
    return object;
  }

  private static Object exact(Object cell) {
    return switch (cell) {
      case Bytes bytes -> bytes.value();
      case Percent percent -> percent.value();
      case Shown shown -> shown.exact();
      default -> cell;
    };
  }

  private String shown(Object cell) {
    if (options.exact) {
      return exact(cell).toString();
    }
    return switch (cell) {
      case Bytes bytes -> Sizes.print(bytes.value());
      case Percent percent -> percent.value() + "%";
      case Shown shown -> shown.text();
      default -> cell.toString();
    };
  }

  private static boolean rightAligned(Object cell) {
    return cell instanceof Bytes || cell instanceof Percent || cell instanceof Number;
  }

  private void printAligned(PrintStream out) {
    int[] widths =
        titles.stream().mapToInt(title -> options.withoutTitles ? 0 : title.length()).toArray();
    for (List<Object> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], shown(row.get(i)).length());
      }
    }
    StringBuilder line = new StringBuilder();
    if (!options.withoutTitles) {
      for (int i = 0; i < widths.length; i++) {
        int column = i;
        boolean right = rows.stream().anyMatch(row -> rightAligned(row.get(column)));
        append(line, titles.get(i), widths[i], right);
      }
      out.println(line.toString().stripTrailing());
    }
    for (List<Object> row : rows) {
      line.setLength(0);
      for (int i = 0; i < widths.length; i++) {
        append(line, shown(row.get(i)), widths[i], rightAligned(row.get(i)));
      }
      out.println(line.toString().stripTrailing());
    }
  }

  private static void append(StringBuilder line, String text, int width, boolean right) {
    if (!line.isEmpty()) {
      line.append("  ");
    }
    int padding = width - text.length();
    if (right) {
      line.repeat(' ', padding).append(text);
    } else {
      line.append(text).repeat(' ', padding);
    }
  }
}
