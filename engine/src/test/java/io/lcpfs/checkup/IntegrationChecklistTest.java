package io.lcpfs.checkup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lcpfs.checkup.CheckedItem.Verdict;
import io.lcpfs.device.BlockDevice;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.BorrowedEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.memory.MemorySource;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IntegrationChecklistTest {
  private static final long CACHE = 256L << 20;
  private final BorrowedEnv env = new BorrowedEnv();

  @AfterEach
  void ended() {
    env.close();
  }

  /** A machine with nothing wrong, whatever this one is. */
  private Surroundings sound(Path dir) throws IOException {
    Path fuse = Files.writeString(dir.resolve("fuse"), "");
    Path memory =
        Files.writeString(dir.resolve("meminfo"), "MemFree: 1 kB\nMemAvailable: 9000000 kB\n");
    return Surroundings.ofThisMachine(env, CACHE)
        .withFlags(new Surroundings.Flags(true, true, 512L << 20))
        .withLinux64(true)
        .withFuse(fuse)
        .withHelper(new MountHelper(false, false, List.of(), dir.resolve("fuse.conf")))
        .withProcMemory(memory);
  }

  private static CheckedItem item(List<CheckedItem> items, String subject) {
    List<CheckedItem> found =
        items.stream().filter(item -> item.subject().equals(subject)).toList();
    assertThat(found).as(subject).hasSize(1);
    return found.getFirst();
  }

  private static void assertOnly(Surroundings around, String subject, Verdict verdict) {
    List<CheckedItem> items = IntegrationChecklist.machine(around);
    assertThat(item(items, subject).verdict()).isEqualTo(verdict);
    assertThat(item(items, subject).remedy()).isNotBlank();
    assertThat(items.stream().filter(one -> one.verdict() != Verdict.OK).toList()).hasSize(1);
    assertThat(IntegrationChecklist.usable(items)).isEqualTo(verdict == Verdict.WARNING);
  }

  @Test
  void everyItemOfASoundMachineIsOk(@TempDir Path dir) throws IOException {
    List<CheckedItem> items = IntegrationChecklist.machine(sound(dir));
    assertThat(items).allMatch(item -> item.verdict() == Verdict.OK);
    assertThat(items.stream().map(CheckedItem::subject))
        .containsExactly(
            "java",
            "vector module",
            "native access",
            "heap",
            "system",
            "fuse",
            "cache budget",
            "memory source",
            "free memory",
            "clock",
            "wall clock",
            "randomness",
            "threads");
    assertThat(IntegrationChecklist.usable(items)).isTrue();
  }

  @Test
  void thisMachineIsLookedAtWithoutAFailure() {
    List<CheckedItem> items = IntegrationChecklist.machine(Surroundings.ofThisMachine(env, CACHE));
    assertThat(item(items, "java").verdict()).isEqualTo(Verdict.OK);
    assertThat(items).noneMatch(item -> item.finding().startsWith("could not be looked at"));
  }

  @Test
  void everyThingThatIsWrongIsNamedAlone(@TempDir Path dir) throws IOException {
    Surroundings sound = sound(dir);
    assertOnly(sound.withJava(21), "java", Verdict.BROKEN);
    assertOnly(sound.withLinux64(false), "system", Verdict.WARNING);
    assertOnly(sound.withFuse(dir.resolve("none")), "fuse", Verdict.WARNING);
    assertOnly(sound.withCacheBytes(1 << 20), "cache budget", Verdict.BROKEN);
    assertOnly(sound.withCacheBytes(32 << 20), "cache budget", Verdict.WARNING);
    assertOnly(sound.withProcMemory(dir.resolve("none")), "free memory", Verdict.WARNING);
    Path low = Files.writeString(dir.resolve("low"), "MemAvailable: 100000 kB\n");
    assertOnly(sound.withProcMemory(low), "free memory", Verdict.WARNING);
    Path odd = Files.writeString(dir.resolve("odd"), "MemAvailable: 9223372036854775807 kB\n");
    assertOnly(sound.withProcMemory(odd), "free memory", Verdict.WARNING);
    assertOnly(
        sound.withFlags(new Surroundings.Flags(false, true, CACHE)),
        "vector module",
        Verdict.WARNING);
    assertOnly(
        sound.withFlags(new Surroundings.Flags(true, false, CACHE)),
        "native access",
        Verdict.WARNING);
    assertOnly(
        sound.withFlags(new Surroundings.Flags(true, true, 1 << 20)), "heap", Verdict.WARNING);
  }

  @Test
  void everyUserButRootNeedsAHelperThatRunsAsRoot(@TempDir Path dir) throws IOException {
    Path bin = Files.createDirectory(dir.resolve("bin"));
    Path settings = dir.resolve("fuse.conf");
    MountHelper user = new MountHelper(true, false, List.of(dir.resolve("none"), bin), settings);
    assertOnly(sound(dir).withHelper(user), "fusermount3", Verdict.WARNING);
    Path program = Files.writeString(bin.resolve("fusermount3"), "");
    assertOnly(sound(dir).withHelper(user), "fusermount3", Verdict.WARNING);
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    List<CheckedItem> plain = IntegrationChecklist.machine(sound(dir).withHelper(user));
    assertThat(item(plain, "fusermount3").finding()).contains("is not set-user-id root");
    assertThat(item(plain, "fusermount3").remedy()).contains("chmod u+s " + program);
    assumeTrue(Files.getAttribute(program, "unix:uid").equals(0), "only root makes such a program");
    Files.setAttribute(program, "unix:mode", 04755);
    List<CheckedItem> items = IntegrationChecklist.machine(sound(dir).withHelper(user));
    assertThat(items).allMatch(item -> item.verdict() == Verdict.OK);
    assertThat(item(items, "fusermount3").finding()).contains(program.toString());

    MountHelper others = user.withForOthers(true);
    assertOnly(sound(dir).withHelper(others), "allow_other", Verdict.WARNING);
    Files.writeString(settings, "#user_allow_other\nmount_max = 10\n");
    assertOnly(sound(dir).withHelper(others), "allow_other", Verdict.WARNING);
    Files.writeString(settings, "mount_max = 10\n user_allow_other\n");
    List<CheckedItem> allowed = IntegrationChecklist.machine(sound(dir).withHelper(others));
    assertThat(item(allowed, "allow_other").verdict()).isEqualTo(Verdict.OK);
  }

  @Test
  void everyMemorySourceThatBreaksItsPromiseIsFound(@TempDir Path dir) throws IOException {
    assertOnly(sound(dir).withMemory(source(0)), "memory source", Verdict.BROKEN);
    assertOnly(sound(dir).withMemory(source(1)), "memory source", Verdict.BROKEN);
  }

  /** Gives nothing, or memory that is not aligned. */
  private static MemorySource source(int shift) {
    return new MemorySource() {
      @Override
      public @Nullable MemorySegment acquire(long bytes, long alignmentBytes) {
        return shift == 0
            ? null
            : Arena.ofAuto().allocate(bytes + alignmentBytes, alignmentBytes).asSlice(4096, bytes);
      }

      @Override
      public void release(MemorySegment chunk) {
        assertThat(chunk.byteSize()).isPositive();
      }
    };
  }

  /** A world with one thing wrong. */
  private static class OddEnv extends BorrowedEnv {
    final AtomicLong readings = new AtomicLong();
  }

  @Test
  void everyClockThatIsWrongIsFound(@TempDir Path dir) throws IOException {
    try (OddEnv back =
            new OddEnv() {
              @Override
              public long nanoTime() {
                return super.nanoTime() - (readings.incrementAndGet() == 1000 ? 1_000_000_000L : 0);
              }
            };
        OddEnv lazy =
            new OddEnv() {
              @Override
              public void sleep(long nanos) {
                readings.incrementAndGet(); // and comes back at once
              }
            };
        OddEnv wallBack =
            new OddEnv() {
              @Override
              public long wallNanos() {
                return super.wallNanos() - 1_000_000 * readings.incrementAndGet();
              }
            };
        OddEnv early =
            new OddEnv() {
              @Override
              public long wallNanos() {
                return readings.incrementAndGet();
              }
            };
        OddEnv constant =
            new OddEnv() {
              @Override
              public long randomLong() {
                return 4;
              }
            };
        OddEnv failing =
            new OddEnv() {
              @Override
              public int cpus() {
                throw new IllegalStateException("no processors");
              }
            }) {
      assertOnly(sound(dir).withEnv(back), "clock", Verdict.BROKEN);
      assertOnly(sound(dir).withEnv(lazy), "clock", Verdict.BROKEN);
      assertOnly(sound(dir).withEnv(wallBack), "wall clock", Verdict.WARNING);
      assertOnly(sound(dir).withEnv(early), "wall clock", Verdict.WARNING);
      assertOnly(sound(dir).withEnv(constant), "randomness", Verdict.BROKEN);
      assertOnly(sound(dir).withEnv(failing), "threads", Verdict.BROKEN);
    }
  }

  /** A device in memory whose content outlives a close, as a disk's does. */
  private static class Disk implements BlockDevice {
    final MemorySegment content;
    private boolean closed;

    Disk(MemorySegment content) {
      this.content = content;
    }

    RamDevice open() {
      if (closed) {
        throw new PoolException(new PoolError.Closed("disk"));
      }
      return new RamDevice("disk", 4096, content.byteSize() / 4096);
    }

    private MemorySegment range(long lba, int count, MemorySegment buffer) {
      // The checks of ranges and buffers are those of a device that is known to keep them.
      try (RamDevice checks = open()) {
        checks.readBlocks(lba, count, MemorySegment.ofArray(new byte[(int) buffer.byteSize()]));
      }
      return content.asSlice(lba * 4096, count * 4096L);
    }

    @Override
    public void readBlocks(long lba, int blockCount, MemorySegment target) {
      if (target.isReadOnly()) {
        throw PoolException.posix(Errno.EINVAL, "read-only buffer");
      }
      target.copyFrom(range(lba, blockCount, target));
    }

    @Override
    public void writeBlocks(long lba, int blockCount, MemorySegment source) {
      range(lba, blockCount, source).copyFrom(source);
    }

    @Override
    public void flush() {
      open().close();
    }

    @Override
    public void discard(long lba, long blockCount) {
      try (RamDevice checks = open()) {
        checks.discard(lba, blockCount);
      }
    }

    @Override
    public int blockSize() {
      return 4096;
    }

    @Override
    public long totalBlocks() {
      return content.byteSize() / 4096;
    }

    @Override
    public String name() {
      return "disk";
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private final MemorySegment content = Arena.ofAuto().allocate(100 * 4096, 4096);

  private Surroundings around() {
    return Surroundings.ofThisMachine(env, CACHE);
  }

  @Test
  void everyPromiseOfASoundDeviceIsOk() {
    List<CheckedItem> items =
        IntegrationChecklist.device(
            around(),
            () ->
                new Disk(content) {
                  @Override
                  public void flush() {
                    super.flush();
                    env.sleep(20_000); // as a disk takes its time
                  }
                },
            1);
    assertThat(items).allMatch(item -> item.verdict() == Verdict.OK);
    assertThat(items.stream().map(CheckedItem::subject))
        .containsExactly("device contract", "write order", "flush");
  }

  @Test
  void aFlushThatTakesNoTimeIsAWarning() {
    try (OddEnv still =
        new OddEnv() {
          @Override
          public long nanoTime() {
            return readings.addAndGet(10);
          }
        }) {
      List<CheckedItem> items =
          IntegrationChecklist.device(around().withEnv(still), () -> new Disk(content), 2);
      assertThat(item(items, "flush").verdict()).isEqualTo(Verdict.WARNING);
      assertThat(IntegrationChecklist.usable(items)).isTrue();
    }
  }

  @Test
  void everyBrokenDeviceIsFoundWithThePromiseThatItBreaks() {
    List<CheckedItem> torn =
        IntegrationChecklist.device(
            around(),
            () ->
                new Disk(content) {
                  @Override
                  public void writeBlocks(long lba, int blockCount, MemorySegment source) {
                    super.writeBlocks(lba, blockCount, source);
                    content.set(ValueLayout.JAVA_BYTE, lba * 4096 + 99, (byte) 7);
                  }
                },
            3);
    assertThat(torn).hasSize(1);
    assertThat(torn.getFirst().verdict()).isEqualTo(Verdict.BROKEN);
    assertThat(torn.getFirst().finding()).contains("reads back as written");
    List<CheckedItem> missing =
        IntegrationChecklist.device(
            around(),
            () -> {
              throw PoolException.refused(Errno.ENOENT, "/dev/none does not exist");
            },
            4);
    assertThat(missing).hasSize(1);
    assertThat(missing.getFirst().finding()).contains("ENOENT", "/dev/none");
    assertThat(IntegrationChecklist.usable(missing)).isFalse();
  }

  @Test
  void everyDeviceThatForgetsFlushedWritesLaterIsFound() {
    AtomicLong opened = new AtomicLong();
    List<CheckedItem> items =
        IntegrationChecklist.device(
            around(),
            () -> {
              // Forgets when it is opened for the last time, after the contract was tried.
              if (opened.incrementAndGet() == 4) {
                content.asSlice(0, 4096).fill((byte) 0);
              }
              return new Disk(content);
            },
            5);
    assertThat(item(items, "device contract").verdict()).isEqualTo(Verdict.OK);
    assertThat(item(items, "write order").verdict()).isEqualTo(Verdict.BROKEN);
    assertThat(opened.get()).isEqualTo(4);
  }
}
