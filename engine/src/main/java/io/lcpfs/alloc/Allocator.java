package io.lcpfs.alloc;

import static io.lcpfs.error.PoolException.corrupt;

import io.lcpfs.error.Check;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Dva;
import io.lcpfs.format.PlacementClass;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Gives out space of a pool's metaslabs, by class. Figures are those of the class NORMAL, which is
 * the pool's size to its users; the other classes only take load off it.
 *
 * <p>A metaslab belongs to a <i>place</i> (the device of its first column). Consecutive blocks of a
 * lane are contiguous in one metaslab until {@link #ALIQUOT_BYTES} are given out there, then the
 * lane goes on in the next place, so that devices share the load; with one place it stays until the
 * metaslab has nothing that fits. Each copy number has a rotor of its own, which starts a third of
 * the metaslabs further on, and avoids the metaslabs and places of the other copies.
 *
 * <p>The outcome depends on nothing but the order of the calls. One lock a lane, one a metaslab.
 */
public final class Allocator {
  /** How much a lane takes from a place before it turns to the next, in bytes. */
  public static final long ALIQUOT_BYTES = 2 << 20;

  /** A block above this part of a metaslab is ganged. */
  public static final int LARGEST_BLOCK_PARTS = 4;

  private static final int COPIES = 3;

  private final int sectorBytes;
  private final Lane[] lanes;
  private final ReentrantLock membership = new ReentrantLock();
  private volatile Pool pool = Pool.EMPTY;

  /** The metaslabs of all classes, and of each. */
  private record Pool(Members all, EnumMap<PlacementClass, Members> ofClass) {
    static final Pool EMPTY = new Pool(Members.NONE, new EnumMap<>(PlacementClass.class));

    Members normal() {
      return of(PlacementClass.NORMAL);
    }

    Members of(PlacementClass placement) {
      return ofClass.getOrDefault(placement, Members.NONE);
    }
  }

  /** The metaslabs of one device, in ascending order of id. */
  private record Place(int number, Metaslab[] metaslabs) {}

  /** Some metaslabs: by place, in order of id; and the place's index of each of these. */
  private record Members(Place[] places, Metaslab[] ordered, int[] placeOf) {
    static final Members NONE = new Members(new Place[0], new Metaslab[0], new int[0]);

    Members with(Metaslab metaslab, int place) {
      List<Place> more = new ArrayList<>(List.of(places));
      int at = 0;
      while (at < more.size() && more.get(at).number < place) {
        at++;
      }
      if (at == more.size() || more.get(at).number != place) {
        more.add(at, new Place(place, new Metaslab[0]));
      }
      more.set(at, new Place(place, inOrder(more.get(at).metaslabs, metaslab)));
      Members next =
          new Members(
              more.toArray(Place[]::new), inOrder(ordered, metaslab), new int[ordered.length + 1]);
      for (int i = 0; i < more.size(); i++) {
        for (Metaslab one : more.get(i).metaslabs) {
          next.placeOf[next.indexOf(one.id())] = i;
        }
      }
      return next;
    }

    private static Metaslab[] inOrder(Metaslab[] ordered, Metaslab more) {
      int at = ordered.length;
      while (at > 0 && ordered[at - 1].id() > more.id()) {
        at--;
      }
      Metaslab[] result = new Metaslab[ordered.length + 1];
      System.arraycopy(ordered, 0, result, 0, at);
      result[at] = more;
      System.arraycopy(ordered, at, result, at + 1, ordered.length - at);
      return result;
    }

    /**
     * Where the metaslab with this id stands, or -1. Ids may be anything: no array is as long as
     * the highest.
     */
    int indexOf(int id) {
      // Ids without a gap stand at their own place; else search.
      if (id > 0 && id <= ordered.length && ordered[id - 1].id() == id) {
        return id - 1;
      }
      int low = 0;
      int high = ordered.length - 1;
      while (low <= high) {
        int middle = (low + high) >>> 1;
        int at = ordered[middle].id();
        if (at == id) {
          return middle;
        } else if (at < id) {
          low = middle + 1;
        } else {
          high = middle - 1;
        }
      }
      return -1;
    }

    int placeOf(int metaslab) {
      int at = indexOf(metaslab);
      return at < 0 ? -1 : placeOf[at];
    }
  }

  /** Where a caller goes on, for each copy. */
  private static final class Lane {
    private final int number;
    private final ReentrantLock lock = new ReentrantLock();
    private final Rotor[] rotors = {new Rotor(), new Rotor(), new Rotor()};

    Lane(int number) {
      this.number = number;
    }
  }

  private static final class Rotor {
    private int place = -1;
    private long taken;
    private long limit;

    /** The active metaslab by place. */
    private int[] active = {};

    /** How many metaslabs the place had when its active one was picked. */
    private int[] picked = {};
  }

  /**
   * An allocator without metaslabs.
   *
   * @param sectorBytes of the group; sizes are rounded up to it
   * @param lanes how many callers keep their own place; lane numbers are taken modulo this
   */
  public Allocator(int sectorBytes, int lanes) {
    Check.that(lanes > 0, "lanes", lanes);
    this.sectorBytes = sectorBytes;
    this.lanes = new Lane[lanes];
    for (int i = 0; i < lanes; i++) {
      this.lanes[i] = new Lane(i);
    }
  }

  /**
   * Adds a metaslab.
   *
   * @param place number of what it shares its fate and speed with: the device of its first column
   */
  public void add(Metaslab metaslab, int place, PlacementClass placement) {
    Check.that(
        metaslab.sectorBytes() == sectorBytes, "sector of a metaslab", metaslab.sectorBytes());
    membership.lock();
    try {
      Pool now = pool;
      Check.that(now.all.indexOf(metaslab.id()) < 0, "metaslab added twice", metaslab.id());
      EnumMap<PlacementClass, Members> ofClass = new EnumMap<>(now.ofClass);
      ofClass.put(placement, now.of(placement).with(metaslab, place));
      pool = new Pool(now.all.with(metaslab, place), ofClass);
    } finally {
      membership.unlock();
    }
  }

  /** The metaslabs of all classes in order of id. */
  public List<Metaslab> metaslabs() {
    return List.of(pool.all.ordered);
  }

  /** The metaslabs of a class in order of id. */
  public List<Metaslab> metaslabs(PlacementClass placement) {
    return List.of(pool.of(placement).ordered);
  }

  /** The metaslab with this id; Corrupt when it is not one of this allocator. */
  public Metaslab metaslab(int id) {
    Members now = pool.all;
    int at = now.indexOf(id);
    if (at < 0) {
      throw corrupt("dva.metaslab", id);
    }
    return now.ordered[at];
  }

  /** Whether a metaslab with this id is one of this allocator. */
  public boolean contains(int id) {
    return pool.all.indexOf(id) >= 0;
  }

  /** The smallest allocation, in bytes; the same in all classes. */
  public int sectorBytes() {
    return sectorBytes;
  }

  /** Bytes that a block of {@code bytes} takes: rounded up to the sector. */
  public int allocatedSize(int bytes) {
    return Math.ceilDiv(bytes, sectorBytes) * sectorBytes;
  }

  /** As the longer one, in lane 0. */
  public long allocate(int bytes, long txg, long notNear0, long notNear1) {
    return allocate(0, bytes, txg, notNear0, notNear1);
  }

  /**
   * Allocates a block.
   *
   * @param lane which caller this is; blocks of one lane are laid out one after the other
   * @param bytes size, rounded up to the sector
   * @param notNear0 Dva of another copy of the same block, or {@link Dva#NONE}
   * @param notNear1 Dva of a third copy, or {@link Dva#NONE}
   * @return its Dva; or {@link Dva#NONE} when there is free space, but not in one piece, or the
   *     block is larger than a quarter of a metaslab: then gang it
   * @throws PoolException ENOSPC when nothing at all is free
   */
  public long allocate(int lane, int bytes, long txg, long notNear0, long notNear1) {
    long size = allocatedSize(bytes);
    Check.that(bytes > 0, "block size", bytes);
    Members now = pool.normal();
    Lane mine = lanes[Math.floorMod(lane, lanes.length)];
    int avoid0 = notNear0 == Dva.NONE ? 0 : Dva.metaslab(notNear0);
    int avoid1 = notNear1 == Dva.NONE ? 0 : Dva.metaslab(notNear1);
    int copy = (avoid0 == 0 ? 0 : 1) + (avoid1 == 0 ? 0 : 1);
    mine.lock.lock();
    try {
      long dva = allocate(now, mine, copy, size, txg, avoid0, avoid1);
      if (dva == Dva.NONE && copy > 0) {
        dva = sameMetaslab(now, copy, size, txg);
      }
      if (dva != Dva.NONE) {
        return dva;
      }
    } finally {
      mine.lock.unlock();
    }
    long free = freeBytes();
    if (free == 0) {
      throw new PoolException(new PoolError.OutOfSpace(bytes, 0));
    }
    return Dva.NONE;
  }

  private static long allocate(
      Members now, Lane lane, int copy, long size, long txg, int avoid0, int avoid1) {
    Place[] places = now.places;
    if (places.length == 0) {
      return Dva.NONE;
    }
    Rotor rotor = lane.rotors[copy];
    prepare(rotor, lane, copy, places);
    if (places.length > 1 && rotor.taken > 0 && rotor.taken + size > rotor.limit) {
      turn(rotor, now, (rotor.place + 1) % places.length);
    }
    int place0 = now.placeOf(avoid0);
    int place1 = now.placeOf(avoid1);
    // First neither device nor metaslab of another copy, then at least not the same metaslab.
    for (int pass = copy > 0 && places.length > 1 ? 0 : 1; pass < 2; pass++) {
      for (int i = 0; i < places.length; i++) {
        int at = (rotor.place + i) % places.length;
        if (pass == 0 && (at == place0 || at == place1)) {
          continue;
        }
        long dva = inPlace(rotor, at, places[at], size, txg, avoid0, avoid1);
        if (dva != Dva.NONE) {
          if (at != rotor.place) {
            turn(rotor, now, at);
          }
          rotor.taken += size;
          return dva;
        }
      }
    }
    return Dva.NONE;
  }

  private static void turn(Rotor rotor, Members now, int place) {
    rotor.place = place;
    rotor.taken = 0;
    rotor.limit = aliquot(now, now.places[place]);
  }

  private static void prepare(Rotor rotor, Lane lane, int copy, Place[] places) {
    if (rotor.place < 0) {
      rotor.place = (lane.number + copy) % places.length;
      rotor.limit = ALIQUOT_BYTES;
    }
    if (rotor.active.length < places.length) {
      rotor.active = Arrays.copyOf(rotor.active, places.length);
      rotor.picked = Arrays.copyOf(rotor.picked, places.length);
    }
    for (int i = 0; i < places.length; i++) {
      int count = places[i].metaslabs.length;
      // Picked anew when the place has doubled, so that copies stay apart in a pool that grows.
      if (rotor.picked[i] == 0 || (copy > 0 && count >= 2 * rotor.picked[i])) {
        rotor.picked[i] = count;
        rotor.active[i] = (int) ((lane.number + (long) copy * count / COPIES) % count);
      }
    }
  }

  /** A place with more free space than others gets a larger share. */
  private static long aliquot(Members now, Place place) {
    long mine = 0;
    for (Metaslab metaslab : place.metaslabs) {
      mine += metaslab.largestFreeBytes();
    }
    long all = 0;
    for (Metaslab metaslab : now.ordered) {
      all += metaslab.largestFreeBytes();
    }
    double share = all == 0 ? 1 : (double) mine * now.places.length / all;
    return (long) (ALIQUOT_BYTES * Math.clamp(share, 0.25, 4.0));
  }

  private static long inPlace(
      Rotor rotor, int placeIndex, Place place, long size, long txg, int avoid0, int avoid1) {
    Metaslab[] metaslabs = place.metaslabs;
    int from = rotor.active[placeIndex] % metaslabs.length;
    for (int i = 0; i < metaslabs.length; i++) {
      int at = from + i < metaslabs.length ? from + i : from + i - metaslabs.length;
      Metaslab metaslab = metaslabs[at];
      if (metaslab.id() != avoid0
          && metaslab.id() != avoid1
          && metaslab.largestFreeBytes() >= size
          && size <= metaslab.sizeBytes() / LARGEST_BLOCK_PARTS) {
        long offset = metaslab.allocate(size, txg);
        if (offset >= 0) {
          rotor.active[placeIndex] = at;
          return Dva.of(metaslab.id(), offset);
        }
      }
    }
    return Dva.NONE;
  }

  /** A copy beside another in the same metaslab, when nothing else is left; far off at least. */
  private static long sameMetaslab(Members now, int copy, long size, long txg) {
    for (Metaslab metaslab : now.ordered) {
      if (metaslab.largestFreeBytes() >= size
          && size <= metaslab.sizeBytes() / LARGEST_BLOCK_PARTS) {
        long offset = metaslab.allocateFrom(metaslab.sizeBytes() / COPIES * copy, size, txg);
        if (offset >= 0) {
          return Dva.of(metaslab.id(), offset);
        }
      }
    }
    return Dva.NONE;
  }

  /**
   * Allocates from a class other than NORMAL, whose blocks have one copy: from the metaslab with
   * the most room in one piece, so that devices share the load.
   *
   * @param bytes size, rounded up to the sector
   * @return its Dva; or {@link Dva#NONE} when the class has no room for it, or no metaslab
   */
  public long allocate(PlacementClass placement, int bytes, long txg) {
    Check.that(placement != PlacementClass.NORMAL, "class with lanes");
    long size = allocatedSize(bytes);
    while (true) {
      Metaslab best = null;
      for (Metaslab metaslab : pool.of(placement).ordered) {
        if (size <= metaslab.sizeBytes() / LARGEST_BLOCK_PARTS
            && metaslab.largestFreeBytes() >= size
            && (best == null || metaslab.largestFreeBytes() > best.largestFreeBytes())) {
          best = metaslab;
        }
      }
      if (best == null) {
        return Dva.NONE;
      }
      long offset = best.allocate(size, txg);
      if (offset >= 0) {
        return Dva.of(best.id(), offset);
      }
      // Its figure was an upper bound, and is exact now.
    }
  }

  /** Marks a block found on disk as allocated in {@code txg}; see {@link Metaslab#claim}. */
  public void claim(long dva, int bytes, long txg) {
    metaslab(Dva.metaslab(dva)).claim(Dva.offsetBytes(dva), allocatedSize(bytes), txg);
  }

  /** Frees a block of {@code bytes} (rounded up) in {@code txg}; see {@link Metaslab#free}. */
  public void free(long dva, int bytes, long txg) {
    metaslab(Dva.metaslab(dva)).free(Dva.offsetBytes(dva), allocatedSize(bytes), txg);
  }

  /** Undoes an allocation of {@code txg}; see {@link Metaslab#cancel}. */
  public void cancel(long dva, int bytes, long txg) {
    metaslab(Dva.metaslab(dva)).cancel(Dva.offsetBytes(dva), allocatedSize(bytes), txg);
  }

  /** Metaslabs that {@code txg} changed, in order of id. */
  public List<Metaslab> dirtyMetaslabs(long txg) {
    return metaslabs().stream().filter(m -> m.pendingRecordCount(txg) > 0).toList();
  }

  /** Tells all metaslabs that {@code txg} is durable; see {@link Metaslab#syncDone}. */
  public void syncDone(long txg, Metaslab.@Nullable Released released) {
    for (Metaslab metaslab : pool.all.ordered) {
      metaslab.syncDone(txg, released);
    }
  }

  /** As the longer one, with nobody to tell. */
  public void syncDone(long txg) {
    syncDone(txg, null);
  }

  /** Bytes that can be allocated now. */
  public long freeBytes() {
    return freeBytes(PlacementClass.NORMAL);
  }

  /** The same of a class. */
  public long freeBytes(PlacementClass placement) {
    long sum = 0;
    for (Metaslab metaslab : pool.of(placement).ordered) {
      sum += metaslab.freeBytes();
    }
    return sum;
  }

  /** Bytes of blocks that live. */
  public long allocatedBytes() {
    long sum = 0;
    for (Metaslab metaslab : pool.normal().ordered) {
      sum += metaslab.allocatedBytes();
    }
    return sum;
  }

  /** Bytes freed and not yet free. */
  public long deferredBytes() {
    long sum = 0;
    for (Metaslab metaslab : pool.normal().ordered) {
      sum += metaslab.deferredBytes();
    }
    return sum;
  }

  /** Keeps all that is allocated now; see {@link Metaslab#keep()}. */
  public void keep() {
    metaslabs().forEach(Metaslab::keep);
  }

  /** Ends that; see {@link Metaslab#letGo}. */
  public void letGo(Metaslab.@Nullable Released released) {
    metaslabs().forEach(metaslab -> metaslab.letGo(released));
  }

  /** Bytes that the pool has given up and a checkpoint keeps. */
  public long keptBytes() {
    return metaslabs(PlacementClass.NORMAL).stream().mapToLong(Metaslab::keptBytes).sum();
  }

  /** Bytes of the metaslabs. */
  public long capacityBytes() {
    long sum = 0;
    for (Metaslab metaslab : pool.normal().ordered) {
      sum += metaslab.sizeBytes();
    }
    return sum;
  }
}
