package io.lcpfs.pipeline;

import io.lcpfs.format.BlockPointer;
import java.util.List;

/**
 * Counts the references that blocks have beyond their first, made by cloning. A port: the pool's
 * table is behind it.
 */
public interface BlockReferences {

  /** Of a pool where no block can have more than one. */
  BlockReferences NONE =
      new BlockReferences() {
        @Override
        public int mayAdd(List<BlockPointer> pointers) {
          return 0;
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
        public void add(List<BlockPointer> pointers, long txg) {
          throw new AssertionError("a clone where none may be");
        }

        @Override
        public boolean release(BlockPointer pointer, long txg) {
          return false;
        }
      };

  /**
   * To how many of these stored blocks, from the first on, one more reference each can be counted;
   * asked before a transaction, which then has to take place in it. Reads what {@link #add} will
   * need.
   *
   * @throws io.lcpfs.error.PoolException ENOMEM
   */
  int mayAdd(List<BlockPointer> pointers);

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

  /**
   * Counts one more reference to each of these stored blocks in the group that is being written,
   * before anything is freed.
   */
  void add(List<BlockPointer> pointers, long txg);

  /**
   * A pointer to the block goes in the group that is being written.
   *
   * @return false when it was the only one: the block has to be freed
   */
  boolean release(BlockPointer pointer, long txg);
}
