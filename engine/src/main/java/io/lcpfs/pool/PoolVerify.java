package io.lcpfs.pool;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.alloc.SpaceCheck;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.TreeRemains;
import io.lcpfs.object.TreeWalk;
import io.lcpfs.vdev.TileMap;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Verifies a whole pool as of its last commit: walks the meta object set and every dataset, reads
 * every copy of every block, holds what was found against the space maps and the pool's own objects
 * against each other. Memory: {@link SpaceCheck}, a bit an object of the pool's own, and some
 * blocks under way.
 */
final class PoolVerify implements TreeWalk.Visitor, CopyCheck.Results, SnapshotCheck.Walker {
  private static final int MAX_FINDINGS = 1000;
  private static final long PROGRESS_BYTES = 16 << 20;
  private static final String POOL = "pool";

  private final ObjectContext context;
  private final BlockPointer root;
  private final Allocator allocator;
  private final TileMap tiles;
  private final SpaceCheck space;
  private final CopyCheck copies;
  private final Consumer<Progress> progress;
  private final List<VerifyReport.Finding> findings = new ArrayList<>();
  private final SortedMap<String, Long> counts = new TreeMap<>();
  private final Map<ObjectType, ObjectNumbers> poolObjects = new EnumMap<>(ObjectType.class);

  /** Known when the pool's own objects have been walked, which are never cloned. */
  private @Nullable ReferenceCheck references;

  private long bytesChecked;
  private long lastProgress;

  /** Of the walk that goes on. */
  private String walking = POOL;

  private long used;
  private long lastObject = -1;
  private String owner = "";

  /**
   * @param root the root block of the meta object set
   */
  PoolVerify(
      ObjectContext context,
      BlockPointer root,
      Allocator allocator,
      TileMap tiles,
      Consumer<Progress> progress) {
    this.context = context;
    this.root = root;
    this.allocator = allocator;
    this.tiles = tiles;
    this.space = new SpaceCheck(List.of(allocator));
    this.copies = new CopyCheck(context, this);
    this.progress = progress;
  }

  /**
   * Runs the whole check; no group may be written meanwhile.
   *
   * @throws PoolException ENOMEM
   */
  VerifyReport run() {
    try {
      walk(POOL, root, 0);
      metaObjects();
      copies.finish();
    } finally {
      copies.abandon();
    }
    space
        .finish()
        .forEach(text -> found(new VerifyReport.Finding("SpaceCheck", "space maps", text)));
    counts.put("bytes allocated", allocator.allocatedBytes());
    return new VerifyReport(List.copyOf(findings), counts, bytesChecked);
  }

  private void metaObjects() {
    CommittedView view;
    try {
      view = new CommittedView(context, root);
    } catch (PoolException e) {
      damaged("ObjectCheck", POOL, e);
      return;
    }
    MetaCheck objects = new MetaCheck(view, tiles, allocator, poolObjects, this::later);
    objects.run();
    ReferenceCheck cloned = new ReferenceCheck(view, allocator, this::later);
    cloned.load(objects.referencesZap());
    references = cloned;
    SnapshotCheck snapshots = new SnapshotCheck(view, this);
    poolObjects
        .getOrDefault(ObjectType.DATASET, new ObjectNumbers())
        .forEach(number -> checkDataset(view, snapshots, number, objects));
    snapshots.freeing(objects.freeingZap(), block -> claim(block, "blocks to be freed"));
    poolObjects
        .getOrDefault(ObjectType.ZAP, new ObjectNumbers())
        .forEach(number -> checkZap(view, number));
    cloned.finish();
    if (cloned.further() > 0) {
      counts.put("cloned blocks", cloned.further());
    }
  }

  private void checkDataset(
      CommittedView view, SnapshotCheck snapshots, long number, MetaCheck objects) {
    count("datasets");
    String name = "dataset object " + number;
    DatasetRecord record;
    SnapshotRecord origin;
    try {
      record = view.dataset(number);
      long began = record.heritage().origin();
      origin = began == 0 ? null : SnapshotChain.record(view.meta(), began);
    } catch (PoolException e) {
      damaged("DatasetCheck", name, e);
      return;
    }
    if (objects.isDestroyed(number)) {
      snapshots.destroyed(name, record, origin == null ? 0 : origin.txg());
    } else {
      int found = snapshots.dataset(name, number, record, origin);
      if (found > 0) {
        counts.merge("snapshots", (long) found, Long::sum);
      }
      if (!objects.isReceived(number)) {
        checkOwners(view, name, record);
      }
    }
    checkLog(view, name, number, record.intentLog());
  }

  private void checkOwners(CommittedView view, String name, DatasetRecord record) {
    try {
      OwnerCheck.check(view, record).forEach(text -> later("OwnerCheck", name, text));
    } catch (PoolException e) {
      damaged("OwnerCheck", name, e);
    }
  }

  private void checkLog(CommittedView view, String name, long dataset, long object) {
    if (object == 0) {
      return;
    }
    String where = name + " intent log";
    try (Dnode dnode = OpenDataset.holdLog(view.meta(), object, dataset)) {
      IntentLogRecord log = IntentLogRecord.decode(dnode.bonus());
      log.segments().forEach(dva -> space.claim(dva, log.segmentBytes(), where));
    } catch (PoolException e) {
      damaged("DatasetCheck", where, e);
    }
  }

  private void checkZap(CommittedView view, long number) {
    String where = "pool object " + number;
    try (Dnode dnode = view.meta().hold(number)) {
      Zap.open(dnode, context.env()).check().forEach(text -> later("ZapCheck", where, text));
    } catch (PoolException e) {
      damaged("ZapCheck", where, e);
    }
  }

  /** Lack of memory is no damage. */
  @Override
  public void damaged(String check, String where, PoolException e) {
    if (e.errno() == Errno.ENOMEM) {
      throw e;
    }
    later(check, where, e.error().message());
  }

  @Override
  public void found(String check, String where, String what) {
    later(check, where, what);
  }

  /** Tells a finding behind those of the blocks that are still being read. */
  private void later(String check, String where, String what) {
    copies.finding(new VerifyReport.Finding(check, where, what));
  }

  private void count(String kind) {
    counts.merge(kind, 1L, Long::sum);
  }

  @Override
  public long walk(String name, BlockPointer objectSet, long afterTxg) {
    walking = name;
    used = 0;
    lastObject = -1;
    new TreeWalk(context, this, afterTxg).objectSet(objectSet);
    return used;
  }

  @Override
  public long walkRemains(
      String name, BlockPointer objectSet, DatasetRecord.Remains from, long afterTxg) {
    walking = name;
    used = 0;
    lastObject = -1;
    try {
      new TreeRemains(context, objectSet, afterTxg, (object, block) -> block(object, 0, block))
          .walk(from, Long.MAX_VALUE);
    } catch (PoolException e) {
      damaged("ObjectCheck", name, e);
    }
    if (!objectSet.isHole() && objectSet.logicalBirth() > afterTxg) {
      block(0, 0, objectSet);
    }
    return used;
  }

  @Override
  public boolean block(long object, long blockId, BlockPointer pointer) {
    count("blocks");
    used += context.io().allocatedBytes(pointer);
    if (pointer.isEmbedded()) {
      return true;
    }
    if (object != lastObject) {
      lastObject = object;
      owner = walking + " object " + object;
    }
    ReferenceCheck cloned = references;
    if (cloned != null && cloned.meet(pointer, owner) == ReferenceCheck.Met.AGAIN) {
      return true; // there is nothing below data, and its copies are read once
    }
    boolean apart = claimAll(pointer, owner);
    copies.block(walking, object, pointer);
    return apart;
  }

  /** A pointer besides those of trees. */
  private void claim(BlockPointer pointer, String by) {
    ReferenceCheck cloned = references;
    if (cloned == null || cloned.meet(pointer, by) == ReferenceCheck.Met.FIRST) {
      claimAll(pointer, by);
    }
  }

  /** Notes where a block lies; false when something else lies there, too. */
  private boolean claimAll(BlockPointer pointer, String by) {
    boolean[] apart = {true};
    try {
      context
          .io()
          .reader()
          .extents(pointer, (dva, bytes) -> apart[0] &= space.claim(dva, bytes, by));
    } catch (PoolException e) {
      damaged("BlockCheck", by, e);
    }
    return apart[0];
  }

  @Override
  public void object(long number, DnodeRecord dnode) {
    count("objects");
    if (walking.equals(POOL)) {
      poolObjects.computeIfAbsent(dnode.type(), type -> new ObjectNumbers()).add(number);
    }
  }

  @Override
  public void damaged(String where, String what) {
    later("ObjectCheck", walking + " " + where, what);
  }

  @Override
  public void found(VerifyReport.Finding finding) {
    if (findings.size() < MAX_FINDINGS) {
      findings.add(finding);
    }
  }

  @Override
  public void read(long bytes) {
    bytesChecked += bytes;
    if (bytesChecked - lastProgress >= PROGRESS_BYTES) {
      lastProgress = bytesChecked;
      progress.accept(new Progress("verify", bytesChecked, allocator.allocatedBytes()));
    }
  }
}
