package io.lcpfs.pool;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.Env;
import java.util.List;
import java.util.Optional;

/** Makes and imports pools, and reads labels without importing. */
public final class PoolEngines {
  private PoolEngines() {}

  /**
   * Writes a new pool on {@code devices}, whatever they held, and imports it. The pool owns the
   * devices from then on and closes them; on failure they are left open.
   */
  public static PoolEngine create(List<BlockDevice> devices, CreateOptions options, Env env) {
    throw new AssertionError("signature only");
  }

  /**
   * Imports the pool whose devices are given: labels, uberblock, layout, claim. The pool owns the
   * devices from then on and closes them; on failure they are left open.
   *
   * @throws io.lcpfs.error.PoolException EBUSY when another host holds it and there is no force;
   *     ENODEV when a device is missing; EIO when nothing intact is left; EOPNOTSUPP for features
   *     that this version lacks
   */
  public static PoolEngine open(List<BlockDevice> devices, OpenOptions options, Env env) {
    throw new AssertionError("signature only");
  }

  /** What the labels of one device say; empty when there is none of ours. Writes nothing. */
  public static Optional<LabelInfo> readLabel(BlockDevice device) {
    throw new AssertionError("signature only");
  }

  /** Overwrites all labels of a device that belongs to no imported pool. */
  public static void clearLabels(BlockDevice device) {
    throw new AssertionError("signature only");
  }

  /** {@link PoolEngine#debug} for what can be printed from one device without importing: label. */
  public static String debugDevice(BlockDevice device, String what, List<String> arguments) {
    throw new AssertionError("signature only");
  }
}
