package io.lcpfs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonTest {

  @Test
  void objectsKeepTheirOrderAndNestWithTwoBlanks() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("b", 1);
    map.put("a", List.of(true, 2.5, "x"));
    map.put("none", null);
    map.put("empty", List.of());
    map.put("nothing", Map.of());
    assertThat(Json.write(map))
        .isEqualTo(
            """
            {
              "b": 1,
              "a": [
                true,
                2.5,
                "x"
              ],
              "none": null,
              "empty": [],
              "nothing": {}
            }\
            """);
  }

  @Test
  void everyCharacterThatJsonForbidsIsEscaped() {
    assertThat(Json.write("a\"b\\c\nd\te\u0000f\u001fg\u007f"))
        .isEqualTo("\"a\\\"b\\\\c\\nd\\te\\u0000f\\u001fg\\u007f\"");
    assertThat(Json.write("\ud800x\udc00")).isEqualTo("\"\\ud800x\\udc00\"");
    assertThat(Json.write("ä😀")).isEqualTo("\"ä😀\"");
  }

  @Test
  void whatIsNoNumberInJsonBecomesNull() {
    assertThat(Json.write(Arrays.asList(Double.NaN, Double.POSITIVE_INFINITY, Long.MIN_VALUE)))
        .isEqualTo("[\n  null,\n  null,\n  -9223372036854775808\n]");
  }
}
