package io.lcpfs.pipeline;

import io.lcpfs.format.BlockPointer;

/**
 * Counts the references that blocks have beyond their first, made by cloning. A port: the pool's
 * table is behind it.
 */
public interface BlockReferences {

  /** Of a pool where no block can have more than one. */
  BlockReferences NONE =
      new BlockReferences() {
        @Override
        public boolean mayAdd(BlockPointer pointer) {
          return false;
        }

        @Override
        public boolean isShared(BlockPointer pointer) {
          return false;
        }

        @Override
        public long costOfAdding(BlockPointer pointer, BlockPointer before) {
          return 0;
        }

        @Override
        public void add(BlockPointer pointer, long txg) {
          throw new AssertionError("a clone where none may be");
        }

        @Override
        public boolean release(BlockPointer pointer, long txg) {
          return false;
        }
      };

  /**
   * Whether one more reference to a stored block can be counted; asked before a transaction, which
   * then has to take place in it. Reads what {@link #add} will need.
   *
   * @throws io.lcpfs.error.PoolException ENOMEM
   */
  boolean mayAdd(BlockPointer pointer);

  /**
   * Whether a stored block has further references, or may have, as the table cannot be read.
   *
   * @throws io.lcpfs.error.PoolException ENOMEM
   */
  boolean isShared(BlockPointer pointer);

  /**
   * A bound on the bytes that the table takes on disk for one more reference, when it also gets one
   * for {@code before}.
   */
  long costOfAdding(BlockPointer pointer, BlockPointer before);

  /** Counts one more reference in the group that is being written, before anything is freed. */
  void add(BlockPointer pointer, long txg);

  /**
   * A pointer to the block goes in the group that is being written.
   *
   * @return false when it was the only one: the block has to be freed
   */
  boolean release(BlockPointer pointer, long txg);
}
