package io.lcpfs.format;

import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static io.lcpfs.format.Disk.U8;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.StructLayout;

/**
 * The structures of a ZAP, an object that holds named attributes. Block 0 is a {@link #HEADER} and
 * a node; every other block is a node or a free block. A node of level 0 is a leaf, others are
 * interior.
 */
public final class ZapRecord {
  /** "LCPFSZAP". */
  public static final long HEADER_MAGIC = 0x5041_5a53_4650_434cL;

  /** "ZNOD". */
  public static final int NODE_MAGIC = 0x444f_4e5a;

  /** "ZFRE". */
  public static final int FREE_MAGIC = 0x4552_465a;

  /** Block size of a ZAP of more than one block, and the largest of one that has only block 0. */
  public static final int BLOCK_BYTES = 16 << 10;

  /** The smallest layout of block 0. */
  public static final int SMALLEST_BYTES = 512;

  /** Interior levels that a tree may have. */
  public static final int MAX_LEVEL = 8;

  /** Largest name and largest value, in bytes; neither may be empty. */
  public static final int MAX_NAME_BYTES = 1024;

  public static final int MAX_VALUE_BYTES = 1024;

  public static final int HEADER_BYTES = 64;
  public static final int NODE_BYTES = 16;
  public static final int SLOT_BYTES = 10;
  public static final int ENTRY_BYTES = 4;
  public static final int BRANCH_BYTES = 12;
  public static final int FREE_BYTES = 12;

  public static final StructLayout HEADER =
      structLayout(
          U64.withName("magic"),
          U32.withName("layout_bytes"),
          U32.withName("block_limit"),
          U32.withName("free_head"),
          U32.withName("free_count"),
          U64.withName("entry_count"),
          U64.withName("salt0"),
          U64.withName("salt1"),
          Disk.bytes("reserved", 16));

  /** {@code heap_start} and {@code live_bytes} are 0 in interior nodes. */
  public static final StructLayout NODE =
      structLayout(
          U32.withName("magic"),
          U8.withName("level"),
          U8.withName("reserved"),
          U16.withName("count"),
          U16.withName("heap_start"),
          U16.withName("live_bytes"),
          U32.withName("block"));

  public static final StructLayout SLOT =
      structLayout(U64.withName("cookie"), U16.withName("entry_offset"));

  /** Followed by the name and the value. */
  public static final StructLayout ENTRY =
      structLayout(U16.withName("name_bytes"), U16.withName("value_bytes"));

  public static final StructLayout BRANCH =
      structLayout(U64.withName("key"), U32.withName("child"));

  public static final StructLayout FREE =
      structLayout(U32.withName("magic"), U32.withName("next"), U32.withName("block"));

  public static final long LAYOUT_BYTES_AT = Disk.offset(HEADER, "layout_bytes");
  public static final long BLOCK_LIMIT_AT = Disk.offset(HEADER, "block_limit");
  public static final long FREE_HEAD_AT = Disk.offset(HEADER, "free_head");
  public static final long FREE_COUNT_AT = Disk.offset(HEADER, "free_count");
  public static final long ENTRY_COUNT_AT = Disk.offset(HEADER, "entry_count");
  public static final long SALT0_AT = Disk.offset(HEADER, "salt0");
  public static final long SALT1_AT = Disk.offset(HEADER, "salt1");

  public static final long NODE_LEVEL_AT = Disk.offset(NODE, "level");
  public static final long NODE_COUNT_AT = Disk.offset(NODE, "count");
  public static final long NODE_HEAP_START_AT = Disk.offset(NODE, "heap_start");
  public static final long NODE_LIVE_BYTES_AT = Disk.offset(NODE, "live_bytes");
  public static final long NODE_BLOCK_AT = Disk.offset(NODE, "block");

  public static final long SLOT_ENTRY_OFFSET_AT = Disk.offset(SLOT, "entry_offset");
  public static final long ENTRY_VALUE_BYTES_AT = Disk.offset(ENTRY, "value_bytes");
  public static final long BRANCH_CHILD_AT = Disk.offset(BRANCH, "child");
  public static final long FREE_NEXT_AT = Disk.offset(FREE, "next");
  public static final long FREE_BLOCK_AT = Disk.offset(FREE, "block");

  static {
    Check.that(HEADER.byteSize() == HEADER_BYTES, "zap header size", HEADER.byteSize());
    Check.that(NODE.byteSize() == NODE_BYTES, "zap node size", NODE.byteSize());
    Check.that(SLOT.byteSize() == SLOT_BYTES, "zap slot size", SLOT.byteSize());
    Check.that(ENTRY.byteSize() == ENTRY_BYTES, "zap entry size", ENTRY.byteSize());
    Check.that(BRANCH.byteSize() == BRANCH_BYTES, "zap branch size", BRANCH.byteSize());
    Check.that(FREE.byteSize() == FREE_BYTES, "zap free block size", FREE.byteSize());
  }

  private ZapRecord() {}
}
