package io.lcpfs.device;

/** What a device is opened for, and what others may do with it meanwhile. */
public enum OpenMode {
  /** Reading without any claim, to look who it belongs to; others may be writing. */
  PROBE,
  /** Reading; others may read too, nobody may write. */
  READ_ONLY,
  /** Reading and writing; nobody else may have it open but to probe. */
  READ_WRITE
}
