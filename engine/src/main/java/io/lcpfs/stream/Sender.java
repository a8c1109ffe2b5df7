package io.lcpfs.stream;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.codec.CompressionType;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ReceiveRecord;
import io.lcpfs.object.ChangeWalk;
import io.lcpfs.pool.HeldSnapshot;
import io.lcpfs.pool.PoolEngine;
import io.lcpfs.pool.Progress;
import io.lcpfs.pool.SnapshotInfo;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Writes snapshots as a stream. They cannot be destroyed meanwhile. */
public final class Sender {
  private static final long PROGRESS_BYTES = 1 << 20;

  private final PoolEngine engine;
  private final String pool;
  private final SendPlan plan;
  private final Consumer<Progress> progress;

  private Sender(PoolEngine engine, String pool, SendPlan plan, Consumer<Progress> progress) {
    this.engine = engine;
    this.pool = pool;
    this.plan = plan;
    this.progress = progress;
  }

  /**
   * Prepares to send a snapshot.
   *
   * @param fullName {@code pool/a@name}
   * @throws PoolException ENOENT; EINVAL
   */
  public static Sender of(PoolEngine engine, String pool, String fullName, SendOptions options) {
    return new Sender(engine, pool, SendPlan.of(engine, fullName, options), options.progress());
  }

  /**
   * Prepares to go on where a receiver stopped.
   *
   * @param token its receive_resume_token
   * @throws PoolException EINVAL; ENOENT when the snapshot is gone
   */
  public static Sender resuming(
      PoolEngine engine, String pool, String token, Consumer<Progress> progress) {
    ReceiveRecord record = ResumeToken.parse(token);
    return new Sender(engine, pool, SendPlan.of(engine, pool, record), progress);
  }

  /**
   * One snapshot of a stream.
   *
   * @param name in full
   * @param from name after the @ of what it is incremental from, of a bookmark with its #, or of a
   *     clone the full name of its origin; empty for none
   * @param bytes of the stream, exactly
   */
  public record Part(String name, String from, long bytes) {}

  /** Full names of snapshots of datasets below the top that do not exist, and are left out. */
  public List<String> skipped() {
    return plan.skipped();
  }

  /** What the stream will have, without reading any content. */
  public List<Part> estimate() {
    List<Part> parts = new ArrayList<>();
    StreamWriter counter = new StreamWriter(null);
    write(
        counter,
        item -> {
          long before = parts.stream().mapToLong(Part::bytes).sum();
          SendPlan.From from = item.from();
          parts.add(
              new Part(fullName(item), from == null ? "" : from.name(), counter.bytes() - before));
        },
        0);
    return parts;
  }

  /**
   * Writes the stream, and does not close {@code out}.
   *
   * @throws PoolException EIO when it cannot be written, or something cannot be read; ENOENT when a
   *     snapshot is gone
   */
  public void send(OutputStream out) {
    boolean told = !progress.equals(SendOptions.SILENT);
    long total = told ? estimate().stream().mapToLong(Part::bytes).sum() : 0;
    StreamWriter writer = new StreamWriter(out);
    try {
      write(writer, item -> {}, total);
      writer.flush();
    } catch (PoolException e) {
      // Whoever walks takes what it is stopped by for damage of what it walks through.
      PoolException gone = writer.gone();
      throw gone == null ? e : gone;
    }
  }

  private String fullName(SendPlan.Item item) {
    return SendPlan.full(pool, item.to().path()) + "@" + item.to().name();
  }

  private void write(StreamWriter writer, Consumer<SendPlan.Item> done, long total) {
    List<HeldSnapshot> held = new ArrayList<>();
    try {
      for (SendPlan.Item item : plan.items()) {
        held.add(hold(item.to()));
        SendPlan.From from = item.from();
        SnapshotInfo kept = from == null ? null : from.snapshot();
        if (kept != null) {
          held.add(hold(kept)); // what was before it is passed over: it has to be its past
        }
      }
      writer.preamble();
      for (int i = 0; i < plan.items().size(); i++) {
        SendPlan.Item item = plan.items().get(i);
        try (HeldSnapshot snapshot = hold(item.to())) {
          write(writer, item, snapshot, i == plan.items().size() - 1, total);
        }
        done.accept(item);
      }
    } finally {
      held.forEach(HeldSnapshot::close);
    }
  }

  private HeldSnapshot hold(SnapshotInfo wanted) {
    HeldSnapshot snapshot = engine.holdSnapshot(wanted.path(), wanted.name());
    if (snapshot.info().guid() != wanted.guid()) {
      snapshot.close();
      throw PoolException.refused(
          Errno.ENOENT,
          SendPlan.full(pool, wanted.path())
              + "@"
              + wanted.name()
              + ": was replaced meanwhile; send it again");
    }
    return snapshot;
  }

  private void write(
      StreamWriter writer, SendPlan.Item item, HeldSnapshot snapshot, boolean last, long total) {
    SnapshotInfo to = snapshot.info();
    SendPlan.From from = item.from();
    if (snapshot.root().isHole()) {
      throw PoolException.refused(
          Errno.EINVAL, fullName(item) + ": has no file system in it; there is nothing to send");
    }
    boolean resumed = item.object() > 0;
    writer.resetRecords();
    BeginRecord begin =
        new BeginRecord(
            to.guid(),
            from == null ? 0 : from.guid(),
            to.creationSeconds(),
            to.creationTxg(),
            fullName(item),
            plan.root().getBytes(UTF_8).length,
            plan.compressed(),
            from != null && from.isClone(),
            resumed,
            item.object(),
            item.offset());
    writer.record(
        StreamRecord.Type.BEGIN,
        0,
        item.object(),
        item.offset(),
        0,
        MemorySegment.ofArray(begin.encode()));
    SortedMap<String, String> properties = item.properties();
    if (properties != null) {
      writer.record(
          StreamRecord.Type.PROPERTIES, 0, 0, 0, 0, MemorySegment.ofArray(encoded(properties)));
    }
    ChangeWalk walk =
        new ChangeWalk(
            snapshot.context(),
            snapshot.root(),
            from == null ? 0 : from.txg(),
            plan.compressed(),
            writer.writes());
    Content content = new Content(writer, item, total);
    walk.run(item.object(), content);
    byte[] end = new byte[StreamRecord.END_BYTES];
    Disk.putU64(MemorySegment.ofArray(end), 0, walk.objectCount());
    Disk.putU64(MemorySegment.ofArray(end), 8, writer.records());
    int flags = last ? StreamRecord.FLAG_LAST : 0;
    writer.record(StreamRecord.Type.END, flags, 0, 0, 0, MemorySegment.ofArray(end));
    progress.accept(new Progress("send", writer.bytes(), total));
  }

  /** Names and values. */
  private static byte[] encoded(SortedMap<String, String> properties) {
    java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
    properties.forEach(
        (name, value) -> {
          byte[] first = name.getBytes(UTF_8);
          byte[] second = value.getBytes(UTF_8);
          byte[] head = new byte[StreamRecord.PROPERTY_BYTES];
          Disk.putU16(MemorySegment.ofArray(head), 0, first.length);
          Disk.putU16(MemorySegment.ofArray(head), 2, second.length);
          bytes.writeBytes(head);
          bytes.writeBytes(first);
          bytes.writeBytes(second);
        });
    if (bytes.size() > StreamRecord.Type.PROPERTIES.mostBytes) {
      throw PoolException.refused(
          Errno.E2BIG, "the dataset's properties do not fit a stream; send it without -p and -R");
    }
    return bytes.toByteArray();
  }

  /** Makes records of what a walk tells. */
  private final class Content implements ChangeWalk.Visitor {
    private final StreamWriter writer;
    private final SendPlan.Item item;
    private final long total;
    private long blockBytes;
    private long told;

    Content(StreamWriter writer, SendPlan.Item item, long total) {
      this.writer = writer;
      this.item = item;
      this.total = total;
    }

    @Override
    public void free(long first, long count) {
      writer.record(StreamRecord.Type.FREE, 0, first, count, 0);
    }

    @Override
    public void object(long number, DnodeRecord dnode, boolean isNew) {
      blockBytes = dnode.blockBytes();
      byte[] payload = new byte[StreamRecord.OBJECT_BYTES + dnode.bonus().length];
      MemorySegment at = MemorySegment.ofArray(payload);
      Disk.putU8(at, 0, dnode.type().code());
      Disk.putU16(at, 2, dnode.bonus().length);
      Disk.putU32(at, 4, dnode.blockBytes());
      Disk.putU64(at, 8, dnode.blockCount());
      System.arraycopy(dnode.bonus(), 0, payload, StreamRecord.OBJECT_BYTES, dnode.bonus().length);
      // What a receiver has of the object where it goes on must stay.
      boolean inMiddle = number == item.object() && item.offset() > 0;
      writer.record(
          StreamRecord.Type.OBJECT,
          isNew && !inMiddle ? StreamRecord.FLAG_NEW : 0,
          number,
          0,
          0,
          at);
    }

    @Override
    public boolean wants(long number, long blockId) {
      return number != item.object() || blockId * blockBytes >= item.offset();
    }

    @Override
    public void block(
        long number,
        long blockId,
        int logicalBytes,
        CompressionType compression,
        int storedBytes,
        @Nullable MemorySegment content) {
      long offset = blockId * blockBytes;
      if (content == null) {
        writer.count(storedBytes);
      } else {
        writer.record(
            StreamRecord.Type.WRITE, compression.code(), number, offset, logicalBytes, content);
      }
      if (writer.bytes() - told >= PROGRESS_BYTES) {
        told = writer.bytes();
        progress.accept(new Progress("send", told, total));
      }
    }

    @Override
    public void hole(long number, long firstBlock, long blocks) {
      writer.record(
          StreamRecord.Type.HOLE, 0, number, firstBlock * blockBytes, blocks * blockBytes);
    }
  }
}
