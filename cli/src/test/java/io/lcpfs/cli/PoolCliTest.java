package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.cli.tree.HostDirectory;
import io.lcpfs.cli.tree.TreeDigest;
import io.lcpfs.device.DirectIo;
import io.lcpfs.device.FileDevice;
import io.lcpfs.device.OpenMode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command against a real pool on a file. */
class PoolCliTest {
  @TempDir Path directory;
  private Path home = Path.of("");
  private Path image = Path.of("");

  private CliRun run(String line) {
    return CliRun.line(home, line.replace("DIR", directory.toString()));
  }

  /** Runs what must succeed, silently on standard error. */
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
    assertThat(run.err())
        .as(line)
        .startsWith("lcpfs: ")
        .contains("; ")
        .doesNotContain("Exception")
        .doesNotContain("internal error");
    return run.err();
  }

  @BeforeEach
  void aPool() {
    home = directory.resolve("home");
    image = directory.resolve("pool.img");
    ok("pool create --size 256M tank DIR/pool.img");
  }

  private Path tree() throws IOException {
    Path root = Files.createDirectory(directory.resolve("tree"));
    Random random = new Random(11);
    for (int i = 0; i < 120; i++) {
      Path file = root.resolve("d" + i % 5 + "/f" + i);
      Files.createDirectories(file.resolveSibling("."));
      byte[] content = new byte[i % 40 == 0 ? 700_000 : random.nextInt(9000)];
      random.nextBytes(content);
      Files.write(file, content);
    }
    Files.createSymbolicLink(root.resolve("link"), Path.of("d0/f0"));
    Files.createLink(root.resolve("second"), root.resolve("d1/f1"));
    try (RandomAccessFile sparse = new RandomAccessFile(root.resolve("sparse").toFile(), "rw")) {
      sparse.setLength(5 << 20);
      sparse.seek(3 << 20);
      sparse.write(7);
    }
    Files.setAttribute(root.resolve("d2/f2"), "unix:mode", 0640);
    return root;
  }

  private static TreeDigest digest(Path tree) {
    try (HostDirectory root = HostDirectory.open(tree)) {
      return TreeDigest.of(root, 1);
    }
  }

  @Test
  void aTreeComesBackAsItWentInThroughExportAndImport() throws IOException {
    Path tree = tree();
    ok("cp -r DIR/tree tank:/");
    ok("pool export tank");
    assertThat(ok("pool import -d DIR")).contains("tank").contains("exported");
    ok("pool import -d DIR tank other");
    ok("cp -r other:/tree DIR/back");
    assertThat(digest(directory.resolve("back")).entries()).isEqualTo(digest(tree).entries());
    assertThat(Files.getAttribute(directory.resolve("back/second"), "unix:ino"))
        .isEqualTo(Files.getAttribute(directory.resolve("back/d1/f1"), "unix:ino"));
    assertThat(ok("pool verify other")).contains("other: sound");
    ok("cp -r other:/tree other:/copy");
    ok("cp -r other:/copy/ DIR/again");
    assertThat(digest(directory.resolve("again")).entries()).isEqualTo(digest(tree).entries());
  }

  @Test
  void filesAreMadeListedMovedAndRemoved() {
    ok("mkdir -p tank:/a/b");
    ok("ln -s ../x tank:/a/link");
    assertThat(ok("ls -R tank:/")).contains("tank:/a:").contains("link");
    ok("mv tank:/a/b tank:/c");
    assertThat(ok("ls tank:/")).isEqualTo("a\nc\n");
    assertThat(ok("ls -l tank:/a")).startsWith("lrwxrwxrwx").contains("link -> ../x");
    assertThat(ok("stat -j tank:/c")).contains("\"type\": \"directory\"");
    assertThat(refused("rm tank:/a")).contains("add -r");
    ok("rm -r tank:/a tank:/c");
    assertThat(ok("ls tank:/")).isEmpty();
    ok("rm -f tank:/nothing");
    assertThat(refused("rm tank:/nothing")).contains("tank:/nothing: no such file");
    assertThat(refused("cat tank:/nothing")).contains("no such file");
    assertThat(refused("rm -r tank:/")).contains("cannot be removed");
    assertThat(refused("ls tank/none:/")).contains("no such dataset");
  }

  @Test
  void catPrintsTheBytesOfAFile() throws IOException {
    Files.writeString(directory.resolve("hello"), "hello\nworld");
    ok("cp DIR/hello tank:/greeting");
    assertThat(ok("cat tank:/greeting")).isEqualTo("hello\nworld");
    ok("cp tank:/greeting DIR/out");
    assertThat(directory.resolve("out")).hasContent("hello\nworld");
  }

  @Test
  void datasetsInheritPropertiesUntilTheyHaveTheirOwn() {
    ok("fs create -p -o compression=zstd tank/a/b");
    ok("fs set recordsize=1M my:note=hi tank/a");
    assertThat(ok("fs get -H -p recordsize,compression,my:note tank/a/b").lines())
        .containsExactly(
            "tank/a/b\trecordsize\t1048576\tinherited from tank/a",
            "tank/a/b\tcompression\tzstd\tlocal",
            "tank/a/b\tmy:note\thi\tinherited from tank/a");
    ok("fs inherit compression tank/a/b");
    assertThat(ok("fs get -H compression tank/a/b")).contains("lz4\tdefault");
    ok("fs rename tank/a/b tank/c");
    assertThat(ok("fs list -H -o name")).isEqualTo("tank\ntank/a\ntank/c\n");
    assertThat(ok("fs get -H recordsize tank/c")).contains("128K\tdefault");
    assertThat(refused("fs create tank/a")).contains("tank/a");
    assertThat(refused("fs create tank/x/y")).contains("tank/x");
    assertThat(refused("fs destroy tank")).contains("pool destroy");
    ok("fs create tank/a/deep");
    assertThat(refused("fs destroy tank/a")).contains("-r");
    ok("fs destroy -r tank/a");
    assertThat(ok("fs list -H -o name")).isEqualTo("tank\ntank/c\n");
    assertThat(ok("pool history -H tank")).contains("lcpfs fs destroy -r tank/a");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void readOnlyDatasetsAndPoolsRefuseChanges() {
    ok("fs create tank/ro");
    ok("fs set readonly=on tank/ro");
    assertThat(refused("mkdir tank/ro:/x")).contains("read-only");
    ok("pool export tank");
    ok("pool import -d DIR -o readonly=on tank");
    assertThat(refused("mkdir tank:/x")).contains("is imported read-only");
    assertThat(ok("pool get -H readonly tank")).contains("\ton\t");
    ok("ls tank:/");
    ok("pool export tank");
  }

  @Test
  void aDeviceInUseIsRefusedAndNothingChanges() throws IOException {
    byte[] before = Files.readAllBytes(image);
    try (FileDevice taken = FileDevice.open(image, OpenMode.READ_WRITE, 4096, DirectIo.OFF)) {
      assertThat(taken.capacity()).isPositive();
      assertThat(refused("mkdir tank:/x"))
          .contains("in use", "lcpfs mount tank DIR", "through a file")
          .doesNotContain("export it");
      assertThat(refused("pool create -f other DIR/pool.img")).contains("in use");
    }
    assertThat(Files.readAllBytes(image)).isEqualTo(before);
    assertThat(refused("pool create other DIR/pool.img")).contains("belongs to").contains("-f");
    assertThat(refused("pool labelclear DIR/pool.img")).contains("imported pool tank");
    assertThat(refused("pool create tank DIR/pool.img")).contains("imported already");
    assertThat(Files.readAllBytes(image)).isEqualTo(before);
  }

  @Test
  void readOnlyCommandsWriteNothing() throws IOException {
    Files.writeString(directory.resolve("f"), "x");
    ok("cp DIR/f tank:/f");
    byte[] before = Files.readAllBytes(image);
    ok("ls -l tank:/");
    ok("cat tank:/f");
    ok("stat tank:/f");
    ok("df");
    ok("pool list");
    ok("pool status tank");
    ok("pool get all tank");
    ok("fs list");
    ok("fs get all tank");
    ok("pool history tank");
    ok("pool verify tank");
    ok("debug uberblock tank");
    ok("debug label DIR/pool.img");
    ok("pool create -n other --size 64M DIR/new.img");
    assertThat(Files.readAllBytes(image)).isEqualTo(before);
    assertThat(directory.resolve("new.img")).doesNotExist();
  }

  @Test
  void aFullPoolSaysSoAndFilesCanBeDeleted() throws IOException {
    byte[] content = new byte[64 << 20];
    new Random(3).nextBytes(content);
    Files.write(directory.resolve("big"), content);
    String full = "";
    int copies = 0;
    while (full.isEmpty() && copies < 10) {
      CliRun run = run("cp DIR/big tank:/big" + copies++);
      full = run.err();
    }
    assertThat(full).contains("no space").doesNotContain("Exception");
    for (String name : ok("ls tank:/").lines().toList()) {
      ok("rm tank:/" + name);
    }
    ok("cp DIR/big tank:/again");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void aDestroyedPoolIsGoneAndItsDeviceFree() {
    ok("pool set comment=mine tank");
    assertThat(ok("pool get -H comment tank")).contains("mine\tlocal");
    ok("pool reguid tank");
    ok("ls tank:/");
    assertThat(refused("pool destroy tank")).contains("add -f");
    ok("pool destroy -f tank");
    assertThat(refused("ls tank:/")).contains("no such pool");
    assertThat(refused("pool import -d DIR tank")).contains("no such pool was found");
    ok("pool labelclear DIR/pool.img");
    assertThat(refused("pool labelclear DIR/pool.img")).contains("no pool label");
    ok("pool create again DIR/pool.img");
  }

  @Test
  void bothWaysOfAMissingSourceChangeNothing() {
    assertThat(refused("cp DIR/missing tank:/x")).contains("no such file");
    assertThat(refused("cp tank:/missing DIR/x")).contains("tank:/missing");
    assertThat(refused("cp DIR tank:/x")).contains("add -r");
    assertThat(ok("ls tank:/")).isEmpty();
    assertThat(directory.resolve("x")).doesNotExist();
  }

  @Test
  void aPoolWhoseDeviceIsGoneIsForgottenWhenThatIsAskedFor() throws IOException {
    Files.delete(image);
    assertThat(refused("pool export tank")).contains("pool export -f tank");
    assertThat(run("pool list").out()).contains("tank");
    assertThat(ok("pool export -f tank")).contains("forgot tank").contains("was not exported");
    assertThat(ok("pool list")).doesNotContain("tank");
  }

  @Test
  void aForcedExportOfASoundPoolExportsIt() {
    assertThat(ok("pool export -f tank")).contains("exported tank");
    assertThat(ok("pool import -d DIR")).contains("exported");
  }
}
