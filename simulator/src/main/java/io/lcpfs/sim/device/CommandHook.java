package io.lcpfs.sim.device;

/**
 * Told of each write and flush of a device, before it returns: a write is on the medium
 * (undecided), a flush has made nothing durable yet. Crashing the machine here visits every crash
 * state there is.
 */
public interface CommandHook {

  /** Does nothing. */
  CommandHook NONE = (device, flush) -> {};

  /** Called in the task that gave the command. */
  void onCommand(SimDevice device, boolean flush);
}
