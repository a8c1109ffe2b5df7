package io.lcpfs.cli.owner;

import io.lcpfs.api.Pool;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;
import org.jspecify.annotations.Nullable;

/**
 * The sockets on which other processes of the same user, or root, reach pools that this process has
 * open. To be closed before the pools.
 */
public final class OwnerServer implements AutoCloseable {
  private static final int MOST_CONNECTIONS = 64;

  /** What to do with a pool that is served. */
  public record Served(Pool pool, CommandRunner runner) {}

  private final Consumer<String> warn;
  private final List<ServerSocketChannel> listeners = new ArrayList<>();
  private final List<Path> sockets = new ArrayList<>();
  private final List<Thread> listening = new ArrayList<>();

  /** Guards the three below. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Map<SocketChannel, Thread> connections = new HashMap<>();
  private boolean closed;

  private OwnerServer(Consumer<String> warn) {
    this.warn = warn;
  }

  /**
   * Begins to serve.
   *
   * @param served pools, of which each gets a socket named by its guid
   * @param environment where XDG_RUNTIME_DIR may say where sockets are
   * @param inUse datasets, by full name, that others may neither destroy nor rename
   * @param warn takes a line about a connection that failed
   * @throws PoolException EACCES when there is no place for sockets that only this user enters
   * @throws IOException when a socket cannot be made
   */
  public static OwnerServer start(
      List<Served> served,
      Map<String, String> environment,
      Predicate<String> inUse,
      Consumer<String> warn)
      throws IOException {
    OwnerServer server = new OwnerServer(warn);
    try {
      for (Served one : served) {
        server.listen(one, environment, inUse);
      }
    } catch (IOException | RuntimeException e) {
      server.close();
      throw e;
    }
    return server;
  }

  /** Whether owners run this command for others. */
  public static boolean runs(List<String> arguments) {
    return !Session.commandOf(arguments).isEmpty();
  }

  private void listen(Served one, Map<String, String> environment, Predicate<String> inUse)
      throws IOException {
    Path socket = OwnerSocket.toServe(environment, one.pool.guid());
    // Who has the pool's devices is its owner: what is there was left by one that was killed.
    Files.deleteIfExists(socket);
    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listeners.add(listener);
    listener.bind(UnixDomainSocketAddress.of(socket));
    sockets.add(socket);
    UserPrincipal owner = Files.getOwner(socket, LinkOption.NOFOLLOW_LINKS);
    Served lent = new Served(one.pool.lend(inUse), one.runner);
    listening.add(
        Thread.ofPlatform()
            .daemon(true)
            .name("lcpfs-owner")
            .start(() -> accept(listener, owner, lent)));
  }

  private void accept(ServerSocketChannel listener, UserPrincipal owner, Served served) {
    while (true) {
      try {
        SocketChannel channel = listener.accept();
        if (!admitted(channel, owner) || !begun(channel, served)) {
          channel.close();
        }
      } catch (ClosedChannelException e) {
        return;
      } catch (IOException e) {
        warn.accept("owner's socket: " + e.getMessage());
        return;
      }
    }
  }

  private boolean admitted(SocketChannel channel, UserPrincipal owner) throws IOException {
    UnixDomainPrincipal peer = channel.getOption(ExtendedSocketOptions.SO_PEERCRED);
    if (OwnerSocket.allows(owner, peer.user())) {
      return true;
    }
    warn.accept("owner's socket: refused " + peer.user().getName());
    return false;
  }

  private boolean begun(SocketChannel channel, Served served) {
    lock.lock();
    try {
      if (closed || connections.size() >= MOST_CONNECTIONS) {
        return false;
      }
      Thread thread =
          Thread.ofPlatform()
              .daemon(true)
              .name("lcpfs-owner-connection")
              .unstarted(() -> serve(channel, served));
      connections.put(channel, thread);
      thread.start();
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void serve(SocketChannel channel, Served served) {
    try (Connection connection = new Connection(channel)) {
      new Session(connection, served.pool, served.runner).serve();
    } catch (IOException e) {
      // The client is gone, or the server is closing: nobody is left to be told.
      return;
    } catch (RuntimeException | OutOfMemoryError e) {
      warn.accept("owner's socket: " + e.getMessage());
    } finally {
      lock.lock();
      try {
        connections.remove(channel);
      } finally {
        lock.unlock();
      }
    }
  }

  /** Ends all connections, after the command or request that each is busy with. */
  @Override
  public void close() {
    List<Thread> threads;
    IOException failure = null;
    lock.lock();
    try {
      closed = true;
      threads = new ArrayList<>(connections.values());
      for (SocketChannel channel : connections.keySet()) {
        failure = closed(channel, failure);
      }
    } finally {
      lock.unlock();
    }
    for (ServerSocketChannel listener : listeners) {
      failure = closed(listener, failure);
    }
    threads.addAll(listening);
    threads.forEach(OwnerServer::join);
    for (Path socket : sockets) {
      try {
        Files.deleteIfExists(socket);
      } catch (IOException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw new UncheckedIOException(failure);
    }
  }

  private static @Nullable IOException closed(AutoCloseable channel, @Nullable IOException before) {
    try {
      channel.close();
      return before;
    } catch (Exception e) {
      return new IOException(e);
    }
  }

  private static void join(Thread thread) {
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
