package io.lcpfs.sim;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.sim.SimTarget.Session;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimRandom;
import io.lcpfs.sim.world.Violation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes and ends checkpoints beside the writers, and knows between which of their operations the
 * present one was taken: an import that goes back to it has to show a state between those.
 */
final class KeptState implements Runnable {
  private static final int TAKES_PER_MILLE = 600;
  private static final int ENDS_PER_MILLE = 200;
  private static final int RETURNS_PER_MILLE = 500;

  /** The writers' operations between two decisions, at most. */
  private static final int OPERATIONS = 120;

  private static final long PAUSE_NANOS = 4_000_000;

  private enum State {
    NONE,
    TAKING,
    THERE,
    ENDING
  }

  private final SeedRun run;
  private final SimEnv world;
  private final SimRandom random;
  private final List<Writer> writers;
  private final boolean wanted;
  private State state = State.NONE;
  private int[] from = {};
  private int[] upTo = {};
  private @Nullable Session session;
  private boolean done;
  private @Nullable Violation failure;

  KeptState(SeedRun run, SimEnv world, List<Writer> writers, boolean possible) {
    this.run = run;
    this.world = world;
    this.random = world.randomFor("checkpoints");
    this.writers = writers;
    this.wanted = possible && random.nextInt(5) < 3;
  }

  /** Whether this seed has checkpoints at all. */
  boolean wanted() {
    return wanted;
  }

  void prepare(Session opened) {
    session = opened;
    done = false;
  }

  void finish() {
    done = true;
  }

  void throwIfFailed() {
    Violation violation = failure;
    if (violation != null) {
      throw violation;
    }
  }

  @Override
  public void run() {
    Session opened = session;
    if (opened == null) {
      throw new IllegalStateException("no session");
    }
    try {
      long next = run.operations() + random.nextInt(OPERATIONS);
      while (!done) {
        world.sleep(random.nextLong(PAUSE_NANOS));
        if (run.operations() >= next) {
          step(opened);
          next = run.operations() + random.nextInt(OPERATIONS);
        }
      }
    } catch (PoolException e) {
      if (e.errno() != Errno.EIO || !(run.eioTolerated() || run.stopped())) {
        failure = new Violation("a checkpoint cannot be taken or ended: " + e.getMessage(), e);
      }
      // Else the next import tells what became of it.
    } catch (RuntimeException e) {
      failure = new Violation("checkpoints: " + e, e);
    }
  }

  private void step(Session opened) {
    if (state == State.NONE && random.chance(TAKES_PER_MILLE)) {
      take(opened);
    } else if (state == State.THERE && random.chance(ENDS_PER_MILLE)) {
      state = State.ENDING;
      opened.discardCheckpoint();
      state = State.NONE;
    }
  }

  private void take(Session opened) {
    from = run.journalLengths();
    state = State.TAKING;
    try {
      opened.takeCheckpoint();
    } catch (PoolException e) {
      if (!SeedRun.outOfResources(e.errno())) {
        throw e;
      }
      state = State.NONE;
      return;
    }
    upTo = writers.stream().mapToInt(writer -> writer.journal().reach()).toArray();
    state = State.THERE;
  }

  /** Whether the next import is to go back. */
  boolean wantsReturn() {
    return state == State.THERE && random.chance(RETURNS_PER_MILLE);
  }

  /**
   * An import has begun to use what there is.
   *
   * @param there whether there is a checkpoint
   * @param returning whether this import, or one before that a crash cut short, was to go back
   */
  void opened(boolean there, boolean returning) {
    switch (state) {
      case NONE -> {
        if (there) {
          throw new Violation("there is a checkpoint that was not taken, or ended");
        }
      }
      case TAKING -> {
        if (there) {
          upTo = writers.stream().mapToInt(writer -> Integer.MAX_VALUE).toArray();
        }
      }
      case THERE -> {
        if (!there && returning) {
          for (Writer writer : writers) {
            writer.journal().goBack(from[writer.index()], upTo[writer.index()]);
          }
        } else if (!there && !run.eioTolerated() && !run.stopped()) {
          throw new Violation("the checkpoint is gone");
        }
      }
      case ENDING -> {}
    }
    state = there ? State.THERE : State.NONE;
  }
}
