package io.lcpfs.intent;

import io.lcpfs.format.IntentLogRecord;
import io.lcpfs.txg.TxgManager;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Where batches go: one behind the other in a segment, then on in the next, round and round. A
 * segment is written over when nothing in it is needed any more: when what {@link #headFor} said of
 * the start is on disk, and lies behind it. Not safe from several threads: the log's lock guards
 * it.
 */
final class LogRing {

  /** A batch's place. */
  record Place(long sequence, int segment, int offset, long maxTxg) {}

  static final Place NOWHERE = new Place(0, -1, 0, 0);

  private final IntentLogRecord base;
  private final int sectorBytes;

  /** Batches that an import would read, oldest first. */
  private final ArrayDeque<Place> live = new ArrayDeque<>();

  /** By group: the first sequence that the head written with it names; 0 when none was. */
  private final long[] headSequence = new long[TxgManager.IN_FLIGHT];

  private int segment;
  private int offset;
  private long sequence;
  private long headTxg;

  /**
   * @param base an empty log
   */
  LogRing(IntentLogRecord base, int sectorBytes) {
    this.base = base;
    this.sectorBytes = sectorBytes;
    this.segment = base.startSegment();
    this.offset = base.startOffset();
    this.sequence = base.sequence();
    this.headTxg = base.baseTxg();
  }

  IntentLogRecord base() {
    return base;
  }

  /** Takes room for a batch; null while the next segment is still needed. */
  @Nullable Place take(int contentBytes, long maxTxg) {
    int bytes = Math.ceilDiv(contentBytes, sectorBytes) * sectorBytes;
    int at = offset;
    int in = segment;
    if (bytes > base.segmentBytes() - at) {
      in = (in + 1) % base.segments().size();
      at = 0;
      if (isLive(in)) {
        return null;
      }
    }
    Place place = new Place(sequence++, in, at, maxTxg);
    segment = in;
    offset = at + bytes;
    live.add(place);
    return place;
  }

  private boolean isLive(int index) {
    return live.stream().anyMatch(place -> place.segment == index);
  }

  /** Whether more than half of the ring is needed. */
  boolean isHalfFull() {
    Place first = live.peekFirst();
    if (first == null) {
      return false;
    }
    int count = base.segments().size();
    return Math.floorMod(segment - first.segment, count) >= count / 2;
  }

  /** Whether a batch has gone back to the first segment. */
  boolean hasWrapped(Place place) {
    return place.segment == 0 && place.offset == 0 && place.sequence > 1;
  }

  /** The log's head as it goes to disk with {@code txg}. */
  IntentLogRecord headFor(long txg) {
    for (Place place : live) {
      if (place.maxTxg > txg) {
        return head(txg, place.sequence, place.segment, place.offset);
      }
    }
    return head(txg, sequence, segment, offset);
  }

  private IntentLogRecord head(long txg, long first, int in, int at) {
    headSequence[(int) txg & TxgManager.MASK] = first;
    return base.startingAt(txg, first, in, at, 0, 0);
  }

  /** The group that the head which is on disk was written with. */
  long headTxg() {
    return headTxg;
  }

  /** {@code txg} is on disk: what its head leaves out is not needed any more. */
  void groupSynced(long txg) {
    int slot = (int) txg & TxgManager.MASK;
    long first = headSequence[slot];
    headSequence[slot] = 0;
    if (first > 0) {
      headTxg = txg;
    }
    while (!live.isEmpty() && live.getFirst().sequence < first) {
      live.removeFirst();
    }
  }
}
