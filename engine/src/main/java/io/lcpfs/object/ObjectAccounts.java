package io.lcpfs.object;

import io.lcpfs.format.ObjectType;

/**
 * Who keeps accounts of whose objects take how much of an object set. Told by the sync of each
 * group what it changes, and asked before something is made or written.
 */
public interface ObjectAccounts {
  /** Whose. */
  enum Owner {
    USER,
    GROUP,
    PROJECT
  }

  /**
   * An object changed in the group that is being written. By the sync task and its helpers.
   *
   * @param bonusBefore as of the group before; empty when there was no such object
   * @param bytesBefore its content on disk as of then: {@link Dnode#storedBytes}, and in a tail
   * @param bonusAfter empty when it is freed
   */
  void changed(
      ObjectType type, byte[] bonusBefore, long bytesBefore, byte[] bonusAfter, long bytesAfter);

  /** Told of the ZAP that a file system which is being made provides. */
  void made(long object);

  /** The object that the accounts of {@code txg} are written to, or 0. For the sync task. */
  long object(long txg);

  /** Writes down what the group changed, in the object set itself, in the same group. */
  void write(long txg);

  /** Whether a file system that is made now has to provide for accounts. */
  boolean isWanted();

  /**
   * Whether an owner has reached a quota as of the last group.
   *
   * @param objects the quota on the number of objects, not on bytes
   */
  boolean isFull(Owner owner, int id, boolean objects);

  /**
   * What an owner's quota leaves: as of the last group, without what {@link #given} told of since.
   *
   * @return bytes, 0 or fewer where it is reached; Long.MAX_VALUE without a quota
   */
  long roomBytes(Owner owner, int id);

  /**
   * Told of what a transaction gives a file of an owner by reference, of which there may be more in
   * one group than anybody can write.
   */
  void given(Owner owner, int id, long bytes, long txg);
}
