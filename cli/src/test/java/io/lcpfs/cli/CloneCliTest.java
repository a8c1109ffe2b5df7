package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Clones, promote and rollback by the command. */
class CloneCliTest extends PoolCommandTest {
  private void write(String dataset, String text) throws IOException {
    Files.writeString(directory.resolve("f"), text);
    ok("cp DIR/f " + dataset + ":/f");
  }

  private String origin(String dataset) {
    return ok("fs list -H -o origin " + dataset).strip();
  }

  @BeforeEach
  void aPool() throws IOException {
    ok("pool create --size 64M tank DIR/pool.img");
    ok("fs create tank/a");
    write("tank/a", "one");
    ok("fs snapshot tank/a@s1");
    write("tank/a", "two");
    ok("fs snapshot tank/a@s2");
    write("tank/a", "three");
  }

  @Test
  void aCloneBeginsAsItsSnapshotAndGoesItsOwnWay() throws IOException {
    ok("fs clone -o compression=zstd-3 tank/a@s1 tank/c");
    assertThat(ok("cat tank/c:/f")).isEqualTo("one");
    write("tank/c", "changed");
    assertThat(ok("cat tank/a:/f")).isEqualTo("three");
    assertThat(ok("cat tank/a@s1:/f")).isEqualTo("one");
    assertThat(origin("tank/c")).isEqualTo("tank/a@s1");
    assertThat(origin("tank/a")).isEqualTo("-");
    assertThat(ok("fs list -H -o compression tank/c").strip()).isEqualTo("zstd-3");
    assertThat(ok("fs list -H -t snapshot -o name,clones tank/a").lines())
        .containsExactly("tank/a@s1\ttank/c", "tank/a@s2\t-");
    assertThat(refused("fs clone tank/a@s1 tank/c")).contains("exists already");
    assertThat(refused("fs clone tank/a@s1 tank/x/y")).contains("parent", "-p");
    ok("fs clone -p tank/a@s1 tank/x/y");
    assertThat(refused("fs clone tank/a@s1 other/c")).contains("another pool");
    assertThat(refused("fs clone tank/a@s9 tank/z")).contains("no such snapshot");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void aSnapshotStaysWhileItHasClones() {
    ok("fs clone tank/a@s1 tank/c");
    assertThat(refused("fs destroy tank/a@s1")).contains("tank/c", "promote", "-R");
    assertThat(refused("fs destroy -r tank/a")).contains("tank/c", "-R");
    ok("fs destroy tank/c");
    ok("fs destroy tank/a@s1");
    ok("fs clone tank/a@s2 tank/d");
    ok("fs snapshot tank/d@x");
    ok("fs clone tank/d@x tank/e");
    ok("fs destroy -R tank/a@s2");
    assertThat(ok("fs list -H -o name").lines()).containsExactly("tank", "tank/a");
    ok("fs snapshot tank/a@s3");
    ok("fs clone tank/a@s3 tank/f");
    ok("fs destroy -R tank/a");
    assertThat(ok("fs list -H -o name").lines()).containsExactly("tank");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void aPromotedCloneOutlivesWhereItCameFrom() throws IOException {
    ok("fs clone tank/a@s2 tank/c");
    write("tank/c", "mine");
    assertThat(refused("fs promote tank/a")).contains("no clone");
    ok("fs snapshot tank/c@s1");
    assertThat(refused("fs promote tank/c")).contains("tank/c@s1", "rename");
    ok("fs rename tank/c@s1 @own");
    ok("fs promote tank/c");
    assertThat(ok("fs list -H -t snapshot -o name").lines())
        .containsExactly("tank/c@s1", "tank/c@s2", "tank/c@own");
    assertThat(origin("tank/a")).isEqualTo("tank/c@s2");
    assertThat(origin("tank/c")).isEqualTo("-");
    ok("fs destroy tank/a");
    assertThat(ok("cat tank/c:/f")).isEqualTo("mine");
    assertThat(ok("cat tank/c@s1:/f")).isEqualTo("one");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void aDatasetGoesBackToASnapshot() throws IOException {
    ok("fs rollback tank/a@s2");
    assertThat(ok("cat tank/a:/f")).isEqualTo("two");
    write("tank/a", "four");
    assertThat(refused("fs rollback tank/a@s1")).contains("not the newest", "-r", "tank/a@s2");
    ok("fs clone tank/a@s2 tank/c");
    assertThat(refused("fs rollback -r tank/a@s1")).contains("tank/c", "-R");
    assertThat(ok("cat tank/a:/f")).isEqualTo("four");
    ok("fs rollback -R tank/a@s1");
    assertThat(ok("cat tank/a:/f")).isEqualTo("one");
    assertThat(ok("fs list -H -t all -o name -r tank").lines())
        .containsExactly("tank", "tank/a", "tank/a@s1");
    assertThat(refused("fs rollback tank/a@s2")).contains("no such snapshot");
    assertThat(ok("pool verify tank")).contains("sound");
  }
}
