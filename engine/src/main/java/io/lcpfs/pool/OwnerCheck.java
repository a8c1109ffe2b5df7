package io.lcpfs.pool;

import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.OwnerAccountRecord;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.object.TreeWalk;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Holds a dataset's accounts by user, group and project against a count of all its objects. */
final class OwnerCheck implements TreeWalk.Visitor {
  private final OwnerTotals totals = new OwnerTotals();
  private boolean damaged;

  private OwnerCheck() {}

  /**
   * What is wrong, a line each.
   *
   * @throws PoolException EIO when the accounts cannot be read
   */
  static List<String> check(CommittedView view, DatasetRecord dataset) {
    List<String> wrong = new ArrayList<>();
    if (dataset.objectSet().isHole()) {
      return wrong;
    }
    Map<String, OwnerAccountRecord> said =
        OwnerAccounts.read(view.objects(dataset), view.context().env());
    if (said == null) {
      return wrong;
    }
    Map<String, OwnerAccountRecord> found = count(view.context(), dataset.objectSet());
    if (found == null) {
      return wrong; // which is told elsewhere
    }
    TreeMap<String, OwnerAccountRecord> all = new TreeMap<>(said);
    found.forEach(all::putIfAbsent);
    for (String owner : all.keySet()) {
      OwnerAccountRecord is = said.get(owner);
      OwnerAccountRecord should = found.get(owner);
      if (is == null || !is.equals(should)) {
        wrong.add("the account of " + owner + " is " + text(is) + ", found " + text(should));
      }
    }
    return wrong;
  }

  /**
   * What the accounts of an object set should say; nobody may change it meanwhile.
   *
   * @return null when not all of it can be read
   */
  static @Nullable Map<String, OwnerAccountRecord> count(ObjectContext context, BlockPointer root) {
    OwnerCheck count = new OwnerCheck();
    new TreeWalk(context, count).dnodesOnly(root);
    if (count.damaged) {
      return null;
    }
    Map<String, OwnerAccountRecord> found = new TreeMap<>();
    count
        .totals
        .nonZero()
        .forEach((owner, sum) -> found.put(owner, new OwnerAccountRecord(sum[0], sum[1])));
    return found;
  }

  private static String text(@Nullable OwnerAccountRecord account) {
    return account == null
        ? "nothing"
        : account.bytes() + " bytes in " + account.objects() + " objects";
  }

  @Override
  public boolean block(long object, long blockId, BlockPointer pointer) {
    return true;
  }

  @Override
  public void object(long number, DnodeRecord dnode) {
    totals.add(dnode.type(), dnode.bonus(), dnode.storedBytes() + dnode.tailBytes(), 1);
  }

  @Override
  public void damaged(String where, String what) {
    damaged = true;
  }
}
