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

  private final PoolConfig config;
  private final LayoutRecord record;

  /** In order of id, which is the order of the record's entries. */
  private final Slice[] slices;

  private final Map<Integer, BitSet> usedTiles = new TreeMap<>();

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
   * Index of the (first) device of an address; Corrupt, naming it, when there is no such metaslab.
   */
  public int device(long dva) {
    return slice(Dva.metaslab(dva)).firstDevice;
  }

  /**
   * Where {@code bytes} bytes at an address begin on {@link #device}, for a metaslab of one column.
   *
   * @throws PoolException Corrupt, naming the address, when they do not lie in a metaslab
   */
  public long deviceOffset(long dva, long bytes) {
    Slice slice = slice(Dva.metaslab(dva));
    long offset = Dva.offsetBytes(dva);
    if (bytes < 0 || offset > slice.sizeBytes - bytes) {
      throw corrupt(
          "dva.offset",
          Dva.toString(dva) + " with " + bytes + " bytes in a metaslab of " + slice.sizeBytes);
    }
    Check.that(slice.columns.size() == 1, "columns of a single metaslab", slice.columns.size());
    return slice.firstOffset + offset;
  }

  /** Tiles of a device in no metaslab. */
  public int freeTiles(int device) {
    PoolConfig.Device of = config.device(device);
    return of.geometry().tileCount(config.group(of.group()).tileBytes())
        - usedTiles.getOrDefault(device, new BitSet()).cardinality();
  }

  /** Tiles of all devices of a group in no metaslab. */
  public long unboundTiles(int group) {
    return config.devices().stream()
        .filter(device -> device.group() == group)
        .mapToLong(device -> freeTiles(device.index()))
        .sum();
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
   * A layout with up to {@code count} more metaslabs of one column, fewer when there are fewer
   * tiles. The next tile is the lowest free one of the device of the group with the most free
   * tiles, so that devices take turns; ids ascend with tiles on each.
   *
   * @param txg birth of the new metaslabs
   * @throws PoolException ENOSPC when no tile is free, or the layout record is full
   */
  public LayoutRecord bind(int group, PlacementClass placement, int count, long txg) {
    PoolConfig.Group of = config.group(group);
    Check.that(of.profile().equals(Profile.SINGLE), "bind of profile " + of.profile());
    List<LayoutRecord.Entry> entries = new ArrayList<>(record.entries());
    Map<Integer, Integer> free = new TreeMap<>();
    Map<Integer, BitSet> used = new TreeMap<>();
    for (PoolConfig.Device device : config.devices()) {
      if (device.group() == group) {
        free.put(device.index(), freeTiles(device.index()));
        used.put(device.index(), usedTiles.getOrDefault(device.index(), new BitSet()));
      }
    }
    long room = slotBytes() - record.encodedBytes();
    int most = (int) Math.min(count, room / (LayoutRecord.ENTRY_BYTES + LayoutRecord.COLUMN_BYTES));
    int next = record.nextMetaslab();
    Map<Integer, Integer> search = new TreeMap<>();
    for (int i = 0; i < most && next <= Dva.MAX_METASLAB; i++, next++) {
      int device = mostFree(free);
      if (device < 0) {
        break;
      }
      int tile =
          used.getOrDefault(device, new BitSet()).nextClearBit(search.getOrDefault(device, 0));
      search.put(device, tile + 1);
      free.merge(device, -1, Integer::sum);
      entries.add(
          new LayoutRecord.Entry(
              next,
              group,
              Profile.SINGLE,
              placement,
              txg,
              List.of(new LayoutRecord.Column(device, tile))));
    }
    if (entries.size() == record.entries().size()) {
      if (mostFree(free) < 0) {
        throw new PoolException(new PoolError.OutOfSpace(of.tileBytes() * count, 0));
      }
      throw PoolException.refused(
          Errno.ENOSPC, "the layout record is full: " + record.entries().size() + " metaslabs");
    }
    return new LayoutRecord(record.generation() + 1, record.poolGuid(), next, entries);
  }

  private static int mostFree(Map<Integer, Integer> free) {
    int best = -1;
    int most = 0;
    for (Map.Entry<Integer, Integer> entry : free.entrySet()) {
      if (entry.getValue() > most) {
        most = entry.getValue();
        best = entry.getKey();
      }
    }
    return best;
  }
}
