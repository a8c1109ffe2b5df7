package io.lcpfs.cache;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * Something that {@link Arc} may evict: its owner extends this class. A new entry is pinned once,
 * by whoever makes it; while anyone pins it, it stays. A dirty entry is one that its owner keeps
 * pinned.
 *
 * <p>The life of an entry: pinned or free; then <i>evicting</i>, from the moment the cache chose it
 * until {@link #evicted} has returned; then <i>gone</i>, until {@link #tryRevive} makes it new. A
 * reader for whom {@link #tryPin} answers false has a miss.
 */
public abstract class CacheEntry {
  private static final int EVICTING = -1;
  private static final int GONE = -2;
  private static final VarHandle PINS;
  private static final VarHandle REFERENCED;
  private static final VarHandle FIRST_TOUCH;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      PINS = lookup.findVarHandle(CacheEntry.class, "pins", int.class);
      REFERENCED = lookup.findVarHandle(CacheEntry.class, "referenced", boolean.class);
      FIRST_TOUCH = lookup.findVarHandle(CacheEntry.class, "firstTouch", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final CacheClass cacheClass;

  /** Number of pins, or one of the two negative states. */
  private volatile int pins = 1;

  /** Touched again after the time in which touches belong to one use; the clock hand clears it. */
  @SuppressWarnings("unused") // through REFERENCED
  private boolean referenced;

  /** The cache's clock at the first touch since it came in; 0 before that. */
  @SuppressWarnings("unused") // through FIRST_TOUCH
  private long firstTouch;

  // The rest belongs to Arc's lock.

  @Nullable ClockList home;
  @Nullable CacheEntry next;
  @Nullable CacheEntry previous;
  int charge;

  /** A new entry, pinned once. */
  protected CacheEntry(CacheClass cacheClass) {
    this.cacheClass = cacheClass;
  }

  /** What this entry costs in bytes; asked at insert. At least 1. */
  protected abstract int chargedBytes();

  /**
   * A 64-bit hash of what is cached (dataset, object, level, block): equal when the same block
   * comes back in another entry, else different but for chance. Called with the cache's lock held:
   * answer from final fields.
   */
  protected abstract long ghostKey();

  /**
   * The cache gave this entry up: free its memory and unhook it. Called once per eviction, from any
   * thread that asked the cache for room, without a lock of the cache. Nobody has a pin or can get
   * one. Must not allocate from the cache.
   */
  protected abstract void evicted();

  /** What kind of block this is. */
  public final CacheClass cacheClass() {
    return cacheClass;
  }

  /** Keeps the entry from eviction until {@link #unpin}. Lock-free; false when it is too late. */
  public final boolean tryPin() {
    int seen = pins;
    while (seen >= 0) {
      int witness = (int) PINS.compareAndExchange(this, seen, seen + 1);
      if (witness == seen) {
        return true;
      }
      seen = witness;
    }
    return false;
  }

  /** Adds a pin to one that the caller holds. */
  public final void pin() {
    changePins(1);
  }

  /** Gives back a pin. */
  public final void unpin() {
    changePins(-1);
  }

  private void changePins(int by) {
    int before = (int) PINS.getAndAdd(this, by);
    if (before <= 0) {
      PINS.getAndAdd(this, -by);
      throw new AssertionError("pin or unpin of an entry that is not pinned: " + before);
    }
  }

  /** Whether anyone has a pin, at this moment. */
  public final boolean isPinned() {
    return pins > 0;
  }

  /** Whether it was evicted and {@link #evicted} has returned. */
  public final boolean isGone() {
    return pins == GONE;
  }

  /** Makes an entry that is gone new again, with one pin; false when it is not gone. */
  public final boolean tryRevive() {
    return PINS.compareAndSet(this, GONE, 1);
  }

  final boolean tryBeginEviction() {
    return PINS.compareAndSet(this, 0, EVICTING);
  }

  final void endEviction() {
    pins = GONE;
  }

  /** Notes a use at time {@code now}; uses less than {@code window} after the first are one use. */
  final void noteTouch(long now, long window) {
    if ((boolean) REFERENCED.getOpaque(this)) {
      return;
    }
    long first = (long) FIRST_TOUCH.getOpaque(this);
    if (first == 0) {
      FIRST_TOUCH.setOpaque(this, now);
    } else if (now - first >= window) {
      REFERENCED.setOpaque(this, true);
    }
  }

  final void resetTouches(long firstTouchAt) {
    REFERENCED.setOpaque(this, false);
    FIRST_TOUCH.setOpaque(this, firstTouchAt);
  }

  final boolean takeReference() {
    boolean was = (boolean) REFERENCED.getOpaque(this);
    if (was) {
      REFERENCED.setOpaque(this, false);
    }
    return was;
  }
}
