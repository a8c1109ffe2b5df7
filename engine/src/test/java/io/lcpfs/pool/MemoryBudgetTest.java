package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.RamDevice;
import io.lcpfs.format.ObjectType;
import io.lcpfs.memory.FailingMemorySource;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** However much is written and read, the pool holds no more memory than it was given. */
@Timeout(120)
class MemoryBudgetTest {
  private static final long BUDGET = 8 << 20;
  private static final int FILE_BYTES = 4 << 20;
  private static final int FILES = 20;
  private static final long HEAP_BYTES = 64 << 20;

  private final PoolWorld world = new PoolWorld();

  @AfterEach
  void close() {
    world.close();
  }

  private static byte[] content(int file) {
    byte[] bytes = new byte[FILE_BYTES];
    new Random(file).nextBytes(bytes);
    return bytes;
  }

  private static long write(ObjectSet objects, int file) {
    byte[] content = content(file);
    int step = 256 << 10;
    long number;
    try (Tx tx = objects.begin(1000);
        Dnode dnode = objects.create(tx, ObjectType.FILE, 512)) {
      number = dnode.number();
    }
    try (Dnode dnode = objects.hold(number)) {
      for (int at = 0; at < FILE_BYTES; at += step) {
        try (Tx tx = objects.begin(step)) {
          dnode.write(tx, at, MemorySegment.ofArray(content), at, step, 131_072);
        }
      }
    }
    return number;
  }

  private static void read(ObjectSet objects, long number, int file, byte[] into) {
    try (Dnode dnode = objects.hold(number)) {
      dnode.read(0, MemorySegment.ofArray(into), 0, FILE_BYTES);
    }
    assertThat(Arrays.equals(into, content(file))).as("file " + file).isTrue();
  }

  private static long heapBytes() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  @Test
  void tenTimesTheBudgetIsWrittenAndReadWithinIt() throws InterruptedException {
    // Tests that ran before in this process may have left something: the pool's own part is what
    // the heap grew by.
    long before = heapBytes();
    FailingMemorySource source = FailingMemorySource.never();
    world.tuning = world.tuning.withCacheBytes(BUDGET).withDirtyBytes(2 << 20).withMemory(source);
    AtomicBoolean done = new AtomicBoolean();
    AtomicLong mostUsed = new AtomicLong();
    AtomicLong mostHeld = new AtomicLong();
    try (PoolEngine pool = world.create(new RamDevice("ram", 512, (128L << 20) / 512))) {
      Thread watcher =
          Thread.ofPlatform()
              .start(
                  () -> {
                    while (!done.get()) {
                      mostUsed.accumulateAndGet(pool.status().cacheBytes(), Math::max);
                      mostHeld.accumulateAndGet(source.heldBytes(), Math::max);
                      Thread.onSpinWait();
                    }
                  });
      try {
        ObjectSet objects = PoolWorld.objects(pool);
        List<Long> numbers = new ArrayList<>();
        for (int file = 0; file < FILES; file++) {
          numbers.add(write(objects, file));
        }
        pool.sync();
        byte[] into = new byte[FILE_BYTES];
        for (int file = 0; file < FILES; file++) {
          read(objects, numbers.get(file), file, into);
        }
        assertThat(heapBytes() - before).isLessThan(HEAP_BYTES);
      } finally {
        done.set(true);
        watcher.join();
      }
      PoolWorld.assertClean(pool);
    }
    assertThat(mostUsed.get()).isBetween(BUDGET / 2, BUDGET);
    assertThat(mostHeld.get()).isLessThanOrEqualTo(BUDGET);
    assertThat(source.heldBytes()).isZero();
  }
}
