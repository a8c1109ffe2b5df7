package io.lcpfs.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.cli.owner.OwnerClient;
import io.lcpfs.dataset.DatasetName;
import io.lcpfs.fuse.MountTable;
import io.lcpfs.fuse.MountedDataset;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
        plans.add(new MountPlan(dataset, Path.of(place).normalize(), below));
      }
    }
    return plans;
  }

  /**
   * The datasets of a pool that another process has open which would be mounted by themselves, but
   * are not seen at their mount points.
   */
  static List<String> notMounted(OwnerClient owner, String poolName) {
    ByteArrayOutputStream rows = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(rows, false, UTF_8);
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    PrintStream err = new PrintStream(said, false, UTF_8);
    List<String> command = List.of("fs", "get", "-H", "-r", "mountpoint,canmount", poolName);
    if (owner.run(command, InputStream.nullInputStream(), out, err) != ExitCode.OK) {
      err.flush();
      throw new Failure(ExitCode.FAILED, said.toString(UTF_8).strip().replaceFirst("^lcpfs: ", ""));
    }
    out.flush();
    Map<String, String> places = new LinkedHashMap<>();
    for (String row : rows.toString(UTF_8).lines().toList()) {
      String[] fields = row.split("\t", -1);
      if (fields[1].equals("mountpoint") && fields[2].startsWith("/")) {
        places.put(fields[0], fields[2]);
      } else if (fields[1].equals("canmount") && !fields[2].equals("on")) {
        places.remove(fields[0]);
      }
    }
    List<MountTable.Entry> mounts = MountTable.list();
    places.entrySet().removeIf(one -> isSeen(mounts, one.getKey(), Path.of(one.getValue())));
    return List.copyOf(places.keySet());
  }

  /** Whether a dataset, or one that it appears inside of, is mounted so that it is on its place. */
  private static boolean isSeen(List<MountTable.Entry> mounts, String dataset, Path place) {
    Path real;
    try {
      real = place.toRealPath();
    } catch (IOException e) {
      return false; // without a directory nothing is seen there
    }
    return mounts.stream()
        .filter(one -> DatasetName.isWithin(dataset, one.source()))
        .anyMatch(
            one ->
                real.equals(Path.of(one.directory() + dataset.substring(one.source().length()))));
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
