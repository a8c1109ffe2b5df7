package io.lcpfs.pool;

import static io.lcpfs.pool.LogWorld.ROOT;
import static io.lcpfs.pool.LogWorld.b;
import static io.lcpfs.pool.LogWorld.noise;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Pool;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.PlacementClass;
import io.lcpfs.pool.LogWorld.CountedDisk;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What fsync has to write at once goes to the device for logs, where the pool has one. */
@Timeout(180)
class LogDeviceTest {
  private static final int MIB = 1 << 20;
  private static final Tuning TUNING =
      Tuning.standard()
          .withCacheBytes(32 * MIB)
          .withDirtyBytes(8 * MIB)
          .withTxgTimeoutNanos(60_000_000_000L)
          .withPoison(true);

  private final RealEnv env = new RealEnv();
  private CountedDisk data = new CountedDisk(new byte[64 * MIB], 1);
  private CountedDisk log = new CountedDisk(new byte[16 * MIB], 2);

  @AfterEach
  void end() {
    env.close();
  }

  private Pool create() {
    return Pool.create(
        List.of(data, log),
        CreateOptions.named("tank")
            .withSmallDevices(true)
            .withGroups(
                List.of(
                    GroupSpec.single(PlacementClass.NORMAL, 1),
                    GroupSpec.single(PlacementClass.LOG, 1)))
            .withTuning(TUNING),
        env);
  }

  private static OpenOptions options() {
    return OpenOptions.standard().withTuning(TUNING).withForce(true);
  }

  private static void write(PosixFileSystem files, String path, byte[] content) {
    int flags = OpenFlags.O_CREAT | OpenFlags.O_RDWR;
    try (FileHandle file = files.paths().open(b(path), flags, 0x1A4, ROOT)) {
      assertThat(file.write(0, MemorySegment.ofArray(content), 0, content.length))
          .isEqualTo(content.length);
      file.fsync();
    }
  }

  private static byte[] read(PosixFileSystem files, String path) {
    try (FileHandle file = files.paths().open(b(path), OpenFlags.O_RDONLY, 0, ROOT)) {
      byte[] content = new byte[(int) file.size()];
      file.read(0, MemorySegment.ofArray(content), 0, content.length);
      return content;
    }
  }

  /** Has the dataset's log made, and changes kept. */
  private static PosixFileSystem withLog(Pool pool, String dataset) {
    PosixFileSystem files = pool.dataset(dataset).fileSystem();
    for (int i = 0; i < 3; i++) {
      write(files, "/warm", new byte[] {(byte) i});
    }
    return files;
  }

  @Test
  void fsyncWritesToTheLogDeviceOnlyAndIsThereAfterACrash() {
    Pool pool = create();
    PosixFileSystem files = withLog(pool, "tank");
    long txg = pool.status().txg();
    long dataWrites = data.writes.get();
    long logFlushes = log.flushes.get();
    write(files, "/kept", noise(1, 9000));
    assertThat(pool.status().txg()).as("groups written by fsync").isEqualTo(txg);
    assertThat(data.writes.get()).isEqualTo(dataWrites);
    assertThat(log.flushes.get()).isEqualTo(logFlushes + 1);
    byte[] dataLeft = data.crash();
    byte[] logLeft = log.crash();
    assertThatThrownBy(pool::close).isInstanceOf(PoolException.class);
    data = new CountedDisk(dataLeft, 3);
    log = new CountedDisk(logLeft, 4);
    try (Pool again = Pool.open(List.of(log, data), options(), env)) {
      assertThat(read(again.dataset("tank").fileSystem(), "/kept")).isEqualTo(noise(1, 9000));
      assertThat(again.verify(progress -> {}).findings()).isEmpty();
    }
  }

  @Test
  void whatTheLogDeviceHasNoRoomForGoesToTheOthers() {
    try (Pool pool = create()) {
      long toLog = 0;
      long toData = 0;
      for (int i = 0; i < 12; i++) {
        String name = "tank/d" + i;
        pool.createDataset(name, Map.of(), false);
        PosixFileSystem files = withLog(pool, name);
        long before = log.flushes.get();
        long dataBefore = data.flushes.get();
        write(files, "/kept", noise(i, 500));
        toLog += log.flushes.get() - before;
        toData += data.flushes.get() - dataBefore;
      }
      assertThat(toLog).isPositive();
      assertThat(toData).isPositive();
      assertThat(toLog + toData).isEqualTo(12);
      assertThat(pool.verify(progress -> {}).findings()).isEmpty();
      for (int i = 0; i < 12; i++) {
        pool.destroyDataset("tank/d" + i, false);
      }
      assertThat(pool.verify(progress -> {}).findings()).isEmpty();
    }
  }

  @Test
  void theLogDeviceIsNoPartOfThePoolsSize() {
    long size;
    try (Pool pool = create()) {
      size = pool.status().sizeBytes();
      List<DeviceStatus> devices = pool.status().devices();
      assertThat(devices)
          .extracting(DeviceStatus::placement)
          .containsExactly(PlacementClass.NORMAL, PlacementClass.LOG);
      assertThat(devices.getFirst().sizeBytes()).isEqualTo(size);
      assertThat(devices.getLast().sizeBytes()).isLessThan(16 * MIB);
      pool.export();
    }
    CountedDisk alone = new CountedDisk(new byte[64 * MIB], 5);
    try (Pool pool =
        Pool.create(
            List.of(alone),
            CreateOptions.named("alone").withSmallDevices(true).withTuning(TUNING),
            env)) {
      assertThat(pool.status().sizeBytes()).isEqualTo(size);
    }
  }

  @Test
  void aPoolWithoutItsLogDeviceIsRefused() {
    create().export();
    assertThatThrownBy(() -> Pool.open(List.of(data), options(), env))
        .isInstanceOf(PoolException.class)
        .hasMessageContaining("lacks the device")
        .extracting(e -> ((PoolException) e).errno())
        .isEqualTo(Errno.ENODEV);
  }

  @Test
  void groupsThatNoPoolCanHaveAreRefused() {
    for (List<GroupSpec> groups :
        List.of(
            List.of(GroupSpec.single(PlacementClass.LOG, 2)),
            List.of(GroupSpec.single(PlacementClass.NORMAL, 1)),
            List.of(
                GroupSpec.single(PlacementClass.NORMAL, 1),
                GroupSpec.single(PlacementClass.LOG, 2)),
            List.of(
                GroupSpec.single(PlacementClass.NORMAL, 1),
                GroupSpec.single(PlacementClass.SPECIAL, 1)))) {
      assertThatThrownBy(
              () ->
                  Pool.create(
                      List.of(data, log),
                      CreateOptions.named("tank").withSmallDevices(true).withGroups(groups),
                      env))
          .isInstanceOf(PoolException.class)
          .extracting(e -> ((PoolException) e).errno())
          .isEqualTo(Errno.EINVAL);
    }
  }
}
