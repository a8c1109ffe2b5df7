package io.lcpfs.zap;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ZapTest {
  private final ZapWorld world = new ZapWorld(1);
  private final HeapBlockObject object = new HeapBlockObject();
  private final Zap zap = Zap.open(object, world);

  @BeforeEach
  void create() {
    Zap.create(world.tx, object, world);
  }

  private static byte[] b(String s) {
    return s.getBytes(UTF_8);
  }

  private void sound() {
    assertThat(zap.check()).isEmpty();
    object.assertNoPins();
  }

  private static void refused(Runnable call, Errno errno) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(PoolException.class, e -> assertThat(e.errno()).isEqualTo(errno));
  }

  @Test
  void anEmptyZapHoldsNothing() {
    assertThat(zap.count()).isZero();
    assertThat(zap.isEmpty()).isTrue();
    assertThat(zap.getLong(b("a"))).isEqualTo(Zap.ABSENT);
    assertThat(zap.get(b("a"))).isNull();
    assertThat(zap.contains(b("a"))).isFalse();
    assertThat(zap.remove(world.tx, b("a"))).isFalse();
    assertThat(zap.iterate(0, (cookie, name, value) -> true)).isZero();
    sound();
  }

  @Test
  void insertGetPutRemove() {
    assertThat(zap.insertLong(world.tx, b("a"), 7)).isTrue();
    assertThat(zap.insertLong(world.tx, b("a"), 8)).isFalse();
    assertThat(zap.getLong(b("xay"), 1, 1)).isEqualTo(7);
    assertThat(zap.putLong(world.tx, b("a"), 9)).isFalse();
    assertThat(zap.putLong(world.tx, b("b"), -2)).isTrue();
    assertThat(zap.getLong(b("a"))).isEqualTo(9);
    assertThat(zap.getLong(b("b"))).isEqualTo(-2);
    assertThat(zap.put(world.tx, b("a"), b("text"))).isFalse();
    assertThat(zap.get(b("a"))).isEqualTo(b("text"));
    assertThat(zap.contains(b("a"))).isTrue();
    assertThat(zap.insert(world.tx, b("c"), b("x"))).isTrue();
    assertThat(zap.count()).isEqualTo(3);
    sound();
    assertThat(zap.remove(world.tx, b("a"))).isTrue();
    assertThat(zap.remove(world.tx, b("a"))).isFalse();
    assertThat(zap.count()).isEqualTo(2);
    assertThat(zap.get(b("a"))).isNull();
    sound();
  }

  @Test
  void sizesOutsideTheLimitsAreRefused() {
    byte[] longest = new byte[1024];
    assertThat(zap.insert(world.tx, longest, longest)).isTrue();
    assertThat(zap.get(longest)).isEqualTo(longest);
    refused(() -> zap.insert(world.tx, new byte[0], b("v")), Errno.EINVAL);
    refused(() -> zap.insert(world.tx, new byte[1025], b("v")), Errno.ENAMETOOLONG);
    refused(() -> zap.insert(world.tx, b("n"), new byte[0]), Errno.EINVAL);
    refused(() -> zap.put(world.tx, b("n"), new byte[1025]), Errno.ERANGE);
    refused(() -> zap.getLong(b("n"), 0, 0), Errno.EINVAL);
    refused(() -> zap.get(new byte[1025]), Errno.ENAMETOOLONG);
    refused(() -> zap.remove(world.tx, new byte[1025]), Errno.ENAMETOOLONG);
    assertThat(zap.count()).isEqualTo(1);
    sound();
  }

  @Test
  void aValueThatIsNoNumberIsCorruptAsOne() {
    zap.insert(world.tx, b("a"), b("seven77"));
    refused(() -> zap.getLong(b("a")), Errno.EIO);
    object.assertNoPins();
  }

  @Test
  void theBlockGrowsInPowersOfTwoAndShrinksAgain() {
    List<Integer> sizes = new ArrayList<>();
    int entries = 0;
    while (object.blockCount() == 1) {
      if (sizes.isEmpty() || sizes.getLast() != object.blockBytes()) {
        sizes.add(object.blockBytes());
      }
      zap.insertLong(world.tx, b("file-" + entries++), 1);
      sound();
    }
    assertThat(sizes).containsExactly(512, 1024, 2048, 4096, 8192, 16384);
    assertThat(world.reached(CodeProbe.ZAP_UPGRADED)).isEqualTo(1);
    sizes.clear();
    while (entries > 0) {
      assertThat(zap.remove(world.tx, b("file-" + --entries))).isTrue();
      sound();
      if (sizes.isEmpty() || sizes.getLast() != object.blockBytes()) {
        sizes.add(object.blockBytes());
      }
    }
    assertThat(sizes).containsExactly(16384, 8192, 4096, 2048, 1024, 512);
    assertThat(object.blockCount()).isEqualTo(1);
  }

  @Test
  void gapsAreUsedBeforeTheBlockGrows() {
    for (int i = 0; i < 10; i++) {
      zap.insertLong(world.tx, b("file-" + i), i);
    }
    for (int round = 0; round < 100; round++) {
      zap.remove(world.tx, b("file-" + round));
      zap.insertLong(world.tx, b("file-" + (round + 10)), round);
      zap.put(world.tx, b("file-" + (round + 3)), new byte[1 + round % 16]);
      sound();
    }
    assertThat(object.blockBytes()).isEqualTo(512);
  }

  @Test
  void everyCookieSurvivesTheWayToATreeAndBack() {
    Map<String, Long> cookies = new HashMap<>();
    for (int i = 0; i < 3000; i++) {
      zap.insertLong(world.tx, b("n" + i), i);
      if (i < 100) {
        zap.iterate(
            0,
            (cookie, name, value) -> {
              Long known = cookies.putIfAbsent(new String(name, UTF_8), cookie);
              assertThat(known == null || known == cookie).isTrue();
              return true;
            });
      }
    }
    assertThat(object.blockCount()).isGreaterThan(3);
    for (int i = 100; i < 3000; i++) {
      zap.remove(world.tx, b("n" + i));
    }
    assertThat(object.blockCount()).isEqualTo(1);
    Map<String, Long> after = new HashMap<>();
    zap.iterate(
        0,
        (cookie, name, value) -> {
          assertThat(cookie).isGreaterThanOrEqualTo(Zap.FIRST_COOKIE);
          after.put(new String(name, UTF_8), cookie);
          return true;
        });
    assertThat(after).isEqualTo(cookies).hasSize(100);
  }

  @Test
  void everyIterationOverNumbersIsTheSameAsOverBytes() {
    List<String> bytes = new ArrayList<>();
    List<String> numbers = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      zap.insertLong(world.tx, b("n" + i), i * 1_000_003L);
    }
    zap.iterate(
        0,
        (cookie, name, value) -> {
          long number = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong();
          return bytes.add(cookie + " " + new String(name, UTF_8) + " " + number);
        });
    long first =
        zap.iterateLong(
            0, (cookie, name, value) -> numbers.size() < 700 && add(numbers, cookie, name, value));
    zap.iterateLong(first, (cookie, name, value) -> add(numbers, cookie, name, value));
    assertThat(numbers).isEqualTo(bytes).hasSize(2000);
    sound();
  }

  private static boolean add(List<String> to, long cookie, byte[] name, long value) {
    return to.add(cookie + " " + new String(name, UTF_8) + " " + value);
  }

  @Test
  void everyValueThatIsNoNumberEndsAnIterationOverNumbers() {
    zap.insert(world.tx, b("a"), new byte[7]);
    refused(() -> zap.iterateLong(0, (cookie, name, value) -> true), Errno.EIO);
    sound();
  }

  @Test
  void iterationGoesOnAfterTheLastEntryTaken() {
    for (int i = 0; i < 1000; i++) {
      zap.insertLong(world.tx, b("n" + i), i);
    }
    List<Long> whole = new ArrayList<>();
    zap.iterate(0, (cookie, name, value) -> whole.add(cookie));
    List<Long> pieces = new ArrayList<>();
    long from = 2;
    while (true) {
      int most = pieces.size() + 7;
      long next =
          zap.iterate(from, (cookie, name, value) -> pieces.size() < most && pieces.add(cookie));
      if (next == from) {
        break;
      }
      from = next;
    }
    assertThat(pieces).isEqualTo(whole).hasSize(1000).isSorted();
    assertThat(zap.iterate(Long.MAX_VALUE, (cookie, name, value) -> true))
        .isEqualTo(Long.MAX_VALUE);
    object.assertNoPins();
  }

  @Test
  void equalSaltsGiveEqualZapsAndOtherSaltsOtherCookies() {
    HeapBlockObject twin = new HeapBlockObject();
    ZapWorld same = new ZapWorld(1);
    Zap.create(same.tx, twin, same);
    HeapBlockObject stranger = new HeapBlockObject();
    Zap.create(world.tx, stranger, world);
    for (Zap each : List.of(zap, Zap.open(twin, same), Zap.open(stranger, world))) {
      each.insertLong(world.tx, b("a"), 1);
    }
    assertThat(twin.bytes(0)).isEqualTo(object.bytes(0));
    assertThat(Arrays.equals(stranger.bytes(0), object.bytes(0))).isFalse();
    assertThat(zap.iterate(0, (c, n, v) -> true))
        .isNotEqualTo(Zap.open(stranger, world).iterate(0, (c, n, v) -> true));
  }

  @Test
  void removedBytesAreZeroed() {
    for (int i = 0; i < 500; i++) {
      zap.insert(world.tx, b("secret-" + i), b("secret-" + i));
    }
    for (int i = 0; i < 500; i += 2) {
      zap.remove(world.tx, b("secret-" + i));
    }
    int found = 0;
    for (int block = 0; block < object.blockCount(); block++) {
      String text = new String(object.bytes(block), java.nio.charset.StandardCharsets.ISO_8859_1);
      for (int at = text.indexOf("secret-"); at >= 0; at = text.indexOf("secret-", at + 1)) {
        found++;
      }
    }
    assertThat(found).isEqualTo(500);
  }

  @Test
  void namesOfOneHashAreRefusedBeyondTheLimit() {
    Zap weak = new Zap(object, world, (k0, k1, name, offset, length) -> 0, 1 << 16);
    // Long values make the names of the one hash span many leaves.
    for (int i = 0; i < 400; i++) {
      assertThat(weak.insert(world.tx, b("n" + i), new byte[200 + i])).isTrue();
    }
    assertThat(world.reached(CodeProbe.ZAP_HASH_COLLISION)).isEqualTo(399);
    assertThat(weak.check()).isEmpty();
    for (int i = 0; i < 400; i++) {
      assertThat(weak.get(b("n" + i))).hasSize(200 + i);
    }
    Zap full = new Zap(object, world, (k0, k1, name, offset, length) -> 0, 400);
    refused(() -> full.insertLong(world.tx, b("one more"), 1), Errno.ENOSPC);
    assertThat(full.put(world.tx, b("n77"), b("still replaced"))).isFalse();
    assertThat(full.remove(world.tx, b("n123"))).isTrue();
    assertThat(full.insertLong(world.tx, b("one more"), 1)).isTrue();
    assertThat(full.getLong(b("one more"))).isEqualTo(1);
    refused(() -> full.insertLong(world.tx, b("n123"), 1), Errno.ENOSPC);
    List<Long> cookies = new ArrayList<>();
    full.iterate(0, (cookie, name, value) -> cookies.add(cookie));
    assertThat(cookies).hasSize(400).isSorted().doesNotHaveDuplicates();
    assertThat(cookies.getFirst()).isEqualTo(Zap.FIRST_COOKIE);
    assertThat(cookies.getLast()).isEqualTo(Zap.FIRST_COOKIE + 399);
    assertThat(full.check()).isEmpty();
    object.assertNoPins();
  }

  @Test
  void anEmptiedTreeGoesBackToOneSmallBlockAndNeverGrowsForEver() {
    int most = 0;
    for (int round = 0; round < 5; round++) {
      for (int i = 0; i < 20_000; i++) {
        zap.insertLong(world.tx, b("round " + round + " name " + i), i);
      }
      if (round == 0) {
        most = (int) object.blockCount();
      }
      assertThat(object.blockCount()).isLessThan(most * 11L / 10);
      sound();
      // All but a few: freed blocks are used again by the next round.
      int kept = round % 2 == 0 ? 0 : 600;
      for (int i = kept; i < 20_000; i++) {
        assertThat(zap.remove(world.tx, b("round " + round + " name " + i))).isTrue();
      }
      sound();
      for (int i = 0; i < kept; i++) {
        assertThat(zap.remove(world.tx, b("round " + round + " name " + i))).isTrue();
      }
      assertThat(zap.isEmpty()).isTrue();
      assertThat(object.blockCount()).isEqualTo(1);
      assertThat(object.blockBytes()).isEqualTo(512);
      sound();
    }
  }

  @Test
  void freedBlocksAreUsedAgain() {
    for (int i = 0; i < 20_000; i++) {
      zap.insertLong(world.tx, b("old " + i), i);
    }
    long blocks = object.blockCount();
    for (int i = 1000; i < 20_000; i++) {
      zap.remove(world.tx, b("old " + i));
    }
    assertThat(object.blockCount()).isEqualTo(blocks);
    for (int i = 0; i < 18_000; i++) {
      zap.insertLong(world.tx, b("new " + i), i);
    }
    assertThat(object.blockCount()).isLessThanOrEqualTo(blocks + blocks / 20);
    sound();
  }

  @Test
  void theDumpShowsEveryEntry() {
    for (int i = 0; i < 2000; i++) {
      zap.insertLong(world.tx, b("n" + i), i);
    }
    List<String> lines = new ArrayList<>();
    ZapDump.print(object, true, lines::add);
    assertThat(lines.getFirst()).startsWith("zap: tree of level 1, entries 2000, layout 16384");
    assertThat(lines.stream().filter(line -> line.contains("\"n"))).hasSize(2000);
    assertThat(lines).anyMatch(line -> line.endsWith("\"n1999\" = 0x7cf"));
    lines.clear();
    ZapDump.print(object, false, lines::add);
    assertThat(lines.size()).isLessThan(40);
    object.assertNoPins();
  }

  @Test
  void anObjectThatIsNoZapIsCorrupt() {
    HeapBlockObject nothing = new HeapBlockObject();
    Zap none = Zap.open(nothing, world);
    refused(() -> none.get(b("a")), Errno.EIO);
    refused(none::count, Errno.EIO);
    refused(() -> none.insertLong(world.tx, b("a"), 1), Errno.EIO);
    refused(() -> none.remove(world.tx, b("a")), Errno.EIO);
    refused(() -> none.iterate(0, (c, n, v) -> true), Errno.EIO);
    assertThat(none.check()).containsExactly("corrupt zap.magic: value 0");
    nothing.assertNoPins();
  }
}
