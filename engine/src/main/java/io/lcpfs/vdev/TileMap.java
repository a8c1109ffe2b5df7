package io.lcpfs.vdev;

import static io.lcpfs.error.PoolException.corrupt;

import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Dva;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.Profile;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Which tiles of which devices each metaslab is made of. Immutable: a change makes a new one. */
public final class TileMap {
  /** Most sectors of a metaslab; allocation counts them in ints. */
  private static final long MAX_SECTORS = 1 << 30;

  /** So much of a mirror is read from one column before the next has its turn. */
  private static final long TURN_BYTES = 256 << 10;

  private final PoolConfig config;
  private final LayoutRecord record;

  /** In order of id, which is the order of the record's entries. */
  private final Slice[] slices;

  private final Map<Integer, BitSet> usedTiles = new TreeMap<>();

  private boolean mirrors;

  /** By group. Transactions ask for it. */
  private final Map<Integer, Long> unbound = new TreeMap<>();

  /** A metaslab with its columns worked out. */
  private record Slice(
      LayoutRecord.Entry entry,
      long sizeBytes,
      int sectorBytes,
      List<Column> columns,
      int firstDevice,
      long firstOffset) {}

  private TileMap(PoolConfig config, LayoutRecord record) {
    this.config = config;
    this.record = record;
    this.slices = new Slice[record.entries().size()];
  }

  /**
   * The map of a pool.
   *
   * @throws PoolException Corrupt when the two records do not fit: another pool, a group or device
   *     that does not exist, a tile outside its device or in two metaslabs, two columns on one
   *     device, sectors smaller than a device's block
   */
  public static TileMap of(PoolConfig config, LayoutRecord record) {
    if (config.poolGuid() != record.poolGuid()) {
      throw corrupt("layout.pool_guid", record.poolGuid());
    }
    TileMap map = new TileMap(config, record);
    Map<Integer, Integer> tileCounts = new TreeMap<>();
    for (PoolConfig.Device device : config.devices()) {
      tileCounts.put(
          device.index(), device.geometry().tileCount(config.group(device.group()).tileBytes()));
      map.usedTiles.put(device.index(), new BitSet());
    }
    for (int i = 0; i < map.slices.length; i++) {
      map.slices[i] = map.slice(record.entries().get(i), tileCounts);
      map.mirrors |= map.slices[i].columns.size() > 1;
    }
    for (PoolConfig.Group group : config.groups()) {
      map.unbound.put(group.id(), map.countUnbound(group));
    }
    return map;
  }

  private Slice slice(LayoutRecord.Entry entry, Map<Integer, Integer> tileCounts) {
    PoolConfig.Group group = config.group(entry.group());
    String place = "layout.metaslab(" + entry.id() + ").";
    List<Column> columns = new ArrayList<>();
    BitSet devices = new BitSet();
    for (LayoutRecord.Column column : entry.columns()) {
      PoolConfig.Device device = config.device(column.device());
      if (device.group() != group.id() || devices.get(column.device())) {
        throw corrupt(place + "device", column.device());
      }
      if (group.sectorBytes() < device.blockBytes()) {
        throw corrupt(place + "sector_bytes", group.sectorBytes());
      }
      devices.set(column.device());
      BitSet used = usedTiles.getOrDefault(column.device(), new BitSet());
      if (column.tile() >= tileCounts.getOrDefault(column.device(), 0) || used.get(column.tile())) {
        throw corrupt(place + "tile", column.tile());
      }
      used.set(column.tile());
      columns.add(
          new Column(
              column.device(),
              device.geometry().tileOffset(column.tile(), group.tileBytes()),
              group.tileBytes()));
    }
    Profile profile = entry.profile();
    long size =
        profile.kind() == Profile.Kind.RAIDZ
            ? group.tileBytes() * profile.width()
            : group.tileBytes();
    if (size / group.sectorBytes() > MAX_SECTORS) {
      throw corrupt(place + "size", size);
    }
    Column first = columns.getFirst();
    return new Slice(
        entry,
        size,
        group.sectorBytes(),
        List.copyOf(columns),
        first.device(),
        first.offsetBytes());
  }

  public PoolConfig config() {
    return config;
  }

  public LayoutRecord record() {
    return record;
  }

  private Slice slice(int metaslab) {
    // Ids without a gap stand at their own place; else search.
    if (metaslab > 0 && metaslab <= slices.length && slices[metaslab - 1].entry.id() == metaslab) {
      return slices[metaslab - 1];
    }
    int low = 0;
    int high = slices.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int id = slices[middle].entry.id();
      if (id == metaslab) {
        return slices[middle];
      } else if (id < metaslab) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    throw corrupt("dva.metaslab", metaslab);
  }

  /** The metaslabs' entries in order of id. */
  public List<LayoutRecord.Entry> metaslabs() {
    return record.entries();
  }

  /** Where the columns of a metaslab lie; Corrupt when there is no such metaslab. */
  public List<Column> columns(int metaslab) {
    return slice(metaslab).columns;
  }

  /** Bytes of address space of a metaslab; Corrupt when there is no such metaslab. */
  public long sizeBytes(int metaslab) {
    return slice(metaslab).sizeBytes;
  }

  /** Smallest allocation in a metaslab, in bytes. */
  public int sectorBytes(int metaslab) {
    return slice(metaslab).sectorBytes;
  }

  public PlacementClass placement(int metaslab) {
    return slice(metaslab).entry.placement();
  }

  public Profile profile(int metaslab) {
    return slice(metaslab).entry.profile();
  }

  /**
   * In how many ways what lies at an address can be had: from each column of a mirror. Corrupt,
   * naming it, when there is no such metaslab.
   */
  public int ways(long dva) {
    return slice(Dva.metaslab(dva)).columns.size();
  }

  /** Whether there is a metaslab whose addresses have more than one way. */
  public boolean hasMirrors() {
    return mirrors;
  }

  /** Index of the device that is read first for an address; see {@link #device(long, int)}. */
  public int device(long dva) {
    return device(dva, 0);
  }

  /**
   * Index of the device of an address for one of its {@link #ways}.
   *
   * @throws PoolException Corrupt, naming it, when there is no such metaslab
   */
  public int device(long dva, int way) {
    Slice slice = slice(Dva.metaslab(dva));
    return slice.columns.size() == 1 ? slice.firstDevice : column(slice, dva, way).device();
  }

  /** Columns take turns at being the first way, so that readers use all devices. */
  private static Column column(Slice slice, long dva, int way) {
    int width = slice.columns.size();
    Check.that(way >= 0 && way < width, "way", way);
    long turn = Dva.offsetBytes(dva) / TURN_BYTES % width;
    return slice.columns.get((int) ((turn + way) % width));
  }

  /** As {@link #deviceOffset(long, int, long)}, on {@link #device(long)}. */
  public long deviceOffset(long dva, long bytes) {
    return deviceOffset(dva, 0, bytes);
  }

  /**
   * Where {@code bytes} bytes at an address begin on {@link #device(long, int)}.
   *
   * @throws PoolException Corrupt, naming the address, when they do not lie in a metaslab
   */
  public long deviceOffset(long dva, int way, long bytes) {
    Slice slice = slice(Dva.metaslab(dva));
    long offset = Dva.offsetBytes(dva);
    if (bytes < 0 || offset > slice.sizeBytes - bytes) {
      throw corrupt(
          "dva.offset",
          Dva.toString(dva) + " with " + bytes + " bytes in a metaslab of " + slice.sizeBytes);
    }
    return slice.columns.size() == 1
        ? slice.firstOffset + offset
        : column(slice, dva, way).offsetBytes() + offset;
  }

  /** Tiles of a device in no metaslab. */
  public int freeTiles(int device) {
    PoolConfig.Device of = config.device(device);
    return of.geometry().tileCount(config.group(of.group()).tileBytes())
        - usedTiles.getOrDefault(device, new BitSet()).cardinality();
  }

  /**
   * How many more metaslabs of the group's profile its free tiles make, columns on different
   * devices.
   */
  public long unboundMetaslabs(int group) {
    return unbound.getOrDefault(group, 0L);
  }

  private long countUnbound(PoolConfig.Group group) {
    int width = group.profile().width();
    List<Integer> free = new ArrayList<>();
    for (PoolConfig.Device device : config.devices()) {
      if (device.group() == group.id()) {
        free.add(freeTiles(device.index()));
      }
    }
    // k metaslabs take at most k tiles of each device, and k times the width together.
    long low = 0;
    long high = free.stream().mapToLong(Integer::longValue).sum() / width;
    while (low < high) {
      long middle = (low + high + 1) / 2;
      long usable = free.stream().mapToLong(tiles -> Math.min(tiles, middle)).sum();
      if (usable >= middle * width) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /** Bytes of a tile of the group. */
  public long tileBytes(int group) {
    return config.group(group).tileBytes();
  }

  /** Most bytes that a layout record may have: the smallest slot of all devices. */
  private long slotBytes() {
    return config.devices().stream().mapToLong(d -> d.geometry().layoutSlotBytes()).min().orElse(0);
  }

  /**
   * A layout with up to {@code count} more metaslabs of the group's profile, fewer when there are
   * fewer tiles. The next tiles are the lowest free ones of the devices of the group with the most
   * free tiles, so that devices take turns; ids ascend with tiles on each.
   *
   * @param txg birth of the new metaslabs
   * @throws PoolException ENOSPC when no tile is free, or the layout record is full
   */
  public LayoutRecord bind(int group, PlacementClass placement, int count, long txg) {
    PoolConfig.Group of = config.group(group);
    int width = of.profile().width();
    Check.that(of.profile().kind() != Profile.Kind.RAIDZ, "bind of profile " + of.profile());
    List<LayoutRecord.Entry> entries = new ArrayList<>(record.entries());
    FreeTiles free = new FreeTiles(group);
    long room = slotBytes() - record.encodedBytes();
    long entryBytes = LayoutRecord.ENTRY_BYTES + (long) width * LayoutRecord.COLUMN_BYTES;
    int most = (int) Math.min(count, room / entryBytes);
    int next = record.nextMetaslab();
    for (int i = 0; i < most && next <= Dva.MAX_METASLAB; i++, next++) {
      List<LayoutRecord.Column> columns = free.take(width);
      if (columns.isEmpty()) {
        break;
      }
      entries.add(new LayoutRecord.Entry(next, group, of.profile(), placement, txg, columns));
    }
    if (entries.size() == record.entries().size()) {
      if (unboundMetaslabs(group) == 0) {
        throw new PoolException(new PoolError.OutOfSpace(of.tileBytes() * count, 0));
      }
      throw PoolException.refused(
          Errno.ENOSPC, "the layout record is full: " + record.entries().size() + " metaslabs");
    }
    return new LayoutRecord(record.generation() + 1, record.poolGuid(), next, entries);
  }

  /** The tiles of a group's devices that can still be bound. */
  private final class FreeTiles {
    private final Map<Integer, Integer> counts = new TreeMap<>();
    private final Map<Integer, Integer> search = new TreeMap<>();

    FreeTiles(int group) {
      for (PoolConfig.Device device : config.devices()) {
        if (device.group() == group) {
          counts.put(device.index(), freeTiles(device.index()));
        }
      }
    }

    /** One tile each of as many devices, in the order of their indices; none if there are fewer. */
    List<LayoutRecord.Column> take(int width) {
      List<Integer> devices =
          counts.entrySet().stream()
              .filter(entry -> entry.getValue() > 0)
              .sorted(Map.Entry.<Integer, Integer>comparingByValue().reversed())
              .limit(width)
              .map(Map.Entry::getKey)
              .sorted()
              .toList();
      if (devices.size() < width) {
        return List.of();
      }
      List<LayoutRecord.Column> columns = new ArrayList<>(width);
      for (int device : devices) {
        int tile =
            usedTiles
                .getOrDefault(device, new BitSet())
                .nextClearBit(search.getOrDefault(device, 0));
        search.put(device, tile + 1);
        counts.merge(device, -1, Integer::sum);
        columns.add(new LayoutRecord.Column(device, tile));
      }
      return columns;
    }
  }
}
