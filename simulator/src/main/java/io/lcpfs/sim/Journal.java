package io.lcpfs.sim;

import io.lcpfs.sim.model.FileRef;
import io.lcpfs.sim.model.Op;
import io.lcpfs.sim.model.Outcome;
import io.lcpfs.sim.model.ReferenceFs;
import io.lcpfs.sim.model.Tree;
import io.lcpfs.sim.world.Violation;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that one writer did below its own directory, in order, with the model that says what has to
 * be there; and how much of it no crash may undo.
 */
final class Journal {
  private static final int DIFFERENCES_SHOWN = 5;
  private static final int DIFFERENCES_COUNTED = 40;

  /** The smallest block, which the sizes of all others are multiples of. */
  private static final int COPY_UNIT_BYTES = 512;

  private final String root;
  private final int firstHandle;
  private final int handles;
  private final int writeUnitBytes;
  private final ArrayList<Op> done = new ArrayList<>();
  private ReferenceFs model = new ReferenceFs();

  /** What a sync covered. */
  private int synced;

  /** What an fsync covered too: lives in a log of one copy, which damage may take. */
  private int fsynced;

  private @Nullable Op inFlight;

  /**
   * @param root the writer's own directory, such as "/w0"
   * @param firstHandle the first of the file handles that are the writer's
   */
  Journal(String root, SimTarget target, int firstHandle) {
    this(root, firstHandle, target.handles(), target.writeUnitBytes());
  }

  private Journal(String root, int firstHandle, int handles, int writeUnitBytes) {
    this.root = root;
    this.firstHandle = firstHandle;
    this.handles = handles;
    this.writeUnitBytes = writeUnitBytes;
  }

  String root() {
    return root;
  }

  ReferenceFs model() {
    return model;
  }

  /** Operations so far that a replay needs. */
  int length() {
    return done.size();
  }

  /** As {@link #length}, with what the operation under way may have done. */
  int reach() {
    ArrayList<Op> steps = new ArrayList<>();
    Op last = inFlight;
    if (last != null) {
      addSteps(steps, last);
    }
    return done.size() + steps.size();
  }

  /**
   * The world is as it was after {@code from} operations, or one of those up to {@code upTo};
   * which, {@link #recoverTo} finds out.
   */
  void goBack(int from, int upTo) {
    Op last = inFlight;
    if (last != null) {
      addSteps(done, last);
    }
    inFlight = null;
    if (done.size() > upTo) {
      done.subList(upTo, done.size()).clear();
    }
    synced = from;
    fsynced = from;
  }

  /** The operation is under way: a crash may find it done or not. */
  void begin(Op op) {
    inFlight = op;
  }

  /** The operation was carried out; says what it has to have answered. */
  Outcome end(Op op) {
    inFlight = null;
    if (op.changes() || op instanceof Op.Open) {
      addSteps(done, op);
    }
    return model.apply(op);
  }

  /** Adds the operation in the pieces between which a crash may come. */
  private void addSteps(List<Op> steps, Op op) {
    if (op instanceof Op.CopyRange copy && writeUnitBytes > 0 && !model.refuses(copy)) {
      addCopySteps(steps, copy);
      return;
    }
    if (!(op instanceof Op.Write write) || writeUnitBytes == 0 || write.offset() < 0) {
      steps.add(op);
      return;
    }
    int from = 0;
    do {
      int room = writeUnitBytes - (int) ((write.offset() + from) % writeUnitBytes);
      int length = Math.min(room, write.length() - from);
      steps.add(write.piece(from, length));
      from += length;
    } while (from < write.length());
  }

  /** What is given by reference and what is copied take turns at the borders of blocks. */
  private void addCopySteps(List<Op> steps, Op.CopyRange copy) {
    int from = 0;
    do {
      int room = COPY_UNIT_BYTES - (int) ((copy.fromOffset() + from) % COPY_UNIT_BYTES);
      room = Math.min(room, writeUnitBytes - (int) ((copy.toOffset() + from) % writeUnitBytes));
      int length = Math.min(room, copy.length() - from);
      steps.add(copy.piece(from, length));
      from += length;
    } while (from < copy.length());
  }

  /** The operation was refused for a reason outside the model, such as a full disk. */
  void refuse() {
    inFlight = null;
  }

  /** What was done before {@code length} was read is durable now. */
  void durableUpTo(int length) {
    synced = Math.max(synced, length);
  }

  /** An fsync of the writer's own directory. */
  Op fsyncOfRoot() {
    return new Op.Fsync(new FileRef.ByPath(root));
  }

  /** Everything so far is durable, as long as no device lied. */
  void fsynced() {
    fsynced = done.size();
  }

  /** An independent journal of the same past, for a state that is explored on the side. */
  Journal copy() {
    Journal copy = new Journal(root, firstHandle, handles, writeUnitBytes);
    copy.done.addAll(done);
    copy.synced = synced;
    copy.fsynced = fsynced;
    copy.inFlight = inFlight;
    return copy;
  }

  /** The state that a crash right now has to be taken from, at the latest. */
  Tree expected() {
    return model.tree().below(root);
  }

  /**
   * A crash happened and {@code found} is what recovery shows below {@link #root}: it has to be the
   * state after some operation no earlier than the last durable one. The journal goes on from
   * there.
   *
   * @param tolerateUnreadable whether content that answers EIO passes for any content
   * @throws Violation when it is no such state
   */
  void recoverTo(Tree found, boolean tolerateUnreadable) {
    ArrayList<Op> candidates = new ArrayList<>(done);
    Op last = inFlight;
    if (last != null) {
      addSteps(candidates, last);
    }
    int durable = tolerateUnreadable ? synced : Math.max(synced, fsynced);
    int match = latestMatch(candidates, durable, found, false);
    if (match < 0 && tolerateUnreadable) {
      match = latestMatch(candidates, durable, found, true);
    }
    if (match < 0) {
      throw new Violation(explain(candidates, durable, found, tolerateUnreadable));
    }
    done.clear();
    done.addAll(candidates.subList(0, match));
    inFlight = null;
    restart();
    synced = done.size();
    fsynced = synced;
  }

  /** All handles are gone; the model is rebuilt from what was done. */
  private void restart() {
    model = new ReferenceFs();
    for (Op op : done) {
      model.apply(op);
    }
    for (int handle = firstHandle; handle < firstHandle + handles; handle++) {
      if (model.isOpen(handle)) {
        Op close = new Op.Close(handle);
        done.add(close);
        model.apply(close);
      }
    }
  }

  /** The largest number of operations after which the model shows {@code found}, or -1. */
  private int latestMatch(
      List<Op> candidates, int durable, Tree found, boolean tolerateUnreadable) {
    ReferenceFs replay = new ReferenceFs();
    int match = -1;
    boolean changed = true;
    boolean matches = false;
    for (int k = 0; k <= candidates.size(); k++) {
      if (k > 0) {
        changed |= !(replay.apply(candidates.get(k - 1)) instanceof Outcome.Failed);
      }
      if (k < durable) {
        continue;
      }
      if (changed) {
        Tree state = replay.tree().below(root);
        matches =
            (tolerateUnreadable || state.digest() == found.digest())
                && state.firstDifference(found, tolerateUnreadable) == null;
        changed = false;
      }
      if (matches) {
        match = k;
      }
    }
    return match;
  }

  private String explain(List<Op> candidates, int durable, Tree found, boolean tolerateUnreadable) {
    ReferenceFs replay = new ReferenceFs();
    int best = -1;
    int fewest = Integer.MAX_VALUE;
    int older = -1;
    List<String> closest = List.of();
    for (int k = 0; k <= candidates.size(); k++) {
      if (k > 0) {
        replay.apply(candidates.get(k - 1));
      }
      List<String> differences =
          replay.tree().below(root).differences(found, tolerateUnreadable, DIFFERENCES_COUNTED);
      if (k < durable && differences.isEmpty()) {
        older = k;
      }
      if (k >= durable && differences.size() < fewest) {
        fewest = differences.size();
        best = k;
        closest = differences;
      }
    }
    StringBuilder text =
        new StringBuilder(
            "after the crash "
                + root
                + " is no state between operation "
                + durable
                + " (durable) and "
                + candidates.size()
                + ": ");
    if (older >= 0) {
      text.append("it fell back to operation ").append(older).append(", before the last sync");
    } else {
      text.append("closest is operation ").append(best);
      if (best > 0) {
        text.append(" (").append(candidates.get(best - 1)).append(')');
      }
      if (best < candidates.size()) {
        text.append(", next is ").append(candidates.get(best));
      }
    }
    for (String line : closest.subList(0, Math.min(DIFFERENCES_SHOWN, closest.size()))) {
      text.append("\n    ").append(line);
    }
    return text.toString();
  }
}
