package io.lcpfs.memory;

/**
 * Asked before every allocation, so that a test or a host can refuse one: the allocation then fails
 * exactly as if the budget were exhausted. Called without a lock, from any thread.
 */
@FunctionalInterface
public interface AllocationGate {

  /** The gate that is always open. */
  AllocationGate OPEN = (bytes, forSync) -> true;

  /**
   * @param bytes size asked for
   * @param forSync whether the sync reserve may be used for it
   * @return false to make this allocation fail with ENOMEM
   */
  boolean allow(int bytes, boolean forSync);
}
