package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.posix;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.api.SnapshotDirectory;
import io.lcpfs.error.Errno;
import io.lcpfs.fuse.Forest.Place;
import io.lcpfs.posix.Mode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Requests on the directories {@code .lcpfs} and {@code .lcpfs/snapshot} in the root of a dataset.
 * They are in no listing unless the dataset's {@code snapdir} says so; behind each name of the
 * second is a snapshot. Making, removing and renaming a directory there takes, destroys and renames
 * one; whoever made the mount may, and root.
 */
final class ControlHandlers {
  /** Names in the root of a dataset that lead to its snapshots. */
  static final byte[] NAME = SnapshotDirectory.NAME.getBytes(UTF_8);

  private static final byte[] SNAPSHOTS = SnapshotDirectory.SNAPSHOTS.getBytes(UTF_8);

  /** {@code .lcpfs}, and the directory in it. */
  private static final int TOP = 0;

  private static final int SNAPSHOT_DIRECTORY = 1;

  private static final int DIRECTORY_TYPE = Mode.DIRECTORY >>> 12;
  private static final int MODE = Mode.DIRECTORY | 0555;
  private static final int CHANGEABLE_MODE = Mode.DIRECTORY | 0755;
  private static final int RENAME_NOREPLACE = 1;

  /** How long the kernel may believe that a snapshot is there: commands may destroy it. */
  private static final long VALID_SECONDS = 1;

  private final Worker worker;
  private final Server server;
  private final Request request;
  private final Reply reply;
  private final Instant since = Instant.now();

  ControlHandlers(Worker worker) {
    this.worker = worker;
    server = worker.server;
    request = worker.request;
    reply = worker.reply;
  }

  /** Whether a name in a directory is that of the directory of snapshots. */
  static boolean covers(Place place, long directory, byte[] name) {
    return place.snapshots != null && directory == place.root && Arrays.equals(name, NAME);
  }

  /** The node that {@link FuseMount} tells of when snapshots come or go. */
  static long directoryOf(Place place) {
    return Forest.control(place, SNAPSHOT_DIRECTORY);
  }

  /** The answer to a lookup of {@link #NAME}. */
  int top(Place place) {
    return entry(Forest.control(place, TOP));
  }

  /** The node that is listed as {@link #NAME}. */
  static long topOf(Place place) {
    return Forest.control(place, TOP);
  }

  private int entry(long node) {
    attributes(Forest.controlKind(node));
    server.nodes.acquire(node, reply.attrs.generation);
    worker.undoNode = node;
    return reply.entry(0, node, node, Server.VALID_SECONDS, VALID_SECONDS);
  }

  private void attributes(int kind) {
    var attrs = reply.attrs;
    attrs.generation = 1;
    attrs.mode = kind == SNAPSHOT_DIRECTORY ? CHANGEABLE_MODE : MODE;
    attrs.nlink = 2;
    attrs.uid = Libc.euid();
    attrs.gid = 0;
    attrs.rdev = 0;
    attrs.size = 0;
    attrs.blocks512 = 0;
    attrs.blockBytes = Fuse.PAGE_BYTES;
    attrs.atimeSeconds = since.getEpochSecond();
    attrs.mtimeSeconds = since.getEpochSecond();
    attrs.ctimeSeconds = since.getEpochSecond();
    attrs.btimeSeconds = since.getEpochSecond();
    attrs.atimeNanos = 0;
    attrs.mtimeNanos = 0;
    attrs.ctimeNanos = 0;
    attrs.btimeNanos = 0;
  }

  /** Serves a request on one of the two. */
  int serve() {
    Place place = server.forest.controlled(request.node);
    SnapshotDirectory snapshots = place.snapshots;
    int kind = Forest.controlKind(request.node);
    if (snapshots == null || kind > SNAPSHOT_DIRECTORY) {
      return -Errno.ESTALE.value();
    }
    return switch (request.opcode) {
      case Fuse.LOOKUP -> lookup(place, snapshots, kind);
      case Fuse.GETATTR -> {
        attributes(kind);
        yield reply.attrOut(request.node, VALID_SECONDS);
      }
      case Fuse.STATX -> {
        attributes(kind);
        yield reply.statx(request.node, VALID_SECONDS);
      }
      case Fuse.OPENDIR -> reply.open(0, 0, 0);
      case Fuse.READDIR -> list(place, snapshots, kind, false);
      case Fuse.READDIRPLUS -> list(place, snapshots, kind, true);
      case Fuse.RELEASEDIR, Fuse.FSYNCDIR -> 0;
      case Fuse.STATFS -> reply.statfs(place.files.statfs());
      case Fuse.GETXATTR -> -Errno.ENODATA.value();
      case Fuse.LISTXATTR -> {
        reply.i64(0, 0);
        yield request.i32(0) == 0 ? 8 : 0;
      }
      case Fuse.MKDIR -> {
        String name = changed(kind, request.text(8));
        snapshots.take(name);
        yield lookup(snapshots, name.getBytes(UTF_8));
      }
      case Fuse.RMDIR -> {
        snapshots.destroy(changed(kind, request.text(0)));
        yield 0;
      }
      case Fuse.RENAME -> rename(snapshots, kind, 8, 0);
      case Fuse.RENAME2 -> rename(snapshots, kind, 16, request.i32(8));
      case Fuse.SETATTR,
          Fuse.MKNOD,
          Fuse.SYMLINK,
          Fuse.LINK,
          Fuse.CREATE,
          Fuse.TMPFILE,
          Fuse.UNLINK,
          Fuse.SETXATTR,
          Fuse.REMOVEXATTR ->
          -Errno.EROFS.value();
      case Fuse.IOCTL -> -Errno.ENOTTY.value();
      default -> -Errno.ENOSYS.value();
    };
  }

  /** The name of a snapshot that is to be changed by the request, which may do that. */
  private String changed(int kind, byte[] name) {
    if (kind != SNAPSHOT_DIRECTORY) {
      throw posix(Errno.EROFS, ".lcpfs");
    }
    if (request.uid != 0 && request.uid != Libc.euid()) {
      throw posix(Errno.EPERM, "snapshots of a mount of somebody else");
    }
    String text = new String(name, UTF_8);
    if (!Arrays.equals(text.getBytes(UTF_8), name)) {
      throw posix(Errno.EINVAL, "a name of a snapshot that is no text");
    }
    return text;
  }

  private int rename(SnapshotDirectory snapshots, int kind, int at, int flags) {
    byte[] from = request.text(at);
    byte[] to = request.text(at + from.length + 1);
    if (request.i64(0) != request.node) {
      throw posix(Errno.EXDEV, "a snapshot stays with its dataset");
    }
    if ((flags & ~RENAME_NOREPLACE) != 0) {
      throw posix(Errno.EINVAL, "rename flags " + flags);
    }
    snapshots.rename(changed(kind, from), changed(kind, to));
    return 0;
  }

  private int lookup(Place place, SnapshotDirectory snapshots, int kind) {
    byte[] name = request.name(0);
    if (kind == TOP) {
      return Arrays.equals(name, SNAPSHOTS)
          ? entry(Forest.control(place, SNAPSHOT_DIRECTORY))
          : -Errno.ENOENT.value();
    }
    return lookup(snapshots, name);
  }

  private int lookup(SnapshotDirectory snapshots, byte[] name) {
    SnapshotDirectory.Entry found = find(snapshots, name);
    if (found == null) {
      return -Errno.ENOENT.value();
    }
    Place in = server.forest.snapshot(found, () -> snapshots.files(found.name()));
    in.files.getattr(in.root, reply.attrs);
    int bytes = worker.entry(in);
    reply.i64(16, VALID_SECONDS); // for the name; what is in it never changes
    return bytes;
  }

  private static SnapshotDirectory.@Nullable Entry find(SnapshotDirectory snapshots, byte[] name) {
    for (SnapshotDirectory.Entry entry : snapshots.list()) {
      if (Arrays.equals(entry.name().getBytes(UTF_8), name)) {
        return entry;
      }
    }
    return null;
  }

  private int list(Place place, SnapshotDirectory snapshots, int kind, boolean plus) {
    long cookie = request.i64(8);
    int size = request.i32(16);
    int room = size < 0 ? Fuse.MAX_TRANSFER_BYTES : Math.min(size, Fuse.MAX_TRANSFER_BYTES);
    List<byte[]> names = new ArrayList<>(List.of(new byte[] {'.'}, new byte[] {'.', '.'}));
    if (kind == TOP) {
      names.add(SNAPSHOTS);
    } else {
      snapshots.list().forEach(entry -> names.add(entry.name().getBytes(UTF_8)));
    }
    int used = 0;
    for (long at = Math.max(0, cookie); at < names.size(); at++) {
      byte[] name = names.get((int) at);
      int bytes = Reply.direntBytes(name.length) + (plus ? Fuse.ENTRY_OUT_BYTES : 0);
      if (used + bytes > room) {
        break;
      }
      if (plus) {
        reply.clear(used, Fuse.ENTRY_OUT_BYTES); // whoever wants to know more looks it up
        used += Fuse.ENTRY_OUT_BYTES;
      }
      long shown = Forest.control(place, kind) + (at << 32);
      used += reply.dirent(used, shown, at + 1, DIRECTORY_TYPE, name);
    }
    return used;
  }
}
