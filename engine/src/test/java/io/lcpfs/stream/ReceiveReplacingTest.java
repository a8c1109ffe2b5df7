package io.lcpfs.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A whole stream takes the place of a dataset and of all its snapshots, at once or not at all. */
@Timeout(120)
class ReceiveReplacingTest {
  private static final ReceiveOptions FORCE = ReceiveOptions.STANDARD.withForce(true);

  private final StreamWorld world = new StreamWorld();
  private final Pool pool = world.pool("tank", 96 << 20);
  private Dataset old = pool.dataset("tank");
  private byte[] stream = new byte[0];
  private TreeMap<String, String> sent = new TreeMap<>();
  private TreeMap<String, String> before = new TreeMap<>();

  @BeforeEach
  void furnish() {
    Dataset source = pool.createDataset("tank/a", Map.of("compression", "zstd"), false);
    StreamWorld.tree(source.fileSystem(), new Random(1), 15);
    Snapshot snapshot = source.snapshot("s");
    stream = StreamWorld.send(snapshot, SendOptions.FULL.withProperties(true));
    sent = StreamWorld.look(snapshot);
    old = pool.createDataset("tank/b", Map.of("user:mine", "yes", "compression", "off"), false);
    for (int i = 0; i < 5; i++) {
      StreamWorld.write(old.fileSystem(), "/f" + i % 2, 100 * i, new byte[20_000 + i]);
      old.snapshot("o" + i);
    }
    old.createBookmark(pool.snapshot("tank/b@o1"), "m");
    StreamWorld.write(old.fileSystem(), "/last", 0, new byte[] {1});
    before = StreamWorld.look(old);
  }

  @AfterEach
  void close() {
    pool.close();
    world.close();
  }

  private void receive(byte[] bytes, String target, ReceiveOptions options) {
    pool.receive(new ByteArrayInputStream(bytes), target, options);
  }

  private void refused(Errno errno, String why, ReceiveOptions options) {
    assertThatThrownBy(() -> receive(stream, "tank/b", options))
        .isInstanceOfSatisfying(
            PoolException.class,
            e -> {
              assertThat(e.errno()).as(e.getMessage()).isEqualTo(errno);
              assertThat(e.error().message()).contains("; ").contains(why);
            });
    assertThat(StreamWorld.look(old)).isEqualTo(before);
    assertThat(names()).contains("o0", "o1", "o2", "o3", "o4");
  }

  private List<String> names() {
    return old.snapshots().stream().map(Snapshot::shortName).toList();
  }

  @Test
  void theNewIsThereWithoutAnythingOfTheOldButWhatWasSet() {
    long guid = old.guid();
    receive(stream, "tank/b", FORCE);
    assertThat(names()).containsExactly("s");
    assertThat(old.bookmarks()).isEmpty();
    assertThat(old.guid()).isNotEqualTo(guid);
    assertThat(StreamWorld.look(old)).isEqualTo(sent);
    assertThat(StreamWorld.look(pool.snapshot("tank/b@s"))).isEqualTo(sent);
    assertThat(old.property("user:mine").value()).isEqualTo("yes");
    assertThat(old.property("compression").value()).isEqualTo("off");
    old.inheritReceived("compression");
    assertThat(old.property("compression").value()).isEqualTo("zstd");
    StreamWorld.settle(pool);
    StreamWorld.assertClean(pool);
    // It is a dataset as any other: it goes on, and can be replaced again.
    StreamWorld.write(pool.dataset("tank/a").fileSystem(), "/f0", 0, new byte[5000]);
    Snapshot next = pool.dataset("tank/a").snapshot("t");
    receive(StreamWorld.send(next, SendOptions.FULL.withFrom("s")), "tank/b", FORCE);
    assertThat(StreamWorld.look(old)).isEqualTo(StreamWorld.look(next));
    receive(stream, "tank/b", FORCE);
    assertThat(names()).containsExactly("s");
    pool.destroyDataset("tank/b", true);
    StreamWorld.settle(pool);
    StreamWorld.assertClean(pool);
  }

  @Test
  void untilAllHasArrivedTheOldIsAsItWas() {
    for (int bytes : new int[] {0, 100, stream.length / 2, stream.length - 1}) {
      byte[] cut = Arrays.copyOf(stream, bytes);
      assertThatThrownBy(() -> receive(cut, "tank/b", FORCE)).isInstanceOf(PoolException.class);
      assertThat(StreamWorld.look(old)).isEqualTo(before);
      assertThat(names()).hasSize(5);
    }
    byte[] half = Arrays.copyOf(stream, stream.length / 2);
    assertThatThrownBy(() -> receive(half, "tank/b", FORCE.withResumable(true)))
        .isInstanceOf(PoolException.class);
    StreamWorld.write(old.fileSystem(), "/meanwhile", 0, new byte[] {1});
    assertThat(names()).hasSize(5);
    String token = old.property("receive_resume_token").value();
    ByteArrayOutputStream rest = new ByteArrayOutputStream();
    pool.streams().resuming(token, p -> {}).send(rest);
    assertThatThrownBy(() -> receive(rest.toByteArray(), "tank/b", ReceiveOptions.STANDARD))
        .hasMessageContaining("-F");
    receive(rest.toByteArray(), "tank/b", FORCE);
    assertThat(StreamWorld.look(old)).isEqualTo(sent);
    assertThat(names()).containsExactly("s");
    StreamWorld.settle(pool);
    StreamWorld.assertClean(pool);
  }

  @Test
  void whatIsNeededElsewhereIsNotReplaced() {
    refused(Errno.EEXIST, "-F", ReceiveOptions.STANDARD);
    pool.snapshot("tank/b@o2").hold("keep");
    refused(Errno.EBUSY, "keep", FORCE);
    pool.snapshot("tank/b@o2").release("keep");
    pool.snapshot("tank/b@o3").cloneTo("tank/c", Map.of());
    refused(Errno.EBUSY, "tank/b: is not replaced: b@o3 has clones: c;", FORCE);
    pool.destroyDataset("tank/c", false);
    pool.createDataset("tank/b/below", Map.of(), false);
    refused(Errno.ENOTEMPTY, "below", FORCE);
    pool.destroyDataset("tank/b/below", false);
    assertThatThrownBy(() -> receive(stream, "tank", FORCE)).hasMessageContaining("root");
    StreamWorld.settle(pool);
    StreamWorld.assertClean(pool);
    receive(stream, "tank/b", FORCE);
    assertThat(names()).containsExactly("s");
  }

  @Test
  void aCloneIsReplacedAsWell() {
    Dataset clone = pool.snapshot("tank/a@s").cloneTo("tank/d", Map.of());
    StreamWorld.write(clone.fileSystem(), "/f0", 0, new byte[9000]);
    clone.snapshot("mine");
    StreamWorld.write(clone.fileSystem(), "/f1", 0, new byte[9000]);
    receive(stream, "tank/d", FORCE);
    assertThat(StreamWorld.look(clone)).isEqualTo(sent);
    assertThat(clone.origin()).isEmpty();
    StreamWorld.settle(pool);
    StreamWorld.assertClean(pool);
    pool.destroyDataset("tank/a", true);
    StreamWorld.settle(pool);
    StreamWorld.assertClean(pool);
  }
}
