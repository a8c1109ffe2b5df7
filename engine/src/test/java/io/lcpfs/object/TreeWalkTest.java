package io.lcpfs.object;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.format.ObjectType;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.DatasetPolicy;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.PoolEngines;
import io.lcpfs.pool.Tuning;
import io.lcpfs.pool.VerifyReport;
import io.lcpfs.txg.Tx;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the walk of an object set finds in dnodes that contradict their tails, trees and counts. */
class TreeWalkTest {
  private static final long TX = 100_000;

  private final RealEnv env = new RealEnv();
  private PoolEngine pool;
  private ObjectSet objects;

  @BeforeEach
  void create() {
    Tuning tuning =
        Tuning.standard()
            .withCacheBytes(32L << 20)
            .withDirtyBytes(8L << 20)
            .withTxgTimeoutNanos(3_600_000_000_000L)
            .withPoison(true);
    pool =
        PoolEngines.create(
            List.of(new RamDevice("ram", 512, (64 << 20) / 512)),
            CreateOptions.named("tank").withTuning(tuning),
            env);
    objects = pool.objectSet("", DatasetPolicy.DEFAULT);
  }

  @AfterEach
  void close() {
    pool.close();
    env.close();
  }

  private List<Long> fill(int count, int bytes, ObjectType type) {
    List<Long> numbers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] content = new byte[bytes];
      Arrays.fill(content, (byte) (i + 1));
      try (Tx tx = objects.begin(bytes + TX);
          Dnode dnode = objects.create(tx, type, 512)) {
        dnode.write(tx, 0, MemorySegment.ofArray(content), 0, bytes, 131_072);
        numbers.add(dnode.number());
      }
    }
    pool.sync();
    return numbers;
  }

  /** Has a dnode written as it now is in memory. */
  private void touch(Dnode dnode) {
    try (Tx tx = objects.begin(TX)) {
      dnode.setBonus(tx, dnode.bonus().clone());
    }
    pool.sync();
  }

  private void assertFound(String... parts) {
    List<VerifyReport.Finding> findings = pool.verify(p -> {}).findings();
    assertThat(findings)
        .anySatisfy(
            finding -> {
              assertThat(finding.check()).isEqualTo("ObjectCheck");
              assertThat(finding.where() + ": " + finding.what()).contains(parts);
            });
  }

  @Test
  void smallContentsOfBothKindsAreInTailsAndSound() {
    fill(40, 700, ObjectType.FILE);
    fill(40, 700, ObjectType.SYMLINK);
    assertThat(pool.verify(p -> {}).findings()).isEmpty();
  }

  @Test
  void everyTailLengthThatIsNotTheDnodesIsFound() {
    long number = fill(40, 700, ObjectType.FILE).get(35);
    try (Dnode dnode = objects.hold(number)) {
      assertThat(dnode.inTail).isTrue();
      dnode.setTail(true, 699);
      touch(dnode);
    }
    assertFound(
        "tails block " + number / 32,
        "slot " + number % 32 + " has 700 bytes, object " + number + " has 699 in it");
  }

  @Test
  void everyTailEntryOfAnObjectThatHasNoneIsFound() {
    long number = fill(5, 700, ObjectType.SYMLINK).get(3);
    try (Dnode dnode = objects.hold(number)) {
      dnode.setTail(false, 0);
      touch(dnode);
    }
    assertFound(
        "meta tails block 0",
        "slot " + number + " has 700 bytes, object " + number + " has 0 in it");
  }

  @Test
  void everyDnodeWhoseTailBlockIsMissingIsFound() {
    long number = fill(1, 20_000, ObjectType.FILE).getFirst();
    long empty;
    try (Tx tx = objects.begin(TX);
        Dnode dnode = objects.create(tx, ObjectType.FILE, 512)) {
      empty = dnode.number();
      dnode.setTail(true, 100);
    }
    pool.sync();
    assertThat(number).isNotEqualTo(empty);
    assertFound("object " + empty, "100 bytes should be in a tail that is not there");
  }

  @Test
  void everyTailOfNoBytesIsFound() {
    long number = fill(3, 700, ObjectType.FILE).getFirst();
    try (Tx tx = objects.begin(TX);
        Dnode dnode = objects.create(tx, ObjectType.FILE, 512)) {
      assertThat(dnode.number()).isNotEqualTo(number);
      dnode.setTail(true, 0);
    }
    pool.sync();
    assertFound("is in a tail with no bytes");
  }

  @Test
  void everyWrongSumOfStoredBytesAndBlocksIsFound() {
    long number = fill(2, 300_000, ObjectType.FILE).getFirst();
    try (Dnode dnode = objects.hold(number)) {
      dnode.storedBytes += 512;
      touch(dnode);
      assertFound("object " + number, "stored_bytes is");
      dnode.syncedBlockCount = 1;
      try (Tx tx = objects.begin(TX)) {
        dnode.setBonus(tx, new byte[2]);
        Pending pending = dnode.pendingOf(tx.txg());
        Objects.requireNonNull(pending).blockCount = 1;
      }
      pool.sync();
      assertFound("object " + number, "beyond block_count 1");
    }
  }

  @Test
  void everyWrongCountOfObjectsIsFound() {
    fill(3, 700, ObjectType.FILE);
    objects.syncedObjectCount.decrementAndGet();
    fill(1, 700, ObjectType.FILE);
    assertFound("object set", "object_count is 3, found 4");
  }
}
