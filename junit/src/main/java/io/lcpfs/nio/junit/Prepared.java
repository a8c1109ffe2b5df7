package io.lcpfs.nio.junit;

import io.lcpfs.api.Snapshot;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.nio.file.FileSystem;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Files that were made once, for tests to get clones of. Closed with the store that it is in. */
@SuppressWarnings("deprecation") // JUnit 5.10 closes nothing else
final class Prepared implements ExtensionContext.Store.CloseableResource, AutoCloseable {
  private final TestPool pool;
  private final Snapshot files;

  /**
   * What they are kept by.
   *
   * @param by a {@link Preparation}, or a class of such
   */
  record Key(Object by, TestPool.Settings settings) {}

  Prepared(Key key) {
    pool = new TestPool(key.settings());
    try {
      try (FileSystem fs = pool.first()) {
        preparation(key.by()).prepare(fs.getPath("/"));
      }
      files = pool.keep();
    } catch (Exception e) {
      throw abandoned(new IllegalStateException(key.by() + " could not prepare the files", e));
    } catch (Error e) {
      throw abandoned(e);
    }
  }

  private <T extends Throwable> T abandoned(T cause) {
    try {
      pool.close(null);
    } catch (IOException | RuntimeException e) {
      cause.addSuppressed(e);
    }
    return cause;
  }

  private static Preparation preparation(Object by) throws ReflectiveOperationException {
    if (by instanceof Preparation given) {
      return given;
    }
    Constructor<?> maker = ((Class<?>) by).getDeclaredConstructor();
    maker.setAccessible(true);
    return (Preparation) maker.newInstance();
  }

  TestPool.Clone newClone() {
    return pool.new Clone(files);
  }

  @Override
  public void close() throws IOException {
    pool.close(null);
  }
}
