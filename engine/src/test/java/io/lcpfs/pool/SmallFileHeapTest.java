package io.lcpfs.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.device.DirectIo;
import io.lcpfs.device.FileDevice;
import io.lcpfs.device.OpenMode;
import io.lcpfs.format.ObjectType;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.txg.Tx;
import java.io.File;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The heap that cached objects take is bounded by the cache's budget, however small they are. */
class SmallFileHeapTest {
  private static final int FILES = 100_000;
  private static final int FILE_BYTES = 400;
  private static final long CACHE_BYTES = 128 << 20;
  private static final long DEVICE_BYTES = 384 << 20;

  /** Less than all of them would take as objects in memory. */
  private static final String HEAP = "-Xmx48m";

  @TempDir Path directory;

  @Test
  @Timeout(180)
  void moreSmallObjectsThanTheHeapHasRoomForGoThroughTheCache() throws Exception {
    Process process =
        new ProcessBuilder(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                "-ea",
                HEAP,
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Filler.class.getName(),
                directory.resolve("pool").toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output).contains("all " + FILES + " are as written");
  }

  /** Writes the objects and reads them all, twice, in a small heap. */
  static final class Filler {
    private Filler() {}

    public static void main(String[] args) {
      Path file = Path.of(args[0]);
      FileDevice.create(file, DEVICE_BYTES, false);
      try (PoolWorld world = new PoolWorld()) {
        world.tuning =
            Tuning.standard().withCacheBytes(CACHE_BYTES).withDirtyBytes(CACHE_BYTES / 4);
        FileDevice device = FileDevice.open(file, OpenMode.READ_WRITE, 4096, DirectIo.AUTO);
        try (PoolEngine pool = world.create(device)) {
          ObjectSet objects = PoolWorld.objects(pool);
          long[] numbers = write(objects);
          pool.sync();
          read(objects, numbers);
          read(objects, numbers);
          long cached = pool.status().cacheBytes();
          if (!pool.status().problems().isEmpty() || cached < CACHE_BYTES / 8) {
            throw new IllegalStateException(pool.status() + ", " + cached + " bytes are cached");
          }
          System.gc();
          Runtime runtime = Runtime.getRuntime();
          System.out.println("heap " + (runtime.totalMemory() - runtime.freeMemory()));
        }
      }
      System.out.println("all " + FILES + " are as written");
    }

    private static long[] write(ObjectSet objects) {
      long[] numbers = new long[FILES];
      MemorySegment content = MemorySegment.ofArray(new byte[FILE_BYTES]);
      for (int i = 0; i < FILES; i++) {
        content.fill((byte) i);
        content.set(ValueLayout.JAVA_INT_UNALIGNED, 0, i);
        try (Tx tx = objects.begin(8192);
            Dnode dnode = objects.create(tx, ObjectType.FILE, 512)) {
          dnode.write(tx, 0, content, 0, FILE_BYTES, 131_072);
          numbers[i] = dnode.number();
        }
      }
      return numbers;
    }

    private static void read(ObjectSet objects, long[] numbers) {
      MemorySegment content = MemorySegment.ofArray(new byte[FILE_BYTES]);
      for (int i = 0; i < FILES; i++) {
        try (Dnode dnode = objects.hold(numbers[i])) {
          dnode.read(0, content, 0, FILE_BYTES);
        }
        if (content.get(ValueLayout.JAVA_INT_UNALIGNED, 0) != i
            || content.get(ValueLayout.JAVA_BYTE, FILE_BYTES - 1) != (byte) i) {
          throw new IllegalStateException("object " + numbers[i]);
        }
      }
    }
  }
}
