package io.lcpfs.cli.owner;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A connection to the process that has a pool open. For one thread at a time. */
public final class OwnerClient implements AutoCloseable {
  private final Connection connection;
  private final String name;

  private OwnerClient(Connection connection, String name) {
    this.connection = connection;
    this.name = name;
  }

  /**
   * Connects to the owner of a pool; empty when nobody serves it.
   *
   * @throws PoolException EOPNOTSUPP when the owner is another version; EIO
   */
  public static Optional<OwnerClient> connect(Map<String, String> environment, long guid) {
    try {
      for (Path socket : OwnerSocket.existing(environment, guid)) {
        Optional<OwnerClient> owner = connect(socket, guid);
        if (owner.isPresent()) {
          return owner;
        }
      }
      return Optional.empty();
    } catch (IOException e) {
      throw broken(e);
    }
  }

  private static Optional<OwnerClient> connect(Path socket, long guid) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    boolean kept = false;
    try {
      try {
        channel.connect(UnixDomainSocketAddress.of(socket));
      } catch (ConnectException e) {
        return Optional.empty(); // left by an owner that was killed
      }
      Connection connection = new Connection(channel);
      connection.send(new FrameBuilder(Protocol.HELLO).put(Protocol.MAGIC).put(Protocol.VERSION));
      Frame welcome = received(connection).expect(Protocol.WELCOME);
      int version = welcome.getInt();
      long served = welcome.getLong();
      String name = welcome.getText();
      welcome.end();
      if (version != Protocol.VERSION || served != guid) {
        throw PoolException.refused(
            Errno.ESTALE, socket + " serves another pool; unmount that and mount it again");
      }
      kept = true;
      return Optional.of(new OwnerClient(connection, name));
    } catch (Frame.Malformed e) {
      throw broken(e);
    } finally {
      if (!kept) {
        channel.close();
      }
    }
  }

  private static PoolException broken(Exception cause) {
    return PoolException.refused(
        Errno.EIO, "the owner of the pool does not answer: " + cause.getMessage());
  }

  /** The next frame; what tells of a failure is thrown. */
  private static Frame received(Connection connection) throws IOException {
    Frame frame = connection.receive();
    if (frame == null) {
      throw new IOException("it closed the connection");
    }
    if (frame.type() == Protocol.FAILED) {
      throw Connection.failure(frame);
    }
    return frame;
  }

  /** The pool's name at its owner. */
  public String name() {
    return name;
  }

  /**
   * Runs a command at the owner, with its output as it comes.
   *
   * @param in read only when the command reads its standard input
   * @return its exit code
   * @throws PoolException EPERM for a command that owners do not run for others; EIO
   */
  public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
    FrameBuilder command = new FrameBuilder(Protocol.COMMAND).put(arguments.size());
    arguments.forEach(command::put);
    try {
      connection.send(command);
      while (true) {
        Frame frame = received(connection);
        switch (frame.type()) {
          case Protocol.OUTPUT -> {
            out.writeBytes(frame.getBytes());
            if (out.checkError()) {
              throw PoolException.refused(
                  Errno.EIO,
                  "standard output: cannot be written; check the pipe or the disk behind it");
            }
          }
          case Protocol.WANTED -> {
            frame.end();
            byte[] some = new byte[Protocol.MOST_DATA_BYTES];
            int length = Math.max(0, in.read(some));
            connection.send(new FrameBuilder(Protocol.INPUT).put(some, 0, length));
          }
          case Protocol.ERRORS -> {
            out.flush();
            err.writeBytes(frame.getBytes());
          }
          case Protocol.EXIT -> {
            int code = frame.getInt();
            frame.end();
            return code;
          }
          default -> throw new Frame.Malformed("type " + frame.type());
        }
      }
    } catch (IOException | Frame.Malformed e) {
      throw broken(e);
    }
  }

  /** Sends a request and answers what comes back. */
  Frame ask(FrameBuilder request) {
    try {
      connection.send(request);
      return received(connection).expect(Protocol.ANSWER);
    } catch (IOException | Frame.Malformed e) {
      throw broken(e);
    }
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (IOException e) {
      throw broken(e);
    }
  }
}
