package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Holds by the command: set, listed, released; what is held stays. */
class HoldCliTest extends PoolCommandTest {
  private String names(String of) {
    return ok("fs list -H -t snapshot -o name " + of);
  }

  @BeforeEach
  void aPool() throws IOException {
    ok("pool create --size 64M tank DIR/pool.img");
    ok("fs create -p tank/a/b");
    Files.writeString(directory.resolve("f"), "text");
    ok("cp DIR/f tank/a:/f");
    ok("fs snapshot -r tank/a@s1");
    ok("fs snapshot -r tank/a@s2");
    ok("fs snapshot tank/a@s3");
  }

  @Test
  void whatIsHeldIsNotDestroyed() {
    ok("fs hold keep tank/a@s1");
    ok("fs hold also tank/a@s1 tank/a@s2");
    assertThat(ok("fs holds -H -p tank/a@s1 tank/a@s2").lines())
        .hasSize(3)
        .allMatch(line -> line.matches("tank/a@s[12]\t(keep|also)\t[0-9]{9,}"));
    assertThat(ok("fs holds tank/a@s1")).contains("NAME", "TAG", "TIMESTAMP", "keep");
    assertThat(ok("fs holds -j tank/a@s2"))
        .contains("\"holds\"")
        .containsPattern("\"tag\": ?\"also\"")
        .containsPattern("\"timestamp\": ?\"?[0-9]+");
    assertThat(ok("fs list -H -t snapshot -o name,userrefs,defer_destroy tank/a").lines())
        .containsExactly("tank/a@s1\t2\toff", "tank/a@s2\t1\toff", "tank/a@s3\t0\toff");
    assertThat(refused("fs destroy tank/a@s1"))
        .contains("also, keep", "lcpfs fs release also tank/a@s1", "-d");
    assertThat(refused("fs destroy tank/a@%")).contains("is held");
    assertThat(refused("fs destroy -r tank/a")).contains("is held");
    assertThat(names("-r tank").lines()).as("nothing is destroyed").hasSize(5);
    assertThat(refused("fs hold keep tank/a@s1")).contains("choose another tag");
    assertThat(refused("fs hold keep tank/a@s2 tank/a@s1")).contains("choose another tag");
    assertThat(ok("fs holds -H tank/a@s2").lines()).as("all or none").hasSize(1);
    ok("fs rename tank/a@s1 @first");
    assertThat(ok("fs holds -H tank/a@first").lines()).hasSize(2);
    ok("fs release keep tank/a@first");
    ok("fs release also tank/a@first");
    ok("fs destroy tank/a@first");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void whatIsDeferredGoesWithTheLastHold() {
    ok("fs hold one tank/a@s1");
    ok("fs hold two tank/a@s1");
    ok("fs destroy -d tank/a@s1,s3");
    assertThat(names("tank/a").lines()).containsExactly("tank/a@s1", "tank/a@s2");
    assertThat(ok("fs list -H -t snapshot -o name,defer_destroy tank/a")).contains("tank/a@s1\ton");
    assertThat(ok("cat tank/a@s1:/f")).isEqualTo("text");
    ok("fs release one tank/a@s1");
    assertThat(names("tank/a")).contains("tank/a@s1");
    ok("fs release two tank/a@s1");
    assertThat(names("tank/a").lines()).containsExactly("tank/a@s2");
    assertThat(refused("fs destroy -d tank/a")).contains("snapshots only");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void oneOfEachDatasetBelowIsHeldAtOnce() {
    ok("fs hold -r keep tank/a@s1");
    assertThat(ok("fs holds -r -H tank/a@s1").lines()).hasSize(2);
    assertThat(refused("fs hold -r keep tank/a@s1")).contains("choose another tag");
    ok("fs hold more tank/a/b@s2");
    assertThat(refused("fs hold -r more tank/a@s2")).contains("tank/a/b@s2");
    assertThat(ok("fs holds -H tank/a@s2")).as("all or none").isEmpty();
    ok("fs release -r more tank/a@s2");
    ok("fs release -r keep tank/a@s1");
    assertThat(ok("fs holds -r -H tank/a@s1 tank/a@s2")).isEmpty();
    assertThat(refused("fs release -r keep tank/a@s1")).contains("has no hold 'keep'");
    assertThat(refused("fs release keep tank/a@s9")).contains("no such snapshot");
    assertThat(refused("fs hold .keep tank/a@s1")).contains("'.'");
    assertThat(refused("fs hold keep tank/a")).contains("names no snapshot");
    ok("fs destroy -r tank/a");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void bookmarksStayWithoutTheirSnapshots() {
    ok("fs bookmark tank/a@s1 tank/a#m1");
    ok("fs bookmark tank/a@s2 #m2");
    ok("fs bookmark tank/a#m1 tank/a#again");
    String guid = ok("fs list -H -t snapshot -o guid tank/a").lines().findFirst().orElseThrow();
    ok("fs destroy -r tank/a@s1,s2");
    assertThat(ok("fs list -H -t bookmark -o name,type,used tank/a").lines())
        .containsExactlyInAnyOrder(
            "tank/a#m1\tbookmark\t-", "tank/a#again\tbookmark\t-", "tank/a#m2\tbookmark\t-");
    assertThat(ok("fs list -H -t bookmark -o guid tank/a").lines().filter(guid::equals)).hasSize(2);
    assertThat(ok("fs list -H -t snapshot,bookmark -o name -r tank").lines())
        .contains("tank/a@s3", "tank/a#m2")
        .doesNotContain("tank/a");
    assertThat(refused("fs bookmark tank/a@s3 tank/a#m1")).contains("exists already");
    assertThat(refused("fs bookmark tank/a@s1 tank/a#x")).contains("no such snapshot");
    assertThat(refused("fs bookmark tank/a#none tank/a#x")).contains("no such bookmark");
    assertThat(refused("fs bookmark tank/a@s3 tank/a/b#x")).contains("is no bookmark of");
    assertThat(refused("fs bookmark tank/a@s3 tank/a@x")).contains("names no bookmark");
    refused("fs bookmark tank/a@s3 tank/a#");
    refused("fs destroy -d tank/a#m1");
    assertThat(refused("fs list -t bookmarks")).contains("is no type");
    ok("fs destroy tank/a#m1");
    assertThat(refused("fs destroy tank/a#m1")).contains("no such bookmark");
    assertThat(ok("pool verify tank")).contains("sound");
  }
}
