package io.lcpfs.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.object.Block;
import io.lcpfs.zap.HeapBlockObject;
import io.lcpfs.zap.Zap;
import io.lcpfs.zap.ZapDump;
import io.lcpfs.zap.ZapWorld;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A ZAP whose bytes come from the fuzzer. The first byte of an input chooses a sound ZAP to start
 * from, or a raw block; then come changes (block u8, offset u16, value u8), up to block 255; the
 * rest are operations of a byte each.
 */
class ZapFuzzTest {
  private static final int[] ENTRIES = {0, 5, 40, 400, 1500};
  private static final int RAW = ENTRIES.length;
  private static final int LAST_CHANGE = 255;

  private static byte[] name(int i) {
    return ("name " + i).getBytes(StandardCharsets.US_ASCII);
  }

  @FuzzTest(maxDuration = "1m")
  void everyInputIsUsableOrCorrupt(byte[] input) {
    ByteBuffer in = ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN);
    ZapWorld world = new ZapWorld(1);
    HeapBlockObject object = new HeapBlockObject();
    Zap.create(world.tx, object, world);
    Zap zap = Zap.open(object, world);
    int kind = in.hasRemaining() ? (in.get() & 0xff) % (RAW + 1) : 1;
    int entries = kind == RAW ? 0 : ENTRIES[kind];
    for (int i = 0; i < entries; i++) {
      zap.insertLong(world.tx, name(i), i);
    }
    if (kind == RAW) {
      raw(object, world, in);
    } else {
      assertThat(zap.check()).isEmpty();
      assertThat(zap.count()).isEqualTo(entries);
      change(object, in);
    }
    use(object, zap, world, entries, in);
    object.assertNoPins();
  }

  /** Keeps the first eight bytes, the magic. */
  private static void raw(HeapBlockObject object, ZapWorld world, ByteBuffer in) {
    object.setBlockBytes(world.tx, in.remaining() > 504 ? 16384 : 512);
    try (Block block = object.modify(world.tx, 0)) {
      for (int at = 8; in.hasRemaining() && at < block.segment().byteSize(); at++) {
        block.segment().set(java.lang.foreign.ValueLayout.JAVA_BYTE, at, in.get());
      }
    }
  }

  private static void change(HeapBlockObject object, ByteBuffer in) {
    while (in.remaining() >= 4) {
      int id = in.get() & 0xff;
      if (id == LAST_CHANGE) {
        return;
      }
      byte[] block = object.bytes(id % (int) object.blockCount());
      block[(in.getShort() & 0xffff) % block.length] = in.get();
    }
  }

  private static void use(
      HeapBlockObject object, Zap zap, ZapWorld world, int entries, ByteBuffer in) {
    int most = 100 * entries + 100_000;
    int[] visited = {0};
    mayBeCorrupt(() -> zap.iterate(0, (cookie, name, value) -> ++visited[0] < most));
    assertThat(visited[0]).isLessThan(most);
    mayBeCorrupt(zap::check);
    mayBeCorrupt(() -> ZapDump.print(object, true, line -> {}));
    mayBeCorrupt(zap::count);
    for (int i = 0; i < 32; i++) {
      int next = (in.hasRemaining() ? in.get() : i * 37) & 0xff;
      byte[] name = name(next % (entries + 3));
      switch (next >> 4 & 3) {
        case 0 -> mayBeCorrupt(() -> zap.getLong(name));
        case 1 -> mayBeCorrupt(() -> zap.put(world.tx, name, new byte[1 + next * 4]));
        case 2 -> mayBeCorrupt(() -> zap.insertLong(world.tx, name, next));
        default -> mayBeCorrupt(() -> zap.remove(world.tx, name));
      }
    }
    mayBeCorrupt(zap::check);
  }

  private static void mayBeCorrupt(Runnable call) {
    try {
      call.run();
    } catch (PoolException e) {
      assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class);
    }
  }
}
