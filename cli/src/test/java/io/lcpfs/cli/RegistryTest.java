package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegistryTest {
  @TempDir Path directory;

  private Registry registry() {
    return new Registry(directory.resolve("home"));
  }

  private static Registry.Entry entry(String name, long guid, String... devices) {
    return new Registry.Entry(name, guid, false, Arrays.stream(devices).map(Path::of).toList());
  }

  @Test
  void anEmptyHomeHasNoPools() {
    assertThat(registry().list()).isEmpty();
    assertThat(directory.resolve("home")).doesNotExist();
  }

  @Test
  void everyEntryIsReadBackAsItWasWritten() {
    List<Registry.Entry> entries =
        List.of(
            new Registry.Entry("a", -1, true, List.of(Path.of("/dev/a b\tc\n%09d"), Path.of("/x"))),
            entry("b", 7, "/ü/%25"));
    entries.forEach(registry()::add);
    assertThat(registry().list()).isEqualTo(entries);
  }

  @Test
  void aNameIsGivenOnce() {
    registry().add(entry("tank", 1, "/a"));
    assertThatThrownBy(() -> registry().add(entry("tank", 2, "/b")))
        .isInstanceOf(PoolException.class)
        .hasMessageContaining("imported already");
    assertThat(registry().list()).containsExactly(entry("tank", 1, "/a"));
  }

  @Test
  void puttingReplacesWhatHasTheNameOrTheGuid() {
    registry().put(entry("old", 1, "/a"));
    registry().put(entry("new", 1, "/a"));
    registry().put(entry("new", 2, "/b"));
    assertThat(registry().list()).containsExactly(entry("new", 2, "/b"));
    registry().remove("new");
    registry().remove("new");
    assertThat(registry().list()).isEmpty();
  }

  @Test
  void concurrentChangesAreAllKept() throws Exception {
    int threads = 4;
    int each = 10;
    List<Callable<Void>> jobs = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      int thread = t;
      jobs.add(
          () -> {
            for (int i = 0; i < each; i++) {
              registry().add(entry("p" + thread + "-" + i, thread * 100L + i, "/d"));
            }
            return null;
          });
    }
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      for (Future<Void> job : pool.invokeAll(jobs)) {
        job.get();
      }
    }
    assertThat(registry().list()).hasSize(threads * each);
    assertThat(IntStream.range(0, threads).mapToObj(t -> "p" + t + "-0"))
        .allMatch(name -> registry().find(name).isPresent());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "garbage",
        "lcpfs-pools 1 0\n",
        "lcpfs-pools 1 zz\ntank\t1\trw\t/a\n",
        "lcpfs-pools 9 0\n"
      })
  void aDamagedFileIsNamedAndNeverOverwritten(String content) throws IOException {
    registry().add(entry("tank", 1, "/a"));
    Path file = directory.resolve("home/pools");
    Files.writeString(file, content);
    boolean empty = content.equals("lcpfs-pools 1 0\n");
    if (empty) {
      assertThat(registry().list()).isEmpty();
      return;
    }
    assertThatThrownBy(() -> registry().list())
        .isInstanceOf(Failure.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("pool import -d DIR");
    assertThatThrownBy(() -> registry().add(entry("b", 2, "/b"))).isInstanceOf(Failure.class);
    assertThat(file).hasContent(content);
  }

  @Test
  void everySingleFlippedByteIsNoticed() throws IOException {
    registry().add(entry("tank", 1, "/dev/sda"));
    Path file = directory.resolve("home/pools");
    byte[] good = Files.readAllBytes(file);
    for (int i = 0; i < good.length; i++) {
      byte[] bad = good.clone();
      bad[i] ^= 0x41;
      Files.write(file, bad);
      assertThatThrownBy(() -> registry().list()).isInstanceOf(Failure.class);
    }
  }
}
