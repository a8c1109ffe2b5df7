package io.lcpfs.posix;

import io.lcpfs.env.BorrowedEnv;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.PlantedBug;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/** The real world with a wall clock that the test sets, planted bugs, and probes remembered. */
final class TestWorld extends BorrowedEnv {
  final Set<PlantedBug> bugs = EnumSet.noneOf(PlantedBug.class);
  final Set<CodeProbe> probes = EnumSet.noneOf(CodeProbe.class);

  /** The wall clock; each look at it moves it on. */
  final AtomicLong wallNanos = new AtomicLong(1_700_000_000_123_456_789L);

  @Override
  public long wallNanos() {
    return wallNanos.addAndGet(1000);
  }

  @Override
  public void probe(CodeProbe probe) {
    probes.add(probe);
  }

  @Override
  public boolean planted(PlantedBug bug) {
    return bugs.contains(bug);
  }
}
