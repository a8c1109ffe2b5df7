package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;
import static io.lcpfs.format.Disk.U16;
import static io.lcpfs.format.Disk.U32;
import static io.lcpfs.format.Disk.U64;
import static io.lcpfs.format.Disk.U8;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * All metaslabs of a pool and the tiles that each is made of: a header, then for each metaslab an
 * entry followed by its columns. Whole on every data device; the uberblock names generation and
 * checksum.
 *
 * @param generation counts changes, from 1; odd ones lie in slot B, even ones in slot A
 * @param nextMetaslab the id that the next new metaslab gets; ids start at 1 and are never reused
 * @param entries in ascending order of id
 */
public record LayoutRecord(long generation, long poolGuid, int nextMetaslab, List<Entry> entries) {
  public static final long MAGIC = 0x313054554F59414CL; // "LAYOUT01"
  public static final int VERSION = 1;
  public static final int HEADER_BYTES = 96;
  public static final int ENTRY_BYTES = 24;
  public static final int COLUMN_BYTES = 4;

  public static final StructLayout HEADER =
      structLayout(
          U64.withName("magic"),
          U32.withName("version"),
          U32.withName("entry_count"),
          U64.withName("generation"),
          U64.withName("pool_guid"),
          U64.withName("total_bytes"),
          U32.withName("next_metaslab"),
          Disk.bytes("reserved", 20),
          Disk.bytes("checksum", 32));

  public static final StructLayout ENTRY =
      structLayout(
          U32.withName("id"),
          U16.withName("group"),
          U8.withName("profile"),
          U8.withName("parity"),
          U8.withName("class"),
          U8.withName("reserved0"),
          U16.withName("width"),
          U32.withName("reserved1"),
          U64.withName("birth_txg"));

  public static final StructLayout COLUMN =
      structLayout(U16.withName("device"), U16.withName("tile"));

  private static final long CHECKSUM = Disk.offset(HEADER, "checksum");

  static {
    Check.that(HEADER.byteSize() == HEADER_BYTES, "layout header size", HEADER.byteSize());
    Check.that(ENTRY.byteSize() == ENTRY_BYTES, "layout entry size", ENTRY.byteSize());
    Check.that(COLUMN.byteSize() == COLUMN_BYTES, "layout column size", COLUMN.byteSize());
  }

  /**
   * A metaslab.
   *
   * @param id 1 to {@link Dva#MAX_METASLAB}
   * @param group id of the group whose tiles it takes
   * @param birthTxg the txg that bound it
   * @param columns as many as the profile is wide
   */
  public record Entry(
      int id,
      int group,
      Profile profile,
      PlacementClass placement,
      long birthTxg,
      List<Column> columns) {
    public Entry {
      columns = List.copyOf(columns);
    }
  }

  /**
   * A tile: {@code device} is a device's index in the configuration, {@code tile} counts from 0.
   */
  public record Column(int device, int tile) {}

  public LayoutRecord {
    entries = List.copyOf(entries);
  }

  /** Length of {@link #encode}. */
  public long encodedBytes() {
    long bytes = HEADER_BYTES;
    for (Entry entry : entries) {
      bytes += ENTRY_BYTES + (long) COLUMN_BYTES * entry.columns.size();
    }
    return bytes;
  }

  /** What the uberblock names this record by: the self checksum of its encoding. */
  public Hash256 checksum() {
    return Hash256.read(MemorySegment.ofArray(encode()), CHECKSUM);
  }

  /** All bytes, self checksum included. */
  public byte[] encode() {
    byte[] bytes = new byte[Math.toIntExact(encodedBytes())];
    MemorySegment at = MemorySegment.ofArray(bytes);
    Disk.putU64(at, 0, MAGIC);
    Disk.putU32(at, 8, VERSION);
    Disk.putU32(at, 12, entries.size());
    Disk.putU64(at, 16, generation);
    Disk.putU64(at, 24, poolGuid);
    Disk.putU64(at, 32, bytes.length);
    Disk.putU32(at, 40, nextMetaslab);
    long offset = HEADER_BYTES;
    for (Entry entry : entries) {
      Check.that(
          entry.columns.size() == entry.profile.width(), "metaslab columns", entry.columns.size());
      Disk.putU32(at, offset, entry.id);
      Disk.putU16(at, offset + 4, entry.group);
      Disk.putU8(at, offset + 6, entry.profile.kind().code());
      Disk.putU8(at, offset + 7, entry.profile.parity());
      Disk.putU8(at, offset + 8, entry.placement.code());
      Disk.putU16(at, offset + 10, entry.profile.width());
      Disk.putU64(at, offset + 16, entry.birthTxg);
      offset += ENTRY_BYTES;
      for (Column column : entry.columns) {
        Disk.putU16(at, offset, column.device);
        Disk.putU16(at, offset + 2, column.tile);
        offset += COLUMN_BYTES;
      }
    }
    Hash256.ofRecord(at, CHECKSUM, 0).put(at, CHECKSUM);
    return bytes;
  }

  /**
   * How long the record is whose first {@link #HEADER_BYTES} bytes these are; Corrupt when they are
   * no header, or the length is not between a header and {@code slotBytes}.
   */
  public static int totalBytes(MemorySegment header, int slotBytes) {
    if (header.byteSize() < HEADER_BYTES || Disk.u64(header, 0) != MAGIC) {
      throw corrupt("layout.magic", header.byteSize() < 8 ? 0 : Disk.u64(header, 0));
    }
    if (Disk.u32(header, 8) != VERSION) {
      throw corrupt("layout.version", Disk.u32(header, 8));
    }
    long total = Disk.u64(header, 32);
    if (total < HEADER_BYTES || total > slotBytes) {
      throw corrupt("layout.total_bytes", total);
    }
    return (int) total;
  }

  /** Decodes and checks the record at the start of {@code area}, which may be longer. */
  public static LayoutRecord decode(MemorySegment area) {
    int total = totalBytes(area, (int) Math.min(area.byteSize(), Integer.MAX_VALUE));
    MemorySegment at = area.asSlice(0, total);
    if (!Hash256.ofRecord(at, CHECKSUM, 0).equals(Hash256.read(at, CHECKSUM))) {
      throw corrupt("layout.checksum", "mismatch");
    }
    long count = Disk.u32(at, 12);
    long generation = Disk.u64(at, 16);
    long next = Disk.u32(at, 40);
    if (count > (total - HEADER_BYTES) / (ENTRY_BYTES + COLUMN_BYTES)) {
      throw corrupt("layout.entry_count", count);
    }
    if (generation <= 0 || generation > Disk.MAX_TXG) {
      throw corrupt("layout.generation", generation);
    }
    if (next < 1 || next > Dva.MAX_METASLAB + 1L) {
      throw corrupt("layout.next_metaslab", next);
    }
    List<Entry> entries = new ArrayList<>((int) count);
    long offset = HEADER_BYTES;
    int before = 0;
    for (long i = 0; i < count; i++) {
      if (offset + ENTRY_BYTES > total) {
        throw corrupt("layout.total_bytes", total);
      }
      Entry entry = entry(at, offset);
      if (entry.id <= before || entry.id >= next) {
        throw corrupt("layout.entry.id", entry.id);
      }
      before = entry.id;
      offset += ENTRY_BYTES + (long) COLUMN_BYTES * entry.columns.size();
      entries.add(entry);
    }
    if (offset != total) {
      throw corrupt("layout.total_bytes", total);
    }
    return new LayoutRecord(generation, Disk.u64(at, 24), (int) next, entries);
  }

  private static Entry entry(MemorySegment at, long offset) {
    long id = Disk.u32(at, offset);
    if (id > Dva.MAX_METASLAB) {
      throw corrupt("layout.entry.id", id);
    }
    int width = Disk.u16(at, offset + 10);
    Profile profile =
        Profile.decode(
            Disk.u8(at, offset + 6), width, Disk.u8(at, offset + 7), "layout.entry.profile");
    long birth = Disk.u64(at, offset + 16);
    if (birth <= 0) {
      throw corrupt("layout.entry.birth_txg", birth);
    }
    long columnsAt = offset + ENTRY_BYTES;
    if (columnsAt + (long) COLUMN_BYTES * width > at.byteSize()) {
      throw corrupt("layout.entry.width", width);
    }
    List<Column> columns = new ArrayList<>(width);
    for (int i = 0; i < width; i++) {
      long column = columnsAt + (long) COLUMN_BYTES * i;
      columns.add(new Column(Disk.u16(at, column), Disk.u16(at, column + 2)));
    }
    return new Entry(
        (int) id,
        Disk.u16(at, offset + 4),
        profile,
        PlacementClass.ofCode(Disk.u8(at, offset + 8), "layout.entry.class"),
        birth,
        columns);
  }
}
