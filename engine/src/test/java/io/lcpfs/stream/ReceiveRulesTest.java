package io.lcpfs.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.ObjectAccounts;
import io.lcpfs.pool.OwnerSpace;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.SetAttr;
import java.io.ByteArrayInputStream;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What arrives keeps to the rules of space where it arrives, and is accounted for there. */
@Timeout(120)
class ReceiveRulesTest {
  private static final String MIB = Integer.toString(1 << 20);

  private final StreamWorld world = new StreamWorld();

  @AfterEach
  void close() {
    world.close();
  }

  private static void refused(Errno errno, String rule, ThrowingCallable receive) {
    assertThatThrownBy(receive)
        .isInstanceOfSatisfying(
            PoolException.class,
            e -> {
              assertThat(e.errno()).isEqualTo(errno);
              assertThat(e.getMessage()).contains(rule);
            });
  }

  private static Dataset source(Pool pool, int bytes) {
    Dataset source = pool.createDataset("from/a", Map.of("compression", "off"), false);
    write(source, "/f", bytes);
    return source;
  }

  private static void write(Dataset dataset, String name, int bytes) {
    byte[] data = new byte[bytes];
    new Random(bytes).nextBytes(data);
    StreamWorld.write(dataset.fileSystem(), name, 0, data);
  }

  private static byte[] stream(Dataset source, String name, String from) {
    return StreamWorld.send(source.snapshot(name), SendOptions.FULL.withFrom(from));
  }

  private static void receive(Pool to, byte[] stream, String name) {
    to.receive(new ByteArrayInputStream(stream), name, ReceiveOptions.STANDARD);
  }

  @Test
  void aQuotaAboveHolds() {
    try (Pool from = world.pool("from", 64 << 20);
        Pool to = world.pool("to", 64 << 20)) {
      byte[] stream = stream(source(from, 3 << 20), "s", "");
      Dataset top = to.createDataset("to/top", Map.of("quota", MIB), false);
      refused(Errno.EDQUOT, "quota of to/top", () -> receive(to, stream, "to/top/a"));
      assertThat(to.datasets()).hasSize(2);
      top.setProperties(Map.of("quota", Integer.toString(8 << 20)));
      receive(to, stream, "to/top/a");
      StreamWorld.assertClean(to);
      byte[] again = stream;
      refused(
          Errno.EDQUOT,
          "quota of to/top",
          () -> {
            receive(to, again, "to/top/b");
            receive(to, again, "to/top/c");
          });
      StreamWorld.assertClean(to);
    }
  }

  @Test
  void aQuotaOfWhatIsContinuedHolds() {
    try (Pool from = world.pool("from", 64 << 20);
        Pool to = world.pool("to", 64 << 20)) {
      Dataset source = source(from, 1 << 20);
      receive(to, stream(source, "s", ""), "to/a");
      to.dataset("to/a").setProperties(Map.of("refquota", Integer.toString(2 << 20)));
      write(source, "/g", 3 << 20);
      byte[] more = stream(source, "t", "s");
      refused(Errno.EDQUOT, "refquota of to/a", () -> receive(to, more, "to/a"));
      assertThat(to.dataset("to/a").snapshots()).hasSize(1);
      to.dataset("to/a").setProperties(Map.of("refquota", "none", "snapshot_limit", "1"));
      refused(Errno.EDQUOT, "snapshot_limit of to/a", () -> receive(to, more, "to/a"));
      to.dataset("to/a").setProperties(Map.of("snapshot_limit", "none"));
      receive(to, more, "to/a");
      assertThat(to.dataset("to/a").snapshots()).hasSize(2);
      StreamWorld.assertClean(to);
    }
  }

  @Test
  void noMoreDatasetsArriveThanMayBeThere() {
    try (Pool from = world.pool("from", 64 << 20);
        Pool to = world.pool("to", 64 << 20)) {
      byte[] stream = stream(source(from, 1000), "s", "");
      to.createDataset("to/top", Map.of("filesystem_limit", "1"), false);
      receive(to, stream, "to/top/a");
      refused(Errno.EDQUOT, "filesystem_limit", () -> receive(to, stream, "to/top/b"));
    }
  }

  @Test
  void whatIsReservedForOthersIsNotTaken() {
    try (Pool from = world.pool("from", 64 << 20);
        Pool to = world.pool("to", 64 << 20)) {
      byte[] stream = stream(source(from, 16 << 20), "s", "");
      Dataset other = to.createDataset("to/other", Map.of(), false);
      long available = to.dataset("to").availableBytes();
      other.setProperties(Map.of("reservation", Long.toString(available - (4 << 20))));
      refused(Errno.ENOSPC, "", () -> receive(to, stream, "to/a"));
      other.setProperties(Map.of("reservation", "none"));
      receive(to, stream, "to/a");
      StreamWorld.assertClean(to);
    }
  }

  @Test
  void ownersHaveWhatArrivesAsItIsStoredHere() {
    try (Pool from = world.pool("from", 64 << 20);
        Pool to = world.pool("to", 64 << 20)) {
      Dataset source = from.createDataset("from/a", Map.of("compression", "off"), false);
      StreamWorld.write(source.fileSystem(), "/f", 0, new byte[1 << 20]);
      StreamWorld.write(source.fileSystem(), "/f", 0, new byte[] {1});
      own(source, "/f", 1000);
      to.dataset("to").setProperties(Map.of("compression", "zstd"));
      receive(to, stream(source, "s", ""), "to/a");
      assertThat(used(to, 1000)).isBetween(512L, 100_000L);
      StreamWorld.assertClean(to);
      own(source, "/f", 2000);
      write(source, "/g", 100_000);
      receive(to, stream(source, "t", "s"), "to/a");
      assertThat(used(to, 1000)).isZero();
      assertThat(used(to, 2000)).isBetween(512L, 100_000L);
      StreamWorld.assertClean(to);
      // From now on they are kept, as of any file system.
      own(to.dataset("to/a"), "/g", 3000);
      to.sync();
      assertThat(used(to, 3000)).isGreaterThan(100_000);
      StreamWorld.assertClean(to);
    }
  }

  private static void own(Dataset dataset, String name, int uid) {
    long inode = dataset.fileSystem().paths().stat(StreamWorld.path(name), Caller.ROOT).inode();
    dataset.fileSystem().setattr(inode, new SetAttr().uid(uid), Caller.ROOT);
  }

  private static long used(Pool pool, int uid) {
    return pool.dataset("to/a").owners("").stream()
        .filter(owner -> owner.owner() == ObjectAccounts.Owner.USER && owner.id() == uid)
        .mapToLong(OwnerSpace::bytes)
        .sum();
  }
}
