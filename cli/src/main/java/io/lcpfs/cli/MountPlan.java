package io.lcpfs.cli;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.fuse.MountedDataset;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What is to be mounted where.
 *
 * @param dataset the one at the mount point
 * @param directory the mount point
 * @param below datasets that appear inside it, sorted by name
 */
record MountPlan(Dataset dataset, Path directory, List<Dataset> below) {

  /** A dataset with all those below it that may be mounted. */
  static MountPlan of(Pool pool, Dataset dataset, Path directory) {
    return new MountPlan(dataset, directory, below(pool, dataset, false));
  }

  /**
   * Everything in a pool that mounts by itself: a dataset whose mount point is below its parent's,
   * by its own name, appears inside the parent's mount.
   */
  static List<MountPlan> all(Pool pool) {
    List<MountPlan> plans = new ArrayList<>();
    List<Dataset> covered = new ArrayList<>();
    for (Dataset dataset : pool.datasets()) {
      if (contains(covered, dataset) || !dataset.isReadable()) {
        continue;
      }
      String place = dataset.property("mountpoint").value();
      if (place.startsWith("/") && dataset.property("canmount").value().equals("on")) {
        List<Dataset> below = below(pool, dataset, true);
        covered.addAll(below);
        plans.add(new MountPlan(dataset, Path.of(place), below));
      }
    }
    return plans;
  }

  private static boolean contains(List<Dataset> datasets, Dataset wanted) {
    return datasets.stream().anyMatch(one -> one.name().equals(wanted.name()));
  }

  private static List<Dataset> below(Pool pool, Dataset top, boolean byMountPoint) {
    List<Dataset> inside = new ArrayList<>(List.of(top));
    for (Dataset dataset : pool.datasets()) {
      String name = dataset.name();
      int slash = name.lastIndexOf('/');
      if (slash < 0 || !name.startsWith(top.name() + "/") || !dataset.isReadable()) {
        continue;
      }
      String parent = name.substring(0, slash);
      boolean parentInside = inside.stream().anyMatch(one -> one.name().equals(parent));
      if (parentInside
          && !dataset.property("canmount").value().equals("off")
          && (!byMountPoint || appearsInside(pool.dataset(parent), dataset))) {
        inside.add(dataset);
      }
    }
    return inside.subList(1, inside.size());
  }

  private static boolean appearsInside(Dataset parent, Dataset dataset) {
    String above = parent.property("mountpoint").value();
    String name = dataset.name().substring(parent.name().length() + 1);
    String wanted = above.endsWith("/") ? above + name : above + "/" + name;
    return dataset.property("mountpoint").value().equals(wanted)
        && dataset.property("canmount").value().equals("on");
  }

  /** The names of all datasets that are mounted by it. */
  List<String> names() {
    List<String> names = new ArrayList<>(List.of(dataset.name()));
    below.forEach(one -> names.add(one.name()));
    return names;
  }

  /** The datasets as the mount takes them. */
  List<MountedDataset> datasets() {
    List<MountedDataset> list = new ArrayList<>();
    list.add(MountedDataset.of("", dataset));
    for (Dataset one : below) {
      String path = one.name().substring(dataset.name().length() + 1);
      list.add(MountedDataset.of(path, one));
    }
    return list;
  }
}
