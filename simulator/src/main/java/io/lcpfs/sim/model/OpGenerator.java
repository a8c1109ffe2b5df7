package io.lcpfs.sim.model;

import io.lcpfs.sim.world.SimRandom;
import java.util.ArrayList;
import java.util.List;

/**
 * Draws operations from a seed: mostly ones that a program would make on the state of a model, some
 * that must be refused. It works in phases (many small files, large writes, attributes, deleting),
 * so that directories grow large and become empty again within one run.
 */
public final class OpGenerator {
  private static final int REFRESH_EVERY = 24;
  private static final String[] SHORT_NAMES = {
    "a", "b", "c", "data", "log", "tmp", "Readme", "x.tar", "ä", "日本", "🗂", ".hidden", "a b"
  };
  private static final String[] XATTR_NAMES = {
    "user.a", "user.mime_type", "user.note", "user.checksum.of.something.longer"
  };
  private static final long[] EDGES = {0, 1, 511, 512, 4095, 4096, 4097, 65_536, 131_072, 131_073};

  private static final long COPY_UNIT = 4096;
  private static final int MOST_COPY_UNITS = 32;

  private enum Phase {
    MIXED,
    NAMES,
    MANY_FILES,
    LONG_NAMES,
    CONTENT,
    LARGE_CONTENT,
    ATTRIBUTES,
    DELETE
  }

  private final SimRandom random;
  private final ReferenceFs model;
  private final String root;
  private final long contentBudgetBytes;
  private final int firstHandle;
  private final int handles;
  private List<String> all = new ArrayList<>();
  private List<String> files = new ArrayList<>();
  private List<String> directories = new ArrayList<>();
  private Phase phase = Phase.MIXED;
  private int left;
  private int sinceRefresh = REFRESH_EVERY;
  private int serial;
  private String crowded = "/";
  private String favourite = "/nothing";

  /**
   * @param model consulted, never changed
   * @param root directory of the model below which all paths are drawn; "" for the whole
   * @param contentBudgetBytes content above which mostly deletions are drawn
   * @param firstHandle the first file handle to use
   * @param handles number of file handles in use, 0 for none
   */
  public OpGenerator(
      SimRandom random,
      ReferenceFs model,
      String root,
      long contentBudgetBytes,
      int firstHandle,
      int handles) {
    this.random = random;
    this.model = model;
    this.root = root;
    this.contentBudgetBytes = contentBudgetBytes;
    this.firstHandle = firstHandle;
    this.handles = handles;
  }

  /** The next operation. */
  public Op next() {
    if (left-- <= 0) {
      newPhase();
    }
    if (++sinceRefresh > REFRESH_EVERY) {
      refresh();
    }
    return switch (phase) {
      case MIXED -> mixed();
      case NAMES -> names();
      case MANY_FILES -> random.chance(850) ? create(crowded + "/" + "file" + serial++) : content();
      case LONG_NAMES -> random.chance(850) ? create(crowded + "/" + longName()) : names();
      case CONTENT, LARGE_CONTENT -> random.chance(850) ? content() : names();
      case ATTRIBUTES -> random.chance(850) ? attributes() : look();
      case DELETE -> delete();
    };
  }

  private void newPhase() {
    left = random.between(10, 120);
    phase = model.storedBytes() > contentBudgetBytes ? Phase.DELETE : random.pick(Phase.values());
    if (phase == Phase.LONG_NAMES) {
      left *= 3;
    }
    refresh();
    crowded = directory();
    favourite = plainFile();
  }

  private void refresh() {
    sinceRefresh = 0;
    all = below(model.paths(null));
    files = below(model.paths(NodeKind.FILE));
    directories = below(model.paths(NodeKind.DIRECTORY));
    if (phase != Phase.DELETE && model.storedBytes() > contentBudgetBytes) {
      phase = Phase.DELETE;
      left = random.between(20, 60);
    }
  }

  private List<String> below(List<String> paths) {
    if (root.isEmpty()) {
      return paths;
    }
    return paths.stream().filter(p -> p.equals(root) || p.startsWith(root + "/")).toList();
  }

  private Op mixed() {
    int dice = random.nextInt(100);
    if (dice < 30) {
      return names();
    }
    if (dice < 65) {
      return content();
    }
    if (dice < 80) {
      return attributes();
    }
    return dice < 95 ? look() : delete();
  }

  private Op names() {
    int dice = random.nextInt(100);
    if (dice < 25) {
      return new Op.Mkdir(newPath(), mode());
    }
    if (dice < 55) {
      return create(newPath());
    }
    if (dice < 62) {
      return new Op.Symlink(
          newPath(),
          random.chance(30)
              ? ""
              : "../"
                  + random.pick(SHORT_NAMES)
                  + "/x".repeat(random.nextInt(random.chance(50) ? 400 : 20)));
    }
    if (dice < 67) {
      return special();
    }
    if (dice < 75) {
      return new Op.Link(anyPath(), newPath());
    }
    return rename();
  }

  private Op create(String path) {
    return new Op.Create(clean(path), mode());
  }

  private Op special() {
    NodeKind kind =
        random.pick(
            new NodeKind[] {
              NodeKind.FIFO, NodeKind.SOCKET, NodeKind.CHARACTER_DEVICE, NodeKind.BLOCK_DEVICE
            });
    return new Op.Mknod(
        newPath(), kind, mode(), random.between(1, 255) * 256L + random.nextInt(256));
  }

  private Op rename() {
    Op.RenameMode mode =
        random.chance(700)
            ? Op.RenameMode.REPLACE
            : random.pick(new Op.RenameMode[] {Op.RenameMode.NO_REPLACE, Op.RenameMode.EXCHANGE});
    String to = random.chance(500) ? newPath() : anyPath();
    return new Op.Rename(notRoot(anyPath()), notRoot(to), mode);
  }

  private Op content() {
    FileRef file = file();
    int dice = random.nextInt(100);
    if (dice < 50) {
      return new Op.Write(file, offset(), length(), random.nextLong());
    }
    if (dice < 75) {
      return new Op.Read(file, offset(), length());
    }
    if (dice < 83) {
      return new Op.Truncate(file, random.chance(20) ? -1 : offset());
    }
    if (dice < 90) {
      return new Op.PunchHole(file, offset(), length());
    }
    if (dice < 93) {
      return copyRange();
    }
    if (dice < 97 && handles > 0) {
      int handle = handle();
      return model.isOpen(handle) ? new Op.Close(handle) : new Op.Open(handle, plainFile());
    }
    return new Op.Fsync(file);
  }

  /** Mostly between places where records may begin. */
  private Op copyRange() {
    long unit = random.chance(800) ? COPY_UNIT : 1;
    return new Op.CopyRange(
        file(),
        random.nextInt(MOST_COPY_UNITS) * (random.nextBoolean() ? unit : 0),
        file(),
        random.nextInt(MOST_COPY_UNITS) * (random.nextBoolean() ? unit : 0),
        (int) (random.nextInt(MOST_COPY_UNITS) * COPY_UNIT) + random.nextInt((int) COPY_UNIT));
  }

  private Op attributes() {
    String path = anyPath();
    return switch (random.nextInt(7)) {
      case 0 -> new Op.Chmod(fileOrDirectory(), mode());
      case 1 -> new Op.Chown(path, random.nextInt(70_000), random.nextInt(70_000));
      case 2 ->
          new Op.SetTimes(
              path,
              random.nextLong(2_000_000_000L) * 1_000_000_000L,
              random.nextLong(4_000_000_000L) * 1_000_000_000L + random.nextInt(1_000_000_000));
      case 3 -> new Op.RemoveXattr(fileOrDirectory(), random.pick(XATTR_NAMES));
      case 4 -> new Op.GetXattr(fileOrDirectory(), random.pick(XATTR_NAMES));
      default ->
          new Op.SetXattr(
              fileOrDirectory(),
              random.pick(XATTR_NAMES),
              random.chance(100) ? random.between(500, 4_000) : random.nextInt(200),
              random.nextLong(),
              random.pick(Op.XattrMode.values()));
    };
  }

  private Op look() {
    return switch (random.nextInt(6)) {
      case 0 -> new Op.Readdir(random.chance(900) ? directory() : anyPath());
      case 1 -> new Op.Readlink(anyPath());
      case 2 -> new Op.ListXattr(fileOrDirectory());
      case 3 -> new Op.Read(file(), offset(), length());
      default -> new Op.Stat(random.chance(850) ? anyPath() : newPath());
    };
  }

  private Op delete() {
    int dice = random.nextInt(100);
    if (dice < 70) {
      return new Op.Unlink(notRoot(random.chance(900) ? plainFile() : anyPath()));
    }
    if (dice < 80) {
      return new Op.Truncate(new FileRef.ByPath(plainFile()), random.nextInt(5_000));
    }
    return new Op.Rmdir(notRoot(random.chance(800) ? directory() : anyPath()));
  }

  // ---- parts

  private int handle() {
    return firstHandle + random.nextInt(handles);
  }

  private int mode() {
    return random.nextInt(01000);
  }

  private String anyPath() {
    return all.isEmpty() || random.chance(20)
        ? root + "/nowhere"
        : all.get(random.nextInt(all.size()));
  }

  private String directory() {
    return directories.isEmpty()
        ? root + "/nodir"
        : directories.get(random.nextInt(directories.size()));
  }

  /** A file that is used more than others at the moment; it may be gone. */
  public String favourite() {
    return favourite;
  }

  private String plainFile() {
    if (random.chance(150)) {
      return favourite;
    }
    return files.isEmpty() || random.chance(20)
        ? root + "/missing"
        : files.get(random.nextInt(files.size()));
  }

  private String fileOrDirectory() {
    return random.nextBoolean() ? clean(directory()) : plainFile();
  }

  /** A file; now and then something else, which must be refused. */
  private FileRef file() {
    if (handles > 0 && random.chance(200)) {
      return new FileRef.ByHandle(handle());
    }
    return new FileRef.ByPath(random.chance(30) ? clean(directory()) : plainFile());
  }

  /** Usually free, sometimes taken, sometimes below something that is not a directory. */
  private String newPath() {
    String below = random.chance(30) ? plainFile() : directory();
    return clean(below + "/" + name());
  }

  private String name() {
    int dice = random.nextInt(100);
    if (dice < 60) {
      return random.pick(SHORT_NAMES) + (random.nextBoolean() ? "" : random.nextInt(30));
    }
    if (dice < 95) {
      return "n" + serial++;
    }
    return "long".repeat(random.between(10, random.chance(200) ? 70 : 63));
  }

  /** A few dozen of these fill a block of a directory. */
  private String longName() {
    return "n" + serial++ + "-".repeat(random.between(150, 240));
  }

  private String notRoot(String path) {
    String cleaned = clean(path);
    return cleaned.equals(root) || cleaned.equals("/") ? root + "/not-the-root" : cleaned;
  }

  private static String clean(String path) {
    String cleaned = path.replace("//", "/");
    return cleaned.length() > 1 && cleaned.endsWith("/")
        ? cleaned.substring(0, cleaned.length() - 1)
        : cleaned;
  }

  private long offset() {
    int dice = random.nextInt(100);
    if (dice < 40) {
      return 0;
    }
    if (dice < 60) {
      return EDGES[random.nextInt(EDGES.length)];
    }
    if (dice < 97) {
      return random.nextInt(phase == Phase.LARGE_CONTENT ? 600_000 : 20_000);
    }
    return random.nextLong(phase == Phase.LARGE_CONTENT ? 20_000_000L : 2_000_000L);
  }

  private int length() {
    int dice = random.nextInt(100);
    if (phase == Phase.LARGE_CONTENT && dice < 60) {
      return random.between(60_000, 300_000);
    }
    if (dice < 40) {
      return random.nextInt(600);
    }
    if (dice < 60) {
      return (int) EDGES[random.nextInt(EDGES.length)];
    }
    return random.nextInt(30_000);
  }
}
