package io.lcpfs.sim.model;

import static io.lcpfs.sim.model.Outcome.done;
import static io.lcpfs.sim.model.Outcome.failed;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.Errno;
import io.lcpfs.sim.world.Digest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The POSIX name space as plain maps in memory: what every answer has to be. */
public final class ReferenceFs {
  private static final int NAME_MAX_BYTES = 255;
  private static final int MAX_SYMLINKS = 40;
  private static final int LINK_MAX = 32_000;

  private static final class Node {
    final NodeKind kind;
    final TreeMap<String, Node> children = new TreeMap<>();
    final TreeMap<String, byte[]> xattrs = new TreeMap<>();
    final SparseBytes content = new SparseBytes();
    String target = "";
    int mode;
    int uid;
    int gid;
    int links = 1;
    long rdev;
    long mtimeNanos = Attributes.UNKNOWN;

    Node(NodeKind kind, int mode) {
      this.kind = kind;
      this.mode = mode;
    }

    boolean isDirectory() {
      return kind == NodeKind.DIRECTORY;
    }

    /** The clock decides the time of this change. */
    void touched() {
      mtimeNanos = Attributes.UNKNOWN;
    }

    Attributes attributes() {
      long size =
          switch (kind) {
            case FILE -> content.size();
            case SYMLINK -> target.getBytes(UTF_8).length;
            case DIRECTORY, FIFO, SOCKET, CHARACTER_DEVICE, BLOCK_DEVICE -> 0;
          };
      return new Attributes(
          kind, mode, uid, gid, isDirectory() ? 0 : links, size, rdev, mtimeNanos);
    }
  }

  /** An operation that is refused. */
  private static final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;
    final Errno errno;

    Refusal(Errno errno) {
      super(errno.name(), null, false, false);
      this.errno = errno;
    }
  }

  private record Place(Node directory, String name) {
    @Nullable Node node() {
      return directory.children.get(name);
    }
  }

  private final Node root;
  private final Map<Integer, Node> handles = new HashMap<>();

  /** An empty name space: a root directory of mode 0755. */
  public ReferenceFs() {
    this(0755);
  }

  public ReferenceFs(int rootMode) {
    this.root = new Node(NodeKind.DIRECTORY, rootMode);
  }

  /** Carries out {@code op} and says what it answers. A refused operation changes nothing. */
  public Outcome apply(Op op) {
    try {
      return dispatch(op);
    } catch (Refusal refusal) {
      return failed(refusal.errno);
    }
  }

  private Outcome dispatch(Op op) {
    return switch (op) {
      case Op.Mkdir o -> add(o.path(), new Node(NodeKind.DIRECTORY, o.mode()));
      case Op.Create o -> add(o.path(), new Node(NodeKind.FILE, o.mode()));
      case Op.Mknod o -> mknod(o);
      case Op.Symlink o -> symlink(o);
      case Op.Link o -> link(o);
      case Op.Unlink o -> unlink(o);
      case Op.Rmdir o -> rmdir(o);
      case Op.Rename o -> rename(o);
      case Op.Open o -> open(o);
      case Op.Close o -> handles.remove(o.handle()) == null ? failed(Errno.EBADF) : done();
      case Op.Write o -> write(o);
      case Op.Read o -> read(o);
      case Op.Truncate o -> truncate(o);
      case Op.PunchHole o -> punch(o);
      case Op.CopyRange o -> copyRange(o);
      case Op.Fsync o -> fsync(o);
      case Op.Chmod o -> chmod(o);
      case Op.Chown o -> chown(o);
      case Op.SetTimes o -> setTimes(o);
      case Op.SetXattr o -> setXattr(o);
      case Op.GetXattr o -> getXattr(o);
      case Op.RemoveXattr o -> removeXattr(o);
      case Op.ListXattr o -> new Outcome.Names(List.copyOf(existing(o.path()).xattrs.keySet()));
      case Op.Stat o -> new Outcome.Status(existing(o.path()).attributes());
      case Op.Readlink o -> readlink(o);
      case Op.Readdir o -> readdir(o);
    };
  }

  /** Handles do not survive a crash. */
  public void dropHandles() {
    handles.clear();
  }

  public boolean isOpen(int handle) {
    return handles.containsKey(handle);
  }

  // ---- names

  private Place place(String path) {
    if (path.equals("/")) {
      throw new Refusal(Errno.EBUSY);
    }
    ArrayDeque<String> names = new ArrayDeque<>(List.of(path.substring(1).split("/", -1)));
    String name = names.removeLast();
    Node directory = directory(names);
    if (name.getBytes(UTF_8).length > NAME_MAX_BYTES) {
      throw new Refusal(Errno.ENAMETOOLONG);
    }
    return new Place(directory, name);
  }

  /** The directory that names lead to, through symbolic links with relative targets. */
  private Node directory(ArrayDeque<String> names) {
    ArrayDeque<Node> way = new ArrayDeque<>();
    way.push(root);
    int links = 0;
    while (!names.isEmpty()) {
      String name = names.removeFirst();
      if (name.equals("..")) {
        if (way.size() > 1) {
          way.pop();
        }
        continue;
      }
      Node next = child(way.getFirst(), name);
      if (next.kind == NodeKind.SYMLINK) {
        if (++links > MAX_SYMLINKS) {
          throw new Refusal(Errno.ELOOP);
        }
        for (String part : List.of(next.target.split("/")).reversed()) {
          names.addFirst(part);
        }
      } else if (next.isDirectory()) {
        way.push(next);
      } else {
        throw new Refusal(Errno.ENOTDIR);
      }
    }
    return way.getFirst();
  }

  private static Node child(Node directory, String name) {
    if (!directory.isDirectory()) {
      throw new Refusal(Errno.ENOTDIR);
    }
    if (name.getBytes(UTF_8).length > NAME_MAX_BYTES) {
      throw new Refusal(Errno.ENAMETOOLONG);
    }
    Node node = directory.children.get(name);
    if (node == null) {
      throw new Refusal(Errno.ENOENT);
    }
    return node;
  }

  private Node existing(String path) {
    return path.equals("/") ? root : existing(place(path));
  }

  private static Node existing(Place place) {
    return child(place.directory, place.name);
  }

  private Outcome add(String path, Node node) {
    if (path.equals("/")) {
      return failed(Errno.EEXIST);
    }
    Place place = place(path);
    if (place.node() != null) {
      return failed(Errno.EEXIST);
    }
    place.directory.children.put(place.name, node);
    place.directory.touched();
    return done();
  }

  private Outcome mknod(Op.Mknod op) {
    Node node = new Node(op.kind(), op.mode());
    boolean device = op.kind() == NodeKind.CHARACTER_DEVICE || op.kind() == NodeKind.BLOCK_DEVICE;
    node.rdev = device ? op.rdev() : 0;
    return add(op.path(), node);
  }

  private Outcome symlink(Op.Symlink op) {
    if (op.target().isEmpty()) {
      return failed(Errno.ENOENT);
    }
    Node node = new Node(NodeKind.SYMLINK, 0777);
    node.target = op.target();
    return add(op.path(), node);
  }

  private Outcome link(Op.Link op) {
    Node node = existing(op.existing());
    Place place = place(op.path());
    if (place.node() != null) {
      return failed(Errno.EEXIST);
    }
    if (node.isDirectory()) {
      return failed(Errno.EPERM);
    }
    if (node.links >= LINK_MAX) {
      return failed(Errno.EMLINK);
    }
    node.links++;
    place.directory.children.put(place.name, node);
    place.directory.touched();
    return done();
  }

  private Outcome unlink(Op.Unlink op) {
    Place place = place(op.path());
    Node node = existing(place);
    if (node.isDirectory()) {
      return failed(Errno.EISDIR);
    }
    remove(place, node);
    return done();
  }

  private static void remove(Place place, Node node) {
    place.directory.children.remove(place.name);
    place.directory.touched();
    node.links--;
  }

  private Outcome rmdir(Op.Rmdir op) {
    Place place = place(op.path());
    Node node = existing(place);
    if (!node.isDirectory()) {
      return failed(Errno.ENOTDIR);
    }
    if (!node.children.isEmpty()) {
      return failed(Errno.ENOTEMPTY);
    }
    remove(place, node);
    return done();
  }

  private Outcome rename(Op.Rename op) {
    Place from = place(op.from());
    Place to = place(op.to());
    Node source = existing(from);
    Node target = to.node();
    boolean exchange = op.mode() == Op.RenameMode.EXCHANGE;
    if (op.mode() == Op.RenameMode.NO_REPLACE && target != null) {
      return failed(Errno.EEXIST);
    }
    if (exchange && target == null) {
      return failed(Errno.ENOENT);
    }
    if ((op.to() + "/").startsWith(op.from() + "/") && !op.to().equals(op.from())) {
      return failed(Errno.EINVAL);
    }
    if ((op.from() + "/").startsWith(op.to() + "/") && !op.to().equals(op.from())) {
      return failed(exchange ? Errno.EINVAL : Errno.ENOTEMPTY);
    }
    if (source == target) {
      return done(); // two names of one file: nothing happens
    }
    if (exchange) {
      from.directory.children.put(from.name, target);
      to.directory.children.put(to.name, source);
      from.directory.touched();
      to.directory.touched();
      return done();
    }
    if (target != null) {
      replaceable(source, target);
      remove(to, target);
    }
    from.directory.children.remove(from.name);
    to.directory.children.put(to.name, source);
    from.directory.touched();
    to.directory.touched();
    return done();
  }

  private static void replaceable(Node source, Node target) {
    if (source.isDirectory() && !target.isDirectory()) {
      throw new Refusal(Errno.ENOTDIR);
    }
    if (!source.isDirectory() && target.isDirectory()) {
      throw new Refusal(Errno.EISDIR);
    }
    if (target.isDirectory() && !target.children.isEmpty()) {
      throw new Refusal(Errno.ENOTEMPTY);
    }
  }

  private Outcome readlink(Op.Readlink op) {
    Node node = existing(op.path());
    return node.kind == NodeKind.SYMLINK ? new Outcome.Text(node.target) : failed(Errno.EINVAL);
  }

  private Outcome readdir(Op.Readdir op) {
    Node node = existing(op.path());
    return node.isDirectory()
        ? new Outcome.Names(List.copyOf(node.children.keySet()))
        : failed(Errno.ENOTDIR);
  }

  // ---- content

  private Outcome open(Op.Open op) {
    Node node = file(new FileRef.ByPath(op.path()));
    handles.put(op.handle(), node);
    return done();
  }

  private Node file(FileRef file) {
    return switch (file) {
      case FileRef.ByHandle(int handle) -> {
        Node node = handles.get(handle);
        if (node == null) {
          throw new Refusal(Errno.EBADF);
        }
        yield node;
      }
      case FileRef.ByPath(String path) -> {
        Node node = existing(path);
        switch (node.kind) {
          case DIRECTORY -> throw new Refusal(Errno.EISDIR);
          case SYMLINK -> throw new Refusal(Errno.ELOOP);
          case FILE -> {}
          case FIFO, SOCKET, CHARACTER_DEVICE, BLOCK_DEVICE -> throw new Refusal(Errno.EINVAL);
        }
        yield node;
      }
    };
  }

  private Outcome write(Op.Write op) {
    Node node = file(op.file());
    if (op.offset() < 0) {
      return failed(Errno.EINVAL);
    }
    if (op.length() > 0) {
      node.content.write(op.offset(), op.content(), op.length());
      node.touched();
    }
    return new Outcome.Count(op.length());
  }

  private Outcome read(Op.Read op) {
    Node node = file(op.file());
    return op.offset() < 0
        ? failed(Errno.EINVAL)
        : new Outcome.Data(node.content.read(op.offset(), op.length()));
  }

  private Outcome truncate(Op.Truncate op) {
    if (op.size() < 0) {
      return failed(Errno.EINVAL);
    }
    Node node = file(op.file());
    node.content.truncate(op.size());
    node.touched();
    return done();
  }

  private Outcome punch(Op.PunchHole op) {
    Node node = file(op.file());
    if (op.offset() < 0 || op.length() <= 0) {
      return failed(Errno.EINVAL);
    }
    node.content.punch(op.offset(), op.length());
    node.touched();
    return done();
  }

  /** Whether a copy is refused, as a whole. */
  public boolean refuses(Op.CopyRange op) {
    try {
      return copied(op) < 0;
    } catch (Refusal refusal) {
      return true;
    }
  }

  /** The bytes that a copy takes; -1 when it must not be. */
  private int copied(Op.CopyRange op) {
    Node from = file(op.from());
    Node to = file(op.to());
    if (op.fromOffset() < 0 || op.toOffset() < 0) {
      return -1;
    }
    int count = Math.clamp(from.content.size() - op.fromOffset(), 0, op.length());
    boolean overlap =
        from == to
            && op.fromOffset() < op.toOffset() + count
            && op.toOffset() < op.fromOffset() + count;
    return overlap ? -1 : count;
  }

  private Outcome copyRange(Op.CopyRange op) {
    int count = copied(op);
    if (count < 0) {
      return failed(Errno.EINVAL);
    }
    if (count > 0) {
      Node to = file(op.to());
      to.content.write(op.toOffset(), file(op.from()).content.read(op.fromOffset(), count), count);
      to.touched();
    }
    return new Outcome.Count(count);
  }

  private Outcome fsync(Op.Fsync op) {
    if (op.file() instanceof FileRef.ByPath(String path) && existing(path).isDirectory()) {
      return done();
    }
    file(op.file());
    return done();
  }

  // ---- attributes

  private Outcome chmod(Op.Chmod op) {
    Node node = existing(op.path());
    if (node.kind == NodeKind.SYMLINK) {
      return failed(Errno.EOPNOTSUPP);
    }
    node.mode = op.mode();
    return done();
  }

  private Outcome chown(Op.Chown op) {
    Node node = existing(op.path());
    node.uid = op.uid();
    node.gid = op.gid();
    return done();
  }

  private Outcome setTimes(Op.SetTimes op) {
    existing(op.path()).mtimeNanos = op.mtimeNanos();
    return done();
  }

  private Outcome setXattr(Op.SetXattr op) {
    Node node = existing(op.path());
    if (!hasUserXattrs(node)) {
      return failed(Errno.EPERM);
    }
    boolean present = node.xattrs.containsKey(op.name());
    if (present && op.mode() == Op.XattrMode.CREATE) {
      return failed(Errno.EEXIST);
    }
    if (!present && op.mode() == Op.XattrMode.REPLACE) {
      return failed(Errno.ENODATA);
    }
    node.xattrs.put(op.name(), Contents.bytes(op.contentSeed(), op.length()));
    return done();
  }

  private Outcome getXattr(Op.GetXattr op) {
    byte[] value = existing(op.path()).xattrs.get(op.name());
    return value == null ? failed(Errno.ENODATA) : new Outcome.Data(value);
  }

  private Outcome removeXattr(Op.RemoveXattr op) {
    Node node = existing(op.path());
    if (!hasUserXattrs(node)) {
      return failed(Errno.EPERM);
    }
    return node.xattrs.remove(op.name()) == null ? failed(Errno.ENODATA) : done();
  }

  /** On others anyone who may write could fill the disk, so they have none. */
  private static boolean hasUserXattrs(Node node) {
    return node.kind == NodeKind.FILE || node.isDirectory();
  }

  // ---- the whole

  /** The state now. */
  public Tree tree() {
    Tree.Builder builder = new Tree.Builder();
    IdentityHashMap<Node, Long> numbers = new IdentityHashMap<>();
    IdentityHashMap<Node, SparseBytes.Fingerprint> prints = new IdentityHashMap<>();
    walk(
        "/",
        root,
        (path, node) -> {
          Long number = numbers.computeIfAbsent(node, n -> (long) numbers.size());
          SparseBytes.Fingerprint print =
              node.kind == NodeKind.FILE
                  ? prints.computeIfAbsent(node, n -> n.content.fingerprint())
                  : null;
          TreeMap<String, Long> xattrs = new TreeMap<>();
          node.xattrs.forEach((name, value) -> xattrs.put(name, Digest.of(value)));
          builder.add(path, node.attributes(), number, print, node.target, xattrs);
        });
    return builder.build();
  }

  /** All paths of a kind, in order; of every kind when {@code kind} is null. */
  public List<String> paths(@Nullable NodeKind kind) {
    List<String> found = new ArrayList<>();
    walk(
        "/",
        root,
        (path, node) -> {
          if (kind == null || node.kind == kind) {
            found.add(path);
          }
        });
    return found;
  }

  /** Bytes of content held. */
  public long storedBytes() {
    long[] sum = new long[1];
    walk("/", root, (path, node) -> sum[0] += node.content.storedBytes());
    return sum[0];
  }

  private interface Visitor {
    void visit(String path, Node node);
  }

  private static void walk(String path, Node node, Visitor visitor) {
    visitor.visit(path, node);
    String prefix = path.equals("/") ? "/" : path + "/";
    node.children.forEach((name, child) -> walk(prefix + name, child, visitor));
  }
}
