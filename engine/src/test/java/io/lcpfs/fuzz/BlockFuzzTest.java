package io.lcpfs.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.GangHeader;
import io.lcpfs.format.Hash256;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Hostile block pointers, dnodes and gang headers: an input is the structure's bytes. */
class BlockFuzzTest {

  private static void valueOrCorrupt(Runnable decode) {
    try {
      decode.run();
    } catch (PoolException e) {
      assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class);
    }
  }

  @FuzzTest(maxDuration = "1m")
  void everyBlockPointerIsAValueOrCorrupt(byte[] input) {
    MemorySegment at = MemorySegment.ofArray(Arrays.copyOf(input, BlockPointer.BYTES));
    valueOrCorrupt(
        () -> {
          BlockPointer pointer = BlockPointer.decode(at, 0);
          assertThat(pointer.toString()).isNotEmpty();
          MemorySegment again = MemorySegment.ofArray(new byte[BlockPointer.BYTES]);
          pointer.encode(again, 0);
          assertThat(BlockPointer.decode(again, 0)).isEqualTo(pointer);
        });
  }

  @FuzzTest(maxDuration = "1m")
  void everyDnodeIsAValueOrCorrupt(byte[] input) {
    MemorySegment at = MemorySegment.ofArray(Arrays.copyOf(input, DnodeRecord.BYTES));
    valueOrCorrupt(
        () -> {
          DnodeRecord dnode = DnodeRecord.decode(at, 0);
          MemorySegment again = MemorySegment.ofArray(new byte[DnodeRecord.BYTES]);
          dnode.encode(again, 0);
          DnodeRecord second = DnodeRecord.decode(again, 0);
          assertThat(second).usingRecursiveComparison().isEqualTo(dnode);
        });
  }

  @FuzzTest(maxDuration = "1m")
  void everyGangHeaderIsAValueOrCorrupt(byte[] input) {
    MemorySegment sector = MemorySegment.ofArray(Arrays.copyOf(input, 512));
    long checksum = Disk.offset(GangHeader.HEADER, "checksum");
    Hash256.ofRecord(sector, checksum, 0).put(sector, checksum);
    valueOrCorrupt(
        () ->
            assertThat(
                    GangHeader.decode(sector, Disk.u64(sector, 8), Disk.u64(sector, 16)).children())
                .isNotEmpty());
  }
}
