package io.lcpfs.fuse;

import java.lang.foreign.MemorySegment;

/**
 * Where requests come from and replies go to, a message at a time. Safe from many threads. Answers
 * are as the kernel's: a count of bytes, or the negative errno.
 */
interface FuseChannel {

  /**
   * Waits for a request and reads it.
   *
   * @return its bytes, or a negative errno; ENODEV when the file system was unmounted
   */
  int receive(MemorySegment buffer, long offset, int mostBytes);

  /** Sends a reply or a notification. */
  int send(MemorySegment buffer, long offset, int bytes);

  /** As {@link #send(MemorySegment, long, int)}, for a reply in pieces, which are one message. */
  int send(IoVector pieces);
}
