package io.lcpfs.architecture;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The house's table: floors from the ground up, and on each the rooms with the neighbours on their
 * own floor that they may use. A room may use every room on a lower floor. docs/ARCHITECTURE.md
 * prints this table; a test compares the two.
 */
final class Floors {
  /** A floor and its rooms, each with the neighbours it may use. */
  record Floor(String name, Map<String, Set<String>> rooms) {}

  static final List<Floor> FROM_GROUND_UP =
      List.of(
          floor("ground", room("error")),
          floor("ground", room("env")),
          floor("ground", room("memory"), room("device"), room("codec"), room("format", "codec")),
          floor(
              "I/O",
              room("txg"),
              room("alloc"),
              room("vdev"),
              room("cache"),
              room("pipeline", "alloc", "vdev", "cache")),
          floor(
              "objects",
              room("object"),
              room("zap", "object"),
              room("intent", "object", "zap"),
              room("dedup", "object", "zap")),
          floor("pool", room("pool")),
          floor("datasets", room("dataset"), room("stream", "dataset"), room("scan", "dataset")),
          floor(
              "face",
              room("posix"),
              room("volume"),
              room("checkup"),
              room("api", "posix", "volume")));

  private static final String HOUSE = "io.lcpfs.";

  private Floors() {}

  /** The room of a package below {@code io.lcpfs}, or empty where the table has none. */
  static Optional<String> roomOf(String packageName) {
    if (!packageName.startsWith(HOUSE)) {
      return Optional.empty();
    }
    String room = packageName.substring(HOUSE.length()).replaceAll("\\..*", "");
    return isRoom(room) ? Optional.of(room) : Optional.empty();
  }

  static boolean isRoom(String room) {
    return FROM_GROUND_UP.stream().anyMatch(floor -> floor.rooms().containsKey(room));
  }

  /** Whether {@code user} may use {@code used}. Both are rooms of the table. */
  static boolean mayUse(String user, String used) {
    if (user.equals(used) || levelOf(used) < levelOf(user)) {
      return true;
    }
    return FROM_GROUND_UP.get(levelOf(user)).rooms().getOrDefault(user, Set.of()).contains(used);
  }

  /** The table as docs/ARCHITECTURE.md prints it, top floor first. */
  static String markdown() {
    StringBuilder table = new StringBuilder("| floor | rooms |\n|---|---|\n");
    for (Floor floor : FROM_GROUND_UP.reversed()) {
      List<String> rooms = new ArrayList<>();
      floor
          .rooms()
          .forEach(
              (room, neighbours) ->
                  rooms.add(
                      neighbours.isEmpty()
                          ? "`" + room + "`"
                          : "`" + room + "` (may use " + String.join(", ", neighbours) + ")"));
      table.append("| ").append(floor.name()).append(" | ");
      table.append(String.join(", ", rooms)).append(" |\n");
    }
    return table.toString();
  }

  private static int levelOf(String room) {
    for (int level = 0; level < FROM_GROUND_UP.size(); level++) {
      if (FROM_GROUND_UP.get(level).rooms().containsKey(room)) {
        return level;
      }
    }
    throw new IllegalArgumentException("no such room: " + room);
  }

  @SafeVarargs
  private static Floor floor(String name, Map.Entry<String, Set<String>>... rooms) {
    Map<String, Set<String>> sorted = new TreeMap<>();
    for (Map.Entry<String, Set<String>> room : rooms) {
      sorted.put(room.getKey(), room.getValue());
    }
    return new Floor(name, sorted);
  }

  private static Map.Entry<String, Set<String>> room(String name, String... neighbours) {
    return Map.entry(name, new TreeSet<>(Set.of(neighbours)));
  }
}
