package io.lcpfs.sim.device;

/** How a simulated device misbehaves. */
public enum FaultKind {
  /** At a crash: a write of several sectors of which only some reached the medium. */
  TORN_WRITE,
  /** At a crash: an unflushed write lost although a later one survived, or simply lost. */
  UNFLUSHED_WRITE_LOST,
  /** A write was acknowledged and landed elsewhere. */
  MISDIRECTED_WRITE,
  /** A write was acknowledged and never done. */
  LOST_WRITE,
  /** Bits changed on the medium. */
  BIT_ROT,
  /** A read failed once. */
  READ_ERROR,
  /** A write failed; some of it may have been done. */
  WRITE_ERROR,
  /** A flush failed and the device dropped what it should have written. */
  FLUSH_ERROR,
  /** A flush was acknowledged and nothing was made durable; then the power failed. */
  IGNORED_FLUSH,
  /** The device answers nothing any more. */
  DISAPPEARANCE,
  /** A command took up to seconds. */
  LATENCY_SPIKE;

  /** Whether an engine without redundancy has to stop: it was told that something is not stored. */
  public boolean stopsThePool() {
    return this == WRITE_ERROR || this == FLUSH_ERROR || this == DISAPPEARANCE;
  }

  /** Whether the damage stays on the medium and is noticed only by checksums. */
  public boolean silent() {
    return this == MISDIRECTED_WRITE
        || this == LOST_WRITE
        || this == IGNORED_FLUSH
        || this == BIT_ROT;
  }
}
