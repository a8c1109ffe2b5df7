package io.lcpfs.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A source that has nothing to give at one chosen request, or from one on; counts what is out. */
public final class FailingMemorySource implements MemorySource {
  private final MemorySource source = new SystemMemorySource();
  private final AtomicLong requests = new AtomicLong();
  private final AtomicLong heldBytes = new AtomicLong();
  private final long failAt;
  private final boolean forEver;

  private FailingMemorySource(long failAt, boolean forEver) {
    this.failAt = failAt;
    this.forEver = forEver;
  }

  /** Never fails. */
  public static FailingMemorySource never() {
    return new FailingMemorySource(Long.MAX_VALUE, false);
  }

  /** Fails request {@code n} alone, counted from 1. */
  public static FailingMemorySource at(long n) {
    return new FailingMemorySource(n, false);
  }

  /** Fails request {@code n}, counted from 1, and all after it. */
  public static FailingMemorySource from(long n) {
    return new FailingMemorySource(n, true);
  }

  @Override
  public @Nullable MemorySegment acquire(long bytes, long alignmentBytes) {
    assertThat(bytes).isPositive();
    assertThat(bytes % (64 << 10)).isZero();
    long request = requests.incrementAndGet();
    if (request == failAt || (forEver && request > failAt)) {
      return null;
    }
    heldBytes.addAndGet(bytes);
    return source.acquire(bytes, alignmentBytes);
  }

  @Override
  public void release(MemorySegment chunk) {
    heldBytes.addAndGet(-chunk.byteSize());
    source.release(chunk);
  }

  /** How often memory was asked for. */
  public long requests() {
    return requests.get();
  }

  /** Bytes given and not yet taken back. */
  public long heldBytes() {
    return heldBytes.get();
  }
}
