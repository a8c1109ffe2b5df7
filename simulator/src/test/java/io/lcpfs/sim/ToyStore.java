package io.lcpfs.sim;

import static io.lcpfs.error.PoolException.corrupt;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.Env;
import io.lcpfs.env.PlantedBug;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolError;
import io.lcpfs.error.PoolException;
import io.lcpfs.sim.model.Op;
import io.lcpfs.sim.model.Outcome;
import io.lcpfs.sim.model.ReferenceFs;
import io.lcpfs.sim.model.Tree;
import io.lcpfs.sim.world.Digest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The smallest thing that survives crashes: a log of operations in two copies, and an uberblock
 * (four slots, two copies of each of two generations) that says how far the log is valid.
 */
final class ToyStore implements SimTarget {
  private static final long MAGIC = 0x746F79_73746F72L;
  private static final int UBERBLOCKS = 4;
  private static final int HEADER_BYTES = 32;

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  @Override
  public String name() {
    return "toy";
  }

  @Override
  public List<PoolShape> shapes() {
    return List.of(
        new PoolShape("single", 1, 512, 16 << 20, 0),
        new PoolShape("single", 1, 4096, 16 << 20, 0));
  }

  @Override
  public int writers() {
    return 3;
  }

  @Override
  public int handles() {
    return 2;
  }

  @Override
  public boolean fsyncCoversEarlierOperations() {
    return true;
  }

  @Override
  public int writeUnitBytes() {
    return 0;
  }

  @Override
  public void format(Env env, List<? extends BlockDevice> devices, PoolShape shape) {
    BlockDevice device = devices.getFirst();
    MemorySegment block = MemorySegment.ofArray(new byte[device.blockSize()]);
    for (int slot = 0; slot < UBERBLOCKS; slot++) {
      device.writeBlocks(slot, 1, block);
    }
    new ToySession(env, device).writeUberblock();
    device.flush();
  }

  @Override
  public Session open(Env env, List<? extends BlockDevice> devices, PoolShape shape) {
    ToySession session = new ToySession(env, devices.getFirst());
    session.recover();
    return session;
  }

  private static final class ToySession implements Session {
    private final Env env;
    private final BlockDevice device;
    private final int blockSize;
    private final long copyDistance;
    private final ReentrantLock lock = new ReentrantLock();
    private final ReferenceFs state = new ReferenceFs();
    private final List<Op> unsynced = new ArrayList<>();
    private boolean suspended;
    private long generation = 1;
    private long logEnd = UBERBLOCKS;

    ToySession(Env env, BlockDevice device) {
      this.env = env;
      this.device = device;
      this.blockSize = device.blockSize();
      this.copyDistance = device.totalBlocks() / 2;
    }

    // ---- commit

    /** A write or flush that failed is never tried again: nobody knows what it left behind. */
    private void commit() {
      if (suspended) {
        throw new PoolException(new PoolError.Suspended("toy", "a commit failed"));
      }
      if (unsynced.isEmpty()) {
        return;
      }
      suspended = true;
      commitAll();
      suspended = false;
    }

    private void commitAll() {
      byte[] body = serialize(new ArrayList<>(unsynced));
      int blocks = (HEADER_BYTES + body.length + blockSize - 1) / blockSize;
      byte[] record = new byte[blocks * blockSize];
      System.arraycopy(body, 0, record, HEADER_BYTES, body.length);
      MemorySegment segment = MemorySegment.ofArray(record);
      segment.set(LONG, 0, MAGIC);
      segment.set(LONG, 8, body.length);
      segment.set(LONG, 16, Digest.of(body));
      segment.set(LONG, 24, logEnd);
      device.writeBlocks(logEnd, blocks, segment);
      device.writeBlocks(logEnd + copyDistance, blocks, segment);
      if (!env.planted(PlantedBug.NO_FLUSH_BEFORE_UBERBLOCK)) {
        device.flush();
      }
      logEnd += blocks;
      generation++;
      writeUberblock();
      device.flush();
      unsynced.clear();
    }

    private void writeUberblock() {
      byte[] bytes = new byte[blockSize];
      MemorySegment segment = MemorySegment.ofArray(bytes);
      segment.set(LONG, 0, MAGIC);
      segment.set(LONG, 8, generation);
      segment.set(LONG, 16, logEnd);
      segment.set(LONG, 24, Digest.of(segment.asSlice(0, 24)));
      device.writeBlocks(generation % 2, 1, segment);
      device.writeBlocks(generation % 2 + 2, 1, segment);
    }

    // ---- recovery

    private void recover() {
      long newest = 0;
      long end = 0;
      for (int slot = 0; slot < UBERBLOCKS; slot++) {
        MemorySegment block = readOrZeros(slot);
        if (block.get(LONG, 0) == MAGIC
            && block.get(LONG, 24) == Digest.of(block.asSlice(0, 24))
            && block.get(LONG, 8) > newest) {
          newest = block.get(LONG, 8);
          end = block.get(LONG, 16);
        }
      }
      if (newest == 0) {
        throw corrupt("uberblock", "no valid one");
      }
      generation = newest;
      while (logEnd < end) {
        logEnd += replay(logEnd);
      }
      for (int handle = 0; handle < 16; handle++) {
        if (state.isOpen(handle)) {
          Op close = new Op.Close(handle);
          state.apply(close);
          unsynced.add(close);
        }
      }
    }

    private MemorySegment read(long block, int count) {
      MemorySegment segment = MemorySegment.ofArray(new byte[count * blockSize]);
      device.readBlocks(block, count, segment);
      return segment;
    }

    /** A block that cannot be read counts as one that never was written: there is a copy. */
    private MemorySegment readOrZeros(long block) {
      try {
        return read(block, 1);
      } catch (PoolException e) {
        return MemorySegment.ofArray(new byte[blockSize]);
      }
    }

    private int replay(long block) {
      byte[] body = body(block);
      if (body == null) {
        body = body(block + copyDistance);
      }
      if (body == null) {
        throw corrupt("log", block);
      }
      for (Object op : deserialize(body)) {
        state.apply((Op) op);
      }
      return (HEADER_BYTES + body.length + blockSize - 1) / blockSize;
    }

    private byte @Nullable [] body(long block) {
      try {
        return bodyOfOneCopy(block);
      } catch (PoolException e) {
        return null; // the other copy is asked
      }
    }

    private byte @Nullable [] bodyOfOneCopy(long block) {
      MemorySegment header = read(block, 1);
      long length = header.get(LONG, 8);
      if (header.get(LONG, 0) != MAGIC || length < 0 || length > device.capacity() / 4) {
        return null;
      }
      int blocks = (int) (HEADER_BYTES + length + blockSize - 1) / blockSize;
      byte[] body =
          read(block, blocks).asSlice(HEADER_BYTES, length).toArray(ValueLayout.JAVA_BYTE);
      boolean intact = Digest.of(body) == header.get(LONG, 16);
      return intact || env.planted(PlantedBug.CHECKSUM_NOT_VERIFIED) ? body : null;
    }

    private static byte[] serialize(List<Op> ops) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
        out.writeObject(ops);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return bytes.toByteArray();
    }

    private static List<?> deserialize(byte[] bytes) {
      try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes))) {
        return (List<?>) in.readObject();
      } catch (IOException | ClassNotFoundException e) {
        throw new IllegalStateException("log does not decode", e);
      }
    }

    // ---- session

    @Override
    public Outcome apply(Op op) {
      lock.lock();
      try {
        if (op instanceof Op.Rename rename
            && env.planted(PlantedBug.RENAME_IN_TWO_TXGS)
            && state.apply(new Op.Link(rename.from(), rename.to())).equals(Outcome.done())) {
          unsynced.add(new Op.Link(rename.from(), rename.to()));
          commit();
          Op second = new Op.Unlink(rename.from());
          unsynced.add(second);
          return state.apply(second);
        }
        if (suspended && op.changes()) {
          return Outcome.failed(Errno.EIO);
        }
        Outcome outcome = state.apply(op);
        if (op.changes() || op instanceof Op.Open) {
          unsynced.add(op);
        }
        if (op instanceof Op.Fsync || unsynced.size() > 40) {
          commit();
        }
        return outcome;
      } catch (PoolException e) {
        return Outcome.failed(e.errno());
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void sync() {
      lock.lock();
      try {
        commit();
      } finally {
        lock.unlock();
      }
    }

    @Override
    public List<Finding> verify() {
      lock.lock();
      try {
        List<Finding> findings = new ArrayList<>();
        long block = UBERBLOCKS;
        while (block < logEnd) {
          byte[] first = body(block);
          byte[] second = body(block + copyDistance);
          byte[] any = first == null ? second : first;
          if (any == null) {
            findings.add(new Finding(true, "record at " + block + " is lost"));
            break;
          }
          block += (HEADER_BYTES + any.length + blockSize - 1) / blockSize;
        }
        return findings;
      } finally {
        lock.unlock();
      }
    }

    @Override
    public Tree snapshotTree() {
      lock.lock();
      try {
        return state.tree();
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      sync();
      device.close();
    }
  }
}
