package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PoolLifeTest {
  private final RealEnv env = new RealEnv();
  private final Tuning tuning =
      Tuning.standard().withCacheBytes(64L << 20).withDirtyBytes(16L << 20).withPoison(true);

  @AfterEach
  void close() {
    env.close();
  }

  private PoolEngine create(BlockDevice device) {
    return PoolEngines.create(List.of(device), CreateOptions.named("tank").withTuning(tuning), env);
  }

  private PoolEngine open(BlockDevice device) {
    return PoolEngines.open(List.of(device), OpenOptions.standard().withTuning(tuning), env);
  }

  private static void assertClean(PoolEngine pool) {
    assertThat(pool.verify(p -> {}).findings()).isEmpty();
  }

  @Test
  void anEmptyPoolIsSoundAndComesBack() {
    Kept device = new Kept(64 << 20);
    try (PoolEngine pool = create(device)) {
      assertClean(pool);
      pool.export();
    }
    try (PoolEngine pool = open(device)) {
      assertThat(pool.status().name()).isEqualTo("tank");
      assertThat(pool.datasets()).hasSize(1);
      assertClean(pool);
    }
  }

  @Test
  void objectsOfEverySizeComeBackAsWritten() {
    Kept device = new Kept(256 << 20);
    Map<Long, byte[]> contents = new TreeMap<>();
    Random random = new Random(1);
    try (PoolEngine pool = create(device)) {
      ObjectSet objects = pool.objectSet("", DatasetPolicy.DEFAULT);
      for (int i = 0; i < 400; i++) {
        byte[] content = new byte[i % 10 == 0 ? random.nextInt(2_000_000) : random.nextInt(6000)];
        if (i % 3 != 0) {
          random.nextBytes(content);
        } else {
          java.util.Arrays.fill(content, (byte) i);
        }
        try (Tx tx = objects.begin(content.length + 10_000L)) {
          try (Dnode dnode = objects.create(tx, ObjectType.FILE, 512)) {
            dnode.write(tx, 0, MemorySegment.ofArray(content), 0, content.length, 131_072);
            contents.put(dnode.number(), content);
          }
        }
      }
      checkContents(objects, contents);
      pool.sync();
      checkContents(objects, contents);
      assertClean(pool);
    }
    try (PoolEngine pool = open(device)) {
      ObjectSet objects = pool.objectSet("", DatasetPolicy.DEFAULT);
      checkContents(objects, contents);
      assertThat(objects.objectCount()).isEqualTo(contents.size());
      for (long number : List.copyOf(contents.keySet())) {
        if (number % 2 == 0) {
          try (Dnode dnode = objects.hold(number);
              Tx tx = objects.beginFreeing(10_000)) {
            dnode.free(tx);
          }
          contents.remove(number);
          assertThatThrownBy(() -> objects.hold(number)).isInstanceOf(PoolException.class);
        }
      }
      pool.sync();
      assertClean(pool);
      checkContents(objects, contents);
    }
  }

  private static void checkContents(ObjectSet objects, Map<Long, byte[]> contents) {
    for (Map.Entry<Long, byte[]> entry : contents.entrySet()) {
      try (Dnode dnode = objects.hold(entry.getKey())) {
        byte[] read = new byte[entry.getValue().length];
        dnode.read(0, MemorySegment.ofArray(read), 0, read.length);
        assertThat(read).as("object " + entry.getKey()).isEqualTo(entry.getValue());
      }
    }
  }

  @Test
  void randomWritesAndFreesOverManyGroupsMatchAModel() {
    Kept device = new Kept(128 << 20);
    Random random = new Random(7);
    Map<Long, byte[]> model = new HashMap<>();
    int size = 3_000_000;
    PoolEngine pool = create(device);
    try {
      for (int round = 0; round < 6; round++) {
        ObjectSet objects = pool.objectSet("", DatasetPolicy.DEFAULT);
        for (int op = 0; op < 300; op++) {
          step(objects, model, random, size);
          if (random.nextInt(40) == 0) {
            pool.sync();
          }
        }
        pool.sync();
        checkContents(objects, model);
        assertClean(pool);
        pool.close();
        pool = open(device);
        checkContents(pool.objectSet("", DatasetPolicy.DEFAULT), model);
      }
    } finally {
      pool.close();
    }
  }

  @Test
  void freedSpaceIsDiscardedAndNothingElseIs() {
    Kept device = new Kept(128 << 20);
    Map<Long, byte[]> contents = new TreeMap<>();
    try (PoolEngine pool = create(device)) {
      pool.setPoolProperty("autotrim", "on");
      ObjectSet objects = pool.objectSet("", DatasetPolicy.DEFAULT);
      Random random = new Random(3);
      for (int round = 0; round < 8; round++) {
        for (int i = 0; i < 20; i++) {
          byte[] content = new byte[150_000];
          random.nextBytes(content);
          try (Tx tx = objects.begin(content.length);
              Dnode dnode = objects.create(tx, ObjectType.FILE, 512)) {
            dnode.write(tx, 0, MemorySegment.ofArray(content), 0, content.length, 131_072);
            contents.put(dnode.number(), content);
          }
        }
        pool.sync(); // what is freed in the group that made it was never on the device
        for (long number : contents.keySet().stream().filter(n -> n % 3 == 0).toList()) {
          try (Dnode dnode = objects.hold(number);
              Tx tx = objects.beginFreeing(1000)) {
            dnode.free(tx);
          }
          contents.remove(number);
        }
        pool.sync();
      }
      assertClean(pool);
    }
    assertThat(device.discardedBlocks).isPositive();
    try (PoolEngine pool = open(device)) {
      checkContents(pool.objectSet("", DatasetPolicy.DEFAULT), contents);
      assertClean(pool);
    }
  }

  private static void step(ObjectSet objects, Map<Long, byte[]> model, Random random, int size) {
    List<Long> numbers = model.keySet().stream().sorted().toList();
    if (numbers.size() < 3) {
      try (Tx tx = objects.begin(1000);
          Dnode dnode = objects.create(tx, ObjectType.FILE, 512)) {
        model.put(dnode.number(), new byte[size]);
      }
      return;
    }
    long number = numbers.get(random.nextInt(numbers.size()));
    byte[] content = model.get(number);
    int from = random.nextInt(4) == 0 ? random.nextInt(5000) : random.nextInt(size);
    int length = Math.min(size - from, random.nextInt(3) == 0 ? 200_000 : random.nextInt(3000));
    try (Dnode dnode = objects.hold(number)) {
      switch (random.nextInt(12)) {
        case 0 -> {
          try (Tx tx = objects.beginFreeing(1000)) {
            dnode.free(tx);
          }
          model.remove(number);
        }
        case 1, 2 -> {
          try (Tx tx = objects.beginFreeing(1000)) {
            dnode.freeRange(tx, from, length);
          }
          java.util.Arrays.fill(content, from, from + length, (byte) 0);
        }
        case 3 -> {
          try (Tx tx = objects.beginFreeing(1000)) {
            dnode.freeRange(tx, from, Long.MAX_VALUE - from);
          }
          java.util.Arrays.fill(content, from, size, (byte) 0);
        }
        default -> {
          byte[] data = new byte[length];
          random.nextBytes(data);
          try (Tx tx = objects.begin(length + 300_000L)) {
            dnode.write(tx, from, MemorySegment.ofArray(data), 0, length, 131_072);
          }
          System.arraycopy(data, 0, content, from, length);
        }
      }
    }
  }
}
