package io.lcpfs.api;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.env.Env;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ReceiveRecord;
import io.lcpfs.object.ObjectSet;
import io.lcpfs.pool.HeldSnapshot;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.Progress;
import io.lcpfs.posix.PosixCheck;
import io.lcpfs.stream.HealReport;
import io.lcpfs.stream.Healer;
import io.lcpfs.stream.ReceiveHost;
import io.lcpfs.stream.ReceiveOptions;
import io.lcpfs.stream.ReceiveReport;
import io.lcpfs.stream.Receiver;
import io.lcpfs.stream.ResumeToken;
import io.lcpfs.stream.SendOptions;
import io.lcpfs.stream.Sender;
import java.io.InputStream;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/** The snapshots of a pool as streams of bytes: docs/STREAM.md. */
public final class PoolStreams {
  private final Pool pool;
  private final PoolEngine engine;
  private final Env env;

  PoolStreams(Pool pool, PoolEngine engine, Env env) {
    this.pool = pool;
    this.engine = engine;
    this.env = env;
  }

  /**
   * Prepares to send a snapshot, and with options those between it and an older one, and those of
   * datasets below.
   *
   * @param fullName {@code pool/a@name}
   * @throws PoolException ENOENT; EINVAL when what it is to be incremental from is not older
   */
  public Sender sender(String fullName, SendOptions options) {
    pool.snapshot(fullName);
    return Sender.of(engine, pool.name(), fullName, options);
  }

  /**
   * Prepares to go on where a receiver stopped.
   *
   * @param token its property receive_resume_token
   * @throws PoolException EINVAL; ENOENT when the snapshot is gone
   */
  public Sender resuming(String token, Consumer<Progress> progress) {
    return Sender.resuming(engine, pool.name(), token, progress);
  }

  /** See {@link Pool#receive}. */
  ReceiveReport receive(InputStream in, String target, ReceiveOptions options) {
    pool.pathIn(DatasetName.datasetOf(target));
    refuseUnknown(options);
    return new Receiver(engine, pool.name(), target, options, new Host(), in).run();
  }

  /** Before anything arrives: what is misspelt would be found in vain, or not at all. */
  private static void refuseUnknown(ReceiveOptions options) {
    Pool.parsed(options.set());
    for (String excluded : new TreeSet<>(options.exclude())) {
      if (!PropertyCatalog.dataset(excluded).settable()) {
        throw PoolException.refused(
            Errno.EPERM, excluded + ": is computed and in no stream; leave it out");
      }
    }
  }

  private final class Host implements ReceiveHost {
    @Override
    public List<String> problems(ObjectSet objects) {
      return PosixCheck.check(objects, env).problems();
    }

    @Override
    public void beforeReplacing(String fullName) {
      String path = DatasetName.pathOf(fullName);
      pool.refuseWhenUsedItself(path);
      pool.closeFileSystem(engine.dataset(path).guid());
    }

    @Override
    public void received(String fullName) {
      // Those below may inherit what arrived.
      pool.applyPolicies(DatasetName.pathOf(fullName), Set.of(SnapshotDirectory.VISIBILITY));
      pool.snapshotsChanged(fullName);
    }
  }

  /**
   * Heals blocks of a snapshot that cannot be read with what a stream of the same snapshot has,
   * where they are. What can be read stays as it is. To do it again is harmless.
   *
   * @param snapshot full name of the damaged one
   * @throws PoolException ENOENT; EINVAL when the stream is none, or of another snapshot; EIO when
   *     it is damaged or ends early, or not even the root of the snapshot can be read; EROFS
   */
  public HealReport heal(InputStream in, String snapshot, Consumer<Progress> progress) {
    DatasetName.checkSnapshot(snapshot);
    if (pool.readOnly()) {
      throw PoolException.refused(
          Errno.EROFS, pool.name() + ": is imported read-only; import it to be changed");
    }
    String path = pool.pathIn(DatasetName.datasetOf(snapshot));
    try (HeldSnapshot held = engine.holdSnapshot(path, DatasetName.snapshotOf(snapshot))) {
      return new Healer(held, snapshot, progress, in).run();
    }
  }

  /**
   * Drops what was received in part.
   *
   * @param target full name of the dataset that it would have become
   * @throws PoolException ENOENT when there is nothing; EBUSY when it is being received
   */
  public void drop(String target) {
    engine.dropReceive(pool.pathIn(target));
  }

  /**
   * What was received in part and is kept: the token to go on with, by the full name of the dataset
   * that it becomes or continues.
   */
  public SortedMap<String, String> partial() {
    SortedMap<String, String> tokens = new TreeMap<>();
    for (ReceiveRecord record : engine.receives()) {
      if (record.resumable()) {
        tokens.put(pool.fullName(record.path()), ResumeToken.of(record));
      }
    }
    return tokens;
  }

  /** As {@link #partial}: at a dataset, or to become a child of it. */
  public SortedMap<String, String> partialAt(String fullName) {
    SortedMap<String, String> tokens = partial();
    tokens.keySet().removeIf(name -> !name.equals(fullName) && !isChild(name, fullName));
    return tokens;
  }

  private static boolean isChild(String name, String of) {
    return name.startsWith(of + "/") && name.lastIndexOf('/') == of.length();
  }

  /** The token of a dataset: its own, or that of the only one to become a child of it, or empty. */
  String token(String fullName) {
    SortedMap<String, String> tokens = partialAt(fullName);
    String only = tokens.size() == 1 ? tokens.firstEntry().getValue() : "";
    return tokens.getOrDefault(fullName, only);
  }
}
