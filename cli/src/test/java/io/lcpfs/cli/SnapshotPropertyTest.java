package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code lcpfs fs get} of snapshots and bookmarks. */
class SnapshotPropertyTest {
  private static final long MIB = 1 << 20;

  @TempDir Path directory;

  @BeforeEach
  void prepare() throws IOException {
    ok("pool create --size 128M tank DIR/pool.img");
    ok("fs create -o compression=zstd tank/a");
    ok("fs set my:note=first tank/a");
    ok("fs set my:above=top tank");
    write("one", MIB, 1);
    ok("fs snapshot tank/a@s1");
    write("two", 3 * MIB, 2);
    ok("rm tank/a:/one");
    ok("fs snapshot tank/a@s2");
    ok("fs snapshot tank/a@s3");
  }

  private void write(String name, long bytes, int seed) throws IOException {
    byte[] noise = new byte[(int) bytes];
    new Random(seed).nextBytes(noise);
    Files.write(directory.resolve(name), noise);
    ok("cp DIR/" + name + " tank/a:/" + name);
  }

  private CliRun run(String line) {
    return CliRun.line(directory.resolve("home"), line.replace("DIR", directory.toString()));
  }

  private String ok(String line) {
    CliRun run = run(line);
    assertThat(run.code()).as(line + run.err()).isZero();
    return run.out();
  }

  private String refused(String line) {
    CliRun run = run(line);
    assertThat(run.code()).as(line).isNotZero();
    return run.err();
  }

  private String value(String property, String name) {
    String line = ok("fs get -H -p " + property + " " + name).strip();
    assertThat(line).startsWith(name + "\t" + property + "\t");
    return line.split("\t")[2];
  }

  private long number(String property, String name) {
    return Long.parseLong(value(property, name));
  }

  @Test
  void allThatASnapshotHasIsShown() {
    List<String> lines = ok("fs get -H -p all tank/a@s2").lines().toList();
    assertThat(lines.stream().map(line -> line.split("\t")[1]))
        .containsExactly(
            "type",
            "creation",
            "used",
            "referenced",
            "written",
            "logicalreferenced",
            "compressratio",
            "refcompressratio",
            "guid",
            "clones",
            "createtxg",
            "userrefs",
            "defer_destroy",
            "my:above",
            "my:note");
    assertThat(lines)
        .contains(
            "tank/a@s2\ttype\tsnapshot\t-",
            "tank/a@s2\tuserrefs\t0\t-",
            "tank/a@s2\tdefer_destroy\toff\t-",
            "tank/a@s2\tclones\t-\t-",
            "tank/a@s2\tmy:note\tfirst\tinherited from tank/a",
            "tank/a@s2\tmy:above\ttop\tinherited from tank");
    assertThat(number("creation", "tank/a@s2")).isGreaterThan(1_600_000_000L);
    assertThat(number("createtxg", "tank/a@s2")).isGreaterThan(number("createtxg", "tank/a@s1"));
    assertThat(ok("fs get -j all tank/a@s2"))
        .contains("\"tank/a@s2\"", "\"written\"", "\"my:note\"");
    assertThat(ok("fs get all tank/a@s2")).contains("inherited from tank/a");
  }

  @Test
  void sizesAreThoseOfWhatChanged() {
    long first = number("referenced", "tank/a@s1");
    assertThat(first).isBetween(MIB, 2 * MIB);
    assertThat(number("written", "tank/a@s1")).isEqualTo(first);
    assertThat(number("written", "tank/a@s2")).isBetween(3 * MIB, 4 * MIB);
    assertThat(number("written", "tank/a@s3")).isZero();
    assertThat(number("logicalreferenced", "tank/a@s2")).isBetween(3 * MIB, 4 * MIB);
    assertThat(value("compressratio", "tank/a@s2")).isIn("0.99", "1.00", "1.01");
    ok("fs destroy tank/a@s2");
    assertThat(number("written", "tank/a@s3")).isBetween(3 * MIB, 4 * MIB);
    ok("fs destroy tank/a@s1");
    assertThat(number("written", "tank/a@s3")).isEqualTo(number("referenced", "tank/a@s3"));
  }

  @Test
  void aClonesFirstSnapshotIsMeasuredAgainstItsOrigin() throws IOException {
    ok("fs clone tank/a@s3 tank/c");
    assertThat(value("clones", "tank/a@s3")).isEqualTo("tank/c");
    ok("cp DIR/one tank/c:/three");
    ok("fs snapshot tank/c@t");
    assertThat(number("written", "tank/c@t")).isBetween(MIB, 2 * MIB);
    assertThat(number("referenced", "tank/c@t")).isGreaterThan(4 * MIB);
    assertThat(ok("fs list -H -t snapshot -o name,written,logicalreferenced tank/a"))
        .contains("tank/a@s3\t0");
    ok("fs hold keep tank/a@s1");
    assertThat(value("userrefs", "tank/a@s1")).isEqualTo("1");
    ok("fs destroy -d tank/a@s1");
    assertThat(value("defer_destroy", "tank/a@s1")).isEqualTo("on");
  }

  @Test
  void typesAndRecursionChooseWhatIsShown() {
    ok("fs create tank/a/b");
    ok("fs snapshot -r tank@all");
    ok("fs bookmark tank/a@s1 tank/a#mark");
    assertThat(ok("fs get -H -t snapshot used tank/a").lines())
        .hasSize(4)
        .allMatch(line -> line.startsWith("tank/a@"));
    assertThat(ok("fs get -H -r -t snapshot used tank").lines()).hasSize(6);
    assertThat(ok("fs get -H -r -t all type tank").lines()).hasSize(3 + 6 + 1);
    assertThat(ok("fs get -H -r used tank").lines()).hasSize(3);
    assertThat(ok("fs get -H -r createtxg tank@all").lines().map(line -> line.split("\t")[0]))
        .containsExactly("tank@all", "tank/a@all", "tank/a/b@all");
    assertThat(ok("fs get -H all tank/a#mark").lines().map(line -> line.split("\t")[1]))
        .containsExactly("type", "creation", "guid", "createtxg");
    assertThat(value("guid", "tank/a#mark")).isEqualTo(value("guid", "tank/a@s1"));
    assertThat(ok("fs get -H used,type tank/a@s1 tank/a").lines()).hasSize(4);
  }

  @Test
  void whatIsNotThereIsToldOf() {
    assertThat(value("compression", "tank/a@s1")).isEqualTo("-");
    assertThat(value("my:none", "tank/a@s1")).isEqualTo("-");
    assertThat(refused("fs get nonsense tank/a@s1")).contains("nonsense", "no property");
    assertThat(refused("fs get used tank/a@none")).contains("no such snapshot");
    assertThat(refused("fs get used tank/a#none")).contains("no such bookmark");
    assertThat(refused("fs get used tank/a@")).contains("tank/a@");
    assertThat(refused("fs get -t volume used tank/a")).contains("volume", "no type");
    assertThat(refused("fs set written=1 tank/a")).contains("computed");
    assertThat(refused("fs set my:note=x tank/a@s1")).contains("tank/a@s1");
  }
}
