package io.lcpfs.pool;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.alloc.SpaceCheck;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.memory.Slab;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.TreeWalk;
import io.lcpfs.pipeline.BlockReader;
import io.lcpfs.zap.Zap;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Verifies a whole pool: walks the meta object set and every dataset, reads every copy of every block,
 * and holds what was found against the space maps.
 */
final class PoolVerify {
  private static final int MAX_FINDINGS = 1000;
  private static final long PROGRESS_BYTES = 16 << 20;

  private final ObjectContext context;
  private final ObjectSet meta;
  private final Allocator allocator;
  private final SpaceCheck space;
  private final Consumer<Progress> progress;
  private final List<VerifyReport.Finding> findings = new ArrayList<>();
  private final SortedMap<String, Long> counts = new TreeMap<>();
  private final Map<Long, DatasetRecord> datasets = new TreeMap<>();
  private final List<Long> zaps = new ArrayList<>();
  private long bytesChecked;
  private long lastProgress;

  PoolVerify(ObjectContext context, ObjectSet meta, Allocator allocator,
      Consumer<Progress> progress) {
    this.context = context;
    this.meta = meta;
    this.allocator = allocator;
    this.space = new SpaceCheck(List.of(allocator));
    this.progress = progress;
  }

  /** Runs the whole check; the pool must stand still meanwhile. */
  VerifyReport run() {
    walk("pool", meta.root(), true);
    for (Map.Entry<Long, DatasetRecord> entry : datasets.entrySet()) {
      count("datasets");
      String name = "dataset object " + entry.getKey();
      long used = walk(name, entry.getValue().objectSet(), false);
      if (used != entry.getValue().usedBytes()) {
        find("DatasetCheck", name, "used_bytes is " + entry.getValue().usedBytes() + ", found "
            + used);
      }
    }
    for (long number : zaps) {
      checkZap(number);
    }
    space.finish().forEach(text -> find("SpaceCheck", "space maps", text));
    counts.put("bytes allocated", allocator.allocatedBytes());
    return new VerifyReport(List.copyOf(findings), counts, bytesChecked);
  }

  private void find(String check, String where, String what) {
    if (findings.size() < MAX_FINDINGS) {
      findings.add(new VerifyReport.Finding(check, where, what));
    }
  }

  private void count(String kind) {
    counts.merge(kind, 1L, Long::sum);
  }

  private long walk(String name, BlockPointer root, boolean ofPool) {
    long[] used = {0};
    new TreeWalk(context, new TreeWalk.Visitor() {
      @Override
      public void block(long object, BlockPointer pointer) {
        used[0] += context.io().allocatedBytes(pointer);
        checkBlock(name + " object " + object, pointer);
      }

      @Override
      public void object(long number, DnodeRecord dnode) {
        count("objects");
        if (ofPool && dnode.type() == ObjectType.DATASET) {
          rememberDataset(number, dnode);
        } else if (ofPool && dnode.type() == ObjectType.ZAP) {
          zaps.add(number);
        }
      }

      @Override
      public void damaged(String where, String what) {
        find("ObjectCheck", name + " " + where, what);
      }
    }).objectSet(root);
    return used[0];
  }

  private void rememberDataset(long number, DnodeRecord dnode) {
    try {
      datasets.put(number, DatasetRecord.decode(dnode.bonus()));
    } catch (PoolException e) {
      find("DatasetCheck", "dataset object " + number, e.error().message());
    }
  }

  private void checkZap(long number) {
    try (Dnode dnode = meta.hold(number)) {
      Zap.open(dnode, context.env()).check()
          .forEach(text -> find("ZapCheck", "pool object " + number, text));
    } catch (PoolException e) {
      find("ZapCheck", "pool object " + number, e.error().message());
    }
  }

  private void checkBlock(String owner, BlockPointer pointer) {
    count("blocks");
    if (pointer.isEmbedded()) {
      return;
    }
    BlockReader reader = context.io().reader();
    try {
      reader.extents(pointer, (dva, bytes) -> space.claim(dva, bytes, owner));
    } catch (PoolException e) {
      find("BlockCheck", owner, e.error().message());
    }
    Slab slab = context.cache().allocateForSync(reader.storedBytes(pointer));
    try {
      for (int copy = 0; copy < pointer.copies(); copy++) {
        PoolException failure = reader.readCopy(pointer, copy, slab.segment());
        if (failure != null) {
          find("BlockCheck", owner, "copy " + copy + " of " + pointer + ": "
              + failure.error().message());
        }
        bytesChecked += slab.bytes();
      }
    } finally {
      context.slabs().free(slab);
    }
    if (bytesChecked - lastProgress >= PROGRESS_BYTES) {
      lastProgress = bytesChecked;
      progress.accept(new Progress("verify", bytesChecked, allocator.allocatedBytes()));
    }
  }

}
