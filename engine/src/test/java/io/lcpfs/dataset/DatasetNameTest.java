package io.lcpfs.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DatasetNameTest {

  @ParameterizedTest
  @ValueSource(
      strings = {"tank", "t", "Tank-1", "a.b_c:d", "tank/home", "tank/a/b.c/D:e", "tank/1"})
  void everyNameOfTheAllowedCharactersIsTaken(String name) {
    assertThatCode(() -> DatasetName.check(name)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        "1tank",
        "-tank",
        "tank/",
        "/tank",
        "tank//a",
        "tank/..",
        "tank/.",
        "tank/a b",
        "tänk",
        "tank/a@b",
        "tank/a#b",
        "tank\n",
        "tank/\0",
        "mirror",
        "mirror-0",
        "raidz",
        "raidz2",
        "draid1",
        "spare",
        "log"
      })
  void everyOtherNameIsRefusedWithAReasonAndARemedy(String name) {
    assertThatThrownBy(() -> DatasetName.check(name))
        .isInstanceOf(PoolException.class)
        .hasMessageContaining(": ")
        .hasMessageContaining("; ")
        .extracting(e -> ((PoolException) e).errno())
        .isEqualTo(Errno.EINVAL);
  }

  @Test
  void namesAreLimitedInBytesAndDepth() {
    DatasetName.check("t".repeat(255));
    assertThatThrownBy(() -> DatasetName.check("t".repeat(256)))
        .extracting(e -> ((PoolException) e).errno())
        .isEqualTo(Errno.ENAMETOOLONG);
    DatasetName.check("t" + "/a".repeat(49));
    assertThatThrownBy(() -> DatasetName.check("t" + "/a".repeat(50)))
        .extracting(e -> ((PoolException) e).errno())
        .isEqualTo(Errno.ENAMETOOLONG);
  }

  @Test
  void aWordOfLayoutsIsFineBelowThePool() {
    DatasetName.check("tank/mirror");
    DatasetName.checkPool("logs");
  }

  @Test
  void pathsSplitAtThePool() {
    assertThat(DatasetName.poolOf("tank/a/b")).isEqualTo("tank");
    assertThat(DatasetName.pathOf("tank/a/b")).isEqualTo("a/b");
    assertThat(DatasetName.pathOf("tank")).isEmpty();
    assertThat(DatasetName.parentPath("a/b")).isEqualTo("a");
    assertThat(DatasetName.parentPath("a")).isEmpty();
    assertThat(DatasetName.isWithin("a/b", "a")).isTrue();
    assertThat(DatasetName.isWithin("ab", "a")).isFalse();
    assertThat(DatasetName.isWithin("x", "")).isTrue();
  }
}
