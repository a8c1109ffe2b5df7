package io.lcpfs.object;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Compression;

/**
 * How new blocks of an object set are written; may change while it is open.
 *
 * @param dataCopies copies of data blocks, 1 to 3; metadata gets one more, up to 3
 * @param metadataCopies copies of metadata blocks
 * @param useTails whether small contents are packed into tail blocks
 */
public record ObjectSetOptions(Compression compression, ChecksumType checksum, int dataCopies,
    int metadataCopies, boolean useTails) {

  /** What a new dataset has. */
  public static final ObjectSetOptions DEFAULT =
      new ObjectSetOptions(Compression.LZ4, ChecksumType.BLAKE3, 1, 2, true);

  /** The pool's own objects: three copies, no tails. */
  public static final ObjectSetOptions META =
      new ObjectSetOptions(Compression.LZ4, ChecksumType.BLAKE3, 3, 3, false);
}
