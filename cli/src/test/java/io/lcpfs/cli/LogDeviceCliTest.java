package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A device for intent logs, from the command line. */
class LogDeviceCliTest extends PoolCommandTest {
  @Test
  void aPoolIsMadeWithADeviceForLogsAndFoundAgain() {
    assertThat(ok("pool create --size 64M tank DIR/a.img log DIR/b.img")).contains("made pool");
    String status = ok("pool status tank");
    assertThat(status.indexOf("b.img")).isGreaterThan(status.indexOf("logs"));
    assertThat(status.indexOf("logs")).isGreaterThan(status.indexOf("a.img"));
    assertThat(ok("pool status -j tank"))
        .containsSubsequence("a.img", "\"class\": \"normal\"", "b.img", "\"class\": \"log\"");
    ok("mkdir tank:/kept");
    ok("pool export tank");
    assertThat(ok("pool import -d DIR tank")).contains("imported tank");
    assertThat(ok("ls tank:/")).contains("kept");
    assertThat(ok("pool verify tank")).contains("sound");
  }

  @Test
  void whatIsNoPlaceForLogsIsRefused() {
    assertThat(refused("pool create --size 64M tank log DIR/b.img")).contains("before 'log'");
    assertThat(refused("pool create --size 64M tank DIR/a.img log")).contains("has no devices");
    assertThat(refused("pool create --size 64M tank DIR/a.img log DIR/a.img")).contains("twice");
  }
}
