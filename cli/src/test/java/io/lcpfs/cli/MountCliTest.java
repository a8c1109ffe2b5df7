package io.lcpfs.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lcpfs.api.Pool;
import io.lcpfs.cli.tree.HostDirectory;
import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Checksums;
import io.lcpfs.format.Disk;
import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.fuse.MountTable;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * {@code lcpfs mount} and {@code umount}. The tests that mount need Linux, root and /dev/fuse, and
 * are skipped elsewhere; they unmount whatever happens.
 */
@Timeout(120)
class MountCliTest {
  private Path home = Path.of("");
  private Path mountPoint = Path.of("");
  private final List<Process> started = new ArrayList<>();

  @BeforeEach
  void makePool() throws IOException {
    home = Files.createTempDirectory("lcpfs-mount-cli-");
    mountPoint = Files.createDirectory(home.resolve("mnt"));
    assertThat(run("pool create tank --size 128M " + home.resolve("tank.img")).code()).isZero();
  }

  @AfterEach
  void unmount() throws IOException, InterruptedException {
    for (MountTable.Entry left : MountTable.list().reversed()) {
      if (Path.of(left.directory()).startsWith(home)) {
        new ProcessBuilder("umount", "-l", left.directory())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start()
            .waitFor();
      }
    }
    for (Process process : started) {
      process.destroy();
      process.waitFor();
    }
    try (var files = Files.walk(home)) {
      for (Path path : new ArrayList<>(files.toList()).reversed()) {
        Files.deleteIfExists(path); // a server that ends removes what is its own
      }
    }
  }

  private CliRun run(String line) {
    Map<String, String> environment =
        Map.of(
            "LCPFS_HOME",
            home.toString(),
            "LCPFS_CACHE",
            "64M",
            "XDG_RUNTIME_DIR",
            home.toString());
    return CliRun.with(environment, line.split(" ", -1));
  }

  /** Runs a command in a process of its own, as mounting needs one; its exit code. */
  private int process(String... arguments) throws IOException, InterruptedException {
    Process process = started(home, arguments);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  /** The same with a registry in another directory, and without waiting for it. */
  private Process started(Path registry, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xmx256m"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    builder.redirectError(home.resolve("said").toFile());
    builder.environment().put("LCPFS_HOME", registry.toString());
    builder.environment().put("LCPFS_CACHE", "64M");
    builder.environment().put("XDG_RUNTIME_DIR", home.toString());
    Process process = builder.start();
    started.add(process);
    return process;
  }

  private String said() throws IOException {
    return Files.readString(home.resolve("said"));
  }

  /** A program that stands in a directory until it is ended. */
  private Process stand(Path directory) throws IOException {
    Process inside =
        new ProcessBuilder("sh", "-c", "echo in; read x").directory(directory.toFile()).start();
    started.add(inside);
    assertThat(inside.getInputStream().read()).isEqualTo('i');
    return inside;
  }

  private ProcessHandle server() throws IOException {
    String[] words = Files.readString(home.resolve("mount-tank.pid")).split("\\s", -1);
    return ProcessHandle.of(Long.parseLong(words[0])).orElseThrow();
  }

  private static void assumeMountable() {
    assumeTrue(System.getProperty("os.name").equals("Linux"), "FUSE is a matter of Linux");
    assumeTrue(Files.isWritable(Path.of("/dev/fuse")), "there is no /dev/fuse to open");
    assumeTrue(HostDirectory.euid() == 0, "only root mounts without a helper");
  }

  @Test
  void everyMistakeIsToldBeforeAnythingIsMounted() {
    assertThat(run("mount -o bogus tank " + mountPoint).err()).contains("'bogus' is not known");
    assertThat(run("mount -f tank /nowhere/at/all").err()).contains("cannot be found");
    assertThat(run("mount -f tank/none " + mountPoint).err()).contains("no such dataset");
    assertThat(run("mount -f nopool " + mountPoint).err()).contains("no such pool");
    assertThat(run("fs set mountpoint=none tank").code()).isZero();
    assertThat(run("mount -f tank").err()).contains("has no mount point");
    assertThat(run("umount").code()).isEqualTo(ExitCode.USAGE);
    assertThat(run("umount " + mountPoint).err()).contains("is not mounted");
    assertThat(run("pool verify tank").code()).isZero();
  }

  @Test
  void everyMountPointOfAPoolIsPlannedOnce() {
    assertThat(run("fs set mountpoint=/srv tank").code()).isZero();
    assertThat(run("fs create -p tank/a/b").code()).isZero();
    assertThat(run("fs create -o mountpoint=/elsewhere tank/a/c").code()).isZero();
    assertThat(run("fs create -o canmount=noauto tank/quiet").code()).isZero();
    assertThat(run("fs create -o mountpoint=none tank/hidden").code()).isZero();
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream(), true, UTF_8);
    try (Cli cli = new Cli(nowhere, nowhere, Map.of("LCPFS_HOME", home.toString()), List.of());
        Pool pool = cli.openToRead("tank")) {
      List<String> plans =
          MountPlan.all(pool).stream()
              .map(plan -> plan.dataset() + " " + plan.directory() + " " + plan.below())
              .toList();
      assertThat(plans).containsExactly("tank /srv [tank/a, tank/a/b]", "tank/a/c /elsewhere []");
      assertThat(MountPlan.of(pool, pool.dataset("tank/a"), mountPoint).below())
          .map(Object::toString)
          .containsExactly("tank/a/b", "tank/a/c");
    }
  }

  @Test
  void whatIsWrittenToAMountIsInThePoolAfterwards() throws IOException, InterruptedException {
    assumeMountable();
    assertThat(process("mount", "tank", mountPoint.toString())).isZero();
    assertThat(run("mount").out()).contains("tank on " + mountPoint);
    Files.writeString(mountPoint.resolve("file"), "text");
    assertThat(run("ls tank:/").out()).contains("file");
    assertThat(run("fs get -H -o value mounted tank").out()).isEqualTo("yes\n");
    assertThat(run("pool export tank").err())
        .contains("in use by another process", "lcpfs umount " + mountPoint);
    assertThat(process("umount", "tank")).isZero();
    assertThat(Files.exists(mountPoint.resolve("file"))).isFalse();
    assertThat(run("cat tank:/file").out()).isEqualTo("text");
  }

  @Test
  void everyChangeByACommandIsSeenOnTheMountAtOnce() throws IOException, InterruptedException {
    assumeMountable();
    assertThat(process("mount", "tank", mountPoint.toString())).isZero();
    Path source = Files.writeString(home.resolve("source"), "first");
    Path seen = mountPoint.resolve("file");
    assertThat(Files.exists(seen)).isFalse(); // and the kernel keeps that there is none
    assertThat(mountPoint.toFile().list()).isEmpty();
    assertThat(run("cp " + source + " tank:/file").code()).isZero();
    assertThat(Files.readString(seen)).isEqualTo("first");
    assertThat(mountPoint.toFile().list()).containsExactly("file");

    Files.writeString(source, "a longer second");
    assertThat(run("cp " + source + " tank:/file").err()).isEmpty();
    assertThat(Files.size(seen)).isEqualTo(15);
    assertThat(Files.readString(seen)).isEqualTo("a longer second");

    assertThat(run("ln tank:/file tank:/other").err()).isEmpty();
    assertThat(Files.getAttribute(seen, "unix:nlink")).isEqualTo(2);
    assertThat(run("rm tank:/other").err()).isEmpty();
    assertThat(Files.getAttribute(seen, "unix:nlink")).isEqualTo(1);
    assertThat(run("mkdir tank:/dir").err()).isEmpty();
    assertThat(run("mv tank:/file tank:/dir/moved").err()).isEmpty();
    assertThat(Files.exists(seen)).isFalse();
    assertThat(Files.readString(mountPoint.resolve("dir/moved"))).isEqualTo("a longer second");
    assertThat(mountPoint.toFile().list()).containsExactly("dir");
    assertThat(run("rm -r tank:/dir").err()).isEmpty();
    assertThat(Files.exists(mountPoint.resolve("dir"))).isFalse();
    assertThat(mountPoint.toFile().list()).isEmpty();
    assertThat(process("umount", "tank")).isZero();
  }

  @Test
  void everyChangeOnTheMountIsSeenByCommandsAtOnce() throws IOException, InterruptedException {
    assumeMountable();
    assertThat(run("fs create tank/home").code()).isZero();
    assertThat(process("mount", "tank", mountPoint.toString())).isZero();
    Files.writeString(mountPoint.resolve("file"), "text");
    assertThat(run("cat tank:/file").out()).isEqualTo("text");
    assertThat(run("pool status tank").out()).contains("tank");
    assertThat(run("fs set compression=zstd tank/home").err()).isEmpty();
    assertThat(run("fs get compression tank/home").out()).contains("zstd");
    assertThat(run("fs destroy tank/home").code()).isNotZero();
    assertThat(run("pool verify tank").err()).isEmpty();
    assertThat(run("mount tank/home " + home).err()).contains("is mounted already", "tank on");
    Files.delete(mountPoint.resolve("file"));
    assertThat(run("cat tank:/file").code()).isNotZero();
    assertThat(process("umount", "tank")).isZero();
    assertThat(home.resolve("lcpfs")).isEmptyDirectory();
  }

  @Test
  void aMountWhoseServerWasKilledIsReplacedByTheNext() throws IOException, InterruptedException {
    assumeMountable();
    assertThat(process("mount", "tank", mountPoint.toString())).isZero();
    ProcessHandle server = server();
    server.destroyForcibly();
    server.onExit().join();
    assertThat(process("mount", "tank", mountPoint.toString())).isZero();
    Files.writeString(mountPoint.resolve("file"), "text");
    assertThat(process("umount", mountPoint.toString())).isZero();
    assertThat(run("pool verify tank").code()).isZero();
  }

  /** Makes the last batch of the newest log in the pool's file one that nobody can do again. */
  private void forgeTheLog() throws IOException {
    Path file = home.resolve("tank.img");
    byte[] image = Files.readAllBytes(file);
    MemorySegment bytes = MemorySegment.ofArray(image);
    long last = -1;
    for (long at = 0; at < image.length; at += Disk.SECTOR_BYTES) {
      if (Disk.u64(bytes, at) == IntentLogRecord.BATCH_MAGIC
          && (last < 0 || Disk.u64(bytes, at + 16) > Disk.u64(bytes, last + 16))) {
        last = at;
      }
    }
    assertThat(last).isPositive();
    MemorySegment batch = bytes.asSlice(last, Disk.u32(bytes, last + 24));
    Disk.putU32(batch, IntentLogRecord.BATCH_BYTES, 1); // the length of its first record
    MemorySegment sum = MemorySegment.ofArray(new byte[Checksums.BYTES]);
    batch.asSlice(IntentLogRecord.CHECKSUM_AT, Checksums.BYTES).fill((byte) 0);
    Checksums.of(ChecksumType.BLAKE3).compute(batch, sum, 0);
    MemorySegment.copy(sum, 0, batch, IntentLogRecord.CHECKSUM_AT, Checksums.BYTES);
    Files.write(file, image);
  }

  @Test
  void changesThatCannotBeDoneAgainAreToldByTheNextMount()
      throws IOException, InterruptedException {
    assumeMountable();
    assertThat(process("mount", "tank", mountPoint.toString())).isZero();
    for (int i = 0; i < 4; i++) {
      try (FileChannel file =
          FileChannel.open(
              mountPoint.resolve("file" + i),
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.WRITE)) {
        file.force(true);
      }
    }
    ProcessHandle server = server();
    server.destroyForcibly();
    server.onExit().join();
    forgeTheLog();
    assertThat(process("mount", "tank", mountPoint.toString())).isZero();
    assertThat(Files.readString(home.resolve("said")))
        .contains("tank: the intent log of / is damaged")
        .contains("are lost");
    assertThat(process("umount", mountPoint.toString())).isZero();
    assertThat(Files.exists(home.resolve("mount-tank.log.1"))).isTrue();
  }

  @Test
  void aSignalUnmountsAndKeepsWhatWasWritten() throws IOException, InterruptedException {
    assumeMountable();
    assertThat(process("mount", "tank", mountPoint.toString())).isZero();
    Files.writeString(mountPoint.resolve("file"), "text");
    ProcessHandle server = server();
    server.destroy();
    server.onExit().join();
    assertThat(run("mount").out()).doesNotContain(mountPoint.toString());
    assertThat(run("cat tank:/file").out()).isEqualTo("text");
  }

  @Test
  void everyMountPointInsideAnotherIsMountedAfterIt() throws IOException, InterruptedException {
    assumeMountable();
    assertThat(run("pool create dozer --size 128M " + home.resolve("dozer.img")).code()).isZero();
    assertThat(run("fs set mountpoint=none tank").code()).isZero();
    // Inside one another by turns, against the order of the names of datasets and of pools.
    Path deep = mountPoint.resolve("a/b/c");
    assertThat(run("fs create -o mountpoint=" + mountPoint + " tank/z").code()).isZero();
    assertThat(run("fs set mountpoint=" + mountPoint.resolve("a") + " dozer").code()).isZero();
    assertThat(run("fs create -o mountpoint=" + mountPoint.resolve("a/b") + " tank/b").code())
        .isZero();
    assertThat(run("fs create -o mountpoint=" + deep + " dozer/a").code()).isZero();
    assertThat(process("mount", "-a")).isZero();
    assertThat(said()).isEmpty();
    Files.writeString(deep.resolve("file"), "deep");
    Files.writeString(mountPoint.resolve("a/b/file"), "middle");
    assertThat(run("cat dozer/a:/file").out()).isEqualTo("deep");
    assertThat(run("cat tank/b:/file").out()).isEqualTo("middle");

    // Again: what is mounted is left, what is not is told.
    assertThat(process("mount", "-a")).isZero();
    assertThat(said()).isEmpty();
    assertThat(run("fs create -o mountpoint=" + mountPoint.resolve("new") + " tank/new").code())
        .isZero();
    CliRun again = run("mount -a");
    assertThat(again.code()).isEqualTo(ExitCode.FAILED);
    assertThat(again.err()).contains("tank/new: is not mounted", "lcpfs mount -a tank");
    assertThat(process("umount", "-a")).isZero();
    assertThat(run("mount").out()).doesNotContain(home.toString());
    assertThat(run("pool export tank").err()).isEmpty(); // and is closed
    assertThat(run("pool export dozer").err()).isEmpty();
  }

  @Test
  void onePoolThatIsMissingKeepsNoOtherBack() throws IOException, InterruptedException {
    assumeMountable();
    assertThat(run("pool create gone --size 128M " + home.resolve("gone.img")).code()).isZero();
    assertThat(run("fs set mountpoint=" + mountPoint + " tank").code()).isZero();
    assertThat(run("fs create -o mountpoint=/proc/nothing/here tank/odd").code()).isZero();
    Files.delete(home.resolve("gone.img"));
    assertThat(process("mount", "-a")).isEqualTo(ExitCode.FAILED);
    assertThat(said()).contains("gone.img", "/proc/nothing");
    assertThat(run("mount").out()).contains("tank on " + mountPoint);
    assertThat(process("umount", "tank")).isZero();

    Process server = started(home, "mount", "--all", "--foreground");
    while (!run("mount").out().contains("tank on " + mountPoint)
        || !Files.exists(home.resolve("mount-tank.pid"))) {
      assertThat(server.isAlive()).isTrue();
      Thread.sleep(50);
    }
    assertThat(process("umount", mountPoint.toString())).isZero();
    assertThat(run("pool verify tank").err()).isEmpty(); // the server has closed it
    assertThat(server.waitFor()).isZero();
    assertThat(process("mount", "--all", "--foreground", "gone")).isEqualTo(ExitCode.FAILED);
  }

  @Test
  void oneMountInUseKeepsNoOtherBack() throws IOException, InterruptedException {
    assumeMountable();
    Path other = Files.createDirectory(home.resolve("other"));
    assertThat(run("pool create dozer --size 128M " + home.resolve("dozer.img")).code()).isZero();
    assertThat(process("mount", "dozer", other.toString())).isZero();
    assertThat(process("mount", "tank", mountPoint.toString())).isZero();

    // A pool of the same name that another list has.
    Path registry = Files.createDirectory(home.resolve("registry"));
    Path foreign = Files.createDirectory(home.resolve("foreign"));
    String image = home.resolve("twin.img").toString();
    CliRun made = CliRun.of(registry, "pool", "create", "tank", "--size", "128M", image);
    assertThat(made.err()).isEmpty();
    assertThat(started(registry, "mount", "tank", foreign.toString()).waitFor()).isZero();

    Process inside = stand(mountPoint);
    CliRun busy = run("umount -a");
    assertThat(busy.code()).isEqualTo(ExitCode.FAILED);
    assertThat(busy.err().lines()).hasSize(1);
    assertThat(busy.err()).contains(mountPoint + ": is in use");
    assertThat(run("mount").out())
        .contains("tank on " + mountPoint, "tank on " + foreign)
        .doesNotContain(other.toString());

    long start = System.nanoTime();
    assertThat(run("umount --lazy tank").err()).isEmpty();
    assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
    inside.destroy();
    inside.waitFor();
    assertThat(run("umount tank").err()).contains("but not from this list", foreign.toString());
    assertThat(run("umount " + foreign).err()).isEmpty();
    for (Path record : List.of(home, registry)) {
      while (Files.exists(record.resolve("mount-tank.pid"))) {
        Thread.sleep(20);
      }
    }
  }

  @Test
  void noOptionHonoursWhatAPropertyForbids() throws IOException, InterruptedException {
    assumeMountable();
    assertThat(run("fs set devices=off tank").code()).isZero();
    assertThat(run("fs create -o setuid=off tank/below").code()).isZero();
    assertThat(process("mount", "-o", "dev,suid", "tank", mountPoint.toString())).isZero();
    assertThat(MountTable.on(mountPoint).orElseThrow().options())
        .startsWith("rw,nosuid,nodev,relatime");
    assertThat(run("mount -o remount,ro tank").err()).isEmpty();
    assertThat(Files.exists(mountPoint.resolve("file"))).isFalse();
    assertThat(run("umount tank").err()).isEmpty();
    assertThat(run("fs set devices=on tank").err()).isEmpty();
    assertThat(run("fs set setuid=on tank/below").err()).isEmpty();
    assertThat(process("mount", "-o", "dev,suid", "tank", mountPoint.toString())).isZero();
    assertThat(MountTable.on(mountPoint).orElseThrow().options()).startsWith("rw,relatime");
    assertThat(run("umount tank").err()).isEmpty();
  }

  @Test
  void whatIsMountedReadOnlySaysHowItIsMadeWritable() throws IOException, InterruptedException {
    assumeMountable();
    Path source = Files.writeString(home.resolve("source"), "text");
    assertThat(process("mount", "-o", "ro", "tank", mountPoint.toString())).isZero();
    for (String line :
        List.of("cp " + source + " tank:/f", "fs set atime=off tank", "mkdir tank:/d")) {
      assertThat(run(line).err())
          .as(line)
          .contains("is mounted read-only; unmount it and mount it without -o ro")
          .doesNotContain("import");
    }
    assertThat(run("mount -o remount,rw " + mountPoint).err()).contains("mount it without -o ro");
    assertThat(run("umount tank").err()).isEmpty();
  }
}
