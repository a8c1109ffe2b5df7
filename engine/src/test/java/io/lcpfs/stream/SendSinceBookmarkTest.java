package io.lcpfs.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What has changed since a snapshot of which only a bookmark is left is sent as if it were there.
 */
@Timeout(120)
class SendSinceBookmarkTest {
  private final StreamWorld world = new StreamWorld();

  @AfterEach
  void close() {
    world.close();
  }

  private static void refused(Errno errno, ThrowingCallable what) {
    assertThatThrownBy(what)
        .isInstanceOfSatisfying(
            PoolException.class,
            e -> {
              assertThat(e.errno()).as(e.getMessage()).isEqualTo(errno);
              assertThat(e.error().message()).contains("; ");
            });
  }

  private static void change(Dataset dataset, Random random, int files) {
    for (int i = 0; i < files; i++) {
      byte[] data = new byte[random.nextInt(40_000) + 1];
      random.nextBytes(data);
      StreamWorld.write(dataset.fileSystem(), "/f" + random.nextInt(30), 0, data);
    }
  }

  private static ReceiveOptions resumable() {
    return ReceiveOptions.STANDARD.withForce(true).withResumable(true);
  }

  @Test
  void aBookmarkIsAsGoodAsItsSnapshot() {
    Random random = new Random(7);
    try (Pool from = world.pool("from", 96 << 20);
        Pool to = world.pool("to", 96 << 20)) {
      Dataset source = from.createDataset("from/a", Map.of("recordsize", "8192"), false);
      change(source, random, 20);
      byte[] full = StreamWorld.send(source.snapshot("s0"), SendOptions.FULL);
      to.receive(new ByteArrayInputStream(full), "to/a", ReceiveOptions.STANDARD);
      for (int round = 1; round <= 4; round++) {
        source.createBookmark(from.snapshot("from/a@s" + (round - 1)), "m");
        change(source, random, 6);
        source.snapshot("s" + round);
        SendOptions mark = SendOptions.FULL.withFrom("#m").withCompressed(random.nextBoolean());
        SendOptions same = mark.withFrom("s" + (round - 1));
        byte[] expected = StreamWorld.send(from.snapshot("from/a@s" + round), same);
        from.snapshot("from/a@s" + (round - 1)).destroy();
        byte[] stream = StreamWorld.send(from.snapshot("from/a@s" + round), mark);
        assertThat(stream).isEqualTo(expected);
        assertThat(from.streams().sender("from/a@s" + round, mark).estimate())
            .singleElement()
            .satisfies(
                part -> {
                  assertThat(part.from()).isEqualTo("#m");
                  assertThat(part.bytes()).isEqualTo(stream.length);
                });
        byte[] half = Arrays.copyOf(stream, stream.length / 2);
        refused(Errno.EIO, () -> to.receive(new ByteArrayInputStream(half), "to/a", resumable()));
        String token = to.dataset("to/a").property("receive_resume_token").value();
        ByteArrayOutputStream rest = new ByteArrayOutputStream();
        from.streams().resuming(token, p -> {}).send(rest);
        to.receive(new ByteArrayInputStream(rest.toByteArray()), "to/a", resumable());
        assertThat(StreamWorld.look(to.snapshot("to/a@s" + round)))
            .isEqualTo(StreamWorld.look(from.snapshot("from/a@s" + round)));
        source.destroyBookmark("m");
      }
      refused(
          Errno.ENOENT,
          () -> StreamWorld.send(from.snapshot("from/a@s4"), SendOptions.FULL.withFrom("#m")));
      StreamWorld.assertClean(to);
    }
  }

  @Test
  void aReceiverThatIsElsewhereRefuses() {
    try (Pool pool = world.pool("tank", 96 << 20)) {
      Dataset source = pool.createDataset("tank/a", Map.of(), false);
      change(source, new Random(1), 5);
      byte[] full = StreamWorld.send(source.snapshot("s1"), SendOptions.FULL);
      source.createBookmark(source.snapshot("s2"), "two");
      change(source, new Random(2), 5);
      source.snapshot("s3");
      byte[] next = StreamWorld.send(pool.snapshot("tank/a@s3"), SendOptions.FULL.withFrom("#two"));
      pool.receive(new ByteArrayInputStream(full), "tank/b", ReceiveOptions.STANDARD);
      refused(
          Errno.ESTALE,
          () -> pool.receive(new ByteArrayInputStream(next), "tank/b", ReceiveOptions.STANDARD));
      SendOptions two = SendOptions.FULL.withFrom("#two");
      refused(
          Errno.EINVAL,
          () -> StreamWorld.send(pool.snapshot("tank/a@s3"), two.withIntermediates(true)));
      refused(
          Errno.EINVAL,
          () -> StreamWorld.send(pool.snapshot("tank/a@s3"), two.withRecursive(true)));
      refused(Errno.EINVAL, () -> StreamWorld.send(pool.snapshot("tank/a@s2"), two));
      refused(Errno.EINVAL, () -> StreamWorld.send(pool.snapshot("tank/a@s1"), two));
    }
  }

  @Test
  void whatABookmarkStandsForIsNotLostSilently() {
    try (Pool pool = world.pool("tank", 96 << 20)) {
      Dataset dataset = pool.createDataset("tank/a", Map.of(), false);
      change(dataset, new Random(1), 5);
      dataset.snapshot("s1");
      change(dataset, new Random(2), 5);
      dataset.createBookmark(dataset.snapshot("s2"), "two");
      pool.snapshot("tank/a@s2").destroy();
      refused(Errno.EEXIST, () -> dataset.rollback("s1", false));
      // What a stream brings in the place of the changes would not be told since the bookmark.
      byte[] full = StreamWorld.send(pool.snapshot("tank/a@s1"), SendOptions.FULL);
      pool.receive(new ByteArrayInputStream(full), "tank/b", ReceiveOptions.STANDARD);
      change(pool.dataset("tank/b"), new Random(3), 5);
      pool.dataset("tank/b").snapshot("s3");
      byte[] next = StreamWorld.send(pool.snapshot("tank/b@s3"), SendOptions.FULL.withFrom("s1"));
      ReceiveOptions force = ReceiveOptions.STANDARD.withForce(true);
      refused(Errno.EEXIST, () -> pool.receive(new ByteArrayInputStream(next), "tank/a", force));
      dataset.rollback("s1", true);
      assertThat(dataset.bookmarks()).isEmpty();
      pool.receive(new ByteArrayInputStream(next), "tank/a", force);
      assertThat(StreamWorld.look(pool.snapshot("tank/a@s3")))
          .isEqualTo(StreamWorld.look(pool.snapshot("tank/b@s3")));
    }
  }
}
