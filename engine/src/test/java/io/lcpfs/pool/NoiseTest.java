package io.lcpfs.pool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Geometry;
import io.lcpfs.memory.SlabAllocator;
import io.lcpfs.memory.SystemMemorySource;
import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PosixFileSystem;
import io.lcpfs.posix.SetAttr;
import io.lcpfs.vdev.LabelIo;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Noise anywhere on the device, one place at a time: labels and metadata lose nothing, file data is
 * as it was or EIO, and nothing but a PoolException ever comes out. {@code -Dlcpfs.trust.all=true}
 * tries every sector, else a part of them is.
 */
@Timeout(900)
class NoiseTest {
  private static final boolean ALL = Boolean.getBoolean("lcpfs.trust.all");
  private static final int DISK_BYTES = 16 << 20;
  private static final int PAGE = 4096;

  /** Of the pages and of the sectors tried, one in this many. */
  private static final int PART = ALL ? 1 : 5;

  private static final int SECTOR_PART = ALL ? 1 : 101;

  /** Every so many imports, one is writable. */
  private static final int WRITABLE = 3;

  /** What may be lost with one data block: the files that share a tail block. */
  private static final int MOST_LOST = 32;

  private final PoolWorld world = new PoolWorld();

  NoiseTest() {
    world.tuning =
        world
            .tuning
            .withCacheBytes(8 << 20)
            .withDirtyBytes(2 << 20)
            .withMemory(new RecycledMemory());
  }

  @AfterEach
  void close() {
    world.close();
  }

  /** A file as it must be. */
  private record Golden(Attr attr, byte[] content) {}

  /** A pool on an image, with what its file system holds. */
  private record Image(byte[] bytes, BitSet pages, TreeMap<String, Golden> files) {}

  private static byte[] noise(Random random, int bytes) {
    byte[] content = new byte[bytes];
    random.nextBytes(content);
    return content;
  }

  /** Small, large, sparse and compressible files in directories, changed over many groups. */
  private Image image(int sectorBytes) {
    MemoryDisk disk = MemoryDisk.ofBytes(512, DISK_BYTES);
    Random random = new Random(5);
    try (PoolEngine pool =
            PoolEngines.create(
                List.of(disk),
                CreateOptions.named("tank")
                    .withSmallDevices(true)
                    .withSectorBytes(sectorBytes)
                    .withTuning(world.tuning),
                world.env);
        PosixFileSystem fs = world.format(pool)) {
      for (int i = 0; i < 60; i++) {
        String directory = i % 10 == 0 ? "" : "d" + i % 10 + "/";
        if (i < 10 && i > 0) {
          fs.paths().mkdir(("d" + i).getBytes(UTF_8), 0x1ED, Caller.ROOT);
        }
        int bytes = i % 6 == 0 ? 150_000 + random.nextInt(200_000) : random.nextInt(6000);
        byte[] content = noise(random, bytes);
        if (i % 3 == 1) {
          Arrays.fill(content, bytes / 3, bytes, (byte) i);
        }
        write(fs, directory + "file" + i, i % 12 == 6 ? 300_000 : 0, content);
        if (i % 8 == 0) {
          fs.paths()
              .symlink(("target" + i).getBytes(UTF_8), ("link" + i).getBytes(UTF_8), Caller.ROOT);
          fs.paths()
              .setxattr(
                  (directory + "file" + i).getBytes(UTF_8),
                  false,
                  "user.x".getBytes(UTF_8),
                  noise(random, i * 20 + 1),
                  0,
                  Caller.ROOT);
        }
        if (i % 15 == 14) {
          fs.sync();
        }
      }
      fs.paths().unlink("d7/file17".getBytes(UTF_8), Caller.ROOT);
      fs.paths().setattr("file30".getBytes(UTF_8), false, new SetAttr().size(140_000), Caller.ROOT);
      fs.sync();
      world.assertFilesClean(pool);
    }
    TreeMap<String, Golden> files = new TreeMap<>();
    try (PoolEngine pool = world.openReadOnly(disk);
        PosixFileSystem fs = world.mount(pool)) {
      List<String> lost = new ArrayList<>();
      read(fs, files, lost);
      assertThat(lost).isEmpty();
      assertThat(files).hasSizeGreaterThan(60);
    }
    return new Image(disk.image(), disk.writtenPages(), files);
  }

  private static void write(PosixFileSystem fs, String name, int at, byte[] bytes) {
    try (FileHandle file =
        fs.paths()
            .open(
                name.getBytes(UTF_8), OpenFlags.O_CREAT | OpenFlags.O_WRONLY, 0x1A4, Caller.ROOT)) {
      assertThat(file.write(at, MemorySegment.ofArray(bytes), 0, bytes.length))
          .isEqualTo(bytes.length);
    }
  }

  /** Reads the whole tree; data that gives EIO is told by name. */
  private static void read(PosixFileSystem fs, Map<String, Golden> files, List<String> lost) {
    read(fs, "", files, lost);
  }

  private static void read(
      PosixFileSystem fs, String directory, Map<String, Golden> files, List<String> lost) {
    byte[] path = directory.isEmpty() ? "/".getBytes(UTF_8) : directory.getBytes(UTF_8);
    for (byte[] one : fs.paths().names(path, Caller.ROOT)) {
      String name = directory + new String(one, UTF_8);
      Attr attr = fs.paths().lstat(name.getBytes(UTF_8), Caller.ROOT);
      if (attr.isDirectory()) {
        read(fs, name + "/", files, lost);
        files.put(name, new Golden(attr, new byte[0]));
      } else if (attr.isSymlink()) {
        files.put(name, new Golden(attr, fs.paths().readlink(name.getBytes(UTF_8), Caller.ROOT)));
      } else {
        readFile(fs, name, attr, files, lost);
      }
      for (byte[] xattr : fs.listxattr(attr.inode(), Caller.ROOT)) {
        files.put(
            name + "@" + new String(xattr, UTF_8),
            new Golden(attr, fs.getxattr(attr.inode(), xattr, Caller.ROOT)));
      }
    }
  }

  private static void readFile(
      PosixFileSystem fs, String name, Attr attr, Map<String, Golden> files, List<String> lost) {
    byte[] content = new byte[(int) attr.size()];
    try (FileHandle file =
        fs.open(attr.inode(), OpenFlags.O_RDONLY | OpenFlags.O_NOATIME, Caller.ROOT)) {
      int n =
          content.length == 0 ? 0 : file.read(0, MemorySegment.ofArray(content), 0, content.length);
      assertThat(n).isEqualTo(content.length);
      files.put(name, new Golden(attr, content));
    } catch (PoolException e) {
      assertThat(e.errno()).as(e.getMessage()).isEqualTo(Errno.EIO);
      lost.add(name);
    }
  }

  /** Compares what is there with what must be, but for what is lost. */
  private static void assertSame(Image image, PosixFileSystem fs, List<String> lost) {
    TreeMap<String, Golden> found = new TreeMap<>();
    read(fs, found, lost);
    TreeMap<String, Golden> expected = new TreeMap<>(image.files);
    expected.keySet().removeAll(lost);
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    for (Map.Entry<String, Golden> file : expected.entrySet()) {
      Golden is = Objects.requireNonNull(found.get(file.getKey()));
      assertThat(Arrays.equals(is.content, file.getValue().content))
          .as("content of " + file.getKey())
          .isTrue();
      assertThat(is.attr).isEqualTo(file.getValue().attr);
    }
    assertThat(lost.size()).isLessThanOrEqualTo(MOST_LOST);
  }

  /** One import of the image with noise at one place; whether anything was lost. */
  private int importWithNoise(Image image, long offset, byte[] noise, boolean writable) {
    MemoryDisk disk = new MemoryDisk(512, image.bytes);
    disk.overwrite(offset, noise);
    List<String> lost = new ArrayList<>();
    try (PoolEngine pool = writable ? world.open(disk) : world.openReadOnly(disk);
        PosixFileSystem fs = world.mount(pool)) {
      assertSame(image, fs, lost);
      if (writable) {
        write(fs, "new", 0, noise);
        fs.sync();
        assertThat(pool.status().health()).isEqualTo(Health.ONLINE);
      }
    }
    if (writable) {
      assertRepaired(image, disk, lost);
    }
    return lost.size();
  }

  /** After a writable import that read everything, labels are whole and metadata is. */
  private void assertRepaired(Image image, MemoryDisk disk, List<String> lost) {
    try (SlabAllocator slabs = new SlabAllocator(new SystemMemorySource(), 8 << 20, 0, false)) {
      assertThat(LabelIo.scanHere(disk, slabs).problems()).isEmpty();
    }
    try (PoolEngine pool = world.open(disk);
        PosixFileSystem fs = world.mount(pool)) {
      fs.paths().unlink("new".getBytes(UTF_8), Caller.ROOT);
      List<String> lostAgain = new ArrayList<>();
      TreeMap<String, Golden> found = new TreeMap<>();
      read(fs, found, lostAgain);
      assertThat(lostAgain).isEqualTo(lost);
      assertThat(pool.verify(p -> {}).findings())
          .allSatisfy(finding -> assertThat(finding.toString()).contains("no intact copy left"));
    }
    assertThat(image.files).isNotEmpty();
  }

  private void tryAll(Image image, List<long[]> places) {
    Random random = new Random(9);
    Geometry geometry = new Geometry(DISK_BYTES, 512);
    int lossy = 0;
    int count = 0;
    for (long[] place : places) {
      boolean writable = count++ % WRITABLE == 0;
      try {
        int lost = importWithNoise(image, place[0], noise(random, (int) place[1]), writable);
        if (place[0] < geometry.dataStart() || place[0] >= geometry.dataEnd()) {
          assertThat(lost).as("files lost by noise in labels").isZero();
        }
        lossy += lost > 0 ? 1 : 0;
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError(
            "noise of "
                + place[1]
                + " bytes at "
                + place[0]
                + (writable ? ", writable" : ", read-only"),
            e);
      }
    }
    if (ALL) {
      System.out.println("noise at " + count + " places, " + lossy + " lost file data");
    }
    assertThat(count).isGreaterThan(50);
    assertThat(lossy).isBetween(1, count - 1);
  }

  @ParameterizedTest
  @ValueSource(ints = {4096, 512})
  void noiseInAnyPageLosesAtMostFileDataOfThatPage(int sectorBytes) {
    Image image = image(sectorBytes);
    List<long[]> places = new ArrayList<>();
    for (int page = sectorBytes == PAGE ? 0 : 3; page < DISK_BYTES / PAGE; page++) {
      if (image.pages.get(page) && page % PART == 0) {
        places.add(new long[] {(long) page * PAGE, PAGE});
      }
    }
    tryAll(image, places);
  }

  @Test
  void noiseInAnySectorLosesAtMostFileDataOfThatSector() {
    Image image = image(512);
    List<long[]> places = new ArrayList<>();
    for (int sector = 0; sector < DISK_BYTES / 512; sector++) {
      if (image.pages.get(sector / 8) && sector % SECTOR_PART == 0) {
        places.add(new long[] {sector * 512L, 512});
      }
    }
    tryAll(image, places);
  }

  /** One life of the image with noise that cost several small files: all of them are replaced. */
  private void replaceWhatIsLost(Image image, long offset, byte[] noise, List<String> lost) {
    MemoryDisk disk = new MemoryDisk(512, image.bytes);
    disk.overwrite(offset, noise);
    TreeMap<String, byte[]> fresh = new TreeMap<>();
    Random random = new Random(offset);
    try (PoolEngine pool = world.open(disk);
        PosixFileSystem fs = world.mount(pool)) {
      for (int i = 0; i < lost.size(); i++) {
        String name = lost.get(i);
        if (i % 3 == 0) {
          fs.paths().unlink(name.getBytes(UTF_8), Caller.ROOT);
        } else {
          byte[] content = noise(random, 1 + random.nextInt(3000));
          fs.paths().setattr(name.getBytes(UTF_8), false, new SetAttr().size(0), Caller.ROOT);
          write(fs, name, 0, content);
          fresh.put(name, content);
        }
        fs.sync();
        List<String> stillLost = new ArrayList<>();
        TreeMap<String, Golden> found = new TreeMap<>();
        read(fs, found, stillLost);
        assertThat(stillLost).containsExactlyInAnyOrderElementsOf(lost.subList(i + 1, lost.size()));
      }
      world.assertFilesClean(pool);
    }
    try (PoolEngine pool = world.open(disk);
        PosixFileSystem fs = world.mount(pool)) {
      TreeMap<String, Golden> found = new TreeMap<>();
      List<String> none = new ArrayList<>();
      read(fs, found, none);
      assertThat(none).isEmpty();
      fresh.forEach(
          (name, content) ->
              assertThat(Objects.requireNonNull(found.get(name)).content)
                  .as(name)
                  .isEqualTo(content));
      world.assertFilesClean(pool);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4096, 512})
  void everySmallFileThatIsLostCanBeReplacedOneByOne(int sectorBytes) {
    Image image = image(sectorBytes);
    Random random = new Random(2);
    int tried = 0;
    for (int page = 300; page < DISK_BYTES / PAGE && tried < 3; page++) {
      byte[] noise = noise(random, PAGE);
      MemoryDisk disk = new MemoryDisk(512, image.bytes);
      disk.overwrite((long) page * PAGE, noise);
      List<String> lost = new ArrayList<>();
      if (image.pages.get(page)) {
        try (PoolEngine pool = world.openReadOnly(disk);
            PosixFileSystem fs = world.mount(pool)) {
          read(fs, new TreeMap<>(), lost);
        }
      }
      if (lost.size() > 3) {
        replaceWhatIsLost(image, (long) page * PAGE, noise, lost);
        tried++;
      }
    }
    assertThat(tried).isEqualTo(3);
  }

  @Test
  void noiseInAnyPartOfTheLabelsLosesNothingAndIsRepaired() {
    Image image = image(4096);
    Geometry geometry = new Geometry(DISK_BYTES, 512);
    Random random = new Random(3);
    List<long[]> places = new ArrayList<>();
    for (int label = 0; label < Geometry.LABELS; label++) {
      long start = geometry.labelOffset(label);
      long half = geometry.labelBytes() / 2;
      places.add(new long[] {start, geometry.labelBytes()});
      places.add(new long[] {geometry.configOffset(label), geometry.configBytes()});
      places.add(new long[] {start + half, half});
      places.add(new long[] {geometry.activityOffset(label), geometry.unitBytes()});
    }
    for (int slot = 0; slot < 2; slot++) {
      for (int copy = 0; copy < Geometry.LAYOUT_COPIES; copy++) {
        places.add(new long[] {geometry.layoutOffset(slot, copy), geometry.layoutSlotBytes()});
      }
    }
    for (long[] place : places) {
      for (boolean writable : new boolean[] {false, true}) {
        try {
          assertThat(importWithNoise(image, place[0], noise(random, (int) place[1]), writable))
              .isZero();
        } catch (RuntimeException | AssertionError e) {
          throw new AssertionError(
              "noise of "
                  + place[1]
                  + " bytes at "
                  + place[0]
                  + (writable ? ", writable" : ", read-only"),
              e);
        }
      }
    }
  }
}
