package io.lcpfs.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import java.io.ByteArrayInputStream;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Streams that end early, that were damaged on their way, and whose checksums are right while what
 * they say is a lie: each is refused with a reason, and nothing of it is ever seen.
 */
@Timeout(180)
class HostileStreamTest {
  private static final boolean ALL = Boolean.getBoolean("lcpfs.trust.all");

  private final StreamWorld world = new StreamWorld();
  private Pool pool = world.pool("tank", 64 << 20);
  private byte[] stream = new byte[0];

  @BeforeEach
  void send() {
    Dataset source = pool.createDataset("tank/a", Map.of("comment:x", "y"), false);
    StreamWorld.write(source.fileSystem(), "/f", 0, new byte[] {1, 2, 3});
    StreamWorld.write(source.fileSystem(), "/g", 5000, new byte[9000]);
    source
        .fileSystem()
        .paths()
        .symlink(StreamWorld.path("f"), StreamWorld.path("/s"), io.lcpfs.posix.Caller.ROOT);
    SendOptions options = SendOptions.FULL.withProperties(true).withCompressed(true);
    stream = StreamWorld.send(source.snapshot("s"), options);
  }

  @AfterEach
  void close() {
    pool.close();
    world.close();
  }

  private PoolException refused(byte[] bytes, ReceiveOptions options) {
    try {
      pool.receive(new ByteArrayInputStream(bytes), "tank/b", options);
    } catch (PoolException e) {
      assertThat(e.error().message()).contains("; ");
      assertThat(e.errno())
          .isIn(Errno.EIO, Errno.EINVAL, Errno.EOPNOTSUPP, Errno.ENAMETOOLONG, Errno.EEXIST);
      return e;
    }
    throw new AssertionError("received: " + bytes.length + " bytes");
  }

  private void nothingIsThere() {
    assertThat(pool.datasets().stream().map(Dataset::name)).containsExactly("tank", "tank/a");
    StreamWorld.settle(pool);
    StreamWorld.assertClean(pool);
    assertThat(pool.verify(p -> {}).counts()).containsEntry("datasets", 2L);
  }

  @Test
  void aStreamCutAnywhereIsRefused() {
    for (int length = 0; length < stream.length; length += ALL || length < 150 ? 1 : 13) {
      refused(Arrays.copyOf(stream, length), ReceiveOptions.STANDARD);
    }
    refused(Arrays.copyOf(stream, stream.length - 1), ReceiveOptions.STANDARD);
    nothingIsThere();
    pool.receive(new ByteArrayInputStream(stream), "tank/b", ReceiveOptions.STANDARD);
  }

  @Test
  void aStreamFlippedAnywhereIsRefused() {
    Random random = new Random(3);
    for (int at = 0; at < stream.length; at += ALL || at < 150 ? 1 : 1 + random.nextInt(25)) {
      byte[] flipped = stream.clone();
      flipped[at] ^= (byte) (1 << random.nextInt(8));
      refused(flipped, ReceiveOptions.STANDARD);
    }
    nothingIsThere();
  }

  @Test
  void recordsThatAreMissingTwiceOrInAnotherOrderAreFound() {
    List<byte[]> records = StreamForge.records(stream);
    for (int i = 1; i < records.size(); i++) {
      List<byte[]> without = new java.util.ArrayList<>(records);
      byte[] gone = without.remove(i);
      refused(StreamForge.joined(stream, without), ReceiveOptions.STANDARD);
      without.add(i, gone);
      without.add(i, gone);
      if (i < records.size() - 1) { // what follows the end is not read
        refused(StreamForge.joined(stream, without), ReceiveOptions.STANDARD);
      }
      List<byte[]> turned = new java.util.ArrayList<>(records);
      java.util.Collections.swap(turned, i, i - 1);
      refused(StreamForge.joined(stream, turned), ReceiveOptions.STANDARD);
    }
    nothingIsThere();
  }

  @Test
  void aRecordOfAnotherStreamIsFoundThoughItIsSoundThere() {
    int tried = 0;
    for (int i = 0; i < StreamForge.records(stream).size(); i++) {
      List<byte[]> others = StreamForge.records(stream);
      if (others.get(i)[0] == 5) {
        others.get(i)[StreamRecord.HEADER_BYTES] ^= 1;
        StreamForge.signed(stream, others);
        List<byte[]> spliced = StreamForge.records(stream);
        spliced.set(i, others.get(i));
        assertThat(
                refused(StreamForge.joined(stream, spliced), ReceiveOptions.STANDARD)
                    .error()
                    .message())
            .contains("checksum");
        tried++;
      }
    }
    assertThat(tried).isPositive();
    nothingIsThere();
  }

  /** Every record changed by {@code lie}, with all checksums right. */
  private TreeSet<String> forged(Consumer<byte[]> lie, int type) {
    TreeSet<String> reasons = new TreeSet<>();
    int count = StreamForge.records(stream).size();
    for (int i = 0; i < count; i++) {
      List<byte[]> records = StreamForge.records(stream);
      if (type == 0 || records.get(i)[0] == type) {
        lie.accept(records.get(i));
        reasons.add(
            refused(StreamForge.signed(stream, records), ReceiveOptions.STANDARD)
                .error()
                .message());
      }
    }
    assertThat(reasons).isNotEmpty();
    return reasons;
  }

  @Test
  void whatIsSignedAgainAndNotChangedIsReceived() {
    byte[] same = StreamForge.signed(stream, StreamForge.records(stream));
    assertThat(same).isEqualTo(stream);
  }

  @Test
  void aLieInARecordIsRefused() {
    int payload = StreamRecord.HEADER_BYTES;
    // type, object, offset, length
    forged(r -> r[0] = 77, 0);
    forged(r -> r[2] = 1, 0);
    forged(r -> r[15] = (byte) 0x80, 0);
    forged(r -> r[23] = (byte) 0x80, 0);
    forged(r -> r[8] ^= 1, 5);
    forged(r -> r[16] ^= 1, 5);
    forged(r -> r[1] = 9, 5);
    forged(r -> r[24] ^= 1, 5);
    forged(r -> r[31] = 1, 5);
    // OBJECT: type, bonus, block size, count
    forged(r -> r[payload] = 0, 3);
    forged(r -> r[payload] = 12, 3);
    forged(r -> r[payload] = 99, 3);
    forged(r -> r[payload + 2]++, 3);
    forged(r -> r[payload + 4] = 1, 3);
    forged(r -> r[payload + 7] = 1, 3);
    forged(r -> Arrays.fill(r, payload + 8, payload + 16, (byte) 0xff), 3);
    forged(r -> r[1] = 4, 3);
    // BEGIN: guid, names, features
    forged(r -> Arrays.fill(r, payload, payload + 8, (byte) 0), 1);
    forged(r -> r[payload + 32]++, 1);
    forged(r -> r[payload + 34]++, 1);
    forged(r -> r[payload + 36]++, 1);
    assertThat(forged(r -> r[payload + 64] = 'X', 1).first()).contains("'Xompressed'");
    forged(r -> r[payload + 128 + 4] = '@', 1);
    // END: counts
    forged(r -> r[payload]++, 7);
    forged(r -> r[payload + 8]++, 7);
    forged(r -> r[1] = 2, 7);
    nothingIsThere();
  }

  @Test
  void aFileSystemThatIsNotSoundIsRefused() {
    int bonus = StreamRecord.HEADER_BYTES + StreamRecord.OBJECT_BYTES;
    TreeSet<String> reasons = new TreeSet<>();
    List<byte[]> sound = StreamForge.records(stream);
    for (int i = 0; i < sound.size(); i++) {
      boolean znode = sound.get(i)[0] == 3 && sound.get(i).length > bonus + 64;
      // version, type, links, size, parent: of each file
      for (int at : znode ? new int[] {0, 5, 16, 31, 32} : new int[0]) {
        List<byte[]> records = StreamForge.records(stream);
        records.get(i)[bonus + at] ^= 0x55;
        byte[] forged = StreamForge.signed(stream, records);
        try {
          pool.receive(new ByteArrayInputStream(forged), "tank/b", ReceiveOptions.STANDARD);
          // The parent of a file and the size of one that is empty may say anything.
          assertThat(at).isIn(31, 32);
          pool.destroyDataset("tank/b", true);
        } catch (PoolException e) {
          reasons.add(e.error().message());
        }
      }
      if (sound.get(i)[0] == 3) {
        List<byte[]> without = StreamForge.records(stream);
        without.remove(i);
        if (i < sound.size() - 1 && without.get(i)[0] == 5) {
          without.remove(i);
        }
        refused(StreamForge.signed(stream, without), ReceiveOptions.STANDARD);
      }
    }
    assertThat(reasons).hasSizeGreaterThan(5).allMatch(text -> text.contains("tank/b@s"));
    nothingIsThere();
  }

  @Test
  void whatIsNoStreamIsSaidToBeNone() {
    assertThat(refused(new byte[0], ReceiveOptions.STANDARD).error().message()).contains("empty");
    assertThat(refused(new byte[100], ReceiveOptions.STANDARD).error().message())
        .contains("no stream");
    byte[] later = stream.clone();
    later[8] = 2;
    assertThat(refused(later, ReceiveOptions.STANDARD).error().message())
        .contains("version 2", "version 1");
  }

  @Test
  void aSnapshotThatIsBeingSentStays() {
    var source = pool.snapshot("tank/a@s");
    assertThatThrownBy(
            () ->
                source.send(
                    new java.io.OutputStream() {
                      @Override
                      public void write(int b) {
                        source.destroy();
                      }
                    },
                    SendOptions.FULL))
        .hasMessageContaining("is being sent");
    source.destroy();
  }

  @Test
  void theStreamMayEndInTheMiddleOfAReadAndGoOnBeyondItsEnd() {
    byte[] more = Arrays.copyOf(stream, stream.length + 100);
    var in =
        new ByteArrayInputStream(more) {
          @Override
          public synchronized int read(byte[] to, int at, int length) {
            return super.read(to, at, Math.min(length, 7));
          }
        };
    pool.receive(in, "tank/b", ReceiveOptions.STANDARD);
    assertThat(in.available()).isEqualTo(100);
    assertThat(StreamWorld.look(pool.dataset("tank/b")))
        .isEqualTo(StreamWorld.look(pool.dataset("tank/a")));
    assertThat(pool.dataset("tank/b").property("comment:x").value()).isEqualTo("y");
  }

  @Test
  void aDryRunVerifiesAndChangesNothing() {
    ReceiveOptions dry = ReceiveOptions.STANDARD.withDryRun(true);
    pool.receive(new ByteArrayInputStream(stream), "tank/b", dry);
    nothingIsThere();
    byte[] flipped = stream.clone();
    flipped[stream.length / 2] ^= 1;
    refused(flipped, dry);
    assertThat(Disk.u64(MemorySegment.ofArray(stream), 0)).isEqualTo(StreamRecord.MAGIC);
  }
}
