package io.lcpfs.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.device.DirectIo;
import io.lcpfs.device.FileDevice;
import io.lcpfs.device.OpenMode;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.OpenOptions;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Snapshots as file systems of java.nio.file. */
class SnapshotTest {
  @Test
  void aSnapshotIsAFileSystemToRead() throws Exception {
    try (RealEnv env = new RealEnv();
        Pool pool =
            Pool.create(
                List.of(new RamDevice("ram", 4096, (64 << 20) / 4096)),
                CreateOptions.named("tank").withSmallDevices(true),
                env)) {
      Dataset dataset = pool.dataset("tank");
      try (FileSystem now = LcpfsFileSystems.of(dataset)) {
        Path file = now.getPath("/dir/file");
        Files.createDirectory(file.getParent());
        Files.writeString(file, "before");
        Snapshot snapshot = dataset.snapshot("s");
        Files.writeString(file, "after");
        try (FileSystem then = LcpfsFileSystems.of(snapshot)) {
          Path old = then.getPath("/dir/file");
          assertThat(old).hasContent("before");
          assertThat(file).hasContent("after");
          assertThat(then.isReadOnly()).isTrue();
          assertThatThrownBy(() -> Files.writeString(old, "x")).isInstanceOf(Exception.class);
          assertThatThrownBy(() -> Files.delete(old)).isInstanceOf(Exception.class);
          assertThat(old.toUri().toString()).contains("/@s!");
          assertThat(Path.of(old.toUri())).isEqualTo(old);
          Files.copy(old, now.getPath("/back"));
          assertThat(now.getPath("/back")).hasContent("before");
        }
        pool.sync();
        assertThat(dataset.usedBySnapshotsBytes()).isPositive();
        snapshot.destroy();
        assertThat(dataset.snapshots()).isEmpty();
      }
    }
  }

  @Test
  void oneOfAPoolFileIsNamedByItsUri(@TempDir Path folder) throws Exception {
    Path image = folder.resolve("pool.lcpfs");
    try (FileSystem fs = LcpfsFileSystems.openOrCreate(image, Map.of())) {
      Files.writeString(fs.getPath("/f"), "text");
    }
    try (RealEnv env = new RealEnv()) {
      FileDevice device = FileDevice.open(image, OpenMode.READ_WRITE, 4096, DirectIo.AUTO);
      try (Pool pool = Pool.open(List.of(device), OpenOptions.standard(), env)) {
        pool.dataset(pool.name()).snapshot("s");
      }
    }
    URI missing = URI.create("lcpfs:" + image + "!@none!/");
    assertThatThrownBy(() -> FileSystems.newFileSystem(missing, Map.of()))
        .isInstanceOf(NoSuchFileException.class);
    URI uri = URI.create("lcpfs:" + image + "!@s!/");
    try (FileSystem then = FileSystems.newFileSystem(uri, Map.of())) {
      assertThat(then.getPath("/f")).hasContent("text");
      assertThat(then.isReadOnly()).isTrue();
    }
  }
}
