package io.lcpfs.posix;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.ObjectAccounts;
import io.lcpfs.object.ObjectAccounts.Owner;
import io.lcpfs.object.ObjectSet;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Refuses what an owner's quota leaves no room for, as of the last group. Without quotas that is a
 * look at one field.
 */
final class OwnerQuotas {
  private OwnerQuotas() {}

  /** Before data is written to a file. */
  static void refuseWrite(ObjectSet objects, ZnodeRecord file) {
    @Nullable ObjectAccounts accounts = objects.accounts();
    if (accounts != null) {
      refuse(accounts, Owner.USER, file.uid, false);
      refuse(accounts, Owner.GROUP, file.gid, false);
      refuse(accounts, Owner.PROJECT, file.project, false);
    }
  }

  /**
   * What the quotas of a file's owners leave for blocks that it is given by reference; 0 or fewer
   * where one is reached.
   */
  static long roomBytes(ObjectSet objects, ZnodeRecord file) {
    @Nullable ObjectAccounts accounts = objects.accounts();
    return accounts == null
        ? Long.MAX_VALUE
        : Math.min(
            accounts.roomBytes(Owner.USER, file.uid),
            Math.min(
                accounts.roomBytes(Owner.GROUP, file.gid),
                accounts.roomBytes(Owner.PROJECT, file.project)));
  }

  /** After a file was given blocks by reference in a transaction of {@code txg}. */
  static void given(ObjectSet objects, ZnodeRecord file, long bytes, long txg) {
    @Nullable ObjectAccounts accounts = objects.accounts();
    if (accounts != null) {
      accounts.given(Owner.USER, file.uid, bytes, txg);
      accounts.given(Owner.GROUP, file.gid, bytes, txg);
      accounts.given(Owner.PROJECT, file.project, bytes, txg);
    }
  }

  /** As {@link #refuseWrite}, where {@link #roomBytes} left nothing. */
  static void refuseWithoutRoom(ObjectSet objects, ZnodeRecord file) {
    @Nullable ObjectAccounts accounts = objects.accounts();
    if (accounts != null) {
      for (Owner owner : Owner.values()) {
        int id =
            switch (owner) {
              case USER -> file.uid;
              case GROUP -> file.gid;
              case PROJECT -> file.project;
            };
        if (accounts.roomBytes(owner, id) <= 0) {
          throw reached(owner, id, false);
        }
      }
    }
  }

  /** Before a file of these owners is made. */
  static void refuseNew(ObjectSet objects, int uid, int gid, int project) {
    @Nullable ObjectAccounts accounts = objects.accounts();
    if (accounts != null) {
      for (int i = 0; i < 2; i++) {
        boolean count = i == 0;
        refuse(accounts, Owner.USER, uid, count);
        refuse(accounts, Owner.GROUP, gid, count);
        refuse(accounts, Owner.PROJECT, project, count);
      }
    }
  }

  /** Before a file gets other owners. */
  static void refuseGiven(ObjectSet objects, ZnodeRecord file, SetAttr change) {
    @Nullable ObjectAccounts accounts = objects.accounts();
    if (accounts == null) {
      return;
    }
    if (change.has(SetAttr.UID) && change.uid != file.uid) {
      refuse(accounts, Owner.USER, change.uid, true);
      refuse(accounts, Owner.USER, change.uid, false);
    }
    if (change.has(SetAttr.GID) && change.gid != file.gid) {
      refuse(accounts, Owner.GROUP, change.gid, true);
      refuse(accounts, Owner.GROUP, change.gid, false);
    }
    if (change.has(SetAttr.PROJECT) && change.project != file.project) {
      refuse(accounts, Owner.PROJECT, change.project, true);
      refuse(accounts, Owner.PROJECT, change.project, false);
    }
  }

  private static void refuse(ObjectAccounts accounts, Owner owner, int id, boolean objects) {
    if (accounts.isFull(owner, id, objects)) {
      throw reached(owner, id, objects);
    }
  }

  private static PoolException reached(Owner owner, int id, boolean objects) {
    String name = owner.name().toLowerCase(Locale.ROOT);
    return refused(
        Errno.EDQUOT,
        name
            + " "
            + Integer.toUnsignedString(id)
            + " has reached the quota; delete some of "
            + (owner == Owner.USER ? "the user's" : "its")
            + " files, or raise "
            + name
            + (objects ? "objquota@" : "quota@")
            + Integer.toUnsignedString(id));
  }
}
