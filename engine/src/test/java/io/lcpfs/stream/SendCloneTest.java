package io.lcpfs.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.error.PoolException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clones go over as clones: they cost what they have of their own, there and on the way. */
@Timeout(120)
class SendCloneTest {
  private static final SendOptions TREE = SendOptions.FULL.withRecursive(true);

  private final StreamWorld world = new StreamWorld();
  private final Pool from = world.pool("from", 96 << 20);
  private final Pool to = world.pool("to", 96 << 20);

  @BeforeEach
  void furnish() {
    Dataset origin = from.createDataset("from/t/v", Map.of(), true);
    byte[] noise = new byte[1 << 20];
    new Random(1).nextBytes(noise);
    StreamWorld.write(origin.fileSystem(), "/large", 0, noise);
    StreamWorld.write(origin.fileSystem(), "/other", 0, new byte[3000]);
    origin.snapshot("0");
    StreamWorld.write(origin.fileSystem(), "/between", 0, new byte[] {1, 2});
    origin.snapshot("1");
    StreamWorld.write(origin.fileSystem(), "/after", 0, new byte[] {3});
    // Its name comes before that of its origin.
    Dataset clone = from.snapshot("from/t/v@1").cloneTo("from/t/c", Map.of());
    StreamWorld.write(clone.fileSystem(), "/own", 0, new byte[5000]);
    clone.fileSystem().paths().unlink(StreamWorld.path("/other"), io.lcpfs.posix.Caller.ROOT);
    from.createSnapshots("from/t@2", true);
  }

  @AfterEach
  void close() {
    for (Pool pool : List.of(from, to)) {
      StreamWorld.settle(pool);
      StreamWorld.assertClean(pool);
      pool.close();
    }
    world.close();
  }

  private void receive(byte[] stream, String target, ReceiveOptions options) {
    to.receive(new ByteArrayInputStream(stream), target, options);
  }

  private void receive(byte[] stream, String target) {
    receive(stream, target, ReceiveOptions.STANDARD);
  }

  private void same(String there, String here) {
    Snapshot sent = from.snapshot(here);
    assertThat(StreamWorld.look(to.snapshot(there))).isEqualTo(StreamWorld.look(sent));
  }

  private byte[] sent(String snapshot, SendOptions options) {
    return StreamWorld.send(from.snapshot(snapshot), options);
  }

  @Test
  void aCloneIsSentFromItsOriginOrWhatIsBeforeThat() {
    receive(sent("from/t/v@0", SendOptions.FULL), "to/v");
    byte[] sinceOrigin = sent("from/t/c@2", SendOptions.FULL.withFrom("from/t/v@1"));
    byte[] sinceFirst = sent("from/t/c@2", SendOptions.FULL.withFrom("from/t/v@0"));
    assertThat(sinceOrigin.length).isLessThan(200_000);
    assertThatThrownBy(() -> receive(sinceOrigin, "to/c"))
        .isInstanceOf(PoolException.class)
        .hasMessageContaining("a snapshot that is not here");
    receive(sinceFirst, "to/early");
    assertThat(to.dataset("to/early").origin()).contains("to/v@0");
    same("to/early@2", "from/t/c@2");
    receive(sent("from/t/v@1", SendOptions.FULL.withFrom("0")), "to/v");
    receive(sinceOrigin, "to/c");
    assertThat(to.dataset("to/c").origin()).contains("to/v@1");
    assertThat(to.dataset("to/c").property("origin").value()).isEqualTo("to/v@1");
    same("to/c@2", "from/t/c@2");
    assertThat(to.dataset("to/c").space().datasetBytes()).isLessThan(300_000);
    assertThatThrownBy(() -> receive(sinceOrigin, "to/c")).hasMessageContaining("exists");
    // It goes on as any other.
    StreamWorld.write(from.dataset("from/t/c").fileSystem(), "/own", 100, new byte[] {9});
    from.dataset("from/t/c").snapshot("3");
    receive(sent("from/t/c@3", SendOptions.FULL.withFrom("2")), "to/c");
    same("to/c@3", "from/t/c@3");
    to.dataset("to/c").promote();
    assertThat(to.dataset("to/v").origin()).contains("to/c@1");
    same("to/c@1", "from/t/v@1");
    for (String wrong : List.of("from/t/v@2", "from/t/v@none", "from/t@2", "to/v@1")) {
      assertThatThrownBy(() -> sent("from/t/c@2", SendOptions.FULL.withFrom(wrong)))
          .isInstanceOf(PoolException.class)
          .hasMessageContaining("nor its origin");
    }
  }

  @Test
  void aCloneThatBrokeOffIsGoneOnWith() {
    receive(sent("from/t/v@1", SendOptions.FULL), "to/v");
    byte[] noise = new byte[3 << 20];
    new Random(2).nextBytes(noise);
    StreamWorld.write(from.dataset("from/t/c").fileSystem(), "/more", 0, noise);
    from.dataset("from/t/c").snapshot("3");
    byte[] stream = sent("from/t/c@3", SendOptions.FULL.withFrom("from/t/v@1"));
    byte[] half = Arrays.copyOf(stream, stream.length / 2);
    assertThatThrownBy(() -> receive(half, "to/c", ReceiveOptions.STANDARD.withResumable(true)))
        .hasMessageContaining("is kept");
    StreamWorld.assertClean(to);
    assertThatThrownBy(() -> to.snapshot("to/v@1").destroy()).isInstanceOf(PoolException.class);
    ByteArrayOutputStream rest = new ByteArrayOutputStream();
    String token = to.dataset("to").property("receive_resume_token").value();
    from.streams().resuming(token, p -> {}).send(rest);
    assertThat(rest.size()).isLessThan(stream.length);
    receive(rest.toByteArray(), "to/c");
    same("to/c@3", "from/t/c@3");
    assertThat(to.dataset("to/c").origin()).contains("to/v@1");
  }

  @Test
  void aTreeGoesOverWithItsClones() {
    from.snapshot("from/t/c@2").cloneTo("from/t/a", Map.of());
    from.createSnapshots("from/t@4", true);
    byte[] stream = sent("from/t@4", TREE);
    assertThat(stream.length).isLessThan(2 << 20);
    receive(stream, "to/t");
    for (String one : List.of("t@4", "t/v@0", "t/v@1", "t/v@4", "t/c@2", "t/c@4", "t/a@4")) {
      same("to/" + one, "from/" + one);
    }
    assertThat(to.dataset("to/t/c").origin()).contains("to/t/v@1");
    assertThat(to.dataset("to/t/a").origin()).contains("to/t/c@2");
    // A clone that is made later, of what the receiver has.
    from.snapshot("from/t/v@0").cloneTo("from/t/b", Map.of());
    from.createSnapshots("from/t@5", true);
    receive(sent("from/t@5", TREE.withFrom("4")), "to/t");
    same("to/t/b@5", "from/t/b@5");
    assertThat(to.dataset("to/t/b").origin()).contains("to/t/v@0");
    // Without its origin it goes whole.
    receive(sent("from/t/a@5", TREE), "to/alone");
    same("to/alone@4", "from/t/a@4");
    assertThat(to.dataset("to/alone").origin()).isEmpty();
  }

  @Test
  void aCloneThatItsOriginIsBelowOfGoesWhole() {
    from.snapshot("from/t/v@1").cloneTo("from/t/v/below", Map.of());
    from.dataset("from/t/v/below").promote();
    assertThat(from.dataset("from/t/v").origin()).contains("from/t/v/below@1");
    from.createSnapshots("from/t@6", true);
    receive(sent("from/t@6", TREE), "to/t");
    for (String one : List.of("t/v@6", "t/v/below@1", "t/v/below@6", "t/c@6")) {
      same("to/" + one, "from/" + one);
    }
    assertThat(to.dataset("to/t/v").origin()).isEmpty();
    assertThat(to.dataset("to/t/c").origin()).contains("to/t/v/below@1");
  }
}
