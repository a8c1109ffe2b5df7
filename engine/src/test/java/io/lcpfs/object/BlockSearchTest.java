package io.lcpfs.object;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.format.ObjectType;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.DatasetPolicy;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.PoolEngines;
import io.lcpfs.pool.Tuning;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BlockSearchTest {
  private static final int BLOCK = 512;
  private static final int BLOCKS = 1500;

  @Test
  void everyDataAndEveryHoleIsFoundBeforeWithinAndAfterASync() {
    try (RealEnv env = new RealEnv();
        PoolEngine pool =
            PoolEngines.create(
                List.of(new RamDevice("ram", 512, 128 << 11)),
                CreateOptions.named("tank").withTuning(Tuning.standard().withPoison(true)),
                env)) {
      ObjectSet objects = pool.objectSet("", DatasetPolicy.DEFAULT);
      Random random = new Random(5);
      for (int file = 0; file < 6; file++) {
        try (Tx tx = objects.begin(1 << 20);
            Dnode dnode = objects.create(tx, ObjectType.FILE, BLOCK)) {
          tx.close();
          churn(objects, dnode, random, pool);
        }
      }
    }
  }

  private static void churn(ObjectSet objects, Dnode dnode, Random random, PoolEngine pool) {
    BitSet model = new BitSet();
    byte[] data = new byte[BLOCK * 40];
    for (int step = 0; step < 60; step++) {
      int from = random.nextInt(BLOCKS);
      int count = 1 + random.nextInt(random.nextInt(4) == 0 ? 300 : 12);
      if (random.nextInt(3) > 0) {
        count = Math.min(count, 40);
        random.nextBytes(data);
        try (Tx tx = objects.begin(1 << 20)) {
          dnode.write(
              tx, (long) from * BLOCK, MemorySegment.ofArray(data), 0, (long) count * BLOCK, BLOCK);
        }
        model.set(from, from + count);
      } else {
        try (Tx tx = objects.beginFreeing(1 << 20)) {
          dnode.freeRange(tx, (long) from * BLOCK, (long) count * BLOCK);
        }
        model.clear(from, from + count);
      }
      if (random.nextInt(6) == 0) {
        pool.sync();
      }
      for (int i = 0; i < 20; i++) {
        int at = random.nextInt(BLOCKS + 100);
        long expected = model.nextSetBit(at);
        assertThat(dnode.nextData((long) at * BLOCK))
            .isEqualTo(expected < 0 ? -1 : expected * BLOCK);
        long hole = dnode.nextHole((long) at * BLOCK) / BLOCK;
        assertThat(hole).isEqualTo(model.nextClearBit(at));
      }
    }
  }
}
