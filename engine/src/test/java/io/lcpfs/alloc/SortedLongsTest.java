package io.lcpfs.alloc;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SortedLongsTest {

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void everyRandomHistoryAgreesWithATreeSet(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    SortedLongs set = new SortedLongs();
    TreeSet<Long> model = new TreeSet<>();
    long range = seed == 1 ? 3_000 : 1L << 50;
    for (int step = 0; step < 60_000; step++) {
      boolean growing = step / 15_000 % 2 == 0;
      long key = seed == 3 && growing ? step : random.nextLong(range);
      Long near = model.ceiling(key);
      if (random.nextInt(10) < (growing ? 8 : 2)) {
        if (model.add(key)) {
          set.add(key);
        }
      } else if (near != null) {
        model.remove(near);
        set.remove(near);
      }
      long probe = random.nextBoolean() ? key : random.nextLong(range);
      assertThat(set.size()).isEqualTo(model.size());
      assertThat(set.ceiling(probe)).isEqualTo(or(model.ceiling(probe)));
      assertThat(set.lower(probe)).isEqualTo(or(model.lower(probe)));
      assertThat(set.last()).isEqualTo(model.isEmpty() ? SortedLongs.NONE : model.last());
    }
    for (Long key : model) {
      set.remove(key);
    }
    assertThat(set.size()).isZero();
    assertThat(set.ceiling(0)).isEqualTo(SortedLongs.NONE);
    assertThat(set.lower(Long.MAX_VALUE)).isEqualTo(SortedLongs.NONE);
  }

  private static long or(Long value) {
    return value == null ? SortedLongs.NONE : value;
  }
}
