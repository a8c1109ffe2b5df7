package io.lcpfs.stream;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.format.ReceiveRecord;
import io.lcpfs.pool.DatasetInfo;
import io.lcpfs.pool.DatasetPolicy;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.Progress;
import io.lcpfs.pool.Receiving;
import io.lcpfs.pool.StoredProperties;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Receives streams. Nothing of a snapshot is visible before all of it has arrived, was verified and
 * was checked as a file system is; then it is there with its dataset, or neither is.
 */
public final class Receiver {
  /**
   * Properties that decide what a machine does with a dataset: values in a stream are kept, and
   * count when that is asked for or they only restrict.
   */
  public static final List<String> INACTIVE =
      List.of("mountpoint", "canmount", "setuid", "devices", "exec");

  private static final long PROGRESS_BYTES = 1 << 20;

  private final PoolEngine engine;
  private final String pool;
  private final String target;
  private final ReceiveOptions options;
  private final ReceiveHost host;
  private final StreamReader reader;
  private final List<ReceiveReport.Received> received = new ArrayList<>();
  private final List<String> leftOut = new ArrayList<>();
  private long told;

  /**
   * @param target full name of a dataset, or of a snapshot that what is received is to be called
   */
  public Receiver(
      PoolEngine engine,
      String pool,
      String target,
      ReceiveOptions options,
      ReceiveHost host,
      InputStream in) {
    this.engine = engine;
    this.pool = pool;
    this.target = target;
    this.options = options;
    this.host = host;
    this.reader = new StreamReader(in);
  }

  /**
   * Reads the stream up to its end, and no further.
   *
   * @throws PoolException EIO when it is damaged or ends early; EINVAL when it is none or does not
   *     fit; EOPNOTSUPP; EEXIST; ENOENT; ENOSPC. Snapshots that were whole before are there; of the
   *     one under way nothing is, but what is needed to go on when that was asked for
   */
  public ReceiveReport run() {
    reader.preamble();
    boolean last = false;
    while (!last) {
      StreamReader.Item item = reader.next();
      if (item.type() != StreamRecord.Type.BEGIN) {
        throw reader.damaged("a record of type " + item.type() + " where a snapshot begins");
      }
      reader.resetRecords();
      long before = reader.bytes();
      BeginRecord begin = BeginRecord.decode(reader, item);
      String name = nameOf(begin);
      last = options.dryRun() ? verified(begin) : one(begin, name);
      received.add(new ReceiveReport.Received(begin.name(), name, reader.bytes() - before));
    }
    return new ReceiveReport(received, leftOut);
  }

  /** The full name that a snapshot gets here. */
  private String nameOf(BeginRecord begin) {
    String dataset = DatasetName.datasetOf(target);
    String root = begin.dataset().substring(0, begin.rootBytes());
    String name =
        switch (options.naming()) {
          case TARGET -> dataset + begin.belowRoot();
          case WITHOUT_POOL -> dataset + begin.dataset().substring(poolBytes(begin.dataset()));
          case LAST_PART ->
              dataset + "/" + root.substring(root.lastIndexOf('/') + 1) + begin.belowRoot();
        };
    boolean named = DatasetName.isSnapshot(target);
    if (named && !begin.belowRoot().isEmpty()) {
      throw PoolException.refused(
          Errno.EINVAL, target + ": the stream has several datasets; name a dataset instead");
    }
    String full = name + "@" + (named ? DatasetName.snapshotOf(target) : begin.snapshot());
    DatasetName.checkSnapshot(full);
    return full;
  }

  private static int poolBytes(String dataset) {
    return DatasetName.poolOf(dataset).length();
  }

  private boolean verified(BeginRecord begin) {
    while (true) {
      StreamReader.Item item = next();
      if (item.type() == StreamRecord.Type.END) {
        return last(item);
      }
      if (item.type() == StreamRecord.Type.BEGIN) {
        throw reader.damaged("a snapshot begins before " + begin.name() + " ends");
      }
    }
  }

  private StreamReader.Item next() {
    StreamReader.Item item = reader.next();
    if (reader.bytes() - told >= PROGRESS_BYTES) {
      told = reader.bytes();
      options.progress().accept(new Progress("receive", told, 0));
    }
    return item;
  }

  private boolean last(StreamReader.Item end) {
    if (Disk.u64(end.payload(), 8) != reader.records() || (end.flags() & ~1) != 0) {
      throw reader.damaged("records are missing");
    }
    return (end.flags() & StreamRecord.FLAG_LAST) != 0;
  }

  private boolean one(BeginRecord begin, String name) {
    String path = DatasetName.pathOf(DatasetName.datasetOf(name));
    StoredProperties before = storedAt(path);
    boolean top = begin.belowRoot().isEmpty();
    ReceivedProperties properties = new ReceivedProperties(before, options, top);
    try (Receiving receiving = opened(begin, path)) {
      try (ObjectReceiver content = new ObjectReceiver(reader, receiving, begin)) {
        setProperties(receiving, properties, before, path);
        StreamReader.Item item = next();
        if (item.type() == StreamRecord.Type.PROPERTIES) {
          properties.take(reader, item.payload());
          setProperties(receiving, properties, before, path);
          leftOut.addAll(properties.leftOut());
          item = next();
        }
        try {
          for (; item.type() != StreamRecord.Type.END; item = next()) {
            content.apply(item);
          }
        } catch (PoolException e) {
          if (receiving.record().resumable()) {
            keep(content, receiving, e);
            throw kept(receiving.record(), path, e);
          }
          throw e;
        }
        boolean last = last(item);
        content.close();
        finish(receiving, Disk.u64(item.payload(), 0), name);
        return last;
      }
    }
  }

  /** Notes how far it is; where that cannot be, what was noted before counts. */
  private static void keep(ObjectReceiver content, Receiving receiving, PoolException cause) {
    try {
      content.save();
      receiving.objects().sync();
    } catch (PoolException e) {
      cause.addSuppressed(e);
    }
  }

  /** What went wrong, with how to go on instead of how to begin anew. */
  private PoolException kept(ReceiveRecord record, String path, PoolException cause) {
    String message = cause.error().message();
    int remedy = message.indexOf("; ");
    String name = SendPlan.full(pool, path);
    PoolError error =
        new PoolError.Refused(
            cause.errno(),
            (remedy < 0 ? message : message.substring(0, remedy))
                + "; what arrived is kept: go on with 'lcpfs send -t "
                + ResumeToken.of(record)
                + "' where it was sent, into 'lcpfs receive -s "
                + name
                + "' here, or drop it with 'lcpfs receive -A "
                + name
                + "'");
    return new PoolException(error, cause);
  }

  private Receiving opened(BeginRecord begin, String path) {
    DatasetPolicy policy = policy(path, null);
    boolean next = begin.fromGuid() != 0 && !begin.isClone();
    if (next || (options.force() && exists(path))) {
      host.beforeReplacing(SendPlan.full(pool, path)); // or all would arrive in vain
    }
    if (begin.resumed()) {
      Receiving receiving = engine.resumeReceive(path, begin.toGuid(), policy, options.force());
      ReceiveRecord record = receiving.record();
      if (record.fromGuid() != begin.fromGuid()
          || record.isClone() != begin.isClone()
          || record.object() != begin.object()
          || record.offset() != begin.offset()) {
        receiving.close();
        throw PoolException.refused(
            Errno.EINVAL,
            "the stream goes on elsewhere than where "
                + path
                + " was received up to; send it with the present receive_resume_token");
      }
      return receiving;
    }
    ReceiveRecord start =
        new ReceiveRecord(
            begin.toGuid(),
            begin.fromGuid(),
            begin.creationSeconds(),
            1,
            0,
            0,
            options.resumable(),
            begin.compressed(),
            begin.isClone(),
            path,
            begin.name());
    return engine.beginReceive(start, policy, options.force());
  }

  private void setProperties(
      Receiving receiving, ReceivedProperties properties, StoredProperties before, String path) {
    if (!properties.isEmpty()) {
      StoredProperties after = properties.in(before);
      receiving.setProperties(properties::in, policy(path, after));
    }
  }

  /** How a dataset at {@code path} with these properties is written. */
  private DatasetPolicy policy(String path, @Nullable StoredProperties stored) {
    return PropertyCatalog.policy(
        property ->
            PropertyCatalog.effective(
                    PropertyCatalog.dataset(property),
                    SendPlan.full(pool, path),
                    at -> at.equals(path) && stored != null ? stored : storedAt(at))
                .value());
  }

  private boolean exists(String path) {
    return engine.datasets().stream().anyMatch(info -> info.path().equals(path));
  }

  /** What is set at and was received by a dataset that may not be there yet. */
  private StoredProperties storedAt(String path) {
    return engine.datasets().stream()
        .filter(info -> info.path().equals(path))
        .findFirst()
        .map(DatasetInfo::properties)
        .orElse(StoredProperties.NONE);
  }

  private void finish(Receiving receiving, long objectCount, String name) {
    if (receiving.objects().objectCount() != objectCount) {
      throw refused(
          name,
          receiving.objects().objectCount() + " objects instead of " + objectCount,
          receiving);
    }
    receiving.countOwners();
    receiving.objects().sync();
    List<String> problems = host.problems(receiving.objects());
    if (!problems.isEmpty()) {
      throw refused(name, problems.getFirst(), receiving);
    }
    String dataset = DatasetName.datasetOf(name);
    boolean replaces = options.force() && exists(DatasetName.pathOf(dataset));
    if (!receiving.record().isNew() || replaces) {
      host.beforeReplacing(dataset);
    }
    DatasetPolicy policy = policy(DatasetName.pathOf(dataset), null);
    receiving.commit(DatasetName.snapshotOf(name), policy, options.force());
    host.received(dataset);
  }

  /** All has arrived and is wrong: to go on with it would be in vain. */
  private static PoolException refused(String name, String why, Receiving receiving) {
    receiving.abort();
    return PoolException.refused(
        Errno.EIO,
        name
            + ": what the stream holds is no sound file system ("
            + why
            + "); verify the pool that it was sent from, and send it again");
  }
}
