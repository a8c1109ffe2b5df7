package io.lcpfs.posix;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ZnodeRecordTest {

  private static ZnodeRecord sample() {
    ZnodeRecord record = new ZnodeRecord();
    record.flags = ZnodeRecord.FLAG_INLINE_TARGET;
    record.mode = Mode.SYMLINK | 0x1FF;
    record.uid = -2;
    record.gid = 7;
    record.nlink = 0xFFFF_FFFFL;
    record.project = 9;
    record.size = 5;
    record.parent = 77;
    record.generation = 1L << 50;
    record.rdev = 3;
    record.xattrObject = 12;
    record.entryCount = 4;
    record.setBirth(1_234_567_890_123_456_789L);
    record.setAtime(-1);
    record.inline = new byte[] {'a', '/', 'b', '.', 'c'};
    return record;
  }

  @Test
  void everyFieldSurvivesEncoding() {
    byte[] encoded = sample().encode();
    ZnodeRecord decoded = ZnodeRecord.decode(encoded);
    assertThat(decoded).usingRecursiveComparison().isEqualTo(sample());
    assertThat(decoded.copy()).usingRecursiveComparison().isEqualTo(sample());
    assertThat(decoded.atimeSeconds).isEqualTo(-1);
    assertThat(decoded.atimeNanos).isEqualTo(999_999_999);
    assertThat(encoded).hasSize(ZnodeRecord.BYTES + 5);
  }

  @Test
  void everyDamagedRecordIsRefusedAsCorruptOrAValidOne() {
    byte[] good = sample().encode();
    SplittableRandom random = new SplittableRandom(5);
    int refused = 0;
    for (int i = 0; i < 30_000; i++) {
      byte[] bad = random.nextInt(8) == 0 ? Arrays.copyOf(good, random.nextInt(400)) : good.clone();
      for (int k = random.nextInt(3); k >= 0 && bad.length > 0; k--) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt();
      }
      try {
        byte[] again = ZnodeRecord.decode(bad).encode();
        assertThat(again.length).isLessThanOrEqualTo(320);
      } catch (PoolException e) {
        assertThat(e.errno()).isEqualTo(Errno.EIO);
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(5_000);
  }
}
