package io.lcpfs.stream;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import java.io.ByteArrayInputStream;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Trees that are sent and received are what they were. */
@Timeout(120)
class SendReceiveTest {
  private final StreamWorld world = new StreamWorld();

  @AfterEach
  void close() {
    world.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"off", "lz4", "zstd", "lzma"})
  void aTreeArrivesAsItWas(String compression) {
    try (Pool from = world.pool("from", 96 << 20);
        Pool to = world.pool("to", 96 << 20)) {
      Map<String, String> properties = Map.of("compression", compression, "recordsize", "8192");
      var source = from.createDataset("from/a", properties, false);
      StreamWorld.tree(source.fileSystem(), new Random(7), 60);
      Snapshot snapshot = source.snapshot("s");
      var before = StreamWorld.look(snapshot);
      for (boolean compressed : new boolean[] {false, true}) {
        byte[] stream = StreamWorld.send(snapshot, SendOptions.FULL.withCompressed(compressed));
        assertThat(to.streams().equals(from.streams()) ? 0L : estimate(from, snapshot, compressed))
            .isEqualTo(stream.length);
        String name = compressed ? "to/stored" : "to/plain";
        ReceiveReport report =
            to.receive(new ByteArrayInputStream(stream), name, ReceiveOptions.STANDARD);
        assertThat(report.snapshots()).hasSize(1);
        Snapshot received = to.snapshot(name + "@s");
        assertThat(received.guid()).isEqualTo(snapshot.guid());
        assertThat(received.creationSeconds()).isEqualTo(snapshot.creationSeconds());
        assertThat(StreamWorld.look(received)).isEqualTo(before);
        assertThat(StreamWorld.look(to.dataset(name))).isEqualTo(before);
        StreamWorld.assertClean(to);
      }
      StreamWorld.assertClean(from);
    }
  }

  private static long estimate(Pool from, Snapshot snapshot, boolean compressed) {
    return from
        .streams()
        .sender(snapshot.name(), SendOptions.FULL.withCompressed(compressed))
        .estimate()
        .stream()
        .mapToLong(Sender.Part::bytes)
        .sum();
  }

  @Test
  void whatIsReceivedInTheSamePoolHasTheSameGuidAndIsApart() {
    try (Pool pool = world.pool("tank", 64 << 20)) {
      var source = pool.createDataset("tank/a", Map.of(), false);
      StreamWorld.write(source.fileSystem(), "/f", 0, new byte[] {1});
      Snapshot snapshot = source.snapshot("s");
      byte[] stream = StreamWorld.send(snapshot, SendOptions.FULL);
      pool.receive(new ByteArrayInputStream(stream), "tank/b@t", ReceiveOptions.STANDARD);
      StreamWorld.write(pool.dataset("tank/b").fileSystem(), "/f", 0, new byte[] {2, 3});
      assertThat(StreamWorld.look(pool.snapshot("tank/b@t"))).isEqualTo(StreamWorld.look(snapshot));
      assertThat(pool.snapshot("tank/b@t").fileSystem()).isNotSameAs(snapshot.fileSystem());
      pool.snapshot("tank/b@t").destroy();
      assertThat(StreamWorld.look(snapshot)).hasSize(2);
      StreamWorld.assertClean(pool);
    }
  }
}
