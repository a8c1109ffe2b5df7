package io.lcpfs.posix;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Pool;
import io.lcpfs.device.BlockDevice;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.env.Task;
import io.lcpfs.pool.CreateOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Open files lose their names in several directories while groups come and go. */
class UnlinkedRaceTest {
  private static final int WRITERS = 4;
  private static final int FILES = 1_500;

  @Test
  void transactionsOfTwoGroupsMeetInTheUnlinkedSet() {
    try (RealEnv env = new RealEnv()) {
      BlockDevice device = new RamDevice("ram", 4096, (256L << 20) / 4096);
      try (Pool pool = Pool.create(List.of(device), CreateOptions.named("tank"), env)) {
        PosixFileSystem files = pool.dataset("tank").fileSystem();
        AtomicBoolean over = new AtomicBoolean();
        Task<Void> syncing =
            env.fork(
                "syncing",
                () -> {
                  while (!over.get()) {
                    files.sync();
                  }
                });
        List<Task<Void>> writers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
          byte[] name = PathCalls.path("d" + i);
          long directory = files.mkdir(files.rootInode(), name, 0755, Caller.ROOT).inode();
          writers.add(env.fork("writer", () -> makeAndUnlink(files, directory)));
        }
        writers.forEach(Task::join);
        over.set(true);
        syncing.join();
        assertThat(files.unlinkedCount()).isZero();
        assertThat(pool.verify(progress -> {}).findings()).isEmpty();
      }
    }
  }

  private static void makeAndUnlink(PosixFileSystem files, long directory) {
    for (int i = 0; i < FILES; i++) {
      byte[] name = PathCalls.path("f" + i);
      int flags = OpenFlags.O_CREAT | OpenFlags.O_RDWR;
      try (FileHandle open = files.create(directory, name, 0644, flags, Caller.ROOT).handle()) {
        files.unlink(directory, name, Caller.ROOT);
        assertThat(open.getattr().nlink()).isZero();
      }
    }
  }
}
