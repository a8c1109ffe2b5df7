package io.lcpfs.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Replies to reads that are sent from the cache itself. */
class ReadInPlaceTest {
  private static final int EINVAL = 22;
  private static final int EIO = 5;
  private static final int LEAST = FileHandlers.LEAST_IN_PLACE_BYTES;

  private static byte[] noise(int bytes) {
    byte[] noise = new byte[bytes];
    new Random(bytes).nextBytes(noise);
    return noise;
  }

  @Test
  void everyReplyInPiecesIsWhatACopyWouldBe() {
    try (Kernel kernel = new Kernel()) {
      long file = kernel.create(Kernel.ROOT, "file");
      byte[] model = new byte[3_000_000];
      byte[] start = noise(700_001);
      byte[] end = noise(500_003);
      System.arraycopy(start, 0, model, 0, start.length); // and a hole behind it
      System.arraycopy(end, 0, model, model.length - end.length, end.length);
      assertThat(kernel.write(file, 0, start)).isZero();
      assertThat(kernel.write(file, model.length - end.length, end)).isZero();
      Random random = new Random(7);
      for (int i = 0; i < 300; i++) {
        if (i == 150) {
          kernel.pool.sync();
        }
        int offset = random.nextInt(model.length + 10_000);
        offset = random.nextBoolean() ? offset : offset / 4096 * 4096;
        int size = random.nextInt(i % 2 == 0 ? 2 * LEAST : 1 << 20);
        kernel.piecesSent = 0;
        assertThat(kernel.read(file, offset, size)).isZero();
        int from = Math.min(offset, model.length);
        int to = Math.min(model.length, offset + size);
        assertThat(kernel.reply().array())
            .isEqualTo(Arrays.copyOfRange(model, from, Math.max(from, to)));
        boolean inPieces = size >= LEAST && offset < model.length;
        assertThat(kernel.piecesSent > 0).isEqualTo(inPieces);
      }
      assertThat(kernel.reports).isEmpty();
    }
  }

  @Test
  void everyDirectReadIsCopied() {
    try (Kernel kernel = new Kernel()) {
      long file = kernel.create(Kernel.ROOT, "file");
      byte[] data = noise(1 << 20);
      assertThat(kernel.write(file, 0, data)).isZero();
      ByteBuffer body = Kernel.body(40);
      body.putLong(0).putLong(0).putInt(data.length).putInt(Fuse.READ_LOCKOWNER).putLong(1);
      assertThat(kernel.call(Fuse.READ, file, body)).isZero();
      assertThat(kernel.reply().array()).isEqualTo(data);
      assertThat(kernel.piecesSent).isZero();
    }
  }

  @Test
  void aReplyInPiecesThatIsRefusedIsCopied() {
    try (Kernel kernel = new Kernel()) {
      long file = kernel.create(Kernel.ROOT, "file");
      byte[] data = noise(1 << 20);
      assertThat(kernel.write(file, 0, data)).isZero();
      kernel.piecesAnswer = -EINVAL;
      assertThat(kernel.read(file, 0, data.length)).isZero();
      assertThat(kernel.reply().array()).isEqualTo(data);
      assertThat(kernel.reports).hasSize(1);
    }
  }

  @Test
  void aReadThatWasGivenUpGetsNoSecondReply() {
    try (Kernel kernel = new Kernel()) {
      long file = kernel.create(Kernel.ROOT, "file");
      byte[] data = noise(1 << 20);
      assertThat(kernel.write(file, 0, data)).isZero();
      kernel.piecesAnswer = -Libc.ENOENT;
      assertThat(kernel.read(file, 0, data.length)).isEqualTo(Kernel.NO_REPLY);
      kernel.piecesAnswer = 0;
      assertThat(kernel.read(file, 0, data.length)).isZero();
      assertThat(kernel.reports).isEmpty();
    }
  }

  @Test
  void everyFailureBeforeAReplyIsAnErrno() {
    try (Kernel kernel = new Kernel()) {
      long file = kernel.create(Kernel.ROOT, "file");
      byte[] data = noise(1 << 20);
      assertThat(kernel.write(file, 0, data)).isZero();
      assertThat(kernel.read(file, -1, data.length)).isEqualTo(EINVAL);
      kernel.sendFailure = new IllegalStateException("planted");
      assertThat(kernel.read(file, 0, data.length)).isEqualTo(EIO);
      assertThat(kernel.reports).hasSize(1);
      assertThat(kernel.write(file, 0, data)).as("the file is not locked").isZero();
      assertThat(kernel.read(file, 0, data.length)).isZero();
      assertThat(kernel.reply().array()).isEqualTo(data);
    }
  }

  @Test
  void everySmallFileIsReadWhole() {
    try (Kernel kernel = new Kernel()) {
      for (int size : new int[] {0, 1, 511, 4096, 5000, 100_000}) {
        long file = kernel.create(Kernel.ROOT, "file" + size);
        byte[] data = noise(size);
        if (size > 0) {
          assertThat(kernel.write(file, 0, data)).isZero();
        }
        kernel.pool.sync();
        assertThat(kernel.read(file, 0, 1 << 20)).isZero();
        assertThat(kernel.reply().array()).isEqualTo(data);
        assertThat(kernel.read(file, 0, 0)).isZero();
        assertThat(kernel.reply().array()).isEmpty();
      }
    }
  }
}
