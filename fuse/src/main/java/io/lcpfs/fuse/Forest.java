package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.api.SnapshotDirectory;
import io.lcpfs.error.Errno;
import io.lcpfs.posix.PosixFileSystem;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The datasets of a mount and the numbers of their files. A node is the dataset's index shifted by
 * 48 bits, or the inode number, except that the kernel wants 1 for the root. A dataset covers the
 * entry of its name in its parent's root, as a mount does. Snapshots that somebody looks into come
 * behind the datasets, and the directories that lead to them have an index of their own.
 */
final class Forest {
  private static final int INODE_BITS = 48;
  private static final long INODE_MASK = (1L << INODE_BITS) - 1;
  private static final int MAX_DATASETS = 1 << 14;

  /** The index of directories that are in no dataset; places stay below it. */
  private static final int CONTROL_INDEX = 0xffff;

  /** A dataset in its place. */
  static final class Place {
    final int index;
    final byte[] name;
    final PosixFileSystem files;
    final long root;
    final List<Place> children = new ArrayList<>();

    /** Its snapshots, if it shows any. */
    final @Nullable SnapshotDirectory snapshots;

    Place(int index, byte[] name, PosixFileSystem files, @Nullable SnapshotDirectory snapshots) {
      this.index = index;
      this.name = name;
      this.files = files;
      this.snapshots = snapshots;
      this.root = files.rootInode();
    }

    /** What the kernel knows the file as. */
    long node(long inode) {
      return index == 0 && inode == root ? Fuse.ROOT_NODE : shown(inode);
    }

    /** What stat(2) shows as the inode number. */
    long shown(long inode) {
      return ((long) index << INODE_BITS) | inode;
    }

    /** The dataset that covers {@code name} in {@code directory}, if any. */
    @Nullable Place covering(long directory, byte[] name) {
      if (!children.isEmpty() && directory == root) {
        for (Place child : children) {
          if (Arrays.equals(child.name, name)) {
            return child;
          }
        }
      }
      return null;
    }
  }

  /** Changed by putting a longer one in its place. */
  private volatile Place[] places;

  private final ReentrantLock growing = new ReentrantLock();

  /** Snapshots that were looked into, by their guid; under the lock. */
  private final Map<Long, Place> snapshots = new HashMap<>();

  /** @param datasets parents before their children, the root first */
  Forest(List<MountedDataset> datasets) {
    if (datasets.isEmpty()
        || datasets.size() > MAX_DATASETS
        || !datasets.getFirst().path().isEmpty()) {
      throw new IllegalArgumentException("datasets of a mount: " + datasets);
    }
    Place[] first = new Place[datasets.size()];
    for (int i = 0; i < first.length; i++) {
      MountedDataset dataset = datasets.get(i);
      String path = dataset.path();
      String name = path.substring(path.lastIndexOf('/') + 1);
      first[i] =
          new Place(i, name.getBytes(StandardCharsets.UTF_8), dataset.files(), dataset.snapshots());
      if (i > 0) {
        parent(datasets, first, i, path).children.add(first[i]);
      }
    }
    places = first;
  }

  private static Place parent(
      List<MountedDataset> datasets, Place[] places, int before, String path) {
    String wanted = path.contains("/") ? path.substring(0, path.lastIndexOf('/')) : "";
    for (int i = 0; i < before; i++) {
      if (datasets.get(i).path().equals(wanted) && !path.isEmpty()) {
        return places[i];
      }
    }
    throw new IllegalArgumentException("no parent of dataset path '" + path + "'");
  }

  Place root() {
    return places[0];
  }

  /** The dataset that a node is in; ESTALE when there is none. */
  Place place(long node) {
    return at(node, node >>> INODE_BITS);
  }

  private Place at(long node, long index) {
    Place[] now = places;
    if (index >= now.length) {
      throw posix(Errno.ESTALE, "FUSE node " + node);
    }
    return now[(int) index];
  }

  /** Whether a node is a directory that is in no dataset, but leads to snapshots of one. */
  static boolean isControl(long node) {
    return node >>> INODE_BITS == CONTROL_INDEX;
  }

  /** The node of such a directory. */
  static long control(Place of, int kind) {
    return ((long) CONTROL_INDEX << INODE_BITS) | (long) of.index << 8 | kind;
  }

  /** Which of its dataset's directories it is. */
  static int controlKind(long node) {
    return (int) (node & 0xff);
  }

  /** The dataset whose snapshots it leads to; ESTALE when there is none. */
  Place controlled(long node) {
    return at(node, (node & INODE_MASK) >>> 8);
  }

  /**
   * The place of a snapshot, which it gets with the first look into it.
   *
   * @throws io.lcpfs.error.PoolException ENFILE when too many were looked into; what {@code files}
   *     throws
   */
  Place snapshot(SnapshotDirectory.Entry entry, Supplier<PosixFileSystem> files) {
    growing.lock();
    try {
      Place known = snapshots.get(entry.guid());
      if (known == null) {
        Place[] now = places;
        if (now.length == CONTROL_INDEX) {
          throw posix(Errno.ENFILE, "snapshots of one mount");
        }
        byte[] name = entry.name().getBytes(StandardCharsets.UTF_8);
        known = new Place(now.length, name, files.get(), null);
        Place[] more = Arrays.copyOf(now, now.length + 1);
        more[now.length] = known;
        snapshots.put(entry.guid(), known);
        places = more;
      }
      return known;
    } finally {
      growing.unlock();
    }
  }

  /** The inode number of a node within its dataset. */
  long inode(long node) {
    return node == Fuse.ROOT_NODE ? places[0].root : node & INODE_MASK;
  }

  List<Place> places() {
    return List.of(places);
  }
}
