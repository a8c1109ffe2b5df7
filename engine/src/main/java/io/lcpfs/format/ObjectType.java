package io.lcpfs.format;

import static io.lcpfs.error.PoolException.corrupt;

/** What an object or a block holds, by its number on disk. */
public enum ObjectType {
  NONE(0, false),
  /** The root block of an object set. */
  OBJECT_SET(1, true),
  /** Blocks of dnodes. */
  DNODE(2, true),
  /** Small data of 32 neighbouring objects in one block. */
  TAILS(3, false),
  /** Small metadata of 32 neighbouring objects in one block. */
  META_TAILS(4, true),
  FILE(5, false),
  DIRECTORY(6, true),
  SYMLINK(7, true),
  /** fifo, socket, character and block nodes: no data. */
  SPECIAL(8, true),
  XATTRS(9, true),
  ZAP(10, true),
  SPACE_MAP(11, true),
  DATASET(12, true),
  HISTORY(13, true),
  ERROR_LOG(14, true),
  VOLUME(15, false),
  INTENT_LOG(16, true),
  GANG_HEADER(17, true),
  DEADLIST(18, true),
  SNAPSHOT(19, true),
  BLOCK_REFERENCES(20, true);

  private static final ObjectType[] BY_CODE = values();

  private final int code;
  private final boolean metadata;

  ObjectType(int code, boolean metadata) {
    this.code = code;
    this.metadata = metadata;
  }

  public int code() {
    return code;
  }

  /** Whether blocks of this type are kept in two copies at least. */
  public boolean isMetadata() {
    return metadata;
  }

  /**
   * Whether a data block of this type that is all zeros is left out, and a tiny one kept in the
   * pointer to it. Indirect blocks never are.
   */
  public boolean mayVanish() {
    return switch (this) {
      case FILE, VOLUME, XATTRS, DIRECTORY, ZAP -> true;
      default -> false;
    };
  }

  /** The type of an on-disk number; Corrupt, naming {@code field}, when there is none. */
  public static ObjectType ofCode(int code, String field) {
    if (code >= BY_CODE.length) {
      throw corrupt(field, code);
    }
    return BY_CODE[code];
  }
}
