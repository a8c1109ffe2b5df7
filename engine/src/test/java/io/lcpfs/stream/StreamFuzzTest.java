package io.lcpfs.stream;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Caller;
import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Streams of any bytes, and sound ones with any edits whose checksums are made right: each is
 * received whole, and then reads and verifies, or refused, and then nothing of it is there. {@code
 * -Dlcpfs.fuzz.seed=S -Dlcpfs.fuzz.count=N} choose the random edits that are always tried.
 */
class StreamFuzzTest {
  private static final int MOST_EDITS = 64;

  /** Made once: a fuzzer has many inputs. */
  private static @Nullable StreamWorld world;

  private static @Nullable Pool pool;
  private static byte[] full = new byte[0];
  private static byte[] next = new byte[0];

  private static Pool pool() {
    Pool known = pool;
    if (known != null) {
      return known;
    }
    StreamWorld made = new StreamWorld();
    world = made;
    Pool fresh = made.pool("tank", 64 << 20);
    Dataset source = fresh.createDataset("tank/a", Map.of("recordsize", "4096"), false);
    var fs = source.fileSystem();
    StreamWorld.write(fs, "/f", 0, new byte[20_000]);
    StreamWorld.write(fs, "/g", 0, new byte[] {1, 2, 3});
    fs.paths().mkdir(StreamWorld.path("/d"), 0755, Caller.ROOT);
    fs.paths().link(StreamWorld.path("/g"), StreamWorld.path("/d/h"), Caller.ROOT);
    fs.paths().symlink(StreamWorld.path("g"), StreamWorld.path("/s"), Caller.ROOT);
    long inode = fs.paths().stat(StreamWorld.path("/g"), Caller.ROOT).inode();
    fs.setxattr(inode, StreamWorld.path("user.x"), new byte[700], 0, Caller.ROOT);
    SendOptions options = SendOptions.FULL.withProperties(true).withCompressed(true);
    full = StreamWorld.send(source.snapshot("s1"), options);
    fs.paths().unlink(StreamWorld.path("/s"), Caller.ROOT);
    StreamWorld.write(fs, "/f", 8192, new byte[] {7});
    StreamWorld.write(fs, "/new", 100_000, new byte[] {7});
    next = StreamWorld.send(source.snapshot("s2"), options.withFrom("s1"));
    pool = fresh;
    return fresh;
  }

  @AfterAll
  static void close() {
    Pool known = pool;
    StreamWorld made = world;
    if (known != null && made != null) {
      StreamWorld.settle(known);
      StreamWorld.assertClean(known);
      assertThat(known.datasets()).hasSize(2);
      known.close();
      made.close();
      pool = null;
    }
  }

  private static boolean received(Pool pool, byte[] stream) {
    try {
      pool.receive(new ByteArrayInputStream(stream), "tank/b", ReceiveOptions.STANDARD);
    } catch (PoolException e) {
      assertThat(e.error().message()).isNotEmpty();
      return false;
    }
    return true;
  }

  private static void look(Pool pool, boolean received) {
    assertThat(pool.datasets()).hasSize(received ? 3 : 2);
    if (received) {
      StreamWorld.look(pool.dataset("tank/b"));
      pool.dataset("tank/b").snapshots().forEach(StreamWorld::look);
      pool.destroyDataset("tank/b", true);
    }
  }

  /** Four bytes are an edit: a record, a place in it (two), a value. */
  private static byte[] edited(byte[] stream, byte[] input) {
    List<byte[]> records = StreamForge.records(stream);
    for (int i = 0; i + 4 <= Math.min(input.length, 4 * MOST_EDITS); i += 4) {
      byte[] record = records.get((input[i] & 0xff) % records.size());
      int at = ((input[i + 1] & 0xff) << 8 | (input[i + 2] & 0xff)) % record.length;
      // The lengths stay, or the rest would be no records.
      if (at < 4 || at >= 8) {
        record[at] = input[i + 3];
      }
    }
    return StreamForge.signed(stream, records);
  }

  @FuzzTest(maxDuration = "1m")
  void everyStreamIsReceivedOrRefused(byte[] input) {
    Pool pool = pool();
    look(pool, received(pool, edited(full, input)));
  }

  @FuzzTest(maxDuration = "1m")
  void everyContinuationIsReceivedOrRefused(byte[] input) {
    Pool pool = pool();
    assertThat(received(pool, full)).isTrue();
    var before = StreamWorld.look(pool.dataset("tank/b"));
    if (!received(pool, edited(next, input))) {
      assertThat(StreamWorld.look(pool.dataset("tank/b"))).isEqualTo(before);
      assertThat(pool.dataset("tank/b").snapshots()).hasSize(1);
    }
    look(pool, true);
  }

  @FuzzTest(maxDuration = "1m")
  void anyBytesAreRecordsOrDamaged(byte[] input) {
    StreamReader reader = new StreamReader(new ByteArrayInputStream(input));
    try {
      reader.preamble();
      while (true) {
        reader.next();
      }
    } catch (PoolException e) {
      assertThat(e.error().message()).contains("; ");
    }
  }

  @Test
  @Timeout(120)
  void randomEditsAreReceivedOrRefused() {
    Random random = new Random(Long.getLong("lcpfs.fuzz.seed", 11));
    for (int i = Integer.getInteger("lcpfs.fuzz.count", 150); i > 0; i--) {
      byte[] input = new byte[4 * (1 + random.nextInt(3))];
      random.nextBytes(input);
      for (int at = 1; at < input.length; at += 4) {
        input[at] = (byte) random.nextInt(2);
      }
      if (random.nextInt(3) == 0) {
        everyContinuationIsReceivedOrRefused(input);
      } else {
        everyStreamIsReceivedOrRefused(input);
      }
    }
  }
}
