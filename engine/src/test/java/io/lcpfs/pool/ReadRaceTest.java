package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.RealEnv;
import io.lcpfs.env.Task;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.object.TreeWalk;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
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
  private static final class Gate implements BlockDevice {
    final Kept device = new Kept(96 << 20);
    final CountDownLatch arrived = new CountDownLatch(1);
    final CountDownLatch goOn = new CountDownLatch(1);
    volatile long lba = -1;

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
      device.readBlocks(first, blockCount, target);
    }

    @Override
    public void writeBlocks(long first, int blockCount, MemorySegment source) {
      device.writeBlocks(first, blockCount, source);
    }

    @Override
    public void flush() {
      device.flush();
    }

    @Override
    public void discard(long first, long blockCount) {
      device.discard(first, blockCount);
    }

    @Override
    public int blockSize() {
      return device.blockSize();
    }

    @Override
    public long totalBlocks() {
      return device.totalBlocks();
    }

    @Override
    public String name() {
      return device.name();
    }

    @Override
    public void close() {}
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
    pool.parts()
        .sync
        .whileStill(
            () ->
                new TreeWalk(
                        pool.parts().context,
                        new TreeWalk.Visitor() {
                          @Override
                          public boolean block(long object, long blockId, BlockPointer pointer) {
                            if (object == number && pointer.level() == 0 && blockId == 0) {
                              dva[0] = pointer.dva(0);
                            }
                            return true;
                          }

                          @Override
                          public void object(long object, DnodeRecord dnode) {}

                          @Override
                          public void damaged(String where, String what) {
                            throw new AssertionError(where + what);
                          }
                        })
                    .objectSet(objects.root()));
    return pool.parts().devices.tiles().deviceOffset(dva[0], BLOCK);
  }

  /** The real world, and how often the branch was taken. */
  private static Env counting(RealEnv env, AtomicInteger raced) {
    return (Env)
        Proxy.newProxyInstance(
            Env.class.getClassLoader(),
            new Class<?>[] {Env.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("probe")
                  && arguments[0] == CodeProbe.READ_RACED_WITH_SYNC) {
                raced.incrementAndGet();
              }
              return method.invoke(env, arguments);
            });
  }

  @Test
  void aBlockThatWasFreedDuringItsReadIsLookedUpAgain() throws InterruptedException {
    AtomicInteger raced = new AtomicInteger();
    Gate gate = new Gate();
    try (PoolWorld world = new PoolWorld()) {
      Env env = counting(world.env, raced);
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
          gate.device.damage(at, BLOCK); // what a later owner of the sectors writes
          gate.goOn.countDown();
          reader.join();
        }
        assertThat(seen).as("freed blocks read as zeros").isEqualTo(new byte[100]);
        PoolWorld.assertClean(pool);
      }
    }
    assertThat(raced).hasValue(1);
  }
}
