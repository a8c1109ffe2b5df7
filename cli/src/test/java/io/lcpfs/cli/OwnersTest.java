package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Pool;
import io.lcpfs.cli.owner.OwnerServer;
import io.lcpfs.cli.tree.HostDirectory;
import io.lcpfs.cli.tree.TreeDigest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands on a pool that this process has open: its devices are refused to all others. */
@Timeout(120)
class OwnersTest {
  @TempDir Path directory;
  private Map<String, String> environment = Map.of();
  private final List<AutoCloseable> open = new ArrayList<>();

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
    assertThat(run.code()).as(line).isEqualTo(ExitCode.FAILED);
    assertThat(run.err().lines()).as(line).hasSize(1);
    assertThat(run.err()).startsWith("lcpfs: ").contains("; ").doesNotContain("Exception");
    return run.err();
  }

  private Pool own(String name) {
    Cli cli = new Cli(System.out, System.err, environment, List.of("mount", name));
    open.add(cli);
    Pool pool = cli.openToWrite(name);
    open.add(pool);
    OwnerServer server = Owners.serve(cli, List.of(pool), used -> used.equals(name + "/used"));
    open.add(server);
    return pool;
  }

  private void disown() throws Exception {
    for (AutoCloseable one : open.reversed()) {
      one.close();
    }
    open.clear();
  }

  @BeforeEach
  void aPoolThatIsOpen() {
    environment =
        Map.of(
            "LCPFS_HOME",
            directory.resolve("home").toString(),
            "XDG_RUNTIME_DIR",
            directory.toString(),
            "LCPFS_CACHE",
            "64M");
    ok("pool create --size 256M tank DIR/pool.img");
    own("tank");
  }

  @AfterEach
  void ended() throws Exception {
    disown();
  }

  @Test
  void everyCommandOnPoolsAndDatasetsRunsAtTheOwner() throws Exception {
    assertThat(ok("pool list")).contains("tank", "ONLINE");
    assertThat(ok("pool status tank")).contains("pool: tank", "no known errors");
    assertThat(ok("pool status -j")).contains("\"name\": \"tank\"");
    assertThat(ok("pool get readonly tank")).contains("off");
    ok("pool set autotrim=on tank");
    assertThat(ok("pool get -H autotrim tank")).contains("on");
    ok("fs create -p tank/a/b");
    ok("fs set compression=zstd tank/a");
    assertThat(ok("fs get -H compression tank/a/b")).contains("zstd");
    ok("fs inherit compression tank/a");
    ok("fs rename tank/a tank/c");
    assertThat(ok("fs list")).contains("tank/c/b").doesNotContain("tank/a");
    ok("fs destroy -r tank/c");
    assertThat(ok("fs list")).doesNotContain("tank/c");
    ok("pool sync tank");
    ok("pool verify tank");
    assertThat(ok("pool history tank")).contains("pool set autotrim=on tank", "fs create -p");
    assertThat(refused("fs destroy tank/none")).contains("no such dataset");
    assertThat(ok("df")).contains("tank");
    disown();
    assertThat(ok("pool history tank")).contains("fs rename tank/a tank/c");
  }

  @Test
  void everyCommandOnFilesRunsAtTheOwnerAndIsThereAfterwards() throws Exception {
    ok("mkdir -p tank:/d/e");
    ok("ln -s e tank:/d/s");
    Files.writeString(directory.resolve("f"), "content\n");
    ok("cp DIR/f tank:/d/f");
    ok("ln tank:/d/f tank:/d/g");
    ok("mv tank:/d/g tank:/d/e");
    assertThat(ok("cat tank:/d/e/g")).isEqualTo("content\n");
    assertThat(ok("ls tank:/d")).contains("e", "f", "s").doesNotContain("g");
    assertThat(ok("stat tank:/d/f")).contains("Links: 2");
    ok("rm -r tank:/d/e");
    assertThat(ok("stat tank:/d/f")).contains("Links: 1");
    assertThat(refused("cat tank:/d/none")).contains("tank:/d/none");
    assertThat(refused("ls tank/none:/")).contains("no such dataset");
    assertThat(run("cat /etc/hostname").code()).isEqualTo(ExitCode.USAGE);
    disown();
    assertThat(ok("cat tank:/d/f")).isEqualTo("content\n");
    ok("pool verify tank");
  }

  private Path tree() throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    Random random = new Random(5);
    for (int i = 0; i < 60; i++) {
      Path folder = Files.createDirectories(root.resolve("d" + i % 7 + "/e" + i % 3));
      byte[] content = new byte[random.nextInt(5_000)];
      random.nextBytes(content);
      Files.write(folder.resolve("file" + i), content);
    }
    byte[] large = new byte[5_000_000];
    random.nextBytes(large);
    Files.write(root.resolve("large"), large);
    try (RandomAccessFile sparse = new RandomAccessFile(root.resolve("sparse").toFile(), "rw")) {
      sparse.setLength(50_000_000);
      sparse.seek(30_000_000);
      sparse.write(7);
    }
    Files.createSymbolicLink(root.resolve("link"), Path.of("d1/e1"));
    Files.createSymbolicLink(root.resolve("dangling"), Path.of("/nowhere"));
    Files.createLink(root.resolve("twin"), root.resolve("large"));
    Files.createDirectory(root.resolve("empty"));
    return root;
  }

  private static TreeDigest digest(Path root) {
    try (HostDirectory open = HostDirectory.open(root)) {
      return TreeDigest.of(open, 1);
    }
  }

  @Test
  void everyTreeIsTheSameAfterItWentIntoAPoolAndOutAgain() throws Exception {
    Path root = tree();
    ok("cp -r DIR/tree tank:/");
    ok("cp -r tank:/tree DIR/back");
    assertThat(digest(directory.resolve("back")).entries()).isEqualTo(digest(root).entries());
    ok("cp -r tank:/tree tank:/again");
    ok("cp tank:/tree/link/file1 DIR/one");
    assertThat(Files.readAllBytes(directory.resolve("one")))
        .isEqualTo(Files.readAllBytes(root.resolve("d1/e1/file1")));
    assertThat(refused("cp tank:/none DIR/x")).contains("tank:/none");
    assertThat(refused("cp tank:/tree DIR/x")).contains("is a directory");
    disown();
    ok("cp -r tank:/again DIR/later");
    assertThat(digest(directory.resolve("later")).entries()).isEqualTo(digest(root).entries());
    ok("pool verify tank");
  }

  @Test
  void everyDirectoryOfManyNamesComesInPages() throws Exception {
    Path many = Files.createDirectory(directory.resolve("many"));
    for (int i = 0; i < 2_000; i++) {
      Files.createFile(many.resolve("n".repeat(160) + i));
    }
    ok("cp -r DIR/many tank:/");
    ok("cp -r tank:/many DIR/back");
    assertThat(digest(directory.resolve("back")).entries()).isEqualTo(digest(many).entries());
  }

  @Test
  void datasetsInUseAndThePoolItselfStay() {
    ok("fs create tank/used");
    ok("fs create tank/used/below");
    assertThat(ok("fs get -H -r -o name,value mounted tank").lines())
        .containsExactly("tank\tno", "tank/used\tyes", "tank/used/below\tno");
    assertThat(refused("fs destroy -r tank/used")).contains("is mounted", "unmount it first");
    assertThat(refused("fs rename tank/used tank/other")).contains("is mounted");
    ok("fs destroy tank/used/below");
    assertThat(refused("pool export tank")).contains("in use");
    assertThat(refused("pool destroy -f tank")).contains("in use");
    assertThat(ok("fs list")).contains("tank/used");
  }

  @Test
  void shortNamesOfCommandsReachTheOwnerToo() {
    ok("fs snap tank@now");
    assertThat(ok("fs list -H -t snap -o name tank")).isEqualTo("tank@now\n");
    assertThat(refused("recv -A tank/none")).doesNotContain("in use");
    assertThat(refused("fs recv -A tank/none")).doesNotContain("in use");
  }

  @Test
  void namesAreCompletedWhileAnotherHasThePool() {
    ok("fs create -p tank/a/b");
    ok("fs snapshot tank/a@s1");
    CliRun names = CliRun.with(environment, "complete-names", "lcpfs fs list tank/a@");
    assertThat(names).isEqualTo(new CliRun(0, "tank/a@s1\n", ""));
  }

  @Test
  void noArgumentMakesTheOwnerOpenAFileOfTheHost() throws IOException {
    Files.writeString(directory.resolve("words"), "tank:/");
    CliRun run = run("ls @DIR/words");
    assertThat(run.code()).isEqualTo(ExitCode.USAGE);
    assertThat(run.err()).contains("is no path in a pool");
    ok("ls tank:/");
  }

  @Test
  void everyListingSpansAllOwnersAndThePoolsThatNobodyHasOpen() {
    ok("pool create --size 64M dozer DIR/dozer.img");
    ok("pool create --size 64M third DIR/third.img");
    assertThat(ok("pool list")).contains("tank", "dozer", "third").doesNotContain("UNAVAIL");
    own("dozer");
    ok("fs create -p tank/a/b");
    assertThat(ok("fs list -H -o name")).contains("tank/a/b\n");
    assertThat(ok("fs list -H -o name -d 1")).contains("tank/a\n").doesNotContain("tank/a/b");
    assertThat(ok("pool list")).contains("tank", "dozer", "third").doesNotContain("UNAVAIL");
    assertThat(ok("fs list")).contains("tank", "dozer", "third");
    ok("mkdir dozer:/d");
    Path file = directory.resolve("f");
    assertThat(file.toFile()).doesNotExist();
    ok("cp -r tank:/ dozer:/d/copy");
    assertThat(refused("pool status tank dozer")).contains("processes of their own");
  }
}
