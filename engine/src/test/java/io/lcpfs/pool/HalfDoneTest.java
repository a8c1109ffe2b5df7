package io.lcpfs.pool;

import static io.lcpfs.pool.LogWorld.ROOT;
import static io.lcpfs.pool.LogWorld.b;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.SetAttr;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * An error that nobody foresaw, as a failed check is, strikes within a change: no half of it is
 * ever on disk. It may strike at any allocation of memory that the change makes.
 */
@Timeout(180)
class HalfDoneTest {
  private static final int MOST_ALLOCATIONS = 200;

  /** Not an error that anything expects. */
  private static final class Bug extends AssertionError {
    Bug() {
      super("a bug", null);
    }
  }

  private static Map<String, Consumer<LogWorld>> changes() {
    Map<String, Consumer<LogWorld>> changes = new LinkedHashMap<>();
    changes.put("create", w -> w.open("/dir/new", OpenFlags.O_CREAT | OpenFlags.O_RDWR).close());
    changes.put("mkdir", w -> w.paths.mkdir(b("/dir/sub"), 0x1ED, ROOT));
    changes.put("symlink", w -> w.paths.symlink(b("x".repeat(3000)), b("/dir/link"), ROOT));
    changes.put("link", w -> w.paths.link(b("/file"), b("/dir/again"), ROOT));
    changes.put("unlink", w -> w.paths.unlink(b("/file"), ROOT));
    changes.put("rmdir", w -> w.paths.rmdir(b("/empty"), ROOT));
    changes.put("rename", w -> w.paths.rename(b("/file"), b("/dir/moved"), 0, ROOT));
    changes.put("rename over", w -> w.paths.rename(b("/file"), b("/other"), 0, ROOT));
    changes.put(
        "exchange", w -> w.paths.rename(b("/file"), b("/dir"), OpenFlags.RENAME_EXCHANGE, ROOT));
    changes.put("write", w -> w.write("/file", 5000, LogWorld.noise(3, 20_000)));
    changes.put("shrink", w -> w.paths.setattr(b("/file"), true, new SetAttr().size(10_001), ROOT));
    changes.put(
        "xattr",
        w -> w.paths.setxattr(b("/file"), true, b("user.a"), LogWorld.noise(4, 5000), 0, ROOT));
    changes.put("inherit", w -> w.paths.mkdir(b("/lists/sub"), 0x1FF, ROOT));
    changes.put(
        "access list",
        w -> w.paths.setxattr(b("/other"), true, b("system.posix_acl_access"), list(9), 0, ROOT));
    return changes;
  }

  /** A POSIX access control list that names {@code users}, as an extended attribute. */
  private static byte[] list(int users) {
    ByteBuffer list = ByteBuffer.allocate(4 + 8 * (users + 4)).order(ByteOrder.LITTLE_ENDIAN);
    list.putInt(2).putShort((short) 1).putShort((short) 7).putInt(-1);
    for (int i = 0; i < users; i++) {
      list.putShort((short) 2).putShort((short) 5).putInt(1000 + i);
    }
    for (int tag : new int[] {4, 16, 32}) {
      list.putShort((short) tag).putShort((short) 5).putInt(-1);
    }
    return list.array();
  }

  private static void furnish(LogWorld world) {
    world.write("/file", 0, LogWorld.noise(1, 50_000));
    world.write("/other", 0, LogWorld.noise(2, 9_000));
    world.paths.mkdir(b("/dir"), 0x1ED, ROOT);
    world.paths.mkdir(b("/empty"), 0x1ED, ROOT);
    world.paths.mkdir(b("/lists"), 0x1ED, ROOT);
    byte[] inherited = b("system.posix_acl_default");
    world.paths.setxattr(b("/lists"), true, inherited, list(200), 0, ROOT);
    for (int i = 0; i < 60; i++) { // so that the directory is more than a block
      world.paths.link(b("/other"), b("/dir/another-name-of-it-" + i), ROOT);
    }
    world.pool.sync();
  }

  /** The pool refuses changes and says why; what is found after a crash is as before, or whole. */
  private static void assertNothingHalf(LogWorld world, String what, String before, String after) {
    boolean suspended = world.env.probes.contains(CodeProbe.POOL_SUSPENDED);
    if (suspended) {
      assertThatThrownBy(() -> world.paths.mkdir(b("/more"), 0x1ED, ROOT))
          .as(what)
          .isInstanceOfSatisfying(
              PoolException.class,
              e -> assertThat(e.error()).isInstanceOf(PoolError.Suspended.class))
          .hasMessageContaining("half done");
      assertThatThrownBy(world.pool::sync).isInstanceOf(PoolException.class);
    } else {
      world.pool.sync();
    }
    world.crashAndMount();
    assertThat(world.tree()).as(what).isIn(before, after);
    world.assertClean();
  }

  @Test
  void nothingHalfDoneGetsToDisk() {
    int[] suspended = {0};
    changes()
        .forEach(
            (name, change) -> {
              try (LogWorld world = new LogWorld()) {
                world.bug = Bug::new;
                furnish(world);
                String before = world.tree();
                byte[] start = world.crash();
                String after = changed(world, start, change);
                for (int at = 1; ; at++) {
                  assertThat(at).isLessThan(MOST_ALLOCATIONS);
                  world.open(start.clone());
                  world.mount(LogWorld.OPTIONS);
                  world.env.probes.clear();
                  world.failIn(at);
                  boolean struck = strikes(world, change);
                  world.failIn(-1);
                  if (!struck) {
                    break;
                  }
                  suspended[0] += world.env.probes.contains(CodeProbe.POOL_SUSPENDED) ? 1 : 0;
                  assertNothingHalf(world, name + ", allocation " + at, before, after);
                  world.crash();
                }
              }
            });
    assertThat(suspended[0]).as("changes that were struck in their middle").isPositive();
  }

  @Test
  void nothingHalfDoneAgainGetsToDisk() {
    try (LogWorld world = new LogWorld()) {
      furnish(world);
      world.warmUp();
      changes().forEach((name, change) -> changeIfPossible(world, change));
      world.fsyncByLog("/dir");
      String after = world.tree();
      byte[] crashed = world.crash();
      world.bug = Bug::new;
      int suspended = 0;
      boolean struck = true;
      for (int at = 1; struck; at++) {
        assertThat(at).isLessThan(MOST_ALLOCATIONS);
        world.open(crashed.clone());
        world.env.probes.clear();
        world.failIn(at);
        struck = strikes(world, w -> w.mount(LogWorld.OPTIONS));
        world.failIn(-1);
        suspended += world.env.probes.contains(CodeProbe.POOL_SUSPENDED) ? 1 : 0;
        world.crashAndMount();
        world.awaitReaper();
        assertThat(world.tree()).as("allocation " + at).isEqualTo(after);
        world.assertClean();
        world.crash();
      }
      assertThat(suspended).as("replays that were struck in the middle of an entry").isPositive();
    }
  }

  /** Some need what others take away. */
  private static void changeIfPossible(LogWorld world, Consumer<LogWorld> change) {
    try {
      change.accept(world);
    } catch (PoolException e) {
      assertThat(e.error()).isInstanceOf(PoolError.Posix.class);
    }
  }

  private static String changed(LogWorld world, byte[] start, Consumer<LogWorld> change) {
    world.open(start.clone());
    world.mount(LogWorld.OPTIONS);
    change.accept(world);
    world.awaitReaper();
    String after = world.tree();
    world.crash();
    return after;
  }

  private static boolean strikes(LogWorld world, Consumer<LogWorld> change) {
    try {
      change.accept(world);
      return false;
    } catch (Bug e) {
      return true;
    }
  }
}
