package io.lcpfs.stream;

import io.lcpfs.pool.Progress;
import java.util.function.Consumer;

/**
 * How a snapshot is sent.
 *
 * @param from name, after the @, of an earlier snapshot of the same dataset that the receiver has,
 *     or with its # of a bookmark of that; of a clone also the full name of its origin or of one
 *     before that; empty to send all
 * @param intermediates whether the snapshots between the two are sent, too
 * @param recursive whether all datasets below are sent, with all their snapshots and properties
 * @param properties whether values of properties are sent that are set at the dataset or received
 * @param backup whether instead of these, where a dataset received any, all that it received are
 * @param compressed whether blocks are sent as they are stored
 * @param progress told bytes of the stream as they go out
 */
public record SendOptions(
    String from,
    boolean intermediates,
    boolean recursive,
    boolean properties,
    boolean backup,
    boolean compressed,
    Consumer<Progress> progress) {
  /** Tells nobody how far it is, which spares finding out how large the stream will be. */
  public static final Consumer<Progress> SILENT = progress -> {};

  /** The whole snapshot, its blocks plain. */
  public static final SendOptions FULL =
      new SendOptions("", false, false, false, false, false, SILENT);

  public SendOptions withFrom(String name) {
    return new SendOptions(
        name, intermediates, recursive, properties, backup, compressed, progress);
  }

  public SendOptions withIntermediates(boolean on) {
    return new SendOptions(from, on, recursive, properties, backup, compressed, progress);
  }

  public SendOptions withRecursive(boolean on) {
    return new SendOptions(from, intermediates, on, properties, backup, compressed, progress);
  }

  public SendOptions withProperties(boolean on) {
    return new SendOptions(from, intermediates, recursive, on, backup, compressed, progress);
  }

  public SendOptions withBackup(boolean on) {
    return new SendOptions(from, intermediates, recursive, properties, on, compressed, progress);
  }

  public SendOptions withCompressed(boolean on) {
    return new SendOptions(from, intermediates, recursive, properties, backup, on, progress);
  }

  public SendOptions withProgress(Consumer<Progress> told) {
    return new SendOptions(from, intermediates, recursive, properties, backup, compressed, told);
  }
}
