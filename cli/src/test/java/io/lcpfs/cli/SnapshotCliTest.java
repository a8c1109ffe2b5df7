package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Snapshots by the command: taken, listed, read, renamed, destroyed. */
class SnapshotCliTest extends PoolCommandTest {
  private void write(String text) throws IOException {
    Files.writeString(directory.resolve("f"), text);
    ok("cp DIR/f tank/a:/f");
  }

  private String names(String of) {
    return ok("fs list -H -t snapshot -o name " + of);
  }

  @BeforeEach
  void aPool() throws IOException {
    ok("pool create --size 64M tank DIR/pool.img");
    ok("fs create -p tank/a/b");
    for (int i = 1; i <= 5; i++) {
      write("version " + i);
      ok("fs snapshot tank/a@s" + i);
    }
    write("now");
  }

  @Test
  void eachShowsWhatWasThereThen() {
    for (int i = 1; i <= 5; i++) {
      assertThat(ok("cat tank/a@s" + i + ":/f")).isEqualTo("version " + i);
    }
    assertThat(ok("cat tank/a:/f")).isEqualTo("now");
    assertThat(ok("ls tank/a@s1:/")).contains("f");
    ok("cp tank/a@s2:/f DIR/old");
    assertThat(directory.resolve("old")).hasContent("version 2");
    assertThat(refused("rm tank/a@s2:/f")).contains("read-only");
    assertThat(refused("cat tank/a@s9:/f")).contains("tank/a@s9", "no such snapshot");
    assertThat(ok("pool verify tank")).contains("sound").contains("5 snapshots");
  }

  @Test
  void theyAreListedOldestFirst() {
    assertThat(names("tank/a").lines())
        .containsExactly("tank/a@s1", "tank/a@s2", "tank/a@s3", "tank/a@s4", "tank/a@s5");
    assertThat(ok("fs list -H -o name").lines()).containsExactly("tank", "tank/a", "tank/a/b");
    assertThat(ok("fs list -H -t all -o name,type tank/a").lines())
        .hasSize(6)
        .contains("tank/a\tfilesystem", "tank/a@s1\tsnapshot");
    assertThat(refused("fs list -t volumes")).contains("volumes");
  }

  @Test
  void oneOfEachDatasetBelowIsTakenAtOnce() {
    ok("fs snapshot -r tank@all");
    assertThat(names("-r tank").lines()).contains("tank@all", "tank/a@all", "tank/a/b@all");
    assertThat(refused("fs snapshot -r tank@all")).contains("exists already");
    assertThat(refused("fs snapshot tank/a@s1")).contains("exists already");
    ok("fs destroy -r tank@all");
    assertThat(names("-r tank")).doesNotContain("@all");
  }

  @Test
  void rangesAreDestroyed() {
    assertThat(ok("fs destroy -n tank/a@s2%s4").lines())
        .startsWith("would destroy tank/a@s2", "would destroy tank/a@s3", "would destroy tank/a@s4")
        .hasSize(4)
        .last()
        .asString()
        .startsWith("would reclaim ");
    assertThat(names("tank/a").lines()).hasSize(5);
    assertThat(ok("fs destroy -v tank/a@%s2,s4").lines())
        .startsWith("destroyed tank/a@s1", "destroyed tank/a@s2", "destroyed tank/a@s4");
    assertThat(names("tank/a").lines()).containsExactly("tank/a@s3", "tank/a@s5");
    assertThat(ok("cat tank/a@s3:/f")).isEqualTo("version 3");
    assertThat(refused("fs destroy tank/a@s1")).contains("no such snapshot");
    assertThat(refused("fs destroy tank/a@s3,s1")).contains("no such snapshot");
    assertThat(names("tank/a").lines()).as("nothing was destroyed").hasSize(2);
    ok("fs destroy tank/a@%");
    assertThat(names("tank/a")).isEmpty();
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void oneGetsAnotherName() {
    ok("fs rename tank/a@s1 @first");
    ok("fs rename tank/a@s2 tank/a@second");
    assertThat(ok("cat tank/a@first:/f")).isEqualTo("version 1");
    assertThat(ok("cat tank/a@second:/f")).isEqualTo("version 2");
    assertThat(refused("fs rename tank/a@s3 @s4")).contains("exists already");
    assertThat(refused("fs rename tank/a@s3 tank/a/b@x")).contains("is no snapshot of");
  }

  @Test
  void aDatasetGoesWithThemOnlyWhenAsked() {
    ok("fs destroy tank/a/b");
    assertThat(refused("fs destroy tank/a")).contains("has snapshots");
    ok("fs destroy -r tank/a");
    assertThat(ok("fs list -H -t all -o name").lines()).containsExactly("tank");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void badNamesAreRefused() {
    for (String name : new String[] {"tank/a@", "tank/a@x/y", "tank/a@x@y", "tank/a", "@x"}) {
      refused("fs snapshot " + name);
    }
    refused("fs destroy tank/a@s1,,s2");
    refused("fs destroy -n tank/a");
  }
}
