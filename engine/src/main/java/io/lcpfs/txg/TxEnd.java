package io.lcpfs.txg;

/** What is told when a transaction ends; see {@link Tx#attach}. */
public interface TxEnd {

  /**
   * The transaction ends now. It still holds its group, and its thread still the locks of what it
   * changed: so the order of these calls is the order of any two changes of the same thing. Must
   * not wait and cannot fail.
   */
  void ended(long txg);
}
