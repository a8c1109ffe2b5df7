package io.lcpfs.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Names of properties as users write them. */
final class PropertyWords {
  /** What {@code -o space} stands for. */
  private static final List<String> SPACE =
      List.of("name", "avail", "used", "usedsnap", "usedds", "usedrefreserv", "usedchild");

  /** Short forms that administrators know. */
  private static final Map<String, String> SHORT =
      Map.ofEntries(
          Map.entry("avail", "available"),
          Map.entry("refer", "referenced"),
          Map.entry("usedsnap", "usedbysnapshots"),
          Map.entry("usedds", "usedbydataset"),
          Map.entry("usedrefreserv", "usedbyrefreservation"),
          Map.entry("usedchild", "usedbychildren"),
          Map.entry("ratio", "compressratio"),
          Map.entry("refratio", "refcompressratio"),
          Map.entry("lused", "logicalused"),
          Map.entry("lrefer", "logicalreferenced"),
          Map.entry("compress", "compression"),
          Map.entry("recsize", "recordsize"),
          Map.entry("rdonly", "readonly"),
          Map.entry("reserv", "reservation"),
          Map.entry("refreserv", "refreservation"));

  private PropertyWords() {}

  /** A property as it is kept: a short form in full, an owner's name as a number. */
  static String full(String word) {
    String known = SHORT.get(word);
    return known == null ? OwnerNames.property(word) : known;
  }

  /** The columns of a list, as they were written. */
  static List<String> columns(String words) {
    List<String> columns = new ArrayList<>();
    for (String word : words.split(",", -1)) {
      columns.addAll(word.equals("space") ? SPACE : List.of(word));
    }
    return columns;
  }
}
