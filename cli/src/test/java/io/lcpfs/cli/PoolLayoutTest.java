package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.format.PlacementClass;
import io.lcpfs.pool.GroupSpec;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PoolLayoutTest {
  private static PoolLayout parse(String line) {
    return PoolLayout.parse(List.of(line.split(" ")), false);
  }

  @Test
  void devicesStandSideBySideOrInMirrors() {
    assertThat(parse("/a").groups()).containsExactly(GroupSpec.single(PlacementClass.NORMAL, 1));
    assertThat(parse("single /a /b").groups())
        .isEqualTo(parse("/a /b").groups())
        .containsExactly(GroupSpec.single(PlacementClass.NORMAL, 2));
    PoolLayout layout = parse("mirror /a /b mirror /c /d log mirror /e /f");
    assertThat(layout.groups())
        .containsExactly(
            GroupSpec.mirror(PlacementClass.NORMAL, 2),
            GroupSpec.mirror(PlacementClass.NORMAL, 2),
            GroupSpec.mirror(PlacementClass.LOG, 2));
    assertThat(layout.devices())
        .extracting(Path::toString)
        .containsExactly("/a", "/b", "/c", "/d", "/e", "/f");
    assertThat(parse("/a /b log /x").groups())
        .containsExactly(
            GroupSpec.single(PlacementClass.NORMAL, 2), GroupSpec.single(PlacementClass.LOG, 1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mirror",
        "single",
        "mirror /a",
        "mirror /a /b mirror /c",
        "mirror mirror /a /b",
        "log /a",
        "/a log",
        "/a log /b log /c",
        "/a log mirror /b",
        "/a log /b mirror /c /d",
        "raidz /a /b /c",
        "mirror /a /b spare /c",
        "mirror /a /b mirror /c /d /e",
        "/a mirror /b /c"
      })
  void whatIsNoLayoutIsRefusedWithWhatToDo(String line) {
    assertThatThrownBy(() -> parse(line)).isInstanceOf(Failure.class).hasMessageContaining("; ");
  }

  @Test
  void groupsOfDifferentStrengthAreTakenWhenThatIsWanted() {
    assertThat(PoolLayout.parse(List.of("/a", "mirror", "/b", "/c"), true).groups())
        .containsExactly(
            GroupSpec.single(PlacementClass.NORMAL, 1), GroupSpec.mirror(PlacementClass.NORMAL, 2));
  }
}
