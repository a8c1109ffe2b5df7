package io.lcpfs.posix;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.structLayout;

import io.lcpfs.error.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * All that is known of a file: the {@link FileStat} in the first 64 bytes of its C structure, then
 * the generation, which tells files apart that had the same number one after the other, and the
 * times of access, content change, attribute change and birth.
 *
 * @param device the file system's number
 */
public record FullStat(long device, Attr attr) {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  /** The fields under their names in C; seconds are signed and since 1970. */
  public static final StructLayout LAYOUT =
      structLayout(
          FileStat.LAYOUT.withName("st"),
          LONG.withName("st_gen"),
          LONG.withName("st_atime_sec"),
          LONG.withName("st_mtime_sec"),
          LONG.withName("st_ctime_sec"),
          LONG.withName("st_btime_sec"),
          INT.withName("st_atime_nsec"),
          INT.withName("st_mtime_nsec"),
          INT.withName("st_ctime_nsec"),
          INT.withName("st_btime_nsec"));

  public static final int BYTES = 120;

  private static final VarHandle GENERATION = LAYOUT.varHandle(groupElement("st_gen"));
  private static final VarHandle ATIME = LAYOUT.varHandle(groupElement("st_atime_sec"));
  private static final VarHandle MTIME = LAYOUT.varHandle(groupElement("st_mtime_sec"));
  private static final VarHandle CTIME = LAYOUT.varHandle(groupElement("st_ctime_sec"));
  private static final VarHandle BTIME = LAYOUT.varHandle(groupElement("st_btime_sec"));
  private static final VarHandle ATIME_NANOS = LAYOUT.varHandle(groupElement("st_atime_nsec"));
  private static final VarHandle MTIME_NANOS = LAYOUT.varHandle(groupElement("st_mtime_nsec"));
  private static final VarHandle CTIME_NANOS = LAYOUT.varHandle(groupElement("st_ctime_nsec"));
  private static final VarHandle BTIME_NANOS = LAYOUT.varHandle(groupElement("st_btime_nsec"));

  static {
    Check.that(LAYOUT.byteSize() == BYTES, "full_stat size", LAYOUT.byteSize());
    checkOffset("st", 0);
    checkOffset("st_gen", 64);
    checkOffset("st_atime_sec", 72);
    checkOffset("st_btime_sec", 96);
    checkOffset("st_atime_nsec", 104);
    checkOffset("st_btime_nsec", 116);
  }

  private static void checkOffset(String field, long expected) {
    long offset = LAYOUT.byteOffset(groupElement(field));
    Check.that(offset == expected, field + " offset", offset);
  }

  /** The shorter form. */
  public FileStat stat() {
    return FileStat.of(device, attr);
  }

  /** Writes the {@link #BYTES} of the structure. */
  public void writeTo(MemorySegment target, long offsetBytes) {
    stat().writeTo(target, offsetBytes);
    GENERATION.set(target, offsetBytes, attr.generation());
    ATIME.set(target, offsetBytes, attr.atimeSeconds());
    MTIME.set(target, offsetBytes, attr.mtimeSeconds());
    CTIME.set(target, offsetBytes, attr.ctimeSeconds());
    BTIME.set(target, offsetBytes, attr.btimeSeconds());
    ATIME_NANOS.set(target, offsetBytes, attr.atimeNanos());
    MTIME_NANOS.set(target, offsetBytes, attr.mtimeNanos());
    CTIME_NANOS.set(target, offsetBytes, attr.ctimeNanos());
    BTIME_NANOS.set(target, offsetBytes, attr.btimeNanos());
  }

  /** The structure at {@code offsetBytes}. */
  public static FullStat readFrom(MemorySegment source, long offsetBytes) {
    FileStat stat = FileStat.readFrom(source, offsetBytes);
    return new FullStat(
        stat.device(),
        new Attr(
            stat.inode(),
            (long) GENERATION.get(source, offsetBytes),
            stat.mode(),
            Integer.toUnsignedLong(stat.nlink()),
            stat.uid(),
            stat.gid(),
            stat.rdev(),
            stat.size(),
            stat.blocks(),
            stat.blockBytes(),
            (long) ATIME.get(source, offsetBytes),
            (int) ATIME_NANOS.get(source, offsetBytes),
            (long) MTIME.get(source, offsetBytes),
            (int) MTIME_NANOS.get(source, offsetBytes),
            (long) CTIME.get(source, offsetBytes),
            (int) CTIME_NANOS.get(source, offsetBytes),
            (long) BTIME.get(source, offsetBytes),
            (int) BTIME_NANOS.get(source, offsetBytes)));
  }
}
