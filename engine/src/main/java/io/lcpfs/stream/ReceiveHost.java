package io.lcpfs.stream;

import io.lcpfs.object.ObjectSet;
import java.util.List;

/** What a receiver needs of the rooms above. */
public interface ReceiveHost {
  /** What is wrong with objects that somebody else wrote, a line each; empty when nothing is. */
  List<String> problems(ObjectSet objects);

  /**
   * Ends the use of a dataset's files, which are about to become others.
   *
   * @param fullName of the dataset
   * @throws io.lcpfs.error.PoolException EBUSY when that cannot be
   */
  void beforeReplacing(String fullName);

  /** A dataset has got another snapshot. */
  void received(String fullName);
}
