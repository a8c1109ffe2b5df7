package io.lcpfs.cli.owner;

import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** The standard input of a command that a client asked for: it is asked for some when wanted. */
final class ClientInput extends InputStream {
  private final Connection connection;
  private byte[] some = new byte[0];
  private int at;
  private boolean ended;
  private Frame.@Nullable Malformed malformed;

  ClientInput(Connection connection) {
    this.connection = connection;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] to, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (at == some.length) {
      if (ended) {
        return -1;
      }
      fetch();
      if (some.length == 0) {
        ended = true;
        return -1;
      }
    }
    int n = Math.min(length, some.length - at);
    System.arraycopy(some, at, to, offset, n);
    at += n;
    return n;
  }

  private void fetch() throws IOException {
    connection.send(new FrameBuilder(Protocol.WANTED));
    try {
      Frame frame = connection.receive();
      if (frame == null) {
        throw new IOException("the command that gives it has ended");
      }
      some = frame.expect(Protocol.INPUT).getBytes();
      frame.end();
      at = 0;
    } catch (Frame.Malformed e) {
      malformed = e;
      ended = true;
      throw new IOException(e.getMessage(), e);
    }
  }

  /** Throws what was wrong with a frame that the command asked for. */
  void refuseMalformed() {
    Frame.Malformed known = malformed;
    if (known != null) {
      throw known;
    }
  }
}
