package io.lcpfs.dataset;

/** Where a property's value comes from. */
public enum PropertySource {
  /** Set at the dataset itself. */
  LOCAL,
  /** Set at an ancestor. */
  INHERITED,
  /** Set nowhere. */
  DEFAULT,
  /** Computed; cannot be set. */
  NONE
}
