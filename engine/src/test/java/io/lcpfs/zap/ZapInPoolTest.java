package io.lcpfs.zap;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.DatasetPolicy;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.PoolEngines;
import io.lcpfs.pool.Tuning;
import io.lcpfs.txg.Tx;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** ZAPs in objects of a pool, over many transaction groups. */
class ZapInPoolTest {

  @Test
  void everyZapOfAPoolMatchesItsMapWhileItGrowsAndShrinks() {
    Random random = new Random(1);
    try (RealEnv env = new RealEnv();
        PoolEngine pool =
            PoolEngines.create(
                List.of(new RamDevice("ram", 512, (512L << 20) / 512)),
                CreateOptions.named("tank")
                    .withTuning(
                        Tuning.standard()
                            .withCacheBytes(64L << 20)
                            .withDirtyBytes(16L << 20)
                            .withPoison(true)),
                env)) {
      ObjectSet objects = pool.objectSet("", DatasetPolicy.DEFAULT);
      Dnode[] dnodes = new Dnode[6];
      List<Map<String, Long>> models = new java.util.ArrayList<>();
      for (int i = 0; i < dnodes.length; i++) {
        try (Tx tx = objects.begin(20_000)) {
          dnodes[i] = objects.create(tx, ObjectType.DIRECTORY, 512);
          Zap.create(tx, dnodes[i], env);
        }
        models.add(new HashMap<>());
      }
      for (int round = 0; round < 12; round++) {
        for (int i = 0; i < dnodes.length; i++) {
          Zap zap = Zap.open(dnodes[i], env);
          // From a handful of names to thousands, and back to none.
          int names = 3 << (2 * i);
          boolean shrink = round % 4 >= 2;
          for (int step = 0; step < names; step++) {
            String name = "name " + random.nextInt(names * 2);
            byte[] bytes = name.getBytes(UTF_8);
            try (Tx tx = objects.begin(200_000)) {
              if (shrink) {
                String gone = round % 4 == 3 ? anyOf(models.get(i), name) : name;
                assertThat(zap.remove(tx, gone.getBytes(UTF_8)))
                    .isEqualTo(models.get(i).remove(gone) != null);
              } else {
                long value = random.nextLong() >>> 1;
                assertThat(zap.putLong(tx, bytes, value))
                    .isEqualTo(models.get(i).put(name, value) == null);
              }
            }
            if (random.nextInt(400) == 0) {
              pool.sync();
            }
          }
          compare(zap, models.get(i));
        }
        pool.sync();
        for (int i = 0; i < dnodes.length; i++) {
          long number = dnodes[i].number();
          dnodes[i].close();
          dnodes[i] = objects.hold(number);
          compare(Zap.open(dnodes[i], env), models.get(i));
          if (models.get(i).isEmpty()) {
            assertThat(dnodes[i].blockBytes()).isEqualTo(512);
            assertThat(dnodes[i].blockCount()).isEqualTo(1);
          }
        }
      }
      for (Dnode dnode : dnodes) {
        dnode.close();
      }
      assertThat(pool.verify(progress -> {}).findings()).isEmpty();
    }
  }

  private static String anyOf(Map<String, Long> model, String otherwise) {
    return model.isEmpty() ? otherwise : model.keySet().iterator().next();
  }

  private static void compare(Zap zap, Map<String, Long> model) {
    assertThat(zap.check()).isEmpty();
    assertThat(zap.count()).isEqualTo(model.size());
    model.forEach((name, value) -> assertThat(zap.getLong(name.getBytes(UTF_8))).isEqualTo(value));
  }
}
