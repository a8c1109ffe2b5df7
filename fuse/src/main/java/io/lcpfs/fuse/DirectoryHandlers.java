package io.lcpfs.fuse;

import io.lcpfs.api.SnapshotDirectory;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.fuse.Forest.Place;
import io.lcpfs.posix.DirectoryVisitor;
import io.lcpfs.posix.FileHandle;
import io.lcpfs.posix.Mode;

/** Requests on open directories. */
final class DirectoryHandlers {
  private static final int DIRECTORY_TYPE = Mode.DIRECTORY >>> 12;
  private static final long LAST_SPECIAL_COOKIE = 2;

  private final Worker worker;
  private final Server server;
  private final Request request;
  private final Reply reply;

  DirectoryHandlers(Worker worker) {
    this.worker = worker;
    server = worker.server;
    request = worker.request;
    reply = worker.reply;
  }

  int readdir() {
    return list(false);
  }

  int readdirplus() {
    return list(true);
  }

  private int list(boolean plus) {
    FileHandle handle = server.nodes.handle(request.node, true);
    long cookie = request.i64(8);
    int size = request.i32(16);
    int room = size < 0 ? Fuse.MAX_TRANSFER_BYTES : Math.min(size, Fuse.MAX_TRANSFER_BYTES);
    Listing listing = new Listing(worker.place, worker.inode, plus, room);
    // Datasets come behind all entries, with cookies counted down from the largest, and then the
    // directory that leads to snapshots.
    long behindEntries = Long.MAX_VALUE - worker.place.children.size() - 1;
    if (cookie <= behindEntries || worker.inode != worker.place.root) {
      worker.place.files.readdir(handle, cookie, listing);
    }
    if (!listing.full && worker.inode == worker.place.root) {
      long next = Math.max(0, cookie - behindEntries);
      listing.datasets((int) Math.min(next, worker.place.children.size() + 1), behindEntries);
    }
    return listing.used;
  }

  /** Fills the reply with entries as long as there is room. */
  private final class Listing implements DirectoryVisitor {
    private final Place place;
    private final long directory;
    private final boolean plus;
    private final int room;
    int used;
    boolean full;

    Listing(Place place, long directory, boolean plus, int room) {
      this.place = place;
      this.directory = directory;
      this.plus = plus;
      this.room = room;
    }

    @Override
    public boolean entry(long cookie, byte[] name, long inode, int type) {
      if (cookie > LAST_SPECIAL_COOKIE
          && (place.covering(directory, name) != null
              || ControlHandlers.covers(place, directory, name))) {
        return true;
      }
      return put(place, cookie, name, inode, type, cookie > LAST_SPECIAL_COOKIE);
    }

    void datasets(int from, long cookieBase) {
      for (int i = from; i < place.children.size(); i++) {
        Place child = place.children.get(i);
        if (!put(child, cookieBase + i + 1, child.name, child.root, DIRECTORY_TYPE, true)) {
          return;
        }
      }
      if (from <= place.children.size()) {
        control(cookieBase + place.children.size() + 1);
      }
    }

    private void control(long cookie) {
      SnapshotDirectory snapshots = place.snapshots;
      if (snapshots == null || !snapshots.isVisible()) {
        return;
      }
      byte[] name = ControlHandlers.NAME;
      int bytes = Reply.direntBytes(name.length) + (plus ? Fuse.ENTRY_OUT_BYTES : 0);
      if (used + bytes > room) {
        full = true;
        return;
      }
      if (plus) {
        reply.clear(used, Fuse.ENTRY_OUT_BYTES); // whoever wants to know more looks it up
        used += Fuse.ENTRY_OUT_BYTES;
      }
      used += reply.dirent(used, ControlHandlers.topOf(place), cookie, DIRECTORY_TYPE, name);
    }

    private boolean put(Place in, long cookie, byte[] name, long inode, int type, boolean counted) {
      int bytes = Reply.direntBytes(name.length) + (plus ? Fuse.ENTRY_OUT_BYTES : 0);
      if (used + bytes > room) {
        full = true;
        return false;
      }
      if (plus) {
        plus(in, inode, counted);
      }
      used += reply.dirent(used, in.shown(inode), cookie, type, name);
      return true;
    }

    /** The attributes before an entry; none, when they cannot be told or would be counted. */
    private void plus(Place in, long inode, boolean counted) {
      boolean known = false;
      if (counted) {
        try {
          in.files.getattr(inode, reply.attrs);
          known = server.nodes.acquire(in.node(inode), reply.attrs.generation);
        } catch (PoolException e) {
          // Its name is listed; whoever looks it up is told what is wrong.
          if (e.errno() == Errno.ENOMEM) {
            throw e;
          }
        }
      }
      if (known) {
        reply.entry(
            used, in.node(inode), in.shown(inode), Server.VALID_SECONDS, worker.attrSeconds());
      } else {
        reply.clear(used, Fuse.ENTRY_OUT_BYTES);
      }
      used += Fuse.ENTRY_OUT_BYTES;
    }
  }
}
