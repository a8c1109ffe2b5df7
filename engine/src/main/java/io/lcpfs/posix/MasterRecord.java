package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.env.Env;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.OwnerAccountRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectAccounts;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.nio.charset.StandardCharsets;

/**
 * Object 1, a ZAP: where a file system's parts are.
 *
 * @param rootInode the root directory
 * @param unlinkedObject ZAP of files without names that are not yet freed
 * @param accountsObject ZAP of what each user, group and project has, or 0
 */
record MasterRecord(long rootInode, long unlinkedObject, long accountsObject) {
  static final long OBJECT = 1;
  static final long VERSION = 1;
  static final int ZAP_BLOCK_BYTES = 512;

  private static final long XATTRS_AS_MAP = 1;

  /** Makes an empty file system in an empty object set. */
  static void format(Tx tx, ObjectSet objects, Env env, int uid, int gid) {
    try (Dnode master = objects.create(tx, ObjectType.ZAP, ZAP_BLOCK_BYTES);
        Dnode unlinked = objects.create(tx, ObjectType.ZAP, ZAP_BLOCK_BYTES);
        Dnode root = objects.create(tx, ObjectType.DIRECTORY, ZAP_BLOCK_BYTES)) {
      if (master.number() != OBJECT) {
        throw corrupt("master.object", master.number());
      }
      Zap.create(tx, unlinked, env);
      Zap.create(tx, root, env);
      ZnodeRecord record = new ZnodeRecord();
      record.mode = Mode.DIRECTORY | 0x1ED;
      record.uid = uid;
      record.gid = gid;
      record.nlink = 2;
      record.parent = root.number();
      record.generation = (tx.txg() << 24) | 0xFFFFFF;
      record.setBirth(env.wallNanos());
      root.setBonus(tx, record.encode());
      Zap.create(tx, master, env);
      Zap entries = Zap.open(master, env);
      insert(tx, entries, "root", root.number());
      insert(tx, entries, "unlinked", unlinked.number());
      insert(tx, entries, "version", VERSION);
      insert(tx, entries, "xattrs", XATTRS_AS_MAP);
      ObjectAccounts accounts = objects.accounts();
      if (accounts != null && accounts.isWanted()) {
        try (Dnode zap = objects.create(tx, ObjectType.ZAP, OwnerAccountRecord.ZAP_BLOCK_BYTES)) {
          Zap.create(tx, zap, env);
          insert(tx, entries, OwnerAccountRecord.MASTER_NAME, zap.number());
          accounts.made(zap.number());
        }
      }
    }
  }

  private static void insert(Tx tx, Zap entries, String key, long value) {
    Check.that(entries.insertLong(tx, key.getBytes(StandardCharsets.UTF_8), value), key);
  }

  static MasterRecord read(ObjectSet objects, Env env) {
    try (Dnode master = objects.hold(OBJECT)) {
      if (master.type() != ObjectType.ZAP) {
        throw corrupt("master.type", master.type().code());
      }
      Zap entries = Zap.open(master, env);
      long version = get(entries, "version");
      if (version != VERSION) {
        throw refused(
            Errno.EOPNOTSUPP,
            "file system version "
                + version
                + " is not known here ("
                + VERSION
                + " is); open it with a newer lcpfs");
      }
      if (get(entries, "xattrs") != XATTRS_AS_MAP) {
        throw corrupt("master.xattrs", get(entries, "xattrs"));
      }
      byte[] name = OwnerAccountRecord.MASTER_NAME.getBytes(StandardCharsets.UTF_8);
      long accounts = entries.contains(name) ? get(entries, OwnerAccountRecord.MASTER_NAME) : 0;
      long unlinked = get(entries, "unlinked");
      if (accounts == OBJECT || accounts == unlinked) {
        throw corrupt("master.accounts", accounts);
      }
      return new MasterRecord(get(entries, "root"), unlinked, accounts);
    }
  }

  private static long get(Zap entries, String key) {
    byte[] name = key.getBytes(StandardCharsets.UTF_8);
    long value = entries.getLong(name, 0, name.length);
    if (value <= 0) {
      throw corrupt("master." + key, value);
    }
    return value;
  }
}
