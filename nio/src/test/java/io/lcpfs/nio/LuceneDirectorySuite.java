package io.lcpfs.nio;

import com.carrotsearch.randomizedtesting.ThreadFilter;
import com.carrotsearch.randomizedtesting.annotations.ThreadLeakFilters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.NIOFSDirectory;
import org.apache.lucene.tests.store.BaseDirectoryTestCase;
import org.junit.AfterClass;
import org.junit.BeforeClass;

/** Lucene's own suite for directories, over paths of this provider; LuceneTest runs it. */
@ThreadLeakFilters(
    defaultFilters = true,
    filters = {LuceneDirectorySuite.EngineThreads.class})
public class LuceneDirectorySuite extends BaseDirectoryTestCase {
  private static TestPool pool;

  /** The pool's threads come with load and stay for the next. */
  public static final class EngineThreads implements ThreadFilter {
    @Override
    public boolean reject(Thread thread) {
      return thread.getName().startsWith("lcpfs-");
    }
  }

  @BeforeClass
  public static void makePool() {
    pool = TestPool.create(256L << 20);
  }

  @AfterClass
  public static void closePool() throws IOException {
    pool.close();
  }

  /** The directory in the pool that stands for one of the host. */
  static Path there(Path host) throws IOException {
    return Files.createDirectories(pool.path("/lucene" + host.toAbsolutePath()));
  }

  @Override
  protected Directory getDirectory(Path path) throws IOException {
    return new NIOFSDirectory(there(path));
  }

  /** The original deletes behind the directory's back on the default file system. */
  @Override
  public void testPendingDeletions() throws IOException {
    Path path = there(createTempDir("pending"));
    try (Directory directory = new NIOFSDirectory(path)) {
      directory.createOutput("a", newIOContext(random())).close();
      directory.deleteFile("a");
      assertEquals(0, directory.getPendingDeletions().size());
      assertEquals(0, directory.listAll().length);
      assertFalse(Files.exists(path.resolve("a")));
    }
  }

  /** The original looks at the default file system. */
  @Override
  public void testFsyncDoesntCreateNewFiles() throws Exception {
    Path path = there(createTempDir("nocreate"));
    try (Directory directory = new NIOFSDirectory(path)) {
      try (var out = directory.createOutput("afile", newIOContext(random()))) {
        out.writeInt(100);
      }
      Files.delete(path.resolve("afile"));
      expectThrows(IOException.class, () -> directory.sync(java.util.List.of("afile")));
      try (var names = Files.list(path)) {
        assertEquals(0, names.count());
      }
    }
  }
}
