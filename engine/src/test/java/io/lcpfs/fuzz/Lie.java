package io.lcpfs.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.lcpfs.env.RealEnv;
import java.util.function.Consumer;

/** Runs forged pools; the promises that the tests of hostile pools make. */
final class Lie {
  private static final RealEnv ENV = new RealEnv();

  private Lie() {}

  static RealEnv env() {
    return ENV;
  }

  /** Tells the lie; all that follows must end well, for readers and for writers. */
  static HostileRun.Outcome survived(Consumer<PoolForge> lie) {
    PoolForge forge = PoolForge.fresh();
    lie.accept(forge);
    HostileRun.Outcome read = HostileRun.read(forge.bytes().clone(), ENV);
    HostileRun.use(forge.bytes(), ENV);
    return read;
  }

  /** And the import is refused, or the pool's check finds it. */
  static HostileRun.Outcome told(Consumer<PoolForge> lie) {
    HostileRun.Outcome outcome = survived(lie);
    assertThat(outcome.told()).as(outcome.toString()).isTrue();
    return outcome;
  }

  /** And the import is refused. */
  static HostileRun.Outcome refused(Consumer<PoolForge> lie) {
    HostileRun.Outcome outcome = survived(lie);
    assertThat(outcome.imported()).as(outcome.toString()).isFalse();
    return outcome;
  }
}
