package io.lcpfs.stream;

import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static io.lcpfs.format.Disk.U8;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import java.lang.foreign.StructLayout;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The bytes of a stream; docs/STREAM.md says what they mean. */
final class StreamRecord {
  static final long MAGIC = 0x4D4145525453434CL; // "LCSTREAM"
  static final int VERSION = 1;

  /** What a stream begins with. */
  static final StructLayout PREAMBLE =
      structLayout(U64.withName("magic"), U32.withName("version"), Disk.bytes("reserved", 20));

  /** What each record begins with. */
  static final StructLayout HEADER =
      structLayout(
          U8.withName("type"),
          U8.withName("flags"),
          U16.withName("reserved"),
          U32.withName("payload_bytes"),
          U64.withName("object"),
          U64.withName("offset"),
          U64.withName("length"),
          Disk.bytes("checksum", 32));

  static final StructLayout BEGIN =
      structLayout(
          U64.withName("to_guid"),
          U64.withName("from_guid"),
          U64.withName("creation_seconds"),
          U64.withName("txg"),
          U16.withName("name_bytes"),
          U16.withName("root_bytes"),
          U16.withName("feature_count"),
          Disk.bytes("reserved", 26));

  static final StructLayout FEATURE =
      structLayout(Disk.bytes("name", 63), U8.withName("incompatible"));

  static final StructLayout PROPERTY =
      structLayout(U16.withName("name_bytes"), U16.withName("value_bytes"));

  static final StructLayout OBJECT =
      structLayout(
          U8.withName("type"),
          U8.withName("reserved"),
          U16.withName("bonus_bytes"),
          U32.withName("block_bytes"),
          U64.withName("block_count"));

  static final StructLayout END =
      structLayout(U64.withName("object_count"), U64.withName("record_count"));

  static final int PREAMBLE_BYTES = 32;
  static final int HEADER_BYTES = 64;

  /** Of the header, what its checksum covers. */
  static final int FIELD_BYTES = 32;

  static final int SUM_BYTES = 32;
  static final int BEGIN_BYTES = 64;
  static final int FEATURE_BYTES = 64;
  static final int PROPERTY_BYTES = 4;
  static final int OBJECT_BYTES = 16;
  static final int END_BYTES = 16;

  /** Of an OBJECT: nothing of what has its number in the older snapshot is left. */
  static final int FLAG_NEW = 1;

  /** Of an END: nothing follows. */
  static final int FLAG_LAST = 1;

  /** Blocks may be as they were stored: their compression is in the flags of WRITE. */
  static final String COMPRESSED = "compressed";

  /** What is sent begins as a clone of what it is incremental from, which is of another dataset. */
  static final String CLONE = "clone";

  /** The stream goes on with what was received in part. */
  static final String RESUMED = "resumed";

  /** All that are known here. */
  static final List<String> FEATURES = List.of(COMPRESSED, CLONE, RESUMED);

  static {
    Check.that(PREAMBLE.byteSize() == PREAMBLE_BYTES, "preamble size", PREAMBLE.byteSize());
    Check.that(HEADER.byteSize() == HEADER_BYTES, "header size", HEADER.byteSize());
    Check.that(BEGIN.byteSize() == BEGIN_BYTES, "begin size", BEGIN.byteSize());
    Check.that(FEATURE.byteSize() == FEATURE_BYTES, "feature size", FEATURE.byteSize());
    Check.that(PROPERTY.byteSize() == PROPERTY_BYTES, "property size", PROPERTY.byteSize());
    Check.that(OBJECT.byteSize() == OBJECT_BYTES, "object size", OBJECT.byteSize());
    Check.that(END.byteSize() == END_BYTES, "end size", END.byteSize());
  }

  private StreamRecord() {}

  /** The kinds of records. */
  enum Type {
    BEGIN(1, BEGIN_BYTES, 64 << 10),
    PROPERTIES(2, 0, 1 << 20),
    OBJECT(3, OBJECT_BYTES, OBJECT_BYTES + DnodeRecord.BONUS_BYTES),
    FREE(4, 0, 0),
    WRITE(5, 1, BlockPointer.MAX_BLOCK_BYTES),
    HOLE(6, 0, 0),
    END(7, END_BYTES, END_BYTES);

    private static final Type[] ALL = values();

    final int code;
    final int leastBytes;
    final int mostBytes;

    Type(int code, int leastBytes, int mostBytes) {
      this.code = code;
      this.leastBytes = leastBytes;
      this.mostBytes = mostBytes;
    }

    /** The type of a number, or null. */
    static @Nullable Type of(int code) {
      return code < 1 || code > ALL.length ? null : ALL[code - 1];
    }
  }
}
