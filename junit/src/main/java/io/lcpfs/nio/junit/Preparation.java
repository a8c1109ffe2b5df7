package io.lcpfs.nio.junit;

import java.nio.file.Path;

/** Makes the files that tests begin with; see {@link PreparedBy}. */
@FunctionalInterface
public interface Preparation {
  /**
   * Makes them, once for all tests of a class.
   *
   * @param root the root directory of an empty file system
   * @throws Exception to fail all tests that would begin with them
   */
  void prepare(Path root) throws Exception;
}
