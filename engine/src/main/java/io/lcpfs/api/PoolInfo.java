package io.lcpfs.api;

import io.lcpfs.format.PoolState;
import java.nio.file.Path;
import java.util.List;

/**
 * A pool that was found by its labels, without importing it.
 *
 * @param name as the newest label has it
 * @param guid identifies it
 * @param state whether it was exported, destroyed or neither
 * @param txg newest uberblock seen
 * @param hostName who had it imported last; "" when unknown
 * @param devices where its devices were found
 * @param missing what the devices that were not found used to be called
 * @param damagedLabels labels that do not decode, over all found devices
 */
public record PoolInfo(
    String name,
    long guid,
    PoolState state,
    long txg,
    String hostName,
    List<Path> devices,
    List<String> missing,
    int damagedLabels) {

  /** Whether every device was found. */
  public boolean complete() {
    return missing.isEmpty();
  }
}
