package io.lcpfs.vdev;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.format.PoolConfig;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Runs commits, then looks at every state in which a crash could have left the device: all closed
 * flush epochs and any subset of the open one, writes also torn.
 */
class LabelCrashTest {
  private static final int CAPACITY = 16 << 20;
  private static final int MARKER_AT = 8 << 20;

  /** The state that commits make durable: a txg, and bytes elsewhere that its blocks stand for. */
  private static final class Script {
    final LabelWorld world = new LabelWorld(1, CAPACITY, 4096);
    final LoggingDevice device = world.devices.getFirst();
    PoolConfig config = world.config();
    LayoutRecord layout = LabelWorld.layout();

    /** Number of events after which each txg is durable. */
    final List<Integer> durableAt = new ArrayList<>();

    Script(boolean noFlush) {
      world.noFlush = noFlush;
      // A device that belonged to another pool before.
      Arrays.fill(device.content, 0, 1 << 20, (byte) 0x5a);
      world.labels.initialize(world.targets, config, layout);
      commit(1, false, false);
      commit(2, false, true);
      commit(3, true, false);
      commit(4, true, true);
      commit(5, false, false);
    }

    private void commit(long txg, boolean newConfig, boolean newLayout) {
      config = newConfig ? config.withName("tank" + txg) : config;
      layout =
          newLayout ? TileMap.of(config, layout).bind(0, PlacementClass.NORMAL, 2, txg) : layout;
      byte[] block = new byte[4096];
      Arrays.fill(block, (byte) txg);
      world
          .targets
          .getFirst()
          .queue()
          .write(
              MARKER_AT + txg * 4096,
              MemorySegment.ofArray(block),
              failure -> assertThat(failure).isNull());
      world.labels.commit(
          world.targets,
          LabelWorld.uberblock(txg, config, layout),
          newConfig ? config : null,
          newLayout ? layout : null);
      durableAt.add(device.events.size());
    }

    /** What is wrong with the state on this device, or "". */
    String check(byte[] image, int eventsDone) {
      LoggingDevice after = new LoggingDevice(image, 4096);
      int least = 0;
      for (int i = 0; i < durableAt.size(); i++) {
        least = durableAt.get(i) <= eventsDone ? i + 1 : least;
      }
      try {
        LabelChoice choice =
            world.labels.chooseBest(
                List.of(world.labels.scan(after)), LabelWorld.POOL, Long.MAX_VALUE);
        long txg = choice.uberblock().txg();
        if (txg < least) {
          return "txg " + txg + " though " + least + " was durable";
        }
        for (int i = 0; i < 4096; i++) {
          if (image[(int) (MARKER_AT + txg * 4096 + i)] != (byte) txg) {
            return "txg " + txg + " without its blocks";
          }
        }
        TileMap.of(choice.config(), choice.layout());
        return "";
      } catch (PoolException e) {
        return least == 0 ? "" : "txg " + least + " is lost: " + e.getMessage();
      }
    }

    /** All findings over all crash states. */
    List<String> crashEverywhere(boolean torn) {
      List<String> findings = new ArrayList<>();
      SplittableRandom random = new SplittableRandom(1);
      List<LoggingDevice.Event> events = device.events;
      byte[] closed = new byte[CAPACITY];
      Arrays.fill(closed, 0, 1 << 20, (byte) 0x5a);
      int from = 0;
      while (from < events.size()) {
        int to = from;
        while (to < events.size() && !events.get(to).isFlush()) {
          to++;
        }
        List<LoggingDevice.Event> open = events.subList(from, to);
        int states = open.size() <= 8 ? 1 << open.size() : 128;
        byte[] image = closed.clone();
        for (int state = 0; state < states; state++) {
          for (int i = 0; i < open.size(); i++) {
            restore(image, closed, open.get(i));
          }
          for (int i = 0; i < open.size(); i++) {
            boolean done = open.size() <= 8 ? (state >> i & 1) == 1 : random.nextBoolean();
            if (done) {
              apply(image, open.get(i), torn ? random : null);
            }
          }
          String finding = check(image, from);
          if (!finding.isEmpty()) {
            findings.add("epoch from event " + from + ": " + finding);
          }
        }
        open.forEach(event -> apply(closed, event, null));
        from = to + 1;
      }
      String atTheEnd = check(closed, events.size());
      if (!atTheEnd.isEmpty()) {
        findings.add(atTheEnd);
      }
      return findings;
    }
  }

  private static void restore(byte[] image, byte[] closed, LoggingDevice.Event event) {
    System.arraycopy(
        closed, (int) event.offset(), image, (int) event.offset(), event.data().length);
  }

  private static void apply(
      byte[] image, LoggingDevice.Event event, @Nullable SplittableRandom torn) {
    for (int at = 0; at < event.data().length; at += 512) {
      if (torn == null || torn.nextInt(4) > 0) {
        System.arraycopy(event.data(), at, image, (int) event.offset() + at, 512);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyCrashStateOfACommitFindsTheOldOrTheNewStateWhole(boolean torn) {
    Script script = new Script(false);
    assertThat(script.crashEverywhere(torn)).isEmpty();
    script.world.close();
  }

  @Test
  void everyCommitWithoutItsFlushIsFoundOut() {
    Script script = new Script(true);
    assertThat(script.crashEverywhere(false)).anyMatch(f -> f.contains("without its blocks"));
    script.world.close();
  }
}
