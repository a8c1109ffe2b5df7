package io.lcpfs.cli.owner;

import io.lcpfs.cli.owner.Protocol.Operation;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.posix.Attr;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/** The files of a pool that another process has open. Safe from many threads. */
public final class RemotePool implements AutoCloseable {
  private final Map<String, String> environment;
  private final long guid;

  /** Guards the two below. */
  private final ReentrantLock lock = new ReentrantLock();

  private final ArrayDeque<OwnerClient> idle = new ArrayDeque<>();
  private boolean closed;

  private RemotePool(Map<String, String> environment, long guid, OwnerClient first) {
    this.environment = environment;
    this.guid = guid;
    idle.add(first);
  }

  /** The pool with this guid; empty when no other process serves it. */
  public static Optional<RemotePool> connect(Map<String, String> environment, long guid) {
    return OwnerClient.connect(environment, guid)
        .map(client -> new RemotePool(environment, guid, client));
  }

  /** A connection of one's own, to be given back or closed. */
  OwnerClient borrow() {
    lock.lock();
    try {
      if (closed) {
        throw new PoolException(new PoolError.Closed("pool"));
      }
      OwnerClient client = idle.poll();
      if (client != null) {
        return client;
      }
    } finally {
      lock.unlock();
    }
    return OwnerClient.connect(environment, guid)
        .orElseThrow(
            () ->
                PoolException.refused(
                    Errno.ESTALE, "the owner of the pool is gone; run the command again"));
  }

  void giveBack(OwnerClient client) {
    lock.lock();
    try {
      if (!closed) {
        idle.push(client);
        return;
      }
    } finally {
      lock.unlock();
    }
    client.close();
  }

  static FrameBuilder request(Operation operation) {
    return new FrameBuilder(Protocol.REQUEST).put(operation.number());
  }

  /** Asks on any connection, and reads the answer. */
  <T> T ask(FrameBuilder request, Function<Frame, T> answer) {
    OwnerClient client = borrow();
    boolean sound = false;
    try {
      T result = answer.apply(client.ask(request));
      sound = true;
      return result;
    } catch (PoolException e) {
      // A refusal leaves the connection usable; one that broke does not.
      sound = e.errno() != Errno.EIO;
      throw e;
    } catch (Frame.Malformed e) {
      throw new PoolException(new PoolError.Refused(Errno.EIO, String.valueOf(e.getMessage())), e);
    } finally {
      if (sound) {
        giveBack(client);
      } else {
        client.close();
      }
    }
  }

  /** A file by path, and the guid of its dataset. */
  private record Found(long space, Attr attr) {}

  private Found found(String dataset, byte[] path, boolean follow) {
    return ask(
        request(Operation.STAT).put(dataset).put(path).put((byte) (follow ? 1 : 0)),
        frame -> new Found(frame.getLong(), Values.attr(frame)));
  }

  /** As stat, or lstat without {@code follow}. */
  public Attr stat(String dataset, byte[] path, boolean follow) {
    return found(dataset, path, follow).attr;
  }

  public byte[] readLink(String dataset, byte[] path) {
    return ask(request(Operation.READ_LINK_PATH).put(dataset).put(path), Frame::getBytes);
  }

  /** A directory, for which messages have {@code display}; ENOTDIR. */
  public RemoteDirectory directory(String dataset, byte[] path, String display) {
    Found found = found(dataset, path, true);
    if (!found.attr.isDirectory()) {
      throw PoolException.posix(Errno.ENOTDIR, display);
    }
    return new RemoteDirectory(this, dataset, found.space, found.attr.inode(), display);
  }

  /** Returns when everything done before is on disk. */
  public void sync() {
    ask(request(Operation.SYNC), frame -> frame);
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      idle.forEach(OwnerClient::close);
      idle.clear();
    } finally {
      lock.unlock();
    }
  }
}
