package io.lcpfs.nio.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.platform.testkit.engine.EngineTestKit;

/** The extension, used as its users do. */
@ExtendWith(LcpfsExtension.class)
class LcpfsExtensionTest {

  @BeforeEach
  void writeBefore(@InLcpfs Path root) throws IOException {
    Files.writeString(root.resolve("before"), "each");
  }

  @RepeatedTest(3)
  void everyTestBeginsWithItsOwnFileSystem(@InLcpfs Path root) throws IOException {
    assertThat(Files.exists(root.resolve("mine"))).isFalse();
    Files.writeString(root.resolve("mine"), "x");
    assertThat(Files.readString(root.resolve("before"))).isEqualTo("each");
  }

  @Test
  void pathAndFileSystemOfOneTestBelongTogether(@InLcpfs Path root, @InLcpfs FileSystem fs) {
    assertThat(root.getFileSystem()).isSameAs(fs);
    assertThat(root).isEqualTo(fs.getPath("/"));
  }

  /** Run by the tests below. */
  static class Sample {
    static final List<FileSystem> SEEN = new ArrayList<>();

    @RegisterExtension
    final LcpfsExtension own =
        new LcpfsExtension()
            .withBytes(96L << 20)
            .withOption("umask", "077")
            .withProperty("compression", "zstd")
            .withVerify();

    @Test
    void stores(@InLcpfs FileSystem fs) throws IOException {
      SEEN.add(fs);
      Path file = Files.write(fs.getPath("/a"), new byte[1 << 20]);
      assertThat(Files.getAttribute(file, "unix:mode")).isEqualTo(0100600);
      assertThat(fs.getFileStores().iterator().next().getTotalSpace()).isGreaterThan(64L << 20);
    }

    @Test
    void fails(@InLcpfs FileSystem fs) {
      SEEN.add(fs);
      throw new IllegalStateException("on purpose");
    }
  }

  /** A parameter that the extension cannot give. */
  @ExtendWith(LcpfsExtension.class)
  static class Wrong {
    @Test
    void asksForText(@InLcpfs String text) {
      throw new AssertionError(text);
    }
  }

  @Test
  void fileSystemsAreClosedAfterTestsThatPassOrFail() {
    Sample.SEEN.clear();
    EngineTestKit.engine("junit-jupiter")
        .selectors(selectClass(Sample.class))
        .execute()
        .testEvents()
        .assertStatistics(stats -> stats.started(2).succeeded(1).failed(1));
    assertThat(Sample.SEEN).hasSize(2).noneMatch(FileSystem::isOpen);
  }

  @Test
  void otherParameterTypesAreRefused() {
    EngineTestKit.engine("junit-jupiter")
        .selectors(selectClass(Wrong.class))
        .execute()
        .testEvents()
        .assertStatistics(stats -> stats.failed(1));
  }
}
