package io.lcpfs.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.PoolException;
import io.lcpfs.fuse.MountOptions.Switch;
import java.util.List;
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
            new MountTable.Entry("0:39", "/mnt/with blank", "tank/home", "rw,nosuid,rw,user_id=0"),
            new MountTable.Entry("0:40", "/mnt/ä", "tank", "rw,rw"));
  }

  @Test
  void everyWordOfFstabIsTaken() {
    MountOptions options = MountOptions.of("tank");
    for (String word :
        List.of(
            "user",
            "user=nobody",
            "users",
            "owner",
            "group",
            "nouser",
            "async",
            "nodiratime",
            "diratime",
            "lazytime",
            "relatime",
            "norelatime",
            "strictatime",
            "silent",
            "mand",
            "auto",
            "noauto",
            "nofail",
            "_netdev",
            "x-systemd.automount",
            "X-mount.mkdir",
            "comment=x",
            "symfollow")) {
      assertThat(options.with("rw," + word).readOnly()).as(word).isFalse();
    }
    assertThat(options.with("sync").flags() & 16).isEqualTo(16);
    assertThat(options.with("dirsync").flags() & 16).isEqualTo(16);
    assertThat(options.with("nosymfollow").flags() & 256).isEqualTo(256);
    assertThat(options.with("strictatime").flags() & (1 << 24)).isNotZero();
    assertThat(options.with("strictatime,relatime").flags() & (1 << 24)).isZero();
    assertThat(options.with("sync,nosymfollow").helperOptions()).contains(",sync,nosymfollow,");
    assertThatThrownBy(() -> options.with("max_read=9")).isInstanceOf(PoolException.class);
    assertThat(options.with("max_read=9,remount").has(Switch.REMOUNT)).isTrue();
  }

  @Test
  void whatUsersMayMountIsWithoutDangersUnlessALaterWordSaysSo() {
    MountOptions options = MountOptions.of("tank").with("suid,dev");
    for (String word : List.of("user", "user=nobody", "users")) {
      assertThat(options.with(word).flags()).as(word).isEqualTo(2 | 4 | 8);
      assertThat(options.with(word + ",exec,suid,dev").flags()).as(word).isZero();
    }
    assertThat(options.with("owner").flags()).isEqualTo(2 | 4);
    assertThat(options.with("group,dev").flags()).isEqualTo(2);
  }

  @Test
  void everyRemountKeepsWhatIsNotNamedAndRefusesWhatTheServerDoes() {
    MountOptions now =
        MountOptions.mounted(
            new MountTable.Entry(
                "0:39",
                "/mnt",
                "tank",
                "rw,nosuid,relatime,rw,user_id=0,group_id=0,default_permissions,allow_other"));
    assertThat(now.flags()).isEqualTo(2);
    assertThat(now.with("ro").flags()).isEqualTo(1 | 2);
    assertThat(now.with("ro,noexec,nodev").differenceThatStays(now)).isEmpty();
    assertThat(now.with("suid").differenceThatStays(now)).isEqualTo("suid");
    assertThat(now.with("noatime").differenceThatStays(now)).contains("access times");
    assertThat(now.with("strictatime").differenceThatStays(now)).contains("access times");
    assertThat(now.with("sync").differenceThatStays(now)).isEqualTo("sync");
    assertThat(now.with("noallow_other").differenceThatStays(now)).isEqualTo("allow_other");
    MountOptions readOnly =
        MountOptions.mounted(new MountTable.Entry("0:1", "/mnt", "tank", "ro,nodev,noatime,rw"));
    assertThat(readOnly.flags()).isEqualTo(1 | 4 | 1024);
  }
}
