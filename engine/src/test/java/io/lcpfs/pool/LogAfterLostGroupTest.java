package io.lcpfs.pool;

import static io.lcpfs.pool.LogWorld.ROOT;
import static io.lcpfs.pool.LogWorld.b;
import static io.lcpfs.pool.LogWorld.noise;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.ObjectType;
import io.lcpfs.vdev.TileMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A device loses the newest group, and the import goes back to the one before, whose log goes on
 * past it: what depends on the lost group is not done again.
 */
@Timeout(60)
class LogAfterLostGroupTest {
  private final LogWorld world = new LogWorld();

  @AfterEach
  void close() {
    world.close();
  }

  /** Crashes; afterwards the metadata that belongs to no earlier group than this is lost. */
  private void crashWithout(long txg) {
    OpenPool pool = (OpenPool) world.pool;
    TileMap tiles = pool.parts().devices.tiles();
    List<Long> lost = new ArrayList<>();
    PoolWorld.eachBlock(
        pool,
        world.objects(),
        (object, blockId, pointer) -> {
          if (isNewMetadata(pointer, txg)) {
            for (int copy = 0; copy < pointer.copies(); copy++) {
              lost.add(tiles.deviceOffset(pointer.dva(copy), 512));
            }
          }
        });
    assertThat(lost).isNotEmpty();
    byte[] left = world.crash();
    lost.forEach(at -> Arrays.fill(left, at.intValue(), at.intValue() + 512, (byte) 0));
    world.open(left);
    assertThat(world.pool.status().problems()).anyMatch(p -> p.contains("passed over"));
    world.env.probes.clear();
    world.mount(LogWorld.OPTIONS);
  }

  private static boolean isNewMetadata(BlockPointer pointer, long txg) {
    return !pointer.isEmbedded()
        && pointer.physicalBirth() >= txg
        && (pointer.type() != ObjectType.FILE || pointer.level() > 0);
  }

  /** What a group has made, and no batch of the log. */
  private void makeOutsideOfTheLog() {
    world.paths.mkdir(b("/group"), 0x1ED, ROOT);
    world.write("/group/large", 0, noise(1, 200_000));
  }

  /** The newest group holds a directory; the log, a file in it, and one beside. */
  private void loseTheGroup(String... remaining) {
    long group = world.txg();
    world.write("/group/inside", 0, b("depends on it"));
    world.write("/beside", 0, b("does not"));
    world.fsyncByLog("/beside");
    crashWithout(group);
    List<String> names = world.paths.names(b("/"), ROOT).stream().map(String::new).toList();
    assertThat(names).containsExactlyInAnyOrder(remaining);
    assertThat(world.pool.status().problems()).noneMatch(p -> p.contains("intent log"));
    world.pool.sync();
    assertThat(world.pool.verify(p -> {}).findings()).isEmpty();
  }

  @Test
  void whatAGroupTookFromTheLogBeforeItWasWritten() {
    world.pool.sync();
    makeOutsideOfTheLog();
    world.pool.sync();
    loseTheGroup("warm");
    assertThat(world.env.probes).doesNotContain(CodeProbe.LOG_REPLAYED);
  }

  @Test
  void whatTheLogHadNoMemoryFor() {
    world.pool.sync();
    world.write("/early", 0, b("in the log of the group before"));
    world.fsyncByLog("/early");
    world.env.probes.clear();
    for (int i = 0; !world.env.probes.contains(CodeProbe.LOG_GAP); i++) {
      world.write("/filler" + i, 0, noise(i, 100_000)); // more than is kept
    }
    makeOutsideOfTheLog();
    world.fsync("/group"); // by way of the groups
    loseTheGroup("warm", "early");
    assertThat(world.env.probes).contains(CodeProbe.LOG_REPLAYED);
  }

  @Test
  void whatIsInTheLogTooIsDoneAgain() {
    world.pool.sync();
    world.paths.mkdir(b("/group"), 0x1ED, ROOT);
    world.fsyncByLog("/group");
    world.pool.sync();
    loseTheGroup("warm", "group", "beside");
    assertThat(world.paths.names(b("/group"), ROOT)).hasSize(1);
  }
}
