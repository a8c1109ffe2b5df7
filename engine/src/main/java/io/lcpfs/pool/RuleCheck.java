package io.lcpfs.pool;

import io.lcpfs.error.ByteCount;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;

/**
 * Whether a dataset can be given other rules of space, in bytes: what it uses must be within its
 * quotas, and what is kept for it must be there.
 *
 * @param name of the dataset, with the pool's
 * @param head what it refers to, but for what is its origin's
 * @param referenced what it refers to
 * @param snapshots what only its snapshots refer to
 * @param children what it is charged for its children
 * @param unique what of the head its snapshots have not
 * @param available what those above it still have for it
 */
record RuleCheck(
    String name,
    long head,
    long referenced,
    long snapshots,
    long children,
    long unique,
    long available) {

  private long used(SpaceRules rules) {
    long kept = Math.max(0, rules.refreservation() - unique);
    return SpaceLedger.sum(SpaceLedger.sum(head, snapshots), SpaceLedger.sum(kept, children));
  }

  private long charge(SpaceRules rules) {
    return Math.max(used(rules), rules.reservation());
  }

  /**
   * Refuses what cannot be; what was so before stays allowed.
   *
   * @throws PoolException ENOSPC with the reason and what would do
   */
  void refuse(SpaceRules old, SpaceRules next) {
    if (next.quota() != old.quota()) {
      atLeast(SpaceRules.QUOTA, next.quota(), used(next), "that it uses");
      atLeast(SpaceRules.QUOTA, next.quota(), next.reservation(), "of its reservation");
    }
    if (next.refquota() != old.refquota()) {
      atLeast(SpaceRules.REFQUOTA, next.refquota(), referenced, "that it refers to");
      atLeast(SpaceRules.REFQUOTA, next.refquota(), next.refreservation(), "of its refreservation");
    }
    if (next.reservation() > old.reservation()) {
      atMost(SpaceRules.RESERVATION, next.reservation(), next.quota(), SpaceRules.QUOTA);
    }
    if (next.refreservation() > old.refreservation()) {
      atMost(SpaceRules.REFRESERVATION, next.refreservation(), next.refquota(), "refquota");
      long most = next.quota() - (used(next) - Math.max(0, next.refreservation() - unique));
      if (next.quota() > 0 && used(next) > next.quota()) {
        throw refused(
            SpaceRules.REFRESERVATION,
            next.refreservation(),
            "is more than its quota leaves; give at most "
                + ByteCount.print(Math.max(0, most + unique))
                + ", or raise the quota first");
      }
    }
    long more = charge(next) - charge(old);
    if (more > 0 && more > available && keepsMore(old, next)) {
      boolean ref = next.refreservation() > old.refreservation();
      throw refused(
          ref ? SpaceRules.REFRESERVATION : SpaceRules.RESERVATION,
          ref ? next.refreservation() : next.reservation(),
          "is "
              + ByteCount.printEnough(more - available)
              + " more than is available; give less, free space, or raise the quota above");
    }
  }

  private static boolean keepsMore(SpaceRules old, SpaceRules next) {
    return next.reservation() > old.reservation() || next.refreservation() > old.refreservation();
  }

  private void atLeast(String rule, long value, long least, String what) {
    if (value > 0 && value < least) {
      throw refused(
          rule,
          value,
          "is less than the "
              + ByteCount.print(least)
              + " "
              + what
              + "; give at least "
              + ByteCount.printEnough(least));
    }
  }

  private void atMost(String rule, long value, long limit, String by) {
    if (limit > 0 && value > limit) {
      throw refused(
          rule,
          value,
          "is more than its " + by + " of " + ByteCount.print(limit) + "; raise that first");
    }
  }

  private PoolException refused(String rule, long value, String why) {
    return PoolException.refused(
        Errno.ENOSPC, rule + "=" + ByteCount.print(value) + " of " + name + " " + why);
  }
}
