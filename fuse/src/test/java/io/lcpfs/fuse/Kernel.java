package io.lcpfs.fuse;

import io.lcpfs.api.Dataset;
import io.lcpfs.api.Pool;
import io.lcpfs.device.RamDevice;
import io.lcpfs.env.RealEnv;
import io.lcpfs.pool.CreateOptions;
import io.lcpfs.pool.Tuning;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Stands in for the kernel: encodes requests, hands them to a Worker over a pool in memory, and
 * checks the frame of every reply.
 */
final class Kernel implements FuseChannel, AutoCloseable {
  static final int NO_REPLY = Integer.MIN_VALUE;
  static final long ROOT = Fuse.ROOT_NODE;

  final Pool pool;
  final Server server;
  final List<String> reports = new ArrayList<>();

  /** What was told without having been asked. */
  final List<ByteBuffer> notifications = new ArrayList<>();

  int uid;
  int gid;

  private final RealEnv env = new RealEnv();
  private final Arena arena = Arena.ofShared();
  private final Worker worker;
  private byte[] lastReply = {};
  private long unique = 1;
  private int error = NO_REPLY;

  /** Answers of send to replies in pieces from now on, which are not looked at; 0 for success. */
  int piecesAnswer;

  /** What the next send of a reply in pieces throws. */
  @Nullable RuntimeException sendFailure;

  /** How many pieces the last reply had that came in pieces; 0 for none since this was cleared. */
  int piecesSent;

  /** Answers of send from now on; 0 for success. */
  int sendAnswer;

  Kernel(String... childDatasets) {
    this(64 << 20, childDatasets);
  }

  Kernel(long poolBytes, String... childDatasets) {
    pool =
        Pool.create(
            List.of(new RamDevice("ram", 4096, poolBytes / 4096)),
            CreateOptions.named("tank")
                .withSmallDevices(true)
                .withTuning(Tuning.standard().withCacheBytes(32 << 20).withDirtyBytes(16 << 20)),
            env);
    List<MountedDataset> datasets = new ArrayList<>();
    datasets.add(MountedDataset.of("", pool.dataset("tank")));
    for (String child : childDatasets) {
      Dataset dataset = pool.createDataset("tank/" + child, Map.of(), false);
      datasets.add(MountedDataset.of(child, dataset));
    }
    server = new Server(datasets, MountOptions.of("tank"), reports::add);
    worker = new Worker(server, this, new Readers(1), arena);
    ByteBuffer init = body(64);
    init.putInt(7).putInt(45).putInt(1 << 20).putInt(-1).putInt(-1);
    call(Fuse.INIT, 0, init);
  }

  static ByteBuffer body(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
  }

  /** A body of {@code bytes} with names behind it, each ended by NUL. */
  static ByteBuffer body(int bytes, String... names) {
    int size = bytes;
    for (String name : names) {
      size += name.getBytes(StandardCharsets.UTF_8).length + 1;
    }
    ByteBuffer body = body(size);
    body.position(bytes);
    for (String name : names) {
      body.put(name.getBytes(StandardCharsets.UTF_8)).put((byte) 0);
    }
    return body.position(0);
  }

  /** The errno (0 for success) of a request, or NO_REPLY; the payload is in {@link #reply}. */
  int call(int opcode, long node, ByteBuffer body) {
    int length = Fuse.IN_HEADER_BYTES + body.capacity();
    byte[] bytes = new byte[length];
    ByteBuffer request = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    request.putInt(length).putInt(opcode).putLong(++unique).putLong(node);
    request.putInt(uid).putInt(gid).putInt(1).putInt(0);
    request.put(body.duplicate().rewind());
    return raw(bytes, length);
  }

  /** Hands over bytes as they are. */
  int raw(byte[] bytes, int length) {
    error = NO_REPLY;
    MemorySegment.copy(
        bytes,
        0,
        worker.request.buffer,
        ValueLayout.JAVA_BYTE,
        Request.START,
        Math.min(bytes.length, Request.MAX_BYTES));
    worker.serve(length);
    return error;
  }

  ByteBuffer reply() {
    return ByteBuffer.wrap(lastReply).order(ByteOrder.nativeOrder());
  }

  @Override
  public int receive(MemorySegment buffer, long offset, int mostBytes) {
    return -Libc.ENODEV;
  }

  @Override
  public int send(IoVector pieces) {
    RuntimeException failure = sendFailure;
    if (failure != null) {
      sendFailure = null;
      throw failure;
    }
    if (piecesAnswer != 0) {
      return piecesAnswer;
    }
    MemorySegment whole = MemorySegment.ofArray(new byte[pieces.bytes()]);
    long at = 0;
    for (int i = 0; i < pieces.count(); i++) {
      // As the kernel finds them, by address.
      long length = pieces.array().getAtIndex(ValueLayout.JAVA_LONG, 2L * i + 1);
      MemorySegment piece = pieces.array().getAtIndex(ValueLayout.ADDRESS, 2L * i);
      MemorySegment.copy(piece.reinterpret(length), 0, whole, at, length);
      at += length;
    }
    piecesSent = pieces.count();
    return send(whole, 0, (int) at);
  }

  @Override
  public int send(MemorySegment buffer, long offset, int bytes) {
    ByteBuffer reply = body(bytes);
    MemorySegment.copy(
        buffer,
        ValueLayout.JAVA_BYTE,
        offset,
        MemorySegment.ofBuffer(reply),
        ValueLayout.JAVA_BYTE,
        0,
        bytes);
    if (bytes >= 16 && reply.getLong(8) == 0 && reply.getInt(4) > 0) {
      notifications.add(reply);
      return bytes;
    }
    int length = reply.getInt(0);
    int errno = -reply.getInt(4);
    if (length != bytes || errno < 0 || errno >= 512 || (errno != 0 && bytes != 16)) {
      throw new AssertionError("reply of " + bytes + " bytes says " + length + ", errno " + errno);
    }
    if (error != NO_REPLY) {
      throw new AssertionError("two replies to one request");
    }
    error = errno;
    lastReply = new byte[bytes - 16];
    reply.get(16, lastReply);
    return sendAnswer == 0 ? bytes : sendAnswer;
  }

  // Requests by name; each answers the errno, or what the text says

  int lookup(long directory, String name) {
    return call(Fuse.LOOKUP, directory, body(0, name));
  }

  /** Creates a file and answers its node. */
  long create(long directory, String name) {
    ByteBuffer body = body(16, name);
    body.putInt(0x42 | 0x80).putInt(0100644);
    int errno = call(Fuse.CREATE, directory, body);
    if (errno != 0) {
      throw new AssertionError("create " + name + ": errno " + errno);
    }
    return reply().getLong(0);
  }

  int mkdir(long directory, String name) {
    ByteBuffer body = body(8, name);
    body.putInt(0755);
    return call(Fuse.MKDIR, directory, body);
  }

  int write(long node, long offset, byte[] data) {
    ByteBuffer body = body(40 + data.length);
    body.putLong(0).putLong(offset).putInt(data.length).putInt(0);
    body.position(40).put(data);
    return call(Fuse.WRITE, node, body);
  }

  int read(long node, long offset, int size) {
    ByteBuffer body = body(40);
    body.putLong(0).putLong(offset).putInt(size);
    return call(Fuse.READ, node, body);
  }

  int unlink(long directory, String name) {
    return call(Fuse.UNLINK, directory, body(0, name));
  }

  int forget(long node, long count) {
    ByteBuffer body = body(8);
    body.putLong(count);
    return call(Fuse.FORGET, node, body);
  }

  int rename(long from, String name, long to, String newName, int flags) {
    ByteBuffer body = body(16, name, newName);
    body.putLong(to).putInt(flags);
    return call(Fuse.RENAME2, from, body);
  }

  int getattr(long node) {
    return call(Fuse.GETATTR, node, body(16));
  }

  /** All names of a directory, listed with {@code room} bytes at a time. */
  List<String> names(long directory, int room, boolean plus) {
    List<String> names = new ArrayList<>();
    long cookie = 0;
    while (true) {
      ByteBuffer body = body(40);
      body.putLong(0).putLong(cookie).putInt(room);
      int errno = call(plus ? Fuse.READDIRPLUS : Fuse.READDIR, directory, body);
      ByteBuffer reply = reply();
      if (errno != 0) {
        throw new AssertionError("readdir: errno " + errno);
      }
      if (reply.capacity() == 0) {
        return names;
      }
      int at = 0;
      while (at < reply.capacity()) {
        at += plus ? Fuse.ENTRY_OUT_BYTES : 0;
        cookie = reply.getLong(at + 8);
        byte[] name = new byte[reply.getInt(at + 16)];
        reply.get(at + 24, name);
        names.add(new String(name, StandardCharsets.UTF_8));
        at += (24 + name.length + 7) & ~7;
      }
    }
  }

  @Override
  public void close() {
    server.releaseAll();
    pool.close();
    env.close();
    arena.close();
  }
}
