package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Space by the command: quotas, reservations, limits, and what is used for what. */
class SpaceCliTest extends PoolCommandTest {
  private static final int MB = 1 << 20;

  private long number(String property, String dataset) {
    return Long.parseLong(ok("fs list -H -p -o " + property + " " + dataset).strip());
  }

  @BeforeEach
  void aPool() throws IOException {
    ok("pool create --size 64M tank DIR/pool.img");
    ok("fs create -p tank/a/b");
    byte[] noise = new byte[4 * MB];
    new Random(5).nextBytes(noise);
    Files.write(directory.resolve("f"), noise);
    ok("cp DIR/f tank/a:/f");
  }

  @Test
  void whatIsUsedAddsUp() {
    ok("fs snapshot tank/a@s");
    ok("rm tank/a:/f");
    ok("cp DIR/f tank/a/b:/f");
    ok("fs set refreservation=6M tank/a");
    ok("fs set reservation=9M tank/a/b");
    for (String dataset : new String[] {"tank", "tank/a", "tank/a/b"}) {
      assertThat(number("used", dataset))
          .isEqualTo(
              number("usedbydataset", dataset)
                  + number("usedbysnapshots", dataset)
                  + number("usedbychildren", dataset)
                  + number("usedbyrefreservation", dataset));
    }
    assertThat(number("usedbysnapshots", "tank/a")).isGreaterThan(4 * MB);
    assertThat(number("usedbychildren", "tank/a")).isEqualTo(9 * MB);
    assertThat(number("usedbychildren", "tank")).isEqualTo(number("used", "tank/a"));
    assertThat(number("written", "tank/a/b")).isEqualTo(number("referenced", "tank/a/b"));
    assertThat(number("written@s", "tank/a")).isLessThan(MB);
    assertThat(refused("fs get written@t tank/a")).contains("no snapshot");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void aQuotaIsKeptAndShown() {
    ok("fs set quota=6M tank/a");
    assertThat(ok("fs get -H quota tank/a")).contains("6M", "local");
    assertThat(ok("fs get -H -p quota tank/a")).contains("6291456");
    assertThat(ok("fs get -H quota tank/a/b")).contains("none", "default");
    assertThat(number("available", "tank/a")).isLessThan(2 * MB);
    assertThat(Long.parseLong(ok("df -H -p tank/a").split("\t", -1)[1]))
        .isLessThanOrEqualTo(6 * MB);
    assertThat(refused("cp DIR/f tank/a:/g")).contains("quota of tank/a");
    assertThat(refused("fs set quota=2M tank/a")).contains("is less than");
    assertThat(refused("fs set quota=some tank/a")).contains("is no size");
    ok("fs set quota=none tank/a");
    ok("cp DIR/f tank/a:/g");
    ok("fs set refquota=9M tank/a");
    assertThat(refused("cp DIR/f tank/a:/h")).contains("refquota of tank/a");
    ok("cp DIR/f tank/a/b:/h");
    ok("fs inherit refquota tank/a");
    ok("cp DIR/f tank/a:/i");
  }

  @Test
  void aReservationIsKept() {
    ok("fs create -o reservation=20M tank/r");
    assertThat(number("used", "tank")).isGreaterThan(24 * MB);
    assertThat(number("available", "tank/r") - number("available", "tank/a"))
        .isBetween(19L * MB, 20L * MB);
    assertThat(refused("fs set reservation=900M tank/a")).contains("more than is available");
    assertThat(refused("fs create -o reservation=900M tank/s")).contains("more than is available");
    assertThat(refused("fs list tank/s")).contains("tank/s");
  }

  @Test
  void ownersAreCountedAndLimited() {
    String before = ok("fs userspace -H -p -n tank/a");
    assertThat(before.lines()).isNotEmpty().allMatch(line -> line.startsWith("user\t"));
    ok("fs snapshot tank/a@s");
    ok("rm tank/a:/f");
    assertThat(ok("fs userspace -H -p -n tank/a")).isNotEqualTo(before);
    assertThat(ok("fs userspace -H -p -n tank/a@s")).isEqualTo(before);
    assertThat(ok("fs groupspace -j tank/a")).contains("\"type\": \"group\"");
    assertThat(ok("fs projectspace -H tank/a").lines()).hasSize(1);
    ok("fs set userquota@4242=1M userobjquota@4242=7 groupquota@root=3M tank/a");
    assertThat(ok("fs userspace -H -n -s quota tank/a").lines())
        .last()
        .isEqualTo("user\t4242\t0B\t1M\t0\t7");
    assertThat(ok("fs groupspace -H tank/a")).contains("group\troot\t", "\t3M\t");
    assertThat(ok("fs get -H userquota@4242,userused@4242,groupobjquota@root tank/a").lines())
        .containsExactly(
            "tank/a\tuserquota@4242\t1M\tlocal",
            "tank/a\tuserused@4242\t0B\t-",
            "tank/a\tgroupobjquota@0\tnone\tdefault");
    ok("fs set userquota@4242=none tank/a");
    assertThat(refused("fs set userquota@nobodyhere=1M tank/a")).contains("no user here");
    assertThat(refused("fs set userquota@99999999999=1M tank/a")).contains("userquota@");
    assertThat(refused("fs userspace -s size tank/a")).contains("is no column");
    assertThat(refused("fs userspace tank/a@t")).contains("no such snapshot");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void limitsAreKeptAndCounted() {
    ok("fs set filesystem_limit=1 snapshot_limit=2 tank/a");
    assertThat(refused("fs create tank/a/c")).contains("filesystem_limit of tank/a", "is reached");
    ok("fs snapshot -r tank/a@s");
    assertThat(refused("fs snapshot tank/a/b@t")).contains("snapshot_limit of tank/a");
    assertThat(number("filesystem_count", "tank")).isEqualTo(2);
    assertThat(number("snapshot_count", "tank/a")).isEqualTo(2);
    assertThat(refused("fs set snapshot_limit=many tank/a")).contains("give a number");
  }

  @Test
  void aLimitOfZeroForbidsAllAndNoneAllowsAll() {
    ok("fs set filesystem_limit=0 snapshot_limit=0 tank/a");
    assertThat(ok("fs get -H filesystem_limit tank/a"))
        .isEqualTo("tank/a\tfilesystem_limit\t0\tlocal\n");
    assertThat(ok("fs get -H -p snapshot_limit tank/a")).contains("\t0\tlocal");
    assertThat(refused("fs create tank/a/c")).contains("filesystem_limit of tank/a allows none");
    assertThat(refused("fs snapshot tank/a@s")).contains("snapshot_limit of tank/a allows none");
    ok("fs set filesystem_limit=none snapshot_limit=none tank/a");
    assertThat(ok("fs get -H -p filesystem_limit tank/a")).contains("\tnone\tlocal");
    ok("fs create tank/a/c");
    ok("fs snapshot tank/a@s");
    ok("fs create -o filesystem_limit=0 tank/z");
    assertThat(refused("fs create tank/z/c")).contains("filesystem_limit of tank/z");
  }

  @Test
  void severalDatasetsAreSetAtOnce() {
    ok("fs set compression=zstd atime=off tank/a tank/a/b");
    assertThat(ok("fs get -H compression,atime tank/a tank/a/b").lines())
        .hasSize(4)
        .allMatch(line -> line.endsWith("\tlocal"));
    assertThat(refused("fs set quota=1M tank/a tank/a/b")).contains("quota=1M of tank/a");
    assertThat(ok("fs get -H quota tank/a/b")).as("the other one is set").contains("1M\tlocal");
    assertThat(refused("fs set atime=on copies=2")).contains("copies=2", "names no dataset");
    assertThat(refused("fs set tank/a tank/a/b")).contains("tank/a", "sets no property");
    assertThat(refused("fs set atime=on tank/a/none tank/a/b")).contains("tank/a/none");
    assertThat(ok("fs get -H atime tank/a/b")).contains("on\tlocal");
  }

  @Test
  void propertiesOfUsersMayBeEmptyAndAreInLowerCase() {
    ok("fs set my:x= my:y=2 tank/a");
    assertThat(ok("fs get -H my:x tank/a")).isEqualTo("tank/a\tmy:x\t\tlocal\n");
    assertThat(ok("fs get -H my:x tank/a/b"))
        .isEqualTo("tank/a/b\tmy:x\t\tinherited from tank/a\n");
    ok("fs create -o my:z= tank/a/c");
    assertThat(ok("fs get -H my:z tank/a/c")).isEqualTo("tank/a/c\tmy:z\t\tlocal\n");
    ok("fs inherit my:x tank/a");
    assertThat(ok("fs get -H my:x tank/a")).isEqualTo("tank/a\tmy:x\t-\t-\n");
    assertThat(refused("fs set My:Prop=1 tank/a")).contains("lower case", "my:prop");
    ok("pool set my:pool= tank");
    assertThat(ok("pool get -H my:pool tank")).contains("my:pool\t\t");
  }
}
