package io.lcpfs.sim;

/**
 * What a target is formatted on.
 *
 * @param name for reports, such as "single" or "mirror-2"
 * @param devices how many
 * @param blockSize bytes per device block
 * @param deviceBytes size of each
 * @param redundancy on how many devices content may be damaged at once without anybody noticing; 0
 *     means that damaged content is answered with EIO
 */
public record PoolShape(String name, int devices, int blockSize, long deviceBytes, int redundancy) {

  public long blocks() {
    return deviceBytes / blockSize;
  }
}
