package io.lcpfs.nio.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Events;

/** Tests that begin with clones of files that were made once, run as users run them. */
class PreparedTest {
  private static final AtomicInteger PREPARATIONS = new AtomicInteger();
  private static final List<FileSystem> SEEN = new CopyOnWriteArrayList<>();

  @BeforeEach
  void reset() {
    PREPARATIONS.set(0);
    SEEN.clear();
  }

  /** 200 files in 20 directories. */
  static class Corpus implements Preparation {
    @Override
    public void prepare(Path root) throws IOException {
      PREPARATIONS.incrementAndGet();
      for (int i = 0; i < 200; i++) {
        Path directory = Files.createDirectories(root.resolve("d" + i % 20));
        Files.writeString(directory.resolve("f" + i), "text " + i);
      }
    }
  }

  /** One file. */
  static class Letter implements Preparation {
    @Override
    public void prepare(Path root) throws IOException {
      PREPARATIONS.incrementAndGet();
      Files.writeString(root.resolve("letter"), "dear");
    }
  }

  private static void useUp(Path root) throws IOException {
    SEEN.add(root.getFileSystem());
    try (Stream<Path> all = Files.walk(root)) {
      assertThat(all).hasSize(1 + 20 + 200);
    }
    assertThat(root.resolve("d7/f7")).hasContent("text 7");
    Files.writeString(root.resolve("d7/f7"), "changed");
    Files.delete(root.resolve("d8/f8"));
    Files.write(root.resolve("big"), new byte[3 << 20]);
  }

  private static Events run(Class<?> tests) {
    return EngineTestKit.engine("junit-jupiter")
        .configurationParameter("junit.jupiter.execution.parallel.enabled", "true")
        .configurationParameter("junit.jupiter.execution.parallel.config.strategy", "fixed")
        .configurationParameter("junit.jupiter.execution.parallel.config.fixed.parallelism", "4")
        .selectors(selectClass(tests))
        .execute()
        .testEvents();
  }

  /** All kinds of tests, in parallel. */
  @ExtendWith(LcpfsExtension.class)
  @PreparedBy(Corpus.class)
  @Execution(ExecutionMode.CONCURRENT)
  static class AllKinds {
    @BeforeEach
    void begin(@InLcpfs Path root) throws IOException {
      assertThat(root.resolve("mine")).doesNotExist();
      assertThat(root.resolve("big")).doesNotExist();
    }

    @RepeatedTest(8)
    void repeated(@InLcpfs Path root) throws IOException {
      useUp(root);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void parameterized(int number, @InLcpfs FileSystem fs) throws IOException {
      Files.createFile(fs.getPath("/mine"));
      useUpButOne(fs.getPath("/"), number);
    }

    private static void useUpButOne(Path root, int number) throws IOException {
      Files.delete(root.resolve("mine"));
      assertThat(number).isPositive();
      useUp(root);
    }

    @Nested
    class Inner {
      @Test
      void nested(@InLcpfs Path root) throws IOException {
        useUp(root);
      }

      @Test
      @PreparedBy(Letter.class)
      void withAnother(@InLcpfs Path root) {
        SEEN.add(root.getFileSystem());
        assertThat(root.resolve("letter")).hasContent("dear");
        assertThat(root.resolve("d0")).doesNotExist();
      }
    }
  }

  @Test
  void eachTestHasACloneAndTheFilesAreMadeOnce() {
    run(AllKinds.class).assertStatistics(stats -> stats.started(13).succeeded(13));
    assertThat(SEEN).hasSize(13).doesNotHaveDuplicates().noneMatch(FileSystem::isOpen);
    assertThat(PREPARATIONS).hasValue(2);
  }

  /** A preparation that is given with options. */
  static class WithOptions {
    @RegisterExtension
    static final LcpfsExtension OWN =
        new LcpfsExtension()
            .withPrepared(new Corpus())
            .withOption("umask", "077")
            .withProperty("compression", "zstd")
            .withVerify();

    @RepeatedTest(5)
    void stores(@InLcpfs Path root) throws IOException {
      useUp(root);
      Path made = Files.createFile(root.resolve("made"));
      assertThat(Files.getAttribute(made, "unix:mode")).isEqualTo(0100600);
    }
  }

  @Test
  void optionsHoldForClones() {
    run(WithOptions.class).assertStatistics(stats -> stats.succeeded(5));
    assertThat(PREPARATIONS).hasValue(1);
  }

  /** Each test writes more than half of the pool. */
  @ExtendWith(LcpfsExtension.class)
  @PreparedBy(Letter.class)
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  static class Large {
    @RepeatedTest(6)
    void fillsMostOfThePool(@InLcpfs Path root) throws IOException {
      byte[] noise = new byte[36 << 20];
      new Random(1).nextBytes(noise);
      Files.write(root.resolve("big"), noise);
    }
  }

  @Test
  void whatATestHadIsFreeForTheNext() {
    run(Large.class).assertStatistics(stats -> stats.succeeded(6));
  }

  /** A preparation that fails. */
  @ExtendWith(LcpfsExtension.class)
  @PreparedBy(Broken.Failing.class)
  static class Broken {
    /** Fails. */
    static class Failing implements Preparation {
      @Override
      public void prepare(Path root) throws IOException {
        throw new IOException("on purpose");
      }
    }

    @Test
    void isNotRun(@InLcpfs Path root) {
      throw new AssertionError(root);
    }
  }

  @Test
  void aPreparationThatFailsFailsItsTests() {
    Events events = run(Broken.class);
    events.assertStatistics(stats -> stats.failed(1));
    assertThatThrownBy(() -> failure(events)).rootCause().hasMessage("on purpose");
  }

  private static void failure(Events events) throws Exception {
    var result = events.failed().list().getFirst().getRequiredPayload(TestExecutionResult.class);
    throw new Exception(result.getThrowable().orElseThrow());
  }
}
