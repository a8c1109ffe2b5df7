package io.lcpfs.zap;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Bytes of a sound ZAP are changed at random: answers are then right, wrong or Corrupt, no more.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ZapMutationTest {
  private int corrupt;
  private int calls;

  static byte[] name(int i) {
    return ("name " + i).getBytes(StandardCharsets.US_ASCII);
  }

  private void mayBeCorrupt(Runnable call) {
    calls++;
    try {
      call.run();
    } catch (PoolException e) {
      assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class);
      corrupt++;
    }
  }

  private void use(HeapBlockObject object, ZapWorld world, int entries, Random random) {
    Zap zap = Zap.open(object, world);
    int visitedAtMost = 100 * entries + 100;
    int[] visited = {0};
    mayBeCorrupt(() -> zap.iterate(0, (cookie, name, value) -> ++visited[0] < visitedAtMost));
    assertThat(visited[0]).isLessThan(visitedAtMost);
    mayBeCorrupt(zap::check);
    mayBeCorrupt(() -> ZapDump.print(object, true, line -> {}));
    mayBeCorrupt(zap::count);
    for (int i = 0; i < 40; i++) {
      byte[] name = name(random.nextInt(entries * 5 / 4 + 1));
      switch (random.nextInt(6)) {
        case 0 -> mayBeCorrupt(() -> zap.getLong(name));
        case 1 -> mayBeCorrupt(() -> zap.get(name));
        case 2 -> mayBeCorrupt(() -> zap.insertLong(world.tx, name, 1));
        case 3 -> mayBeCorrupt(() -> zap.put(world.tx, name, new byte[1 + random.nextInt(1024)]));
        default -> mayBeCorrupt(() -> zap.remove(world.tx, name));
      }
    }
    mayBeCorrupt(zap::check);
    object.assertNoPins();
  }

  private void mutate(int entries, int removed, int rounds) {
    ZapWorld world = new ZapWorld(7);
    HeapBlockObject original = new HeapBlockObject();
    Zap.create(world.tx, original, world);
    Zap zap = Zap.open(original, world);
    for (int i = 0; i < entries + removed; i++) {
      zap.insertLong(world.tx, name(i), i);
    }
    for (int i = entries; i < entries + removed; i++) {
      zap.remove(world.tx, name(i));
    }
    assertThat(zap.check()).isEmpty();
    for (int round = 0; round < rounds; round++) {
      Random random = new Random(round);
      HeapBlockObject object = original.copy();
      for (int i = 1 + random.nextInt(6); i > 0; i--) {
        byte[] block = object.bytes(random.nextInt((int) object.blockCount()));
        int range = random.nextBoolean() ? 128 : block.length;
        int at = random.nextInt(Math.min(range, block.length));
        switch (random.nextInt(4)) {
          case 0 -> block[at] ^= (byte) (1 << random.nextInt(8));
          case 1 -> block[at] = (byte) (random.nextBoolean() ? 0 : 0xff);
          case 2 -> block[at] += (byte) (random.nextBoolean() ? 1 : -1);
          default -> {
            byte[] other = object.bytes(random.nextInt((int) object.blockCount()));
            int length = Math.min(1 + random.nextInt(32), block.length - at);
            System.arraycopy(other, at, block, at, length);
          }
        }
      }
      try {
        use(object, world, entries, random);
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("entries " + entries + ", round " + round, e);
      }
    }
    assertThat(corrupt).isPositive().isLessThan(calls);
  }

  @Test
  void everyMutatedSmallZapIsUsableOrCorrupt() {
    mutate(9, 0, 3000);
    mutate(60, 100, 1500);
    mutate(400, 0, 500);
  }

  @Test
  void everyMutatedTreeIsUsableOrCorrupt() {
    mutate(1500, 0, 700);
    mutate(1500, 4000, 500);
  }
}
