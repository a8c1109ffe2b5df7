package io.lcpfs.object;

import io.lcpfs.format.ObjectType;
import io.lcpfs.txg.TxEnd;
import java.lang.foreign.MemorySegment;

/**
 * The changes of one transaction, told in order, each after it was made. Whoever changes blocks one
 * by one ({@link BlockObject}) tells here what that amounts to.
 */
public interface ChangeRecord extends TxEnd {
  void created(long object, ObjectType type, int blockBytes);

  void freed(long object);

  void bonusSet(long object, byte[] bonus);

  /**
   * Content was written, as by {@link Dnode#write}. The source stays as it is until the transaction
   * ends.
   */
  void written(
      long object,
      long offsetBytes,
      MemorySegment source,
      long sourceOffset,
      long length,
      int maxBlockBytes);

  void rangeFreed(long object, long offsetBytes, long length);

  void zapCreated(long object, long salt0, long salt1);

  void zapPut(long object, byte[] name, byte[] value);

  void zapRemoved(long object, byte[] name);

  /** A change was made in part only, or could not be told: nothing of this counts. */
  void spoilt();
}
