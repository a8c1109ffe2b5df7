package io.lcpfs.pool;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.DeadlistRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.object.Dnode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Holds a dataset, its snapshots and their lists of dead blocks against each other: what one has is
 * what the one before has, less the dead blocks between them, and what was born since. Each block
 * is thereby met once, in the oldest that has it.
 */
final class SnapshotCheck {
  /** What the check needs of the one that walks the pool. */
  interface Walker {
    /**
     * Walks an object set, but for blocks born up to {@code afterTxg}.
     *
     * @return allocated bytes of what was met
     */
    long walk(String name, BlockPointer objectSet, long afterTxg);

    /**
     * Walks what is left of a destroyed dataset, but for blocks born up to {@code afterTxg}.
     *
     * @return allocated bytes of what was met
     */
    long walkRemains(
        String name, BlockPointer objectSet, DatasetRecord.Remains from, long afterTxg);

    void found(String check, String where, String what);

    void damaged(String check, String where, PoolException e);
  }

  private record Named(String name, SnapshotRecord record) {}

  /** A set of lists of dead blocks: bytes by the txg that they were born after. */
  private record Dead(long bytes, List<DeadlistRecord> lists) {
    long since(long txg) {
      return lists.stream()
          .filter(list -> list.sinceTxg() >= txg)
          .mapToLong(DeadlistRecord::storedBytes)
          .sum();
    }
  }

  private static final String CHECK = "SnapshotCheck";

  private final CommittedView view;
  private final Walker walker;
  private final Map<Long, String> guids = new HashMap<>();

  SnapshotCheck(CommittedView view, Walker walker) {
    this.view = view;
    this.walker = walker;
  }

  /**
   * Checks one dataset with all its snapshots; answers how many those are.
   *
   * @param origin what it is a clone of, or null
   */
  int dataset(String where, long object, DatasetRecord record, @Nullable SnapshotRecord origin) {
    List<Named> snapshots = snapshots(where, object, record);
    long originTxg = origin == null ? 0 : origin.txg();
    long previousUsed = origin == null ? 0 : origin.usedBytes();
    long inherited = previousUsed;
    long previousTxg = originTxg;
    long secondTxg = 0;
    long deadBytes = 0;
    SnapshotRecord previous = null;
    String previousName = "";
    for (Named named : snapshots) {
      SnapshotRecord snapshot = named.record;
      String name = where + "@" + named.name;
      Dead dead = dead(name, snapshot.deadZap(), previousTxg);
      unique(previousName, previous, dead, secondTxg);
      long met = walker.walk(name, snapshot.objectSet(), previousTxg);
      used(name, snapshot.usedBytes(), previousUsed - dead.bytes + met);
      deadBytes += dead.since(originTxg);
      inherited -= dead.bytes - dead.since(originTxg);
      previousUsed = snapshot.usedBytes();
      secondTxg = previousTxg;
      previousTxg = snapshot.txg();
      previous = snapshot;
      previousName = name;
    }
    Dead dead = dead(where, record.snapshots().deadZap(), previousTxg);
    unique(previousName, previous, dead, secondTxg);
    long met = walker.walk(where, record.objectSet(), previousTxg);
    used(where, record.usedBytes(), previousUsed - dead.bytes + met);
    deadBytes += dead.since(originTxg);
    inherited -= dead.bytes - dead.since(originTxg);
    if (record.heritage().inheritedBytes() != inherited) {
      walker.found(
          CHECK,
          where,
          "inherited_bytes is " + record.heritage().inheritedBytes() + ", found " + inherited);
    }
    if (record.snapshots().storedBytes() != deadBytes) {
      walker.found(
          CHECK,
          where,
          "snapshot_bytes is " + record.snapshots().storedBytes() + ", found " + deadBytes);
    }
    return snapshots.size();
  }

  /**
   * Checks what is left of a destroyed dataset.
   *
   * @param originTxg that of what it is a clone of, or 0
   */
  void destroyed(String where, DatasetRecord record, long originTxg) {
    dead(where, record.snapshots().deadZap(), originTxg);
    long met = walker.walkRemains(where, record.objectSet(), record.remains(), originTxg);
    used(where, record.usedBytes() - record.heritage().inheritedBytes(), met);
  }

  private void used(String where, long said, long found) {
    if (said != found) {
      walker.found("DatasetCheck", where, "used_bytes is " + said + ", found " + found);
    }
  }

  private void unique(String where, @Nullable SnapshotRecord of, Dead after, long before) {
    if (of != null && of.uniqueBytes() != after.since(before)) {
      walker.found(
          CHECK, where, "unique_bytes is " + of.uniqueBytes() + ", found " + after.since(before));
    }
  }

  private List<Named> snapshots(String where, long object, DatasetRecord record) {
    List<Named> found = new ArrayList<>();
    guids.clear(); // another dataset may have received the same snapshot
    Map<String, Long> names;
    try {
      names = SnapshotChain.objects(view.context(), view.meta(), record.snapshots().namesZap());
    } catch (PoolException e) {
      walker.damaged(CHECK, where, e);
      return found;
    }
    names.forEach(
        (name, number) -> {
          try {
            SnapshotRecord snapshot = SnapshotChain.record(view.meta(), number, object);
            String other = guids.put(snapshot.guid(), where + "@" + name);
            if (other != null) {
              walker.found(CHECK, where + "@" + name, "has the guid of " + other);
            }
            found.add(new Named(name, snapshot));
          } catch (PoolException e) {
            walker.damaged(CHECK, where + "@" + name, e);
          }
        });
    found.sort(
        Comparator.comparingLong((Named named) -> named.record.txg())
            .thenComparingInt(named -> named.record.ordinal()));
    return found;
  }

  /** Looks through a set of lists whose blocks were born up to {@code uptoTxg}. */
  private Dead dead(String where, long zap, long uptoTxg) {
    List<DeadlistRecord> lists = new ArrayList<>();
    long bytes = 0;
    try {
      for (DeadLists.Entry entry : DeadLists.entries(view.context(), view.meta(), zap)) {
        DeadlistRecord list = list(where, entry, uptoTxg);
        lists.add(list);
        bytes += list.storedBytes();
      }
    } catch (PoolException e) {
      walker.damaged(CHECK, where, e);
    }
    return new Dead(bytes, lists);
  }

  private DeadlistRecord list(String where, DeadLists.Entry entry, long uptoTxg) {
    String name = where + " dead blocks, object " + entry.object();
    try (Dnode dnode = view.hold(entry.object(), ObjectType.DEADLIST)) {
      DeadlistRecord record = DeadlistRecord.decode(dnode.bonus());
      if (record.sinceTxg() != entry.sinceTxg()) {
        walker.found(
            CHECK, name, "are since txg " + record.sinceTxg() + ", not " + entry.sinceTxg());
      }
      long stored = 0;
      int step = DeadLists.blocksPerBlock();
      for (long from = 0; from < record.count(); from += step) {
        for (BlockPointer block :
            DeadLists.blocks(dnode, from, Math.min(record.count(), from + step))) {
          stored += view.context().io().allocatedBytes(block);
          if (block.logicalBirth() <= record.sinceTxg() || block.logicalBirth() > uptoTxg) {
            walker.found(
                CHECK,
                name,
                "one of txg "
                    + block.logicalBirth()
                    + " is not within "
                    + record.sinceTxg()
                    + " to "
                    + uptoTxg);
          }
        }
      }
      if (stored != record.storedBytes()) {
        walker.found(CHECK, name, "stored_bytes is " + record.storedBytes() + ", found " + stored);
      }
      return record;
    }
  }

  /** Lists of blocks that nothing refers to and that are not freed yet. */
  void freeing(long zap, FreeingVisitor visitor) {
    String where = "blocks to be freed";
    try {
      for (DeadLists.Entry entry : DeadLists.entries(view.context(), view.meta(), zap)) {
        try (Dnode dnode = view.hold(entry.object(), ObjectType.DEADLIST)) {
          long count = DeadlistRecord.decode(dnode.bonus()).count();
          int step = DeadLists.blocksPerBlock();
          for (long from = 0; from < count; from += step) {
            for (BlockPointer block : DeadLists.blocks(dnode, from, Math.min(count, from + step))) {
              visitor.block(block);
            }
          }
        }
      }
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw e;
      }
      walker.damaged(CHECK, where, e);
    }
  }

  /** Told of blocks. */
  interface FreeingVisitor {
    void block(BlockPointer block);
  }
}
