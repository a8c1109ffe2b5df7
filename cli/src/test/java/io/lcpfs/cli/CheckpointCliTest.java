package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The checkpoint of a pool by the command: taken, shown, looked at, gone back to, discarded. */
class CheckpointCliTest extends PoolCommandTest {
  private void write(String name, String text) throws IOException {
    Files.writeString(directory.resolve("f"), text);
    ok("cp DIR/f tank/a:/" + name);
  }

  private String kept() {
    return ok("pool get -H -p checkpoint tank").split("\t")[2];
  }

  @BeforeEach
  void aPoolThatChangesAfterItsCheckpoint() throws IOException {
    ok("pool create --size 64M tank DIR/pool.img");
    ok("fs create tank/a");
    write("letter", "before");
    write("large", "x".repeat(4 << 20));
    ok("fs snapshot tank/a@s");
    assertThat(kept()).isEqualTo("-");
    assertThat(ok("pool checkpoint tank")).startsWith("tank: checkpoint of ");
    write("letter", "after");
    ok("fs destroy tank/a@s");
    ok("rm tank/a:/large");
    ok("fs create tank/new");
    ok("pool sync tank");
  }

  @Test
  void itIsShown() {
    assertThat(ok("pool status tank")).contains("checkpoint: of ").contains(", keeps ");
    assertThat(ok("pool status -j tank")).contains("\"checkpoint\": {").contains("\"txg\": ");
    assertThat(Long.parseLong(kept())).isPositive();
    assertThat(ok("pool list -H -p tank").split("\t")[4]).isEqualTo(kept());
    assertThat(ok("pool verify tank")).contains("bytes kept by the checkpoint");
  }

  @Test
  void thePoolGoesBackToIt() {
    ok("pool export tank");
    assertThat(ok("pool import -d DIR/pool.img --rewind-to-checkpoint tank"))
        .isEqualTo("imported tank, as of its checkpoint\n");
    assertThat(ok("cat tank/a:/letter")).isEqualTo("before");
    assertThat(ok("cat tank/a@s:/letter")).isEqualTo("before");
    assertThat(ok("cat tank/a:/large")).hasSize(4 << 20);
    assertThat(ok("fs list -H -o name")).doesNotContain("tank/new");
    assertThat(kept()).isEqualTo("-");
    ok("pool verify tank");
    ok("pool export tank");
    assertThat(refused("pool import -d DIR/pool.img --rewind-to-checkpoint tank"))
        .contains("has no checkpoint");
    ok("pool import -d DIR/pool.img tank");
    assertThat(ok("cat tank/a:/letter")).isEqualTo("before");
  }

  @Test
  void itCanBeLookedAtFirst() {
    ok("pool export tank");
    ok("pool import -d DIR/pool.img -o readonly=on --rewind-to-checkpoint tank");
    assertThat(ok("cat tank/a:/letter")).isEqualTo("before");
    assertThat(ok("pool status tank")).contains("as of its checkpoint");
    ok("pool verify tank");
    assertThat(refused("rm tank/a:/letter")).contains("checkpoint");
    assertThat(refused("pool checkpoint -d tank")).contains("checkpoint");
    ok("pool export tank");
    ok("pool import -d DIR/pool.img tank");
    assertThat(ok("cat tank/a:/letter")).isEqualTo("after");
    assertThat(Long.parseLong(kept())).isPositive();
  }

  @Test
  void itsSpaceComesBackWhenItIsDiscarded() {
    long keptBytes = Long.parseLong(kept());
    long before = free();
    assertThat(ok("pool checkpoint -d -w tank")).contains("discarded");
    assertThat(kept()).isEqualTo("-");
    // The history of the command takes a little.
    assertThat(free() - before).isGreaterThan(keptBytes - (256 << 10));
    ok("pool verify tank");
    assertThat(ok("cat tank/a:/letter")).isEqualTo("after");
    assertThat(refused("pool checkpoint --discard tank")).contains("has no checkpoint");
    assertThat(ok("pool checkpoint -j tank")).contains("\"creation\": ");
    assertThat(ok("pool checkpoint -d -j tank")).contains("\"freed\": ");
  }

  private long free() {
    return Long.parseLong(ok("pool get -H -p free tank").split("\t")[2]);
  }

  @Test
  void whatItDoesNotGoWithIsRefused() {
    assertThat(refused("pool checkpoint tank"))
        .contains("has a checkpoint, of ")
        .contains("pool checkpoint -d tank");
    assertThat(refused("pool reguid tank")).contains("discard it first");
    assertThat(refused("pool checkpoint -w tank")).contains("-d");
    assertThat(refused("pool import -a --rewind-to-checkpoint")).contains("name it");
    assertThat(refused("pool checkpoint other")).contains("other");
  }
}
