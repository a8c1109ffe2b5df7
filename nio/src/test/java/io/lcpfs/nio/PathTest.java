package io.lcpfs.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lcpfs.posix.Caller;
import io.lcpfs.posix.OpenFlags;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.ProviderMismatchException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Path and PathMatcher. Where the host's own paths say the same, they are asked. */
class PathTest {
  private static final String[] SAMPLES = {
    "",
    "/",
    "a",
    "/a",
    "a/b",
    "/a/b",
    "a/b/c",
    "/a/b/c",
    ".",
    "..",
    "./a",
    "../a",
    "a/..",
    "a/./b",
    "/..",
    "/../a",
    "a/../..",
    "../../a",
    "/a/../b",
    "a/b/..",
    ".hidden",
    "a b",
    "ä/ß",
    "/a/b/c/d"
  };

  private static TestPool pool;

  @BeforeAll
  static void makePool() {
    pool = TestPool.create();
  }

  @AfterAll
  static void closePool() throws IOException {
    pool.close();
  }

  private static Path path(String text) {
    return pool.path(text);
  }

  private static String text(@Nullable Object path) {
    return String.valueOf(path);
  }

  @Test
  void everyUnaryMethodAgreesWithTheHosts() {
    for (String sample : SAMPLES) {
      Path ours = path(sample);
      Path host = Path.of(sample);
      assertThat(ours.toString()).isEqualTo(host.toString());
      assertThat(ours.isAbsolute()).as(sample).isEqualTo(host.isAbsolute());
      assertThat(text(ours.getRoot())).as(sample).isEqualTo(text(host.getRoot()));
      assertThat(text(ours.getFileName())).as(sample).isEqualTo(text(host.getFileName()));
      assertThat(text(ours.getParent())).as(sample).isEqualTo(text(host.getParent()));
      assertThat(ours.getNameCount()).as(sample).isEqualTo(host.getNameCount());
      assertThat(ours.normalize().toString()).as(sample).isEqualTo(host.normalize().toString());
      List<String> names = new ArrayList<>();
      ours.forEach(name -> names.add(name.toString()));
      List<String> hostNames = new ArrayList<>();
      host.forEach(name -> hostNames.add(name.toString()));
      assertThat(names).isEqualTo(hostNames);
      for (int i = 0; i < host.getNameCount(); i++) {
        for (int j = i + 1; j <= host.getNameCount(); j++) {
          assertThat(ours.subpath(i, j).toString()).isEqualTo(host.subpath(i, j).toString());
        }
      }
    }
  }

  @Test
  void everyBinaryMethodAgreesWithTheHosts() {
    for (String a : SAMPLES) {
      for (String b : SAMPLES) {
        Path ours = path(a);
        Path host = Path.of(a);
        String both = a + " and " + b;
        assertThat(ours.resolve(b).toString()).as(both).isEqualTo(host.resolve(b).toString());
        assertThat(ours.resolveSibling(b).toString())
            .as(both)
            .isEqualTo(host.resolveSibling(b).toString());
        assertThat(ours.startsWith(path(b))).as(both).isEqualTo(host.startsWith(Path.of(b)));
        assertThat(ours.endsWith(path(b))).as(both).isEqualTo(host.endsWith(Path.of(b)));
        if (ours.equals(path(b))) {
          assertThat(ours.hashCode()).isEqualTo(path(b).hashCode());
        }
        assertThat(ours.equals(path(b))).as(both).isEqualTo(host.equals(Path.of(b)));
        assertThat(Integer.signum(ours.compareTo(path(b))))
            .as(both)
            .isEqualTo(Integer.signum(host.compareTo(Path.of(b))));
        String expected;
        try {
          expected = host.relativize(Path.of(b)).toString();
        } catch (IllegalArgumentException e) {
          assertThatThrownBy(() -> ours.relativize(path(b)))
              .as(both)
              .isInstanceOf(IllegalArgumentException.class);
          continue;
        }
        assertThat(ours.relativize(path(b)).toString()).as(both).isEqualTo(expected);
      }
    }
  }

  @Test
  void slashesAreSingleAndNoneIsAtTheEnd() {
    assertThat(path("//a///b//").toString()).isEqualTo("/a/b");
    assertThat(path("///").toString()).isEqualTo("/");
    assertThat(pool.fs.getPath("a", "", "b/", "/c").toString()).isEqualTo("a/b/c");
    assertThat(pool.fs.getPath("", "a").toString()).isEqualTo("a");
  }

  @Test
  void indexesOutsideAreIllegal() {
    assertThatThrownBy(() -> path("/a").getName(1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> path("/a").getName(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> path("/").getName(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> path("/a/b").subpath(1, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> path("/a/b").subpath(0, 3))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void pathsOfOtherProvidersDoNotMix() {
    Path host = Path.of("a");
    assertThatThrownBy(() -> path("a").resolve(host)).isInstanceOf(ProviderMismatchException.class);
    assertThatThrownBy(() -> path("a").relativize(host))
        .isInstanceOf(ProviderMismatchException.class);
    assertThatThrownBy(() -> path("a").compareTo(host)).isInstanceOf(ClassCastException.class);
    assertThat(path("a").startsWith(host)).isFalse();
    assertThat(path("a").endsWith(host)).isFalse();
    assertThat(path("a")).isNotEqualTo(host);
    assertThatThrownBy(() -> path("a").toFile()).isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void nullIsRefusedEverywhere() {
    assertThatThrownBy(() -> path("a").resolve((Path) null))
        .isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> path("a").startsWith((Path) null))
        .isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> pool.fs.getPath(null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> pool.fs.provider().checkAccess(null))
        .isInstanceOf(NullPointerException.class);
  }

  @Test
  void realPathsHaveNoLinksAndNoDots() throws IOException {
    Path base = Files.createDirectory(path("/real"));
    Files.createDirectories(base.resolve("d/e"));
    Files.createSymbolicLink(base.resolve("l"), path("d/e"));
    Files.createSymbolicLink(base.resolve("abs"), base.resolve("l"));
    assertThat(base.resolve("abs/../../d/./e").toRealPath()).isEqualTo(base.resolve("d/e"));
    assertThat(path("real/l").toRealPath()).isEqualTo(base.resolve("d/e"));
    assertThat(base.resolve("l").toRealPath(LinkOption.NOFOLLOW_LINKS))
        .isEqualTo(base.resolve("l"));
    assertThat(path("").toRealPath()).isEqualTo(path("/"));
    assertThatThrownBy(() -> base.resolve("no").toRealPath()).isInstanceOf(IOException.class);
  }

  // ---- bytes

  private static void createByBytes(byte[] name) {
    byte[] full = new byte[name.length + 1];
    full[0] = '/';
    System.arraycopy(name, 0, full, 1, name.length);
    pool.dataset
        .fileSystem()
        .paths()
        .open(full, OpenFlags.O_CREAT | OpenFlags.O_WRONLY, 0644, Caller.ROOT)
        .close();
  }

  @Test
  void namesThatAreNotUtf8AreEscapedAndReachable() throws IOException {
    byte[][] names = {
      {(byte) 0xFF, 'a'},
      {'x', (byte) 0xC3},
      {(byte) 0xC3, (byte) 0x28},
      {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
      {(byte) 0xF0, (byte) 0x9F, (byte) 0x98},
      "schön".getBytes(StandardCharsets.ISO_8859_1),
      "日本".getBytes(StandardCharsets.UTF_8)
    };
    for (byte[] name : names) {
      createByBytes(name);
    }
    List<Path> listed = new ArrayList<>();
    try (var stream = Files.newDirectoryStream(path("/"))) {
      stream.forEach(listed::add);
    }
    for (byte[] name : names) {
      String shown = PathText.decode(name);
      assertThat(PathText.encode(shown)).isEqualTo(name);
      Path byText = path("/" + shown);
      assertThat(listed).contains(byText);
      assertThat(Files.exists(byText)).isTrue();
      assertThat(Path.of(byText.toUri())).isEqualTo(byText);
      Files.delete(byText);
      assertThat(Files.exists(byText)).isFalse();
    }
  }

  @Test
  void everySequenceOfBytesHasOneText() {
    Random random = new Random(7);
    for (int i = 0; i < 20_000; i++) {
      byte[] name = new byte[1 + random.nextInt(8)];
      random.nextBytes(name);
      for (int j = 0; j < name.length; j++) {
        name[j] = name[j] == 0 ? 1 : name[j];
      }
      assertThat(PathText.encode(PathText.decode(name))).isEqualTo(name);
    }
  }

  @Test
  void textThatIsNoNameIsRefused() {
    for (String bad :
        List.of("a\0b", "\0", "ü\0", "\uD800", "x\uDFFFy", "\uDC00", "\uDCC3\uDCA4")) {
      assertThatThrownBy(() -> path(bad)).isInstanceOf(InvalidPathException.class);
    }
    assertThat(path("\uD83D\uDE00").toString()).isEqualTo("😀");
  }

  @Test
  void symbolicLinksToOtherBytesComeBackAsTheyAre() throws IOException {
    Path target = path("/t\uDCFF");
    Path link = Files.createSymbolicLink(path("/to-bytes"), target);
    assertThat(Files.readSymbolicLink(link)).isEqualTo(target);
    Files.delete(link);
  }

  // ---- URIs

  @Test
  void urisLeadBackToTheirPath() {
    for (String name : List.of("/", "/a b", "/ü", "/a!b", "/100%", "/?#[]", "/;x=1&y", "/😀")) {
      URI uri = path(name).toUri();
      assertThat(uri.getScheme()).isEqualTo("lcpfs");
      assertThat(Path.of(uri)).isEqualTo(path(name));
    }
    assertThat(path("a").toUri()).isEqualTo(path("/a").toUri());
  }

  @Test
  void urisOfNothingAreRefused() {
    assertThatThrownBy(() -> Path.of(URI.create("lcpfs:/no/such.pool!/a")))
        .isInstanceOf(FileSystemNotFoundException.class);
    assertThatThrownBy(() -> Path.of(URI.create("lcpfs://1234/!/a")))
        .isInstanceOf(FileSystemNotFoundException.class);
    for (String bad : List.of("lcpfs:rel", "lcpfs:/a?q!/x", "lcpfs:/a!/x#f", "lcpfs:/a!/x%00")) {
      assertThatThrownBy(() -> Path.of(URI.create(bad)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  // ---- matching

  @ParameterizedTest
  @CsvSource({
    "*.java,A.java,true",
    "*.java,d/A.java,false",
    "**.java,d/A.java,true",
    "*,a/b,false",
    "?,a,true",
    "?,ab,false",
    "?,/,false",
    "a[bc]d,abd,true",
    "a[!bc]d,abd,false",
    "a[!bc]d,axd,true",
    "a[b-d],ac,true",
    "a[b-d],ae,false",
    "a[-b],a-,true",
    "[*?\\],*,true",
    "[*?\\],\\,true",
    "'{a,b*}',bcd,true",
    "'{a,b*}',c,false",
    "\\*,*,true",
    "\\*,x,false",
    "a.b,axb,false",
    "'*.{java,class}',x.class,true",
    "/home/*/*,/home/gus/data,true",
    "/home/*/*,/home/gus,false",
    "/home/**,/home/gus,true",
    ".*,.hidden,true",
    "*,.hidden,true",
    "a[!a]b,a/b,false",
    "**/x,a/b/x,true",
    "x+(y),x+(y),true",
    "a[&&b],a&,true"
  })
  void globsMatchAsTheJavadocSays(String glob, String name, boolean expected) {
    assertThat(pool.fs.getPathMatcher("glob:" + glob).matches(path(name))).isEqualTo(expected);
    PathMatcher host = Path.of("").getFileSystem().getPathMatcher("glob:" + glob);
    assertThat(host.matches(Path.of(name))).as("the host's").isEqualTo(expected);
  }

  @Test
  void matchersKnowGlobAndRegexOnly() {
    assertThat(pool.fs.getPathMatcher("regex:a.c").matches(path("abc"))).isTrue();
    assertThat(pool.fs.getPathMatcher("REGEX:a.c").matches(path("abcd"))).isFalse();
    assertThatThrownBy(() -> pool.fs.getPathMatcher("sql:x"))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> pool.fs.getPathMatcher("glob"))
        .isInstanceOf(IllegalArgumentException.class);
    for (String bad : List.of("{a", "{a,{b}}", "[a", "[b-a]", "a\\", "[a/b]")) {
      assertThatThrownBy(() -> pool.fs.getPathMatcher("glob:" + bad))
          .as(bad)
          .isInstanceOf(PatternSyntaxException.class);
    }
    assertThatThrownBy(() -> pool.fs.getPathMatcher("regex:["))
        .isInstanceOf(PatternSyntaxException.class);
  }
}
