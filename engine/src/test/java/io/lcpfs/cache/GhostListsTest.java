package io.lcpfs.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GhostListsTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 64, 1000})
  void everyHistoryIsThatOfTwoOrderedMaps(int places) {
    Random random = new Random(places);
    GhostLists ghosts = new GhostLists(places);
    List<Map<Long, Integer>> model = List.of(new LinkedHashMap<>(), new LinkedHashMap<>());
    for (int step = 0; step < 30_000; step++) {
      // Multiples of a power of two collide in the table where the hash is poor.
      long key = (long) random.nextInt(places * 3) << 40;
      switch (random.nextInt(8)) {
        case 0 -> {
          int list = random.nextInt(2);
          if (!model.get(list).isEmpty()) {
            ghosts.dropOldest(list);
            model.get(list).remove(model.get(list).keySet().iterator().next());
          }
        }
        case 1, 2, 3 -> {
          int expected = model.get(0).containsKey(key) ? 0 : model.get(1).containsKey(key) ? 1 : -1;
          assertThat(ghosts.take(key)).isEqualTo(expected);
          model.forEach(list -> list.remove(key));
        }
        default -> {
          int list = random.nextInt(2);
          int size = 512 * (1 + random.nextInt(100));
          ghosts.add(list, key, size);
          model.forEach(each -> each.remove(key));
          if (model.get(0).size() + model.get(1).size() == places) {
            int longer = model.get(0).size() >= model.get(1).size() ? 0 : 1;
            model.get(longer).remove(model.get(longer).keySet().iterator().next());
          }
          model.get(list).put(key, size);
        }
      }
      for (int list = 0; list < 2; list++) {
        assertThat(ghosts.count(list)).isEqualTo(model.get(list).size());
        assertThat(ghosts.bytes(list))
            .isEqualTo(model.get(list).values().stream().mapToLong(i -> i).sum());
      }
      if (step % 500 == 0) {
        for (int list = 0; list < 2; list++) { // taking and adding all in order changes nothing
          for (Map.Entry<Long, Integer> each : model.get(list).entrySet()) {
            assertThat(ghosts.take(each.getKey())).isEqualTo(list);
            ghosts.add(list, each.getKey(), each.getValue());
          }
        }
      }
    }
  }
}
