package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.device.BlockDevice;
import io.lcpfs.error.PoolException;
import io.lcpfs.stream.ReceiveOptions;
import io.lcpfs.stream.SendOptions;
import io.lcpfs.stream.StreamWorld;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The power goes at any write of a receive, whole or incremental: the import finds all of the
 * snapshot or nothing, verifies, and a receive that was to be resumed is gone on with to the same
 * end. {@code -Dlcpfs.trust.all=true} takes 400 crashes instead of 10.
 */
@Timeout(300)
class ReceiveCrashTest {
  private static final int SEEDS = Boolean.getBoolean("lcpfs.trust.all") ? 400 : 10;
  private static final int BYTES = 48 << 20;

  private final StreamWorld world = new StreamWorld();
  private final Tuning tuning =
      Tuning.standard()
          .withCacheBytes(16L << 20)
          .withDirtyBytes(4L << 20)
          .withPoison(true)
          .withTxgTimeoutNanos(3_000_000);

  @AfterEach
  void close() {
    world.close();
  }

  private Pool open(BlockDevice device) {
    return Pool.open(
        List.of(device), OpenOptions.standard().withTuning(tuning).withForce(true), world.env);
  }

  private static void receive(Pool to, byte[] stream, String name, boolean resumable) {
    ReceiveOptions options = ReceiveOptions.STANDARD.withResumable(resumable);
    to.receive(new ByteArrayInputStream(stream), name, options);
  }

  private static boolean exists(Pool pool, String name) {
    return pool.datasets().stream().anyMatch(one -> one.name().equals(name));
  }

  private byte[] imageWith(byte[] first) {
    MemoryDisk disk = MemoryDisk.ofBytes(512, BYTES);
    CreateOptions named = CreateOptions.named("to").withSmallDevices(true).withTuning(tuning);
    try (Pool to = Pool.create(List.of(disk), named, world.env)) {
      receive(to, first, "to/b", false);
    }
    return disk.image();
  }

  @Test
  void aCrashLeavesAllOfASnapshotOrNothing() {
    try (Pool from = world.pool("from", 64 << 20)) {
      Dataset source = from.createDataset("from/a", Map.of("recordsize", "8192"), false);
      StreamWorld.tree(source.fileSystem(), new Random(5), 25);
      Snapshot first = source.snapshot("s1");
      SendOptions all = SendOptions.FULL.withProperties(true);
      source.setProperties(Map.of("user:state", "s1", "user:gone", "yes"));
      byte[] image = imageWith(StreamWorld.send(first, all));
      source.inherit("user:gone");
      source.setProperty("user:state", "s2");
      for (int i = 0; i < 20; i++) {
        byte[] data = new byte[9000 + i];
        new Random(i).nextBytes(data);
        StreamWorld.write(source.fileSystem(), "/f" + 2 * i, 3000, data);
      }
      Snapshot second = source.snapshot("s2");
      byte[] full = StreamWorld.send(second, all);
      byte[] next = StreamWorld.send(second, all.withFrom("s1"));
      TreeMap<String, String> before = StreamWorld.look(first);
      TreeMap<String, String> after = StreamWorld.look(second);
      int died = 0;
      int resumed = 0;
      for (int seed = 1; seed <= SEEDS; seed++) {
        Random random = new Random(seed);
        boolean incremental = random.nextBoolean();
        boolean resumable = random.nextBoolean();
        String name = incremental ? "to/b" : "to/c";
        CrashDisk disk =
            new CrashDisk(image, 20 + random.nextInt(1 << (4 + random.nextInt(7))), seed, false);
        try (Pool to = open(disk)) {
          receive(to, incremental ? next : full, name, resumable);
        } catch (PoolException e) {
          died++;
          assertThat(disk.isDead()).as(e.getMessage()).isTrue();
        }
        byte[] left = disk.crash();
        try (Pool to = open(new MemoryDisk(512, left))) {
          if (!resumable) {
            StreamWorld.settle(to);
          }
          assertThat(to.verify(p -> {}).findings()).as("seed " + seed).isEmpty();
          int wanted = incremental ? 2 : 1;
          boolean there = exists(to, name) && to.dataset(name).snapshots().size() == wanted;
          if (there) {
            assertThat(StreamWorld.look(to.dataset(name))).as("seed " + seed).isEqualTo(after);
            assertThat(to.dataset(name).property("user:state").value()).isEqualTo("s2");
            assertThat(to.dataset(name).property("user:gone").value()).isEqualTo("-");
          } else {
            assertThat(to.dataset("to/b").property("user:state").value()).isEqualTo("s1");
            assertThat(to.dataset("to/b").property("user:gone").value()).isEqualTo("yes");
            assertThat(exists(to, name)).isEqualTo(incremental);
            assertThat(StreamWorld.look(to.dataset("to/b"))).isEqualTo(before);
            String token =
                to.dataset(incremental ? "to/b" : "to").property("receive_resume_token").value();
            assertThat(resumable || token.equals("-")).isTrue();
            byte[] rest = incremental ? next : full;
            if (!token.equals("-")) {
              ByteArrayOutputStream out = new ByteArrayOutputStream();
              from.streams().resuming(token, p -> {}).send(out);
              rest = out.toByteArray();
              resumed++;
            }
            ReceiveOptions force = ReceiveOptions.STANDARD.withForce(true);
            to.receive(new ByteArrayInputStream(rest), name, force);
            assertThat(StreamWorld.look(to.snapshot(name + "@s2"))).isEqualTo(after);
          }
          StreamWorld.settle(to);
          assertThat(to.verify(p -> {}).findings()).as("seed " + seed).isEmpty();
        }
      }
      assertThat(died).isGreaterThan(SEEDS / 4).isLessThan(SEEDS);
      assertThat(resumed).isPositive();
    }
  }

  private byte[] imageWithSnapshots() {
    MemoryDisk disk = MemoryDisk.ofBytes(512, BYTES);
    CreateOptions named = CreateOptions.named("to").withSmallDevices(true).withTuning(tuning);
    try (Pool to = Pool.create(List.of(disk), named, world.env)) {
      Dataset old = to.createDataset("to/b", Map.of("recordsize", "4096"), false);
      StreamWorld.tree(old.fileSystem(), new Random(9), 10);
      old.snapshot("o1");
      StreamWorld.write(old.fileSystem(), "/f1", 0, new byte[30_000]);
      old.snapshot("o2");
      StreamWorld.write(old.fileSystem(), "/f2", 5, new byte[3_000]);
    }
    return disk.image();
  }

  @Test
  void aCrashWhileAWholeStreamReplacesADatasetLeavesTheOldOrTheNew() {
    try (Pool from = world.pool("from", 64 << 20)) {
      Dataset source = from.createDataset("from/a", Map.of("recordsize", "8192"), false);
      StreamWorld.tree(source.fileSystem(), new Random(5), 15);
      Snapshot snapshot = source.snapshot("s");
      byte[] full = StreamWorld.send(snapshot, SendOptions.FULL);
      TreeMap<String, String> after = StreamWorld.look(snapshot);
      byte[] image = imageWithSnapshots();
      TreeMap<String, String> before;
      try (Pool to = open(new MemoryDisk(512, image.clone()))) {
        before = StreamWorld.look(to.dataset("to/b"));
      }
      int replaced = 0;
      int kept = 0;
      for (int seed = 1; seed <= SEEDS; seed++) {
        Random random = new Random(seed);
        int some = 20 + random.nextInt(1 << (4 + random.nextInt(8)));
        int writes = seed == 1 ? 20 : seed == 2 ? Integer.MAX_VALUE : some; // surely one of each
        CrashDisk disk = new CrashDisk(image, writes, seed, false);
        try (Pool to = open(disk)) {
          ReceiveOptions force = ReceiveOptions.STANDARD.withForce(true);
          to.receive(new ByteArrayInputStream(full), "to/b", force);
          StreamWorld.settle(to);
        } catch (PoolException e) {
          assertThat(disk.isDead()).as(e.getMessage()).isTrue();
        }
        try (Pool to = open(new MemoryDisk(512, disk.crash()))) {
          assertThat(to.verify(p -> {}).findings()).as("seed " + seed).isEmpty();
          List<String> names =
              to.dataset("to/b").snapshots().stream().map(Snapshot::shortName).toList();
          boolean isNew = names.equals(List.of("s"));
          if (isNew) {
            replaced++;
          } else {
            kept++;
            assertThat(names).containsExactly("o1", "o2");
          }
          assertThat(StreamWorld.look(to.dataset("to/b")))
              .as("seed " + seed)
              .isEqualTo(isNew ? after : before);
          StreamWorld.settle(to);
          assertThat(to.verify(p -> {}).findings()).as("seed " + seed).isEmpty();
        }
      }
      assertThat(replaced).isPositive();
      assertThat(kept).isPositive();
    }
  }
}
