package io.lcpfs.object;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Compression;
import io.lcpfs.format.DnodeRecord;

/**
 * How new blocks of an object set are written; may change while it is open.
 *
 * @param dataCopies copies of data blocks, 1 to 3; metadata gets one more, up to 3
 * @param metadataCopies copies of metadata blocks
 * @param useTails whether small contents are packed into tail blocks
 */
public record ObjectSetOptions(
    Compression compression,
    ChecksumType checksum,
    int dataCopies,
    int metadataCopies,
    boolean useTails) {

  /**
   * log2 of an indirect block of the pool's own objects: these are written with every group, in
   * three copies and uncompressed, so that small ones pay.
   */
  private static final int META_INDIRECT_SHIFT = 12;

  /** log2 of the bytes of a new object's indirect blocks. */
  int indirectShift() {
    return useTails ? DnodeRecord.DEFAULT_INDIRECT_SHIFT : META_INDIRECT_SHIFT;
  }

  /** What a new dataset has. */
  public static final ObjectSetOptions DEFAULT =
      new ObjectSetOptions(Compression.LZ4, ChecksumType.BLAKE3, 1, 2, true);

  /** The pool's own objects: three copies, no tails. */
  public static final ObjectSetOptions META =
      new ObjectSetOptions(Compression.LZ4, ChecksumType.BLAKE3, 3, 3, false);
}
