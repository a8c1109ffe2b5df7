package io.lcpfs.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.posix.PosixFileSystem;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How long the files of a snapshot stay open. */
class SnapshotVisitTest {
  private final RealEnv env = new RealEnv(2, 1, 4);
  private final Pool pool =
      Pool.create(
          List.of(new RamDevice("ram", 4096, (64L << 20) / 4096)),
          CreateOptions.named("tank").withSmallDevices(true),
          env);
  private final Dataset dataset = pool.dataset("tank");
  private final SnapshotDirectory snapshots = SnapshotDirectory.of(dataset);

  @AfterEach
  void close() {
    pool.close();
    env.close();
  }

  private PosixFileSystem lookInto(String name) {
    try (SnapshotDirectory.Visit visit = snapshots.visit(name)) {
      assertThat(visit.files().isClosed()).isFalse();
      return visit.files();
    }
  }

  @Test
  void theLastFewThatNobodyVisitsStayOpen() {
    IntStream.range(0, 20).forEach(i -> dataset.snapshot("s" + i));
    PosixFileSystem kept = snapshots.files("s0");
    SnapshotDirectory.Visit long1 = snapshots.visit("s1");
    SnapshotDirectory.Visit long2 = snapshots.visit("s1");
    assertThat(long2.files()).isSameAs(long1.files());
    List<PosixFileSystem> seen = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      seen.add(lookInto("s" + i));
    }
    long1.close();
    long1.close();
    int first = 20 - OpenFileSystems.MOST_IDLE;
    for (int i = 2; i < 20; i++) {
      assertThat(seen.get(i).isClosed()).as("s" + i).isEqualTo(i < first);
    }
    assertThat(kept.isClosed()).isFalse();
    assertThat(long2.files().isClosed()).as("one visitor is left").isFalse();
    assertThat(lookInto("s19")).isSameAs(seen.get(19));
    assertThat(lookInto("s2")).isNotSameAs(seen.get(2));
    long2.close();
    for (int i = 2; i < 2 + OpenFileSystems.MOST_IDLE; i++) {
      lookInto("s" + i);
    }
    assertThat(long2.files().isClosed()).isTrue();
    assertThat(snapshots.files("s0")).isSameAs(kept);
  }

  @Test
  void aVisitEndsWithTheSnapshotAndMeansNothingToTheNextOfItsName() {
    dataset.snapshot("s");
    SnapshotDirectory.Visit visit = snapshots.visit("s");
    dataset.destroySnapshots(List.of("s"));
    assertThat(visit.files().isClosed()).isTrue();
    assertThatThrownBy(() -> snapshots.visit("s")).isInstanceOf(PoolException.class);
    dataset.snapshot("s");
    try (SnapshotDirectory.Visit next = snapshots.visit("s")) {
      visit.close();
      IntStream.range(0, 12).forEach(i -> dataset.snapshot("n" + i));
      IntStream.range(0, 12).forEach(i -> lookInto("n" + i));
      assertThat(next.files().isClosed()).isFalse();
    }
  }

  @Test
  void oneThatIsNotDestroyedAfterAllIsOpenedAgain() {
    Snapshot snapshot = dataset.snapshot("s");
    snapshot.cloneTo("tank/clone", Map.of());
    try (SnapshotDirectory.Visit visit = snapshots.visit("s")) {
      assertThatThrownBy(snapshot::destroy).hasMessageContaining("tank/clone");
      assertThat(lookInto("s").isClosed()).isFalse();
      assertThat(visit.files()).isNotNull();
    }
    assertThat(snapshots.find("s")).isPresent();
    assertThat(snapshots.find("t")).isEmpty();
    assertThat(snapshots.find("a@b")).isEmpty();
  }
}
