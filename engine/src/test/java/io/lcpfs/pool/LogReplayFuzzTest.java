package io.lcpfs.pool;

import static io.lcpfs.pool.LogWorld.b;
import static io.lcpfs.pool.LogWorld.noise;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixCheck;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The log of a pool that crashed, of which the fuzzer changes bytes; the checksum is made right
 * again. An input is edits of 4 bytes: offset in the batch (u16), value (u8), and what to do with
 * it (u8: set, set a word, add). All that follows must end with a result or a PoolException.
 */
class LogReplayFuzzTest {
  private static final int EDIT_BYTES = 4;
  private static final int MOST_EDITS = 12;
  private static final long TXG_TIMEOUT_NANOS = 60_000_000_000L;
  private static final long[] WORDS = {0, 1, 8, 16, 0x7fff_ffff, 0xffff_ffffL, 1 << 20, 512};
  private static final RealEnv ENV = new RealEnv();

  /** A pool whose log holds every kind of entry in its last batch. */
  private static final class Crashed {
    static final byte[] IMAGE = make();

    private static byte[] make() {
      LogWorld world = new LogWorld(16 << 20);
      world.write("/gone", 0, noise(1, 3000));
      world.paths.mkdir(b("/dir"), 0x1ED, LogWorld.ROOT);
      world.pool.sync();
      world.warmUp();
      world.write("/file", 0, noise(1, 600));
      world.paths.setxattr(b("/file"), true, b("user.large"), noise(2, 900), 0, LogWorld.ROOT);
      world.paths.mkdir(b("/dir/sub"), 0x1ED, LogWorld.ROOT);
      world.paths.symlink(b("x".repeat(700)), b("/dir/link"), LogWorld.ROOT);
      world.paths.rename(b("/file"), b("/dir/moved"), 0, LogWorld.ROOT);
      world.paths.unlink(b("/gone"), LogWorld.ROOT);
      world.awaitReaper();
      world.paths.setattr(b("/warm"), true, new SetAttr().size(0), LogWorld.ROOT);
      world.fsyncByLog("/warm");
      byte[] left = world.crash();
      world.env.close();
      return left;
    }
  }

  private static byte[] image() {
    return Crashed.IMAGE.clone();
  }

  private static byte[] forged(byte[] input) {
    byte[] bytes = image();
    ByteBuffer in = ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN);
    new ForgedLog(bytes)
        .edit(
            -1,
            batch -> {
              for (int i = 0; i < MOST_EDITS && in.remaining() >= EDIT_BYTES; i++) {
                long at = (in.getShort() & 0xffff) % (batch.byteSize() - 64 - 8) + 64;
                int value = in.get() & 0xff;
                switch (in.get() & 3) {
                  case 0 -> batch.set(ValueLayout.JAVA_BYTE, at, (byte) value);
                  case 1 -> Disk.putU32(batch, at & ~3L, WORDS[value % WORDS.length]);
                  case 2 -> Disk.putU64(batch, at & ~7L, WORDS[value % WORDS.length]);
                  default ->
                      batch.set(
                          ValueLayout.JAVA_BYTE,
                          at,
                          (byte) (batch.get(ValueLayout.JAVA_BYTE, at) + value));
                }
              }
            });
    return bytes;
  }

  @FuzzTest(maxDuration = "1m")
  void everyLogIsReplayedOrTold(byte[] input) {
    LogWorld.CountedDisk disk = new LogWorld.CountedDisk(forged(input), 1);
    Tuning tuning =
        Tuning.standard()
            .withCacheBytes(16L << 20)
            .withDirtyBytes(4L << 20)
            .withTxgTimeoutNanos(TXG_TIMEOUT_NANOS);
    PoolEngine pool =
        PoolEngines.open(
            List.of(disk), OpenOptions.standard().withTuning(tuning).withForce(true), ENV);
    try {
      use(pool);
      mayFail(() -> pool.verify(p -> {}));
      pool.status();
    } finally {
      mayFail(pool::close);
      disk.crash();
      disk.forget();
    }
  }

  private static void use(PoolEngine pool) {
    try {
      pool.objectSet("", DatasetPolicy.DEFAULT);
    } catch (PoolException e) {
      // What is refused for ever must not look as if it could pass.
      assertThat(e.errno()).isIn(Errno.EIO, Errno.ENOMEM, Errno.ENOSPC);
      return;
    }
    mayFail(() -> PosixCheck.check(pool.objectSet("", DatasetPolicy.DEFAULT), ENV));
    mayFail(
        () -> {
          try (PosixFileSystem fs =
              PosixFileSystem.open(
                  pool.objectSet("", DatasetPolicy.DEFAULT), ENV, LogWorld.OPTIONS)) {
            for (byte[] name : fs.paths().names(b("/"), Caller.ROOT)) {
              mayFail(() -> fs.paths().lstat(name, Caller.ROOT));
            }
            mayFail(() -> fs.paths().names(b("/dir"), Caller.ROOT));
            mayFail(() -> write(fs, "/dir/moved"));
            mayFail(() -> write(fs, "/new"));
          }
        });
  }

  private static void write(PosixFileSystem fs, String path) {
    try (var file =
        fs.paths().open(b(path), OpenFlags.O_CREAT | OpenFlags.O_RDWR, 0x1A4, Caller.ROOT)) {
      file.write(0, MemorySegment.ofArray(noise(1, 3000)), 0, 3000);
      file.fsync();
    }
  }

  private static void mayFail(Runnable call) {
    try {
      call.run();
    } catch (PoolException e) {
      assertThat(e.error().message()).isNotEmpty();
    }
  }

  /** Every word of the batch, one after the other. */
  @Test
  void everyWordOfABatchMayBeWrong() {
    long length = new ForgedLog(image()).batch(-1).bytes();
    for (int at = 0; at < length - 72; at += 4) {
      if (at < 700 || at % 52 == 0) {
        everyLogIsReplayedOrTold(new byte[] {(byte) at, (byte) (at >> 8), (byte) (at / 4), 1});
      }
    }
  }
}
