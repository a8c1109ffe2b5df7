package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Pool;
import io.lcpfs.cli.owner.OwnerServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code lcpfs fs project}, and the quotas of projects. */
class ProjectCliTest {
  @TempDir Path directory;
  private Map<String, String> environment = Map.of();

  @BeforeEach
  void prepare() throws IOException {
    environment =
        Map.of(
            "LCPFS_HOME",
            directory.resolve("home").toString(),
            "XDG_RUNTIME_DIR",
            directory.toString(),
            "LCPFS_CACHE",
            "64M");
    ok("pool create --size 128M tank DIR/pool.img");
    ok("fs create tank/a");
    ok("mkdir -p tank/a:/p/below");
    byte[] noise = new byte[4 << 20];
    new Random(1).nextBytes(noise);
    Files.write(directory.resolve("f"), noise);
    ok("cp DIR/f tank/a:/p/f");
    ok("ln -s f tank/a:/p/link");
  }

  private CliRun run(String line) {
    return CliRun.with(environment, line.replace("DIR", directory.toString()).split(" ", -1));
  }

  private String ok(String line) {
    CliRun run = run(line);
    assertThat(run.err()).as(line).isEmpty();
    assertThat(run.code()).as(line).isZero();
    return run.out();
  }

  private String refused(String line) {
    CliRun run = run(line);
    assertThat(run.code()).as(line).isNotZero();
    return run.err();
  }

  @Test
  void projectsAreSetShownAndCleared() {
    assertThat(ok("fs project -H tank/a:/p")).isEqualTo("0\t-\ttank/a:/p\n");
    ok("fs project -r -s -p 7 tank/a:/p");
    assertThat(ok("fs project -H -r tank/a:/p").lines().sorted())
        .containsExactly(
            "7\t-\ttank/a:/p/f",
            "7\t-\ttank/a:/p/link",
            "7\ton\ttank/a:/p",
            "7\ton\ttank/a:/p/below");
    ok("cp DIR/f tank/a:/p/below/g");
    ok("fs project -p 8 tank/a:/p/f");
    assertThat(ok("fs project tank/a:/p/f tank/a:/p/below/g"))
        .containsPattern("PROJECT +INHERIT +PATH")
        .containsPattern("8 +- +tank/a:/p/f")
        .containsPattern("7 +- +tank/a:/p/below/g");
    assertThat(ok("fs project -j tank/a:/p"))
        .contains("\"project\": 7", "\"inherit\": true", "\"path\": \"tank/a:/p\"");
    ok("fs project -C -k tank/a:/p");
    assertThat(ok("fs project -H tank/a:/p")).isEqualTo("7\t-\ttank/a:/p\n");
    ok("fs project -C -r tank/a:/p");
    assertThat(ok("fs project -H -r tank/a:/p").lines())
        .hasSize(5)
        .allMatch(line -> line.startsWith("0\t-\t"));
  }

  @Test
  void theQuotaOfAProjectIsKept() {
    ok("fs project -r -s -p 7 tank/a:/p");
    assertThat(ok("fs projectspace -H -p tank/a")).containsPattern("project\t7\t4\\d{6}\t");
    ok("fs set projectquota@7=3M tank/a");
    assertThat(refused("cp --reflink=always tank/a:/p/f tank/a:/p/g")).contains("project 7");
    assertThat(refused("cp DIR/f tank/a:/p/h")).contains("project 7");
    ok("cp DIR/f tank/a:/other");
    assertThat(refused("mv tank/a:/other tank/a:/p")).contains("tank/a:/other");
  }

  @Test
  void whatCannotBeIsToldOf() {
    ok("fs snapshot tank/a@s");
    assertThat(refused("fs project -p 4294967295 tank/a:/p")).contains("0 to 4294967294");
    assertThat(refused("fs project -p many tank/a:/p")).contains("many");
    assertThat(refused("fs project -C -p 1 tank/a:/p")).contains("-C");
    assertThat(refused("fs project -k tank/a:/p")).contains("add -C");
    assertThat(refused("fs project DIR/f")).contains("pool/dataset:/path");
    assertThat(refused("fs project -p 1 tank/a:/none tank/a:/p")).contains("tank/a:/none");
    assertThat(ok("fs project -H tank/a:/p")).as("the other one is").startsWith("1\t");
    assertThat(refused("fs project -p 1 tank/a@s:/p")).contains("read-only");
    assertThat(ok("fs project -H tank/a@s:/p")).startsWith("0\t");
  }

  @Test
  void itRunsAtThePoolsOwner() {
    Cli cli = new Cli(System.out, System.err, environment, List.of("mount", "tank"));
    try (cli;
        Pool pool = cli.openToWrite("tank");
        OwnerServer server = Owners.serve(cli, List.of(pool), used -> false)) {
      assertThat(server).isNotNull();
      ok("fs project -s -p 9 tank/a:/p");
      assertThat(ok("fs project -H tank/a:/p")).isEqualTo("9\ton\ttank/a:/p\n");
    }
    assertThat(ok("fs project -H tank/a:/p")).isEqualTo("9\ton\ttank/a:/p\n");
  }
}
