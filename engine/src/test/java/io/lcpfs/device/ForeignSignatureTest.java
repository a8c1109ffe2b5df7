package io.lcpfs.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ForeignSignatureTest {
  private static final int SIZE = 16 << 20;

  private static void put(BlockDevice device, long offset, byte[] bytes) {
    int blockSize = device.blockSize();
    for (int i = 0; i < bytes.length; i++) {
      byte[] block = new byte[blockSize];
      MemorySegment segment = MemorySegment.ofArray(block);
      long lba = (offset + i) / blockSize;
      device.readBlocks(lba, 1, segment);
      block[(int) ((offset + i) % blockSize)] = bytes[i];
      device.writeBlocks(lba, 1, segment);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "xfs file system, 0, 58465342",
    "btrfs file system, 65600, 5f42485266535f4d",
    "LUKS encrypted volume, 0, 4c554b53babe",
    "LVM2 physical volume, 536, 4c564d3220303031",
    "LVM2 physical volume, 24, 4c564d3220303031",
    "swap area, 4086, 5357415053504143 4532",
    "swap area, 65526, 5357415053504143 4532",
    "NTFS file system, 3, 4e54465320202020",
    "exFAT file system, 3, 4558464154202020",
    "FAT file system, 82, 4641543332202020",
    "FAT file system, 54, 4641543136202020",
    "bcachefs file system, 4120, c68573f666ce90a9d96a60cf803df7ef",
    "ISO9660 image, 32769, 4344303031",
    "ZFS pool member, 131072, 0cb1ba0000000000",
    "ZFS pool member, 135168, 0000000000bab10c",
    "ZFS pool member, 397312, 0cb1ba0000000000",
    "ZFS pool member, 16392192, 0cb1ba0000000000",
    "ZFS pool member, 16654336, 0cb1ba0000000000",
    "GPT partition table, 512, 4546492050415254",
    "GPT partition table, 4096, 4546492050415254",
    "GPT partition table, 16776704, 4546492050415254",
    "Linux software RAID member, 4096, fc4e2ba9",
    "Linux software RAID member, 16769024, fc4e2ba9",
    "Linux software RAID member, 16711680, fc4e2ba9",
  })
  void everyMagicIsNamedWhateverTheBlockSize(String what, long offset, String hex) {
    for (int blockSize : new int[] {512, 4096, 65_536}) {
      try (RamDevice device = new RamDevice("ram", blockSize, SIZE / blockSize)) {
        assertThat(ForeignSignature.detect(device)).isEmpty();
        put(device, offset, HexFormat.of().parseHex(hex.replace(" ", "")));
        assertThat(ForeignSignature.detect(device)).contains(what);
      }
    }
  }

  @Test
  void everyGenerationOfExtIsToldApart() {
    int[][] features = {{2, 0, 2}, {3, 4, 2}, {4, 4, 0x42}};
    for (int[] row : features) {
      try (RamDevice device = new RamDevice("ram", 512, SIZE / 512)) {
        put(device, 0x438, new byte[] {0x53, (byte) 0xef});
        put(device, 0x45c, new byte[] {(byte) row[1]});
        put(device, 0x460, new byte[] {(byte) row[2]});
        assertThat(ForeignSignature.detect(device)).contains("ext" + row[0] + " file system");
      }
    }
  }

  @Test
  void anMbrNeedsAPartitionInIt() {
    try (RamDevice device = new RamDevice("ram", 512, SIZE / 512)) {
      put(device, 510, new byte[] {0x55, (byte) 0xaa});
      assertThat(ForeignSignature.detect(device)).as("boot code alone").isEmpty();
      put(device, 446 + 16, new byte[] {(byte) 0x80, 0, 0, 0, (byte) 0x83});
      put(device, 446 + 16 + 12, new byte[] {1});
      assertThat(ForeignSignature.detect(device)).contains("MBR partition table");
    }
  }

  @Test
  void everySmallOrRandomDeviceIsReadWithoutAFailure() {
    Random random = new Random(3);
    for (int blocks = 1; blocks < 300; blocks += 1 + random.nextInt(20)) {
      try (RamDevice device = new RamDevice("ram", 512, blocks)) {
        byte[] content = new byte[512 * blocks];
        assertThat(ForeignSignature.detect(device)).isEmpty();
        random.nextBytes(content);
        device.writeBlocks(0, blocks, MemorySegment.ofArray(content));
        ForeignSignature.detect(device).ifPresent(what -> assertThat(what).isNotEmpty());
      }
    }
  }

  @Test
  void whatMkfsWritesIsNamed(@TempDir Path dir) throws Exception {
    String[][] commands = {
      {"ext4 file system", "mkfs.ext4", "-q", "-F"},
      {"ext3 file system", "mkfs.ext4", "-q", "-F", "-O", "^extents,^64bit,^flex_bg"},
      {
        "ext2 file system",
        "mkfs.ext4",
        "-q",
        "-F",
        "-O",
        "^extents,^64bit,^flex_bg,^has_journal,^metadata_csum"
      },
      {"swap area", "mkswap", "-q"},
    };
    for (int i = 0; i < commands.length; i++) {
      Path file = dir.resolve("image" + i);
      FileDevice.create(file, SIZE, false);
      String[] command = java.util.Arrays.copyOfRange(commands[i], 1, commands[i].length + 1);
      command[command.length - 1] = file.toString();
      String tool = command[0];
      Assumptions.assumeTrue(
          java.nio.file.Files.isExecutable(Path.of("/usr/sbin", tool)), tool + " is not here");
      command[0] = "/usr/sbin/" + tool;
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).as(said).isZero();
      try (FileDevice device = FileDevice.open(file, OpenMode.PROBE, 512, DirectIo.AUTO)) {
        assertThat(ForeignSignature.detect(device)).contains(commands[i][0]);
      }
    }
  }
}
