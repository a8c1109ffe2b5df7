package io.lcpfs.zap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class ZapConcurrencyTest {

  @Test
  void everyReaderOfManyGetsItsOwnAnswers() throws Exception {
    ZapWorld world = new ZapWorld(3);
    HeapBlockObject object = new HeapBlockObject();
    Zap.create(world.tx, object, world);
    Zap zap = Zap.open(object, world);
    int entries = 20_000;
    for (int i = 0; i < entries; i++) {
      zap.insertLong(world.tx, ZapMutationTest.name(i), i);
    }
    List<Callable<Integer>> readers = new ArrayList<>();
    for (int reader = 0; reader < 4; reader++) {
      int first = reader;
      readers.add(
          () -> {
            int right = 0;
            for (int i = 0; i < entries; i++) {
              int wanted = (i * 7 + first * 1001) % entries;
              right += zap.getLong(ZapMutationTest.name(wanted)) == wanted ? 1 : 0;
              right += zap.getLong(ZapMutationTest.name(wanted + entries)) == Zap.ABSENT ? 1 : 0;
            }
            int[] seen = {0};
            zap.iterate(0, (cookie, name, value) -> ++seen[0] > 0);
            return right + seen[0];
          });
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (Future<Integer> answer : threads.invokeAll(readers)) {
        assertThat(answer.get()).isEqualTo(3 * entries);
      }
    }
    object.assertNoPins();
  }
}
