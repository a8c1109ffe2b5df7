package io.lcpfs.fuzz;

import static io.lcpfs.posix.PathCalls.path;

import io.lcpfs.api.Pool;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.Tuning;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.Mode;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * An exported pool of 16 MiB with something of everything that the disk format has: small data in
 * tails and in pointers, trees of several levels, holes, a large directory, links, special files,
 * extended attributes inline and outside, nested datasets, history. The same in every run, but for
 * where a few blocks lie.
 */
final class SoundImage {
  static final int BYTES = 16 << 20;
  static final String LOOT = "/loot";

  private static final Caller ROOT = Caller.ROOT;
  private static final int MANY_NAMES = 600;

  private static SoundImage shared;

  private final byte[] bytes = new byte[BYTES];

  /** Inode numbers of the root dataset by path. */
  final Map<String, Long> inodes = new TreeMap<>();

  private SoundImage() {
    try (SeededEnv env = new SeededEnv()) {
      CreateOptions options =
          CreateOptions.named("tank")
              .withSmallDevices(true)
              .withTuning(tuning())
              .withRootProperties(Map.of("recordsize", "4096", "compression", "off"));
      try (Pool pool = Pool.create(List.of(new ImageDevice(bytes)), options, env)) {
        fill(pool);
        pool.export();
      }
    }
  }

  /** Memory for one run: small, so that a lie about sizes is found out. */
  static Tuning tuning() {
    return Tuning.standard().withCacheBytes(48L << 20).withDirtyBytes(8L << 20).withPoison(true);
  }

  /** The image, made once a JVM. */
  static synchronized SoundImage get() {
    if (shared == null) {
      shared = new SoundImage();
    }
    return shared;
  }

  /** A copy of its bytes. */
  byte[] copy() {
    return bytes.clone();
  }

  private void fill(Pool pool) {
    PosixFileSystem fs = pool.dataset("tank").fileSystem();
    PathCalls paths = fs.paths();
    paths.mkdir(path("/d1"), 0755, ROOT);
    paths.mkdir(path("/d1/d2"), 0755, ROOT);
    paths.mkdir(path("/d1/d2/d3"), 0700, ROOT);
    paths.mkdir(path("/other"), 0755, ROOT);
    for (int i = 0; i < 6; i++) {
      write(fs, "/d1/tail" + i, noise(i, 100 + i * 300), 0);
    }
    write(fs, "/one", noise(20, 4096), 0);
    write(fs, "/tall", noise(21, 290 * 4096), 0);
    write(fs, "/sparse", noise(22, 5000), 3L << 40);
    write(fs, "/zeros", new byte[40_000], 0);
    paths.symlink(path("d1/d2"), path("/short-link"), ROOT);
    paths.symlink(path("x/".repeat(600)), path("/long-link"), ROOT);
    paths.symlink(path("loop"), path("/loop"), ROOT);
    paths.mknod(path("/fifo"), Mode.FIFO | 0600, 0, ROOT);
    paths.setxattr(path("/one"), true, path("user.inline"), noise(30, 40), 0, ROOT);
    paths.setxattr(path("/tall"), true, path("user.outside"), noise(31, 3000), 0, ROOT);
    paths.setxattr(path("/d1"), true, path("user.large"), noise(32, 60_000), 0, ROOT);
    paths.mkdir(path("/many"), 0755, ROOT);
    for (int i = 0; i < MANY_NAMES; i++) {
      paths.link(path("/d1/tail0"), path("/many/name-of-some-length-" + i), ROOT);
    }
    for (String name :
        List.of(
            "/",
            "/d1",
            "/d1/d2",
            "/d1/d2/d3",
            "/other",
            "/d1/tail0",
            "/d1/tail1",
            "/d1/tail2",
            "/one",
            "/tall",
            "/sparse",
            "/zeros",
            "/short-link",
            "/long-link",
            "/fifo",
            "/many")) {
      inodes.put(name, paths.resolve(path(name), false, ROOT));
    }
    pool.createDataset("tank/a/b", Map.of("compression", "zstd"), true);
    pool.createDataset("tank/a/c", Map.of("checksum", "sha256", "user:note", "hello"), false);
    write(
        pool.dataset("tank/a/b").fileSystem(),
        "/packed",
        "abcdef".repeat(20_000).getBytes(java.nio.charset.StandardCharsets.US_ASCII),
        0);
    for (int i = 1; i <= 3; i++) {
      pool.createSnapshots("tank/a@s" + i, true);
      write(pool.dataset("tank/a").fileSystem(), "/changed", noise(60 + i, 30_000), 0);
      write(pool.dataset("tank/a/b").fileSystem(), "/packed", noise(70 + i, 9_000), i * 9_000L);
      pool.sync();
    }
    PosixFileSystem clone = pool.snapshot("tank/a@s2").cloneTo("tank/a/d", Map.of()).fileSystem();
    write(clone, "/changed", noise(90, 14_000), 5_000);
    pool.createSnapshots("tank/a/d@own", false);
    write(clone, "/changed", noise(91, 9_000), 20_000);
    pool.snapshot("tank/a/b@s2").hold("keep");
    pool.snapshot("tank/a/b@s2").hold("another");
    pool.snapshot("tank/a/b@s2").destroyLater();
    pool.dataset("tank/a/b").createBookmark(pool.snapshot("tank/a/b@s1"), "mark");
    reflink(fs, "/tall", fs, "/clone");
    reflink(fs, "/tall", pool.dataset("tank/a").fileSystem(), "/clone");
    pool.dataset("tank").setProperty("recordsize", "131072");
    write(fs, LOOT, noise(40, 12 * 131_072), 0);
    inodes.put(LOOT, paths.resolve(path(LOOT), false, ROOT));
    pool.addHistory("root", "lcpfs pool create tank");
    pool.addHistory("somebody", "lcpfs fs create tank/a/b");
    pool.sync();
  }

  private static void reflink(PosixFileSystem from, String name, PosixFileSystem to, String copy) {
    try (FileHandle in = from.paths().open(path(name), OpenFlags.O_RDONLY, 0, ROOT);
        FileHandle out =
            to.paths().open(path(copy), OpenFlags.O_CREAT | OpenFlags.O_RDWR, 0644, ROOT)) {
      out.copyFrom(in, 0, 0, in.size());
    }
  }

  static byte[] noise(int seed, int length) {
    byte[] content = new byte[length];
    new Random(seed).nextBytes(content);
    return content;
  }

  static void write(PosixFileSystem fs, String name, byte[] content, long offset) {
    try (FileHandle file =
        fs.paths().open(path(name), OpenFlags.O_CREAT | OpenFlags.O_RDWR, 0644, ROOT)) {
      for (int at = 0; at < content.length; ) {
        at += file.write(offset + at, MemorySegment.ofArray(content), at, content.length - at);
      }
    }
  }
}
