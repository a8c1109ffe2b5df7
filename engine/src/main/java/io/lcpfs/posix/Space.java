package io.lcpfs.posix;

/** How much room the file system has; the pool answers. All in bytes. */
public interface Space {
  /** For a file system over which nobody keeps accounts. */
  Space UNKNOWN =
      new Space() {
        @Override
        public long totalBytes() {
          return 0;
        }

        @Override
        public long freeBytes() {
          return 0;
        }

        @Override
        public long availableBytes() {
          return 0;
        }
      };

  long totalBytes();

  long freeBytes();

  /** What users may still write; at most {@link #freeBytes}. */
  long availableBytes();
}
