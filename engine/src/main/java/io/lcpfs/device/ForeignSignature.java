package io.lcpfs.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * Recognises what other software left on a device, so that nobody's data is overwritten unasked. It
 * looks at magic numbers alone: a match is a reason to ask, not a proof. Offsets are bytes from the
 * start of the device, as each format's own documentation gives them.
 */
public final class ForeignSignature {
  private static final int HEAD_BYTES = 512 << 10;
  private static final int TAIL_BYTES = 512 << 10;
  private static final ValueLayout.OfInt LE32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LE64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final long ZFS_UBERBLOCK_MAGIC = 0x00bab10cL;
  private static final int MD_RAID_MAGIC = 0xa92b4efc;

  /** A magic at a fixed place. */
  private record Magic(String what, int offset, byte[] bytes) {
    static Magic text(String what, int offset, String text) {
      return new Magic(what, offset, text.getBytes(StandardCharsets.ISO_8859_1));
    }

    static Magic hex(String what, int offset, String hex) {
      return new Magic(what, offset, HexFormat.of().parseHex(hex));
    }
  }

  private static final List<Magic> MAGICS = magics();

  private final MemorySegment head;
  private final MemorySegment tail;
  private final long tailOffset;
  private final long sizeBytes;

  private ForeignSignature(
      MemorySegment head, MemorySegment tail, long tailOffset, long sizeBytes) {
    this.head = head;
    this.tail = tail;
    this.tailOffset = tailOffset;
    this.sizeBytes = sizeBytes;
  }

  private static List<Magic> magics() {
    List<Magic> all =
        new ArrayList<>(
            List.of(
                Magic.text("LUKS encrypted volume", 0, "LUKS\u00ba\u00be"),
                Magic.text("xfs file system", 0, "XFSB"),
                Magic.text("btrfs file system", 0x10040, "_BHRfS_M"),
                Magic.hex("bcachefs file system", 0x1018, "c68573f666ce90a9d96a60cf803df7ef"),
                Magic.hex("bcache device", 0x1018, "c68573f64e1a45ca8265f57f48ba6d81"),
                Magic.text("NTFS file system", 3, "NTFS    "),
                Magic.text("exFAT file system", 3, "EXFAT   "),
                Magic.text("BitLocker encrypted volume", 3, "-FVE-FS-"),
                Magic.text("FAT file system", 82, "FAT32   "),
                Magic.text("FAT file system", 54, "FAT16   "),
                Magic.text("FAT file system", 54, "FAT12   "),
                Magic.text("ISO9660 image", 0x8001, "CD001"),
                Magic.text("UDF file system", 0x8001, "BEA01"),
                Magic.text("squashfs image", 0, "hsqs"),
                Magic.text("qcow disk image", 0, "QFI\u00fb"),
                Magic.hex("f2fs file system", 0x400, "1020f5f2"),
                Magic.hex("erofs image", 0x400, "e2e1f5e0"),
                Magic.text("JFS file system", 0x8000, "JFS1"),
                Magic.text("reiserfs file system", 0x10034, "ReIsEr")));
    for (int sector = 0; sector < 4; sector++) {
      all.add(Magic.text("LVM2 physical volume", sector * 512 + 24, "LVM2 001"));
    }
    for (int page = 4096; page <= 65_536; page *= 2) {
      all.add(Magic.text("swap area", page - 10, "SWAPSPACE2"));
      all.add(Magic.text("swap area", page - 10, "SWAP-SPACE"));
    }
    return List.copyOf(all);
  }

  /**
   * Names what is on {@code device}, for example {@code "ext4 file system"}; empty when nothing
   * known.
   *
   * @throws io.lcpfs.error.PoolException what reading the device throws
   */
  public static Optional<String> detect(BlockDevice device) {
    int blockSize = device.blockSize();
    long headBlocks = Math.min(HEAD_BYTES / blockSize, device.totalBlocks());
    long tailBlocks = Math.min(TAIL_BYTES / blockSize, device.totalBlocks());
    long tailLba = device.totalBlocks() - tailBlocks;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment head = arena.allocate(headBlocks * blockSize, 4096);
      MemorySegment tail = arena.allocate(tailBlocks * blockSize, 4096);
      device.readBlocks(0, (int) headBlocks, head);
      device.readBlocks(tailLba, (int) tailBlocks, tail);
      return new ForeignSignature(head, tail, tailLba * blockSize, device.capacity()).find();
    }
  }

  private Optional<String> find() {
    for (Magic magic : MAGICS) {
      if (matches(head, magic.offset(), magic.bytes())) {
        return Optional.of(magic.what());
      }
    }
    if (matches(head, 0x438, new byte[] {0x53, (byte) 0xef})) {
      return Optional.of(ext());
    }
    if (hasZfsLabel()) {
      return Optional.of("ZFS pool member");
    }
    if (hasRaidSuperblock()) {
      return Optional.of("Linux software RAID member");
    }
    return partitionTable();
  }

  private static boolean matches(MemorySegment where, long offset, byte[] bytes) {
    return offset >= 0
        && offset + bytes.length <= where.byteSize()
        && where.asSlice(offset, bytes.length).mismatch(MemorySegment.ofArray(bytes)) == -1;
  }

  /** Tells the generations of ext apart by the features that came with each. */
  private String ext() {
    boolean journal = (head.get(LE32, 0x45c) & 0x4) != 0;
    int incompatible = head.get(LE32, 0x460);
    int extents64BitAndFlexGroups = 0x40 | 0x80 | 0x200;
    int generation = (incompatible & extents64BitAndFlexGroups) != 0 ? 4 : journal ? 3 : 2;
    return "ext" + generation + " file system";
  }

  /**
   * Labels are 256 KiB, two in front and two at the end; uberblocks fill each one's second half.
   */
  private boolean hasZfsLabel() {
    int label = 256 << 10;
    long aligned = sizeBytes / label * label;
    return zfsUberblock(head, label / 2)
        || zfsUberblock(head, label + label / 2)
        || zfsUberblock(tail, aligned - 2L * label + label / 2 - tailOffset)
        || zfsUberblock(tail, aligned - label + label / 2 - tailOffset);
  }

  private static boolean zfsUberblock(MemorySegment where, long start) {
    long end = Math.min(start + (128 << 10), where.byteSize());
    for (long at = Math.max(0, start); at + 8 <= end; at += 1024) {
      long magic = where.get(LE64, at);
      if (magic == ZFS_UBERBLOCK_MAGIC || Long.reverseBytes(magic) == ZFS_UBERBLOCK_MAGIC) {
        return true;
      }
    }
    return false;
  }

  /** Metadata 1.1 is at the start, 1.2 at 4 KiB, 1.0 about 8 KiB and 0.90 64 KiB before the end. */
  private boolean hasRaidSuperblock() {
    long sectors = sizeBytes / 512;
    return isInt(head, 0, MD_RAID_MAGIC)
        || isInt(head, 4096, MD_RAID_MAGIC)
        || isInt(tail, ((sectors - 16) & ~7L) * 512 - tailOffset, MD_RAID_MAGIC)
        || isInt(tail, (sizeBytes & -65_536L) - 65_536 - tailOffset, MD_RAID_MAGIC);
  }

  private static boolean isInt(MemorySegment where, long offset, int value) {
    return offset >= 0 && offset + 4 <= where.byteSize() && where.get(LE32, offset) == value;
  }

  private Optional<String> partitionTable() {
    byte[] gpt = "EFI PART".getBytes(StandardCharsets.ISO_8859_1);
    boolean main = matches(head, 512, gpt) || matches(head, 4096, gpt);
    boolean backup =
        matches(tail, tail.byteSize() - 512, gpt) || matches(tail, tail.byteSize() - 4096, gpt);
    if (main || backup) {
      return Optional.of("GPT partition table");
    }
    if (matches(head, 510, new byte[] {0x55, (byte) 0xaa})) {
      for (int entry = 446; entry < 510; entry += 16) {
        int status = head.get(ValueLayout.JAVA_BYTE, entry) & 0xff;
        int type = head.get(ValueLayout.JAVA_BYTE, entry + 4);
        if ((status & 0x7f) == 0 && type != 0 && head.get(LE32, entry + 12) != 0) {
          return Optional.of("MBR partition table");
        }
      }
    }
    return Optional.empty();
  }
}
