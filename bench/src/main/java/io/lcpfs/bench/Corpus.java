package io.lcpfs.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Data of the kinds that a file system holds, equally much of each: C headers, Python source,
 * shared objects and a jar from this machine; a JSON log, database rows and random bytes made from
 * a fixed seed. A kind that this machine has no files of is left out and named in {@link #missing}.
 */
public final class Corpus {
  private static final long SEED = 20261101;

  private final Map<String, byte[]> kinds = new LinkedHashMap<>();
  private final List<String> missing = new ArrayList<>();

  /** Reads or makes {@code bytesEach} of every kind. */
  public Corpus(int bytesEach) {
    addFiles("C headers", Path.of("/usr/include"), name -> name.endsWith(".h"), bytesEach);
    addFiles("Python source", Path.of("/usr/lib/python3"), Corpus::isPython, bytesEach);
    addFiles("shared objects", Path.of("/usr/lib"), Corpus::isSharedObject, bytesEach);
    addFiles("jar", Path.of(System.getProperty("java.home")), Corpus::isArchive, bytesEach);
    kinds.put("JSON log", jsonLog(bytesEach));
    kinds.put("database rows", databaseRows(bytesEach));
    kinds.put("random", random(bytesEach));
  }

  /** The kinds by name, in a fixed order. */
  public Map<String, byte[]> kinds() {
    return kinds;
  }

  public List<String> missing() {
    return missing;
  }

  /**
   * All kinds cut into records of {@code recordBytes}; the last, shorter piece of a kind is not
   * used.
   */
  public List<byte[]> records(int recordBytes) {
    List<byte[]> records = new ArrayList<>();
    for (byte[] kind : kinds.values()) {
      for (int at = 0; at + recordBytes <= kind.length; at += recordBytes) {
        byte[] record = new byte[recordBytes];
        System.arraycopy(kind, at, record, 0, recordBytes);
        records.add(record);
      }
    }
    return records;
  }

  private static boolean isPython(String name) {
    return name.endsWith(".py");
  }

  private static boolean isSharedObject(String name) {
    return name.endsWith(".so") || name.contains(".so.");
  }

  private static boolean isArchive(String name) {
    return name.endsWith(".jar") || name.endsWith(".jmod") || name.equals("src.zip");
  }

  private void addFiles(String kind, Path folder, Predicate<String> wanted, int bytes) {
    ByteArrayOutputStream content = new ByteArrayOutputStream(bytes);
    if (Files.isDirectory(folder)) {
      try (Stream<Path> walk = Files.walk(folder)) {
        List<Path> files =
            walk.filter(file -> wanted.test(String.valueOf(file.getFileName())))
                .filter(Files::isRegularFile)
                .filter(Files::isReadable)
                .sorted()
                .toList();
        for (Path file : files) {
          if (content.size() >= bytes) {
            break;
          }
          byte[] all = Files.readAllBytes(file);
          content.write(all, 0, Math.min(all.length, bytes - content.size()));
        }
      } catch (IOException unreadable) {
        throw new UncheckedIOException(folder.toString(), unreadable);
      }
    }
    if (content.size() < bytes) {
      missing.add(kind);
    }
    if (content.size() > 0) {
      kinds.put(kind, content.toByteArray());
    }
  }

  private static byte[] jsonLog(int bytes) {
    String[] paths = {"/", "/login", "/api/v1/items", "/api/v1/orders", "/static/app.js"};
    String[] levels = {"INFO", "INFO", "INFO", "WARN", "ERROR"};
    SplittableRandom random = new SplittableRandom(SEED);
    StringBuilder log = new StringBuilder(bytes + 256);
    long time = 1_790_000_000_000L;
    while (log.length() < bytes) {
      time += random.nextInt(200);
      log.append("{\"time\":").append(time);
      log.append(",\"level\":\"").append(levels[random.nextInt(levels.length)]);
      log.append("\",\"host\":\"web-").append(random.nextInt(12));
      log.append("\",\"path\":\"").append(paths[random.nextInt(paths.length)]);
      log.append("\",\"status\":").append(random.nextInt(10) == 0 ? 404 : 200);
      log.append(",\"bytes\":").append(random.nextInt(50_000));
      log.append(",\"trace\":\"").append(Long.toHexString(random.nextLong())).append("\"}\n");
    }
    return log.substring(0, bytes).getBytes(StandardCharsets.US_ASCII);
  }

  /** Fixed-length rows: a key that counts up, a few columns of narrow range, a name, a balance. */
  private static byte[] databaseRows(int bytes) {
    String[] names = {"Ada", "Barbara", "Claude", "Donald", "Edsger", "Frances", "Grace", "Ken"};
    SplittableRandom random = new SplittableRandom(SEED + 1);
    ByteBuffer rows = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int row = 64;
    for (long key = 1; rows.remaining() >= row; key++) {
      int start = rows.position();
      rows.putLong(key);
      rows.putInt(random.nextInt(500));
      rows.putShort((short) random.nextInt(12));
      rows.putLong(1_790_000_000L + key * 3 + random.nextInt(3));
      rows.putDouble(random.nextInt(1_000_000) / 100.0);
      String name = names[random.nextInt(names.length)] + "-" + random.nextInt(10_000);
      rows.put(name.getBytes(StandardCharsets.US_ASCII));
      rows.position(start + row);
    }
    return rows.array();
  }

  private static byte[] random(int bytes) {
    byte[] data = new byte[bytes];
    new SplittableRandom(SEED + 2).nextBytes(data);
    return data;
  }
}
