package io.lcpfs.dataset;

/** Where a property's value comes from. */
public enum PropertySource {
  /** Set at the dataset itself. */
  LOCAL,
  /** Brought by a stream that the dataset received, and set nowhere else at it. */
  RECEIVED,
  /** Set at, or received by, an ancestor. */
  INHERITED,
  /** Set nowhere. */
  DEFAULT,
  /** Computed; cannot be set. */
  NONE
}
