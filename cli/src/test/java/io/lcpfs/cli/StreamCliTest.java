package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.api.Pool;
import io.lcpfs.cli.owner.OwnerServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Snapshots as streams by the command: to a file, through a pipe, to and from an owner. */
@Timeout(120)
class StreamCliTest {
  @TempDir Path directory;
  private Map<String, String> environment = Map.of();

  /** What a command printed, as bytes. */
  private record Run(int code, byte[] out, String err) {}

  private Run run(InputStream in, String line) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream text = new PrintStream(out, true, StandardCharsets.UTF_8);
    PrintStream errors = new PrintStream(err, true, StandardCharsets.UTF_8);
    String[] words = line.replace("DIR", directory.toString()).split(" ", -1);
    int code = Main.run(in, text, errors, environment, words);
    text.flush();
    return new Run(code, out.toByteArray(), err.toString(StandardCharsets.UTF_8));
  }

  private byte[] ok(InputStream in, String line) {
    Run run = run(in, line);
    assertThat(run.err()).as(line).isEmpty();
    assertThat(run.code()).as(line).isZero();
    return run.out();
  }

  private static String text(byte[] out) {
    return new String(out, StandardCharsets.UTF_8);
  }

  private String ok(String line) {
    return text(ok(InputStream.nullInputStream(), line));
  }

  private String value(String property, String dataset) {
    return ok("fs get -H -p " + property + " " + dataset).split("\t", -1)[2];
  }

  private String refused(InputStream in, String line) {
    Run run = run(in, line);
    assertThat(run.code()).as(line).isNotZero();
    assertThat(run.err()).as(line).startsWith("lcpfs: ").contains("; ").doesNotContain("Exception");
    return run.err();
  }

  private String refused(String line) {
    return refused(InputStream.nullInputStream(), line);
  }

  @BeforeEach
  void twoPools() throws IOException {
    environment =
        Map.of(
            "LCPFS_HOME", directory.resolve("home").toString(),
            "LCPFS_CACHE", "64M",
            "XDG_RUNTIME_DIR", Files.createDirectory(directory.resolve("run")).toString());
    ok("pool create --size 64M tank DIR/tank.img");
    ok("pool create --size 64M other DIR/other.img");
    ok("fs create -o exec=off -o setuid=on -o compression=zstd tank/a");
    byte[] data = new byte[700_000];
    new Random(1).nextBytes(data);
    Files.write(directory.resolve("data"), data);
    Files.writeString(directory.resolve("text"), "hello");
    ok("cp DIR/data DIR/text tank/a:/");
    ok("fs snapshot tank/a@s");
  }

  private static InputStream of(byte[] stream) {
    return new ByteArrayInputStream(stream);
  }

  @Test
  void aFileHoldsAStreamAndADryRunSaysHowLarge() {
    byte[] stream = ok(of(new byte[0]), "send tank/a@s");
    assertThat(ok("send -n -P tank/a@s"))
        .isEqualTo("full\ttank/a@s\t" + stream.length + "\nsize\t" + stream.length + "\n");
    assertThat(ok("fs send -nv tank/a@s")).contains("full tank/a@s: ", "in all ");
    ok(of(stream), "receive -n other/fs");
    assertThat(refused("fs list other/fs")).contains("no such dataset");
    ok(of(stream), "receive other/fs");
    assertThat(ok("cat other/fs:/text")).isEqualTo("hello");
    assertThat(ok("cat other/fs@s:/text")).isEqualTo("hello");
    assertThat(ok("fs list -H -t snapshot -o guid other/fs"))
        .isEqualTo(ok("fs list -H -t snapshot -o guid tank/a"));
    assertThat(ok("pool verify other")).contains("sound");
    assertThat(refused(of(stream), "receive other/fs")).contains("other/fs", "exists");
    assertThat(refused(of(stream), "receive other/none/fs")).contains("none");
  }

  @Test
  void aPipeJoinsTwoProcessesPools() throws Exception {
    PipedOutputStream into = new PipedOutputStream();
    PipedInputStream from = new PipedInputStream(into, 8192);
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    CompletableFuture<Integer> sending =
        CompletableFuture.supplyAsync(
            () -> {
              try (PrintStream out = new PrintStream(into, false)) {
                return Main.run(
                    InputStream.nullInputStream(),
                    out,
                    new PrintStream(errors, true),
                    environment,
                    "send",
                    "-p",
                    "-c",
                    "tank/a@s");
              }
            });
    Run receiving = run(from, "receive -v -o atime=off other/fs@t");
    assertThat(sending.get()).isZero();
    assertThat(errors.toString(StandardCharsets.UTF_8)).isEmpty();
    assertThat(receiving.code()).isZero();
    assertThat(new String(receiving.out(), StandardCharsets.UTF_8))
        .contains("tank/a@s -> other/fs@t");
    // Of what is in the stream, setuid would give rights; exec takes some.
    assertThat(receiving.err())
        .contains("setuid=on", "--accept-properties")
        .doesNotContain("exec=");
    assertThat(value("exec", "other/fs")).isEqualTo("off");
    assertThat(ok("fs get -H setuid other/fs")).endsWith("\tdefault\n");
    ok("fs inherit -S setuid other/fs");
    assertThat(ok("fs get -H setuid other/fs")).endsWith("\treceived\n");
    ok("fs set exec=on other/fs");
    ok("fs inherit exec other/fs");
    assertThat(ok("fs get -H exec other/fs")).isEqualTo("other/fs\texec\ton\tdefault\n");
    ok("fs inherit -S exec other/fs");
    assertThat(ok("fs get -H exec other/fs")).isEqualTo("other/fs\texec\toff\treceived\n");
    assertThat(ok(of(new byte[0]), "send -b other/fs@t")).isNotEmpty();
    assertThat(value("compression", "other/fs")).isEqualTo("zstd");
    assertThat(value("atime", "other/fs")).isEqualTo("off");
    assertThat(ok("cat other/fs@t:/text")).isEqualTo("hello");
  }

  @Test
  void whatArrivedStaysAndIsGoneOnWith() {
    byte[] stream = ok(of(new byte[0]), "send tank/a@s");
    byte[] half = Arrays.copyOf(stream, stream.length / 2);
    assertThat(refused(of(half), "receive other/fs")).contains("ends at byte");
    assertThat(value("receive_resume_token", "other")).isEqualTo("-");
    String cut = refused(of(half), "receive -s other/fs");
    assertThat(refused("fs list other/fs")).contains("no such dataset");
    String token = value("receive_resume_token", "other");
    assertThat(cut)
        .contains("ends at byte", "is kept", "'lcpfs send -t " + token + "'")
        .contains("'lcpfs receive -s other/fs'", "'lcpfs receive -A other/fs'")
        .doesNotContain("send it again");
    assertThat(value("receive_resume_token", "other/fs")).isEqualTo(token);
    assertThat(refused(of(stream), "receive other/fs")).contains("in part");
    byte[] rest = ok(of(new byte[0]), "send -t " + token);
    assertThat(rest.length).isLessThan(stream.length);
    ok(of(rest), "receive -s other/fs");
    assertThat(ok("cat other/fs@s:/text")).isEqualTo("hello");
    ok("cp other/fs@s:/data DIR/back");
    assertThat(directory.resolve("back")).hasSameBinaryContentAs(directory.resolve("data"));
    assertThat(value("receive_resume_token", "other")).isEqualTo("-");
    assertThat(refused("send -t 1-00")).contains("no token");
    assertThat(refused("receive -A other/fs")).contains("nothing was received in part");
    refused(of(half), "receive -s other/again");
    ok("receive -A other/again");
    assertThat(value("receive_resume_token", "other")).isEqualTo("-");
    assertThat(ok("pool verify other")).contains("sound");
  }

  @Test
  void ofSeveralReceivedInPartEachIsToldByItsName() {
    byte[] stream = ok(of(new byte[0]), "send tank/a@s");
    byte[] half = Arrays.copyOf(stream, stream.length / 2);
    refused(of(half), "receive -s other/x");
    refused(of(Arrays.copyOf(stream, stream.length / 3)), "receive -s other/y");
    ok("fs create other/z");
    String all = ok("fs get -H -p receive_resume_token other");
    String x = value("receive_resume_token", "other/x");
    String y = value("receive_resume_token", "other/y");
    assertThat(all)
        .isEqualTo(
            "other\treceive_resume_token\t-\t-\n"
                + ("other/x\treceive_resume_token\t" + x + "\t-\n")
                + ("other/y\treceive_resume_token\t" + y + "\t-\n"));
    assertThat(ok("fs get all other")).contains(x, y);
    assertThat(ok("fs get -r -H receive_resume_token other")).contains(x, y, "other/z");
    assertThat(refused("fs get receive_resume_token other/w")).contains("no such dataset");
    ok(of(ok(of(new byte[0]), "send -t " + y)), "receive other/y");
    assertThat(value("receive_resume_token", "other")).isEqualTo(x);
    assertThat(ok("cat other/y@s:/text")).isEqualTo("hello");
  }

  @Test
  void aReaderThatIsGoneIsNoDamageOfThePool() {
    OutputStream closing =
        new OutputStream() {
          private long taken;

          @Override
          public void write(int b) throws IOException {
            if (taken++ > 300_000) {
              throw new IOException("Broken pipe");
            }
          }
        };
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream errors = new PrintStream(err, true, StandardCharsets.UTF_8);
    PrintStream out = new PrintStream(closing, false);
    int code =
        Main.run(InputStream.nullInputStream(), out, errors, environment, "send", "tank/a@s");
    assertThat(code).isEqualTo(ExitCode.FAILED);
    assertThat(err.toString(StandardCharsets.UTF_8))
        .contains("not taken beyond byte", "gone", "; see what its reader says")
        .doesNotContain("corrupt", "verify");
  }

  @Test
  void aMountedPoolSendsAndReceivesThroughItsOwner() {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    try (Cli cli = new Cli(nowhere, nowhere, environment, List.of("mount", "tank"));
        Pool pool = cli.openToWrite("tank");
        OwnerServer server = Owners.serve(cli, List.of(pool), used -> false)) {
      assertThat(server).isNotNull();
      byte[] stream = ok(of(new byte[0]), "send tank/a@s");
      ok(of(stream), "receive tank/b");
      assertThat(ok("cat tank/b@s:/text")).isEqualTo("hello");
      ok(of(stream), "fs receive other/fs");
      byte[] cut = Arrays.copyOf(stream, stream.length / 2);
      assertThat(refused(of(cut), "receive -s tank/c")).contains("ends at byte");
      String token = value("receive_resume_token", "tank");
      ok(of(ok(of(new byte[0]), "send -t " + token)), "receive tank/c");
      assertThat(ok("cat tank/c:/text")).isEqualTo("hello");
    }
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void aCloneGoesOverAsOne() {
    ok("fs clone tank/a@s tank/c");
    ok("fs snapshot tank/c@t");
    ok(of(ok(of(new byte[0]), "send tank/a@s")), "receive other/a");
    assertThat(ok("send -nv -i tank/a@s tank/c@t")).startsWith("since tank/a@s tank/c@t: ");
    ok(of(ok(of(new byte[0]), "send -i tank/a@s tank/c@t")), "receive other/c");
    assertThat(value("origin", "other/c")).isEqualTo("other/a@s");
    assertThat(ok("cat other/c:/text")).isEqualTo("hello");
    assertThat(refused("send -i tank/c@t tank/a@s")).contains("nor its origin");
    assertThat(refused("send -i tank/c#m tank/a@s")).contains("no bookmark of tank/a");
  }

  @Test
  void aBookmarkStandsForASnapshotThatIsGone() {
    ok(of(ok(of(new byte[0]), "send tank/a@s")), "receive other/fs");
    ok("fs bookmark tank/a@s tank/a#mark");
    ok("fs destroy tank/a@s");
    ok("rm tank/a:/data");
    ok("fs snapshot tank/a@t");
    byte[] more = ok(of(new byte[0]), "send -i #mark tank/a@t");
    assertThat(more.length).isLessThan(100_000);
    ok(of(more), "receive -F other/fs");
    assertThat(ok("cat other/fs@t:/text")).isEqualTo("hello");
    assertThat(refused("cat other/fs@t:/data")).contains("data");
    assertThat(refused("send -i #none tank/a@t")).contains("none");
  }

  @Test
  void aWholeStreamReplacesADatasetWhenToldTo() {
    byte[] stream = ok(of(new byte[0]), "send tank/a@s");
    ok("fs create other/fs");
    ok("cp DIR/text other/fs:/old");
    ok("fs snapshot other/fs@old");
    assertThat(refused(of(stream), "receive other/fs")).contains("-F");
    ok("fs hold keep other/fs@old");
    assertThat(refused(of(stream), "receive -F other/fs")).contains("keep");
    ok("fs release keep other/fs@old");
    ok(of(stream), "receive -F other/fs");
    assertThat(ok("cat other/fs:/text")).isEqualTo("hello");
    assertThat(refused("cat other/fs:/old")).contains("old");
    assertThat(ok("fs list -H -t snapshot -o name other/fs")).isEqualTo("other/fs@s\n");
    assertThat(ok("pool verify other")).contains("sound");
  }

  @Test
  void aDamagedSnapshotIsHealedFromAStreamOfIt() throws IOException {
    byte[] stream = ok(of(new byte[0]), "send tank/a@s");
    byte[] image = Files.readAllBytes(directory.resolve("tank.img"));
    byte[] content = Files.readAllBytes(directory.resolve("data"));
    int at = -1;
    for (int sector = 0; at < 0; sector += 512) {
      at = Arrays.equals(image, sector, sector + 512, content, 4096, 4608) ? sector : -1;
    }
    image[at + 3] ^= 1;
    Files.write(directory.resolve("tank.img"), image);
    refused("cp tank/a@s:/data DIR/back");
    String damaged = text(ok(of(stream), "receive -c -j tank/a@s"));
    assertThat(damaged).contains("\"healed_blocks\": 1,", "\"unhealed_blocks\": 0,");
    ok("cp tank/a:/data DIR/back");
    assertThat(directory.resolve("back")).hasSameBinaryContentAs(directory.resolve("data"));
    assertThat(text(ok(of(stream), "receive -c -H -p tank/a@s"))).startsWith("tank/a@s\t0\t0\t");
    assertThat(text(ok(of(stream), "receive -c tank/a@s"))).contains("HEALED").contains("UNHEALED");
    assertThat(ok("pool verify tank")).contains("sound");
    ok("fs snapshot tank/a@t");
    assertThat(refused(of(stream), "receive -c tank/a@t")).contains("another snapshot");
    assertThat(refused(of(stream), "receive -c tank/a")).contains("tank/a");
    assertThat(refused(of(stream), "receive -c -F tank/a@s")).contains("-c");
    assertThat(text(ok(of(stream), "receive -j other/j"))).contains("\"name\": \"other/j@s\"");
  }

  @Test
  void whatCannotBeIsRefusedWithAReason() {
    assertThat(refused("send tank/a@none")).contains("no such snapshot");
    assertThat(refused("send tank/a")).contains("names no snapshot");
    assertThat(refused("send")).contains("names no snapshot");
    assertThat(refused("send -i s -I s tank/a@s")).contains("exclude");
    assertThat(refused("send -i s tank/a@s")).contains("not older");
    assertThat(refused("send -i gone tank/a@s")).contains("no snapshot");
    assertThat(refused("receive -d -e other/x")).contains("exclude");
    assertThat(refused("receive other/x")).contains("empty");
    byte[] stream = ok(of(new byte[0]), "send tank/a@s");
    assertThat(refused(of(stream), "receive -x nosuch other/x")).contains("nosuch", "no property");
    assertThat(refused(of(stream), "receive -x used other/x")).contains("used", "computed");
    assertThat(refused(of(stream), "receive -n -o nosuch=1 other/x")).contains("nosuch");
    assertThat(refused("fs list other/x")).contains("no such dataset");
    assertThat(
            refused(
                of("hello, this is no stream at all, but text".getBytes(StandardCharsets.UTF_8)),
                "receive other/x"))
        .contains("no stream");
  }
}
