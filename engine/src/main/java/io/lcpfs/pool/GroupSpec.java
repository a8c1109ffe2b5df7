package io.lcpfs.pool;

import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.Profile;

/**
 * A group of devices of a new pool: those that come next in the list of its devices.
 *
 * @param placement what it is for: NORMAL, which the first groups have to be, or LOG, for intent
 *     logs
 * @param devices how many; of a mirror as many as it is wide
 * @param profile how its blocks lie on them
 */
public record GroupSpec(PlacementClass placement, int devices, Profile profile) {

  /** Devices side by side, each block on one of them. */
  public static GroupSpec single(PlacementClass placement, int devices) {
    return new GroupSpec(placement, devices, Profile.SINGLE);
  }

  /** Devices that all hold the same; from 2 to {@link Profile#MAX_WIDTH}. */
  public static GroupSpec mirror(PlacementClass placement, int devices) {
    return new GroupSpec(placement, devices, new Profile(Profile.Kind.MIRROR, devices, 0));
  }
}
