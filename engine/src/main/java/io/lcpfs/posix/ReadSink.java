package io.lcpfs.posix;

/** Takes what {@link FileHandle#readTo} read. */
@FunctionalInterface
public interface ReadSink {

  /**
   * Takes all bytes of the slices, which are the file system's again when this returns. Called with
   * the file locked against writers: it must not call the file system, nor wait for anybody who
   * does.
   */
  void accept(ReadSlices slices);
}
