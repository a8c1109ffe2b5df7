package io.lcpfs.codec;

import static io.lcpfs.error.PoolException.corrupt;

/** The checksum algorithms, by their number on disk. */
public enum ChecksumType {
  /** No data checksum; refused for metadata. */
  OFF(0, "off"),
  BLAKE3(1, "blake3"),
  SHA256(2, "sha256"),
  /** Fast, not collision resistant: four 64-bit sums. */
  FLETCHER4(3, "fletcher4");

  private final int code;
  private final String propertyName;

  ChecksumType(int code, String propertyName) {
    this.code = code;
    this.propertyName = propertyName;
  }

  public int code() {
    return code;
  }

  /** What metadata is written with where data is written with this: never without a checksum. */
  public ChecksumType metadataType() {
    return this == OFF ? BLAKE3 : this;
  }

  public String propertyName() {
    return propertyName;
  }

  /** The algorithm of an on-disk number; Corrupt when there is none. */
  public static ChecksumType ofCode(int code) {
    return switch (code) {
      case 0 -> OFF;
      case 1 -> BLAKE3;
      case 2 -> SHA256;
      case 3 -> FLETCHER4;
      default -> throw corrupt("block_pointer.checksum", code);
    };
  }
}
