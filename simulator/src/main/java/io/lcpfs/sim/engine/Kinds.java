package io.lcpfs.sim.engine;

import io.lcpfs.posix.Attr;
import io.lcpfs.posix.Mode;
import io.lcpfs.sim.model.Attributes;
import io.lcpfs.sim.model.NodeKind;
import io.lcpfs.sim.world.Violation;

/** The engine's words for kinds of files and the model's. */
final class Kinds {
  private Kinds() {}

  /** The type bits of st_mode. */
  static int mode(NodeKind kind) {
    return switch (kind) {
      case FILE -> Mode.REGULAR;
      case DIRECTORY -> Mode.DIRECTORY;
      case SYMLINK -> Mode.SYMLINK;
      case FIFO -> Mode.FIFO;
      case SOCKET -> Mode.SOCKET;
      case CHARACTER_DEVICE -> Mode.CHARACTER;
      case BLOCK_DEVICE -> Mode.BLOCK;
    };
  }

  static NodeKind kind(int mode) {
    for (NodeKind kind : NodeKind.values()) {
      if (mode(kind) == (mode & Mode.TYPE_MASK)) {
        return kind;
      }
    }
    throw new Violation("a file of mode " + Integer.toOctalString(mode));
  }

  static Attributes attributes(Attr attr) {
    NodeKind kind = kind(attr.mode());
    boolean sized = kind == NodeKind.FILE || kind == NodeKind.SYMLINK;
    return new Attributes(
        kind,
        attr.permissions(),
        attr.uid(),
        attr.gid(),
        kind == NodeKind.DIRECTORY ? 0 : (int) attr.nlink(),
        sized ? attr.size() : 0,
        attr.rdev(),
        attr.mtimeSeconds() * 1_000_000_000L + attr.mtimeNanos());
  }
}
