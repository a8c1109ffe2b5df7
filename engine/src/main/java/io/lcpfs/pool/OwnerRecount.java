package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.OwnerAccountRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import io.lcpfs.zap.Zap;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes the accounts of a file system anew from a count of its objects, where what they say is of
 * another: as they were sent, blocks were of other sizes.
 */
final class OwnerRecount {
  private static final long TX_BYTES = 256 << 10;
  private static final int OWNERS_PER_TX = 64;

  private final ObjectContext context;
  private final ObjectSet objects;

  OwnerRecount(ObjectContext context, ObjectSet objects) {
    this.context = context;
    this.objects = objects;
  }

  /**
   * Counts, and writes what is found; nobody else may change the object set, or look at it.
   *
   * @return whether it has accounts
   * @throws PoolException EIO when not all of it can be read; ENOSPC
   */
  boolean run() {
    objects.sync();
    long object = OwnerAccounts.find(objects, context.env());
    if (object == 0) {
      return false;
    }
    Map<String, OwnerAccountRecord> found = OwnerCheck.count(context, objects.root());
    if (found == null) {
      throw PoolException.refused(Errno.EIO, "some of its objects cannot be read");
    }
    if (!found.equals(said())) {
      try (Dnode zap = emptied(object)) {
        write(zap, found);
      }
      objects.sync();
    }
    return true;
  }

  private @Nullable Map<String, OwnerAccountRecord> said() {
    try {
      return OwnerAccounts.read(objects, context.env());
    } catch (PoolException e) {
      if (!OwnerAccounts.isDamage(e)) {
        throw e;
      }
      return null; // parts of two
    }
  }

  private Dnode emptied(long object) {
    Dnode zap = held(object);
    boolean done = false;
    try {
      if (zap.type() != ObjectType.ZAP) {
        throw PoolException.corrupt("master.accounts", "object " + object + " is " + zap.type());
      }
      while (zap.blockCount() > 0) {
        long end = zap.endOfBlocks(0, Dnode.MAX_BLOCKS_FREED_AT_ONCE);
        try (Tx tx = objects.beginFreeing(TX_BYTES)) {
          zap.freeRange(tx, 0, end); // all, or a part of it the next time
        }
      }
      try (Tx tx = objects.begin(TX_BYTES)) {
        zap.setBlockBytes(tx, OwnerAccountRecord.ZAP_BLOCK_BYTES);
        Zap.create(tx, zap, context.env());
      }
      done = true;
      return zap;
    } finally {
      if (!done) {
        zap.close();
      }
    }
  }

  private Dnode held(long object) {
    try {
      return objects.hold(object);
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
    }
    try (Tx tx = objects.begin(TX_BYTES)) {
      return objects.createAgain(tx, object, ObjectType.ZAP, OwnerAccountRecord.ZAP_BLOCK_BYTES);
    }
  }

  private void write(Dnode object, Map<String, OwnerAccountRecord> found) {
    Zap zap = Zap.open(object, context.env());
    Iterator<Map.Entry<String, OwnerAccountRecord>> left = found.entrySet().iterator();
    while (left.hasNext()) {
      try (Tx tx = objects.begin(TX_BYTES)) {
        for (int i = 0; i < OWNERS_PER_TX && left.hasNext(); i++) {
          Map.Entry<String, OwnerAccountRecord> owner = left.next();
          zap.put(tx, owner.getKey().getBytes(US_ASCII), owner.getValue().encode());
        }
      }
    }
  }
}
