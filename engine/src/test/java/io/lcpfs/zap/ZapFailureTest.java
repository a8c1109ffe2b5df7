package io.lcpfs.zap;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ZapRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/** Each call of the object fails once, in each change. */
class ZapFailureTest {
  private final ZapWorld world = new ZapWorld(5);
  private final HeapBlockObject object = new HeapBlockObject();
  private final Zap zap = Zap.open(object, world);
  private final Random random = new Random(5);
  private final Map<String, byte[]> model = new TreeMap<>();
  private int failures;
  private int mostCalls;

  private Map<String, byte[]> content() {
    Map<String, byte[]> found = new TreeMap<>();
    zap.iterate(
        0,
        (cookie, name, value) -> {
          found.put(new String(name, UTF_8), value);
          return true;
        });
    return found;
  }

  private void compare() {
    assertThat(zap.check()).isEmpty();
    Map<String, byte[]> found = content();
    assertThat(found.keySet()).isEqualTo(model.keySet());
    found.forEach((name, value) -> assertThat(value).isEqualTo(model.get(name)));
    assertThat(zap.count()).isEqualTo(model.size());
  }

  private int limit() {
    return java.lang.foreign.MemorySegment.ofArray(object.bytes(0))
        .get(io.lcpfs.format.Disk.U32, ZapRecord.BLOCK_LIMIT_AT);
  }

  /** Runs the change with its first call failing, its second, and so on, until none does. */
  private void everyFailure(BooleanSupplier change) {
    for (int n = 1; ; n++) {
      int limit = limit();
      object.startJournal();
      object.failAt(n);
      boolean failed = false;
      try {
        assertThat(change.getAsBoolean()).isTrue();
      } catch (PoolException e) {
        assertThat(e.errno()).isEqualTo(Errno.ENOMEM);
        failed = true;
      }
      object.failNever();
      object.assertNoPins();
      if (!failed) {
        mostCalls = Math.max(mostCalls, n);
        return;
      }
      failures++;
      if (!object.isAsBefore(limit)) {
        compare(); // the root may have been collapsed; the content has to be the same
      }
    }
  }

  private void insert(String name, byte[] value) {
    everyFailure(() -> zap.insert(world.tx, name.getBytes(UTF_8), value));
    model.put(name, value);
  }

  private void put(String name, byte[] value) {
    everyFailure(() -> !zap.put(world.tx, name.getBytes(UTF_8), value));
    model.put(name, value);
  }

  private void remove(String name) {
    everyFailure(() -> zap.remove(world.tx, name.getBytes(UTF_8)));
    model.remove(name);
  }

  @Test
  void everyFailedChangeLeavesTheContentAsItWas() {
    Zap.create(world.tx, object, world);
    object.moveOnModify = true;
    List<String> names = new ArrayList<>();
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < 600; i++) {
        String name = "name " + round + " " + i;
        insert(name, new byte[random.nextInt(4) == 0 ? 900 : 8]);
        names.add(name);
        if (i % 4 == 0) {
          put(names.get(random.nextInt(names.size())), new byte[1 + random.nextInt(1024)]);
        }
        if (i % 50 == 0) {
          compare();
        }
      }
      compare();
      while (names.size() > (round == 1 ? 3 : 0)) {
        remove(names.remove(random.nextInt(names.size())));
        if (names.size() % 50 == 0) {
          compare();
        }
      }
      compare();
    }
    assertThat(failures).isGreaterThan(10_000);
    assertThat(world.reached(CodeProbe.ZAP_UPGRADED)).isGreaterThanOrEqualTo(3);
    assertThat(world.reached(CodeProbe.ZAP_NODE_SPLIT)).isPositive();
  }

  @Test
  void everyFailureWhileTheTreeChangesItsHeightLeavesTheContentAsItWas() {
    Zap.create(world.tx, object, world);
    byte[] value = new byte[1024];
    String padding = "x".repeat(1000);
    int count = 0;
    // Seven entries to a leaf at most; the root has room for 1358 leaves.
    while (limit() < ZapInterior.ROOT_CAPACITY - 4) {
      String name = padding + count++;
      zap.insert(world.tx, name.getBytes(UTF_8), value);
      model.put(name, value);
    }
    int splits = world.reached(CodeProbe.ZAP_NODE_SPLIT);
    while (world.reached(CodeProbe.ZAP_NODE_SPLIT) < splits + 10) {
      insert(padding + count++, value);
    }
    List<String> dump = new ArrayList<>();
    ZapDump.print(object, false, dump::add);
    assertThat(dump.getFirst()).contains("level 2");
    compare();
    List<String> names = new ArrayList<>(model.keySet());
    // Down to where interior nodes merge and the root collapses, with failures from there on.
    while (names.size() > 2600) {
      String name = names.remove(random.nextInt(names.size()));
      zap.remove(world.tx, name.getBytes(UTF_8));
      model.remove(name);
    }
    compare();
    while (names.size() > 0) {
      remove(names.remove(random.nextInt(names.size())));
    }
    compare();
    assertThat(mostCalls).isGreaterThan(8);
    // Where only giving back blocks failed, the change was made; the next one gives them back.
    zap.insertLong(world.tx, "one".getBytes(UTF_8), 1);
    zap.remove(world.tx, "one".getBytes(UTF_8));
    assertThat(object.blockCount()).isEqualTo(1);
    assertThat(object.blockBytes()).isEqualTo(512);
  }

  @Test
  void aBlockThatCannotBeGivenBackAtOnceIsGivenBackLater() {
    Zap.create(world.tx, object, world);
    for (int i = 0; i < 1000; i++) {
      zap.insertLong(world.tx, ("n" + i).getBytes(UTF_8), i);
    }
    int shrinks = 0;
    for (int i = 0; i < 1000; i++) {
      byte[] name = ("n" + i).getBytes(UTF_8);
      int before = object.blockBytes();
      HeapBlockObject twin = object.copy();
      Zap other = Zap.open(twin, world);
      long calls = twin.calls();
      other.remove(world.tx, name);
      if (twin.blockBytes() < before) {
        // The last call was setBlockBytes.
        object.failAt(twin.calls() - calls);
        shrinks++;
      }
      assertThat(zap.remove(world.tx, name)).isTrue();
      object.failNever();
      assertThat(zap.check()).isEmpty();
    }
    assertThat(shrinks).isPositive();
    assertThat(zap.isEmpty()).isTrue();
    assertThat(object.blockBytes()).isGreaterThan(512);
    zap.insertLong(world.tx, "again".getBytes(UTF_8), 1);
    assertThat(object.blockBytes()).isEqualTo(512);
    assertThat(zap.check()).isEmpty();
  }
}
