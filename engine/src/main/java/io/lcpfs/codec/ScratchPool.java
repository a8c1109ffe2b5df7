package io.lcpfs.codec;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Keeps a few idle scratch objects for whoever needs one next. Not bound to threads, so that a
 * million virtual threads share what the handful of running ones need. Takes no lock; one that
 * finds no room when it is given back is disposed of.
 */
final class ScratchPool<T> {
  private final AtomicReferenceArray<T> idle;
  private final Supplier<T> factory;
  private final Consumer<T> disposer;

  /** {@code disposer} frees what the garbage collector does not. */
  ScratchPool(int capacity, Supplier<T> factory, Consumer<T> disposer) {
    this.idle = new AtomicReferenceArray<>(capacity);
    this.factory = factory;
    this.disposer = disposer;
  }

  /** An object that nobody else holds, with arbitrary content. Must come back by {@link #give}. */
  T take() {
    for (int i = 0; i < idle.length(); i++) {
      if (idle.getPlain(i) != null) {
        T found = idle.getAndSet(i, null);
        if (found != null) {
          return found;
        }
      }
    }
    return factory.get();
  }

  void give(T scratch) {
    for (int i = 0; i < idle.length(); i++) {
      if (idle.getPlain(i) == null && idle.compareAndSet(i, null, scratch)) {
        return;
      }
    }
    disposer.accept(scratch);
  }
}
