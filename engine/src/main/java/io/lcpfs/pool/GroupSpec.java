package io.lcpfs.pool;

import io.lcpfs.format.PlacementClass;

/**
 * A group of devices of a new pool: those that come next in the list of its devices.
 *
 * @param placement what it is for: NORMAL, which the first group has to be, or LOG, for intent logs
 * @param devices how many
 */
public record GroupSpec(PlacementClass placement, int devices) {}
