package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.posix.PosixFileSystem;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The datasets of a mount and the numbers of their files. A node is the dataset's index shifted by
 * 48 bits, or the inode number, except that the kernel wants 1 for the root. A dataset covers the
 * entry of its name in its parent's root, as a mount does.
 */
final class Forest {
  private static final int INODE_BITS = 48;
  private static final long INODE_MASK = (1L << INODE_BITS) - 1;
  private static final int MAX_DATASETS = 1 << 14;

  /** A dataset in its place. */
  static final class Place {
    final int index;
    final byte[] name;
    final PosixFileSystem files;
    final long root;
    final List<Place> children = new ArrayList<>();

    Place(int index, byte[] name, PosixFileSystem files) {
      this.index = index;
      this.name = name;
      this.files = files;
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

  private final Place[] places;

  /** @param datasets parents before their children, the root first */
  Forest(List<MountedDataset> datasets) {
    if (datasets.isEmpty()
        || datasets.size() > MAX_DATASETS
        || !datasets.getFirst().path().isEmpty()) {
      throw new IllegalArgumentException("datasets of a mount: " + datasets);
    }
    places = new Place[datasets.size()];
    for (int i = 0; i < places.length; i++) {
      MountedDataset dataset = datasets.get(i);
      String path = dataset.path();
      String name = path.substring(path.lastIndexOf('/') + 1);
      places[i] = new Place(i, name.getBytes(StandardCharsets.UTF_8), dataset.files());
      if (i > 0) {
        parent(datasets, i, path).children.add(places[i]);
      }
    }
  }

  private Place parent(List<MountedDataset> datasets, int before, String path) {
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
    long index = node >>> INODE_BITS;
    if (index >= places.length) {
      throw posix(Errno.ESTALE, "FUSE node " + node);
    }
    return places[(int) index];
  }

  /** The inode number of a node within its dataset. */
  long inode(long node) {
    return node == Fuse.ROOT_NODE ? places[0].root : node & INODE_MASK;
  }

  List<Place> places() {
    return List.of(places);
  }
}
