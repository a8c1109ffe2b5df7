package io.lcpfs.nio;

import io.lcpfs.posix.StatFs;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.FileStoreAttributeView;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A dataset's room; that of a snapshot is the room of its dataset. */
final class LcpfsFileStore extends FileStore {
  private final LcpfsFileSystem fs;
  private final String name;
  private final long guid;
  private final boolean readOnly;

  LcpfsFileStore(LcpfsFileSystem fs) {
    this(fs, fs.mounted().name(), fs.mounted().guid(), fs.isReadOnly());
  }

  /** That of a snapshot which paths of {@code fs} lead to, or its own. */
  LcpfsFileStore(LcpfsFileSystem fs, String name, long guid, boolean readOnly) {
    this.fs = fs;
    this.name = name;
    this.guid = guid;
    this.readOnly = readOnly;
  }

  private StatFs statFs() throws IOException {
    fs.checkOpen();
    try {
      return fs.posix().statfs();
    } catch (RuntimeException e) {
      throw fs.failure(e, fs.root(), null);
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String type() {
    return PathUris.SCHEME;
  }

  @Override
  public boolean isReadOnly() {
    return readOnly || fs.isReadOnly();
  }

  @Override
  public long getTotalSpace() throws IOException {
    StatFs room = statFs();
    return room.totalBlocks() * room.blockBytes();
  }

  @Override
  public long getUsableSpace() throws IOException {
    StatFs room = statFs();
    return room.availableBlocks() * room.blockBytes();
  }

  @Override
  public long getUnallocatedSpace() throws IOException {
    StatFs room = statFs();
    return room.freeBlocks() * room.blockBytes();
  }

  @Override
  public long getBlockSize() throws IOException {
    return statFs().blockBytes();
  }

  @Override
  public boolean supportsFileAttributeView(Class<? extends FileAttributeView> type) {
    Objects.requireNonNull(type);
    return type == BasicFileAttributeView.class
        || type == FileOwnerAttributeView.class
        || type == PosixFileAttributeView.class
        || type == UserDefinedFileAttributeView.class;
  }

  @Override
  public boolean supportsFileAttributeView(String name) {
    return LcpfsFileSystem.VIEWS.contains(name);
  }

  @Override
  public <V extends FileStoreAttributeView> @Nullable V getFileStoreAttributeView(Class<V> type) {
    Objects.requireNonNull(type);
    return null;
  }

  @Override
  public Object getAttribute(String attribute) throws IOException {
    return switch (attribute) {
      case "totalSpace" -> getTotalSpace();
      case "usableSpace" -> getUsableSpace();
      case "unallocatedSpace" -> getUnallocatedSpace();
      case "blockSize" -> getBlockSize();
      default -> throw new UnsupportedOperationException("attribute '" + attribute + "'");
    };
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof LcpfsFileStore that
        && that.fs.posix().equals(fs.posix())
        && that.guid == guid;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(guid);
  }

  @Override
  public String toString() {
    return name();
  }
}
