package io.lcpfs.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.api.Snapshot;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A reader that goes away: the sender says so, and takes it for nothing else. */
@Timeout(60)
class SendBrokenOffTest {

  /** Takes so many bytes. */
  private static final class Closing extends OutputStream {
    private long left;

    Closing(long bytes) {
      this.left = bytes;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[1], 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      left -= length;
      if (left < 0) {
        throw new IOException("Broken pipe");
      }
    }
  }

  @Test
  void whereverTheReaderStopsItIsNoDamage() {
    try (StreamWorld world = new StreamWorld();
        Pool pool = world.pool("tank", 64 << 20)) {
      Dataset source = pool.createDataset("tank/a", Map.of("user:x", "y"), false);
      StreamWorld.tree(source.fileSystem(), new Random(3), 12);
      Snapshot snapshot = source.snapshot("s");
      SendOptions options = SendOptions.FULL.withProperties(true);
      long whole = StreamWorld.send(snapshot, options).length;
      for (long bytes = 0; bytes < whole; bytes += 1 + whole / 200) {
        Closing out = new Closing(bytes);
        assertThatThrownBy(() -> snapshot.send(out, options))
            .isInstanceOfSatisfying(
                PoolException.class,
                e -> {
                  assertThat(e.errno()).isEqualTo(Errno.EIO);
                  assertThat(e.getMessage())
                      .startsWith("the stream was not taken beyond byte ")
                      .contains(": Broken pipe; ");
                });
      }
      snapshot.destroy();
      StreamWorld.settle(pool);
      StreamWorld.assertClean(pool);
    }
  }
}
