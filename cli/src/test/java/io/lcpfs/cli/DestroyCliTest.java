package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is destroyed goes whole; what is refused has destroyed nothing. */
class DestroyCliTest extends PoolCommandTest {
  private final Random random = new Random(7);

  /** 64 KiB of what does not shrink. */
  private void write(String dataset) throws IOException {
    byte[] content = new byte[64 << 10];
    random.nextBytes(content);
    Files.write(directory.resolve("f"), content);
    ok("cp DIR/f " + dataset + ":/f");
  }

  private List<String> all() {
    return ok("fs list -H -t all -o name").lines().toList();
  }

  /** Refuses a command, which leaves everything as it is. */
  private String refusedWhole(String line) {
    List<String> before = all();
    String why = refused(line);
    assertThat(all()).as(line).isEqualTo(before);
    return why;
  }

  private long freed(String preview) {
    List<String> lines = preview.lines().filter(line -> line.startsWith("reclaim\t")).toList();
    assertThat(lines).as(preview).hasSize(1);
    return Long.parseLong(lines.getFirst().substring("reclaim\t".length()));
  }

  private long number(String property, String dataset) {
    return Long.parseLong(ok("fs list -H -p -o " + property + " " + dataset).strip());
  }

  @BeforeEach
  void aPool() throws IOException {
    ok("pool create --size 64M tank DIR/pool.img");
    ok("fs create -p tank/t/a");
    ok("fs create tank/t/b");
    write("tank/t/a");
    write("tank/t/b");
    ok("fs snapshot -r tank@s1");
    write("tank/t/a");
    ok("fs snapshot -r tank@s2");
    write("tank/t/a");
    ok("fs snapshot -r tank@s3");
  }

  @Test
  void aTreeWithACloneOutsideStaysWhole() {
    ok("fs clone tank/t/a@s1 tank/c");
    assertThat(refusedWhole("fs destroy -r tank/t")).contains("tank/t/a@s1", "tank/c", "-R");
    assertThat(refusedWhole("fs destroy -n -r tank/t")).contains("tank/t/a@s1", "tank/c", "-R");
    ok("fs hold keep tank/t/b@s2");
    assertThat(refusedWhole("fs destroy -R tank/t"))
        .contains("tank/t/b@s2", "lcpfs fs release keep tank/t/b@s2")
        .doesNotContain("-d");
    ok("fs release keep tank/t/b@s2");
    ok("fs destroy -R tank/t");
    assertThat(all()).containsExactly("tank", "tank@s1", "tank@s2", "tank@s3");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void snapshotsOfOneNameGoAllOrNone() {
    ok("fs clone tank/t/a@s2 tank/c");
    for (String options : List.of("-r", "-n -r", "-r -v")) {
      assertThat(refusedWhole("fs destroy " + options + " tank@s2"))
          .contains("tank/t/a@s2", "tank/c", "-R");
    }
    assertThat(refusedWhole("fs destroy tank/t/b@s1 tank/t/a@s1,s2")).contains("tank/t/a@s2");
    ok("fs hold keep tank/t/b@s1");
    assertThat(refusedWhole("fs destroy -r tank@s1")).contains("tank/t/b@s1", "keep", "-d");
    assertThat(refusedWhole("fs destroy -R tank@s1,s2")).contains("tank/t/b@s1", "keep");
    assertThat(refusedWhole("fs destroy tank/t/b@s2 tank/t")).contains("another kind");
    assertThat(refusedWhole("fs destroy tank/t/b@s2 other/t@s2")).contains("another pool");
    ok("fs release keep tank/t/b@s1");
    ok("fs destroy tank/t/b@s1 tank/t/a@s1");
    ok("fs destroy -R tank@s2");
    assertThat(all())
        .containsExactly(
            "tank",
            "tank@s1",
            "tank@s3",
            "tank/t",
            "tank/t@s1",
            "tank/t@s3",
            "tank/t/a",
            "tank/t/a@s3",
            "tank/t/b",
            "tank/t/b@s3");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void aRollbackThatIsRefusedLeavesClonesAlone() {
    ok("fs clone tank/t/a@s2 tank/c");
    ok("fs hold keep tank/t/a@s3");
    assertThat(refusedWhole("fs rollback -R tank/t/a@s1"))
        .contains("tank/t/a@s3", "lcpfs fs release keep")
        .doesNotContain("-d");
    assertThat(refusedWhole("fs rollback -r tank/t/a@s1")).doesNotContain("-d");
    assertThat(refusedWhole("fs destroy -R tank/t/a@s2,s3")).contains("is held");
    ok("fs release keep tank/t/a@s3");
    ok("fs snapshot tank/c@x");
    ok("fs hold keep tank/c@x");
    assertThat(refusedWhole("fs rollback -R tank/t/a@s1")).contains("tank/c@x");
    ok("fs release keep tank/c@x");
    ok("fs rollback -R tank/t/a@s1");
    assertThat(all()).doesNotContain("tank/c", "tank/t/a@s2", "tank/t/a@s3");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void severalSnapshotsAreTakenAllOrNone() {
    assertThat(refusedWhole("fs snapshot tank/t/a@n1 tank/t/b@s1")).contains("exists already");
    assertThat(refusedWhole("fs snapshot tank/t/a@n1 tank/none@n1")).contains("no such dataset");
    assertThat(refusedWhole("fs snapshot -r tank/t/a@n1 tank/t@s1")).contains("exists already");
    ok("fs snapshot tank/t/a@n1 tank/t/a@n2 tank/t/b@n1 tank/t/a@n1");
    assertThat(
            ok("fs list -H -t snapshot -o createtxg tank/t/a tank/t/b").lines().skip(3).distinct())
        .as("of the same moment but for three older ones of tank/t/b")
        .hasSize(4);
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void whatWentByItselfCountsAsDestroyed() {
    ok("fs clone tank/t/b@s1 tank/c");
    ok("fs destroy -d tank/t/b@s1");
    ok("fs destroy -R tank/t");
    assertThat(all()).containsExactly("tank", "tank@s1", "tank@s2", "tank@s3");
    ok("fs create tank/t");
    ok("fs snapshot tank/t@k");
    ok("fs clone tank/t@k tank/c");
    ok("fs destroy -d tank/t@k");
    ok("fs destroy -R tank/t@k");
    assertThat(all()).doesNotContain("tank/c", "tank/t@k");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void whatWaitsForACloneGoesWithTheCommandThatDestroysIt() {
    for (int i = 0; i < 5; i++) {
      ok("fs snapshot tank/t/b@k");
      ok("fs clone tank/t/b@k tank/c");
      ok("fs destroy -d tank/t/b@k");
      ok("fs rollback -r tank/t/b@k");
      assertThat(all()).contains("tank/t/b@k");
      ok("fs destroy tank/c");
      assertThat(all()).doesNotContain("tank/t/b@k");
    }
  }

  @Test
  void aTreeGoesWithClonesWithinIt() {
    ok("fs clone tank/t/b@s1 tank/t/a/c");
    ok("fs snapshot tank/t/a/c@x");
    ok("fs clone tank/t/a/c@x tank/t/z");
    assertThat(ok("fs destroy -n -r tank/t").lines().filter(line -> !line.contains("@")))
        .startsWith("would destroy tank/t/z", "would destroy tank/t/a/c")
        .contains("would destroy tank/t")
        .hasSize(6);
    ok("fs destroy -r tank/t");
    assertThat(all()).containsExactly("tank", "tank@s1", "tank@s2", "tank@s3");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void aPreviewTellsWhatGoesAndHowMuchThatIs() throws IOException {
    List<String> before = all();
    String preview = ok("fs destroy -n -H -p tank/t/a@s1,s2");
    assertThat(preview.lines())
        .hasSize(3)
        .startsWith("destroy\ttank/t/a@s1", "destroy\ttank/t/a@s2");
    assertThat(all()).isEqualTo(before);
    long kept = number("usedbysnapshots", "tank/t/a");
    assertThat(freed(preview)).isGreaterThanOrEqualTo(128 << 10).isEqualTo(kept);
    assertThat(ok("fs destroy -v -H -p tank/t/a@s1,s2")).isEqualTo(preview);
    assertThat(number("usedbysnapshots", "tank/t/a")).isZero();

    ok("fs clone tank/t/b@s2 tank/c");
    write("tank/c");
    ok("fs snapshot tank/c@x");
    write("tank/c");
    long whole = number("used", "tank/c");
    assertThat(freed(ok("fs destroy -nHp -r tank/c"))).isEqualTo(whole);
    ok("fs hold keep tank/t/b@s3");
    assertThat(ok("fs destroy -n -d tank/t/b@%").lines())
        .containsExactly(
            "would destroy tank/t/b@s1",
            "would defer tank/t/b@s2",
            "would defer tank/t/b@s3",
            "would reclaim 0B");
    assertThat(ok("fs destroy -n -j -R tank/t/b@s2"))
        .containsSubsequence("\"destroy\"", "tank/c@x", "tank/c\"", "tank/t/b@s2")
        .containsPattern("\"reclaim\": " + whole);
    assertThat(ok("fs destroy -v -R tank/c").lines())
        .startsWith("destroyed tank/c@x", "destroyed tank/c")
        .hasSize(3);

    ok("cp --reflink=always tank/t/a:/f tank/t/a:/g");
    assertThat(ok("fs destroy -n tank/t/a@s3").lines())
        .as("shared blocks are not told apart")
        .containsExactly("would destroy tank/t/a@s3");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void aRangeInTheWrongOrderIsRefused() {
    assertThat(refusedWhole("fs destroy tank/t/a@s3%s1")).contains("wrong order", "s1%s3");
    assertThat(refusedWhole("fs destroy -n tank/t/a@s1,s3%s2")).contains("s2%s3");
    ok("fs destroy tank/t/a@s1%s1");
    assertThat(all()).doesNotContain("tank/t/a@s1");
  }

  @Test
  void snapshotsOfATreeGetAnotherNameAllOrNone() {
    ok("fs snapshot tank/t/b@new");
    assertThat(refusedWhole("fs rename -r tank@s1 @new")).contains("tank/t/b@new: exists already");
    assertThat(refusedWhole("fs rename -r tank@none tank@new")).contains("no such snapshot");
    assertThat(refusedWhole("fs rename -r tank/t tank/x")).contains("-r", "snapshots only");
    assertThat(refusedWhole("fs rename -p tank@s1 tank@x")).contains("-p", "datasets only");
    ok("fs destroy tank/t/a@s1");
    ok("fs rename -r tank@s1 tank@old");
    assertThat(all())
        .contains("tank@old", "tank/t@old", "tank/t/b@old", "tank/t/a@s2")
        .doesNotContain("tank@s1", "tank/t@s1", "tank/t/b@s1", "tank/t/a@old");
    ok("fs rename -r tank/t/b@new @newer");
    assertThat(all()).contains("tank/t/b@newer");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void aDatasetIsRenamedWithItsMissingParents() {
    assertThat(refusedWhole("fs rename tank/t tank/x/y/t")).contains("parent", "-p");
    assertThat(refusedWhole("fs rename -p tank/t tank/t/x/t")).contains("lies within");
    assertThat(refusedWhole("fs rename -p tank/none tank/x/t")).contains("no such dataset");
    ok("fs create tank/q");
    ok("fs set filesystem_limit=2 tank/q");
    assertThat(refusedWhole("fs rename -p tank/t tank/q/y/t")).contains("filesystem_limit");
    ok("fs rename -p tank/t tank/x/y/t");
    assertThat(all()).contains("tank/x", "tank/x/y", "tank/x/y/t/a@s1").doesNotContain("tank/t");
    ok("fs rename -p tank/x/y/t tank/t");
    assertThat(all()).contains("tank/t/a");
    assertThat(ok("pool verify tank")).contains("sound");
  }
}
