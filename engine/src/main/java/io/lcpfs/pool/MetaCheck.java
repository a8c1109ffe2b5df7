package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.alloc.Metaslab;
import io.lcpfs.alloc.SpaceMapState;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BookmarkRecord;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.Disk;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.ReceiveRecord;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.format.SpaceMapHead;
import io.lcpfs.object.Dnode;
import io.lcpfs.vdev.TileMap;
import io.lcpfs.zap.Zap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Holds the pool's own objects against each other: each belongs to exactly one owner, the directory
 * is complete, space maps fit their metaslabs, the dataset tree is a tree. A bit a reference and
 * some 100 bytes a dataset of heap.
 */
final class MetaCheck {
  /** Told what is wrong. */
  interface Findings {
    void found(String check, String where, String what);
  }

  /** A dataset that is yet to be looked into. */
  private record Todo(String path, long object, int depth) {}

  private static final String DIRECTORY = "pool directory";
  private static final int MAX_DEPTH = 100;
  private static final int MAX_NAME_BYTES = 255;

  private final CommittedView view;
  private final TileMap tiles;
  private final Allocator allocator;
  private final Map<ObjectType, ObjectNumbers> objects;
  private final Findings findings;
  private final ObjectNumbers claimed = new ObjectNumbers();
  private long freeingZap;
  private long referencesZap;
  private final TreeSet<Long> guids = new TreeSet<>();

  /** What the snapshots name as their clones: DATASET object to SNAPSHOT object. */
  private final Map<Long, Long> named = new TreeMap<>();

  /** What the datasets say that they are clones of, in the same form. */
  private final Map<Long, Long> origins = new TreeMap<>();

  private final TreeSet<Long> destroyed = new TreeSet<>();
  private final TreeSet<Long> received = new TreeSet<>();

  /**
   * @param objects the numbers of the pool's own objects, by type
   */
  MetaCheck(
      CommittedView view,
      TileMap tiles,
      Allocator allocator,
      Map<ObjectType, ObjectNumbers> objects,
      Findings findings) {
    this.view = view;
    this.tiles = tiles;
    this.allocator = allocator;
    this.objects = objects;
    this.findings = findings;
  }

  /** The ZAP of the block reference table, 0 for none; after {@link #run}. */
  long referencesZap() {
    return referencesZap;
  }

  /** The ZAP of lists of blocks to be freed, 0 for none; after {@link #run}. */
  long freeingZap() {
    return freeingZap;
  }

  /** Whether a dataset waits to be freed; after {@link #run}. */
  boolean isDestroyed(long dataset) {
    return destroyed.contains(dataset);
  }

  /** Whether a dataset is being received, and not what it will be; after {@link #run}. */
  boolean isReceived(long dataset) {
    return received.contains(dataset);
  }

  void run() {
    claim(MetaDirectory.OBJECT, ObjectType.ZAP, DIRECTORY);
    NavigableMap<String, Long> names = numbers(MetaDirectory.OBJECT, DIRECTORY);
    spaceMaps(take(names, MetaDirectory.SPACE_MAPS, ObjectType.ZAP));
    take(names, MetaDirectory.POOL_PROPERTIES, ObjectType.ZAP);
    history(take(names, MetaDirectory.HISTORY, ObjectType.HISTORY));
    datasets(take(names, MetaDirectory.ROOT_DATASET, ObjectType.DATASET));
    destroyed(take(names, MetaDirectory.DESTROYED, ObjectType.ZAP));
    if (names.containsKey(MetaDirectory.FREEING)) {
      freeingZap = take(names, MetaDirectory.FREEING, ObjectType.ZAP);
      claimLists(freeingZap, "blocks to be freed");
    }
    if (names.containsKey(MetaDirectory.RECEIVING)) {
      receiving(take(names, MetaDirectory.RECEIVING, ObjectType.ZAP));
    }
    clonesNamed();
    if (names.containsKey(MetaDirectory.BLOCK_REFERENCES)) {
      referencesZap = take(names, MetaDirectory.BLOCK_REFERENCES, ObjectType.ZAP);
      claimReferences(referencesZap);
    }
    names.forEach(
        (name, object) ->
            findings.found("DirectoryCheck", DIRECTORY, "unknown name '" + name + "'"));
    objects.forEach(
        (type, numbers) ->
            numbers.forEach(
                number -> {
                  if (!claimed.contains(number)) {
                    findings.found(
                        "ReferenceCheck",
                        "pool object " + number,
                        "a " + type + " that nothing refers to");
                  }
                }));
  }

  /** Notes that {@code by} owns an object; false when that cannot be. */
  private boolean claim(long number, ObjectType type, String by) {
    if (number <= 0 || !objects.getOrDefault(type, new ObjectNumbers()).contains(number)) {
      findings.found("ReferenceCheck", by, "refers to object " + number + ", which is no " + type);
      return false;
    }
    if (!claimed.add(number)) {
      findings.found(
          "ReferenceCheck",
          by,
          "refers to object " + number + ", which something else refers to as well");
      return false;
    }
    return true;
  }

  /** The object entered in the directory, or 0. */
  private long take(Map<String, Long> names, String name, ObjectType type) {
    Long object = names.remove(name);
    if (object == null) {
      findings.found("DirectoryCheck", DIRECTORY, "'" + name + "' is missing");
      return 0;
    }
    return claim(object, type, DIRECTORY + " '" + name + "'") ? object : 0;
  }

  /** What a ZAP of numbers holds; entries that are none are told and left out. */
  private NavigableMap<String, Long> numbers(long zap, String where) {
    NavigableMap<String, Long> found = new TreeMap<>();
    try (Dnode dnode = view.hold(zap, ObjectType.ZAP)) {
      Zap.open(dnode, view.context().env())
          .iterate(
              0,
              (cookie, name, value) -> {
                String text = text(name);
                if (text == null) {
                  findings.found("DirectoryCheck", where, "a name that is not UTF-8");
                } else if (value.length != Long.BYTES) {
                  findings.found(
                      "DirectoryCheck", where, "'" + text + "' has " + value.length + " bytes");
                } else if (found.put(text, Disk.u64(MemorySegment.ofArray(value), 0)) != null) {
                  findings.found("DirectoryCheck", where, "'" + text + "' is there twice");
                }
                return true;
              });
    } catch (PoolException e) {
      damaged("DirectoryCheck", where, e);
    }
    return found;
  }

  private static @Nullable String text(byte[] name) {
    try {
      return UTF_8.newDecoder().decode(ByteBuffer.wrap(name)).toString();
    } catch (CharacterCodingException e) {
      return null; // which is told
    }
  }

  /** Lack of memory is no damage. */
  private void damaged(String check, String where, PoolException e) {
    if (e.errno() == Errno.ENOMEM) {
      throw e;
    }
    findings.found(check, where, e.error().message());
  }

  private void spaceMaps(long zap) {
    NavigableMap<String, Long> maps = zap == 0 ? new TreeMap<>() : numbers(zap, "space maps");
    for (LayoutRecord.Entry entry : tiles.metaslabs()) {
      String where = "space map of metaslab " + entry.id();
      Long object = maps.remove(Integer.toString(entry.id()));
      if (object == null) {
        findings.found("SpaceMapCheck", where, "is missing");
      } else if (claim(object, ObjectType.SPACE_MAP, where)) {
        try {
          spaceMap(where, entry.id(), object);
        } catch (PoolException e) {
          damaged("SpaceMapCheck", where, e);
        }
      }
    }
    maps.forEach(
        (name, object) ->
            findings.found("SpaceMapCheck", "space maps", "'" + name + "' is no metaslab's id"));
  }

  private void spaceMap(String where, int id, long object) {
    Metaslab metaslab = allocator.metaslab(id);
    try (Dnode dnode = view.hold(object, ObjectType.SPACE_MAP)) {
      SpaceMapHead head = SpaceMapHead.decode(dnode.bonus());
      if (head.metaslab() != id) {
        findings.found("SpaceMapCheck", where, "is that of metaslab " + head.metaslab());
        return;
      }
      if (head.lengthBytes() > dnode.blockCount() * dnode.blockBytes()) {
        findings.found(
            "SpaceMapCheck",
            where,
            head.lengthBytes()
                + " bytes of records in "
                + dnode.blockCount()
                + " blocks of "
                + dnode.blockBytes());
        return;
      }
      SpaceMapState state = SpaceMaps.replayRecords(dnode, head, metaslab);
      state.finish(view.txg());
      if (state.allocatedBytes() != head.allocatedBytes()) {
        findings.found(
            "SpaceMapCheck",
            where,
            "allocated_bytes is "
                + head.allocatedBytes()
                + ", its records amount to "
                + state.allocatedBytes());
      }
      if (state.allocatedBytes() != metaslab.allocatedBytes()) {
        findings.found(
            "SpaceMapCheck",
            where,
            "its records amount to "
                + state.allocatedBytes()
                + " bytes, in memory "
                + metaslab.allocatedBytes()
                + " are allocated");
      }
    }
  }

  private void history(long object) {
    if (object == 0) {
      return;
    }
    try (Dnode dnode = view.hold(object, ObjectType.HISTORY)) {
      new History(view.context().env(), view.meta(), dnode).list();
    } catch (PoolException e) {
      damaged("HistoryCheck", "history", e);
    }
  }

  /** Walks the tree of datasets; what is claimed already is not entered again, so it ends. */
  private void datasets(long root) {
    ArrayDeque<Todo> todo = new ArrayDeque<>();
    if (root != 0) {
      todo.add(new Todo("", root, 0));
    }
    while (!todo.isEmpty()) {
      Todo next = todo.removeLast();
      String where = "dataset /" + next.path;
      try {
        DatasetRecord record = record(next.object, where);
        properties(record, where);
        claimLog(record, where);
        claimSnapshots(next.object, record, where);
        bookmarks(record, where);
        if (claim(record.childrenZap(), ObjectType.ZAP, where + " children")) {
          children(next, record.childrenZap(), where, todo);
        }
      } catch (PoolException e) {
        damaged("DatasetCheck", where, e);
      }
    }
  }

  private void properties(DatasetRecord record, String where) {
    if (claim(record.propertiesZap(), ObjectType.ZAP, where + " properties")) {
      try (Dnode dnode = view.hold(record.propertiesZap(), ObjectType.ZAP)) {
        StoredProperties.read(Zap.open(dnode, view.context().env()))
            .problems()
            .forEach(problem -> findings.found("DatasetCheck", where, problem));
      }
    }
  }

  private void claimLog(DatasetRecord record, String where) {
    if (record.intentLog() != 0) {
      claim(record.intentLog(), ObjectType.INTENT_LOG, where + " intent log");
    }
  }

  private void claimSnapshots(long object, DatasetRecord record, String where) {
    long names = record.snapshots().namesZap();
    claimDead(record.snapshots().deadZap(), where);
    if (names == 0 || !claim(names, ObjectType.ZAP, where + " snapshots")) {
      return;
    }
    numbers(names, where + " snapshots")
        .forEach(
            (name, snapshot) -> {
              String at = where + "@" + name;
              if (claim(snapshot, ObjectType.SNAPSHOT, at)) {
                try {
                  SnapshotRecord found = SnapshotChain.record(view.meta(), snapshot, object);
                  claimDead(found.deadZap(), at);
                  claimClones(snapshot, found.clonesZap(), at);
                  claimHolds(found.holds(), at);
                } catch (PoolException e) {
                  damaged("SnapshotCheck", at, e);
                }
              }
            });
  }

  private void claimClones(long snapshot, long zap, String at) {
    if (zap != 0 && claim(zap, ObjectType.ZAP, at + " clones")) {
      numbers(zap, at + " clones")
          .forEach(
              (name, clone) -> {
                if (!name.equals(Long.toString(clone)) || named.put(clone, snapshot) != null) {
                  findings.found("SnapshotCheck", at, "names clone '" + name + "' wrongly");
                }
              });
    }
  }

  /** Holds what snapshots say of their clones against what those say. */
  private void clonesNamed() {
    origins.forEach(
        (clone, origin) -> {
          if (!origin.equals(named.remove(clone))) {
            findings.found(
                "SnapshotCheck",
                "dataset object " + clone,
                "is a clone of snapshot object " + origin + ", which does not name it");
          }
        });
    named.forEach(
        (clone, snapshot) ->
            findings.found(
                "SnapshotCheck",
                "snapshot object " + snapshot,
                "names object " + clone + " as its clone, which it is not"));
  }

  private void bookmarks(DatasetRecord record, String where) {
    if (record.bookmarksZap() == 0
        || !claim(record.bookmarksZap(), ObjectType.ZAP, where + " bookmarks")) {
      return;
    }
    try (Dnode dnode = view.hold(record.bookmarksZap(), ObjectType.ZAP)) {
      Zap.open(dnode, view.context().env())
          .iterate(
              0,
              (cookie, name, value) -> {
                bookmark(where, text(name), value);
                return true;
              });
    } catch (PoolException e) {
      damaged("BookmarkCheck", where, e);
    }
  }

  private void bookmark(String where, @Nullable String name, byte[] value) {
    if (name == null || name.indexOf('/') >= 0 || name.indexOf('@') >= 0) {
      findings.found("BookmarkCheck", where, "a bookmark whose name is none");
    }
    try {
      BookmarkRecord bookmark = BookmarkRecord.decode(value);
      if (bookmark.txg() > view.txg()) {
        findings.found("BookmarkCheck", where + "#" + name, "is of txg " + bookmark.txg());
      }
    } catch (PoolException e) {
      damaged("BookmarkCheck", where + "#" + name, e);
    }
  }

  private void claimHolds(SnapshotRecord.Holds holds, String where) {
    if (holds.zap() == 0 || !claim(holds.zap(), ObjectType.ZAP, where + " holds")) {
      return;
    }
    NavigableMap<String, Long> tags = numbers(holds.zap(), where + " holds");
    tags.forEach(
        (tag, seconds) -> {
          if (seconds < 0) {
            findings.found("SnapshotCheck", where, "hold '" + tag + "' was set at " + seconds);
          }
        });
  }

  private void claimDead(long zap, String where) {
    if (zap != 0 && claim(zap, ObjectType.ZAP, where + " dead blocks")) {
      claimLists(zap, where + " dead blocks");
    }
  }

  private void claimLists(long zap, String where) {
    try {
      DeadLists.entries(view.context(), view.meta(), zap)
          .forEach(entry -> claim(entry.object(), ObjectType.DEADLIST, where));
    } catch (PoolException e) {
      damaged("SnapshotCheck", where, e);
    }
  }

  private void claimReferences(long zap) {
    try {
      ReferenceTable.objects(view.context(), view.meta(), zap)
          .values()
          .forEach(object -> claim(object, ObjectType.BLOCK_REFERENCES, "block references"));
    } catch (PoolException told) {
      damaged("ReferenceTableCheck", "block references", told);
    }
  }

  private DatasetRecord record(long object, String where) {
    DatasetRecord record = view.dataset(object);
    if (record.heritage().origin() != 0) {
      origins.put(object, record.heritage().origin());
    }
    if (!guids.add(record.guid())) {
      findings.found(
          "DatasetCheck",
          where,
          "another dataset has its guid " + Long.toUnsignedString(record.guid()));
    }
    return record;
  }

  private void children(Todo parent, long zap, String where, ArrayDeque<Todo> todo) {
    // Last in, first out: the children turned round come out in order of their names.
    numbers(zap, where)
        .descendingMap()
        .forEach(
            (name, object) -> {
              if (name.indexOf('/') >= 0
                  || name.indexOf('\0') >= 0
                  || name.equals(".")
                  || name.equals("..")
                  || name.getBytes(UTF_8).length > MAX_NAME_BYTES) {
                findings.found("DatasetCheck", where, "a child with the name '" + name + "'");
              }
              String path = parent.path.isEmpty() ? name : parent.path + "/" + name;
              if (!claim(object, ObjectType.DATASET, "dataset /" + path)) {
                return;
              }
              if (parent.depth == MAX_DEPTH) {
                findings.found("DatasetCheck", "dataset /" + path, "deeper than " + MAX_DEPTH);
                return;
              }
              todo.add(new Todo(path, object, parent.depth + 1));
            });
  }

  private void destroyed(long zap) {
    if (zap == 0) {
      return;
    }
    numbers(zap, "destroyed datasets")
        .forEach(
            (name, object) -> {
              String where = "destroyed dataset " + name;
              if (!name.equals(Long.toString(object))) {
                findings.found("DatasetCheck", where, "is object " + object);
              }
              if (outside(object, where)) {
                destroyed.add(object);
              }
            });
  }

  /** A dataset that is not in the tree; false when there is none. */
  private boolean outside(long object, String where) {
    if (!claim(object, ObjectType.DATASET, where)) {
      return false;
    }
    try {
      DatasetRecord record = record(object, where);
      properties(record, where);
      claim(record.childrenZap(), ObjectType.ZAP, where + " children");
      claimLog(record, where);
      claimSnapshots(object, record, where);
      bookmarks(record, where);
    } catch (PoolException e) {
      damaged("DatasetCheck", where, e);
    }
    return true;
  }

  private void receiving(long zap) {
    if (zap == 0) {
      return;
    }
    String all = "datasets being received";
    TreeMap<Long, ReceiveRecord> found = new TreeMap<>();
    try (Dnode dnode = view.hold(zap, ObjectType.ZAP)) {
      Zap.open(dnode, view.context().env())
          .iterate(
              0,
              (cookie, name, value) -> {
                try {
                  found.put(ReceiveOps.objectOf(name), ReceiveRecord.decode(value));
                } catch (PoolException e) {
                  damaged("DatasetCheck", all, e);
                }
                return true;
              });
    } catch (PoolException e) {
      damaged("DatasetCheck", all, e);
    }
    TreeSet<String> paths = new TreeSet<>();
    found.forEach(
        (object, record) -> {
          String where = "received dataset " + object;
          outside(object, where);
          received.add(object);
          if (!paths.add(record.path())) {
            findings.found("DatasetCheck", where, "another is received at " + record.path());
          }
        });
  }
}
