package io.lcpfs.stream;

import io.lcpfs.pool.Progress;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * How a stream is received.
 *
 * @param naming how datasets are named after what was sent
 * @param force whether a dataset that changed since its newest snapshot is rolled back to it, and
 *     one that is in the way of a whole stream is replaced
 * @param resumable whether what arrived stays when the stream ends early, to go on later
 * @param set local values for the datasets at the top, which those below inherit
 * @param exclude properties of which what the stream brings does not count
 * @param acceptAll whether all values of {@link Receiver#INACTIVE} properties in the stream count
 * @param dryRun whether the stream is only verified
 * @param progress told bytes of the stream as they arrive
 */
public record ReceiveOptions(
    Naming naming,
    boolean force,
    boolean resumable,
    Map<String, String> set,
    Set<String> exclude,
    boolean acceptAll,
    boolean dryRun,
    Consumer<Progress> progress) {

  /** What a received dataset is called. */
  public enum Naming {
    /** What is named takes the place of what was sent. */
    TARGET,
    /** Below what is named, as what was sent is below its pool. */
    WITHOUT_POOL,
    /** Below what is named, the last part of the name of what was sent. */
    LAST_PART
  }

  /** Into the dataset named, all or nothing. */
  public static final ReceiveOptions STANDARD =
      new ReceiveOptions(
          Naming.TARGET, false, false, Map.of(), Set.of(), false, false, progress -> {});

  public ReceiveOptions withNaming(Naming value) {
    return new ReceiveOptions(value, force, resumable, set, exclude, acceptAll, dryRun, progress);
  }

  public ReceiveOptions withForce(boolean on) {
    return new ReceiveOptions(naming, on, resumable, set, exclude, acceptAll, dryRun, progress);
  }

  public ReceiveOptions withResumable(boolean on) {
    return new ReceiveOptions(naming, force, on, set, exclude, acceptAll, dryRun, progress);
  }

  /** With values to set, names to leave out of the stream's, and whether to take all others. */
  public ReceiveOptions withProperties(
      Map<String, String> values, Set<String> left, boolean takeAll) {
    return new ReceiveOptions(
        naming, force, resumable, Map.copyOf(values), Set.copyOf(left), takeAll, dryRun, progress);
  }

  public ReceiveOptions withDryRun(boolean on) {
    return new ReceiveOptions(naming, force, resumable, set, exclude, acceptAll, on, progress);
  }

  public ReceiveOptions withProgress(Consumer<Progress> told) {
    return new ReceiveOptions(naming, force, resumable, set, exclude, acceptAll, dryRun, told);
  }
}
