package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.env.Env;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
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
 * bytes. A record: length u32, who's length u16, reserved u16, txg u64, wall clock nanoseconds u64, who,
 * command. When the log is full, its older half is dropped.
 */
final class History {
  static final int RECORD_HEADER_BYTES = 24;
  private static final int MAX_TEXT_BYTES = 4096;
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

  private static byte[] clipped(String text) {
    byte[] bytes = text.getBytes(UTF_8);
    return bytes.length <= MAX_TEXT_BYTES ? bytes : Arrays.copyOf(bytes, MAX_TEXT_BYTES);
  }

  void add(String who, String command) {
    byte[] whoBytes = clipped(who);
    byte[] commandBytes = clipped(command);
    int bytes = RECORD_HEADER_BYTES + whoBytes.length + commandBytes.length;
    lock.lock();
    try (Tx tx = meta.begin(2L * BLOCK_BYTES)) {
      byte[] kept = length() + bytes > MAX_BYTES ? newerHalf() : null;
      long at = kept == null ? length() : kept.length;
      byte[] record = new byte[bytes];
      MemorySegment segment = MemorySegment.ofArray(record);
      Disk.putU32(segment, 0, bytes);
      Disk.putU16(segment, 4, whoBytes.length);
      Disk.putU64(segment, 8, tx.txg());
      Disk.putU64(segment, 16, env.wallNanos());
      System.arraycopy(whoBytes, 0, record, RECORD_HEADER_BYTES, whoBytes.length);
      System.arraycopy(commandBytes, 0, record, RECORD_HEADER_BYTES + whoBytes.length,
          commandBytes.length);
      if (kept != null) {
        object.write(tx, 0, MemorySegment.ofArray(kept), 0, kept.length, BLOCK_BYTES);
      }
      object.write(tx, at, segment, 0, bytes, BLOCK_BYTES);
      byte[] bonus = new byte[8];
      Disk.putU64(MemorySegment.ofArray(bonus), 0, at + bytes);
      object.setBonus(tx, bonus);
    } finally {
      lock.unlock();
    }
  }

  private byte[] newerHalf() {
    byte[] all = readAll();
    int from = 0;
    while (from < all.length / 2) {
      from += (int) Disk.u32(MemorySegment.ofArray(all), from);
    }
    return Arrays.copyOfRange(all, from, all.length);
  }

  private byte[] readAll() {
    byte[] all = new byte[(int) length()];
    object.read(0, MemorySegment.ofArray(all), 0, all.length);
    int at = 0;
    while (at < all.length) {
      MemorySegment rest = MemorySegment.ofArray(all).asSlice(at);
      long bytes = rest.byteSize() < RECORD_HEADER_BYTES ? 0 : Disk.u32(rest, 0);
      if (bytes < RECORD_HEADER_BYTES || bytes > rest.byteSize()
          || RECORD_HEADER_BYTES + Disk.u16(rest, 4) > bytes) {
        throw PoolException.corrupt("history.record", at);
      }
      at += (int) bytes;
    }
    return all;
  }

  List<HistoryEvent> list() {
    lock.lock();
    try {
      byte[] all = readAll();
      List<HistoryEvent> events = new ArrayList<>();
      int at = 0;
      while (at < all.length) {
        MemorySegment record = MemorySegment.ofArray(all).asSlice(at);
        int bytes = (int) Disk.u32(record, 0);
        int who = Disk.u16(record, 4);
        int text = at + RECORD_HEADER_BYTES;
        events.add(new HistoryEvent(Disk.u64(record, 8), Disk.u64(record, 16),
            new String(all, text, who, UTF_8),
            new String(all, text + who, bytes - RECORD_HEADER_BYTES - who, UTF_8)));
        at += bytes;
      }
      return events;
    } finally {
      lock.unlock();
    }
  }
}
