package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.error.PoolException.posix;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A POSIX access control list (IEEE 1003.1e draft 17, acl(5)) that says more than mode bits can: it
 * has a mask. Immutable.
 *
 * <p>The permissions of the owner, of the mask and of all others are those of the mode's three
 * classes wherever there is a mode: so a chmod changes nothing here, and the two cannot disagree.
 *
 * <p>As an extended attribute it is what Linux passes: u32 version 2, then for each entry u16 tag,
 * u16 permissions, u32 id, all little-endian.
 */
final class PosixAcl {
  /** The extended attribute that holds the list of a file. */
  static final byte[] ACCESS = bytes(PosixFileSystem.XATTR_ACCESS_LIST);

  /** The extended attribute of a directory that holds the list for what is made in it. */
  static final byte[] DEFAULT = bytes(PosixFileSystem.XATTR_DEFAULT_LIST);

  private static final int VERSION = 2;
  private static final int HEADER_BYTES = 4;
  private static final int ENTRY_BYTES = 8;
  static final int NO_ID = -1;

  static final int USER_OBJ = 0x01;
  static final int USER = 0x02;
  static final int GROUP_OBJ = 0x04;
  static final int GROUP = 0x08;
  static final int MASK = 0x10;
  static final int OTHER = 0x20;
  static final int ALL = 7;

  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final int[] tags;
  private final int[] permissions;
  private final int[] ids;

  private PosixAcl(int[] tags, int[] permissions, int[] ids) {
    this.tags = tags;
    this.permissions = permissions;
    this.ids = ids;
  }

  /** One entry; {@code id} is NO_ID unless it names a user or a group. */
  record Entry(int tag, int permissions, int id) {
    boolean isNamed() {
      return tag == USER || tag == GROUP;
    }
  }

  /** The list with these entries; {@link #check} is still to be called. */
  static PosixAcl of(List<Entry> entries) {
    return new PosixAcl(
        entries.stream().mapToInt(Entry::tag).toArray(),
        entries.stream().mapToInt(Entry::permissions).toArray(),
        entries.stream().mapToInt(Entry::id).toArray());
  }

  List<Entry> entries() {
    List<Entry> entries = new ArrayList<>(tags.length);
    for (int i = 0; i < tags.length; i++) {
      entries.add(new Entry(tags[i], permissions[i], ids[i]));
    }
    return entries;
  }

  /**
   * Decodes the value of an extended attribute; {@link #check} is still to be called.
   *
   * @return null for no bytes and for a list without entries, which stand for none
   * @throws PoolException EINVAL, EOPNOTSUPP for another version
   */
  static @Nullable PosixAcl decode(byte[] value) {
    if (value.length == 0) {
      return null;
    }
    if (value.length < HEADER_BYTES || (value.length - HEADER_BYTES) % ENTRY_BYTES != 0) {
      throw posix(Errno.EINVAL, "access control list of " + value.length + " bytes");
    }
    MemorySegment at = MemorySegment.ofArray(value);
    if (at.get(U32, 0) != VERSION) {
      throw posix(Errno.EOPNOTSUPP, "access control list of version " + at.get(U32, 0));
    }
    int count = (value.length - HEADER_BYTES) / ENTRY_BYTES;
    if (count == 0) {
      return null;
    }
    PosixAcl acl = new PosixAcl(new int[count], new int[count], new int[count]);
    for (int i = 0; i < count; i++) {
      long entry = HEADER_BYTES + (long) ENTRY_BYTES * i;
      acl.tags[i] = Short.toUnsignedInt(at.get(U16, entry));
      acl.permissions[i] = Short.toUnsignedInt(at.get(U16, entry + 2));
      acl.ids[i] = at.get(U32, entry + 4);
      boolean named = acl.tags[i] == USER || acl.tags[i] == GROUP;
      if (!isKnown(acl.tags[i]) || (named && acl.ids[i] == NO_ID)) {
        throw bad(i, acl.tags[i], acl.permissions[i]);
      }
    }
    return acl;
  }

  private static byte[] bytes(String name) {
    return name.getBytes(StandardCharsets.US_ASCII);
  }

  static boolean isName(byte[] name) {
    return Arrays.equals(name, ACCESS) || Arrays.equals(name, DEFAULT);
  }

  /**
   * The list under {@code name} in what a device holds, or null.
   *
   * @throws PoolException Corrupt when it is none, or an access list without a mask
   */
  static @Nullable PosixAcl stored(XattrMap map, byte[] name) {
    byte[] value = map.get(name);
    if (value == null) {
      return null;
    }
    PosixAcl acl;
    try {
      acl = decode(value);
      if (acl != null) {
        acl.check();
      }
    } catch (PoolException e) {
      throw corrupt("xattr.value", e.error().message());
    }
    if (acl == null || (!acl.hasMask() && Arrays.equals(name, ACCESS))) {
      throw corrupt("xattr.value", Names.show(name) + " without entries or mask");
    }
    return acl;
  }

  /**
   * Entries have to be in the order of their tags, the single ones there once, a mask where
   * somebody is named.
   *
   * @throws PoolException EINVAL
   */
  void check() {
    int before = 0;
    for (int i = 0; i < tags.length; i++) {
      int tag = tags[i];
      boolean named = tag == USER || tag == GROUP;
      boolean inOrder = tag > before || (named && tag == before);
      if (!inOrder || permissions[i] > ALL) {
        throw bad(i, tag, permissions[i]);
      }
      before = tag;
    }
    boolean named = find(USER) >= 0 || find(GROUP) >= 0;
    if (find(USER_OBJ) < 0 || find(GROUP_OBJ) < 0 || find(OTHER) < 0 || (named && find(MASK) < 0)) {
      throw posix(Errno.EINVAL, "access control list: an entry is missing");
    }
  }

  private static boolean isKnown(int tag) {
    return tag > 0 && tag <= OTHER && Integer.bitCount(tag) == 1;
  }

  private static PoolException bad(int entry, int tag, int permissions) {
    String where = "access control list, entry " + entry;
    return posix(Errno.EINVAL, where + ": tag " + tag + ", permissions " + permissions);
  }

  private int find(int tag) {
    for (int i = 0; i < tags.length; i++) {
      if (tags[i] == tag) {
        return i;
      }
    }
    return -1;
  }

  private int of(int tag) {
    return permissions[find(tag)];
  }

  /** Whether it has a mask; one without says no more than a mode does. */
  boolean hasMask() {
    return find(MASK) >= 0;
  }

  /** The nine permission bits that stand for it: the group's are the mask's, where it has one. */
  int modeBits() {
    return of(USER_OBJ) << 6 | of(hasMask() ? MASK : GROUP_OBJ) << 3 | of(OTHER);
  }

  /** The same with the permissions that the classes of {@code mode} have. */
  PosixAcl withMode(int mode) {
    int[] changed = permissions.clone();
    changed[find(USER_OBJ)] = (mode >> 6) & ALL;
    changed[find(hasMask() ? MASK : GROUP_OBJ)] = (mode >> 3) & ALL;
    changed[find(OTHER)] = mode & ALL;
    return Arrays.equals(changed, permissions) ? this : new PosixAcl(tags, changed, ids);
  }

  /**
   * Of a directory's default list: the access list of a file that was asked for with {@code mode},
   * which takes away what it does not have.
   */
  PosixAcl forNewFile(int mode) {
    return withMode(modeBits() & mode);
  }

  byte[] encode() {
    byte[] value = new byte[HEADER_BYTES + ENTRY_BYTES * tags.length];
    MemorySegment to = MemorySegment.ofArray(value);
    to.set(U32, 0, VERSION);
    for (int i = 0; i < tags.length; i++) {
      long entry = HEADER_BYTES + (long) ENTRY_BYTES * i;
      boolean named = tags[i] == USER || tags[i] == GROUP;
      to.set(U16, entry, (short) tags[i]);
      to.set(U16, entry + 2, (short) permissions[i]);
      to.set(U32, entry + 4, named ? ids[i] : NO_ID);
    }
    return value;
  }

  /**
   * Whether someone who is neither the owner nor privileged has all of {@code wanted} (R_OK, W_OK,
   * X_OK) on a file with this list and these attributes: the entry that names the user decides,
   * else any of those that name a group of his, else the one for others.
   */
  boolean allows(ZnodeRecord file, Caller caller, int wanted) {
    int mask = (file.mode >> 3) & ALL;
    boolean inGroup = false;
    for (int i = 0; i < tags.length; i++) {
      switch (tags[i]) {
        case USER -> {
          if (ids[i] == caller.uid()) {
            return (permissions[i] & mask & wanted) == wanted;
          }
        }
        case GROUP_OBJ, GROUP -> {
          if (caller.inGroup(tags[i] == GROUP ? ids[i] : file.gid)) {
            inGroup = true;
            if ((permissions[i] & mask & wanted) == wanted) {
              return true;
            }
          }
        }
        default -> {}
      }
    }
    return !inGroup && (file.mode & wanted) == wanted;
  }
}
