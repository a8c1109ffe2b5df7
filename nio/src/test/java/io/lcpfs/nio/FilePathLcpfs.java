package io.lcpfs.nio;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.h2.store.fs.FilePath;
import org.jspecify.annotations.Nullable;

/** H2's interface to files, as plain calls of java.nio.file on one file system. */
final class FilePathLcpfs extends FilePath {
  private static final String PREFIX = "lcpfstest:";

  /** Set by the test that uses it. */
  static volatile @Nullable FileSystem fs;

  private static FilePathLcpfs of(Path path) {
    FilePathLcpfs result = new FilePathLcpfs();
    result.name = PREFIX + path;
    return result;
  }

  private Path path() {
    return Objects.requireNonNull(fs).getPath(name.substring(PREFIX.length()));
  }

  /** A call that may fail. */
  private interface Call<T> {
    T run() throws IOException;
  }

  private static <T> T unchecked(Call<T> call) {
    try {
      return call.run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String getScheme() {
    return "lcpfstest";
  }

  @Override
  public FilePath getPath(String text) {
    FilePathLcpfs result = new FilePathLcpfs();
    result.name = text;
    return result;
  }

  @Override
  public long size() {
    return unchecked(() -> Files.size(path()));
  }

  @Override
  public void moveTo(FilePath target, boolean atomicReplace) {
    Path to = ((FilePathLcpfs) target).path();
    Path _ =
        unchecked(
            () ->
                atomicReplace
                    ? Files.move(path(), to, StandardCopyOption.ATOMIC_MOVE)
                    : Files.move(path(), to));
  }

  @Override
  public boolean createFile() {
    try {
      Files.createFile(path());
      return true;
    } catch (java.nio.file.FileAlreadyExistsException e) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public boolean exists() {
    return Files.exists(path());
  }

  @Override
  public void delete() {
    boolean _ = unchecked(() -> Files.deleteIfExists(path()));
  }

  @Override
  public List<FilePath> newDirectoryStream() {
    if (!exists()) {
      return List.of(); // as H2's own files answer
    }
    return unchecked(
        () -> {
          try (Stream<Path> names = Files.list(path())) {
            return names.map(entry -> (FilePath) of(entry)).toList();
          }
        });
  }

  @Override
  public FilePath toRealPath() {
    return Files.exists(path()) ? of(unchecked(() -> path().toRealPath())) : this;
  }

  @Override
  public @Nullable FilePath getParent() {
    Path parent = path().getParent();
    return parent == null ? null : of(parent);
  }

  @Override
  public boolean isDirectory() {
    return Files.isDirectory(path());
  }

  @Override
  public boolean isRegularFile() {
    return Files.isRegularFile(path());
  }

  @Override
  public boolean isAbsolute() {
    return path().isAbsolute();
  }

  @Override
  public long lastModified() {
    return unchecked(() -> Files.getLastModifiedTime(path()).toMillis());
  }

  @Override
  public boolean canWrite() {
    return Files.isWritable(path());
  }

  @Override
  public void createDirectory() {
    Path _ = unchecked(() -> Files.createDirectories(path()));
  }

  @Override
  public FileChannel open(String mode) throws IOException {
    return mode.equals("r")
        ? FileChannel.open(path(), StandardOpenOption.READ)
        : FileChannel.open(
            path(), StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
  }

  @Override
  public boolean setReadOnly() {
    Path _ =
        unchecked(
            () -> Files.setPosixFilePermissions(path(), Set.of(PosixFilePermission.OWNER_READ)));
    return true;
  }
}
