package io.lcpfs.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.posix.FileHandle;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class NodeTableTest {
  /** Counts what is retained; nodes that divide by 13 are gone. */
  private static final class Counting implements NodeTable.Keeper {
    final Set<Long> retained = new HashSet<>();

    @Override
    public boolean retain(long node, long generation) {
      if (node % 13 == 0) {
        return false;
      }
      assertThat(retained.add(node)).isTrue();
      return true;
    }

    @Override
    public void forget(long node) {
      assertThat(retained.remove(node)).isTrue();
    }

    @Override
    public FileHandle open(long node, boolean directory) {
      throw new AssertionError("nothing is opened here");
    }

    @Override
    public void close(FileHandle handle) {
      throw new AssertionError("nothing is open here");
    }
  }

  @Test
  void everyNodeIsRetainedExactlyWhileItsLookupsLast() {
    Counting keeper = new Counting();
    NodeTable table = new NodeTable(keeper);
    Map<Long, Long> model = new HashMap<>();
    Random random = new Random(2);
    for (int i = 0; i < 200_000; i++) {
      long node = 1L + random.nextInt(3000) + ((long) random.nextInt(3) << 48);
      if (random.nextInt(5) < 3) {
        boolean kept = table.acquire(node, 0);
        assertThat(kept).isEqualTo(node % 13 != 0);
        if (kept) {
          model.merge(node, 1L, Long::sum);
        }
      } else {
        long count = 1L + random.nextInt(3);
        table.release(node, count);
        model.computeIfPresent(node, (key, had) -> had > count ? had - count : null);
      }
    }
    assertThat(table.size()).isEqualTo(model.size());
    assertThat(keeper.retained).isEqualTo(model.keySet());
    model.forEach((node, count) -> assertThat(table.count(node)).isEqualTo(count));
    table.releaseAll();
    assertThat(keeper.retained).isEmpty();
    assertThat(table.size()).isZero();
  }
}
