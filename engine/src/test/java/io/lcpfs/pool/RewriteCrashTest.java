package io.lcpfs.pool;

import static io.lcpfs.pool.LogWorld.b;
import static io.lcpfs.pool.LogWorld.noise;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are written anew, on a machine that loses its power. */
@Timeout(120)
class RewriteCrashTest {
  private static final int LENGTH = 200_000;

  private static void rewrite(LogWorld world, long offset, long length) {
    try (FileHandle file = world.open("/f", OpenFlags.O_RDWR)) {
      assertThat(file.rewrite(offset, length, true).sharedBytes()).isZero();
    }
  }

  @Test
  void anFsyncAfterOneNeedsNoGroupAndLosesNothing() {
    try (LogWorld world = new LogWorld()) {
      world.write("/f", 0, noise(1, LENGTH));
      world.pool.sync();
      rewrite(world, 0, Long.MAX_VALUE);
      world.write("/f", 5000, noise(2, 9000));
      world.fsyncByLog("/f");
      String tree = world.tree();
      world.crashAndMount();
      assertThat(world.tree()).isEqualTo(tree);
      world.assertClean();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void whatWasSyncedIsThereWhateverWasRewritten(int seed) {
    Random random = new Random(seed);
    try (LogWorld world = new LogWorld()) {
      world.write("/f", 0, noise(seed, LENGTH));
      for (int crash = 0; crash < 3; crash++) {
        for (int i = 0; i < 12; i++) {
          int at = random.nextInt(LENGTH);
          switch (random.nextInt(5)) {
            case 0 -> world.pool.sync();
            case 1, 2 -> rewrite(world, at, random.nextInt(LENGTH));
            case 3 -> {
              try (FileHandle file = world.open("/f", OpenFlags.O_RDWR)) {
                file.truncate(random.nextInt(LENGTH));
              }
            }
            default -> world.write("/f", at, noise(i, random.nextInt(20_000)));
          }
        }
        world.fsync("/f");
        String tree = world.tree();
        for (int i = random.nextInt(4); i > 0; i--) {
          rewrite(world, random.nextInt(LENGTH), Long.MAX_VALUE);
          if (random.nextBoolean()) {
            world.pool.sync();
          }
        }
        world.crashAndMount();
        assertThat(world.tree()).as("seed %s, crash %s", seed, crash).isEqualTo(tree);
        world.assertClean();
        assertThat(world.paths.stat(b("/f"), LogWorld.ROOT).isRegular()).isTrue();
      }
    }
  }
}
