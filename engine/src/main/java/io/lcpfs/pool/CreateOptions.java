package io.lcpfs.pool;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How a pool is made.
 *
 * @param name the pool's name
 * @param force use devices that carry another pool or a foreign file system
 * @param sectorBytes allocation unit, a power of two from 512 to 64 KiB; 0 takes the larger of 4
 *     KiB and the device's block
 * @param smallDevices allow devices from 16 MiB on, for simulations; else from 64 MiB on
 * @param groups which devices are for what; when empty, all are one group of the class NORMAL
 * @param poolProperties values set at creation
 * @param rootProperties local property values of the root dataset
 * @param host who makes it
 * @param tuning what the imported pool may use
 */
public record CreateOptions(
    String name,
    boolean force,
    int sectorBytes,
    boolean smallDevices,
    List<GroupSpec> groups,
    SortedMap<String, String> poolProperties,
    SortedMap<String, String> rootProperties,
    Host host,
    Tuning tuning) {

  public CreateOptions {
    groups = List.copyOf(groups);
    poolProperties = Collections.unmodifiableSortedMap(new TreeMap<>(poolProperties));
    rootProperties = Collections.unmodifiableSortedMap(new TreeMap<>(rootProperties));
  }

  /** Defaults for everything but the name. */
  public static CreateOptions named(String name) {
    return new CreateOptions(
        name,
        false,
        0,
        false,
        List.of(),
        new TreeMap<>(),
        new TreeMap<>(),
        Host.UNKNOWN,
        Tuning.standard());
  }

  public CreateOptions withForce(boolean value) {
    return new CreateOptions(
        name,
        value,
        sectorBytes,
        smallDevices,
        groups,
        poolProperties,
        rootProperties,
        host,
        tuning);
  }

  public CreateOptions withSectorBytes(int value) {
    return new CreateOptions(
        name, force, value, smallDevices, groups, poolProperties, rootProperties, host, tuning);
  }

  public CreateOptions withPoolProperties(Map<String, String> value) {
    return new CreateOptions(
        name,
        force,
        sectorBytes,
        smallDevices,
        groups,
        new TreeMap<>(value),
        rootProperties,
        host,
        tuning);
  }

  public CreateOptions withRootProperties(Map<String, String> value) {
    return new CreateOptions(
        name,
        force,
        sectorBytes,
        smallDevices,
        groups,
        poolProperties,
        new TreeMap<>(value),
        host,
        tuning);
  }

  public CreateOptions withHost(Host value) {
    return new CreateOptions(
        name,
        force,
        sectorBytes,
        smallDevices,
        groups,
        poolProperties,
        rootProperties,
        value,
        tuning);
  }

  public CreateOptions withTuning(Tuning value) {
    return new CreateOptions(
        name,
        force,
        sectorBytes,
        smallDevices,
        groups,
        poolProperties,
        rootProperties,
        host,
        value);
  }

  public CreateOptions withSmallDevices(boolean value) {
    return new CreateOptions(
        name, force, sectorBytes, value, groups, poolProperties, rootProperties, host, tuning);
  }

  public CreateOptions withGroups(List<GroupSpec> value) {
    return new CreateOptions(
        name,
        force,
        sectorBytes,
        smallDevices,
        value,
        poolProperties,
        rootProperties,
        host,
        tuning);
  }
}
