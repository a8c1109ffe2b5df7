package io.lcpfs.cli.owner;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/OWNER.md names the commands that owners run for others, and no others. */
class OwnerDocTest {
  private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");

  @Test
  void everyCommandThatIsRunByTheOwnerIsInTheDocument() throws IOException {
    String text = Files.readString(Path.of("../docs/OWNER.md"));
    int from = text.indexOf("- `pool ");
    String list = text.substring(from, text.indexOf("are run by the owner", from));
    Set<String> named = new TreeSet<>();
    Matcher quoted = QUOTED.matcher(list);
    while (quoted.find()) {
      String[] words = quoted.group(1).split(" ");
      for (String one : words[words.length - 1].split("/")) {
        named.add(words.length > 1 ? words[0] + " " + one : one);
      }
    }
    assertThat(named).isEqualTo(new TreeSet<>(Session.ALLOWED));
  }
}
