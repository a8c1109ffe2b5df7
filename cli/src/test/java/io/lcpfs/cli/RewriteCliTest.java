package io.lcpfs.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Pool;
import io.lcpfs.cli.owner.OwnerServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code lcpfs fs rewrite}. */
class RewriteCliTest {
  private static final int MIB = 1 << 20;

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
    ok("fs create -o compression=off tank/a");
    Path tree = Files.createDirectories(directory.resolve("tree/below"));
    Files.write(directory.resolve("tree/one"), new byte[2 * MIB + 100]);
    byte[] text = "the same line again and again\n".repeat(100_000).getBytes(UTF_8);
    Files.write(directory.resolve("tree/one"), text);
    Files.write(tree.resolve("two"), text);
    Files.createLink(tree.resolve("again"), tree.resolve("two"));
    Files.createSymbolicLink(tree.resolve("link"), Path.of("two"));
    ok("cp -r DIR/tree tank/a:/tree");
    ok("fs set compression=zstd tank/a");
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

  private long used() {
    return Long.parseLong(ok("fs list -H -p -o referenced tank/a").strip());
  }

  @Test
  void filesBelowADirectoryAreRewrittenOnceEach() {
    long before = used();
    assertThat(before).isGreaterThan(5 * MIB);
    assertThat(refused("fs rewrite tank/a:/tree")).contains("add -r");
    assertThat(used()).isEqualTo(before);
    assertThat(ok("fs rewrite -r -v tank/a:/tree").lines().sorted())
        .hasSize(2)
        .contains("tank/a:/tree/one")
        .anyMatch(line -> line.startsWith("tank/a:/tree/below/"));
    assertThat(used()).isLessThan(MIB);
    ok("cp -r tank/a:/tree DIR/back");
    assertThat(directory.resolve("back/one")).hasSameBinaryContentAs(directory.resolve("tree/one"));
    assertThat(directory.resolve("back/below/two"))
        .hasSameBinaryContentAs(directory.resolve("tree/below/two"));
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void aRangeIsRewrittenAndWhatWasDoneIsTold() {
    long before = used();
    assertThat(ok("fs rewrite -j -o 1M -l 1M tank/a:/tree/one"))
        .contains("\"files\"", "1048576", "\"shared_bytes\"");
    assertThat(used()).isBetween(before - 5 * MIB / 4, before - MIB / 2);
    ok("cp tank/a:/tree/one tank/a:/shared");
    assertThat(ok("fs rewrite tank/a:/shared")).contains("shared", "--shared");
    assertThat(ok("fs rewrite --shared tank/a:/shared")).isEmpty();
  }

  @Test
  void whatCannotBeRewrittenIsToldOf() {
    ok("fs snapshot tank/a@s");
    assertThat(refused("fs rewrite tank/a:/none")).contains("tank/a:/none");
    assertThat(refused("fs rewrite DIR/tree/one")).contains("pool/dataset:/path");
    assertThat(refused("fs rewrite -r tank/a@s:/tree")).contains("read-only");
    assertThat(refused("fs rewrite -o -5 tank/a:/tree/one")).isNotEmpty();
    assertThat(refused("fs rewrite -l much tank/a:/tree/one")).contains("much");
    assertThat(refused("fs rewrite tank/a:/none tank/a:/tree/one")).contains("none");
    assertThat(used()).as("the other one is").isLessThan(5 * MIB);
  }

  @Test
  void itRunsAtThePoolsOwner() {
    long before = used();
    Cli cli = new Cli(System.out, System.err, environment, List.of("mount", "tank"));
    try (cli;
        Pool pool = cli.openToWrite("tank");
        OwnerServer server = Owners.serve(cli, List.of(pool), used -> false)) {
      assertThat(server).isNotNull();
      assertThat(ok("fs rewrite -r -v tank/a:/")).contains("tank/a:/tree/one");
      assertThat(used()).isLessThan(before / 4);
      assertThat(ok("fs get -H -t snapshot used tank/a")).isEmpty();
    }
  }
}
