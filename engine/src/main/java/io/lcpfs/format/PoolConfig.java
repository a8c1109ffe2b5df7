package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static io.lcpfs.format.Disk.U8;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.List;

/**
 * What a pool is made of: written to the labels of all its devices, named by the uberblock. On
 * disk: a header, features, groups, devices (fixed structures), then the pool's name and the
 * devices' paths.
 *
 * @param poolGuid random, never 0
 * @param name 1 to 255 bytes of UTF-8
 * @param generation counts changes of the configuration, from 1
 * @param forkId random for each writable import, never 0
 * @param parentForkId the fork that was imported, 0 for none
 * @param hostId the host that has, or last had, the pool
 * @param bootId that host's boot
 * @param creationSeconds wall clock, seconds since 1970
 * @param groups in ascending order of id
 * @param devices in ascending order of index
 */
public record PoolConfig(
    long poolGuid,
    String name,
    PoolState state,
    long generation,
    long forkId,
    long parentForkId,
    long hostId,
    long bootId,
    long creationSeconds,
    List<Feature> features,
    List<Group> groups,
    List<Device> devices) {

  public static final long MAGIC = 0x4749464E4F434F4CL; // "LOCONFIG"
  public static final int VERSION = 1;
  public static final int MAX_NAME_BYTES = 255;
  public static final int MAX_FEATURE_NAME_BYTES = 63;
  public static final int MAX_PATH_BYTES = 1023;

  public static final StructLayout HEADER =
      structLayout(
          U64.withName("magic"),
          U32.withName("version"),
          U32.withName("state"),
          U64.withName("generation"),
          U64.withName("pool_guid"),
          U64.withName("fork_id"),
          U64.withName("parent_fork_id"),
          U64.withName("host_id"),
          U64.withName("boot_id"),
          U64.withName("creation_seconds"),
          U32.withName("total_bytes"),
          U16.withName("name_bytes"),
          U16.withName("feature_count"),
          U16.withName("group_count"),
          U16.withName("device_count"),
          Disk.bytes("reserved", 12),
          Disk.bytes("checksum", 32));

  public static final StructLayout FEATURE =
      structLayout(Disk.bytes("name", MAX_FEATURE_NAME_BYTES), U8.withName("incompatible"));

  public static final StructLayout GROUP =
      structLayout(
          U16.withName("id"),
          U8.withName("class"),
          U8.withName("profile"),
          U16.withName("width"),
          U8.withName("parity"),
          U8.withName("reserved0"),
          U32.withName("sector_bytes"),
          U32.withName("reserved1"),
          U64.withName("tile_bytes"),
          U64.withName("reserved2"));

  public static final StructLayout DEVICE =
      structLayout(
          U64.withName("guid"),
          U64.withName("capacity_bytes"),
          U32.withName("block_bytes"),
          U16.withName("index"),
          U16.withName("group"),
          U16.withName("path_bytes"),
          Disk.bytes("reserved", 38));

  private static final int HEADER_BYTES = 128;
  private static final int FEATURE_BYTES = 64;
  private static final int GROUP_BYTES = 32;
  private static final int DEVICE_BYTES = 64;
  private static final long CHECKSUM = Disk.offset(HEADER, "checksum");

  static {
    Check.that(HEADER.byteSize() == HEADER_BYTES, "config header size", HEADER.byteSize());
    Check.that(FEATURE.byteSize() == FEATURE_BYTES, "config feature size", FEATURE.byteSize());
    Check.that(GROUP.byteSize() == GROUP_BYTES, "config group size", GROUP.byteSize());
    Check.that(DEVICE.byteSize() == DEVICE_BYTES, "config device size", DEVICE.byteSize());
  }

  /**
   * A feature that the pool's bytes use.
   *
   * @param name 1 to 63 bytes of ASCII without control characters
   * @param incompatible whether a program that does not know it must not even read
   */
  public record Feature(String name, boolean incompatible) {}

  /**
   * A placement domain: devices cut into tiles of one size.
   *
   * @param id not negative, at most 65,535
   * @param sectorBytes smallest allocation, a power of two, 512 to 65,536
   * @param tileBytes a power of two, 1 MiB to 16 GiB
   * @param profile what new metaslabs get
   */
  public record Group(
      int id, PlacementClass placement, int sectorBytes, long tileBytes, Profile profile) {}

  /**
   * A device of the pool.
   *
   * @param guid random, never 0
   * @param group id of its group
   * @param index what columns of metaslabs call it, 0 to 65,535; never reused
   * @param capacityBytes capacity when it was added; the labels' places follow from it
   * @param blockBytes its block when it was added
   * @param pathHint where it was last found, up to 1,023 bytes of UTF-8, may be empty
   */
  public record Device(
      long guid, int group, int index, long capacityBytes, int blockBytes, String pathHint) {

    public Geometry geometry() {
      return new Geometry(capacityBytes, blockBytes);
    }
  }

  public PoolConfig {
    features = List.copyOf(features);
    groups = List.copyOf(groups);
    devices = List.copyOf(devices);
  }

  /** The configuration that comes after another: what is not set stays, the generation rises. */
  private static final class Next {
    private final PoolConfig from;
    private long poolGuid;
    private String name;
    private PoolState state;
    private long forkId;
    private long parentForkId;
    private long hostId;
    private long bootId;
    private List<Feature> features;
    private List<Group> groups;
    private List<Device> devices;

    Next(PoolConfig from) {
      this.from = from;
      poolGuid = from.poolGuid;
      name = from.name;
      state = from.state;
      forkId = from.forkId;
      parentForkId = from.parentForkId;
      hostId = from.hostId;
      bootId = from.bootId;
      features = from.features;
      groups = from.groups;
      devices = from.devices;
    }

    PoolConfig made() {
      return new PoolConfig(
          poolGuid,
          name,
          state,
          from.generation + 1,
          forkId,
          parentForkId,
          hostId,
          bootId,
          from.creationSeconds,
          features,
          groups,
          devices);
    }
  }

  /** The same with another guid and the next generation. */
  public PoolConfig withGuid(long newGuid) {
    Next next = new Next(this);
    next.poolGuid = newGuid;
    return next.made();
  }

  /** The same with other features and the next generation. */
  public PoolConfig withFeatures(List<Feature> newFeatures) {
    Next next = new Next(this);
    next.features = newFeatures;
    return next.made();
  }

  /** The same with another state and the next generation. */
  public PoolConfig withState(PoolState newState) {
    Next next = new Next(this);
    next.state = newState;
    return next.made();
  }

  /** The same as the child fork of a new import, active on this host, with the next generation. */
  public PoolConfig withFork(long newForkId, long newHostId, long newBootId) {
    Next next = new Next(this);
    next.state = PoolState.ACTIVE;
    next.forkId = newForkId;
    next.parentForkId = forkId;
    next.hostId = newHostId;
    next.bootId = newBootId;
    return next.made();
  }

  /** The same with other devices and groups, and the next generation. */
  public PoolConfig withDevices(List<Group> newGroups, List<Device> newDevices) {
    Next next = new Next(this);
    next.groups = newGroups;
    next.devices = newDevices;
    return next.made();
  }

  /** The same with another name, and the next generation. */
  public PoolConfig withName(String newName) {
    Next next = new Next(this);
    next.name = newName;
    return next.made();
  }

  /** The group with this id; Corrupt when there is none. */
  public Group group(int id) {
    for (Group group : groups) {
      if (group.id == id) {
        return group;
      }
    }
    throw corrupt("config.group", id);
  }

  /** The device with this index; Corrupt when there is none. */
  public Device device(int index) {
    for (Device device : devices) {
      if (device.index == index) {
        return device;
      }
    }
    throw corrupt("config.device", index);
  }

  /** Length of {@link #encode}. */
  public int encodedBytes() {
    int bytes =
        HEADER_BYTES
            + FEATURE_BYTES * features.size()
            + GROUP_BYTES * groups.size()
            + DEVICE_BYTES * devices.size()
            + name.getBytes(UTF_8).length;
    for (Device device : devices) {
      bytes += device.pathHint.getBytes(UTF_8).length;
    }
    return bytes;
  }

  /** What the uberblock names this configuration by: the self checksum of its encoding. */
  public Hash256 checksum() {
    return Hash256.read(MemorySegment.ofArray(encode()), CHECKSUM);
  }

  /** All bytes, self checksum included. */
  public byte[] encode() {
    byte[] bytes = new byte[encodedBytes()];
    MemorySegment at = MemorySegment.ofArray(bytes);
    byte[] nameBytes = name.getBytes(UTF_8);
    Check.that(
        nameBytes.length > 0 && nameBytes.length <= MAX_NAME_BYTES,
        "pool name length",
        nameBytes.length);
    Disk.putU64(at, 0, MAGIC);
    Disk.putU32(at, 8, VERSION);
    Disk.putU32(at, 12, state.code());
    Disk.putU64(at, 16, generation);
    Disk.putU64(at, 24, poolGuid);
    Disk.putU64(at, 32, forkId);
    Disk.putU64(at, 40, parentForkId);
    Disk.putU64(at, 48, hostId);
    Disk.putU64(at, 56, bootId);
    Disk.putU64(at, 64, creationSeconds);
    Disk.putU32(at, 72, bytes.length);
    Disk.putU16(at, 76, nameBytes.length);
    Disk.putU16(at, 78, features.size());
    Disk.putU16(at, 80, groups.size());
    Disk.putU16(at, 82, devices.size());
    long offset = encodeArrays(at);
    MemorySegment.copy(nameBytes, 0, at, U8, offset, nameBytes.length);
    offset += nameBytes.length;
    for (Device device : devices) {
      byte[] path = device.pathHint.getBytes(UTF_8);
      Check.that(path.length <= MAX_PATH_BYTES, "device path length", path.length);
      MemorySegment.copy(path, 0, at, U8, offset, path.length);
      offset += path.length;
    }
    Hash256.ofRecord(at, CHECKSUM, 0).put(at, CHECKSUM);
    return bytes;
  }

  private long encodeArrays(MemorySegment at) {
    long offset = HEADER_BYTES;
    for (Feature feature : features) {
      byte[] text = feature.name.getBytes(UTF_8);
      Check.that(
          text.length > 0 && text.length <= MAX_FEATURE_NAME_BYTES,
          "feature name length",
          text.length);
      MemorySegment.copy(text, 0, at, U8, offset, text.length);
      Disk.putU8(at, offset + MAX_FEATURE_NAME_BYTES, feature.incompatible ? 1 : 0);
      offset += FEATURE_BYTES;
    }
    for (Group group : groups) {
      Disk.putU16(at, offset, group.id);
      Disk.putU8(at, offset + 2, group.placement.code());
      Disk.putU8(at, offset + 3, group.profile.kind().code());
      Disk.putU16(at, offset + 4, group.profile.width());
      Disk.putU8(at, offset + 6, group.profile.parity());
      Disk.putU32(at, offset + 8, group.sectorBytes);
      Disk.putU64(at, offset + 16, group.tileBytes);
      offset += GROUP_BYTES;
    }
    for (Device device : devices) {
      Disk.putU64(at, offset, device.guid);
      Disk.putU64(at, offset + 8, device.capacityBytes);
      Disk.putU32(at, offset + 16, device.blockBytes);
      Disk.putU16(at, offset + 20, device.index);
      Disk.putU16(at, offset + 22, device.group);
      Disk.putU16(at, offset + 24, device.pathHint.getBytes(UTF_8).length);
      offset += DEVICE_BYTES;
    }
    return offset;
  }

  /** Decodes and checks the configuration at the start of {@code area}, which may be longer. */
  public static PoolConfig decode(MemorySegment area) {
    if (area.byteSize() < HEADER_BYTES) {
      throw corrupt("config.size", area.byteSize());
    }
    if (Disk.u64(area, 0) != MAGIC) {
      throw corrupt("config.magic", Disk.u64(area, 0));
    }
    if (Disk.u32(area, 8) != VERSION) {
      throw corrupt("config.version", Disk.u32(area, 8));
    }
    long total = Disk.u32(area, 72);
    if (total < HEADER_BYTES || total > area.byteSize()) {
      throw corrupt("config.total_bytes", total);
    }
    MemorySegment at = area.asSlice(0, total);
    if (!Hash256.ofRecord(at, CHECKSUM, 0).equals(Hash256.read(at, CHECKSUM))) {
      throw corrupt("config.checksum", "mismatch");
    }
    return decodeBody(at);
  }

  private static PoolConfig decodeBody(MemorySegment at) {
    int nameBytes = Disk.u16(at, 76);
    int featureCount = Disk.u16(at, 78);
    int groupCount = Disk.u16(at, 80);
    int deviceCount = Disk.u16(at, 82);
    long fixed =
        HEADER_BYTES
            + (long) FEATURE_BYTES * featureCount
            + (long) GROUP_BYTES * groupCount
            + (long) DEVICE_BYTES * deviceCount
            + nameBytes;
    if (fixed > at.byteSize()) {
      throw corrupt("config.total_bytes", at.byteSize());
    }
    for (int field : new int[] {16, 24, 32}) {
      if (Disk.u64(at, field) == 0) {
        throw corrupt("config.generation, guid or fork", 0);
      }
    }
    if (Disk.u64(at, 16) < 0 || Disk.u64(at, 16) > Disk.MAX_TXG) {
      throw corrupt("config.generation", Disk.u64(at, 16));
    }
    long offset = HEADER_BYTES;
    List<Feature> features = new ArrayList<>(featureCount);
    for (int i = 0; i < featureCount; i++, offset += FEATURE_BYTES) {
      features.add(feature(at, offset));
    }
    List<Group> groups = new ArrayList<>(groupCount);
    for (int i = 0; i < groupCount; i++, offset += GROUP_BYTES) {
      Group group = group(at, offset);
      if (i > 0 && group.id <= groups.getLast().id) {
        throw corrupt("config.group.id", group.id);
      }
      groups.add(group);
    }
    long devicesAt = offset;
    offset += (long) DEVICE_BYTES * deviceCount;
    String name = text(at, offset, nameBytes, "config.name");
    if (nameBytes == 0 || nameBytes > MAX_NAME_BYTES || name.indexOf('/') >= 0) {
      throw corrupt("config.name", "length " + nameBytes);
    }
    offset += nameBytes;
    List<Device> devices = new ArrayList<>(deviceCount);
    for (int i = 0; i < deviceCount; i++) {
      Device device = device(at, devicesAt + (long) i * DEVICE_BYTES, offset, groups);
      if (i > 0 && device.index <= devices.getLast().index) {
        throw corrupt("config.device.index", device.index);
      }
      devices.add(device);
      offset += Disk.u16(at, devicesAt + (long) i * DEVICE_BYTES + 24);
    }
    if (offset != at.byteSize()) {
      throw corrupt("config.total_bytes", at.byteSize());
    }
    return new PoolConfig(
        Disk.u64(at, 24),
        name,
        PoolState.ofCode(Disk.u32(at, 12)),
        Disk.u64(at, 16),
        Disk.u64(at, 32),
        Disk.u64(at, 40),
        Disk.u64(at, 48),
        Disk.u64(at, 56),
        Disk.u64(at, 64),
        features,
        groups,
        devices);
  }

  private static Feature feature(MemorySegment at, long offset) {
    int length = 0;
    while (length < MAX_FEATURE_NAME_BYTES && Disk.u8(at, offset + length) != 0) {
      int letter = Disk.u8(at, offset + length);
      if (letter <= ' ' || letter >= 0x7f) {
        throw corrupt("config.feature.name", letter);
      }
      length++;
    }
    int incompatible = Disk.u8(at, offset + MAX_FEATURE_NAME_BYTES);
    if (length == 0 || incompatible > 1) {
      throw corrupt("config.feature", incompatible);
    }
    return new Feature(text(at, offset, length, "config.feature.name"), incompatible == 1);
  }

  private static Group group(MemorySegment at, long offset) {
    long sectorBytes = Disk.u32(at, offset + 8);
    long tileBytes = Disk.u64(at, offset + 16);
    if (!Geometry.isBlockSize(sectorBytes)) {
      throw corrupt("config.group.sector_bytes", sectorBytes);
    }
    if (!Geometry.isTileSize(tileBytes)) {
      throw corrupt("config.group.tile_bytes", tileBytes);
    }
    Profile profile =
        Profile.decode(
            Disk.u8(at, offset + 3),
            Disk.u16(at, offset + 4),
            Disk.u8(at, offset + 6),
            "config.group.profile");
    return new Group(
        Disk.u16(at, offset),
        PlacementClass.ofCode(Disk.u8(at, offset + 2), "config.group.class"),
        (int) sectorBytes,
        tileBytes,
        profile);
  }

  private static Device device(MemorySegment at, long offset, long pathAt, List<Group> groups) {
    long guid = Disk.u64(at, offset);
    long capacity = Disk.u64(at, offset + 8);
    long block = Disk.u32(at, offset + 16);
    int groupId = Disk.u16(at, offset + 22);
    int pathBytes = Disk.u16(at, offset + 24);
    if (guid == 0) {
      throw corrupt("config.device.guid", 0);
    }
    if (capacity < Geometry.MIN_SMALL_DEVICE_BYTES) {
      throw corrupt("config.device.capacity_bytes", capacity);
    }
    if (!Geometry.isBlockSize(block)) {
      throw corrupt("config.device.block_bytes", block);
    }
    if (groups.stream().noneMatch(group -> group.id == groupId)) {
      throw corrupt("config.device.group", groupId);
    }
    if (pathBytes > MAX_PATH_BYTES || pathAt + pathBytes > at.byteSize()) {
      throw corrupt("config.device.path_bytes", pathBytes);
    }
    return new Device(
        guid,
        groupId,
        Disk.u16(at, offset + 20),
        capacity,
        (int) block,
        text(at, pathAt, pathBytes, "config.device.path"));
  }

  private static String text(MemorySegment at, long offset, int length, String field) {
    byte[] bytes = at.asSlice(offset, length).toArray(U8);
    String text;
    try {
      text = UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw corrupt(field, "not UTF-8");
    }
    if (text.indexOf('\0') >= 0) {
      throw corrupt(field, "a NUL");
    }
    return text;
  }
}
