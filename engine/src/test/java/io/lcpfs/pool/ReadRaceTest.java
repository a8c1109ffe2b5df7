package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.BorrowedEnv;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Task;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A read takes so long that the block is freed and its sectors are reused meanwhile. */
@Timeout(60)
class ReadRaceTest {
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 8;

  /** Holds up the read of one place until it is told to go on. */
  private static final class Gate extends Kept {
    final CountDownLatch arrived = new CountDownLatch(1);
    final CountDownLatch goOn = new CountDownLatch(1);
    volatile long lba = -1;

    Gate() {
      super(96 << 20);
    }

    @Override
    public void readBlocks(long first, int blockCount, MemorySegment target) {
      if (first <= lba && lba < first + blockCount) {
        arrived.countDown();
        try {
          goOn.await();
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
      }
      super.readBlocks(first, blockCount, target);
    }
  }

  private static byte[] noise(long seed) {
    byte[] content = new byte[BLOCKS * BLOCK];
    new Random(seed).nextBytes(content);
    return content;
  }

  private static void write(ObjectSet objects, Dnode dnode, byte[] content) {
    try (Tx tx = objects.begin(content.length)) {
      dnode.write(tx, 0, MemorySegment.ofArray(content), 0, content.length, BLOCK);
    }
  }

  /** Where the first block of an object's content lies, in bytes. */
  private static long place(OpenPool pool, ObjectSet objects, long number) {
    long[] dva = {-1};
    PoolWorld.eachBlock(
        pool,
        objects,
        (object, blockId, pointer) -> {
          if (object == number && pointer.level() == 0 && blockId == 0) {
            dva[0] = pointer.dva(0);
          }
        });
    return pool.parts().devices.tiles().deviceOffset(dva[0], BLOCK);
  }

  /** How often the branch was taken. */
  private static final class CountingEnv extends BorrowedEnv {
    final AtomicInteger raced = new AtomicInteger();

    @Override
    public void probe(CodeProbe probe) {
      if (probe == CodeProbe.READ_RACED_WITH_SYNC) {
        raced.incrementAndGet();
      }
    }
  }

  @Test
  void aBlockThatWasFreedDuringItsReadIsLookedUpAgain() throws InterruptedException {
    Gate gate = new Gate();
    try (PoolWorld world = new PoolWorld();
        CountingEnv env = new CountingEnv()) {
      long number;
      try (PoolEngine pool = world.create(gate)) {
        ObjectSet objects = PoolWorld.objects(pool);
        try (Tx tx = objects.begin(1000);
            Dnode made = objects.create(tx, ObjectType.FILE, 512)) {
          number = made.number();
        }
        try (Dnode dnode = objects.hold(number)) {
          write(objects, dnode, noise(1));
        }
      }
      Tuning tuning = world.tuning;
      try (PoolEngine pool =
          PoolEngines.open(List.of(gate), OpenOptions.standard().withTuning(tuning), env)) {
        ObjectSet objects = PoolWorld.objects(pool);
        long at = place((OpenPool) pool, objects, number);
        byte[] seen = new byte[100];
        try (Dnode dnode = objects.hold(number)) {
          gate.lba = at / 512;
          Task<Void> reader =
              env.fork("reader", () -> dnode.read(0, MemorySegment.ofArray(seen), 0, seen.length));
          gate.arrived.await();
          gate.lba = -1;
          try (Tx tx = objects.beginFreeing(1000)) {
            dnode.freeRange(tx, 0, Long.MAX_VALUE);
          }
          pool.sync();
          gate.damage(at, BLOCK); // what a later owner of the sectors writes
          gate.goOn.countDown();
          reader.join();
        }
        assertThat(seen).as("freed blocks read as zeros").isEqualTo(new byte[100]);
        PoolWorld.assertClean(pool);
      }
      assertThat(env.raced).hasValue(1);
    }
  }
}
