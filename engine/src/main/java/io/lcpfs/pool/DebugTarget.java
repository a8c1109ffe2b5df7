package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.PathReader;
import io.lcpfs.zap.Zap;
import org.jspecify.annotations.Nullable;

/**
 * An object set that a person named.
 *
 * @param name as it was found
 * @param object its DATASET object, 0 for the pool's own objects
 * @param record the dataset, null for the pool's own objects
 * @param root its root block
 */
record DebugTarget(
    CommittedView view,
    String name,
    long object,
    @Nullable DatasetRecord record,
    BlockPointer root) {
  static final String MOS = "mos";
  private static final String UNDERSTOOD =
      "'mos', a dataset's path ('/' is the root) or the number of a DATASET object";

  /** Finds what {@code text} names; EINVAL when there is no such thing. */
  static DebugTarget find(CommittedView view, BlockPointer metaRoot, String poolName, String text) {
    if (text.equals(MOS)) {
      return new DebugTarget(view, MOS, 0, null, metaRoot);
    }
    long object =
        !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9')
            ? DebugArguments.number(text, 1, Long.MAX_VALUE, UNDERSTOOD)
            : -1;
    if (object < 0) {
      object = byPath(view, text);
    }
    if (object < 0 && (text + "/").startsWith(poolName + "/")) {
      object = byPath(view, text.substring(poolName.length()));
    }
    if (object < 0 || !isDataset(view, object)) {
      throw PoolException.refused(
          Errno.EINVAL, "'" + text + "' is no dataset; understood is " + UNDERSTOOD);
    }
    DatasetRecord record = view.dataset(object);
    return new DebugTarget(view, text, object, record, record.objectSet());
  }

  private static boolean isDataset(CommittedView view, long object) {
    try (Dnode dnode = view.meta().hold(object)) {
      return dnode.type() == ObjectType.DATASET;
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return false;
      }
      throw e;
    }
  }

  static long rootDataset(CommittedView view) {
    try (Dnode dnode =
        new MetaDirectory(view.meta(), view.context().env())
            .hold(MetaDirectory.ROOT_DATASET, ObjectType.DATASET)) {
      return dnode.number();
    }
  }

  private static long byPath(CommittedView view, String text) {
    long object = rootDataset(view);
    String path = text.startsWith("/") ? text.substring(1) : text;
    if (path.isEmpty()) {
      return object;
    }
    for (String name : path.split("/", -1)) {
      byte[] key = name.getBytes(UTF_8);
      if (key.length == 0 || key.length > Zap.MAX_NAME_BYTES) {
        return -1;
      }
      try (Dnode children = view.hold(view.dataset(object).childrenZap(), ObjectType.ZAP)) {
        object = Zap.open(children, view.context().env()).getLong(key);
      }
      if (object == Zap.ABSENT) {
        return -1;
      }
    }
    return object;
  }

  private ObjectContext context() {
    return view.context();
  }

  /** The object set to hold objects of, as a person who uses it would. */
  ObjectSet objects() {
    DatasetRecord dataset = record;
    return dataset == null ? view.meta() : view.objects(dataset);
  }

  /** The root block; null when nothing was ever written. */
  @Nullable ObjectSetRecord objectSet() {
    if (root.isHole()) {
      return null;
    }
    Slab slab = context().cache().allocateForSync(root.lsizeBytes());
    try {
      context().io().read(root, slab.segment(), context().txgs().syncedTxg());
      return ObjectSetRecord.decode(slab.segment());
    } finally {
      context().slabs().free(slab);
    }
  }

  /**
   * An object's dnode, from disk.
   *
   * @param text its number, or the name of one of the set's own
   * @throws PoolException EINVAL when there is none
   */
  DnodeRecord dnode(String text) {
    ObjectSetRecord set = objectSet();
    if (set == null) {
      throw noObject(text);
    }
    switch (text) {
      case "dnodes" -> {
        return set.dnodes();
      }
      case "tails" -> {
        return set.tails();
      }
      case "meta_tails" -> {
        return set.metaTails();
      }
      default -> {}
    }
    long number =
        DebugArguments.number(
            text, 1, Long.MAX_VALUE, "the number of an object, dnodes, tails or meta_tails");
    try (PathReader path = new PathReader(context(), set.dnodes())) {
      Slab block = path.block(0, number / TailRecord.SLOTS);
      long at = number % TailRecord.SLOTS * DnodeRecord.BYTES;
      if (block == null || !DnodeRecord.isAllocated(block.segment(), at)) {
        throw noObject(text);
      }
      return DnodeRecord.decode(block.segment(), at);
    }
  }

  private PoolException noObject(String text) {
    return PoolException.refused(
        Errno.EINVAL,
        "there is no object "
            + text
            + " in "
            + name
            + "; 'dataset' and 'mos' list those there are");
  }
}
