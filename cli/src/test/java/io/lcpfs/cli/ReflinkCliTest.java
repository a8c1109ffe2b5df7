package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Copies within a pool that share blocks, by the command. */
class ReflinkCliTest extends PoolCommandTest {
  private static final int BYTES = 3_000_001;

  private final byte[] content = new byte[BYTES];

  private long property(String name) {
    return Long.parseLong(ok("pool get -H -p " + name + " tank").split("\t")[2]);
  }

  private String ratio() {
    return ok("pool get -H bcloneratio tank").split("\t")[2];
  }

  private void assertCopy(String path) throws IOException {
    ok("cp " + path + " DIR/out");
    assertThat(Files.readAllBytes(directory.resolve("out"))).isEqualTo(content);
    Files.delete(directory.resolve("out"));
  }

  @BeforeEach
  void aPoolWithAFile() throws IOException {
    ok("pool create --size 64M tank DIR/pool.img");
    ok("fs create tank/a");
    new Random(1).nextBytes(content);
    Files.write(directory.resolve("in"), content);
    ok("cp DIR/in tank:/big");
  }

  @Test
  void copiesShareBlocksAlsoAcrossDatasetsAndSayHowMuchThatSaves() throws IOException {
    assertThat(property("bclonesaved")).isZero();
    assertThat(ratio()).isEqualTo("1.00x");
    final long before = property("allocated");
    ok("cp tank:/big tank:/second");
    ok("cp --reflink=always tank:/big tank/a:/third");
    ok("cp --reflink tank/a:/third tank/a:/fourth");
    assertThat(property("allocated") - before).isLessThan(BYTES / 4);
    long used = property("bcloneused");
    assertThat(used).isBetween((long) BYTES, BYTES + (256L << 10));
    assertThat(property("bclonesaved")).isEqualTo(3 * used);
    assertThat(ratio()).isEqualTo("4.00x");
    for (String path : new String[] {"tank:/big", "tank:/second", "tank/a:/third"}) {
      assertCopy(path);
    }
    ok("rm tank:/big tank:/second tank/a:/fourth");
    assertThat(property("bclonesaved")).isZero();
    assertCopy("tank/a:/third");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void copiesTakeSpaceOfTheirOwnWhenAsked() throws IOException {
    ok("cp --reflink=never tank:/big tank:/second");
    assertThat(property("bclonesaved")).isZero();
    assertCopy("tank:/second");
  }

  @Test
  void treesAndFilesOfSnapshotsShareToo() throws IOException {
    ok("fs snapshot tank@now");
    ok("rm tank:/big");
    ok("cp --reflink=always tank@now:/big tank:/back");
    assertThat(property("bclonesaved")).isGreaterThanOrEqualTo(BYTES);
    ok("mkdir tank:/d");
    ok("cp tank:/back tank:/d/one");
    ok("cp -r --reflink=always tank:/d tank/a:/");
    ok("fs destroy tank@now");
    assertCopy("tank/a:/d/one");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void whatCannotShareIsRefusedWithTheWayThatCopies() {
    CliRun run = run("cp --reflink=always DIR/in tank:/other");
    assertThat(run.code()).isNotZero();
    assertThat(run.err()).startsWith("lcpfs: ").contains("same pool", "--reflink=auto");
    assertThat(run("stat tank:/other").code()).isNotZero();
    assertThat(run("cp --reflink=sometimes tank:/big tank:/x").err())
        .contains("--reflink", "always, auto, never");
  }
}
