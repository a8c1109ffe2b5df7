package io.lcpfs.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.ReceiveRecord;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.stream.ReceiveOptions;
import io.lcpfs.stream.SendOptions;
import io.lcpfs.zap.Zap;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Pools whose notes of what was received in part verify and lie. */
class HostileReceiveTest {
  private static final String TARGET = "tank/a/part";
  private static byte[] image = new byte[0];

  private static OpenOptions options() {
    return OpenOptions.standard().withTuning(SoundImage.tuning()).withForce(true);
  }

  @BeforeAll
  static void receiveInPart() {
    image = SoundImage.get().copy();
    try (Pool pool = Pool.open(List.of(new ImageDevice(image)), options(), Lie.env())) {
      byte[] stream = stream(pool);
      byte[] half = Arrays.copyOf(stream, stream.length / 2);
      assertThat(receive(pool, half)).isFalse();
      assertThat(pool.dataset("tank/a").property("receive_resume_token").value()).startsWith("1-");
      pool.export();
    }
  }

  private static byte[] stream(Pool pool) {
    Snapshot snapshot = pool.snapshot("tank/a/b@s2");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    snapshot.send(out, SendOptions.FULL);
    return out.toByteArray();
  }

  private static boolean receive(Pool pool, byte[] stream) {
    try {
      pool.receive(
          new ByteArrayInputStream(stream), TARGET, ReceiveOptions.STANDARD.withResumable(true));
      return true;
    } catch (PoolException e) {
      return false;
    }
  }

  private static PoolForge fresh() {
    return new PoolForge(image.clone());
  }

  /** The ZAP of what is received. Looking for it changes the pool. */
  private static long findEntries() {
    PoolForge forge = fresh();
    for (PoolForge.Obj zap : forge.meta().find(d -> d.type() == ObjectType.ZAP)) {
      boolean[] found = {false};
      ForgedZap.edit(
          forge,
          zap,
          (edited, world) ->
              edited.iterate(
                  0,
                  (cookie, name, value) -> {
                    found[0] |= value.length > 96 && new String(value, UTF_8).contains("a/part");
                    return true;
                  }));
      if (found[0]) {
        return zap.number();
      }
    }
    throw new AssertionError("nothing is received");
  }

  private static byte[] key(Zap zap) {
    byte[][] key = new byte[1][];
    zap.iterate(
        0,
        (cookie, name, value) -> {
          key[0] = name;
          return true;
        });
    return Objects.requireNonNull(key[0]);
  }

  /** Whether the check finds more than that a block was replaced, which is how lies are told. */
  private static boolean told(byte[] bytes) {
    try (Pool pool =
        Pool.open(List.of(new ImageDevice(bytes)), options().withReadOnly(true), Lie.env())) {
      return pool.verify(p -> {}).findings().stream()
          .anyMatch(
              one ->
                  one.check().equals("DatasetCheck")
                      || one.check().equals("ReferenceCheck")
                      || one.check().equals("DirectoryCheck"));
    }
  }

  /**
   * Tells a lie about the only entry; nobody may crash or hang, and no dataset that is in use may
   * change by going on, dropping, or receiving anew.
   *
   * @return whether it was told
   */
  private static boolean lie(BiConsumer<PoolForge, PoolForge.Obj> edit) {
    PoolForge forge = fresh();
    edit.accept(forge, forge.meta().object(findEntries()));
    boolean told = told(forge.bytes().clone());
    HostileRun.read(forge.bytes().clone(), Lie.env());
    HostileRun.use(forge.bytes().clone(), Lie.env());
    try (Pool pool = Pool.open(List.of(new ImageDevice(forge.bytes())), options(), Lie.env())) {
      byte[] before = stream(pool);
      for (String at : List.of("tank", "tank/a", "tank/a/b")) {
        try {
          String token = pool.dataset(at).property("receive_resume_token").value();
          ByteArrayOutputStream rest = new ByteArrayOutputStream();
          pool.streams().resuming(token, p -> {}).send(rest);
          receive(pool, rest.toByteArray());
        } catch (PoolException e) {
          assertThat(e.error().message()).isNotEmpty();
        }
      }
      receive(pool, before);
      try {
        pool.streams().drop(TARGET);
      } catch (PoolException e) {
        assertThat(e.error().message()).isNotEmpty();
      }
      assertThat(stream(pool)).isEqualTo(before);
    }
    return told;
  }

  @Test
  void whatIsThereIsSoundAndGoneOnWith() {
    assertThat(lie((forge, zap) -> {})).isFalse();
    assertThat(lie((forge, entries) -> ForgedZap.edit(forge, entries, (zap, world) -> {})))
        .isFalse();
  }

  @Test
  void everyByteOfAnEntryMayBeWrong() {
    for (int at = 0; at < 96; at += at < 8 ? 4 : 9) {
      int offset = at;
      lie(
          (forge, entries) ->
              ForgedZap.edit(
                  forge,
                  entries,
                  (zap, world) -> {
                    byte[] key = key(zap);
                    byte[] value = Objects.requireNonNull(zap.get(key));
                    value[offset] ^= 0x5a;
                    zap.put(world.tx, key, value);
                  }));
    }
  }

  private static boolean renamed(String name) {
    return lie(
        (forge, entries) ->
            ForgedZap.edit(
                forge,
                entries,
                (zap, world) -> {
                  byte[] key = key(zap);
                  byte[] value = Objects.requireNonNull(zap.get(key));
                  zap.remove(world.tx, key);
                  zap.put(world.tx, name.getBytes(UTF_8), value);
                }));
  }

  @Test
  void anEntryOfNoDatasetOrOfOneInUseIsTold() {
    PoolForge forge = fresh();
    for (String name :
        List.of(
            Long.toString(forge.dataset("a/b").number()),
            Long.toString(forge.dataset("").number()),
            "1",
            "99999",
            "x",
            "007",
            "-1")) {
      assertThat(renamed(name)).as(name).isTrue();
    }
  }

  @Test
  void aDatasetInUseThatIsSaidToBeAbandonedStays() {
    for (boolean resumable : new boolean[] {true, false}) {
      boolean told =
          lie(
              (forge, entries) ->
                  ForgedZap.edit(
                      forge,
                      entries,
                      (zap, world) -> {
                        byte[] value = Objects.requireNonNull(zap.get(key(zap)));
                        ReceiveRecord said = ReceiveRecord.decode(value);
                        ReceiveRecord lie =
                            new ReceiveRecord(
                                said.toGuid(),
                                0,
                                0,
                                1,
                                0,
                                0,
                                resumable,
                                false,
                                false,
                                said.path(),
                                said.snapshot());
                        String name = Long.toString(forge.dataset("a/b").number());
                        zap.remove(world.tx, key(zap));
                        zap.put(world.tx, name.getBytes(UTF_8), lie.encode());
                      }));
      assertThat(told).isTrue();
    }
  }

  @Test
  void twoAtOnePathAreTold() {
    assertThat(
            lie(
                (forge, entries) ->
                    ForgedZap.edit(
                        forge,
                        entries,
                        (zap, world) -> {
                          byte[] value = Objects.requireNonNull(zap.get(key(zap)));
                          zap.put(world.tx, "3".getBytes(UTF_8), value);
                        })))
        .isTrue();
  }
}
