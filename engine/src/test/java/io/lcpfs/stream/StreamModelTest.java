package io.lcpfs.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random histories of a dataset, its snapshots sent one after the other to another pool, whole,
 * each since the one before or several at once, as stored or plain, often cut anywhere and gone on
 * with: every snapshot there shows what it shows here, and the checks of both pools find nothing.
 * {@code -Dlcpfs.trust.all=true} takes 100 histories instead of 4.
 */
@Timeout(300)
class StreamModelTest {
  private final StreamWorld world = new StreamWorld();

  @AfterEach
  void close() {
    world.close();
  }

  static LongStream seeds() {
    return LongStream.rangeClosed(1, Boolean.getBoolean("lcpfs.trust.all") ? 100 : 4);
  }

  /** A history under way. */
  private static final class History {
    final Random random;
    final Pool from;
    final Pool to;
    final Dataset source;
    final TreeMap<String, Integer> names = new TreeMap<>();
    final List<String> sent = new ArrayList<>();
    int made;

    History(long seed, Pool from, Pool to) {
      this.random = new Random(seed);
      this.from = from;
      this.to = to;
      String record = Integer.toString(512 << random.nextInt(8));
      String compression = List.of("off", "lz4", "zstd").get(random.nextInt(3));
      this.source =
          from.createDataset(
              "from/a", Map.of("recordsize", record, "compression", compression), false);
    }

    void change() {
      PosixFileSystem fs = source.fileSystem();
      for (int i = random.nextInt(40); i >= 0; i--) {
        String name = "/f" + random.nextInt(60);
        switch (random.nextInt(9)) {
          case 0 -> {
            if (names.remove(name) != null) {
              fs.paths().unlink(StreamWorld.path(name), Caller.ROOT);
            }
          }
          case 1 -> {
            if (names.containsKey(name)) {
              try (FileHandle file =
                  fs.paths().open(StreamWorld.path(name), OpenFlags.O_RDWR, 0, Caller.ROOT)) {
                file.truncate(random.nextInt(3) == 0 ? 0 : random.nextInt(60_000));
              }
            }
          }
          case 2 -> {
            if (names.containsKey(name)) {
              long inode = fs.paths().stat(StreamWorld.path(name), Caller.ROOT).inode();
              byte[] value = new byte[random.nextInt(900)];
              fs.setxattr(inode, StreamWorld.path("user.a"), value, 0, Caller.ROOT);
            }
          }
          case 3 -> {
            String other = "/f" + random.nextInt(60);
            if (names.containsKey(name) && !other.equals(name)) {
              fs.paths().rename(StreamWorld.path(name), StreamWorld.path(other), 0, Caller.ROOT);
              names.remove(name);
              names.put(other, 0);
            }
          }
          case 4 -> {
            if (!names.containsKey(name)) {
              fs.paths().symlink(StreamWorld.path("to" + i), StreamWorld.path(name), Caller.ROOT);
              fs.paths().unlink(StreamWorld.path(name), Caller.ROOT);
            }
          }
          default -> {
            byte[] data = new byte[random.nextInt(random.nextBoolean() ? 300 : 40_000) + 1];
            if (random.nextBoolean()) {
              random.nextBytes(data);
            }
            StreamWorld.write(fs, name, random.nextInt(4) * random.nextInt(50_000), data);
            names.put(name, 0);
          }
        }
      }
    }

    void send() {
      int newest = made;
      for (int i = random.nextInt(3); i >= 0; i--) {
        change();
        source.snapshot("s" + made++);
      }
      boolean between = sent.isEmpty() || random.nextBoolean();
      String last = sent.isEmpty() ? "" : sent.getLast();
      SendOptions options =
          SendOptions.FULL
              .withFrom(last)
              .withIntermediates(between && !last.isEmpty())
              .withCompressed(random.nextBoolean());
      Snapshot snapshot = from.snapshot("from/a@s" + (made - 1));
      receive(StreamWorld.send(snapshot, options), !last.isEmpty() && between);
      if (between && !last.isEmpty()) {
        for (int i = newest; i < made - 1; i++) {
          sent.add("s" + i);
        }
      }
      sent.add("s" + (made - 1));
    }

    private void receive(byte[] whole, boolean several) {
      byte[] stream = whole;
      ReceiveOptions options = ReceiveOptions.STANDARD.withResumable(true).withForce(true);
      while (!several && random.nextInt(3) > 0) {
        byte[] cut = Arrays.copyOf(stream, random.nextInt(stream.length));
        assertThatThrownBy(() -> to.receive(new ByteArrayInputStream(cut), "to/a", options))
            .isInstanceOf(PoolException.class);
        StreamWorld.assertClean(to);
        String token =
            List.of("to", "to/a").stream()
                .filter(name -> to.datasets().stream().anyMatch(d -> d.name().equals(name)))
                .map(name -> to.dataset(name).property("receive_resume_token").value())
                .filter(value -> !value.equals("-"))
                .findFirst()
                .orElse("");
        if (!token.isEmpty()) {
          ByteArrayOutputStream rest = new ByteArrayOutputStream();
          from.streams().resuming(token, p -> {}).send(rest);
          stream = rest.toByteArray();
        }
      }
      to.receive(new ByteArrayInputStream(stream), "to/a", options);
    }

    void compare() {
      Dataset there = to.dataset("to/a");
      assertThat(there.snapshots().stream().map(Snapshot::shortName)).isEqualTo(sent);
      for (String name : sent) {
        assertThat(StreamWorld.look(to.snapshot("to/a@" + name)))
            .as(name)
            .isEqualTo(StreamWorld.look(from.snapshot("from/a@" + name)));
      }
      StreamWorld.assertClean(to);
      StreamWorld.assertClean(from);
    }
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void whatIsReceivedIsWhatWasSent(long seed) {
    try (Pool from = world.pool("from", 128 << 20);
        Pool to = world.pool("to", 128 << 20)) {
      History history = new History(seed, from, to);
      for (int round = 0; round < 6; round++) {
        history.send();
        if (history.random.nextInt(3) == 0) {
          // Somebody changes what is received into: -F loses that.
          StreamWorld.write(to.dataset("to/a").fileSystem(), "/mine", 0, new byte[3000]);
        }
      }
      history.compare();
      to.destroyDataset("to/a", true);
      StreamWorld.settle(to);
      StreamWorld.assertClean(to);
    }
  }

  @Test
  void whatChangedSinceItsSnapshotIsNotLostUnasked() {
    try (Pool pool = world.pool("tank", 96 << 20)) {
      Dataset source = pool.createDataset("tank/a", Map.of(), false);
      StreamWorld.write(source.fileSystem(), "/f", 0, new byte[] {1});
      byte[] full = StreamWorld.send(source.snapshot("s1"), SendOptions.FULL);
      StreamWorld.write(source.fileSystem(), "/f", 0, new byte[] {2});
      byte[] next = StreamWorld.send(source.snapshot("s2"), SendOptions.FULL.withFrom("s1"));
      StreamWorld.write(source.fileSystem(), "/f", 0, new byte[] {3});
      byte[] third = StreamWorld.send(source.snapshot("s3"), SendOptions.FULL.withFrom("s2"));
      refused(pool, next, ReceiveOptions.STANDARD, Errno.ENOENT);
      pool.receive(new ByteArrayInputStream(full), "tank/b", ReceiveOptions.STANDARD);
      refused(pool, full, ReceiveOptions.STANDARD, Errno.EEXIST);
      refused(pool, third, ReceiveOptions.STANDARD, Errno.ESTALE);
      StreamWorld.write(pool.dataset("tank/b").fileSystem(), "/mine", 0, new byte[] {9});
      refused(pool, next, ReceiveOptions.STANDARD, Errno.EBUSY);
      assertThat(StreamWorld.look(pool.dataset("tank/b"))).containsKey("/mine");
      ReceiveOptions force = ReceiveOptions.STANDARD.withForce(true);
      pool.receive(new ByteArrayInputStream(next), "tank/b", force);
      assertThat(StreamWorld.look(pool.dataset("tank/b")))
          .isEqualTo(StreamWorld.look(pool.snapshot("tank/a@s2")));
      refused(pool, next, force, Errno.EEXIST);
      pool.dataset("tank/b").snapshot("mine");
      refused(pool, third, force, Errno.ESTALE);
      pool.snapshot("tank/b@mine").destroy();
      pool.receive(new ByteArrayInputStream(third), "tank/b", ReceiveOptions.STANDARD);
      StreamWorld.settle(pool);
      StreamWorld.assertClean(pool);
    }
  }

  private static void refused(Pool pool, byte[] stream, ReceiveOptions options, Errno errno) {
    assertThatThrownBy(() -> pool.receive(new ByteArrayInputStream(stream), "tank/b", options))
        .isInstanceOfSatisfying(
            PoolException.class,
            e -> {
              assertThat(e.errno()).as(e.getMessage()).isEqualTo(errno);
              assertThat(e.error().message()).contains("; ");
            });
  }

  @Test
  void aTreeOfDatasetsArrivesWithAllItsSnapshotsAndProperties() {
    try (Pool from = world.pool("from", 96 << 20);
        Pool to = world.pool("to", 96 << 20)) {
      from.createDataset("from/a/b/c", Map.of("user:x", "1", "exec", "off"), true);
      for (int i = 0; i < 3; i++) {
        for (String name : List.of("from/a", "from/a/b", "from/a/b/c")) {
          StreamWorld.write(from.dataset(name).fileSystem(), "/f" + i, 0, new byte[100 * i + 1]);
        }
        from.createSnapshots("from/a@s" + i, true);
      }
      SendOptions all = SendOptions.FULL.withRecursive(true);
      byte[] stream = StreamWorld.send(from.snapshot("from/a@s1"), all);
      ReceiveOptions below = ReceiveOptions.STANDARD.withNaming(ReceiveOptions.Naming.WITHOUT_POOL);
      ReceiveReport report = to.receive(new ByteArrayInputStream(stream), "to", below);
      assertThat(report.snapshots()).hasSize(6);
      assertThat(report.leftOut()).isEmpty(); // exec=off only restricts
      byte[] more =
          StreamWorld.send(from.snapshot("from/a@s2"), all.withFrom("s1").withIntermediates(true));
      to.receive(new ByteArrayInputStream(more), "to", below);
      for (String name : List.of("a", "a/b", "a/b/c")) {
        for (int i = 0; i < 3; i++) {
          assertThat(StreamWorld.look(to.snapshot("to/" + name + "@s" + i)))
              .isEqualTo(StreamWorld.look(from.snapshot("from/" + name + "@s" + i)));
        }
      }
      assertThat(to.dataset("to/a/b/c").property("user:x").value()).isEqualTo("1");
      assertThat(to.dataset("to/a/b/c").property("exec").value()).isEqualTo("off");
      assertThat(to.dataset("to/a/b/c").property("exec").sourceText()).isEqualTo("received");
      ReceiveOptions last = ReceiveOptions.STANDARD.withNaming(ReceiveOptions.Naming.LAST_PART);
      to.createDataset("to/x", Map.of(), false);
      to.receive(
          new ByteArrayInputStream(
              StreamWorld.send(from.snapshot("from/a/b/c@s2"), SendOptions.FULL)),
          "to/x",
          last.withProperties(Map.of("atime", "off"), java.util.Set.of(), false));
      assertThat(to.dataset("to/x/c").property("atime").value()).isEqualTo("off");
      StreamWorld.assertClean(to);
    }
  }
}
