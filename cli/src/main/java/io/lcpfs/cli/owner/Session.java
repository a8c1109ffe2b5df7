package io.lcpfs.cli.owner;

import io.lcpfs.api.Pool;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.NameText;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The owner's side of one connection. */
final class Session {
  /** Commands whose arguments name nothing outside of pools; what is not here stays outside. */
  static final Set<String> ALLOWED =
      Set.of(
          "pool list",
          "pool status",
          "pool get",
          "pool set",
          "pool history",
          "pool verify",
          "pool sync",
          "pool checkpoint",
          "pool upgrade",
          "fs create",
          "fs list",
          "fs get",
          "fs set",
          "fs inherit",
          "fs rename",
          "fs snapshot",
          "fs snap",
          "fs hold",
          "fs holds",
          "fs release",
          "fs bookmark",
          "fs diff",
          "fs rewrite",
          "fs rollback",
          "fs clone",
          "fs promote",
          "fs destroy",
          "fs userspace",
          "fs groupspace",
          "fs projectspace",
          "fs project",
          "fs send",
          "fs receive",
          "fs recv",
          "send",
          "receive",
          "recv",
          "ls",
          "cat",
          "stat",
          "rm",
          "mkdir",
          "mv",
          "ln",
          "df");

  private static final int BUFFER_BYTES = 64 << 10;

  private final Connection connection;
  private final Pool pool;
  private final CommandRunner runner;

  Session(Connection connection, Pool pool, CommandRunner runner) {
    this.connection = connection;
    this.pool = pool;
    this.runner = runner;
  }

  /** Which command the arguments name: its words, "" when it is none that is known here. */
  static String commandOf(List<String> arguments) {
    String first = arguments.isEmpty() ? "" : arguments.getFirst();
    boolean group = first.equals("pool") || first.equals("fs");
    String command = group && arguments.size() > 1 ? first + " " + arguments.get(1) : first;
    return ALLOWED.contains(command) ? command : "";
  }

  /** Serves until the other side closes or sends what is no frame. */
  void serve() throws IOException {
    try (Requests requests = new Requests(pool)) {
      if (greeted()) {
        Frame frame = connection.receive();
        while (frame != null) {
          served(requests, frame);
          frame = connection.receive();
        }
      }
    } catch (Frame.Malformed e) {
      String message = String.valueOf(e.getMessage());
      connection.send(Connection.failed(PoolException.refused(Errno.EINVAL, message)));
    }
  }

  private boolean greeted() throws IOException {
    Frame hello = connection.receive();
    if (hello == null) {
      return false;
    }
    hello.expect(Protocol.HELLO);
    long magic = hello.getLong();
    int version = hello.getInt();
    hello.end();
    if (magic != Protocol.MAGIC) {
      throw new Frame.Malformed("magic " + Long.toHexString(magic));
    }
    if (version != Protocol.VERSION) {
      connection.send(
          Connection.failed(
              PoolException.refused(
                  Errno.EOPNOTSUPP,
                  "the owner of the pool speaks version "
                      + Protocol.VERSION
                      + " of its protocol, not "
                      + version
                      + "; unmount the pool and mount it with this lcpfs")));
      return false;
    }
    connection.send(
        new FrameBuilder(Protocol.WELCOME).put(Protocol.VERSION).put(pool.guid()).put(pool.name()));
    return true;
  }

  private void served(Requests requests, Frame frame) throws IOException {
    switch (frame.type()) {
      case Protocol.COMMAND -> command(frame);
      case Protocol.REQUEST -> {
        FrameBuilder answer;
        try {
          answer = requests.answer(frame);
        } catch (PoolException e) {
          answer = Connection.failed(e.errno() == Errno.EROFS ? readOnly(e) : e);
        }
        connection.send(answer);
      }
      default -> throw new Frame.Malformed("type " + frame.type());
    }
  }

  /** A refusal as the other side can do something about it: the pool is open here. */
  private PoolException readOnly(PoolException refused) {
    return pool.readOnly()
        ? PoolException.refused(
            Errno.EROFS,
            pool.name() + ": is mounted read-only; unmount it and mount it without -o ro")
        : refused;
  }

  private void command(Frame frame) throws IOException {
    int count = frame.getCount();
    if (count > Protocol.MOST_ARGUMENTS) {
      throw new Frame.Malformed(count + " arguments");
    }
    List<String> arguments = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      arguments.add(frame.getText());
    }
    frame.end();
    if (commandOf(arguments).isEmpty()) {
      connection.send(
          Connection.failed(
              PoolException.refused(
                  Errno.EPERM, "the owner of a pool does not run this command for others")));
      return;
    }
    int code;
    ClientInput in = new ClientInput(connection);
    try (PrintStream out = stream(Protocol.OUTPUT);
        PrintStream err = stream(Protocol.ERRORS)) {
      code = runner.run(arguments, in, out, err);
    }
    in.refuseMalformed();
    connection.send(new FrameBuilder(Protocol.EXIT).put(code));
  }

  private PrintStream stream(byte type) {
    OutputStream frames =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
          }

          @Override
          public void write(byte[] bytes, int offset, int length) throws IOException {
            for (int done = 0; done < length; ) {
              int part = Math.min(length - done, Protocol.MOST_DATA_BYTES);
              connection.send(new FrameBuilder(type).put(bytes, offset + done, part));
              done += part;
            }
          }
        };
    return new PrintStream(new BufferedOutputStream(frames, BUFFER_BYTES), false, NameText.CHARSET);
  }
}
