package io.lcpfs.pool;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.codec.Compression;

/**
 * The effective properties of a dataset that the layers below the face act on.
 *
 * @param compression of data blocks
 * @param checksum of data blocks
 * @param recordBytes largest data block, a power of two, 512 to 16 MiB
 * @param copies of data blocks, 1 to 3
 * @param readOnly changes give EROFS
 */
public record DatasetPolicy(
    Compression compression, ChecksumType checksum, int recordBytes, int copies, boolean readOnly) {
  /** What a dataset has when nothing was set. */
  public static final DatasetPolicy DEFAULT =
      new DatasetPolicy(Compression.LZ4, ChecksumType.BLAKE3, 131_072, 1, false);
}
