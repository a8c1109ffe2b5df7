package io.lcpfs.sim.model;

import java.io.Serializable;

/** A file by its path, or by a handle that an earlier {@link Op.Open} filled. */
public sealed interface FileRef extends Serializable {

  /** The file that {@code path} names now. */
  record ByPath(String path) implements FileRef {
    @Override
    public String toString() {
      return path;
    }
  }

  /** The file that is open under this number, even when its last name is gone. */
  record ByHandle(int handle) implements FileRef {
    @Override
    public String toString() {
      return "handle " + handle;
    }
  }
}
