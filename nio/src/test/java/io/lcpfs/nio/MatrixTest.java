package io.lcpfs.nio;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The tests of this package leave out no method of the API that the provider implements. Methods
 * are told by their names, so this finds what was forgotten, not what is tested badly.
 */
class MatrixTest {
  private static final List<Class<?>> API =
      List.of(
          Files.class,
          FileSystem.class,
          FileSystems.class,
          Path.class,
          PathMatcher.class,
          DirectoryStream.class,
          SecureDirectoryStream.class,
          FileChannel.class,
          AsynchronousFileChannel.class,
          FileLock.class,
          FileStore.class,
          WatchService.class,
          WatchKey.class,
          WatchEvent.class,
          BasicFileAttributes.class,
          PosixFileAttributes.class,
          BasicFileAttributeView.class,
          PosixFileAttributeView.class,
          FileOwnerAttributeView.class,
          UserDefinedFileAttributeView.class,
          UserPrincipalLookupService.class);

  /** What the provider has no part in. */
  private static final Set<String> OTHERS = Set.of("FileSystems.getDefault");

  @Test
  void everyMethodOfTheApiIsCalledByATest() throws IOException {
    StringBuilder sources = new StringBuilder();
    try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
      for (Path file : files.filter(path -> path.toString().endsWith("Test.java")).toList()) {
        sources.append(Files.readString(file));
      }
    }
    Set<String> missing = new TreeSet<>();
    for (Class<?> type : API) {
      for (Method method : type.getDeclaredMethods()) {
        String name = type.getSimpleName() + "." + method.getName();
        boolean calls =
            sources.indexOf("." + method.getName() + "(") >= 0
                || sources.indexOf("::" + method.getName()) >= 0;
        if (Modifier.isPublic(method.getModifiers())
            && !method.isSynthetic()
            && !OTHERS.contains(name)
            && !calls) {
          missing.add(name);
        }
      }
    }
    assertThat(missing).isEmpty();
  }
}
