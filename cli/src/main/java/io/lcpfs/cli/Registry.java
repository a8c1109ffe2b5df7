package io.lcpfs.cli;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32C;

/**
 * The imported pools, in the text file {@code pools} of the home directory: a line with the version
 * and the rest's checksum, then a line per pool with name, guid, mode and device paths, separated
 * by tabs. A change holds the lock file and replaces the file by renaming, so that readers see the
 * old or the new.
 */
final class Registry {
  private static final String HEADER = "lcpfs-pools 1 ";
  private static final String READ_ONLY = "ro";
  private static final String WRITABLE = "rw";
  private static final String CHECKPOINT = "checkpoint";
  private static final long MAX_BYTES = 16 << 20;

  /** Java's file locks are per process; threads of this one need their own. */
  private static final ReentrantLock IN_PROCESS = new ReentrantLock();

  /**
   * An imported pool.
   *
   * @param readOnly it was imported with readonly=on
   * @param atCheckpoint it is looked at as of its checkpoint, read-only
   * @param devices absolute paths
   */
  record Entry(String name, long guid, boolean readOnly, boolean atCheckpoint, List<Path> devices) {
    Entry {
      devices = List.copyOf(devices);
    }

    Entry(String name, long guid, boolean readOnly, List<Path> devices) {
      this(name, guid, readOnly, false, devices);
    }

    private String mode() {
      return atCheckpoint ? CHECKPOINT : readOnly ? READ_ONLY : WRITABLE;
    }
  }

  private final Path home;
  private final Path file;

  Registry(Path home) {
    this.home = home;
    this.file = home.resolve("pools");
  }

  /** Where the registry and what belongs to it are kept. */
  Path home() {
    return home;
  }

  /** All pools, sorted by name. */
  List<Entry> list() {
    String text;
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw damaged("is " + Files.size(file) + " bytes long");
      }
      text = Files.readString(file, StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (CharacterCodingException e) {
      throw damaged("is no text");
    } catch (IOException e) {
      throw new Failure(ExitCode.FAILED, Messages.of(e), e);
    }
    return parse(text);
  }

  Optional<Entry> find(String name) {
    return list().stream().filter(entry -> entry.name().equals(name)).findFirst();
  }

  /** Adds a pool, or replaces the one with its name or guid. */
  void put(Entry entry) {
    change(
        entries -> {
          List<Entry> next = new ArrayList<>(entries);
          next.removeIf(old -> old.name().equals(entry.name()) || old.guid() == entry.guid());
          next.add(entry);
          return next;
        });
  }

  /**
   * Adds a pool whose name must be free.
   *
   * @throws PoolException EEXIST
   */
  void add(Entry entry) {
    change(
        entries -> {
          for (Entry old : entries) {
            if (old.name().equals(entry.name())) {
              throw nameTaken(entry.name());
            }
          }
          List<Entry> next = new ArrayList<>(entries);
          next.add(entry);
          return next;
        });
  }

  /** What is thrown when a pool of this name is imported already. */
  static PoolException nameTaken(String name) {
    return PoolException.refused(
        Errno.EEXIST,
        name
            + ": a pool of this name is imported already; choose another name, or export that one"
            + " first");
  }

  /** Removes a pool; nothing happens when it is not there. */
  void remove(String name) {
    change(
        entries -> {
          List<Entry> next = new ArrayList<>(entries);
          next.removeIf(old -> old.name().equals(name));
          return next;
        });
  }

  private void change(UnaryOperator<List<Entry>> change) {
    IN_PROCESS.lock();
    try {
      Files.createDirectories(home);
      try (FileChannel lockFile =
              FileChannel.open(
                  home.resolve("pools.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          var lock = lockFile.lock()) {
        if (!lock.isValid()) {
          throw new AssertionError("lock of " + home);
        }
        List<Entry> next = new ArrayList<>(change.apply(list()));
        next.sort(Comparator.comparing(Entry::name));
        replace(print(next));
      }
    } catch (IOException e) {
      throw new Failure(ExitCode.FAILED, Messages.of(e), e);
    } finally {
      IN_PROCESS.unlock();
    }
  }

  private void replace(String text) throws IOException {
    Path next = home.resolve("pools.new");
    try (FileChannel channel =
        FileChannel.open(
            next,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      var bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    try (FileChannel directory = FileChannel.open(home, StandardOpenOption.READ)) {
      directory.force(true);
    }
  }

  static String print(List<Entry> entries) {
    StringBuilder body = new StringBuilder();
    for (Entry entry : entries) {
      body.append(entry.name())
          .append('\t')
          .append(Long.toUnsignedString(entry.guid()))
          .append('\t')
          .append(entry.mode());
      entry.devices().forEach(device -> body.append('\t').append(escape(device.toString())));
      body.append('\n');
    }
    return HEADER + checksum(body.toString()) + "\n" + body;
  }

  private static String checksum(String body) {
    CRC32C crc = new CRC32C();
    crc.update(body.getBytes(StandardCharsets.UTF_8));
    return Long.toHexString(crc.getValue());
  }

  private List<Entry> parse(String text) {
    int end = text.indexOf('\n');
    if (end < 0 || !text.startsWith(HEADER)) {
      throw damaged("does not begin with '" + HEADER.strip() + "'");
    }
    String body = text.substring(end + 1);
    if (!text.substring(HEADER.length(), end).equals(checksum(body))) {
      throw damaged("does not match its checksum");
    }
    List<Entry> entries = new ArrayList<>();
    int line = 1;
    for (String row : body.lines().toList()) {
      line++;
      String[] fields = row.split("\t", -1);
      if (fields.length < 4 || !List.of(READ_ONLY, WRITABLE, CHECKPOINT).contains(fields[2])) {
        throw damaged("has a wrong line " + line);
      }
      try {
        List<Path> devices = new ArrayList<>();
        for (int i = 3; i < fields.length; i++) {
          devices.add(Path.of(unescape(fields[i])));
        }
        entries.add(
            new Entry(
                fields[0],
                Long.parseUnsignedLong(fields[1]),
                !fields[2].equals(WRITABLE),
                fields[2].equals(CHECKPOINT),
                devices));
      } catch (IllegalArgumentException e) {
        throw damaged("has a wrong line " + line);
      }
    }
    return entries;
  }

  private Failure damaged(String how) {
    return Failure.failed(
        file.toString(),
        "the list of imported pools " + how,
        "remove the file and import the pools again with 'lcpfs pool import -d DIR'");
  }

  private static String escape(String text) {
    return text.replace("%", "%25").replace("\t", "%09").replace("\n", "%0A").replace("\r", "%0D");
  }

  private static String unescape(String text) {
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%09", "\t").replace("%25", "%");
  }
}
