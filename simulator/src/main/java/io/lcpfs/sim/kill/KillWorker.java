package io.lcpfs.sim.kill;

import static io.lcpfs.posix.OpenFlags.O_RDWR;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.Pool;
import io.lcpfs.device.BlockDevice;
import io.lcpfs.device.DirectIo;
import io.lcpfs.device.FileDevice;
import io.lcpfs.device.OpenMode;
import io.lcpfs.env.RealEnv;
import io.lcpfs.pool.OpenOptions;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.Created;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * The process that is killed: writes files of known content, renames and deletes among them, and
 * says on its standard output what it has synced.
 */
public final class KillWorker {
  static final int BLOCK_BYTES = 4096;
  static final String POOL = "victim";

  private KillWorker() {}

  /** The content of file {@code index}: 0 to 200,000 bytes, the same every time. */
  static byte[] content(long index) {
    Random random = new Random(index * 77_777 + 5);
    byte[] bytes =
        new byte[random.nextInt(10) == 0 ? random.nextInt(200_000) : random.nextInt(6000)];
    if (index % 2 == 0) {
      random.nextBytes(bytes);
    } else {
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) ("line " + index % 100 + "\n").charAt(i % 6);
      }
    }
    return bytes;
  }

  static byte[] name(String prefix, long index) {
    return (prefix + index).getBytes(UTF_8);
  }

  static BlockDevice device(Path file) {
    return FileDevice.open(file, OpenMode.READ_WRITE, BLOCK_BYTES, DirectIo.OFF);
  }

  /**
   * Runs until killed.
   *
   * @param args device file, first index, seed, {@code volatile} or {@code plain}
   */
  public static void main(String[] args) {
    long first = Long.parseLong(args[1]);
    Random random = new Random(Long.parseLong(args[2]));
    BlockDevice device = device(Path.of(args[0]));
    if (args[3].equals("volatile")) {
      device = new VolatileCacheDevice(device, random.nextLong());
    }
    try (RealEnv env = new RealEnv();
        Pool pool = Pool.open(List.of(device), OpenOptions.standard(), env)) {
      PosixFileSystem fs = pool.dataset(POOL).fileSystem();
      report("open");
      for (long index = first; ; index++) {
        create(fs, index);
        if (index % 3 == 0) {
          fs.rename(
              fs.rootInode(),
              name("new-", index),
              fs.rootInode(),
              name("file-", index),
              0,
              Caller.ROOT);
        }
        if (random.nextInt(12) == 0) {
          fs.sync();
          report("synced " + index);
        }
      }
    }
  }

  @SuppressWarnings("SystemOut") // the parent reads it
  private static void report(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private static void create(PosixFileSystem fs, long index) {
    byte[] content = content(index);
    byte[] name = name(index % 3 == 0 ? "new-" : "file-", index);
    Created created = fs.create(fs.rootInode(), name, 0644, O_RDWR, Caller.ROOT);
    try (FileHandle handle = created.handle()) {
      handle.write(0, MemorySegment.ofArray(content), 0, content.length);
    }
    if (index > 400) {
      fs.unlink(fs.rootInode(), name("file-", index - 400), Caller.ROOT);
    }
  }
}
