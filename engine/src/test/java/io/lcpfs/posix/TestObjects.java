package io.lcpfs.posix;

import io.lcpfs.env.Env;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.DatasetPolicy;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.PoolEngines;
import io.lcpfs.pool.Tuning;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/** Where the tests get their object set from: the root dataset of a pool of one device. */
final class TestObjects implements AutoCloseable {
  private static final long FILLER_BYTES = 1 << 20;

  private final Env env;
  private final AtomicLong failIn = new AtomicLong(-1);

  /** The id of the thread that is refused memory, after so many more allocations; 0 for none. */
  private volatile long failing;

  private long untilFailing;

  private final Tuning tuning =
      Tuning.standard()
          .withCacheBytes(64L << 20)
          .withDirtyBytes(16L << 20)
          .withPoison(true)
          .withGate(this::allow);
  private SparseDevice device;
  private PoolEngine pool;
  private ObjectSet objects;

  TestObjects(Env env, long deviceBytes) {
    this.env = env;
    device = new SparseDevice(deviceBytes);
    pool = PoolEngines.create(List.of(device), CreateOptions.named("tank").withTuning(tuning), env);
    objects = pool.objectSet("", DatasetPolicy.DEFAULT);
  }

  private boolean allow(int bytes, boolean forSync) {
    if (Thread.currentThread().threadId() == failing && !forSync && untilFailing-- <= 0) {
      return false;
    }
    return forSync || failIn.get() < 0 || failIn.getAndDecrement() != 0;
  }

  ObjectSet objectSet() {
    return objects;
  }

  /** Makes the {@code call}-th allocation of memory from now fail; negative for none. */
  void failIn(long call) {
    failIn.set(call);
  }

  /** Makes all of this thread's allocations fail from the {@code call}-th on; negative for none. */
  void failFrom(long call) {
    untilFailing = call;
    failing = call < 0 ? 0 : Thread.currentThread().threadId();
  }

  /** See {@link SparseDevice#damage}. */
  int damage(byte[] content) {
    return device.damage(content);
  }

  /** Syncs, then continues from a copy of the device, as if everything in memory was lost. */
  void crashAfterSync() {
    pool.sync();
    SparseDevice survivor = device.copy();
    pool.close();
    device = survivor;
    pool =
        PoolEngines.open(
            List.of(device), OpenOptions.standard().withTuning(tuning).withForce(true), env);
    objects = pool.objectSet("", DatasetPolicy.DEFAULT);
  }

  /** Empties the cache of everything, by export and import. */
  void reimport() {
    pool.close();
    pool = PoolEngines.open(List.of(device), OpenOptions.standard().withTuning(tuning), env);
    objects = pool.objectSet("", DatasetPolicy.DEFAULT);
  }

  /** Writes what cannot be compressed until there is no space. Returns the object with it. */
  long fill() {
    byte[] bytes = new byte[(int) FILLER_BYTES];
    SplittableRandom random = new SplittableRandom(1);
    long number;
    try (Tx tx = objects.begin(1 << 16);
        Dnode filler = objects.create(tx, ObjectType.FILE, 128 << 10)) {
      number = filler.number();
    }
    try (Dnode filler = objects.hold(number)) {
      int length = bytes.length;
      for (long at = 0; length >= 512; ) {
        random.nextBytes(bytes);
        try (Tx tx = objects.begin(length)) {
          filler.write(tx, at, MemorySegment.ofArray(bytes), 0, length, 128 << 10);
          at += length;
        } catch (PoolException e) {
          if (e.errno() != Errno.ENOSPC) {
            throw e;
          }
          length /= 4;
        }
      }
    }
    return number;
  }

  /** Frees the object that {@link #fill} made. */
  void free(long number) {
    try (Tx tx = objects.beginFreeing(1 << 16);
        Dnode filler = objects.hold(number)) {
      filler.free(tx);
    }
  }

  @Override
  public void close() {
    pool.close();
  }
}
