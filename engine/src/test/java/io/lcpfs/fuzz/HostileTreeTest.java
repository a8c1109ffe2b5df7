package io.lcpfs.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Compression;
import io.lcpfs.codec.CompressionType;
import io.lcpfs.codec.Compressors;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.Dva;
import io.lcpfs.format.GangHeader;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.TailRecord;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Block pointers, trees, dnodes, object sets, tails and gangs that verify and lie. */
class HostileTreeTest {
  private static final int INDIRECT = 32 << 10;
  private static final long[] NO_SUM = new long[4];

  /** A dnode with another shape, of the same type and owner. */
  static DnodeRecord shaped(
      DnodeRecord d, int levels, int blockBytes, int shift, long blockCount, BlockPointer root) {
    return new DnodeRecord(
        d.type(),
        levels,
        blockBytes,
        shift,
        blockCount,
        d.storedBytes(),
        d.generation(),
        false,
        0,
        root,
        d.bonus());
  }

  private static byte[] filledWith(BlockPointer pointer, int bytes) {
    byte[] block = new byte[bytes];
    for (int at = 0; at < bytes; at += BlockPointer.BYTES) {
      pointer.encode(MemorySegment.ofArray(block), at);
    }
    return block;
  }

  private static void size(PoolForge.Obj file, long bytes) {
    file.editBonus(znode -> Disk.putU64(znode, 24, bytes));
  }

  // ---- trees

  /** A tree of {@code levels} in which all pointers of a level lead to the same block. */
  private static BlockPointer folded(
      PoolForge forge, ObjectType type, int levels, int indirect, BlockPointer leaf) {
    BlockPointer below = leaf;
    for (int level = 1; level < levels; level++) {
      below =
          forge.store(filledWith(below, indirect), type, level, 5, 1L << Math.min(61, 8 * level));
    }
    return below;
  }

  @Test
  void aTreeFoldedOntoItselfIsToldAndNeverWalkedForEver() {
    Lie.told(
        forge -> {
          PoolForge.Obj file = forge.file("/tall");
          BlockPointer leaf = file.block(0, 0).pointer();
          BlockPointer root = folded(forge, ObjectType.FILE, 6, INDIRECT, leaf);
          file.set(d -> shaped(d, 6, d.blockBytes(), 15, 1L << 40, root));
          size(file, 1L << 52);
        });
  }

  @Test
  void aFoldedTreeOfHolesIsToldAndNeverSearchedForEver() {
    Lie.told(
        forge -> {
          PoolForge.Obj file = forge.file("/tall");
          BlockPointer empty = forge.store(new byte[INDIRECT], ObjectType.FILE, 1, 5, 1);
          BlockPointer below = empty;
          for (int level = 2; level < 6; level++) {
            below = forge.store(filledWith(below, INDIRECT), ObjectType.FILE, level, 5, 1);
          }
          BlockPointer root = below;
          file.set(d -> shaped(d, 6, d.blockBytes(), 15, 1L << 40, root));
          size(file, 1L << 52);
        });
  }

  @Test
  void aFoldedTreeOfEmbeddedBlocksIsToldAndNeverWalkedForEver() {
    Lie.told(
        forge -> {
          PoolForge.Obj file = forge.file("/tall");
          BlockPointer leaf = embedded(new byte[4096], CompressionType.ZSTD, ObjectType.FILE, 0);
          BlockPointer root = folded(forge, ObjectType.FILE, 7, INDIRECT, leaf);
          file.set(d -> shaped(d, 7, 4096, 15, 1L << 48, root));
          size(file, 1L << 60);
        });
  }

  private static BlockPointer embedded(
      byte[] content, CompressionType type, ObjectType of, int level) {
    byte[] packed = new byte[content.length];
    int length =
        Compressors.of(new Compression(type, 3))
            .compress(MemorySegment.ofArray(content), MemorySegment.ofArray(packed));
    assertThat(length).isBetween(1, BlockPointer.EMBEDDED_BYTES);
    return BlockPointer.embedded(
        java.util.Arrays.copyOf(packed, length), content.length, type, of, level, 5, 1);
  }

  @Test
  void anIndirectBlockThatPointsAtItselfIsTold() {
    Lie.told(
        forge -> {
          PoolForge.Obj file = forge.file("/tall");
          long dva = forge.steal(INDIRECT);
          // Without a checksum a block can name itself, one level down.
          BlockPointer self =
              BlockPointer.stored(
                  new long[] {dva, 0, 0},
                  INDIRECT,
                  INDIRECT,
                  CompressionType.OFF,
                  ChecksumType.OFF,
                  ObjectType.FILE,
                  1,
                  5,
                  256,
                  NO_SUM);
          forge.at(dva, INDIRECT).copyFrom(MemorySegment.ofArray(filledWith(self, INDIRECT)));
          BlockPointer root =
              BlockPointer.stored(
                  new long[] {dva, 0, 0},
                  INDIRECT,
                  INDIRECT,
                  CompressionType.OFF,
                  ChecksumType.OFF,
                  ObjectType.FILE,
                  2,
                  5,
                  65_536,
                  NO_SUM);
          file.set(d -> shaped(d, 3, d.blockBytes(), 15, 65_536, root));
        });
  }

  @Test
  void pointersOfAnotherLevelTypeOrSizeAreTold() {
    List<BlockPointer> wrong = new ArrayList<>();
    PoolForge sample = PoolForge.fresh();
    BlockPointer right = sample.file("/tall").block(0, 3).pointer();
    long[] dvas = {right.dva(0), 0, 0};
    long[] sum = {
      right.checksumWord(0), right.checksumWord(1), right.checksumWord(2), right.checksumWord(3)
    };
    wrong.add(
        BlockPointer.stored(
            dvas,
            4096,
            4096,
            CompressionType.OFF,
            ChecksumType.BLAKE3,
            ObjectType.FILE,
            3,
            5,
            1,
            sum));
    wrong.add(
        BlockPointer.stored(
            dvas,
            4096,
            4096,
            CompressionType.OFF,
            ChecksumType.BLAKE3,
            ObjectType.DIRECTORY,
            0,
            5,
            1,
            sum));
    wrong.add(
        BlockPointer.stored(
            dvas, 512, 512, CompressionType.OFF, ChecksumType.OFF, ObjectType.FILE, 0, 5, 1, sum));
    wrong.add(
        BlockPointer.stored(
            dvas,
            16 << 20,
            512,
            CompressionType.ZSTD,
            ChecksumType.OFF,
            ObjectType.FILE,
            0,
            5,
            1,
            sum));
    wrong.add(
        BlockPointer.stored(
            dvas, 4096, 512, CompressionType.OFF, ChecksumType.OFF, ObjectType.FILE, 0, 5, 1, sum));
    wrong.add(
        BlockPointer.stored(
            dvas,
            4096,
            2048,
            CompressionType.LZMA,
            ChecksumType.OFF,
            ObjectType.FILE,
            0,
            5,
            1,
            sum));
    wrong.add(
        BlockPointer.embedded(
            new byte[90], 16 << 20, CompressionType.OFF, ObjectType.FILE, 0, 5, 1));
    wrong.add(
        BlockPointer.stored(
            new long[] {Dva.of(4000, 0), 0, 0},
            4096,
            4096,
            CompressionType.OFF,
            ChecksumType.BLAKE3,
            ObjectType.FILE,
            0,
            5,
            1,
            sum));
    wrong.add(
        BlockPointer.stored(
            new long[] {Dva.of(1, (1 << 20) - 512), 0, 0},
            4096,
            4096,
            CompressionType.OFF,
            ChecksumType.BLAKE3,
            ObjectType.FILE,
            0,
            5,
            1,
            sum));
    wrong.add(
        BlockPointer.stored(
            new long[] {dvas[0] + 1, 0, 0},
            4096,
            4096,
            CompressionType.OFF,
            ChecksumType.OFF,
            ObjectType.FILE,
            0,
            5,
            1,
            sum));
    wrong.add(
        BlockPointer.stored(
            dvas,
            4096,
            4096,
            CompressionType.OFF,
            ChecksumType.BLAKE3,
            ObjectType.FILE,
            0,
            1L << 62,
            -1,
            sum));
    for (BlockPointer pointer : wrong) {
      Lie.told(forge -> forge.file("/tall").block(0, 3).set(pointer));
    }
  }

  @Test
  void indirectPointersOfAnotherLevelOrSizeAreTold() {
    for (int size : new int[] {512, 16 << 20}) {
      for (int level : new int[] {0, 1, 7}) {
        Lie.told(
            forge -> {
              PoolForge.Ref indirect = forge.file("/tall").block(1, 0);
              BlockPointer old = indirect.pointer();
              indirect.set(
                  BlockPointer.stored(
                      new long[] {old.dva(0), 0, 0},
                      size,
                      Math.min(size, 4096),
                      size == 512 ? CompressionType.OFF : CompressionType.LZ4,
                      ChecksumType.OFF,
                      ObjectType.FILE,
                      level,
                      5,
                      256,
                      NO_SUM));
            });
      }
    }
  }

  @Test
  void bombsFillTheirBlockOrAreRefused() {
    for (CompressionType type :
        List.of(CompressionType.ZSTD, CompressionType.LZMA, CompressionType.LZ4)) {
      Lie.survived(
          forge -> {
            PoolForge.Obj file = forge.file("/one");
            byte[] payload = new byte[96];
            byte[] zeros = new byte[1 << 20];
            byte[] packed = new byte[1 << 20];
            int length =
                Compressors.of(new Compression(type, type == CompressionType.LZ4 ? 0 : 9))
                    .compress(MemorySegment.ofArray(zeros), MemorySegment.ofArray(packed));
            System.arraycopy(packed, 0, payload, 0, Math.min(96, length));
            BlockPointer bomb =
                BlockPointer.embedded(payload, 16 << 20, type, ObjectType.FILE, 0, 5, 1);
            file.set(d -> shaped(d, 1, 16 << 20, 15, 1, bomb));
            size(file, 16 << 20);
          });
    }
  }

  // ---- dnodes

  @Test
  void blockCountsBeyondEveryFileAreRefusedOrHarmless() {
    for (long count : new long[] {1L << 40, 1L << 54, (1L << 62) - 1, Long.MAX_VALUE}) {
      for (int levels : new int[] {1, 2, 3, 9}) {
        Lie.survived(
            forge -> {
              PoolForge.Obj file = forge.file("/tall");
              file.edit(
                  dnode -> {
                    Disk.putU8(dnode, 1, levels);
                    Disk.putU64(dnode, 16, count);
                  });
            });
      }
    }
  }

  @Test
  void aHoleAsLongAsAFileMayBeIsReadSearchedAndRemoved() {
    Lie.survived(
        forge -> {
          PoolForge.Obj file = forge.file("/tall");
          file.set(d -> shaped(d, 7, 512, 15, 1L << 48, BlockPointer.HOLE));
          size(file, 1L << 57);
        });
  }

  @Test
  void everyByteOfADnodeMayBeWrong() {
    int[] values = {0, 1, 9, 0x0a, 0x7f, 0xff};
    for (int at = 0; at < 72; at += at < 16 ? 1 : 3) {
      for (int i = 0; i < (at < 16 ? 4 : 1); i++) {
        int offset = at;
        int value = values[(at + i) % values.length];
        PoolForge forge = PoolForge.fresh();
        forge.file("/tall").edit(dnode -> Disk.putU8(dnode, offset, value));
        HostileRun.use(forge.bytes(), Lie.env());
      }
    }
  }

  @Test
  void indirectBlocksOfEverySizeAreToldOrUsed() {
    for (int shift = 10; shift <= 20; shift++) {
      int wanted = shift;
      Lie.survived(
          forge -> {
            PoolForge.Obj file = forge.file("/one");
            file.set(d -> shaped(d, 9, 512, wanted, 0, BlockPointer.HOLE));
            size(file, 1L << 61);
          });
    }
  }

  // ---- object sets

  @Test
  void objectSetsWhoseDnodeBlocksAreShortAreRefused() {
    for (int bytes : new int[] {512, 4096, 32 << 10}) {
      Lie.refused(forge -> forge.meta().root().edit(set -> Disk.putU32(set, 512 + 8, bytes)));
      Lie.told(
          forge -> {
            PoolForge.Objects files = forge.files("");
            BlockPointer old = files.dnodes().block(0, 0).pointer();
            BlockPointer root =
                BlockPointer.stored(
                    new long[] {old.dva(0), 0, 0},
                    bytes,
                    Math.min(bytes, 4096),
                    bytes > 4096 ? CompressionType.LZ4 : CompressionType.OFF,
                    ChecksumType.OFF,
                    ObjectType.DNODE,
                    0,
                    5,
                    30,
                    NO_SUM);
            files.dnodes().set(d -> shaped(d, 1, bytes, 15, 1, root));
          });
    }
  }

  @Test
  void objectSetsWhoseTailsAreInTailsAreRefused() {
    for (long at : new long[] {512, 1024, 1536}) {
      Lie.told(
          forge ->
              forge
                  .files("")
                  .root()
                  .edit(
                      set -> {
                        new DnodeRecord(
                                at == 512
                                    ? ObjectType.DNODE
                                    : at == 1024 ? ObjectType.TAILS : ObjectType.META_TAILS,
                                1,
                                at == 512 ? 16 << 10 : TailRecord.MAX_BYTES,
                                15,
                                1,
                                0,
                                0,
                                true,
                                100,
                                BlockPointer.HOLE,
                                new byte[0])
                            .encode(set, at);
                      }));
    }
  }

  @Test
  void dnodesBehindManyHolesAreFoundWithoutLookingAtEach() {
    for (boolean folded : new boolean[] {false, true}) {
      Lie.told(
          forge -> {
            PoolForge.Objects files = forge.files("a/c");
            PoolForge.Obj dnodes = files.dnodes();
            BlockPointer leaf = dnodes.block(0, 0).pointer();
            BlockPointer first =
                forge.store(
                    filledWith(folded ? leaf : BlockPointer.HOLE, INDIRECT),
                    ObjectType.DNODE,
                    1,
                    5,
                    8192);
            byte[] top = filledWith(folded ? first : BlockPointer.HOLE, INDIRECT);
            byte[] bottom = new byte[INDIRECT];
            leaf.encode(MemorySegment.ofArray(bottom), 0);
            forge.store(bottom, ObjectType.DNODE, 1, 5, 32).encode(MemorySegment.ofArray(top), 0);
            BlockPointer below = forge.store(top, ObjectType.DNODE, 2, 5, 32);
            for (int level = 3; level < 6; level++) {
              byte[] block = filledWith(folded ? below : BlockPointer.HOLE, INDIRECT);
              below.encode(MemorySegment.ofArray(block), 0);
              below = forge.store(block, ObjectType.DNODE, level, 5, 32);
            }
            BlockPointer root = below;
            dnodes.set(d -> shaped(d, 6, 16 << 10, 15, 1L << 40, root));
          });
    }
  }

  @Test
  void countsOfObjectsThatLieAreToldAndNeverFallBelowZero() {
    for (long count : new long[] {0, 1, 1L << 40, Long.MAX_VALUE}) {
      Lie.told(forge -> forge.files("").root().edit(set -> Disk.putU64(set, 8, count)));
      Lie.told(forge -> forge.meta().root().edit(set -> Disk.putU64(set, 8, count)));
    }
  }

  // ---- tails

  @Test
  void tailEntriesThatOverlapOrLieOutsideAreTold() {
    int slot = (int) (PoolForge.inode("/d1/tail1") % TailRecord.SLOTS);
    long at = (long) slot * TailRecord.ENTRY_BYTES;
    for (long offset : new long[] {0, 512, 0xffff_ffffL, 0x7fff_ffffL}) {
      for (int length : new int[] {400, 0, 4096, 0xffff}) {
        Lie.told(
            forge ->
                forge
                    .file("/d1/tail1")
                    .tail()
                    .edit(
                        block -> {
                          Disk.putU32(block, at, offset);
                          Disk.putU16(block, at + 4, length);
                        }));
      }
    }
  }

  @Test
  void tailsShorterThanTheirDirectoryAreTold() {
    Lie.told(
        forge -> {
          PoolForge.Ref tail = forge.file("/d1/tail1").tail();
          tail.replace(new byte[512]);
        });
    Lie.told(
        forge -> {
          PoolForge.Ref tail = forge.file("/d1/tail1").tail();
          tail.set(BlockPointer.HOLE);
        });
  }

  // ---- gangs

  private static BlockPointer gangOf(
      PoolForge forge, long birth, int bytes, List<BlockPointer> children, long[] sum) {
    long dva = forge.steal(4096);
    new GangHeader(dva, birth, children).encode(forge.at(dva, 4096));
    return BlockPointer.stored(
        new long[] {Dva.gang(dva), 0, 0},
        bytes,
        bytes,
        CompressionType.OFF,
        ChecksumType.BLAKE3,
        ObjectType.FILE,
        0,
        birth,
        1,
        sum);
  }

  private static BlockPointer piece(long dva, int bytes) {
    return BlockPointer.stored(
        new long[] {dva, 0, 0},
        bytes,
        bytes,
        CompressionType.OFF,
        ChecksumType.OFF,
        ObjectType.GANG_HEADER,
        0,
        5,
        1,
        NO_SUM);
  }

  @Test
  void gangsThatAreSoundAreRead() {
    HostileRun.Outcome outcome =
        Lie.survived(
            forge -> {
              PoolForge.Ref block = forge.file("/tall").block(0, 3);
              MemorySegment content = MemorySegment.ofArray(block.read());
              long dva = forge.steal(4096);
              forge.at(dva, 4096).copyFrom(content);
              block.set(
                  gangOf(forge, 5, 4096, List.of(piece(dva, 4096)), PoolForge.checksum(content)));
            });
    assertThat(outcome.refusals()).noneMatch(text -> text.contains("corrupt"));
  }

  @Test
  void gangsThatHoldThemselvesOrOtherGangsAreTold() {
    Lie.told(
        forge -> {
          long dva = forge.steal(4096);
          BlockPointer self = piece(Dva.gang(dva), 4096);
          new GangHeader(dva, 5, List.of(self)).encode(forge.at(dva, 4096));
          forge
              .file("/tall")
              .block(0, 3)
              .set(
                  BlockPointer.stored(
                      new long[] {Dva.gang(dva), 0, 0},
                      4096,
                      4096,
                      CompressionType.OFF,
                      ChecksumType.OFF,
                      ObjectType.FILE,
                      0,
                      5,
                      1,
                      NO_SUM));
        });
    Lie.told(
        forge -> {
          long dva = forge.steal(4096);
          // Its one piece is the header itself.
          new GangHeader(dva, 5, List.of(piece(dva, 4096))).encode(forge.at(dva, 4096));
          forge
              .file("/tall")
              .block(0, 3)
              .set(
                  BlockPointer.stored(
                      new long[] {Dva.gang(dva), 0, 0},
                      4096,
                      4096,
                      CompressionType.OFF,
                      ChecksumType.OFF,
                      ObjectType.FILE,
                      0,
                      5,
                      1,
                      NO_SUM));
        });
  }

  @Test
  void gangsWhosePiecesDoNotAddUpAreTold() {
    for (int size : new int[] {512, 8192, 16 << 20}) {
      Lie.told(
          forge ->
              forge
                  .file("/tall")
                  .block(0, 3)
                  .set(gangOf(forge, 5, 4096, List.of(piece(forge.steal(4096), size)), NO_SUM)));
    }
    Lie.told(
        forge -> {
          List<BlockPointer> pieces = new ArrayList<>();
          for (int i = 0; i < 31; i++) {
            pieces.add(piece(Dva.of(1, (1 << 20) - 4096), 16 << 20));
          }
          forge.file("/tall").block(0, 3).set(gangOf(forge, 5, 4096, pieces, NO_SUM));
        });
  }
}
