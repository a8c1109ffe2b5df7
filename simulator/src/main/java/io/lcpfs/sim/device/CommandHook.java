package io.lcpfs.sim.device;

/**
 * Told of each command that changes what is on a device, before it returns: a write is on the
 * medium (undecided); a flush has made nothing durable yet, a discard has taken nothing away. The
 * last two are barriers: a crash just before one can leave all that a crash since the barrier
 * before can.
 */
public interface CommandHook {

  /** Does nothing. */
  CommandHook NONE = (device, barrier) -> {};

  /** Called in the task that gave the command. */
  void onCommand(SimDevice device, boolean barrier);
}
