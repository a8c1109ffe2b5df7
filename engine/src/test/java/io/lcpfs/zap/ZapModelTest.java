package io.lcpfs.zap;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.CodeProbe;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random histories against plain maps, with iterations under way while names come and go. */
class ZapModelTest {

  /** A directory being listed by someone, piece by piece. */
  private static final class Listing {
    long position;
    final Set<String> mustCome;
    final Set<String> mayNotCome = new HashSet<>();

    Listing(Set<String> names) {
      mustCome = new HashSet<>(names);
    }
  }

  private static final class History {
    final Random random;
    final ZapWorld world;
    final HeapBlockObject object = new HeapBlockObject();
    final Zap zap;
    final Map<String, byte[]> model = new HashMap<>();
    final Map<String, Long> cookies = new HashMap<>();
    final List<String> names = new ArrayList<>();
    final Listing[] listings = new Listing[3];
    final int longestValue;
    final int longestName;
    int serial;

    History(long seed, NameHash hash, int longestName, int longestValue) {
      random = new Random(seed);
      world = new ZapWorld(seed);
      zap = new Zap(object, world, hash, 1 << 16);
      this.longestName = longestName;
      this.longestValue = longestValue;
      Zap.create(world.tx, object, world);
      object.moveOnModify = true;
      Arrays.setAll(listings, i -> new Listing(Set.of()));
    }

    String newName() {
      StringBuilder name = new StringBuilder(Integer.toString(serial++, 36)).append('-');
      int length = random.nextInt(random.nextInt(8) == 0 ? longestName - 8 : 12);
      while (name.length() < length) {
        name.append((char) random.nextInt(256));
      }
      return name.toString();
    }

    byte[] newValue() {
      byte[] value = new byte[random.nextBoolean() ? 8 : 1 + random.nextInt(longestValue)];
      random.nextBytes(value);
      return value;
    }

    void step(int target) {
      boolean grow = random.nextInt(10) < (model.size() < target ? 7 : 3);
      String name = names.isEmpty() ? "?" : names.get(random.nextInt(names.size()));
      byte[] bytes = name.getBytes(ISO_8859_1);
      int kind = random.nextInt(20);
      if (kind == 0) {
        assertThat(zap.get(bytes)).isEqualTo(model.get(name));
        assertThat(zap.insert(world.tx, bytes, newValue())).isEqualTo(name.equals("?"));
        if (name.equals("?")) {
          zap.remove(world.tx, bytes);
        }
      } else if (kind == 1) {
        assertThat(zap.get(newName().getBytes(ISO_8859_1))).isNull();
      } else if (kind == 2 && !names.isEmpty()) {
        byte[] value = newValue();
        assertThat(zap.put(world.tx, bytes, value)).isFalse();
        model.put(name, value);
      } else if (grow) {
        add(random.nextInt(4) == 0 && !name.equals("?") ? name + "x" : newName());
      } else if (!names.isEmpty()) {
        removeAt(random.nextInt(names.size()));
      }
      if (random.nextInt(20) == 0) {
        goOn(random.nextInt(listings.length));
      }
    }

    void add(String name) {
      byte[] value = newValue();
      boolean added =
          name.length() <= 1024 && zap.insert(world.tx, name.getBytes(ISO_8859_1), value);
      if (added) {
        assertThat(model.put(name, value)).isNull();
        names.add(name);
        for (Listing listing : listings) {
          listing.mayNotCome.remove(name);
        }
      } else {
        assertThat(name.length() > 1024 || model.containsKey(name)).isTrue();
      }
    }

    void removeAt(int index) {
      String name = names.get(index);
      names.set(index, names.getLast());
      names.removeLast();
      assertThat(zap.remove(world.tx, name.getBytes(ISO_8859_1))).isTrue();
      model.remove(name);
      cookies.remove(name);
      for (Listing listing : listings) {
        listing.mustCome.remove(name);
      }
    }

    void goOn(int which) {
      Listing listing = listings[which];
      int most = 1 + random.nextInt(model.size() / 20 + 5);
      int[] taken = {0};
      boolean[] stopped = {false};
      listing.position =
          zap.iterate(
              listing.position,
              (cookie, nameBytes, value) -> {
                if (taken[0] == most) {
                  stopped[0] = true;
                  return false;
                }
                taken[0]++;
                String name = new String(nameBytes, ISO_8859_1);
                Long known = cookies.putIfAbsent(name, cookie);
                assertThat(known == null || known == cookie).as("cookie of a name").isTrue();
                assertThat(value).isEqualTo(model.get(name));
                listing.mustCome.remove(name);
                assertThat(listing.mayNotCome.add(name)).as("listed twice").isTrue();
                return true;
              });
      if (!stopped[0]) {
        assertThat(listing.mustCome).isEmpty();
        listings[which] = new Listing(model.keySet());
      }
    }

    void compare() {
      assertThat(zap.check()).isEmpty();
      assertThat(zap.count()).isEqualTo(model.size());
      Map<String, byte[]> found = new HashMap<>();
      zap.iterate(
          0,
          (cookie, name, value) -> {
            found.put(new String(name, ISO_8859_1), value);
            return true;
          });
      assertThat(found.keySet()).isEqualTo(model.keySet());
      found.forEach((name, value) -> assertThat(value).isEqualTo(model.get(name)));
      object.assertNoPins();
    }

    void run(int steps, int... targets) {
      for (int target : targets) {
        for (int i = 0; i < steps; i++) {
          step(target);
        }
        compare();
      }
      while (!names.isEmpty()) {
        removeAt(names.size() - 1);
      }
      compare();
      assertThat(object.blockCount()).isEqualTo(1);
      assertThat(object.blockBytes()).isEqualTo(512);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void everyHistoryOfADirectoryMatchesTheMaps(long seed) {
    History history = new History(seed, SipHash::hash, 255, 8);
    history.run(25_000, 3_000, 100, 20_000, 500);
    assertThat(history.world.reached(CodeProbe.ZAP_NODE_SPLIT)).isPositive();
  }

  @ParameterizedTest
  @ValueSource(longs = {3, 4})
  void everyHistoryOfLargeEntriesMatchesTheMaps(long seed) {
    new History(seed, SipHash::hash, 1024, 1024).run(10_000, 100, 2_000, 10, 1_000);
  }

  @Test
  void everySmallHistoryMatchesTheMaps() {
    for (int seed = 0; seed < 40; seed++) {
      new History(seed, SipHash::hash, 64, 32).run(100, 5, 30, 0, 300, 10);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5})
  void everyHistoryWithAWeakHashMatchesTheMaps(int bits) {
    NameHash weak =
        (k0, k1, name, offset, length) ->
            SipHash.hash(k0, k1, name, offset, length) >>> 1 & (-1L << (63 - bits));
    History history = new History(bits, weak, 255, 100);
    history.run(4_000, 50, 700, 10, 500);
    assertThat(history.world.reached(CodeProbe.ZAP_HASH_COLLISION)).isPositive();
  }
}
