package io.lcpfs.nio;

import io.lcpfs.posix.AttrBuffer;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.SetAttr;
import java.io.IOException;
import java.nio.file.ClosedDirectoryStreamException;
import java.util.List;

/** What a view is of: a path, or a directory that is open. */
sealed interface FileTarget {
  LcpfsFileSystem fs();

  LcpfsFileAttributes attributes() throws IOException;

  void change(SetAttr change) throws IOException;

  byte[] xattr(byte[] name) throws IOException;

  void setXattr(byte[] name, byte[] value) throws IOException;

  List<byte[]> xattrs() throws IOException;

  void removeXattr(byte[] name) throws IOException;

  /** A path, with or without following a link at its end. */
  record OfPath(FileCalls calls, LcpfsPath path, boolean follow) implements FileTarget {
    @Override
    public LcpfsFileSystem fs() {
      return calls.fs();
    }

    @Override
    public LcpfsFileAttributes attributes() throws IOException {
      return calls.stat(path, follow);
    }

    @Override
    public void change(SetAttr change) throws IOException {
      calls.setAttributes(path, follow, change);
    }

    @Override
    public byte[] xattr(byte[] name) throws IOException {
      return calls.xattr(path, follow, name);
    }

    @Override
    public void setXattr(byte[] name, byte[] value) throws IOException {
      calls.setXattr(path, follow, name, value);
    }

    @Override
    public List<byte[]> xattrs() throws IOException {
      return calls.xattrs(path, follow);
    }

    @Override
    public void removeXattr(byte[] name) throws IOException {
      calls.removeXattr(path, follow, name);
    }
  }

  /** A path that may lead into a snapshot, which each call finds out. */
  record OfWay(LcpfsPath path, boolean follow) implements FileTarget {
    @Override
    public LcpfsFileSystem fs() {
      return path.getFileSystem();
    }

    private <T> T reach(SnapshotWay.Call<T> call) throws IOException {
      return SnapshotWay.reach(
          path, follow ? SnapshotWay.End.FOLLOWED : SnapshotWay.End.ITSELF, call);
    }

    /** A call without an answer. */
    private interface Change {
      void on(FileTarget target) throws IOException;
    }

    private void change(Change change) throws IOException {
      boolean _ =
          reach(
              at -> {
                change.on(new OfPath(at.calls(), at, follow));
                return true;
              });
    }

    @Override
    public LcpfsFileAttributes attributes() throws IOException {
      return reach(at -> at.calls().stat(at, follow));
    }

    @Override
    public void change(SetAttr change) throws IOException {
      change(target -> target.change(change));
    }

    @Override
    public byte[] xattr(byte[] name) throws IOException {
      return reach(at -> at.calls().xattr(at, follow, name));
    }

    @Override
    public void setXattr(byte[] name, byte[] value) throws IOException {
      change(target -> target.setXattr(name, value));
    }

    @Override
    public List<byte[]> xattrs() throws IOException {
      return reach(at -> at.calls().xattrs(at, follow));
    }

    @Override
    public void removeXattr(byte[] name) throws IOException {
      change(target -> target.removeXattr(name));
    }
  }

  /** The directory of an open stream. */
  record OfDirectory(LcpfsDirectoryStream stream, FileHandle handle) implements FileTarget {
    @Override
    public LcpfsFileSystem fs() {
      return stream.fs();
    }

    private void checkOpen() {
      fs().checkOpen();
      if (!stream.isOpen()) {
        throw new ClosedDirectoryStreamException();
      }
    }

    private IOException failure(RuntimeException e) {
      return fs().failure(e, stream.directory(), null);
    }

    @Override
    public LcpfsFileAttributes attributes() throws IOException {
      checkOpen();
      AttrBuffer attributes = new AttrBuffer();
      try {
        fs().posix().getattr(handle.inode(), attributes);
      } catch (RuntimeException e) {
        throw failure(e);
      }
      return new LcpfsFileAttributes(fs(), attributes);
    }

    @Override
    public void change(SetAttr change) throws IOException {
      checkOpen();
      fs().checkWritable();
      try {
        fs().posix().setattr(handle.inode(), change, fs().caller());
      } catch (RuntimeException e) {
        throw failure(e);
      }
    }

    @Override
    public byte[] xattr(byte[] name) throws IOException {
      checkOpen();
      try {
        return fs().posix().getxattr(handle.inode(), name, fs().caller());
      } catch (RuntimeException e) {
        throw failure(e);
      }
    }

    @Override
    public void setXattr(byte[] name, byte[] value) throws IOException {
      checkOpen();
      fs().checkWritable();
      try {
        fs().posix().setxattr(handle.inode(), name, value, 0, fs().caller());
      } catch (RuntimeException e) {
        throw failure(e);
      }
    }

    @Override
    public List<byte[]> xattrs() throws IOException {
      checkOpen();
      try {
        return fs().posix().listxattr(handle.inode(), fs().caller());
      } catch (RuntimeException e) {
        throw failure(e);
      }
    }

    @Override
    public void removeXattr(byte[] name) throws IOException {
      checkOpen();
      fs().checkWritable();
      try {
        fs().posix().removexattr(handle.inode(), name, fs().caller());
      } catch (RuntimeException e) {
        throw failure(e);
      }
    }
  }
}
