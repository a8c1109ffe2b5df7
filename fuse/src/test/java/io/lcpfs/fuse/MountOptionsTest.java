package io.lcpfs.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.PoolException;
import org.junit.jupiter.api.Test;

class MountOptionsTest {
  @Test
  void everyMountIsWithoutSetUserIdAndDevicesUnlessAsked() {
    MountOptions options = MountOptions.of("tank");
    assertThat(options.flags()).isEqualTo(2 | 4);
    assertThat(options.with("suid,dev").flags()).isZero();
    assertThat(options.with("ro,noexec,noatime").flags()).isEqualTo(1 | 2 | 4 | 8 | 1024);
    assertThat(options.data(7, 1, 2)).doesNotContain("allow_other").contains("fd=7,");
    assertThat(options.with("defaults,allow_other,x-systemd.automount").data(7, 1, 2))
        .endsWith(",allow_other");
  }

  @Test
  void everyOptionThatIsNotKnownIsNamed() {
    MountOptions options = MountOptions.of("tank");
    for (String wrong : new String[] {"bogus", "threads=0", "threads=x", "ro,subtype=x"}) {
      assertThatThrownBy(() -> options.with(wrong)).isInstanceOf(PoolException.class);
    }
  }

  @Test
  void everyCommaInASourceIsEscapedForTheHelper() {
    assertThat(MountOptions.of("a,b\\c").helperOptions()).contains("fsname=a\\,b\\\\c,");
  }

  @Test
  void everyMountIsFoundInTheList() {
    String list =
        """
        22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
        63 22 0:39 / /mnt/with\\040blank rw,nosuid - fuse.lcpfs tank/home rw,user_id=0
        64 22 0:40 / /mnt/\\303\\244 rw shared:7 master:1 - fuse.lcpfs tank rw
        65 22 0:41 / /other rw - fuse.sshfs host: rw
        broken line -
        """;
    assertThat(MountTable.parse(list))
        .containsExactly(
            new MountTable.Entry("0:39", "/mnt/with blank", "tank/home"),
            new MountTable.Entry("0:40", "/mnt/ä", "tank"));
  }
}
