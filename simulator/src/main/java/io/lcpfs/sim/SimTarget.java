package io.lcpfs.sim;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.Env;
import io.lcpfs.sim.model.Op;
import io.lcpfs.sim.model.Outcome;
import io.lcpfs.sim.model.Tree;
import io.lcpfs.sim.world.SimRandom;
import java.util.List;

/** A file system that the simulator can run: the port between the harness and what is tested. */
public interface SimTarget {

  /** For reports. */
  String name();

  /** What it can be formatted on; a seed picks one. */
  List<PoolShape> shapes();

  /** One of these shapes as it is, or with something more that few seeds need. */
  default PoolShape variant(PoolShape shape, SimRandom random) {
    return shape;
  }

  /** How many tasks may call {@link Session#apply} at once; at least 1. */
  int writers();

  /** How many file handles a writer may hold; 0 when handles are not supported. */
  int handles();

  /**
   * Whether fsync of one file makes all earlier operations of the same caller durable too. When
   * not, only {@link Session#sync} moves the point behind which a crash cannot fall.
   */
  boolean fsyncCoversEarlierOperations();

  /**
   * A crash may leave a write done up to a multiple of so many bytes of the file; 0 when a write is
   * done whole or not at all.
   */
  int writeUnitBytes();

  /**
   * Bytes at each end of a device that hold nothing but what names the contents. A target with
   * such ends goes back to the state before when a device has acknowledged a flush of contents and
   * lost them all the same, and only what names them arrived. 0 when it does not.
   */
  default long endBytes(PoolShape shape) {
    return 0;
  }

  /** Makes an empty file system whose root directory has mode 0755. */
  void format(Env env, List<? extends BlockDevice> devices, PoolShape shape);

  /**
   * Opens what was formatted, recovering from a crash if there was one.
   *
   * @throws io.lcpfs.error.PoolException when it cannot be opened
   */
  Session open(Env env, List<? extends BlockDevice> devices, PoolShape shape);

  /** Whether it can keep the state of a moment and go back to it. */
  default boolean checkpoints() {
    return false;
  }

  /**
   * As {@link #open}, but goes back to the checkpoint.
   *
   * @throws io.lcpfs.error.PoolException ENOENT when there is none
   */
  default Session openCheckpoint(Env env, List<? extends BlockDevice> devices, PoolShape shape) {
    throw new UnsupportedOperationException("checkpoints");
  }

  /** An open file system. */
  interface Session {

    /** Whether there is a checkpoint. */
    default boolean hasCheckpoint() {
      return false;
    }

    /** Takes a checkpoint of everything; there must be none. */
    default void takeCheckpoint() {
      throw new UnsupportedOperationException("checkpoints");
    }

    /** Ends the checkpoint. */
    default void discardCheckpoint() {
      throw new UnsupportedOperationException("checkpoints");
    }

    /** Carries out one operation; a {@code PoolException} becomes {@link Outcome.Failed}. */
    Outcome apply(Op op);

    /**
     * Returns when every operation that returned before the call is durable.
     *
     * @throws io.lcpfs.error.PoolException when that failed
     */
    void sync();

    /** Runs every check there is; empty when all is well. */
    List<Finding> verify();

    /**
     * Reads everything. Content that answers EIO becomes {@link
     * io.lcpfs.sim.model.SparseBytes.Fingerprint#UNREADABLE} chunks.
     */
    Tree snapshotTree();

    /** Syncs and releases everything; no task of the session is left running. */
    void close();
  }
}
