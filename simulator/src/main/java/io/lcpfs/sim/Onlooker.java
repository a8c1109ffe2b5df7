package io.lcpfs.sim;

import io.lcpfs.error.Errno;
import io.lcpfs.sim.SimTarget.Session;
import io.lcpfs.sim.model.FileRef;
import io.lcpfs.sim.model.NodeKind;
import io.lcpfs.sim.model.Op;
import io.lcpfs.sim.model.Outcome;
import io.lcpfs.sim.world.SimEnv;
import io.lcpfs.sim.world.SimRandom;
import io.lcpfs.sim.world.Violation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads files that the writers are changing. What it sees is between two states and not compared,
 * but it may not fail for any other reason than that a file went away or memory is short.
 */
final class Onlooker implements Runnable {
  private static final int LONG_BYTES = 300_000;
  private static final int SHORT_BYTES = 4_000;

  private final SeedRun run;
  private final SimEnv world;
  private final SimRandom random;
  private final Session session;
  private final List<Writer> writers;
  private boolean done;
  private @Nullable Violation failure;

  Onlooker(SeedRun run, SimEnv world, Session session, List<Writer> writers, String name) {
    this.run = run;
    this.world = world;
    this.random = world.randomFor(name);
    this.session = session;
    this.writers = writers;
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
    while (!done && failure == null) {
      world.sleep(random.nextLong(1_500_000));
      Writer writer = writers.get(random.nextInt(writers.size()));
      List<String> files = writer.journal().model().paths(NodeKind.FILE);
      if (random.nextBoolean()) {
        look(writer.favourite());
      } else if (!files.isEmpty()) {
        look(files.get(random.nextInt(files.size())));
      }
    }
  }

  private void look(String path) {
    // Short reads take no lock; long ones from the start on are read ahead of.
    boolean shortly = random.chance(700);
    long at = shortly ? random.nextInt(40_000) : 0;
    for (int piece = random.nextInt(4); piece >= 0; piece--) {
      int length = 1 + random.nextInt(shortly ? SHORT_BYTES : LONG_BYTES);
      Outcome outcome = session.apply(new Op.Read(new FileRef.ByPath(path), at, length));
      world.record(outcome.hash());
      if (outcome instanceof Outcome.Failed(Errno errno)) {
        if (!allowed(errno)) {
          failure = new Violation("reading " + path + " from " + at + " beside a writer: " + errno);
        }
        return;
      }
      at += length;
    }
  }

  private boolean allowed(Errno errno) {
    return switch (errno) {
      // Replaced by something else, or gone, between the choice and the call.
      case ENOENT, ENOTDIR, EISDIR, ELOOP, EINVAL -> true;
      case EIO -> run.eioTolerated() || run.stopped();
      default -> SeedRun.outOfResources(errno);
    };
  }
}
