package io.lcpfs.nio.junit;

import java.io.IOException;
import java.lang.reflect.AnnotatedElement;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives each test a file system of its own, on a pool in memory that is made when a parameter first
 * asks for it and is gone after the test.
 *
 * <pre>{@code
 * @ExtendWith(LcpfsExtension.class)
 * class MyTest {
 *   @Test
 *   void somethingIsStored(@InLcpfs Path root) throws IOException {
 *     Files.writeString(root.resolve("a"), "text");
 *   }
 * }
 * }</pre>
 *
 * <p>With {@code @RegisterExtension} it takes options: {@code new
 * LcpfsExtension().withBytes(256 << 20).withProperty("compression", "zstd")}.
 *
 * <p>Tests that begin with many files get them in constant time: {@link PreparedBy}, or {@link
 * #withPrepared}, makes them once for all tests of a top-level class and those nested in it, in a
 * pool that these share, and each test, each repetition, each set of parameters gets a clone, which
 * is destroyed after it. Tests may run in parallel. The room is that of one pool for all of them.
 */
public final class LcpfsExtension implements ParameterResolver, AfterEachCallback {
  private static final Namespace NAMESPACE = Namespace.create(LcpfsExtension.class);
  private static final String KEY = "own";
  private static final long USUAL_BYTES = 64L << 20;

  private final TestPool.Settings settings;
  private final @Nullable Preparation preparation;

  /** A pool of 64 MiB for each test, as user 0, without verification. */
  public LcpfsExtension() {
    this(new TestPool.Settings(USUAL_BYTES, Map.of(), Map.of(), false), null);
  }

  private LcpfsExtension(TestPool.Settings settings, @Nullable Preparation preparation) {
    this.settings = settings;
    this.preparation = preparation;
  }

  private LcpfsExtension with(
      long bytes, Map<String, Object> options, Map<String, String> properties, boolean verified) {
    return new LcpfsExtension(
        new TestPool.Settings(bytes, options, properties, verified), preparation);
  }

  /** The same with pools of {@code size} bytes of memory, at least 64 MiB. */
  public LcpfsExtension withBytes(long size) {
    return with(size, settings.options(), settings.properties(), settings.verified());
  }

  /** The same with an option of the view: uid, gid, groups, umask or readOnly, see docs/NIO.md. */
  public LcpfsExtension withOption(String key, Object value) {
    Map<String, Object> more = new HashMap<>(settings.options());
    more.put(key, value);
    return with(settings.bytes(), Map.copyOf(more), settings.properties(), settings.verified());
  }

  /** The same with a property of the dataset, for example compression=zstd. */
  public LcpfsExtension withProperty(String name, String value) {
    Map<String, String> more = new HashMap<>(settings.properties());
    more.put(name, value);
    return with(settings.bytes(), settings.options(), Map.copyOf(more), settings.verified());
  }

  /**
   * The same, but each pool is verified after its test, which fails when that finds something; one
   * with {@linkplain PreparedBy prepared} files after the tests that share it.
   */
  public LcpfsExtension withVerify() {
    return with(settings.bytes(), settings.options(), settings.properties(), true);
  }

  /**
   * The same, but each test begins with a clone of what {@code made} makes once, unless {@link
   * PreparedBy} says otherwise. For a static field: an extension of each instance prepares for each
   * instance.
   */
  public LcpfsExtension withPrepared(Preparation made) {
    return new LcpfsExtension(settings, made);
  }

  /** What a test has. */
  private interface Own {
    FileSystem fs();

    void close() throws IOException;
  }

  /** A pool of its own. */
  private record OwnPool(TestPool pool, FileSystem fs) implements Own {
    static OwnPool make(TestPool.Settings settings) {
      TestPool pool = new TestPool(settings);
      return new OwnPool(pool, pool.first());
    }

    @Override
    public void close() throws IOException {
      pool.close(fs);
    }
  }

  /** A clone in a pool that others have clones in, too. */
  private record OwnClone(TestPool.Clone made) implements Own {
    @Override
    public FileSystem fs() {
      return made.fs;
    }

    @Override
    public void close() throws IOException {
      made.close();
    }
  }

  private Own make(ExtensionContext context) {
    Object by = preparationOf(context);
    if (by == null) {
      return OwnPool.make(settings);
    }
    ExtensionContext top = context;
    for (ExtensionContext at = context; at != null; at = at.getParent().orElse(null)) {
      top = at.getTestClass().isPresent() ? at : top;
    }
    Prepared files = prepared(top.getStore(NAMESPACE), new Prepared.Key(by, settings));
    return new OwnClone(files.newClone());
  }

  @SuppressWarnings("deprecation") // JUnit 5.10 has nothing else
  private static Prepared prepared(ExtensionContext.Store store, Prepared.Key key) {
    return Objects.requireNonNull(
        store.getOrComputeIfAbsent(key, made -> new Prepared(made), Prepared.class));
  }

  /** A class of preparations, or one, or null: the nearest. */
  private @Nullable Object preparationOf(ExtensionContext context) {
    for (ExtensionContext at = context; at != null; at = at.getParent().orElse(null)) {
      AnnotatedElement element = at.getElement().orElse(null);
      PreparedBy found = element == null ? null : element.getAnnotation(PreparedBy.class);
      if (found != null) {
        return found.value();
      }
    }
    return preparation;
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return parameter.isAnnotated(InLcpfs.class)
        && context.getTestMethod().isPresent()
        && (type == FileSystem.class || type == Path.class);
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    ExtensionContext.Store store = context.getStore(NAMESPACE);
    // One thread runs a test and resolves its parameters: there is no race to make two.
    Own own = store.get(KEY, Own.class);
    if (own == null) {
      own = make(context);
      store.put(KEY, own);
    }
    return parameter.getParameter().getType() == Path.class ? own.fs().getPath("/") : own.fs();
  }

  @Override
  public void afterEach(ExtensionContext context) throws IOException {
    Own own = context.getStore(NAMESPACE).remove(KEY, Own.class);
    if (own != null) {
      own.close();
    }
  }
}
