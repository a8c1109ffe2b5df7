package io.lcpfs.nio.junit;

import io.lcpfs.api.Pool;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.nio.LcpfsFileSystems;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.Tuning;
import io.lcpfs.pool.VerifyReport;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
 */
public final class LcpfsExtension implements ParameterResolver, AfterEachCallback {
  private static final Namespace NAMESPACE = Namespace.create(LcpfsExtension.class);
  private static final String KEY = "own";
  private static final int BLOCK_BYTES = 4096;
  private static final long USUAL_BYTES = 64L << 20;
  private static final long CACHE_BYTES = 64L << 20;

  private final long bytes;
  private final Map<String, Object> options;
  private final Map<String, String> properties;
  private final boolean verified;

  /** A pool of 64 MiB for each test, as user 0, without verification. */
  public LcpfsExtension() {
    this(USUAL_BYTES, Map.of(), Map.of(), false);
  }

  private LcpfsExtension(
      long bytes, Map<String, Object> options, Map<String, String> properties, boolean verified) {
    this.bytes = bytes;
    this.options = options;
    this.properties = properties;
    this.verified = verified;
  }

  /** The same with pools of {@code size} bytes of memory, at least 64 MiB. */
  public LcpfsExtension withBytes(long size) {
    return new LcpfsExtension(size, options, properties, verified);
  }

  /** The same with an option of the view: uid, gid, groups, umask or readOnly, see docs/NIO.md. */
  public LcpfsExtension withOption(String key, Object value) {
    Map<String, Object> more = new HashMap<>(options);
    more.put(key, value);
    return new LcpfsExtension(bytes, Map.copyOf(more), properties, verified);
  }

  /** The same with a property of the dataset, for example compression=zstd. */
  public LcpfsExtension withProperty(String name, String value) {
    Map<String, String> more = new HashMap<>(properties);
    more.put(name, value);
    return new LcpfsExtension(bytes, options, Map.copyOf(more), verified);
  }

  /** The same, but each pool is verified after its test, which fails when that finds something. */
  public LcpfsExtension withVerify() {
    return new LcpfsExtension(bytes, options, properties, true);
  }

  /** The pool of one test. */
  private static final class Own {
    private final RealEnv env = new RealEnv();
    private final Pool pool;
    private final FileSystem fs;

    Own(long bytes, Map<String, Object> options, Map<String, String> properties) {
      RamDevice device = new RamDevice("test", BLOCK_BYTES, bytes / BLOCK_BYTES);
      Tuning tuning = Tuning.standard().withCacheBytes(CACHE_BYTES);
      pool = Pool.create(List.of(device), CreateOptions.named("test").withTuning(tuning), env);
      fs = LcpfsFileSystems.of(pool.createDataset("test/own", properties, false), options);
    }

    void close(boolean verify) throws IOException {
      try (env;
          pool) {
        fs.close();
        if (verify) {
          VerifyReport report = pool.verify(progress -> {});
          if (!report.clean()) {
            throw new AssertionError("the pool is damaged: " + report.findings());
          }
        }
      }
    }
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
      own = new Own(bytes, options, properties);
      store.put(KEY, own);
    }
    return parameter.getParameter().getType() == Path.class ? own.fs.getPath("/") : own.fs;
  }

  @Override
  public void afterEach(ExtensionContext context) throws IOException {
    Own own = context.getStore(NAMESPACE).remove(KEY, Own.class);
    if (own != null) {
      own.close(verified);
    }
  }
}
