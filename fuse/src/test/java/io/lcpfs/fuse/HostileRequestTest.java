package io.lcpfs.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Requests that no kernel sends get an errno; the server stays whole. */
class HostileRequestTest {
  private static final int OPCODES = 64;

  @Test
  void everyOperationOfEveryLengthIsAnswered() {
    try (Kernel kernel = new Kernel("child")) {
      long file = kernel.create(Kernel.ROOT, "file");
      Random random = new Random(1);
      for (int opcode = 0; opcode < OPCODES; opcode++) {
        for (int bytes = 0; bytes <= 104; bytes++) {
          for (long node : new long[] {Kernel.ROOT, file}) {
            kernel.call(opcode, node, noise(random, bytes));
          }
        }
      }
      assertServes(kernel);
    }
  }

  @Test
  void everyOpcodeThatIsNotKnownIsRefused() {
    try (Kernel kernel = new Kernel()) {
      for (int opcode : new int[] {0, 7, 19, 37, 40, 48, 49, 53, 4096, -1, 1048576}) {
        assertThat(kernel.call(opcode, Kernel.ROOT, Kernel.body(64))).isEqualTo(38);
      }
    }
  }

  @Test
  void everyLengthThatIsNotTheRequestsOwnIsRefused() {
    try (Kernel kernel = new Kernel()) {
      byte[] request = new byte[Fuse.IN_HEADER_BYTES + 16];
      ByteBuffer.wrap(request).order(ByteOrder.nativeOrder()).putInt(56).putInt(3);
      for (int length = 0; length < 40; length++) {
        assertThat(kernel.raw(request, length)).isEqualTo(Kernel.NO_REPLY);
      }
      for (int length = 40; length < 56; length++) {
        assertThat(kernel.raw(request, length)).isEqualTo(5);
      }
      // Extensions longer than the request.
      ByteBuffer.wrap(request).order(ByteOrder.nativeOrder()).putShort(36, (short) -1);
      assertThat(kernel.raw(request, 56)).isEqualTo(5);
      assertServes(kernel);
    }
  }

  @Test
  void everyNameWithoutAnEndIsRefused() {
    try (Kernel kernel = new Kernel()) {
      for (int opcode :
          new int[] {
            Fuse.LOOKUP,
            Fuse.UNLINK,
            Fuse.RMDIR,
            Fuse.MKDIR,
            Fuse.MKNOD,
            Fuse.CREATE,
            Fuse.LINK,
            Fuse.RENAME,
            Fuse.RENAME2,
            Fuse.SYMLINK,
            Fuse.GETXATTR,
            Fuse.SETXATTR,
            Fuse.REMOVEXATTR
          }) {
        byte[] name = new byte[60];
        Arrays.fill(name, (byte) 'x');
        ByteBuffer body = Kernel.body(60);
        body.put(name);
        assertThat(kernel.call(opcode, Kernel.ROOT, body)).as("opcode %d", opcode).isNotZero();
      }
      assertServes(kernel);
    }
  }

  @Test
  void everyNodeThatTheKernelWasNotToldOfIsRefused() {
    try (Kernel kernel = new Kernel("child")) {
      for (long node : new long[] {0, -1, 99, 1L << 48, 7L << 48, Long.MIN_VALUE, 1L << 62}) {
        assertThat(kernel.read(node, 0, 100)).as("read of %d", node).isNotZero();
        assertThat(kernel.write(node, 0, new byte[10])).as("write of %d", node).isNotZero();
        kernel.getattr(node);
        kernel.lookup(node, "x");
        kernel.forget(node, Long.MAX_VALUE);
        kernel.forget(node, -1);
      }
      assertServes(kernel);
    }
  }

  @Test
  void everySizeThatIsNotInTheRequestIsRefused() {
    try (Kernel kernel = new Kernel()) {
      long file = kernel.create(Kernel.ROOT, "file");
      for (int size : new int[] {-1, 11, 1 << 20, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
        ByteBuffer body = Kernel.body(50);
        body.putLong(0).putLong(0).putInt(size);
        assertThat(kernel.call(Fuse.WRITE, file, body)).isEqualTo(22);
        ByteBuffer xattr = Kernel.body(18);
        xattr.putInt(size).putInt(0).put("user.a".getBytes(StandardCharsets.UTF_8));
        assertThat(kernel.call(Fuse.SETXATTR, file, xattr)).isNotZero();
        assertThat(kernel.read(file, 0, size)).isZero();
        assertThat(kernel.reply().capacity()).isZero();
      }
      assertThat(kernel.read(file, -1, 10)).isEqualTo(22);
      assertServes(kernel);
    }
  }

  @Test
  void everyRandomRequestLeavesTheServerWhole() {
    try (Kernel kernel = new Kernel("child")) {
      Random random = new Random(7);
      long[] nodes = {Kernel.ROOT, kernel.create(Kernel.ROOT, "file"), 5, 1L << 48 | 3, -1};
      for (int i = 0; i < 30_000; i++) {
        long node = nodes[random.nextInt(nodes.length)];
        kernel.call(random.nextInt(OPCODES), node, noise(random, random.nextInt(120)));
      }
      assertServes(kernel);
      kernel.pool.sync();
    }
  }

  /** Bytes of which some are small numbers, and some text. */
  private static ByteBuffer noise(Random random, int bytes) {
    byte[] noise = new byte[bytes];
    random.nextBytes(noise);
    for (int i = 0; i < bytes; i++) {
      switch (random.nextInt(4)) {
        case 0 -> noise[i] = 0;
        case 1 -> noise[i] = (byte) ('a' + random.nextInt(3));
        default -> {}
      }
    }
    return ByteBuffer.wrap(noise).order(ByteOrder.nativeOrder());
  }

  private static void assertServes(Kernel kernel) {
    assertThat(kernel.getattr(Kernel.ROOT)).isZero();
    assertThat(kernel.reply().getInt(16 + 60) >>> 12).isEqualTo(4);
    assertThat(kernel.lookup(Kernel.ROOT, "surely-not-there")).isZero();
    assertThat(kernel.reply().getLong(0)).isZero();
    long file = kernel.create(Kernel.ROOT, "at-the-end");
    assertThat(kernel.write(file, 0, new byte[] {1, 2, 3})).isZero();
    assertThat(kernel.read(file, 0, 100)).isZero();
    assertThat(kernel.reply().array()).containsExactly(1, 2, 3);
    assertThat(kernel.reports)
        .noneMatch(line -> line.contains("Exception") || line.contains("Error"));
  }
}
