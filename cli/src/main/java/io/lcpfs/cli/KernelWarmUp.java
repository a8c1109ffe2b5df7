package io.lcpfs.cli;

import io.lcpfs.codec.Checksums;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Puts the vector kernels to work in a command that turns out to be long. Warming them up takes
 * about a second of CPU, which they win back over a gigabyte; a short command does without.
 */
final class KernelWarmUp {
  static final long WORTH_IT_BYTES = 256L << 20;

  private final Cli cli;
  private final AtomicBoolean started = new AtomicBoolean();

  KernelWarmUp(Cli cli) {
    this.cli = cli;
  }

  /** Tells how many bytes have been checked so far; returns at once. */
  void worked(long bytes) {
    if (bytes >= WORTH_IT_BYTES) {
      now();
    }
  }

  /** For a command that lives long; returns at once. */
  void now() {
    if (started.compareAndSet(false, true)) {
      cli.env()
          .onCpu(
              () -> {
                Checksums.warmUp(cli.env());
                return true;
              });
    }
  }
}
