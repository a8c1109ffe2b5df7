package io.lcpfs.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.format.Disk;
import io.lcpfs.format.TailRecord;
import io.lcpfs.format.ZapRecord;
import io.lcpfs.posix.Mode;
import io.lcpfs.posix.ZnodeRecord;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Files, directories, links and extended attributes that verify and lie. */
class HostileFileTest {
  private static final long SIZE = Disk.offset(ZnodeRecord.LAYOUT, "size");
  private static final long NLINK = Disk.offset(ZnodeRecord.LAYOUT, "nlink");
  private static final long MODE = Disk.offset(ZnodeRecord.LAYOUT, "mode");
  private static final long FLAGS = Disk.offset(ZnodeRecord.LAYOUT, "flags");
  private static final long PARENT = Disk.offset(ZnodeRecord.LAYOUT, "parent");
  private static final long XATTRS = Disk.offset(ZnodeRecord.LAYOUT, "xattr_object");
  private static final long COUNT = Disk.offset(ZnodeRecord.LAYOUT, "entry_count");
  private static final long INLINE = Disk.offset(ZnodeRecord.LAYOUT, "inline_bytes");

  static byte[] name(String text) {
    return text.getBytes(UTF_8);
  }

  private static long entry(PoolForge forge, String directory, String name) {
    long[] value = new long[1];
    ForgedZap.edit(
        forge, forge.file(directory), (zap, world) -> value[0] = zap.getLong(name(name)));
    assertThat(value[0]).isNotEqualTo(-1);
    return value[0];
  }

  // ---- names

  @Test
  void directoriesThatLeadInACircleAreTold() {
    Lie.told(
        forge -> {
          long d1 = entry(forge, "/", "d1");
          ForgedZap.edit(
              forge,
              forge.file("/d1/d2"),
              (zap, world) -> zap.insertLong(world.tx, name("again"), d1));
        });
    Lie.told(
        forge -> {
          long d3 = entry(forge, "/d1/d2", "d3");
          ForgedZap.edit(
              forge,
              forge.file("/d1/d2/d3"),
              (zap, world) -> zap.insertLong(world.tx, name("self"), d3));
        });
    Lie.told(
        forge -> {
          // The circle agrees with what its members say of their parents.
          long d1 = entry(forge, "/", "d1");
          ForgedZap.edit(
              forge,
              forge.file("/d1/d2/d3"),
              (zap, world) -> zap.insertLong(world.tx, name("up"), d1));
          forge.file("/d1").editBonus(z -> Disk.putU64(z, PARENT, PoolForge.inode("/d1/d2/d3")));
        });
  }

  @Test
  void theRootInsideItselfIsTold() {
    Lie.told(
        forge -> {
          long d1 = entry(forge, "/", "d1");
          long root = (d1 & ~((1L << 60) - 1)) | PoolForge.inode("/") | (0xfffL << 48);
          ForgedZap.edit(
              forge, forge.file("/"), (zap, world) -> zap.insertLong(world.tx, name("root"), root));
          ForgedZap.edit(
              forge,
              forge.file("/d1/d2"),
              (zap, world) -> zap.insertLong(world.tx, name("root"), root));
        });
  }

  @Test
  void aDirectoryWithTwoNamesIsTold() {
    Lie.told(
        forge -> {
          long d2 = entry(forge, "/d1", "d2");
          ForgedZap.edit(
              forge,
              forge.file("/other"),
              (zap, world) -> zap.insertLong(world.tx, name("d2"), d2));
        });
  }

  @Test
  void entriesThatLeadNowhereOrElsewhereAreTold() {
    for (long value :
        new long[] {
          0,
          1,
          -1,
          Long.MIN_VALUE,
          Long.MAX_VALUE,
          4L << 60 | 2,
          8L << 60 | 0xffff_ffff_ffffL,
          8L << 60 | 1,
          4L << 60 | 1
        }) {
      Lie.told(
          forge ->
              ForgedZap.edit(
                  forge,
                  forge.file("/d1"),
                  (zap, world) ->
                      zap.put(
                          world.tx,
                          name("tail1"),
                          java.nio.ByteBuffer.allocate(8)
                              .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                              .putLong(value)
                              .array())));
    }
    Lie.told(
        forge ->
            ForgedZap.edit(
                forge,
                forge.file("/d1"),
                (zap, world) -> zap.put(world.tx, name("tail1"), new byte[3])));
  }

  @Test
  void namesThatNoFileMayHaveAreTold() {
    for (String bad : List.of(".", "..", "a/b", "/", "nul\0", "x".repeat(256))) {
      Lie.told(
          forge -> {
            long tail = entry(forge, "/d1", "tail1");
            ForgedZap.edit(
                forge,
                forge.file("/d1/d2/d3"),
                (zap, world) -> zap.insertLong(world.tx, name(bad), tail));
          });
    }
  }

  // ---- ZAPs

  @Test
  void treesOfNodesThatLeadInACircleAreTold() {
    for (int child : new int[] {0, 1, 2, 0x7fff_ffff, -1}) {
      Lie.told(
          forge ->
              forge
                  .file("/many")
                  .block(0, 0)
                  .edit(
                      block -> {
                        int count =
                            Disk.u16(block, ZapRecord.HEADER_BYTES + ZapRecord.NODE_COUNT_AT);
                        for (int i = 0; i < count; i++) {
                          Disk.putU32(
                              block,
                              ZapRecord.HEADER_BYTES
                                  + ZapRecord.NODE_BYTES
                                  + (long) i * ZapRecord.BRANCH_BYTES
                                  + ZapRecord.BRANCH_CHILD_AT,
                              child);
                        }
                      }));
    }
  }

  @Test
  void anInteriorNodeThatIsItsOwnChildIsTold() {
    Lie.told(
        forge -> {
          forge
              .file("/many")
              .block(0, 0)
              .edit(
                  block -> Disk.putU8(block, ZapRecord.HEADER_BYTES + ZapRecord.NODE_LEVEL_AT, 8));
          forge
              .file("/many")
              .block(0, 1)
              .edit(
                  block -> {
                    block.asSlice(16).fill((byte) 0);
                    Disk.putU8(block, ZapRecord.NODE_LEVEL_AT, 7);
                    Disk.putU16(block, ZapRecord.NODE_COUNT_AT, 1000);
                    for (int i = 0; i < 1000; i++) {
                      Disk.putU64(block, 16 + i * 12L, (long) i << 40);
                      Disk.putU32(block, 16 + i * 12L + 8, 1);
                    }
                  });
        });
  }

  @Test
  void everyWordOfALargeDirectorysRootMayBeWrong() {
    int[] values = {0, -1, 0x7fff_ffff};
    for (int at = 8; at < 112; at += 4) {
      int offset = at;
      int value = values[at / 4 % values.length];
      PoolForge forge = PoolForge.fresh();
      forge.file("/many").block(0, 0).edit(block -> Disk.putU32(block, offset, value));
      HostileRun.use(forge.bytes(), Lie.env());
    }
  }

  // ---- attributes

  @Test
  void sizesThatLieAreToldOrReadAsZeros() {
    for (long size : new long[] {0, 1, 1L << 40, 1L << 62, Long.MAX_VALUE, -1}) {
      Lie.survived(forge -> forge.file("/tall").editBonus(z -> Disk.putU64(z, SIZE, size)));
      Lie.survived(forge -> forge.file("/d1/tail1").editBonus(z -> Disk.putU64(z, SIZE, size)));
      Lie.survived(forge -> forge.file("/many").editBonus(z -> Disk.putU64(z, SIZE, size)));
    }
  }

  @Test
  void linkCountsThatLieAreTold() {
    for (long links : new long[] {0, 9, 0x7fff_ffff, 0xffff_ffffL}) {
      for (String file : List.of("/one", "/d1", "/d1/d2/d3", "/")) {
        Lie.told(forge -> forge.file(file).editBonus(z -> Disk.putU32(z, NLINK, links)));
      }
    }
  }

  @Test
  void countsOfEntriesThatLieAreTold() {
    for (long count : new long[] {0, 1, Long.MAX_VALUE, -1}) {
      Lie.told(forge -> forge.file("/d1").editBonus(z -> Disk.putU64(z, COUNT, count)));
    }
  }

  @Test
  void parentsThatLieAreTold() {
    for (long parent :
        new long[] {
          0, -1, 1, 77_777, Long.MAX_VALUE, PoolForge.inode("/d1/d2/d3"), PoolForge.inode("/one")
        }) {
      Lie.told(forge -> forge.file("/d1/d2").editBonus(z -> Disk.putU64(z, PARENT, parent)));
      Lie.told(forge -> forge.file("/").editBonus(z -> Disk.putU64(z, PARENT, parent)));
    }
  }

  @Test
  void modesThatLieAreTold() {
    for (int mode : new int[] {0, Mode.REGULAR, Mode.DIRECTORY, Mode.SYMLINK, Mode.FIFO, -1}) {
      Lie.survived(forge -> forge.file("/tall").editBonus(z -> Disk.putU32(z, MODE, mode)));
      Lie.survived(forge -> forge.file("/d1").editBonus(z -> Disk.putU32(z, MODE, mode)));
    }
  }

  @Test
  void everyHalfWordOfAZnodeMayBeWrong() {
    int[] values = {0, 0xffff, 0x8000};
    for (int at = 0; at < ZnodeRecord.BYTES + 32; at += 2) {
      int offset = at;
      int value = values[at / 2 % values.length];
      PoolForge forge = PoolForge.fresh();
      forge.file("/one").editBonus(z -> Disk.putU16(z, offset, value));
      forge.file("/d1").editBonus(z -> Disk.putU16(z, offset, value));
      HostileRun.use(forge.bytes(), Lie.env());
    }
  }

  // ---- links and extended attributes

  @Test
  void targetsOfLinksThatLieAreTold() {
    for (int bytes : new int[] {0, 5, 200, 0xffff}) {
      Lie.told(forge -> forge.file("/short-link").editBonus(z -> Disk.putU16(z, INLINE, bytes)));
    }
    for (long size : new long[] {0, 4096, 1L << 40}) {
      Lie.told(forge -> forge.file("/long-link").editBonus(z -> Disk.putU64(z, SIZE, size)));
    }
    Lie.survived(forge -> forge.file("/long-link").editContent(c -> c.fill((byte) 0)));
    Lie.survived(forge -> forge.file("/long-link").editContent(c -> c.fill((byte) '/')));
  }

  @Test
  void mapsOfExtendedAttributesThatLieAreTold() {
    for (int field : new int[] {0, 4, 8, 16, 20}) {
      for (long value : new long[] {0, 1, 0xffff, 0xffff_ffffL, 0x7fff_ffff, 1 << 20}) {
        Lie.survived(
            forge -> {
              forge.file("/one").editBonus(z -> Disk.putU32(z, ZnodeRecord.BYTES + field, value));
              long map = Disk.u64(bonus(forge, "/tall"), XATTRS);
              forge.files("").object(map).editContent(c -> Disk.putU32(c, field, value));
            });
      }
    }
  }

  private static MemorySegment bonus(PoolForge forge, String file) {
    return MemorySegment.ofArray(forge.file(file).record().bonus());
  }

  @Test
  void extendedAttributesInObjectsThatAreNoneAreTold() {
    for (long object :
        new long[] {
          -1,
          1,
          77_777,
          Long.MAX_VALUE,
          PoolForge.inode("/tall"),
          PoolForge.inode("/"),
          PoolForge.inode("/one")
        }) {
      Lie.told(forge -> forge.file("/tall").editBonus(z -> Disk.putU64(z, XATTRS, object)));
    }
    Lie.told(
        forge -> {
          long shared = Disk.u64(bonus(forge, "/d1"), XATTRS);
          forge.file("/tall").editBonus(z -> Disk.putU64(z, XATTRS, shared));
        });
  }

  @Test
  void flagsThatLieAreTold() {
    for (int flags = 0; flags < 16; flags++) {
      int value = flags;
      Lie.survived(
          forge -> {
            for (String file : List.of("/one", "/short-link", "/d1/tail1", "/d1/d2")) {
              forge.file(file).editBonus(z -> Disk.putU16(z, FLAGS, value));
            }
          });
    }
  }

  @Test
  void masterRecordsThatLieAreTold() {
    for (String key : List.of("root", "unlinked", "version", "xattrs")) {
      for (long value :
          new long[] {1, 77_777, -3, PoolForge.inode("/one"), PoolForge.inode("/d1")}) {
        Lie.told(
            forge ->
                ForgedZap.edit(
                    forge,
                    forge.files("").object(1),
                    (zap, world) ->
                        zap.putLong(
                            world.tx, name(key), value == 1 && key.length() > 6 ? 9 : value)));
      }
    }
  }

  @Test
  void filesThatAreBothNamedAndToBeFreedAreTold() {
    for (String file : List.of("/tall", "/d1", "/", "/d1/tail0")) {
      for (int links : new int[] {0, 1}) {
        Lie.survived(
            forge -> {
              long inode = PoolForge.inode(file);
              forge.file(file).editBonus(z -> Disk.putU32(z, NLINK, links));
              byte[] key = new byte[8];
              Disk.putU64(MemorySegment.ofArray(key), 0, inode);
              ForgedZap.edit(
                  forge,
                  forge.files("").object(unlinkedObject(forge)),
                  (zap, world) -> zap.insertLong(world.tx, key, inode));
            });
      }
    }
  }

  private static long unlinkedObject(PoolForge forge) {
    long[] value = new long[1];
    ForgedZap.edit(
        forge, forge.files("").object(1), (zap, world) -> value[0] = zap.getLong(name("unlinked")));
    return value[0];
  }

  @Test
  void tailsOfADirectoryThatAreAnothersAreTold() {
    Lie.told(
        forge -> {
          int one = (int) (PoolForge.inode("/d1/d2") % TailRecord.SLOTS);
          int other = (int) (PoolForge.inode("/d1/d2/d3") % TailRecord.SLOTS);
          forge
              .file("/d1/d2")
              .tail()
              .edit(
                  block ->
                      block
                          .asSlice((long) one * TailRecord.ENTRY_BYTES, TailRecord.ENTRY_BYTES)
                          .copyFrom(
                              block.asSlice(
                                  (long) other * TailRecord.ENTRY_BYTES, TailRecord.ENTRY_BYTES)));
        });
  }
}
