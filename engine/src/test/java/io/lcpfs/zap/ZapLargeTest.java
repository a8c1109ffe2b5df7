package io.lcpfs.zap;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.CodeProbe;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ZapLargeTest {
  private static final int ENTRIES = 1_000_000;

  /** "name-0000000" with the number put in; the same array is used again and again. */
  private static byte[] name(byte[] name, int number) {
    int rest = number;
    for (int i = 0; i < 7; i++) {
      name[11 - i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    return name;
  }

  @Test
  void aMillionNamesComeAreFoundAreListedAndGo() {
    ZapWorld world = new ZapWorld(1);
    HeapBlockObject object = new HeapBlockObject();
    Zap.create(world.tx, object, world);
    Zap zap = Zap.open(object, world);
    byte[] name = "name-0000000".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    long start = cpuNanos();
    for (int i = 0; i < ENTRIES; i++) {
      assertThatTrue(zap.insertLong(world.tx, name(name, i), i));
    }
    start = say("insert", start);
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < ENTRIES; i++) {
        assertThatTrue(zap.getLong(name(name, i), 0, 12) == i);
      }
      start = say("lookup", start);
    }
    long[] last = {0, 0};
    zap.iterate(
        0,
        (cookie, n, value) -> {
          assertThatTrue(cookie > last[0]);
          last[0] = cookie;
          last[1]++;
          return true;
        });
    assertThat(last[1]).isEqualTo(ENTRIES);
    start = say("iterate", start);
    assertThat(zap.check()).isEmpty();
    say("check", start);
    long blocks = object.blockCount();
    assertThat(blocks * 16384L / ENTRIES).as("bytes per entry").isLessThan(60);
    assertThat(world.reached(CodeProbe.ZAP_NODE_SPLIT)).isGreaterThan(1000);

    int[] order = IntStream.range(0, ENTRIES).toArray();
    Random random = new Random(1);
    for (int i = ENTRIES - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    start = cpuNanos();
    for (int i = 0; i < ENTRIES; i++) {
      assertThatTrue(zap.remove(world.tx, name(name, order[i])));
      if (i % (ENTRIES / 8) == 0) {
        assertThat(zap.check()).isEmpty();
      }
    }
    say("remove", start);
    assertThat(zap.isEmpty()).isTrue();
    assertThat(object.blockCount()).isEqualTo(1);
    assertThat(object.blockBytes()).isEqualTo(512);
    object.assertNoPins();
  }

  private static void assertThatTrue(boolean holds) {
    if (!holds) { // assertThat would be most of the time spent
      throw new AssertionError("answer of the ZAP");
    }
  }

  /** CPU time of this thread: what other work on the machine does not change. */
  private static long cpuNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private static long say(String what, long start) {
    long now = cpuNanos();
    System.out.printf(Locale.ROOT, "zap: %s %.0f k/s%n", what, ENTRIES * 1e6 / (now - start));
    return now;
  }

  @Test
  void everyNameAmongThousandsOfOneHashIsFound() {
    ZapWorld world = new ZapWorld(1);
    HeapBlockObject object = new HeapBlockObject();
    Zap.create(world.tx, object, world);
    // Eight hashes at first: to find a free number, all names of the same hash are looked through.
    NameHash weak = (k0, k1, name, offset, length) -> (long) (name[11] & 7) << 61;
    Zap zap = new Zap(object, world, weak, 1 << 16);
    byte[] name = "name-0000000".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    for (int i = 0; i < 20_000; i++) {
      assertThatTrue(zap.insertLong(world.tx, name(name, i), i));
    }
    for (int i = 0; i < 20_000; i += 97) {
      assertThatTrue(zap.getLong(name(name, i), 0, 12) == i);
    }
    long[] cookies = new long[20_000];
    int[] n = {0};
    zap.iterate(
        0,
        (cookie, key, value) -> {
          cookies[n[0]++] = cookie;
          return true;
        });
    assertThat(n[0]).isEqualTo(20_000);
    assertThat(Arrays.stream(cookies).map(c -> c & 0xffff).max().orElse(0)).isEqualTo(3999);
  }
}
