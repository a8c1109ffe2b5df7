package io.lcpfs.posix;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Hostile znodes, maps of extended attributes and directory entries: an input is their bytes. */
class PosixFuzzTest {

  private static void valueOrCorrupt(Runnable decode) {
    try {
      decode.run();
    } catch (PoolException e) {
      assertThat(e.error()).isInstanceOf(PoolError.Corrupt.class);
    }
  }

  @FuzzTest(maxDuration = "1m")
  void everyZnodeIsAValueOrCorrupt(byte[] input) {
    byte[] bonus =
        input.length < ZnodeRecord.BYTES ? Arrays.copyOf(input, ZnodeRecord.BYTES) : input;
    MemorySegment.ofArray(bonus).set(Disk.U16, 0, (short) ZnodeRecord.VERSION);
    valueOrCorrupt(
        () -> {
          ZnodeRecord record = ZnodeRecord.decode(bonus);
          byte[] again = record.encode();
          assertThat(ZnodeRecord.decode(again).encode()).isEqualTo(again);
        });
  }

  @FuzzTest(maxDuration = "1m")
  void everyMapOfExtendedAttributesIsAValueOrCorrupt(byte[] input) {
    byte[] bytes = Arrays.copyOf(input, Math.max(XattrMap.HEADER_BYTES, input.length));
    Disk.putU32(MemorySegment.ofArray(bytes), 0, XattrMap.MAGIC);
    Disk.putU32(MemorySegment.ofArray(bytes), 8, bytes.length);
    valueOrCorrupt(
        () -> {
          XattrMap map = XattrMap.decode(bytes);
          assertThat(XattrMap.decode(map.encode()).encode()).isEqualTo(map.encode());
          map.names().forEach(name -> assertThat(map.get(name)).isNotNull());
        });
  }

  @FuzzTest(maxDuration = "1m")
  void everyDirectoryEntryIsAValueOrCorrupt(byte[] input) {
    valueOrCorrupt(
        () -> {
          long entry = DirectoryOps.entryOf(input);
          assertThat(DirectoryEntry.inode(entry)).isBetween(1L, (1L << 48) - 1);
        });
    valueOrCorrupt(
        () -> {
          byte[] name = input;
          Names.checkFromDisk(name);
          assertThat(name.length).isBetween(1, 255);
        });
  }
}
