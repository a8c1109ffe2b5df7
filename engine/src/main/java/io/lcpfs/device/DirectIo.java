package io.lcpfs.device;

/** Whether transfers bypass the kernel's page cache (O_DIRECT). */
public enum DirectIo {
  /** Where the file system and the block size allow it. */
  AUTO,
  /** Or opening fails with EINVAL. */
  ON,
  OFF
}
