package io.lcpfs.fuse;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The kernel's end: an open /dev/fuse. */
final class DeviceChannel implements FuseChannel {
  private static final ThreadLocal<MemorySegment> STATE =
      ThreadLocal.withInitial(() -> Libc.state(Arena.ofAuto()));

  private final int fd;

  DeviceChannel(int fd) {
    this.fd = fd;
  }

  @Override
  public int receive(MemorySegment buffer, long offset, int mostBytes) {
    return (int) Libc.read(fd, buffer.asSlice(offset, mostBytes), mostBytes, STATE.get());
  }

  @Override
  public int send(MemorySegment buffer, long offset, int bytes) {
    return (int) Libc.write(fd, buffer.asSlice(offset, bytes), bytes, STATE.get());
  }

  @Override
  public int send(IoVector pieces) {
    return (int) Libc.writev(fd, pieces.array(), pieces.count(), STATE.get());
  }

  /** To be called once, when no thread receives any more. */
  void close() {
    Libc.close(fd);
  }
}
