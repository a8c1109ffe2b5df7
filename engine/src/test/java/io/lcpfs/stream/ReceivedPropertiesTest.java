package io.lcpfs.stream;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.dataset.PropertyValue;
import java.io.ByteArrayInputStream;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a stream says of properties is apart from what is set here, and never over it. */
@Timeout(120)
class ReceivedPropertiesTest {
  private static final SendOptions ALL = SendOptions.FULL.withProperties(true);

  private final StreamWorld world = new StreamWorld();
  private final Pool pool = world.pool("tank", 64 << 20);
  private Dataset source = pool.dataset("tank");
  private int taken;

  @BeforeEach
  void furnish() {
    source = pool.createDataset("tank/a", Map.of("atime", "off"), false);
    StreamWorld.write(source.fileSystem(), "/f", 0, new byte[10_000]);
  }

  @AfterEach
  void close() {
    StreamWorld.settle(pool);
    StreamWorld.assertClean(pool);
    pool.close();
    world.close();
  }

  /** Sends what changed, or all, with properties, to a dataset. */
  private ReceiveReport send(String target, ReceiveOptions options) {
    return send(source, ALL, target, options);
  }

  private ReceiveReport send(Dataset from, SendOptions how, String target, ReceiveOptions options) {
    boolean first = pool.datasets().stream().noneMatch(one -> one.name().equals(target));
    SendOptions wanted = first ? how : how.withFrom("s" + taken);
    taken++;
    byte[] stream = StreamWorld.send(from.snapshot("s" + taken), wanted);
    return pool.receive(new ByteArrayInputStream(stream), target, options);
  }

  private ReceiveReport send() {
    return send("tank/b", ReceiveOptions.STANDARD);
  }

  /** Value and source. */
  private String at(String dataset, String property) {
    PropertyValue value = pool.dataset(dataset).property(property);
    return value.value() + " " + value.sourceText();
  }

  private Dataset target() {
    return pool.dataset("tank/b");
  }

  @Test
  void whatIsSetHereStaysAndWhatTheSenderRemovesGoes() {
    source.setProperties(Map.of("compression", "zstd", "user:x", "1", "quota", "50000000"));
    send();
    assertThat(at("tank/b", "compression")).isEqualTo("zstd received");
    assertThat(at("tank/b", "quota")).isEqualTo("50000000 received");
    assertThat(target().space().availableBytes()).isLessThan(50_000_000);
    assertThat(pool.dataset("tank/b").properties()).containsKey("user:x");
    target().setProperties(Map.of("compression", "off", "user:y", "mine"));
    source.setProperty("compression", "lz4");
    source.inherit("user:x");
    source.inherit("quota");
    send();
    assertThat(at("tank/b", "compression")).isEqualTo("off local");
    assertThat(at("tank/b", "user:y")).isEqualTo("mine local");
    assertThat(at("tank/b", "user:x")).isEqualTo("- -");
    assertThat(at("tank/b", "quota")).isEqualTo("0 default");
    target().inheritReceived("compression");
    assertThat(at("tank/b", "compression")).isEqualTo("lz4 received");
    // A stream without properties says nothing of them.
    send(source, SendOptions.FULL, "tank/b", ReceiveOptions.STANDARD);
    assertThat(at("tank/b", "compression")).isEqualTo("lz4 received");
  }

  @Test
  void inheritMasksWhatWasReceivedAndWillBe() {
    send();
    assertThat(at("tank/b", "atime")).isEqualTo("off received");
    pool.createDataset("tank/b/c", Map.of(), false);
    assertThat(at("tank/b/c", "atime")).isEqualTo("off inherited from tank/b");
    target().inherit("atime");
    assertThat(at("tank/b", "atime")).isEqualTo("on default");
    send();
    assertThat(at("tank/b", "atime")).isEqualTo("on default");
    target().inheritReceived("atime");
    assertThat(at("tank/b", "atime")).isEqualTo("off received");
    target().inheritReceived("relatime"); // nothing was received of it
    assertThat(at("tank/b", "relatime")).isEqualTo("on default");
  }

  @Test
  void whatWouldGiveRightsCountsOnlyWhenAskedFor() {
    source.setProperties(Map.of("setuid", "on", "exec", "off", "canmount", "noauto"));
    source.setProperties(Map.of("devices", "on", "readonly", "on", "mountpoint", "/etc"));
    assertThat(send().leftOut())
        .hasSize(3)
        .allMatch(line -> line.contains("--accept-properties") && line.contains("inherit -S"));
    assertThat(at("tank/b", "setuid")).isEqualTo("on default");
    assertThat(at("tank/b", "mountpoint")).isEqualTo("/tank/b default");
    assertThat(at("tank/b", "exec")).isEqualTo("off received");
    assertThat(at("tank/b", "canmount")).isEqualTo("noauto received");
    assertThat(at("tank/b", "readonly")).isEqualTo("on received");
    assertThat(send().leftOut()).as("it was said once").isEmpty();
    source.setProperty("mountpoint", "/usr");
    assertThat(send().leftOut()).singleElement().asString().contains("mountpoint=/usr");
    target().inheritReceived("setuid");
    assertThat(at("tank/b", "setuid")).isEqualTo("on received");
    assertThat(send().leftOut()).isEmpty();
    assertThat(at("tank/b", "setuid")).isEqualTo("on received");
    ReceiveOptions accept = ReceiveOptions.STANDARD.withProperties(Map.of(), Set.of(), true);
    assertThat(send("tank/b", accept).leftOut()).isEmpty();
    assertThat(at("tank/b", "mountpoint")).isEqualTo("/usr received");
    send();
    assertThat(at("tank/b", "mountpoint")).as("the same stays accepted").startsWith("/usr rec");
    source.setProperty("mountpoint", "/bin");
    assertThat(send().leftOut()).singleElement().asString().contains("mountpoint=/bin");
    assertThat(at("tank/b", "mountpoint")).isEqualTo("/tank/b default");
  }

  @Test
  void whatWhoeverReceivesSaysWins() {
    source.setProperties(Map.of("compression", "zstd", "copies", "2", "user:x", "1"));
    ReceiveOptions options =
        ReceiveOptions.STANDARD.withProperties(
            Map.of("compression", "off"), Set.of("copies", "user:x"), false);
    send("tank/b", options);
    assertThat(at("tank/b", "compression")).isEqualTo("off local");
    assertThat(at("tank/b", "copies")).isEqualTo("1 default");
    assertThat(at("tank/b", "user:x")).isEqualTo("- -");
    send();
    assertThat(at("tank/b", "copies")).isEqualTo("1 default");
    target().inheritReceived("copies");
    target().inheritReceived("compression");
    assertThat(at("tank/b", "copies")).isEqualTo("2 received");
    assertThat(at("tank/b", "compression")).isEqualTo("zstd received");
  }

  @Test
  void aBackupSendsWhatWasReceived() {
    source.setProperties(Map.of("compression", "zstd", "setuid", "on"));
    send();
    target().setProperties(Map.of("compression", "off", "user:here", "1"));
    Dataset copy = target();
    byte[] own = StreamWorld.send(copy.snapshot("x"), ALL);
    pool.receive(new ByteArrayInputStream(own), "tank/own", ReceiveOptions.STANDARD);
    assertThat(at("tank/own", "compression")).isEqualTo("off received");
    assertThat(at("tank/own", "user:here")).isEqualTo("1 received");
    assertThat(at("tank/own", "atime")).isEqualTo("off received");
    byte[] back = StreamWorld.send(pool.snapshot("tank/b@x"), SendOptions.FULL.withBackup(true));
    ReceiveOptions accept = ReceiveOptions.STANDARD.withProperties(Map.of(), Set.of(), true);
    pool.receive(new ByteArrayInputStream(back), "tank/back", accept);
    assertThat(at("tank/back", "compression")).isEqualTo("zstd received");
    assertThat(at("tank/back", "user:here")).isEqualTo("- -");
    assertThat(at("tank/back", "setuid")).isEqualTo("on received");
  }

  @Test
  void aResumedReceiveHasThemToo() {
    source.setProperties(Map.of("compression", "zstd", "user:x", "1"));
    byte[] noise = new byte[2 << 20];
    new Random(4).nextBytes(noise);
    StreamWorld.write(source.fileSystem(), "/noise", 0, noise);
    send("tank/b", ReceiveOptions.STANDARD);
    source.setProperty("user:x", "2");
    StreamWorld.write(source.fileSystem(), "/noise", 0, new byte[100_000]);
    new Random(5).nextBytes(noise);
    StreamWorld.write(source.fileSystem(), "/more", 0, noise);
    byte[] stream = StreamWorld.send(source.snapshot("t"), ALL.withFrom("s1"));
    byte[] cut = java.util.Arrays.copyOf(stream, stream.length - 500);
    try {
      pool.receive(
          new ByteArrayInputStream(cut), "tank/b", ReceiveOptions.STANDARD.withResumable(true));
      throw new AssertionError("a cut stream was received");
    } catch (io.lcpfs.error.PoolException e) {
      assertThat(e.getMessage()).contains("is kept: go on with 'lcpfs send -t 1-");
    }
    assertThat(at("tank/b", "user:x")).isEqualTo("1 received");
    java.io.ByteArrayOutputStream rest = new java.io.ByteArrayOutputStream();
    String token = target().property("receive_resume_token").value();
    pool.streams().resuming(token, p -> {}).send(rest);
    pool.receive(new ByteArrayInputStream(rest.toByteArray()), "tank/b", ReceiveOptions.STANDARD);
    assertThat(at("tank/b", "user:x")).isEqualTo("2 received");
    assertThat(at("tank/b", "compression")).isEqualTo("zstd received");
  }
}
