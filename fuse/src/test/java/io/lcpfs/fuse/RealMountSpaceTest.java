package io.lcpfs.fuse;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.error.PoolException;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.Tuning;
import io.lcpfs.posix.Caller;
import io.lcpfs.posix.FileProject;
import io.lcpfs.posix.PathCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Quotas and projects in a pool in memory that the kernel mounted. Needs Linux, root and /dev/fuse;
 * elsewhere it is skipped.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RealMountSpaceTest {
  private static final int MIB = 1 << 20;

  private final RealEnv env = new RealEnv();
  private @Nullable Pool opened;
  private @Nullable FuseMount mounted;
  private Path root = Path.of("");

  @BeforeEach
  void mountPool() throws IOException {
    assumeTrue(System.getProperty("os.name").equals("Linux"), "FUSE is a matter of Linux");
    assumeTrue(Files.isWritable(Path.of("/dev/fuse")), "/dev/fuse may not be opened");
    assumeTrue(Libc.euid() == 0, "only root mounts without a helper");
    root = Files.createTempDirectory("lcpfs-mount-");
    Pool pool =
        Pool.create(
            List.of(new RamDevice("ram", 4096, (96 << 20) / 4096)),
            CreateOptions.named("tank")
                .withSmallDevices(true)
                .withTuning(Tuning.standard().withCacheBytes(32 << 20).withDirtyBytes(16 << 20)),
            env);
    opened = pool;
    Dataset child = pool.createDataset("tank/child", Map.of(), false);
    List<MountedDataset> datasets =
        List.of(MountedDataset.of("", pool.dataset("tank")), MountedDataset.of("child", child));
    try {
      mounted =
          FuseMount.mount(
              datasets, root, MountOptions.of("tank"), line -> System.err.println(line));
    } catch (PoolException e) {
      assumeTrue(false, "this host lets nobody mount: " + e.getMessage());
    }
  }

  @AfterEach
  void unmount() throws IOException, InterruptedException {
    FuseMount mount = mounted;
    if (mount != null) {
      mount.close();
      mount.awaitUnmounted();
    }
    Pool pool = opened;
    if (pool != null) {
      pool.close();
    }
    if (!root.toString().isEmpty()) {
      Files.deleteIfExists(root);
    }
    env.close();
  }

  private Dataset tank() {
    return Objects.requireNonNull(opened).dataset("tank");
  }

  private record Output(int code, String text) {}

  private Output shell(String line) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("sh", "-c", line)
            .directory(root.toFile())
            .redirectErrorStream(true)
            .start();
    String text = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(40, TimeUnit.SECONDS)).isTrue();
    return new Output(process.exitValue(), text);
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> listed = Files.list(directory)) {
      return listed.map(path -> path.getFileName().toString()).collect(Collectors.toList());
    }
  }

  @Test
  void theWayToSnapshotsIsListedAsSoonAsItsPropertySaysSo() throws IOException {
    assertThat(names(root)).containsExactly("child");
    assertThat(names(root.resolve("child"))).isEmpty();
    tank().setProperty("snapdir", "visible");
    assertThat(names(root)).containsExactlyInAnyOrder("child", ".lcpfs");
    assertThat(names(root.resolve("child"))).as("inherited").containsExactly(".lcpfs");
    tank().inherit("snapdir");
    assertThat(names(root)).containsExactly("child");
    assertThat(names(root.resolve("child"))).isEmpty();
  }

  @Test
  void copiesThatShareBlocksStopAtAQuota() throws IOException, InterruptedException {
    byte[] noise = new byte[12 * MIB];
    new Random(1).nextBytes(noise);
    Files.write(root.resolve("f"), noise);
    Objects.requireNonNull(opened).sync();
    tank().setProperty("quota", "30M");
    Output copied = shell("for i in 1 2 3 4 5 6; do cp f copy$i || exit 1; done");
    assertThat(copied.code()).isNotZero();
    assertThat(copied.text()).containsIgnoringCase("quota");
    Objects.requireNonNull(opened).sync();
    assertThat(tank().usedBytes()).isLessThan(31L * MIB + MIB / 2);
  }

  @Test
  void projectsAreSetAndToldByTheHostsOwnCommands() throws IOException, InterruptedException {
    assumeTrue(shell("command -v chattr && command -v lsattr").code() == 0, "no chattr here");
    Files.createDirectory(root.resolve("d"));
    long changed = Files.getLastModifiedTime(root.resolve("d")).toMillis();
    assertThat(shell("chattr -p 4242 d && chattr +P d").text()).isEmpty();
    Files.write(root.resolve("d/f"), new byte[] {1});
    assertThat(shell("lsattr -dp d").text()).matches("(?s) *4242 -*P-* d\\n");
    assertThat(shell("lsattr -p d/f").text()).matches("(?s) *4242 -+ d/f\\n");
    assertThat(tank().fileSystem().project(inode("/d/f"))).isEqualTo(new FileProject(4242, false));
    assertThat(shell("chattr -P d && chattr -p 0 d && lsattr -dp d").text())
        .matches("(?s) *0 -+ d\\n");
    assertThat(Files.getLastModifiedTime(root.resolve("d")).toMillis())
        .isGreaterThanOrEqualTo(changed);
    assertThat(shell("chattr +i d/f").code()).as("what is not kept").isNotZero();
  }

  private long inode(String path) {
    return tank().fileSystem().paths().stat(PathCalls.path(path), Caller.ROOT).inode();
  }
}
