package io.lcpfs.nio;

import io.lcpfs.posix.AttrBuffer;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.PathCalls;
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

    private PathCalls engine() {
      fs().checkOpen();
      return calls.engine();
    }

    private IOException failure(RuntimeException e) {
      return fs().failure(e, path, null);
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
      try {
        return engine().getxattr(path.forCall(), follow, name, fs().caller());
      } catch (RuntimeException e) {
        throw failure(e);
      }
    }

    @Override
    public void setXattr(byte[] name, byte[] value) throws IOException {
      fs().checkWritable();
      try {
        engine().setxattr(path.forCall(), follow, name, value, 0, fs().caller());
      } catch (RuntimeException e) {
        throw failure(e);
      }
    }

    @Override
    public List<byte[]> xattrs() throws IOException {
      try {
        return engine().listxattr(path.forCall(), follow, fs().caller());
      } catch (RuntimeException e) {
        throw failure(e);
      }
    }

    @Override
    public void removeXattr(byte[] name) throws IOException {
      fs().checkWritable();
      try {
        engine().removexattr(path.forCall(), follow, name, fs().caller());
      } catch (RuntimeException e) {
        throw failure(e);
      }
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
