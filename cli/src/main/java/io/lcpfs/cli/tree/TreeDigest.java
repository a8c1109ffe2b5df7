package io.lcpfs.cli.tree;

import io.lcpfs.error.PoolException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What a tree holds, entry by entry: a line with type, permissions, time of change, and of a file
 * its size and SHA-256, of a link its target. Two trees are the same when their lines are.
 */
public final class TreeDigest {
  private static final int BUFFER_BYTES = 1 << 20;
  private static final int MOST_OPEN = 64;

  private final Semaphore room = new Semaphore(MOST_OPEN);
  private final SortedMap<String, String> entries = new ConcurrentSkipListMap<>();
  private final AtomicLong files = new AtomicLong();
  private final AtomicLong directories = new AtomicLong();
  private final AtomicLong links = new AtomicLong();
  private final AtomicLong others = new AtomicLong();
  private final AtomicLong bytes = new AtomicLong();
  private final ThreadLocal<MemorySegment> buffers =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(BUFFER_BYTES, 4096));

  private TreeDigest() {}

  /**
   * Reads all of {@code root}.
   *
   * @param workers files that are read side by side
   * @throws PoolException what could not be read
   */
  public static TreeDigest of(TreeDirectory root, int workers) {
    TreeDigest digest = new TreeDigest();
    ExecutorService pool =
        Executors.newFixedThreadPool(
            workers, Thread.ofPlatform().daemon().name("digest-", 0).factory());
    List<Future<?>> jobs = new ArrayList<>();
    try {
      digest.walk(root, "", pool, jobs);
      for (Future<?> job : jobs) {
        job.get();
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof PoolException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      pool.shutdownNow();
    }
    return digest;
  }

  /** Lines by path; a path's characters are its bytes. */
  public SortedMap<String, String> entries() {
    return entries;
  }

  public long files() {
    return files.get();
  }

  public long directories() {
    return directories.get();
  }

  public long links() {
    return links.get();
  }

  /** Sockets, fifos and device nodes, which are not compared. */
  public long others() {
    return others.get();
  }

  /** Bytes of content. */
  public long bytes() {
    return bytes.get();
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static String common(char type, Attributes attributes) {
    return String.format(
        Locale.ROOT,
        "%c %04o %d.%09d",
        type,
        attributes.permissions() & ~Attributes.SET_ID_BITS,
        attributes.mtimeSeconds(),
        attributes.mtimeNanos());
  }

  private void walk(
      TreeDirectory directory, String path, ExecutorService pool, List<Future<?>> jobs) {
    for (byte[] name : directory.names()) {
      Attributes attributes = directory.stat(name);
      if (attributes == null) {
        continue;
      }
      String key = path + text(name);
      if (attributes.isDirectory()) {
        directories.incrementAndGet();
        entries.put(key, common('d', attributes));
        try (TreeDirectory below = directory.directory(name)) {
          walk(below, key + "/", pool, jobs);
        }
      } else if (attributes.isRegular()) {
        room.acquireUninterruptibly();
        jobs.add(submit(directory, name, key, pool));
      } else if (attributes.isSymlink()) {
        links.incrementAndGet();
        // The time of a link is kept too, but not every host can set it.
        entries.put(key, "l " + text(directory.readLink(name)));
      } else {
        others.incrementAndGet();
      }
    }
  }

  /** Opens the file now, while its directory is open; the room bounds how many are. */
  private Future<?> submit(TreeDirectory directory, byte[] name, String key, ExecutorService pool) {
    TreeFile file;
    try {
      file = directory.open(name);
    } catch (RuntimeException | Error e) {
      room.release();
      throw e;
    }
    return pool.submit(
        () -> {
          try {
            read(file, key);
          } finally {
            room.release();
          }
        });
  }

  private void read(TreeFile file, String key) {
    try (file) {
      Attributes attributes = file.attributes();
      MessageDigest digest = sha256();
      MemorySegment buffer = buffers.get();
      byte[] heap = new byte[(int) Math.min(BUFFER_BYTES, Math.max(1, attributes.size()))];
      long at = 0;
      while (true) {
        int n = file.read(at, buffer, heap.length);
        if (n == 0) {
          break;
        }
        MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, heap, 0, n);
        digest.update(heap, 0, n);
        at += n;
      }
      files.incrementAndGet();
      bytes.addAndGet(at);
      entries.put(
          key,
          common('f', attributes) + " " + at + " " + HexFormat.of().formatHex(digest.digest()));
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }
}
