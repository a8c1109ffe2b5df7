package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.error.PoolException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PathSpecTest {

  @ParameterizedTest
  @CsvSource({"tank:/,tank,/", "tank/a:/b c,tank/a,/b c", "tank/x:y:/z:/w,tank/x:y,/z:/w"})
  void theFirstColonAndSlashEndTheDataset(String text, String dataset, String path) {
    assertThat(PathSpec.parse(text)).contains(new PathSpec(dataset, path));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "/a:/b", "./a:/b", "../a:/b", "a", "a/b", ":/x", "a:b"})
  void everythingElseIsAPathOfTheHost(String text) {
    assertThat(PathSpec.parse(text)).isEmpty();
  }

  @Test
  void aWrongDatasetNameIsRefused() {
    assertThatThrownBy(() -> PathSpec.parse("ta nk:/x")).isInstanceOf(PoolException.class);
    assertThatThrownBy(() -> PathSpec.parse("tank//a:/x")).isInstanceOf(PoolException.class);
  }

  @ParameterizedTest
  @CsvSource({"tank,tank:/", "tank:docs,tank:/docs", "/home,pool/dataset:/path"})
  void aPathThatIsNotInAPoolIsRefusedWithTheRightSpelling(String text, String hint) {
    assertThatThrownBy(() -> PathSpec.require(text))
        .isInstanceOf(Failure.class)
        .hasMessageContaining(hint);
  }

  @Test
  void parentsAndLastNamesIgnoreSlashesAtTheEnd() {
    PathSpec spec = new PathSpec("tank", "/a/b//");
    assertThat(last(spec)).contains("b");
    assertThat(spec.parent().path()).isEqualTo("/a");
    assertThat(last(new PathSpec("tank", "/"))).isEmpty();
    assertThat(last(new PathSpec("tank", "/a/.."))).isEmpty();
    assertThat(new PathSpec("tank", "/a").parent().path()).isEqualTo("/");
    assertThat(new PathSpec("tank", "/").child("x").path()).isEqualTo("/x");
  }

  private static Optional<String> last(PathSpec spec) {
    return spec.lastName().map(name -> new String(name, StandardCharsets.UTF_8));
  }
}
