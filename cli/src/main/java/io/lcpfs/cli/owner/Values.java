package io.lcpfs.cli.owner;

import io.lcpfs.cli.tree.Applied;
import io.lcpfs.posix.Attr;

/** The records that both sides put into frames and take out of them. */
final class Values {
  private Values() {}

  static FrameBuilder put(FrameBuilder frame, Attr attr) {
    return frame
        .put(attr.inode())
        .put(attr.generation())
        .put(attr.mode())
        .put(attr.nlink())
        .put(attr.uid())
        .put(attr.gid())
        .put(attr.rdev())
        .put(attr.size())
        .put(attr.blocks512())
        .put(attr.blockBytes())
        .put(attr.atimeSeconds())
        .put(attr.atimeNanos())
        .put(attr.mtimeSeconds())
        .put(attr.mtimeNanos())
        .put(attr.ctimeSeconds())
        .put(attr.ctimeNanos())
        .put(attr.btimeSeconds())
        .put(attr.btimeNanos());
  }

  static Attr attr(Frame frame) {
    return new Attr(
        frame.getLong(),
        frame.getLong(),
        frame.getInt(),
        frame.getLong(),
        frame.getInt(),
        frame.getInt(),
        frame.getLong(),
        frame.getLong(),
        frame.getLong(),
        frame.getInt(),
        frame.getLong(),
        frame.getInt(),
        frame.getLong(),
        frame.getInt(),
        frame.getLong(),
        frame.getInt(),
        frame.getLong(),
        frame.getInt());
  }

  static FrameBuilder put(FrameBuilder frame, Applied applied) {
    Applied.Times times = applied.times();
    return frame
        .put(applied.permissions())
        .put(applied.uid())
        .put(applied.gid())
        .put((byte) (times.set() ? 1 : 0))
        .put(times.atimeSeconds())
        .put(times.atimeNanos())
        .put(times.mtimeSeconds())
        .put(times.mtimeNanos());
  }

  static Applied applied(Frame frame) {
    return new Applied(
        frame.getInt(),
        frame.getInt(),
        frame.getInt(),
        new Applied.Times(
            frame.getByte() == 1,
            frame.getLong(),
            frame.getInt(),
            frame.getLong(),
            frame.getInt()));
  }
}
