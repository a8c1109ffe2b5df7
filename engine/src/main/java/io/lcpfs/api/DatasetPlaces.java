package io.lcpfs.api;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.PoolEngine;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** Where datasets come to lie: places for new ones and for those that get another name. */
final class DatasetPlaces {
  private final Pool pool;
  private final PoolEngine engine;

  DatasetPlaces(Pool pool, PoolEngine engine) {
    this.pool = pool;
    this.engine = engine;
  }

  /** Makes missing parents of a dataset that does not exist yet, or refuses. */
  void prepare(String fullName, boolean parents) {
    String path = pool.pathIn(fullName);
    if (parents) {
      List<String> _ = makeParents(path);
    }
    if (pool.exists(path)) {
      throw refused(Errno.EEXIST, fullName + ": exists already; choose another name");
    }
    refuseOrphan(fullName, path);
  }

  private void refuseOrphan(String fullName, String path) {
    if (!pool.exists(DatasetName.parentPath(path))) {
      throw refused(
          Errno.ENOENT, fullName + ": its parent does not exist; create that first, or add -p");
    }
  }

  /** Makes the parents that are missing; answers their paths, the lowest last. */
  private List<String> makeParents(String path) {
    List<String> made = new ArrayList<>();
    for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      String parent = path.substring(0, slash);
      if (!pool.exists(parent)) {
        engine.createDataset(parent, new TreeMap<>());
        made.add(parent);
        pool.fileSystem(parent);
      }
    }
    return made;
  }

  /** See {@link Pool#renameDataset}. */
  void rename(String from, String to, boolean parents) {
    String source = pool.pathIn(from);
    String target = pool.pathIn(to);
    if (source.isEmpty()) {
      throw refused(
          Errno.EINVAL,
          from + ": is the pool's root; export the pool and import it with a new name");
    }
    if (DatasetName.isWithin(target, source)) {
      throw refused(Errno.EINVAL, to + ": lies within " + from + "; choose a name outside of it");
    }
    pool.requirePath(from);
    if (pool.exists(target)) {
      throw refused(Errno.EEXIST, to + ": exists already; choose another name");
    }
    if (!parents) {
      refuseOrphan(to, target);
    }
    pool.refuseWhenUsed(source);
    List<String> made = parents ? makeParents(target) : List.of();
    try {
      engine.renameDataset(source, target);
    } catch (PoolException e) {
      removeAgain(made, e);
      throw e;
    }
  }

  /** What is refused has changed nothing: the parents that were made for it go again. */
  private void removeAgain(List<String> made, PoolException refusal) {
    for (String parent : made.reversed()) {
      try {
        pool.closeFileSystem(engine.dataset(parent).guid());
        engine.destroyDataset(parent);
      } catch (PoolException e) {
        refusal.addSuppressed(e); // in use by another already: it stays, with those above it
        return;
      }
    }
  }
}
