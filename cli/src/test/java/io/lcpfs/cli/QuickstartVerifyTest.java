package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class QuickstartVerifyTest {

  @Test
  void everyKindOfDifferenceIsNamed() {
    TreeMap<String, String> expected = new TreeMap<>();
    expected.put("same", "f 1");
    expected.put("changed", "f 2");
    expected.put("lost", "f 3");
    TreeMap<String, String> found = new TreeMap<>(expected);
    assertThat(QuickstartVerify.differences(expected, found)).isEmpty();
    found.remove("lost");
    found.put("changed", "f x");
    found.put("new", "f 4");
    assertThat(QuickstartVerify.differences(expected, found))
        .containsExactlyInAnyOrder(
            "lost: is missing; expected f 3",
            "changed: is f x; expected f 2",
            "new: was never copied; found f 4");
  }
}
