package io.lcpfs.cli;

import io.lcpfs.dataset.Sizes;
import io.lcpfs.pool.Progress;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** One line on the terminal that tells how far a long job is; nothing when there is no terminal. */
final class ProgressLine {
  private static final long INTERVAL_NANOS = 200_000_000L;
  private static final int WIDTH = 79;

  private final @Nullable Cli terminal;
  private final long startNanos;
  private long lastNanos;
  private boolean shown;

  private ProgressLine(@Nullable Cli terminal, long startNanos) {
    this.terminal = terminal;
    this.startNanos = startNanos;
    this.lastNanos = startNanos;
  }

  /** Shows on standard error when it is a terminal. */
  static ProgressLine onTerminal(Cli cli) {
    boolean terminal = Terminal.is(Terminal.STDERR) && cli.variable("TERM") != null;
    return new ProgressLine(terminal ? cli : null, cli.env().nanoTime());
  }

  /** Whether anything is shown. */
  boolean visible() {
    return terminal != null;
  }

  /** Shows {@code progress}, at most five times per second. */
  synchronized void show(Progress progress) {
    Cli cli = terminal;
    if (cli == null) {
      return;
    }
    long now = cli.env().nanoTime();
    if (now - lastNanos < INTERVAL_NANOS) {
      return;
    }
    lastNanos = now;
    shown = true;
    String line = text(progress, (now - startNanos) / 1e9);
    cli.err().print("\r" + line + " ".repeat(Math.max(0, WIDTH - line.length())));
    cli.err().flush();
  }

  /** What the line says after {@code seconds}: stage, bytes, rate, share and time left. */
  static String text(Progress progress, double seconds) {
    double rate = progress.doneBytes() / Math.max(seconds, 1e-3);
    StringBuilder line =
        new StringBuilder(progress.stage()).append(": ").append(Sizes.print(progress.doneBytes()));
    if (progress.totalBytes() > 0) {
      double share = Math.min(1, (double) progress.doneBytes() / progress.totalBytes());
      line.append(" of ")
          .append(Sizes.print(progress.totalBytes()))
          .append(String.format(Locale.ROOT, " (%.0f%%)", 100 * share));
    }
    line.append(", ").append(Sizes.print((long) rate)).append("/s");
    if (progress.totalBytes() > progress.doneBytes() && progress.doneBytes() > 0) {
      long left = Math.round((progress.totalBytes() - progress.doneBytes()) / rate);
      line.append(String.format(Locale.ROOT, ", %d:%02d left", left / 60, left % 60));
    }
    return line.length() > WIDTH ? line.substring(0, WIDTH) : line.toString();
  }

  /** Removes the line. */
  synchronized void clear() {
    Cli cli = terminal;
    if (cli != null && shown) {
      cli.err().print("\r" + " ".repeat(WIDTH) + "\r");
      cli.err().flush();
    }
  }
}
