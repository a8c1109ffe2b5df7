package io.lcpfs.pool;

/**
 * The machine that imports a pool.
 *
 * @param id stable across reboots; 0 when unknown, which never conflicts
 * @param name for a person
 */
public record Host(long id, String name) {
  public static final Host UNKNOWN = new Host(0, "");
}
