package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What {@code lcpfs fs list} and {@code lcpfs fs get} show, in which order and columns. */
class ListCliTest extends PoolCommandTest {
  @BeforeEach
  void aPool() throws IOException {
    ok("pool create --size 64M tank DIR/pool.img");
    ok("fs create -p tank/a/b/c");
    ok("fs create tank/z");
    // What each snapshot alone has: little, much, nothing.
    write(100_000);
    ok("fs snapshot tank/a@s1");
    write(900_000);
    ok("fs snapshot tank/a@s2");
    write(1000);
    ok("fs snapshot tank/a@s3");
    ok("fs snapshot tank/a/b@s1");
    ok("fs bookmark tank/a@s1 tank/a#m1");
  }

  private void write(int bytes) throws IOException {
    byte[] noise = new byte[bytes];
    new Random(bytes).nextBytes(noise);
    Files.write(directory.resolve("f"), noise);
    ok("cp DIR/f tank/a:/f");
  }

  @Test
  void snapshotsAndBookmarksAreListedByName() {
    assertThat(ok("fs list -H -o name,type tank/a@s1")).isEqualTo("tank/a@s1\tsnapshot\n");
    assertThat(ok("fs list -H -o name,type tank/a#m1 tank/a@s2 tank/z").lines())
        .containsExactly("tank/a#m1\tbookmark", "tank/a@s2\tsnapshot", "tank/z\tfilesystem");
    assertThat(ok("fs list -H -o name -r tank@s1 tank/a@s1").lines())
        .containsExactly("tank/a@s1", "tank/a/b@s1", "tank/a@s1", "tank/a/b@s1");
    assertThat(refused("fs list tank/a@s9")).contains("no such snapshot");
    assertThat(refused("fs list tank/a#m9")).contains("no such bookmark");
    assertThat(refused("fs list -t fs tank/a@s1")).contains("is a snapshot", "add snapshot to -t");
  }

  @Test
  void typesHaveShortFormsAndCanBeSeveral() {
    assertThat(ok("fs list -H -t snap -o name tank/a").lines())
        .containsExactly("tank/a@s1", "tank/a@s2", "tank/a@s3");
    assertThat(ok("fs list -H -t fs,snap,bookmark -o name tank/a"))
        .isEqualTo(ok("fs list -H -t all -o name tank/a"));
    assertThat(refused("fs list -t snaps")).contains("is no type", "snap", "bookmark");
  }

  @Test
  void everyRowIsSortedByAnyColumn() {
    assertThat(ok("fs list -H -t snap -s used -o name tank/a").lines())
        .containsExactly("tank/a@s3", "tank/a@s1", "tank/a@s2");
    assertThat(ok("fs list -H -t snap -S used -o name tank/a").lines())
        .containsExactly("tank/a@s2", "tank/a@s1", "tank/a@s3");
    assertThat(ok("fs list -H -t snap -S name -o name -r tank").lines())
        .containsExactly("tank/a@s3", "tank/a@s2", "tank/a@s1", "tank/a/b@s1");
    // Types first, names within them the other way round.
    assertThat(ok("fs list -H -t all -s type -S name -o name -r tank/a").lines())
        .containsExactly(
            "tank/a#m1",
            "tank/a/b/c",
            "tank/a/b",
            "tank/a",
            "tank/a@s3",
            "tank/a@s2",
            "tank/a@s1",
            "tank/a/b@s1");
    // What has no such property comes last in both directions.
    assertThat(ok("fs list -H -t bookmark,snap -s used -o name tank/a")).endsWith("tank/a#m1\n");
    assertThat(ok("fs list -H -t bookmark,snap -S used -o name tank/a")).endsWith("tank/a#m1\n");
    assertThat(refused("fs list -s bogus")).contains("is no property");
  }

  @Test
  void depthCountsSnapshotsAsOneBelowTheirDataset() {
    assertThat(ok("fs list -H -d 1 -o name tank").lines())
        .containsExactly("tank", "tank/a", "tank/z");
    assertThat(ok("fs list -H -d 1 -o name").lines()).containsExactly("tank", "tank/a", "tank/z");
    assertThat(ok("fs list -H -d 0 -o name tank/a").lines()).containsExactly("tank/a");
    assertThat(ok("fs list -H -d 1 -t all -o name tank/a").lines())
        .containsExactly("tank/a", "tank/a@s1", "tank/a@s2", "tank/a@s3", "tank/a#m1", "tank/a/b");
    assertThat(ok("fs get -H -d 1 -o name type tank/a").lines())
        .containsExactly("tank/a", "tank/a/b");
    assertThat(refused("fs list -d -1")).contains("no depth");
  }

  @Test
  void spaceStandsForItsColumns() {
    assertThat(ok("fs list -o space tank/a").lines().findFirst().orElseThrow().split(" +"))
        .containsExactly(
            "NAME", "AVAIL", "USED", "USEDSNAP", "USEDDS", "USEDREFRESERV", "USEDCHILD");
    assertThat(ok("fs list -H -p -o space tank/a"))
        .isEqualTo(
            ok(
                "fs list -H -p -o name,available,used,usedbysnapshots,usedbydataset,"
                    + "usedbyrefreservation,usedbychildren tank/a"));
  }

  @Test
  void getShowsTheColumnsAndSourcesThatAreWanted() {
    ok("fs set compression=zstd my:x=1 tank/a tank/z");
    assertThat(ok("fs get -H -o value compression tank/a tank/z")).isEqualTo("zstd\nzstd\n");
    assertThat(ok("fs get -o value,name compress tank/a").lines().map(l -> l.split(" +")[0]))
        .containsExactly("VALUE", "zstd");
    assertThat(ok("fs get -H -s local -o property,value all tank/a").lines())
        .containsExactly("compression\tzstd", "my:x\t1");
    assertThat(ok("fs get -H -s inherited -o property,source all tank/a/b").lines())
        .containsExactly("compression\tinherited from tank/a", "my:x\tinherited from tank/a");
    assertThat(ok("fs get -H -s local,default -o property all tank/a").lines())
        .contains("atime", "compression")
        .doesNotContain("used");
    assertThat(ok("fs get -H -s none -o all used tank/a")).startsWith("tank/a\tused\t");
    assertThat(refused("fs get -o bogus used tank/a")).contains("no column", "source");
    assertThat(refused("fs get -s bogus used tank/a")).contains("no source", "inherited");
    assertThat(ok("fs get -H -o name,value mounted tank/a tank/a@s1").lines())
        .containsExactly("tank/a\tno", "tank/a@s1\t-");
  }
}
