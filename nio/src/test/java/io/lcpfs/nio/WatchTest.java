package io.lcpfs.nio;

import static java.nio.file.StandardWatchEventKinds.ENTRY_CREATE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_DELETE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_MODIFY;
import static java.nio.file.StandardWatchEventKinds.OVERFLOW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** WatchService: events are queued before the call that made the change returns. */
class WatchTest {
  private static TestPool pool;
  private static int count;
  private Path dir;
  private WatchService watcher;

  @BeforeAll
  static void makePool() {
    pool = TestPool.create();
  }

  @AfterAll
  static void closePool() throws IOException {
    pool.close();
  }

  @BeforeEach
  void makeWatcher() throws IOException {
    dir = Files.createDirectory(pool.path("/w" + count++));
    watcher = pool.fs.newWatchService();
  }

  @AfterEach
  void closeWatcher() throws IOException {
    watcher.close();
  }

  private WatchKey watch() throws IOException {
    return dir.register(watcher, ENTRY_CREATE, ENTRY_DELETE, ENTRY_MODIFY);
  }

  /** What the key has, as "kind name count". */
  private List<String> events() {
    WatchKey key = Objects.requireNonNull(watcher.poll(), "a signalled key");
    List<String> events = new ArrayList<>();
    for (WatchEvent<?> event : key.pollEvents()) {
      events.add(
          event.kind().name().replace("ENTRY_", "") + " " + event.context() + " " + event.count());
    }
    key.reset();
    return events;
  }

  @Test
  void everyChangeOfANameIsTold() throws IOException {
    WatchKey key = watch();
    assertThat(key.watchable()).isEqualTo(dir);
    Files.createFile(dir.resolve("a"));
    assertThat(events()).containsExactly("CREATE a 1");
    Files.writeString(dir.resolve("a"), "x");
    assertThat(events()).singleElement().asString().startsWith("MODIFY a");
    Files.createDirectory(dir.resolve("d"));
    Files.createSymbolicLink(dir.resolve("l"), pool.path("a"));
    Files.createLink(dir.resolve("h"), dir.resolve("a"));
    assertThat(events()).containsExactly("CREATE d 1", "CREATE l 1", "CREATE h 1");
    Files.move(dir.resolve("a"), dir.resolve("b"));
    assertThat(events()).containsExactly("DELETE a 1", "CREATE b 1");
    Files.delete(dir.resolve("b"));
    Files.delete(dir.resolve("d"));
    assertThat(events()).containsExactly("DELETE b 1", "DELETE d 1");
    Files.setAttribute(dir.resolve("h"), "unix:mode", 0600);
    assertThat(events()).containsExactly("MODIFY h 1");
    assertThat(watcher.poll()).isNull();
  }

  @Test
  void aFileDeletedOnCloseComesAndGoes() throws IOException {
    watch();
    Files.newByteChannel(
            dir.resolve("a"),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE)
        .close();
    assertThat(events()).containsExactly("CREATE a 1", "DELETE a 1");
  }

  @Test
  void onlyTheKindsAskedForAreTold() throws IOException {
    dir.register(watcher, ENTRY_DELETE);
    Files.writeString(dir.resolve("a"), "x");
    assertThat(watcher.poll()).isNull();
    Files.delete(dir.resolve("a"));
    assertThat(events()).containsExactly("DELETE a 1");
    WatchKey again = dir.register(watcher, ENTRY_CREATE);
    Files.writeString(dir.resolve("a"), "x");
    Files.delete(dir.resolve("a"));
    assertThat(events()).containsExactly("CREATE a 1");
    assertThat(dir.register(watcher, ENTRY_CREATE)).isSameAs(again);
  }

  @Test
  void modificationsAreCounted() throws IOException {
    Files.createFile(dir.resolve("a"));
    watch();
    for (int i = 0; i < 5; i++) {
      Files.setAttribute(dir.resolve("a"), "unix:mode", 0600);
    }
    assertThat(events()).containsExactly("MODIFY a 5");
  }

  @Test
  void otherDirectoriesAreNotTold() throws IOException {
    watch();
    Files.createDirectories(dir.resolve("d"));
    events();
    Files.writeString(dir.resolve("d/x"), "x");
    Files.writeString(dir.resolveSibling(dir.getFileName() + "x"), "x");
    assertThat(watcher.poll()).isNull();
  }

  @Test
  void theDirectoryIsWatchedWhateverItsNameIs() throws IOException {
    watch();
    Path moved = Files.move(dir, dir.resolveSibling(dir.getFileName() + "moved"));
    Files.createFile(moved.resolve("a"));
    assertThat(events()).containsExactly("CREATE a 1");
  }

  @Test
  void otherViewsOfTheDatasetAreSeen() throws IOException {
    watch();
    try (FileSystem other = pool.view(Map.of())) {
      Files.createFile(other.getPath(dir.toString(), "a"));
    }
    assertThat(events()).containsExactly("CREATE a 1");
  }

  @Test
  void aKeyIsSignalledAgainOnlyAfterReset() throws IOException {
    WatchKey key = watch();
    Files.createFile(dir.resolve("a"));
    assertThat(watcher.poll()).isSameAs(key);
    Files.createFile(dir.resolve("b"));
    assertThat(watcher.poll()).isNull();
    assertThat(key.reset()).isTrue();
    assertThat(watcher.poll()).isSameAs(key);
    assertThat(key.pollEvents()).hasSize(2);
    assertThat(key.reset()).isTrue();
    assertThat(watcher.poll()).isNull();
  }

  @Test
  void cancelEndsTheKey() throws IOException {
    WatchKey key = watch();
    key.cancel();
    key.cancel();
    assertThat(key.isValid()).isFalse();
    Files.createFile(dir.resolve("a"));
    assertThat(watcher.poll()).isNull();
    assertThat(key.reset()).isFalse();
    assertThat(watch()).isNotSameAs(key);
  }

  @Test
  void deletingTheDirectoryEndsTheKeyAndSignalsIt() throws IOException {
    WatchKey key = watch();
    Files.delete(dir);
    assertThat(watcher.poll()).isSameAs(key);
    assertThat(key.isValid()).isFalse();
    assertThat(key.reset()).isFalse();
  }

  @Test
  void replacingAWatchedDirectoryEndsItsKey() throws IOException {
    WatchKey key = watch();
    Path other = Files.createDirectory(dir.resolveSibling(dir.getFileName() + "other"));
    Files.move(other, dir, StandardCopyOption.REPLACE_EXISTING);
    assertThat(key.isValid()).isFalse();
  }

  @Test
  void tooManyEventsBecomeOneOverflow() throws IOException {
    WatchKey key = watch();
    for (int i = 0; i < 600; i++) {
      Files.createFile(dir.resolve("f" + i));
    }
    assertThat(watcher.poll()).isSameAs(key);
    List<WatchEvent<?>> events = key.pollEvents();
    assertThat(events.getLast().kind()).isEqualTo(OVERFLOW);
    assertThat(events.getLast().context()).isNull();
    assertThat(key.reset()).isTrue();
    Files.createFile(dir.resolve("after"));
    assertThat(events()).containsExactly("CREATE after 1");
  }

  @Test
  void takeWaitsForAChange() throws Exception {
    WatchKey key = watch();
    FutureTask<WatchKey> taker = new FutureTask<>(watcher::take);
    Thread.ofPlatform().start(taker);
    Files.createFile(dir.resolve("a"));
    assertThat(taker.get(10, TimeUnit.SECONDS)).isSameAs(key);
    assertThat(watcher.poll(1, TimeUnit.MILLISECONDS)).isNull();
  }

  @Test
  void closeEndsWaitersAndKeys() throws Exception {
    WatchKey key = watch();
    FutureTask<WatchKey> taker = new FutureTask<>(watcher::take);
    Thread.ofPlatform().start(taker);
    watcher.close();
    assertThatThrownBy(taker::get)
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(ClosedWatchServiceException.class);
    assertThat(key.isValid()).isFalse();
    assertThatThrownBy(watcher::poll).isInstanceOf(ClosedWatchServiceException.class);
    assertThatThrownBy(this::watch).isInstanceOf(ClosedWatchServiceException.class);
    watcher.close();
  }

  @Test
  void registrationsAreChecked() throws IOException {
    Path file = Files.createFile(dir.resolve("a"));
    assertThatThrownBy(() -> file.register(watcher, ENTRY_CREATE))
        .isInstanceOf(NotDirectoryException.class);
    assertThatThrownBy(() -> dir.resolve("no").register(watcher, ENTRY_CREATE))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> dir.register(watcher)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> dir.register(watcher, OVERFLOW))
        .isInstanceOf(IllegalArgumentException.class);
    WatchEvent.Kind<Path> odd =
        new WatchEvent.Kind<>() {
          @Override
          public String name() {
            return "ODD";
          }

          @Override
          public Class<Path> type() {
            return Path.class;
          }
        };
    assertThatThrownBy(() -> dir.register(watcher, odd))
        .isInstanceOf(UnsupportedOperationException.class);
    try (WatchService host = Path.of("/").getFileSystem().newWatchService()) {
      assertThatThrownBy(() -> dir.register(host, ENTRY_CREATE))
          .isInstanceOf(ProviderMismatchException.class);
    }
  }

  @Test
  void writesThroughALinkAreToldWhereTheFileIs() throws IOException {
    Path elsewhere = Files.createDirectory(dir.resolveSibling(dir.getFileName() + "else"));
    Files.writeString(dir.resolve("real"), "1");
    Files.createSymbolicLink(elsewhere.resolve("l"), dir.resolve("real"));
    watch();
    Files.writeString(elsewhere.resolve("l"), "2");
    assertThat(events()).singleElement().asString().startsWith("MODIFY real");
  }
}
