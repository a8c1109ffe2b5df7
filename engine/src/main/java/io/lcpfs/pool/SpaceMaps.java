package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.alloc.Metaslab;
import io.lcpfs.alloc.SpaceMapState;
import io.lcpfs.env.Env;
import io.lcpfs.env.PlantedBug;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SpaceMapHead;
import io.lcpfs.object.Block;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.MetaSync;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.vdev.TileMap;
import io.lcpfs.zap.Zap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The stored space maps: one SPACE_MAP object a metaslab, found through a ZAP from metaslab id to
 * object number. Only the import and the sync task use it.
 */
final class SpaceMaps {
  /** More rounds than placing can ever take: each must place a block, and blocks are few. */
  private static final int MAX_ROUNDS = 1000;

  private static final int READ_BYTES = 1 << 16;

  /** What is to be written of one map in one sync. */
  private static final class Plan {
    final Dnode object;
    final long keptBytes;
    final @Nullable SpaceMapState condensing;
    long newBytes;

    Plan(Dnode object, long keptBytes, @Nullable SpaceMapState condensing) {
      this.object = object;
      this.keptBytes = keptBytes;
      this.condensing = condensing;
    }
  }

  private final Env env;
  private final ObjectSet meta;
  private final Allocator allocator;
  private final Dnode directory;
  private final Map<Integer, Dnode> objects = new TreeMap<>();

  /** Metaslabs of the layout that a checkpoint did not have, when the pool goes back to it. */
  private final List<LayoutRecord.Entry> unmapped = new ArrayList<>();

  /**
   * @param directory the ZAP object; held as long as the pool is open
   */
  SpaceMaps(Env env, ObjectSet meta, Allocator allocator, Dnode directory) {
    this.env = env;
    this.meta = meta;
    this.allocator = allocator;
    this.directory = directory;
  }

  private static byte[] key(int metaslab) {
    return Integer.toString(metaslab).getBytes(US_ASCII);
  }

  /**
   * Reads all maps as of {@code txg} and adds their metaslabs to the allocator.
   *
   * @param knownTxg metaslabs bound later have no map yet where there is none
   */
  void load(TileMap tiles, long txg, long knownTxg) {
    Zap zap = Zap.open(directory, env);
    for (LayoutRecord.Entry entry : tiles.metaslabs()) {
      long number = zap.getLong(key(entry.id()));
      if (number == Zap.ABSENT && entry.birthTxg() > knownTxg) {
        unmapped.add(entry);
        continue;
      }
      if (number == Zap.ABSENT) {
        throw PoolException.corrupt("space_maps", "metaslab " + entry.id() + " has none");
      }
      Dnode object = hold(number);
      if (object.type() != ObjectType.SPACE_MAP) {
        throw PoolException.corrupt("space_maps", "object " + number + " is " + object.type());
      }
      objects.put(entry.id(), object);
      Metaslab metaslab =
          new Metaslab(entry.id(), tiles.sizeBytes(entry.id()), tiles.sectorBytes(entry.id()));
      metaslab.load(env, replay(object, metaslab), txg);
      allocator.add(metaslab, entry.columns().getFirst().device(), entry.placement());
    }
  }

  private Dnode hold(long number) {
    try {
      return meta.hold(number);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        throw PoolException.corrupt("space_maps", "there is no object " + number);
      }
      throw e;
    }
  }

  private static SpaceMapState replay(Dnode object, Metaslab metaslab) {
    SpaceMapHead head = SpaceMapHead.decode(object.bonus());
    if (head.metaslab() != metaslab.id()) {
      throw PoolException.corrupt("space_map_head.metaslab", head.metaslab());
    }
    SpaceMapState state = replayRecords(object, head, metaslab);
    if (state.allocatedBytes() != head.allocatedBytes()) {
      throw PoolException.corrupt("space_map_head.allocated_bytes", head.allocatedBytes());
    }
    return state;
  }

  /** What the records of a map amount to; Corrupt when they contradict each other. */
  static SpaceMapState replayRecords(Dnode object, SpaceMapHead head, Metaslab metaslab) {
    SpaceMapState state =
        new SpaceMapState(metaslab.id(), metaslab.sizeBytes(), metaslab.sectorBytes());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(READ_BYTES);
      for (long at = 0; at < head.lengthBytes(); at += READ_BYTES) {
        long n = Math.min(READ_BYTES, head.lengthBytes() - at);
        object.read(at, buffer, 0, n);
        state.replay(buffer.asSlice(0, n));
      }
    }
    return state;
  }

  /** Creates the maps that {@link #load} did without. */
  void addUnmapped(Tx tx, TileMap tiles) {
    unmapped.forEach(entry -> add(tx, tiles, entry));
    unmapped.clear();
  }

  /** Creates the map of a new metaslab and adds it to the allocator. */
  void add(Tx tx, TileMap tiles, LayoutRecord.Entry entry) {
    int sector = tiles.sectorBytes(entry.id());
    Dnode object = meta.create(tx, ObjectType.SPACE_MAP, Math.max(4096, sector));
    object.setBonus(tx, new SpaceMapHead(entry.id(), 0, 0).encode());
    Check.that(
        Zap.open(directory, env).insertLong(tx, key(entry.id()), object.number()),
        "space map of a new metaslab",
        entry.id());
    objects.put(entry.id(), object);
    allocator.add(
        new Metaslab(entry.id(), tiles.sizeBytes(entry.id()), sector),
        entry.columns().getFirst().device(),
        entry.placement());
  }

  /** The object that holds a metaslab's map. */
  Dnode object(int metaslab) {
    Dnode object = objects.get(metaslab);
    if (object == null) {
      throw PoolException.corrupt("dva.metaslab", metaslab);
    }
    return object;
  }

  /** Places and fills what {@code txg} adds to the maps, including what placing itself adds. */
  void write(MetaSync sync, long txg) {
    Map<Integer, Plan> plans = new TreeMap<>();
    boolean placedAny = true;
    for (int round = 0; placedAny; round++) {
      Check.that(round < MAX_ROUNDS, "placing of space maps does not end", txg);
      placedAny = false;
      for (Metaslab metaslab : allocator.dirtyMetaslabs(txg)) {
        Plan plan = plans.get(metaslab.id());
        if (plan == null) {
          plan = plan(sync, metaslab);
          plans.put(metaslab.id(), plan);
        }
        plan.newBytes =
            plan.condensing != null
                ? metaslab.condensedBytes()
                : plan.keptBytes + 8L * metaslab.pendingRecordCount(txg);
        placedAny |= sync.placeSpaceMap(plan.object, plan.keptBytes, plan.newBytes);
      }
    }
    for (Map.Entry<Integer, Plan> entry : plans.entrySet()) {
      fill(sync, allocator.metaslab(entry.getKey()), entry.getValue(), txg);
    }
  }

  private Plan plan(MetaSync sync, Metaslab metaslab) {
    Dnode object = object(metaslab.id());
    long length = SpaceMapHead.decode(object.bonus()).lengthBytes();
    if (!metaslab.wantsCondense(length)) {
      return new Plan(object, length, null);
    }
    SpaceMapState stored = replay(object, metaslab);
    sync.clearSpaceMap(object);
    return new Plan(object, 0, stored);
  }

  private void fill(MetaSync sync, Metaslab metaslab, Plan plan, long txg) {
    if (env.planted(PlantedBug.SPACE_MAP_NOT_WRITTEN)) {
      return;
    }
    long added = plan.newBytes - plan.keptBytes;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment records = arena.allocate(Math.max(8, added));
      long length = plan.newBytes;
      SpaceMapState condensing = plan.condensing;
      if (condensing != null) {
        length = metaslab.condense(env, condensing, txg, records);
      } else {
        metaslab.encodePending(txg, records);
      }
      copy(sync, plan, records);
      sync.setBonus(
          plan.object,
          new SpaceMapHead(metaslab.id(), length, allocatedAsOf(metaslab, txg)).encode());
    }
  }

  private static long allocatedAsOf(Metaslab metaslab, long txg) {
    // Only the sync task allocates and frees, so nothing of a later group is in this yet.
    Check.that(metaslab.pendingRecordCount(txg + 1) == 0, "allocation in a later group", txg);
    return metaslab.allocatedBytes();
  }

  private static void copy(MetaSync sync, Plan plan, MemorySegment records) {
    int blockBytes = plan.object.blockBytes();
    long at = plan.keptBytes;
    while (at < plan.newBytes) {
      long blockId = at / blockBytes;
      long inside = at % blockBytes;
      long n = Math.min(plan.newBytes - at, blockBytes - inside);
      try (Block block = sync.spaceMapBlock(plan.object, blockId)) {
        MemorySegment.copy(records, at - plan.keptBytes, block.segment(), inside, n);
      }
      at += n;
    }
  }
}
