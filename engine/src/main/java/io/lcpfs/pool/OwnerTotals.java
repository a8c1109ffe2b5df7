package io.lcpfs.pool;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.OwnerAccountRecord;
import io.lcpfs.object.ObjectAccounts.Owner;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;

/**
 * Bytes and objects by owner, or changes of them. An owner is written as in the ZAP: {@code u1000},
 * {@code g100}, {@code p0}.
 */
final class OwnerTotals {
  /** Mutable: bytes, objects. */
  private final TreeMap<String, long[]> totals = new TreeMap<>();

  static String key(Owner owner, int id) {
    return switch (owner) {
          case USER -> "u";
          case GROUP -> "g";
          case PROJECT -> "p";
        }
        + Integer.toUnsignedString(id);
  }

  /** An owner in parts. */
  record Key(Owner owner, int id) {}

  /**
   * What {@link #key} made.
   *
   * @throws io.lcpfs.error.PoolException Corrupt
   */
  static Key parse(String key) {
    String id = key.isEmpty() ? "" : key.substring(1);
    if (!id.matches("[0-9]{1,10}") || Long.parseLong(id) > 0xffff_ffffL) {
      throw PoolException.corrupt("owner_account.name", key);
    }
    int number = (int) Long.parseLong(id);
    return switch (key.charAt(0)) {
      case 'u' -> new Key(Owner.USER, number);
      case 'g' -> new Key(Owner.GROUP, number);
      case 'p' -> new Key(Owner.PROJECT, number);
      default -> throw PoolException.corrupt("owner_account.name", key);
    };
  }

  /** Adds an object with its content, or takes it away; nothing for what is no file. */
  void add(ObjectType type, byte[] bonus, long contentBytes, int sign) {
    boolean file =
        type == ObjectType.FILE
            || type == ObjectType.DIRECTORY
            || type == ObjectType.SYMLINK
            || type == ObjectType.SPECIAL;
    if (!file || bonus.length < OwnerAccountRecord.ZNODE_BYTES) {
      return;
    }
    MemorySegment at = MemorySegment.ofArray(bonus);
    long bytes = sign * (contentBytes + OwnerAccountRecord.OBJECT_BYTES);
    add(Owner.USER, (int) Disk.u32(at, OwnerAccountRecord.UID_OFFSET), bytes, sign);
    add(Owner.GROUP, (int) Disk.u32(at, OwnerAccountRecord.GID_OFFSET), bytes, sign);
    add(Owner.PROJECT, (int) Disk.u32(at, OwnerAccountRecord.PROJECT_OFFSET), bytes, sign);
  }

  private void add(Owner owner, int id, long bytes, long objects) {
    long[] total = totals.computeIfAbsent(key(owner, id), k -> new long[2]);
    total[0] += bytes;
    total[1] += objects;
  }

  /** By owner: bytes, objects; those with neither are left out. */
  Map<String, long[]> nonZero() {
    TreeMap<String, long[]> result = new TreeMap<>();
    totals.forEach(
        (key, total) -> {
          if (total[0] != 0 || total[1] != 0) {
            result.put(key, total.clone());
          }
        });
    return result;
  }

  void clear() {
    totals.clear();
  }
}
