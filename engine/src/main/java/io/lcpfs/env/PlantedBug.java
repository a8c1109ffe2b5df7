package io.lcpfs.env;

/**
 * Mistakes that can be put back in on purpose, to prove that the simulator finds them. Only the
 * simulator ever answers true to {@link Env#planted}.
 */
public enum PlantedBug {
  /** The uberblock is written without waiting for a flush of what it points to. */
  NO_FLUSH_BEFORE_UBERBLOCK,
  /** A txg commits without the changes of its space maps. */
  SPACE_MAP_NOT_WRITTEN,
  /** A block read from a device is used without looking at its checksum. */
  CHECKSUM_NOT_VERIFIED,
  /** The two halves of a rename go into different txgs. */
  RENAME_IN_TWO_TXGS,
  /** A batch of an intent log counts as durable without a flush. */
  LOG_NOT_FLUSHED
}
