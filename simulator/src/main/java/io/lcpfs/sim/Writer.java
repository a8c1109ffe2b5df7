package io.lcpfs.sim;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.sim.SimTarget.Session;
import io.lcpfs.sim.model.Op;
import io.lcpfs.sim.model.OpGenerator;
import io.lcpfs.sim.model.Outcome;
import io.lcpfs.sim.model.Tree;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimRandom;
import io.lcpfs.sim.world.Violation;
import org.jspecify.annotations.Nullable;

/**
 * One client: draws operations below its own directory, carries them out, and holds every answer
 * against the model. Now and then it syncs, waits, or looks at what others have.
 */
final class Writer implements Runnable {
  private static final int EIO_IN_A_ROW = 200;

  /** Beside those that are drawn as operations. */
  private static final Integer[] FSYNCS_PER_MILLE = {0, 10, 100, 500};

  private final SeedRun run;
  private final SimEnv world;
  private final int index;
  private final SimTarget target;
  private final SimRandom random;
  private final Journal journal;
  private final long contentBudgetBytes;
  private OpGenerator generator;
  private @Nullable Session session;
  private @Nullable Violation failure;
  private int share;
  private int fsyncsPerMille;
  private boolean stopped;
  private long operations;
  private long refusals;
  private int eioInARow;

  Writer(SeedRun run, SimEnv world, int index, SimTarget target, int writers, PoolShape shape) {
    this.run = run;
    this.world = world;
    this.index = index;
    this.target = target;
    this.random = world.randomFor("writer " + index);
    this.journal = new Journal("/w" + index, target, index * target.handles());
    this.contentBudgetBytes = shape.deviceBytes() / 6 / writers;
    this.generator = generator();
  }

  private OpGenerator generator() {
    return new OpGenerator(
        new SimRandom(random.nextLong()),
        journal.model(),
        journal.root(),
        contentBudgetBytes,
        index * target.handles(),
        target.handles());
  }

  int index() {
    return index;
  }

  long operations() {
    return operations;
  }

  long refusals() {
    return refusals;
  }

  void throwIfFailed() {
    Violation violation = failure;
    if (violation != null) {
      throw violation;
    }
  }

  void prepare(Session opened, int operationsNow) {
    session = opened;
    share = operationsNow;
    stopped = false;
    fsyncsPerMille = random.pick(FSYNCS_PER_MILLE);
  }

  @Override
  public void run() {
    Session opened = session;
    if (opened == null) {
      throw new IllegalStateException("no session");
    }
    try {
      long end = operations + share;
      while (operations < end && !stopped) {
        step(opened);
      }
    } catch (Violation violation) {
      failure = violation;
    } catch (RuntimeException e) {
      failure = new Violation("writer " + index + ": " + e, e);
    }
  }

  private void step(Session opened) {
    if (random.chance(12)) {
      sync(opened);
    }
    if (random.chance(50)) {
      world.sleep(
          random.chance(30) ? random.nextLong(12_000_000_000L) : random.nextLong(3_000_000));
    }
    Op op = journal.length() == 0 ? new Op.Mkdir(journal.root(), 0755) : generator.next();
    if (!stopped) {
      perform(opened, op);
    }
    if (!stopped && random.chance(fsyncsPerMille)) {
      perform(opened, journal.fsyncOfRoot());
    }
  }

  private void perform(Session opened, Op op) {
    journal.begin(op);
    Outcome actual = opened.apply(op);
    operations++;
    world.record(actual.hash());
    if (actual instanceof Outcome.Failed(Errno errno)) {
      if (SeedRun.outOfResources(errno)) {
        refusals++;
        refuse(op);
        return;
      }
      if (errno == Errno.EIO && run.stopped()) {
        stopped = true; // the operation stays in flight: the next import decides
        return;
      }
      if (errno == Errno.EIO && run.eioTolerated() && eioInARow++ < EIO_IN_A_ROW) {
        refuse(op);
        return;
      }
    } else {
      eioInARow = 0;
    }
    Op carriedOut = op;
    if (op instanceof Op.Write write
        && actual instanceof Outcome.Count(long bytes)
        && bytes > 0
        && bytes < write.length()) {
      carriedOut = write.piece(0, (int) bytes); // a short write, as on a disk that fills up
    }
    if (op instanceof Op.CopyRange copy
        && actual instanceof Outcome.Count(long bytes)
        && bytes > 0
        && bytes < copy.length()) {
      carriedOut = copy.piece(0, (int) bytes); // or up to the end of the source
    }
    Outcome expected = journal.end(carriedOut);
    if (!expected.agrees(actual)) {
      throw new Violation(
          "writer "
              + index
              + ", operation "
              + operations
              + ", "
              + op
              + ": "
              + Outcome.difference(expected, actual));
    }
    if (op instanceof Op.Fsync
        && expected.equals(Outcome.done())
        && target.fsyncCoversEarlierOperations()) {
      journal.fsynced();
    }
  }

  /** It changed nothing; but a handle whose close failed is closed. */
  private void refuse(Op op) {
    if (op instanceof Op.Close) {
      journal.end(op);
    } else {
      journal.refuse();
    }
  }

  private void sync(Session opened) {
    int[] lengths = run.journalLengths();
    try {
      opened.sync();
    } catch (PoolException e) {
      if (e.errno() == Errno.EIO && (run.eioTolerated() || run.stopped())) {
        stopped |= run.stopped();
        return;
      }
      throw new Violation("sync failed: " + e.getMessage(), e);
    }
    run.durableUpTo(lengths);
  }

  Journal journal() {
    return journal;
  }

  /** The file that it works on most just now. */
  String favourite() {
    return generator.favourite();
  }

  /** A crash happened; {@code found} is all there is now. */
  void recovered(Tree found, boolean tolerateUnreadable) {
    journal.recoverTo(found.below(journal.root()), tolerateUnreadable);
    generator = generator();
    eioInARow = 0;
  }

  void forgetHandles() {
    journal.model().dropHandles();
  }

  void compareExactly(Tree found, boolean tolerateUnreadable, String when) {
    String difference =
        journal.expected().firstDifference(found.below(journal.root()), tolerateUnreadable);
    if (difference != null) {
      throw new Violation(when + ": " + difference);
    }
  }
}
