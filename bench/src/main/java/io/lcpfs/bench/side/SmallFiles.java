package io.lcpfs.bench.side;

import io.lcpfs.posix.AttrBuffer;
import io.lcpfs.posix.OpenFlags;
import io.lcpfs.posix.PathCalls;
import io.lcpfs.posix.PosixFileSystem;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Locale;

/** Many files of 1 KiB in one directory: made, looked at, listed. */
final class SmallFiles {
  private static final int FILE_BYTES = 1024;
  private static final int MODE = 0x1A4;
  private static final String STANDING = "small";

  private final World world;
  private final byte[][] names;
  private final String[] textNames;
  private boolean standing;

  private SmallFiles(World world) {
    this.world = world;
    names = new byte[world.smallFiles][];
    textNames = new String[world.smallFiles];
    for (int i = 0; i < names.length; i++) {
      textNames[i] = String.format(Locale.ROOT, "file%06d", i);
      names[i] = textNames[i].getBytes(StandardCharsets.UTF_8);
    }
  }

  static List<Row> rows(World world) {
    SmallFiles files = new SmallFiles(world);
    return List.of(files.new Create(), files.new Stat(), files.new Entries());
  }

  private void makeHost(Path directory) throws Exception {
    Files.createDirectory(directory);
    var content = world.source.asByteBuffer();
    for (int i = 0; i < names.length; i++) {
      int from = (int) world.sourceOffset((long) i * FILE_BYTES);
      content.limit(from + FILE_BYTES).position(from);
      try (FileChannel channel =
          FileChannel.open(
              directory.resolve(textNames[i]),
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.WRITE)) {
        if (channel.write(content) != FILE_BYTES) {
          throw new IllegalStateException("short write");
        }
      }
    }
    HostSystem.sync(directory);
  }

  private void makeLcpfs(String directory) {
    PosixFileSystem files = world.pool().files();
    long inode = files.paths().mkdir(PathCalls.path(directory), 0x1ED, LcpfsPool.ROOT).inode();
    int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_EXCL;
    for (int i = 0; i < names.length; i++) {
      try (var handle = files.create(inode, names[i], MODE, flags, LcpfsPool.ROOT).handle()) {
        world.writeFully(handle, world.sourceOffset((long) i * FILE_BYTES), FILE_BYTES, 0);
      }
    }
    files.sync();
  }

  private void prepareStanding() throws Exception {
    if (!standing) {
      standing = true;
      makeHost(world.hostFile(STANDING));
      makeLcpfs(STANDING);
    }
  }

  /**
   * Created, written and closed one by one; then all synced. Each round makes a new directory and
   * leaves the old ones alone: ext4 is slow to reuse the inodes of files just deleted, which is not
   * what this row is about.
   */
  private final class Create extends Row {
    private int made;

    Create() {
      super("create", "create and write 1 KiB files, final sync", "files/s", 4.0, 60_000);
    }

    @Override
    void prepare() {}

    @Override
    Sample host(long seed) throws Exception {
      Path directory = world.hostFile("created" + made++);
      world.settle();
      Meter meter = Meter.start();
      makeHost(directory);
      return meter.stop(names.length, names.length);
    }

    @Override
    Sample lcpfs(long seed) throws Exception {
      String directory = "created" + made++;
      world.settle();
      Meter meter = Meter.start();
      makeLcpfs(directory);
      return meter.stop(names.length, names.length);
    }
  }

  /** The attributes of files by path, in random order. */
  private final class Stat extends Row {
    private static final int PASSES = 10;

    Stat() {
      super("stat", "attributes by path, cached", "calls/s", 1.5, 838_000 * 1.5);
    }

    @Override
    void prepare() throws Exception {
      prepareStanding();
    }

    @Override
    Sample host(long seed) throws Exception {
      Path directory = world.hostFile(STANDING);
      Path[] paths = new Path[names.length];
      for (int i = 0; i < paths.length; i++) {
        paths[i] = directory.resolve(textNames[i]);
      }
      statHost(paths, seed, 1);
      world.settle();
      Meter meter = Meter.start();
      statHost(paths, seed, PASSES);
      return meter.stop((double) paths.length * PASSES, (long) paths.length * PASSES);
    }

    private void statHost(Path[] paths, long seed, int passes) throws Exception {
      long random = World.step(seed);
      for (int i = 0; i < passes * paths.length; i++) {
        random = World.step(random);
        int index = passes == 1 ? i : (int) World.page(random, paths.length);
        if (Files.readAttributes(paths[index], BasicFileAttributes.class).size() != FILE_BYTES) {
          throw new IllegalStateException("wrong size of " + paths[index]);
        }
      }
    }

    @Override
    Sample lcpfs(long seed) throws Exception {
      byte[][] paths = new byte[names.length][];
      for (int i = 0; i < paths.length; i++) {
        paths[i] = PathCalls.path("/" + STANDING + "/" + textNames[i]);
      }
      statLcpfs(paths, seed, 1);
      world.settle();
      Meter meter = Meter.start();
      statLcpfs(paths, seed, PASSES);
      return meter.stop((double) paths.length * PASSES, (long) paths.length * PASSES);
    }

    private void statLcpfs(byte[][] paths, long seed, int passes) {
      PathCalls calls = world.pool().files().paths();
      AttrBuffer attributes = new AttrBuffer();
      long random = World.step(seed);
      for (int i = 0; i < passes * paths.length; i++) {
        random = World.step(random);
        int index = passes == 1 ? i : (int) World.page(random, paths.length);
        calls.stat(paths[index], true, LcpfsPool.ROOT, attributes);
        if (attributes.size != FILE_BYTES) {
          throw new IllegalStateException("wrong size of file " + index);
        }
      }
    }
  }

  /** The directory listed from beginning to end. */
  private final class Entries extends Row {
    private static final int PASSES = 20;

    Entries() {
      super("entries", "directory entries listed, cached", "entries/s", 1.0, 0);
    }

    @Override
    void prepare() throws Exception {
      prepareStanding();
    }

    @Override
    Sample host(long seed) throws Exception {
      Path directory = world.hostFile(STANDING);
      listHost(directory, 1);
      world.settle();
      Meter meter = Meter.start();
      listHost(directory, PASSES);
      return meter.stop((double) names.length * PASSES, (long) names.length * PASSES);
    }

    private void listHost(Path directory, int passes) throws Exception {
      for (int pass = 0; pass < passes; pass++) {
        int count = 0;
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
          for (Path entry : entries) {
            count += entry.getFileName() == null ? 0 : 1;
          }
        }
        check(count);
      }
    }

    @Override
    Sample lcpfs(long seed) throws Exception {
      byte[] directory = PathCalls.path(STANDING);
      listLcpfs(directory, 1);
      world.settle();
      Meter meter = Meter.start();
      listLcpfs(directory, PASSES);
      return meter.stop((double) names.length * PASSES, (long) names.length * PASSES);
    }

    private void listLcpfs(byte[] directory, int passes) {
      for (int pass = 0; pass < passes; pass++) {
        check(world.pool().files().paths().names(directory, LcpfsPool.ROOT).size());
      }
    }

    private void check(int count) {
      if (count != names.length) {
        throw new IllegalStateException(count + " entries instead of " + names.length);
      }
    }
  }
}
