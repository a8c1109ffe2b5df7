package io.lcpfs.pool;

import io.lcpfs.env.Env;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.format.HistoryRecord;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What was done to the pool: records appended to the HISTORY object, whose bonus is their length in
 * bytes. When the log is full, its older half is dropped.
 */
final class History {
  private static final long MAX_BYTES = 1 << 20;
  private static final int BLOCK_BYTES = 128 << 10;

  private final Env env;
  private final ObjectSet meta;
  private final Dnode object;
  private final ReentrantLock lock = new ReentrantLock();

  /**
   * @param object the HISTORY object; this holds it
   */
  History(Env env, ObjectSet meta, Dnode object) {
    this.env = env;
    this.meta = meta;
    this.object = object;
  }

  /** What the bonus of an empty log is. */
  static byte[] emptyBonus() {
    return new byte[8];
  }

  private long length() {
    byte[] bonus = object.bonus();
    if (bonus.length != 8) {
      throw PoolException.corrupt("history.bonus", bonus.length);
    }
    long length = Disk.u64(MemorySegment.ofArray(bonus), 0);
    if (length < 0 || length > 2 * MAX_BYTES) {
      throw PoolException.corrupt("history.length", length);
    }
    return length;
  }

  void add(String who, String command) {
    lock.lock();
    try (Tx tx = meta.begin(2L * BLOCK_BYTES)) {
      byte[] record = new HistoryRecord(tx.txg(), env.wallNanos(), who, command).encode();
      byte[] kept = length() + record.length > MAX_BYTES ? newerHalf() : null;
      long at = kept == null ? length() : kept.length;
      if (kept != null) {
        object.write(tx, 0, MemorySegment.ofArray(kept), 0, kept.length, BLOCK_BYTES);
      }
      object.write(tx, at, MemorySegment.ofArray(record), 0, record.length, BLOCK_BYTES);
      byte[] bonus = new byte[8];
      Disk.putU64(MemorySegment.ofArray(bonus), 0, at + record.length);
      object.setBonus(tx, bonus);
    } finally {
      lock.unlock();
    }
  }

  private byte[] newerHalf() {
    byte[] all = readAll();
    int from = 0;
    while (from < all.length / 2) {
      from += HistoryRecord.totalBytes(all, from);
    }
    return Arrays.copyOfRange(all, from, all.length);
  }

  private byte[] readAll() {
    byte[] all = new byte[(int) length()];
    object.read(0, MemorySegment.ofArray(all), 0, all.length);
    return all;
  }

  List<HistoryEvent> list() {
    lock.lock();
    try {
      byte[] all = readAll();
      List<HistoryEvent> events = new ArrayList<>();
      for (int at = 0; at < all.length; at += HistoryRecord.totalBytes(all, at)) {
        HistoryRecord record = HistoryRecord.decode(all, at);
        events.add(
            new HistoryEvent(record.txg(), record.wallNanos(), record.who(), record.command()));
      }
      return events;
    } finally {
      lock.unlock();
    }
  }
}
