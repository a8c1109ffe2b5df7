package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What has changed between snapshots, by the command. */
class DiffCliTest extends PoolCommandTest {
  @BeforeEach
  void aPool() throws IOException {
    ok("pool create --size 64M tank DIR/pool.img");
    ok("fs create -p tank/a/b");
    Files.writeString(directory.resolve("f"), "text");
    ok("mkdir tank/a:/d");
    for (String name : new String[] {"changed", "removed", "old", "d/inside", "same"}) {
      ok("cp DIR/f tank/a:/" + name);
    }
    ok("fs snapshot tank/a@s1");
    Files.writeString(directory.resolve("f"), "other text");
    ok("cp DIR/f tank/a:/changed");
    ok("rm tank/a:/removed");
    ok("mv tank/a:/old tank/a:/d/new");
    ok("mv tank/a:/d tank/a:/e");
    ok("cp DIR/f tank/a:/\u00fc");
    ok("ln -s changed tank/a:/link");
  }

  @Test
  void lettersAndColumnsAreThoseThatPeopleKnow() {
    assertThat(ok("fs diff tank/a@s1").lines())
        .containsExactlyInAnyOrder(
            "M\t/",
            "-\t/changed",
            "+\t/changed",
            "-\t/removed",
            "R\t/old -> /e/new",
            "R\t/d -> /e",
            "M\t/e",
            "+\t/\\0303\\0274",
            "+\t/link");
    assertThat(ok("fs diff -F -H tank/a@s1 tank/a").lines())
        .containsExactlyInAnyOrder(
            "M\t/\t/",
            "-\tF\t/changed",
            "+\tF\t/changed",
            "-\tF\t/removed",
            "R\tF\t/old\t/e/new",
            "R\t/\t/d\t/e",
            "M\t/\t/e",
            "+\tF\t/\\0303\\0274",
            "+\t@\t/link");
    assertThat(ok("fs diff --raw tank/a@s1")).contains("+\t/\u00fc\n");
    assertThat(ok("fs diff -t -H tank/a@s1").lines())
        .allMatch(line -> line.matches("[0-9]{9,}\\.[0-9]{9}\t[-M+R]\t/.*"));
    assertThat(ok("fs diff -j tank/a@s1"))
        .startsWith("{\"changes\"")
        .contains("\"renamed\"", "\"new_path\"", "/e/new", "/\u00fc");
    assertThat(ok("fs list -H -t snapshot -o name tank/a").lines()).containsExactly("tank/a@s1");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void twoSnapshotsAreCompared() {
    ok("fs snapshot tank/a@s2");
    ok("rm tank/a:/same");
    assertThat(ok("fs diff tank/a@s1 @s2").lines()).hasSize(9).doesNotContain("-\t/same");
    assertThat(ok("fs diff tank/a@s2 tank/a").lines())
        .containsExactlyInAnyOrder("M\t/", "-\t/same");
    assertThat(ok("fs diff tank/a@s1 tank/a@s1")).isEmpty();
    assertThat(ok("fs diff -j tank/a@s1 tank/a@s1").replaceAll("\\s", ""))
        .isEqualTo("{\"changes\":[]}");
    assertThat(ok("fs diff tank/a tank/a@s2").lines())
        .containsExactlyInAnyOrder("M\t/", "+\t/same");
    ok("fs snapshot tank/a/b@s1");
    assertThat(refused("fs diff tank/a@s1 tank/a/b@s1"))
        .contains("no common origin with tank/a@s1");
    assertThat(refused("fs diff tank/a@s1 tank/a/b")).contains("no common origin with tank/a@s1");
    assertThat(refused("fs diff tank/a@s9")).contains("no such snapshot");
    assertThat(refused("fs diff tank/a")).contains("names no snapshot");
    assertThat(refused("fs diff tank/a@s1 other/a")).contains("another pool");
  }

  @Test
  void theOtherWayRoundTellsTheOpposite() {
    ok("fs snapshot tank/a@s2");
    assertThat(ok("fs diff tank/a@s2 tank/a@s1").lines())
        .containsExactlyInAnyOrder(
            "M\t/",
            "-\t/changed",
            "+\t/changed",
            "+\t/removed",
            "R\t/e/new -> /old",
            "R\t/e -> /d",
            "M\t/d",
            "-\t/\\0303\\0274",
            "-\t/link");
  }

  @Test
  void clonesAreComparedWithWhatTheyCameFromAndWithEachOther() {
    ok("fs clone tank/a@s1 tank/c");
    ok("cp DIR/f tank/c:/mine");
    ok("rm tank/c:/same");
    ok("fs snapshot tank/c@x");
    List<String> ofClone = List.of("M\t/", "+\t/mine", "-\t/same");
    assertThat(ok("fs diff tank/a@s1 tank/c@x").lines())
        .containsExactlyInAnyOrderElementsOf(ofClone);
    assertThat(ok("fs diff tank/a@s1 tank/c").lines()).containsExactlyInAnyOrderElementsOf(ofClone);
    assertThat(ok("fs diff tank/c@x tank/a@s1").lines())
        .containsExactlyInAnyOrder("M\t/", "-\t/mine", "+\t/same");
    ok("fs clone tank/a@s1 tank/d");
    ok("mv tank/d:/old tank/d:/moved");
    assertThat(ok("fs diff tank/c tank/d").lines())
        .containsExactlyInAnyOrder("M\t/", "-\t/mine", "+\t/same", "R\t/old -> /moved");
    ok("fs snapshot tank/a@s2");
    List<String> across = ok("fs diff tank/a@s2 tank/c@x").lines().toList();
    assertThat(across)
        .containsExactlyInAnyOrder(
            "M\t/",
            "+\t/changed",
            "-\t/changed",
            "+\t/removed",
            "R\t/e/new -> /old",
            "R\t/e -> /d",
            "M\t/d",
            "-\t/\\0303\\0274",
            "-\t/link",
            "+\t/mine",
            "-\t/same");
    ok("fs promote tank/c");
    assertThat(ok("fs diff tank/a@s2 tank/c@x").lines())
        .containsExactlyInAnyOrderElementsOf(across);
    assertThat(ok("fs diff tank/a@s2 tank/c@s1").lines()).contains("+\t/removed");
    assertThat(ok("fs list -H -t snapshot -o name -r tank").lines())
        .containsExactlyInAnyOrder("tank/c@s1", "tank/c@x", "tank/a@s2");
    assertThat(ok("pool verify tank")).contains("sound");
  }
}
