package io.lcpfs.format;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.util.List;
import java.util.Optional;

/**
 * Feature flags: what a pool's bytes use beyond format version 1. A program that does not know an
 * incompatible one must not touch the pool; one that does not know a read-only compatible one may
 * read.
 */
public final class Features {
  /** Blocks whose bytes lie in their pointer. */
  public static final PoolConfig.Feature EMBEDDED_BLOCKS =
      new PoolConfig.Feature("embedded_blocks", true);

  /** Contents of small objects packed into tail blocks. */
  public static final PoolConfig.Feature TAIL_BLOCKS = new PoolConfig.Feature("tail_blocks", true);

  /** Condensed space maps with 2 bits per sector. */
  public static final PoolConfig.Feature SPACE_MAP_BITMAP =
      new PoolConfig.Feature("space_map_bitmap", false);

  /** Blocks that a dataset gave up and its snapshots keep. */
  public static final PoolConfig.Feature SNAPSHOTS = new PoolConfig.Feature("snapshots", true);

  /** Datasets that begin as a snapshot of another. */
  public static final PoolConfig.Feature CLONES = new PoolConfig.Feature("clones", true);

  /** Datasets that are being received, outside of the tree. */
  public static final PoolConfig.Feature RECEIVES = new PoolConfig.Feature("receives", false);

  /** What keeps snapshots from being destroyed. */
  public static final PoolConfig.Feature HOLDS = new PoolConfig.Feature("holds", false);

  /** What is left of snapshots to send changes since them. */
  public static final PoolConfig.Feature BOOKMARKS = new PoolConfig.Feature("bookmarks", false);

  /** Blocks that several pointers refer to without a snapshot between them. */
  public static final PoolConfig.Feature BLOCK_CLONING =
      new PoolConfig.Feature("block_cloning", true);

  /** Quotas, reservations and limits, which a program that changes the pool has to keep. */
  public static final PoolConfig.Feature SPACE_RULES = new PoolConfig.Feature("space_rules", false);

  /** What each user, group and project has in a file system. */
  public static final PoolConfig.Feature OWNER_ACCOUNTS =
      new PoolConfig.Feature("owner_accounts", false);

  /** An earlier state of the whole pool whose space is not given out. */
  public static final PoolConfig.Feature CHECKPOINT = new PoolConfig.Feature("checkpoint", false);

  /** All features known here, in the order in which a new pool lists them. */
  public static final List<PoolConfig.Feature> KNOWN =
      List.of(
          EMBEDDED_BLOCKS,
          TAIL_BLOCKS,
          SPACE_MAP_BITMAP,
          SNAPSHOTS,
          CLONES,
          BLOCK_CLONING,
          RECEIVES,
          HOLDS,
          BOOKMARKS,
          SPACE_RULES,
          OWNER_ACCOUNTS,
          CHECKPOINT);

  private Features() {}

  /**
   * Refuses a pool that uses what is not known here.
   *
   * @param readOnly whether only reading is meant
   * @throws PoolException EOPNOTSUPP naming an unknown incompatible feature; EROFS naming an
   *     unknown read-only compatible one unless {@code readOnly}
   */
  public static void check(List<PoolConfig.Feature> features, boolean readOnly) {
    Optional<PoolConfig.Feature> incompatible =
        features.stream().filter(f -> f.incompatible() && !KNOWN.contains(f)).findFirst();
    if (incompatible.isPresent()) {
      throw PoolException.refused(
          Errno.EOPNOTSUPP,
          "the pool uses the feature "
              + incompatible.get().name()
              + ", which this version does not know; use a newer one");
    }
    Optional<PoolConfig.Feature> readable =
        features.stream().filter(f -> !f.incompatible() && !KNOWN.contains(f)).findFirst();
    if (readable.isPresent() && !readOnly) {
      throw PoolException.refused(
          Errno.EROFS,
          "the pool uses the feature "
              + readable.get().name()
              + ", which this version does not know; import it read-only");
    }
  }
}
