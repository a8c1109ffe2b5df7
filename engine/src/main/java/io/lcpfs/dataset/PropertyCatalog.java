package io.lcpfs.dataset;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Compression;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.DatasetPolicy;
import io.lcpfs.pool.OwnerRule;
import io.lcpfs.pool.SpaceRules;
import io.lcpfs.pool.StoredProperties;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The table of all properties: what each may hold, its default, whether children inherit it.
 * Besides these any {@code module:name} may be set by users, holds any text and is inherited.
 */
public final class PropertyCatalog {
  /** Longest name of a user's property, in bytes. */
  public static final int MAX_USER_NAME_BYTES = 256;

  /** Longest value of a user's property, in bytes. */
  public static final int MAX_USER_VALUE_BYTES = 8192;

  /** What a property begins with that is a size since a snapshot; the snapshot's name follows. */
  public static final String WRITTEN_SINCE = "written@";

  private static final String NO_LIMIT = "none";

  private static final long DAY_SECONDS = 86_400;
  private static final int MAX_COMMENT_BYTES = 256;
  private static final int MIN_RECORD = 512;
  private static final int MAX_RECORD = 16 << 20;
  private static final List<String> ON_OFF = List.of("on", "off");

  /** How a value is written. */
  public enum Kind {
    CHOICE,
    SIZE,
    NUMBER,
    /** A size, or none, which is kept as 0. */
    SIZE_LIMIT,
    /** A number, or none, which is kept as 0. */
    COUNT_QUOTA,
    /** A number, 0 to forbid all, or none. */
    COUNT_LIMIT,
    /** A number of hundredths, printed as 1.50x. */
    RATIO,
    PERCENT,
    /** Seconds since 1970. */
    TIME,
    TEXT
  }

  /**
   * A row of the table.
   *
   * @param name as in {@code lcpfs fs get}
   * @param kind how values are written
   * @param choices the words of a CHOICE
   * @param defaultValue when it is set nowhere
   * @param settable false for what is computed
   * @param inherited whether children take it over
   * @param help one line
   */
  public record Property(
      String name,
      Kind kind,
      List<String> choices,
      String defaultValue,
      boolean settable,
      boolean inherited,
      String help) {}

  private static final Map<String, Property> DATASET = new LinkedHashMap<>();
  private static final Map<String, Property> SNAPSHOT = new LinkedHashMap<>();
  private static final Map<String, Property> POOL = new LinkedHashMap<>();

  static {
    computed(DATASET, "type", Kind.TEXT, "filesystem or volume");
    computed(DATASET, "creation", Kind.TIME, "when it was created");
    computed(DATASET, "mounted", Kind.TEXT, "yes while it is mounted in the host's tree");
    computed(DATASET, "used", Kind.SIZE, "allocated by it, its snapshots and its children");
    computed(DATASET, "available", Kind.SIZE, "what can still be written");
    computed(DATASET, "referenced", Kind.SIZE, "allocated by its own content");
    computed(DATASET, "usedbydataset", Kind.SIZE, "allocated by its own content");
    computed(DATASET, "usedbysnapshots", Kind.SIZE, "allocated by what only its snapshots have");
    computed(DATASET, "usedbychildren", Kind.SIZE, "used by its children, or reserved for them");
    computed(
        DATASET, "usedbyrefreservation", Kind.SIZE, "kept for its own content, and not yet used");
    computed(DATASET, "written", Kind.SIZE, "of its content, what its newest snapshot has not");
    computed(DATASET, "compressratio", Kind.RATIO, "size before compression to size after");
    computed(DATASET, "logicalused", Kind.SIZE, "its and its children's size before compression");
    computed(DATASET, "logicalreferenced", Kind.SIZE, "its own size before compression");
    computed(DATASET, "refcompressratio", Kind.RATIO, "compressratio of its own content");
    computed(DATASET, "filesystem_count", Kind.NUMBER, "datasets below it");
    computed(DATASET, "snapshot_count", Kind.NUMBER, "snapshots of it and of those below it");
    computed(DATASET, "guid", Kind.NUMBER, "identifies it");
    computed(DATASET, "origin", Kind.TEXT, "snapshot that it is a clone of");
    computed(DATASET, "clones", Kind.TEXT, "of a snapshot: datasets that began as it");
    computed(DATASET, "createtxg", Kind.NUMBER, "transaction group of its creation");
    computed(
        DATASET, "receive_resume_token", Kind.TEXT, "how to go on with what was received in part");
    choice("compression", compressions(), "lz4", "algorithm for data: off, lz4, zstd-N, lzma-N");
    dataset(
        new Property(
            "recordsize",
            Kind.SIZE,
            List.of(),
            "131072",
            true,
            true,
            "largest data block, a power of two from 512 to 16M"));
    choice(
        "checksum",
        List.of("on", "off", "blake3", "sha256", "fletcher4"),
        "on",
        "algorithm that verifies data; on is blake3");
    choice("copies", List.of("1", "2", "3"), "1", "copies of each data block");
    choice("atime", ON_OFF, "on", "keep access times");
    choice("relatime", ON_OFF, "on", "renew access times only when old or before a change");
    choice("readonly", ON_OFF, "off", "refuse changes");
    choice("exec", ON_OFF, "on", "programs may be run from it");
    choice("setuid", ON_OFF, "on", "honour set-user-id bits");
    choice("devices", ON_OFF, "on", "honour device nodes");
    choice("xattr", ON_OFF, "on", "extended attributes");
    choice("sync", List.of("standard", "always", "disabled"), "standard", "when fsync waits");
    choice("logbias", List.of("latency", "throughput"), "latency", "what the intent log favours");
    dataset(
        new Property(
            "mountpoint",
            Kind.TEXT,
            List.of(),
            "",
            true,
            true,
            "where it is mounted: a path, none or legacy"));
    dataset(
        new Property(
            "canmount",
            Kind.CHOICE,
            List.of("on", "off", "noauto"),
            "on",
            true,
            false,
            "whether it may be mounted"));
    choice("snapdir", List.of("hidden", "visible"), "hidden", "show the directory of snapshots");

    computed(SNAPSHOT, "userrefs", Kind.NUMBER, "how many users hold a snapshot");
    computed(SNAPSHOT, "defer_destroy", Kind.TEXT, "on: it goes when the last hold does");
    limit("quota", Kind.SIZE_LIMIT, "what it may use with its snapshots and all below it");
    limit("refquota", Kind.SIZE_LIMIT, "what its own content may take");
    limit("reservation", Kind.SIZE_LIMIT, "what is kept for it and all below it");
    limit("refreservation", Kind.SIZE_LIMIT, "what is kept for its own content");
    limit("filesystem_limit", Kind.COUNT_LIMIT, "how many datasets may be below it");
    limit("snapshot_limit", Kind.COUNT_LIMIT, "how many snapshots it and those below may have");

    computed(POOL, "size", Kind.SIZE, "usable space");
    computed(POOL, "allocated", Kind.SIZE, "in use");
    computed(POOL, "free", Kind.SIZE, "not in use");
    computed(POOL, "freeing", Kind.SIZE, "of destroyed datasets, on its way back");
    computed(POOL, "checkpoint", Kind.SIZE, "what only the checkpoint has any more");
    computed(POOL, "bcloneused", Kind.SIZE, "allocated for blocks that are cloned");
    computed(POOL, "bclonesaved", Kind.SIZE, "what their clones would take as copies");
    computed(POOL, "bcloneratio", Kind.RATIO, "size of cloned blocks with their clones to without");
    computed(POOL, "capacity", Kind.PERCENT, "share in use");
    computed(POOL, "fragmentation", Kind.PERCENT, "how scattered free space is");
    computed(POOL, "health", Kind.TEXT, "ONLINE, DEGRADED, FAULTED, SUSPENDED");
    computed(POOL, "guid", Kind.NUMBER, "identifies it");
    computed(POOL, "version", Kind.NUMBER, "format version");
    computed(POOL, "readonly", Kind.CHOICE, "imported without the right to change it");
    pool(
        new Property(
            "autotrim", Kind.CHOICE, ON_OFF, "off", true, false, "tell devices of freed space"));
    pool(new Property("comment", Kind.TEXT, List.of(), "", true, false, "any text"));
    pool(
        new Property(
            "cachefile",
            Kind.CHOICE,
            List.of("none"),
            "none",
            true,
            false,
            "always none: pools are remembered by the registry"));
  }

  private PropertyCatalog() {}

  private static void computed(Map<String, Property> table, String name, Kind kind, String help) {
    table.put(name, new Property(name, kind, List.of(), "", false, false, help));
  }

  private static void choice(String name, List<String> words, String byDefault, String help) {
    dataset(new Property(name, Kind.CHOICE, words, byDefault, true, true, help));
  }

  private static void limit(String name, Kind kind, String help) {
    String none = kind == Kind.COUNT_LIMIT ? NO_LIMIT : "0";
    dataset(new Property(name, kind, List.of(), none, true, false, help + ", or none"));
  }

  private static void dataset(Property property) {
    DATASET.put(property.name(), property);
  }

  private static void pool(Property property) {
    POOL.put(property.name(), property);
  }

  private static List<String> compressions() {
    return Stream.of(
            Stream.of("on", "off", "lz4", "zstd", "lzma"),
            IntStream.rangeClosed(1, 19).mapToObj(level -> "zstd-" + level),
            IntStream.rangeClosed(0, 9).mapToObj(level -> "lzma-" + level))
        .flatMap(Function.identity())
        .toList();
  }

  /** All native dataset properties, in the order in which they are listed. */
  public static Collection<Property> datasetProperties() {
    return Collections.unmodifiableCollection(DATASET.values());
  }

  /** All native pool properties, in the order in which they are listed. */
  public static Collection<Property> poolProperties() {
    return Collections.unmodifiableCollection(POOL.values());
  }

  /** Whether {@code name} has the form of a user's property. */
  public static boolean isUserProperty(String name) {
    if (name.indexOf(':') < 0 || name.length() > MAX_USER_NAME_BYTES) {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || ":._-".indexOf(c) >= 0)) {
        return false;
      }
    }
    return true;
  }

  /**
   * The row of a dataset property; a made-up one for a user's property.
   *
   * @throws io.lcpfs.error.PoolException EINVAL when there is no such property
   */
  public static Property dataset(String name) {
    Property ofSnapshots = SNAPSHOT.get(name);
    if (ofSnapshots != null) {
      return ofSnapshots;
    }
    if (name.startsWith(WRITTEN_SINCE) && name.length() > WRITTEN_SINCE.length()) {
      return new Property(
          name, Kind.SIZE, List.of(), "", false, false, "of its content, what this one has not");
    }
    OwnerRule owner = OwnerRule.of(name);
    return owner != null ? ofOwner(owner) : find(DATASET, name, "lcpfs fs get all");
  }

  /** The row of a pool property; otherwise as {@link #dataset(String)}. */
  public static Property pool(String name) {
    if (name.startsWith("feature@")) {
      return new Property(name, Kind.TEXT, List.of(), "disabled", false, false, "a format feature");
    }
    return find(POOL, name, "lcpfs pool get all");
  }

  private static Property find(Map<String, Property> table, String name, String list) {
    Property property = table.get(name);
    if (property != null) {
      return property;
    }
    if (isUserProperty(name)) {
      return new Property(name, Kind.TEXT, List.of(), "-", true, true, "set by users");
    }
    String lower = name.toLowerCase(Locale.ROOT);
    if (isUserProperty(lower)) {
      throw refused(
          Errno.EINVAL, name + ": names of users' properties are in lower case; write " + lower);
    }
    String hint = closest(table, name);
    throw refused(
        Errno.EINVAL,
        name
            + ": is no property; "
            + (hint.isEmpty()
                ? "see '" + list + "', or use module:name for one of your own"
                : "did you mean " + hint + "?"));
  }

  /** What a user, group or project has or may have; written with its number, however given. */
  private static Property ofOwner(OwnerRule rule) {
    if (rule.used()) {
      Kind kind = rule.objects() ? Kind.NUMBER : Kind.SIZE;
      return new Property(rule.name(), kind, List.of(), "", false, false, "what one owner has");
    }
    Kind kind = rule.objects() ? Kind.COUNT_QUOTA : Kind.SIZE_LIMIT;
    return new Property(rule.name(), kind, List.of(), "0", true, false, "what one owner may have");
  }

  private static String closest(Map<String, Property> table, String name) {
    return table.values().stream()
        .filter(known -> known.name().startsWith(name) || name.startsWith(known.name()))
        .min(Comparator.comparing(known -> !known.settable()))
        .filter(known -> !name.isEmpty())
        .map(Property::name)
        .orElse("");
  }

  /**
   * Checks a value for {@code property} and gives its exact form, which is what is stored.
   *
   * @throws io.lcpfs.error.PoolException EINVAL saying what is allowed; EPERM when it is computed
   */
  public static String parse(Property property, String text) {
    String name = property.name();
    if (!property.settable()) {
      throw refused(Errno.EPERM, name + ": is computed and cannot be set; leave it out");
    }
    if (text.indexOf('\0') >= 0) {
      throw refused(Errno.EINVAL, name + ": holds a NUL character; leave it out");
    }
    return switch (property.kind()) {
      case CHOICE -> parseChoice(property, text);
      case SIZE -> parseRecordSize(name, text);
      case SIZE_LIMIT -> text.equals(NO_LIMIT) ? "0" : Long.toString(Sizes.parse(text));
      case COUNT_QUOTA -> text.equals(NO_LIMIT) ? "0" : parseCount(name, text);
      case COUNT_LIMIT -> text.equals(NO_LIMIT) ? NO_LIMIT : parseLimit(name, text);
      case TEXT -> parseText(name, text);
      case NUMBER, RATIO, PERCENT, TIME -> throw new AssertionError(name + " is computed");
    };
  }

  private static String parseChoice(Property property, String text) {
    String word = text.toLowerCase(Locale.ROOT);
    if (!property.choices().contains(word)) {
      String allowed =
          property.name().equals("compression")
              ? "off, lz4, zstd, zstd-1 to zstd-19, lzma, lzma-0 to lzma-9"
              : property.choices().stream().collect(Collectors.joining(", "));
      throw refused(
          Errno.EINVAL,
          property.name() + ": '" + text + "' is not allowed; give one of " + allowed);
    }
    return word;
  }

  private static String parseCount(String name, String text) {
    if (!text.matches("[0-9]{1,18}")) {
      throw refused(Errno.EINVAL, name + ": '" + text + "' is not allowed; give a number, or none");
    }
    return Long.toString(Long.parseLong(text));
  }

  private static String parseLimit(String name, String text) {
    String count = parseCount(name, text);
    return count.equals("0") ? SpaceRules.FORBIDS_ALL : count;
  }

  /**
   * As {@link #parse}, of a value that was kept in a pool: an earlier version wrote 0 for a limit
   * that there is none of.
   */
  public static String parseKept(Property property, String text) {
    boolean none = property.kind() == Kind.COUNT_LIMIT && text.equals("0");
    return parse(property, none ? NO_LIMIT : text);
  }

  private static String parseRecordSize(String name, String text) {
    long bytes = Sizes.parse(text);
    if (bytes < MIN_RECORD || bytes > MAX_RECORD || Long.bitCount(bytes) != 1) {
      throw refused(
          Errno.EINVAL,
          name + ": " + text + " is not allowed; give a power of two from 512 to 16M");
    }
    return Long.toString(bytes);
  }

  private static String parseText(String name, String text) {
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    if (name.equals("mountpoint")) {
      if (!text.startsWith("/") && !text.equals("none") && !text.equals("legacy")) {
        throw refused(
            Errno.EINVAL,
            name + ": '" + text + "' is not allowed; give an absolute path, none or legacy");
      }
      if (bytes > 4096) {
        throw refused(Errno.EINVAL, name + ": is longer than 4096 bytes; shorten it");
      }
      return text;
    }
    int most = name.equals("comment") ? MAX_COMMENT_BYTES : MAX_USER_VALUE_BYTES;
    if (bytes > most) {
      throw refused(Errno.EINVAL, name + ": holds " + bytes + " bytes; use at most " + most);
    }
    return text;
  }

  /** A stored value as the command shows it; {@code exact} leaves numbers as they are. */
  public static String print(Property property, String value, boolean exact) {
    if (value.isEmpty() && isUserProperty(property.name())) {
      return "";
    }
    if (value.isEmpty() || value.equals("-")) {
      return "-";
    }
    return switch (property.kind()) {
      case CHOICE, TEXT, NUMBER -> value;
      case SIZE -> exact ? value : Sizes.print(Long.parseLong(value));
      case SIZE_LIMIT ->
          exact ? value : value.equals("0") ? NO_LIMIT : Sizes.print(Long.parseLong(value));
      case COUNT_QUOTA -> exact || !value.equals("0") ? value : NO_LIMIT;
      case COUNT_LIMIT -> value.equals(SpaceRules.FORBIDS_ALL) ? "0" : value;
      case PERCENT -> exact ? value : value + "%";
      case RATIO -> {
        long hundredths = Long.parseLong(value);
        String ratio = String.format(Locale.ROOT, "%d.%02d", hundredths / 100, hundredths % 100);
        yield exact ? ratio : ratio + "x";
      }
      case TIME -> exact ? value : localTime(Long.parseLong(value));
    };
  }

  private static String localTime(long epochSeconds) {
    return DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT)
        .withZone(ZoneId.systemDefault())
        .format(
            Instant.ofEpochSecond(
                Math.clamp(
                    epochSeconds,
                    Instant.MIN.getEpochSecond() + DAY_SECONDS,
                    Instant.MAX.getEpochSecond() - DAY_SECONDS)));
  }

  /**
   * The effective value of a settable property.
   *
   * @param fullName of the dataset
   * @param storedAt what is set at and was received by a dataset, by its path below the root
   */
  public static PropertyValue effective(
      Property property, String fullName, Function<String, StoredProperties> storedAt) {
    String pool = DatasetName.poolOf(fullName);
    String path = DatasetName.pathOf(fullName);
    String at = path;
    while (true) {
      StoredProperties stored = storedAt.apply(at);
      PropertySource source = PropertySource.LOCAL;
      String value = allowed(property, stored.local(property.name()));
      if (value == null) {
        source = PropertySource.RECEIVED;
        value = allowed(property, stored.counting(property.name()));
      }
      if (value != null) {
        if (at.equals(path)) {
          return PropertyValue.of(value, source);
        }
        String from = at.isEmpty() ? pool : pool + "/" + at;
        return new PropertyValue(
            inheritedValue(property, value, path, at), PropertySource.INHERITED, from);
      }
      if (at.isEmpty() || !property.inherited()) {
        break;
      }
      at = DatasetName.parentPath(at);
    }
    String byDefault =
        property.name().equals("mountpoint") ? "/" + fullName : property.defaultValue();
    return PropertyValue.of(byDefault, PropertySource.DEFAULT);
  }

  /** A kept value that can be acted on, or null; what a later version wrote counts as not there. */
  private static @Nullable String allowed(Property property, @Nullable String kept) {
    if (kept == null) {
      return null;
    }
    try {
      String value = parseKept(property, kept);
      boolean noLimit = property.kind() == Kind.COUNT_LIMIT && kept.equals("0");
      return value.equals(kept) || noLimit ? value : null;
    } catch (PoolException notKnown) {
      return null;
    }
  }

  private static String inheritedValue(Property property, String value, String path, String from) {
    if (!property.name().equals("mountpoint") || !value.startsWith("/")) {
      return value;
    }
    // A mount point is inherited with the way from the ancestor to here appended.
    String rest = from.isEmpty() ? path : path.substring(from.length() + 1);
    return value.equals("/") ? "/" + rest : value + "/" + rest;
  }

  /** What the layers below act on, from effective values by property name. */
  public static DatasetPolicy policy(Function<String, String> effectiveValue) {
    return new DatasetPolicy(
        compression(effectiveValue.apply("compression")),
        checksum(effectiveValue.apply("checksum")),
        Integer.parseInt(effectiveValue.apply("recordsize")),
        Integer.parseInt(effectiveValue.apply("copies")),
        effectiveValue.apply("readonly").equals("on"));
  }

  private static Compression compression(String value) {
    int dash = value.indexOf('-');
    int level = dash < 0 ? -1 : Integer.parseInt(value.substring(dash + 1));
    return switch (dash < 0 ? value : value.substring(0, dash)) {
      case "on", "lz4" -> Compression.LZ4;
      case "off" -> Compression.OFF;
      case "zstd" ->
          level < 0 ? Compression.ZSTD_DEFAULT : new Compression(CompressionType.ZSTD, level);
      case "lzma" -> new Compression(CompressionType.LZMA, level < 0 ? 6 : level);
      // The pool may hold a value that a later version wrote: fall back to the default.
      default -> Compression.LZ4;
    };
  }

  private static ChecksumType checksum(String value) {
    return switch (value) {
      case "off" -> ChecksumType.OFF;
      case "sha256" -> ChecksumType.SHA256;
      case "fletcher4" -> ChecksumType.FLETCHER4;
      default -> ChecksumType.BLAKE3;
    };
  }
}
