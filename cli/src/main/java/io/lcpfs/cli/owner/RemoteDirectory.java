package io.lcpfs.cli.owner;

import io.lcpfs.cli.owner.Protocol.Operation;
import io.lcpfs.cli.tree.Applied;
import io.lcpfs.cli.tree.Attributes;
import io.lcpfs.cli.tree.PoolDirectory;
import io.lcpfs.cli.tree.TreeDirectory;
import io.lcpfs.cli.tree.TreeFile;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.NameText;
import io.lcpfs.posix.Attr;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A directory in a pool that another process has open. Addressed by number; nothing is held. */
public final class RemoteDirectory implements TreeDirectory {
  private final RemotePool pool;
  private final String dataset;
  private final long space;
  private final long inode;
  private final String display;

  RemoteDirectory(RemotePool pool, String dataset, long space, long inode, String display) {
    this.pool = pool;
    this.dataset = dataset;
    this.space = space;
    this.inode = inode;
    this.display = display;
  }

  @Override
  public String display() {
    return display;
  }

  private String display(byte[] name) {
    String text = NameText.decode(name);
    return display.endsWith("/") ? display + text : display + "/" + text;
  }

  /** The owner knows numbers only: say the whole path. */
  static <T> T named(String display, Supplier<T> call) {
    try {
      return call.get();
    } catch (PoolException e) {
      if (e.error() instanceof PoolError.Posix posix) {
        throw new PoolException(new PoolError.Posix(posix.errno(), display), e);
      }
      throw e;
    }
  }

  /** Says in a request which file it is. */
  void name(FrameBuilder request) {
    request.put(dataset).put(inode);
  }

  private FrameBuilder request(Operation operation) {
    return RemotePool.request(operation).put(dataset).put(inode);
  }

  private FrameBuilder request(Operation operation, byte[] name) {
    return request(operation).put(name);
  }

  private <T> T ask(FrameBuilder request, Function<Frame, T> answer) {
    return named(display, () -> pool.ask(request, answer));
  }

  private <T> T ask(byte[] name, FrameBuilder request, Function<Frame, T> answer) {
    return named(display(name), () -> pool.ask(request, answer));
  }

  private void tell(byte[] name, FrameBuilder request) {
    ask(name, request, frame -> frame);
  }

  @Override
  public Attributes attributes() {
    return PoolDirectory.attributes(ask(request(Operation.ATTRIBUTES), Values::attr), space);
  }

  /** Some names, and where to go on. */
  private record Page(long cookie, List<byte[]> names) {}

  @Override
  public List<byte[]> names() {
    List<byte[]> all = new ArrayList<>();
    long cookie = 0;
    while (cookie >= 0) {
      Page page = ask(request(Operation.NAMES).put(cookie), RemoteDirectory::page);
      all.addAll(page.names);
      cookie = page.cookie;
    }
    return all;
  }

  private static Page page(Frame frame) {
    long cookie = frame.getLong();
    int count = frame.getCount();
    List<byte[]> names = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      names.add(frame.getBytes());
    }
    return new Page(cookie, names);
  }

  private Attr lookup(byte[] name) {
    return ask(name, request(Operation.LOOKUP, name), Values::attr);
  }

  @Override
  public @Nullable Attributes stat(byte[] name) {
    try {
      return PoolDirectory.attributes(lookup(name), space);
    } catch (PoolException e) {
      if (e.errno() == Errno.ENOENT) {
        return null;
      }
      throw e;
    }
  }

  @Override
  public RemoteDirectory directory(byte[] name) {
    Attr attr = lookup(name);
    if (!attr.isDirectory()) {
      throw PoolException.posix(Errno.ENOTDIR, display(name));
    }
    return new RemoteDirectory(pool, dataset, space, attr.inode(), display(name));
  }

  @Override
  public byte[] readLink(byte[] name) {
    return ask(name, request(Operation.READ_LINK, name), Frame::getBytes);
  }

  @Override
  public TreeFile open(byte[] name) {
    return opened(name, Operation.OPEN);
  }

  @Override
  public TreeFile create(byte[] name) {
    return opened(name, Operation.CREATE);
  }

  private TreeFile opened(byte[] name, Operation operation) {
    OwnerClient client = pool.borrow();
    boolean kept = false;
    try {
      Frame frame = named(display(name), () -> client.ask(request(operation, name)));
      int handle = frame.getInt();
      Attributes attributes = PoolDirectory.attributes(Values.attr(frame), space);
      RemoteDirectory self =
          new RemoteDirectory(pool, dataset, space, attributes.identity().inode(), display(name));
      kept = true;
      return new RemoteFile(pool, client, handle, attributes, self);
    } finally {
      if (!kept) {
        // What went wrong is not known here: the next one gets a fresh connection.
        client.close();
      }
    }
  }

  @Override
  public void makeDirectory(byte[] name) {
    tell(name, request(Operation.MAKE_DIRECTORY, name));
  }

  @Override
  public void makeSymlink(byte[] name, byte[] target) {
    tell(name, request(Operation.MAKE_SYMLINK, name).put(target));
  }

  @Override
  public void makeNode(byte[] name, int mode, long rdev) {
    tell(name, request(Operation.MAKE_NODE, name).put(mode).put(rdev));
  }

  @Override
  public void link(byte[] name, TreeDirectory from, byte[] existing) {
    if (!(from instanceof RemoteDirectory directory)
        || directory.pool != pool
        || !directory.dataset.equals(dataset)) {
      throw PoolException.posix(Errno.EXDEV, display(name));
    }
    tell(name, request(Operation.LINK, name).put(directory.inode).put(existing));
  }

  @Override
  public void remove(byte[] name) {
    tell(name, request(Operation.REMOVE, name));
  }

  @Override
  public void apply(byte[] name, Attributes type, Applied change) {
    tell(name, Values.put(request(Operation.APPLY_TO_NAME, name), change));
  }

  @Override
  public void apply(Applied change) {
    ask(Values.put(request(Operation.APPLY), change), frame -> frame);
  }

  @Override
  public SortedMap<String, byte[]> xattrs() {
    return ask(
        request(Operation.XATTRS),
        frame -> {
          SortedMap<String, byte[]> all = new TreeMap<>();
          int count = frame.getCount();
          for (int i = 0; i < count; i++) {
            all.put(frame.getText(), frame.getBytes());
          }
          return all;
        });
  }

  @Override
  public void setXattr(String name, byte[] value) {
    ask(request(Operation.SET_XATTR).put(name).put(value), frame -> frame);
  }

  @Override
  public void close() {
    // Directories of a pool are addressed by number; nothing is held.
  }
}
