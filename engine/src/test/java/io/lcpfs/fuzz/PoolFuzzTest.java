package io.lcpfs.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/**
 * A whole pool of 16 MiB, of which the fuzzer changes bytes, and all checksums above them are made
 * right again; then everything is read, and half of the time changed and removed. An input is a
 * byte that says whether to write, and up to {@link #MOST_EDITS} edits of 8 bytes: what (u8), value
 * (u8), which block (u16), offset (u32).
 */
class PoolFuzzTest {
  private static final int EDIT_BYTES = 8;
  private static final int MOST_EDITS = 8;
  private static final long[] VALUES = {
    0,
    1,
    2,
    3,
    7,
    8,
    16,
    31,
    32,
    33,
    127,
    128,
    255,
    256,
    511,
    512,
    513,
    4095,
    4096,
    0x7fff,
    0x8000,
    0xffff,
    0x10000,
    1 << 20,
    16 << 20,
    Integer.MAX_VALUE,
    1L << 31,
    0xffff_ffffL,
    1L << 32,
    1L << 40,
    1L << 48,
    1L << 53,
    1L << 54,
    1L << 60,
    1L << 62,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    -1,
    -2,
    -8,
    -512
  };

  private static final List<Function<PoolForge, PoolForge.Ref>> BLOCKS = new ArrayList<>();
  private static final List<Function<PoolForge, PoolForge.Obj>> OBJECTS = new ArrayList<>();

  static {
    PoolForge sample = PoolForge.fresh();
    for (String path : List.of("pool", "", "a", "a/b", "a/c")) {
      collect(sample, path);
    }
  }

  private static PoolForge.Objects set(PoolForge forge, String path) {
    return path.equals("pool") ? forge.meta() : forge.files(path);
  }

  private static void collect(PoolForge sample, String path) {
    BLOCKS.add(forge -> set(forge, path).root());
    List<Function<PoolForge, PoolForge.Obj>> objects = new ArrayList<>();
    objects.add(forge -> set(forge, path).dnodes());
    objects.add(forge -> set(forge, path).tails());
    objects.add(forge -> set(forge, path).metaTails());
    for (PoolForge.Obj object : set(sample, path).find(dnode -> true)) {
      long number = object.number();
      objects.add(forge -> set(forge, path).object(number));
    }
    for (Function<PoolForge, PoolForge.Obj> object : objects) {
      OBJECTS.add(object);
      DnodeRecord dnode = object.apply(sample).record();
      for (int level = dnode.levels() - 1; level >= 0; level--) {
        long blocks = Math.min(4, dnode.blockCount());
        for (long id = 0; id < (level == 0 ? blocks : 1); id++) {
          int at = level;
          long block = id;
          if (!object.apply(sample).block(level, id).pointer().isHole()) {
            BLOCKS.add(forge -> object.apply(forge).block(at, block));
          }
        }
      }
    }
  }

  /** Changes the pool as the input says; false when it can no longer be changed by the rules. */
  private static boolean forge(PoolForge forge, ByteBuffer in) {
    for (int i = 0; i < MOST_EDITS && in.remaining() >= EDIT_BYTES; i++) {
      int kind = in.get() & 0xff;
      long value = VALUES[(in.get() & 0xff) % VALUES.length];
      int which = in.getShort() & 0xffff;
      long offset = in.getInt() & 0xffff_ffffL;
      try {
        edit(forge, kind, value, which, offset);
      } catch (PoolException | IndexOutOfBoundsException beyondTheForge) {
        return false; // what an edit before it left there cannot be edited
      }
    }
    return true;
  }

  private static void edit(PoolForge forge, int kind, long value, int which, long offset) {
    Consumer<MemorySegment> put = at -> put(at, kind >>> 4, value, offset);
    switch (kind & 15) {
      case 0, 1, 2, 3, 4 -> BLOCKS.get(which % BLOCKS.size()).apply(forge).edit(put);
      case 5, 6, 7 -> OBJECTS.get(which % OBJECTS.size()).apply(forge).edit(put);
      case 8, 9 -> OBJECTS.get(which % OBJECTS.size()).apply(forge).editBonus(put);
      case 10, 11 -> BLOCKS.get(which % BLOCKS.size()).apply(forge).editPointerBytes(put);
      case 12 -> forge.editUberblockBytes(at -> put.accept(at.asSlice(0, 512)));
      case 13 -> forge.editConfigBytes(put, forge.config().encodedBytes());
      case 14 -> forge.editLayoutBytes(put, (int) forge.layout().encodedBytes());
      default -> put(forge.image(), kind >>> 4, value, offset);
    }
  }

  /** Puts a value of 1, 2, 4 or 8 bytes at a place of that alignment, or copies a block pointer. */
  private static void put(MemorySegment at, int width, long value, long offset) {
    int bytes = 1 << (width & 3);
    if (at.byteSize() < bytes) {
      return; // a hole, or no bonus
    }
    if ((width & 4) != 0 && at.byteSize() >= 2L * BlockPointer.BYTES) {
      long pointers = at.byteSize() / BlockPointer.BYTES;
      long to = offset % pointers * BlockPointer.BYTES;
      long from = Math.floorMod(value, pointers) * BlockPointer.BYTES;
      MemorySegment.copy(at, from, at, to, BlockPointer.BYTES);
      return;
    }
    long to = offset % (at.byteSize() / bytes) * bytes;
    switch (bytes) {
      case 1 -> Disk.putU8(at, to, (int) value);
      case 2 -> Disk.putU16(at, to, (int) value);
      case 4 -> Disk.putU32(at, to, value);
      default -> Disk.putU64(at, to, value);
    }
  }

  private static void run(byte[] input) {
    ByteBuffer in = ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN);
    boolean writable = in.hasRemaining() && (in.get() & 1) == 1;
    PoolForge forge = PoolForge.fresh();
    forge(forge, in);
    if (writable) {
      HostileRun.use(forge.bytes(), Lie.env());
    } else {
      HostileRun.read(forge.bytes(), Lie.env());
    }
  }

  @FuzzTest(maxDuration = "1m")
  void everyPoolIsUsableOrRefused(byte[] input) {
    run(input);
  }

  @Test
  void poolsWithRandomEditsAreUsableOrRefused() {
    Random random = new Random(Long.getLong("lcpfs.fuzz.seed", 11));
    int count = Integer.getInteger("lcpfs.fuzz.count", 40);
    for (int i = 0; i < count; i++) {
      byte[] input = new byte[1 + EDIT_BYTES * (1 + random.nextInt(3))];
      random.nextBytes(input);
      try {
        run(input);
      } catch (AssertionError e) {
        throw new AssertionError("input " + java.util.HexFormat.of().formatHex(input), e);
      }
    }
  }
}
