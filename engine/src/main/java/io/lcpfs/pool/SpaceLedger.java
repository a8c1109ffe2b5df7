package io.lcpfs.pool;

import io.lcpfs.error.ByteCount;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.object.SpaceGate;
import io.lcpfs.txg.SpaceGrant;
import io.lcpfs.txg.TxgManager;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Who uses how much of the pool and may use how much: an account for each dataset, summed up the
 * tree as of the last group. A parent is charged for a child what the child uses, or what is
 * reserved for it if that is more. Nothing of this is on disk but the rules, which are properties,
 * and each dataset's own bytes.
 *
 * <p>A quota is reached when what is used and what is in flight amount to it; who comes before that
 * may pass it by what one transaction takes. What is in flight is an over-estimate, which is
 * corrected by syncing before anyone is refused. While no dataset has a rule about bytes, a
 * transaction costs no more than a look at that.
 *
 * <p>Its lock is a leaf.
 */
final class SpaceLedger {
  /** A dataset. Guarded by the ledger's lock but for what is in flight. */
  static final class Account {
    final long object;
    final InFlight inFlight = new InFlight();

    /** The last group in which something was given back that may not be on disk. */
    private volatile long freedTxg;

    private String path = "";
    private @Nullable Account parent;
    private SpaceRules rules = SpaceRules.NONE;
    private long head;
    private long referenced;
    private long snapshots;

    /** Of the head, born since the newest snapshot; known only where space is kept for it. */
    private long unique;

    private long children;

    Account(long object) {
      this.object = object;
    }

    private long keptForHead() {
      return Math.max(0, rules.refreservation() - unique);
    }

    long used() {
      return sum(sum(head, snapshots), sum(keptForHead(), children));
    }

    /** What its parent is charged. */
    private long charge() {
      return Math.max(used(), rules.reservation());
    }

    private String figures() {
      return String.join(
          " ",
          "/" + path,
          "head " + head,
          "referenced " + referenced,
          "snapshots " + snapshots,
          "kept " + keptForHead(),
          "children " + children,
          rules.toString());
    }

    private long keptUnused() {
      return Math.max(0, rules.reservation() - used());
    }
  }

  /** What is in flight may be replaced by what others take. */
  private static final int SYNCS_BEFORE_REFUSAL = 4;

  private final SpaceReserve pool;
  private final TxgManager txgs;
  private final Supplier<String> poolName;
  private final ReentrantLock lock = new ReentrantLock();
  private final TreeMap<Long, Account> accounts = new TreeMap<>();
  private @Nullable Account root;

  /** What all datasets and their snapshots take. */
  private long stored;

  /** Whether some dataset has a rule about bytes. */
  private volatile boolean ruled;

  /**
   * @param poolName for messages
   */
  SpaceLedger(SpaceReserve pool, TxgManager txgs, Supplier<String> poolName) {
    this.pool = pool;
    this.txgs = txgs;
    this.poolName = poolName;
  }

  /** A sum of what is not negative; numbers from disk may be anything. */
  static long sum(long a, long b) {
    long sum = a + b;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }

  // ---- what there is

  /**
   * A dataset as read from the pool.
   *
   * @param parent its parent's object, 0 of the root
   * @param head what it refers to, but for what is its origin's
   * @param referenced what it refers to
   * @param unique see {@link OpenDataset#uniqueBytes}; used where space is kept for the head only
   */
  record Entry(
      long object,
      long parent,
      String path,
      SpaceRules rules,
      long head,
      long referenced,
      long snapshots,
      long unique) {}

  /** Begins anew with these datasets, parents first; what is in flight stays. */
  void replaceAll(List<Entry> entries) {
    lock.lock();
    try {
      TreeMap<Long, Account> before = new TreeMap<>(accounts);
      accounts.clear();
      for (Entry entry : entries) {
        put(entry, before.get(entry.object));
      }
      recompute();
    } finally {
      lock.unlock();
    }
  }

  private void put(Entry entry, @Nullable Account known) {
    Account account = known == null ? new Account(entry.object) : known;
    account.path = entry.path;
    account.parent = accounts.get(entry.parent);
    account.rules = entry.rules;
    account.head = Math.max(0, entry.head);
    account.referenced = Math.max(0, entry.referenced);
    account.snapshots = Math.max(0, entry.snapshots);
    account.unique = Math.max(0, entry.unique);
    accounts.put(entry.object, account);
  }

  /** Enters a new dataset. */
  void add(Entry entry) {
    lock.lock();
    try {
      put(entry, null);
      recompute();
    } finally {
      lock.unlock();
    }
  }

  /** Forgets a dataset without children. */
  void remove(long object) {
    lock.lock();
    try {
      accounts.remove(object);
      recompute();
    } finally {
      lock.unlock();
    }
  }

  /** Puts a dataset with all below it elsewhere. */
  void move(long object, long parent, String path) {
    lock.lock();
    try {
      Account account = account(object);
      String from = account.path;
      for (Account one : accounts.values()) {
        if (one.path.equals(from) || one.path.startsWith(from + "/")) {
          one.path = path + one.path.substring(from.length());
        }
      }
      account.parent = account(parent);
      recompute();
    } finally {
      lock.unlock();
    }
  }

  /** All sums anew. Caller holds the lock. */
  private void recompute() {
    List<Account> sorted = new ArrayList<>(accounts.values());
    sorted.sort(Comparator.comparing((Account account) -> account.path).reversed());
    stored = 0;
    root = null;
    sorted.forEach(account -> account.children = 0);
    // A path is before those below it, so from the end each is whole when it is charged for.
    for (Account account : sorted) {
      stored = sum(stored, sum(account.head, account.snapshots));
      Account parent = account.parent;
      if (parent == null) {
        root = account;
      } else {
        parent.children = sum(parent.children, account.charge());
      }
    }
    ruled = sorted.stream().anyMatch(account -> account.rules.aboutBytes());
  }

  private Account account(long object) {
    Account account = accounts.get(object);
    if (account == null) {
      throw PoolException.refused(
          Errno.EIO, "the space of object " + object + " is not known; see 'lcpfs pool verify'");
    }
    return account;
  }

  /**
   * Takes over what a group made of a dataset, and what those above it are charged then. Caller
   * holds the lock.
   */
  private void update(Account account, DatasetRecord now, long unique) {
    long head = Math.max(0, now.usedBytes() - now.heritage().inheritedBytes());
    if (account.head == head
        && account.referenced == now.usedBytes()
        && account.snapshots == now.snapshots().storedBytes()
        && account.unique == unique) {
      return;
    }
    List<Account> path = new ArrayList<>();
    List<Long> before = new ArrayList<>();
    for (Account at = account; at != null; at = at.parent) {
      path.add(at);
      before.add(at.charge());
    }
    long was = sum(account.head, account.snapshots);
    account.head = head;
    account.referenced = Math.max(0, now.usedBytes());
    account.snapshots = Math.max(0, now.snapshots().storedBytes());
    account.unique = Math.max(0, unique);
    stored = Math.max(0, sum(stored, sum(account.head, account.snapshots) - was));
    for (int i = 1; i < path.size(); i++) {
      long delta = path.get(i - 1).charge() - before.get(i - 1);
      if (delta == 0) {
        return;
      }
      path.get(i).children = Math.max(0, sum(path.get(i).children, delta));
    }
  }

  /** The rules of a dataset. */
  SpaceRules rules(long object) {
    lock.lock();
    try {
      return account(object).rules;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives a dataset other rules.
   *
   * @param uniqueBytes as of now; used where space is kept for the head only
   */
  void setRules(long object, SpaceRules rules, long uniqueBytes) {
    lock.lock();
    try {
      Account account = account(object);
      account.rules = rules;
      account.unique = Math.max(0, uniqueBytes);
      recompute();
    } finally {
      lock.unlock();
    }
  }

  /** Takes over what {@code txg} made of the datasets; it is on disk. For the sync task. */
  void groupSynced(long txg, Collection<OpenDataset> datasets) {
    TreeMap<Long, Long> unique = new TreeMap<>();
    if (ruled) {
      for (OpenDataset dataset : datasets) {
        if (keepsForHead(dataset.object())) {
          unique.put(dataset.object(), dataset.uniqueBytes());
        }
      }
    }
    lock.lock();
    try {
      for (OpenDataset dataset : datasets) {
        Account account = accounts.get(dataset.object());
        if (account != null) {
          Long known = unique.get(dataset.object());
          update(account, dataset.record(), known == null ? 0 : known);
        }
      }
      accounts.values().forEach(account -> account.inFlight.groupSynced(txg));
    } finally {
      lock.unlock();
    }
  }

  private boolean keepsForHead(long object) {
    lock.lock();
    try {
      Account account = accounts.get(object);
      return account != null && account.rules.refreservation() > 0;
    } finally {
      lock.unlock();
    }
  }

  /** Tells where the accounts are not what these datasets amount to. */
  void compare(List<Entry> entries, List<VerifyReport.Finding> findings) {
    SpaceLedger fresh = new SpaceLedger(pool, txgs, poolName);
    fresh.replaceAll(entries);
    lock.lock();
    try {
      for (Account is : accounts.values()) {
        Account should = fresh.accounts.get(is.object);
        String found = should == null ? "no such dataset" : should.figures();
        if (!is.figures().equals(found)) {
          findings.add(
              new VerifyReport.Finding(
                  "LedgerCheck", fullName(is.path), "has " + is.figures() + ", found " + found));
        }
      }
      for (Account should : fresh.accounts.values()) {
        if (!accounts.containsKey(should.object)) {
          findings.add(
              new VerifyReport.Finding("LedgerCheck", fullName(should.path), "has no account"));
        }
      }
      if (stored != fresh.stored) {
        findings.add(
            new VerifyReport.Finding(
                "LedgerCheck", "all datasets", "store " + stored + ", found " + fresh.stored));
      }
    } finally {
      lock.unlock();
    }
  }

  // ---- answers

  SpaceInfo info(long object) {
    lock.lock();
    try {
      Account account = account(object);
      return new SpaceInfo(
          account.head,
          account.referenced,
          account.snapshots,
          account.keptForHead(),
          account.children,
          available(account));
    } finally {
      lock.unlock();
    }
  }

  private long available(Account account) {
    long bytes = sum(availableToAll(account), account.keptForHead());
    long refquota = account.rules.refquota();
    return refquota > 0 ? Math.min(bytes, Math.max(0, refquota - account.referenced)) : bytes;
  }

  /** What a dataset with all that belongs to it can still grow by. */
  long availableToAll(long object) {
    lock.lock();
    try {
      return availableToAll(account(object));
    } finally {
      lock.unlock();
    }
  }

  private long availableToAll(Account account) {
    Account parent = account.parent;
    long bytes =
        parent == null
            ? Math.max(0, pool.availableBytes() - kept())
            : sum(availableToAll(parent), account.keptUnused());
    long quota = account.rules.quota();
    return quota > 0 ? Math.min(bytes, Math.max(0, quota - account.used())) : bytes;
  }

  /** What is kept for datasets and not used by them. Caller holds the lock. */
  private long kept() {
    Account all = root;
    return !ruled || all == null ? 0 : Math.max(0, all.used() - stored);
  }

  /** What is kept for others than this dataset. */
  private long keptForOthers(Account account) {
    lock.lock();
    try {
      long own = account.keptForHead();
      for (Account at = account; at.parent != null; at = at.parent) {
        own = sum(own, at.keptUnused());
      }
      return Math.max(0, kept() - own);
    } finally {
      lock.unlock();
    }
  }

  /** Datasets below this one. */
  long countBelow(long object) {
    return below(object).size() - 1L;
  }

  /** This dataset and those below it. */
  List<Long> below(long object) {
    lock.lock();
    try {
      Account top = account(object);
      List<Long> found = new ArrayList<>();
      for (Account account : accounts.values()) {
        Account at = account;
        while (at != null && at != top) {
          at = at.parent;
        }
        if (at == top) {
          found.add(account.object);
        }
      }
      return found;
    } finally {
      lock.unlock();
    }
  }

  /** The dataset and those above it, up to the root. */
  List<Long> upwards(long object) {
    lock.lock();
    try {
      List<Long> path = new ArrayList<>();
      for (Account at = account(object); at != null; at = at.parent) {
        path.add(at.object);
      }
      return path;
    } finally {
      lock.unlock();
    }
  }

  String path(long object) {
    lock.lock();
    try {
      return account(object).path;
    } finally {
      lock.unlock();
    }
  }

  /** What its parent is charged for a dataset. */
  long charge(long object) {
    lock.lock();
    try {
      return account(object).charge();
    } finally {
      lock.unlock();
    }
  }

  // ---- the gate

  /** Admits the transactions of one dataset. */
  SpaceGate gate(long object) {
    return (bytes, shared, use) -> admit(object, bytes, shared, use);
  }

  /** Admits what is charged to nobody yet, beside what is kept for others than a dataset. */
  SpaceGate gateBeside(long object) {
    return (bytes, shared, use) ->
        ruled
            ? pool.admit(bytes, use, () -> keptForOthers(object))
            : pool.admit(bytes, shared, use);
  }

  private long keptForOthers(long object) {
    lock.lock();
    try {
      Account own = accounts.get(object);
      return own == null ? kept() : keptForOthers(own);
    } finally {
      lock.unlock();
    }
  }

  private SpaceGrant admit(long object, long bytes, long shared, SpaceGate.Use use) {
    if (!ruled) {
      return pool.admit(bytes, shared, use);
    }
    List<Account> path =
        use == SpaceGate.Use.GROW ? promise(object, bytes, shared, true) : accountsUp(object);
    if (path.isEmpty()) {
      return pool.admit(bytes, shared, use); // on its way out
    }
    boolean counted = use == SpaceGate.Use.GROW;
    SpaceGrant below = null;
    try {
      Account own = path.getFirst();
      below = pool.admit(bytes, use, () -> keptForOthers(own));
    } finally {
      if (below == null && counted) {
        path.forEach(account -> account.inFlight.cancel(bytes + shared));
      }
    }
    return new Grant(path, counted, bytes + shared, below);
  }

  private List<Account> accountsUp(long object) {
    lock.lock();
    try {
      List<Account> path = new ArrayList<>();
      for (Account at = accounts.get(object); at != null; at = at.parent) {
        path.add(at);
      }
      return path;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Promises bytes to a dataset and all above it; none of one that is destroyed.
   *
   * @param shared of blocks that others have too; they are promised as well
   * @param head whether they are its own, and not those of a child
   */
  private List<Account> promise(long object, long bytes, long shared, boolean head) {
    for (int attempt = 0; ; attempt++) {
      lock.lock();
      try {
        Account own = accounts.get(object);
        if (own == null) {
          return List.of();
        }
        List<Account> path = accountsUp(object);
        PoolException refusal =
            head ? refusal(own, bytes, shared) : refusal(own, own.inFlight.bytes(), bytes, 0);
        if (refusal == null) {
          path.forEach(account -> account.inFlight.promise(bytes + shared));
          return path;
        }
        long onDisk = txgs.syncedTxg();
        boolean mayCome =
            path.stream().anyMatch(a -> a.inFlight.bytes() > 0 || a.freedTxg > onDisk);
        if (attempt == SYNCS_BEFORE_REFUSAL || !mayCome) {
          throw refusal;
        }
      } finally {
        lock.unlock();
      }
      txgs.sync();
    }
  }

  /** Why a dataset may not take more, or null. Caller holds the lock. */
  private @Nullable PoolException refusal(Account own, long bytes, long shared) {
    SpaceRules rules = own.rules;
    long flying = own.inFlight.bytes();
    long whole = whole(shared);
    if (rules.refquota() > 0 && isOver(own.referenced, flying, whole, rules.refquota())) {
      return reached(own, SpaceRules.REFQUOTA, own.referenced, rules.refquota());
    }
    if (rules.refreservation() > 0
        && own.unique + flying + bytes + shared <= rules.refreservation()) {
      return null; // charged already
    }
    // What was kept for the head takes up some of what is in flight.
    long kept = own.keptForHead();
    PoolException refusal = refusal(own, Math.max(0, flying - kept), bytes + shared, 0);
    return refusal != null || whole == 0
        ? refusal
        : refusal(own, Math.max(0, flying + whole - kept), bytes, whole);
  }

  /** What has to fit as a whole. A smaller piece may pass a quota, as a write may. */
  private static long whole(long shared) {
    return shared > SpaceGate.ONE_WRITE_BYTES ? shared : 0;
  }

  private static boolean isOver(long used, long flying, long whole, long limit) {
    return sum(used, flying) >= limit || (whole > 0 && sum(used, sum(flying, whole)) > limit);
  }

  /**
   * As {@link #refusal(Account, long, long)}, for what the quotas of a dataset and above it count.
   *
   * @param flying what is in flight and will be charged, what has to fit as a whole included
   * @param whole whether something has to fit as a whole: not 0
   */
  private @Nullable PoolException refusal(Account own, long flying, long bytes, long whole) {
    long growth = flying;
    for (Account at = own; at != null; at = at.parent) {
      long used = at.used();
      long quota = at.rules.quota();
      if (quota > 0 && (whole > 0 ? sum(used, growth) > quota : sum(used, growth) >= quota)) {
        return reached(at, SpaceRules.QUOTA, used, quota);
      }
      long reserved = at.rules.reservation();
      if (reserved > 0 && sum(used, growth + bytes) <= reserved) {
        return null; // charged already to all above
      }
      Account parent = at.parent;
      if (parent != null) {
        long charged = Math.max(0, growth - at.keptUnused());
        growth = Math.max(0, parent.inFlight.bytes() - at.inFlight.bytes()) + charged;
      }
    }
    return null;
  }

  private PoolException reached(Account account, String rule, long used, long limit) {
    String name = fullName(account.path);
    return PoolException.refused(
        Errno.EDQUOT,
        rule
            + " of "
            + name
            + " is reached: "
            + ByteCount.print(used)
            + " of "
            + ByteCount.print(limit)
            + " are used; delete files"
            + (rule.equals(SpaceRules.QUOTA) ? " or snapshots" : "")
            + ", or raise it with 'lcpfs fs set "
            + rule
            + "=SIZE "
            + name
            + "'");
  }

  /** A dataset's name with the pool's. */
  String fullName(String path) {
    String name = poolName.get();
    return path.isEmpty() ? name : name + "/" + path;
  }

  /** Refuses where a dataset may have no more children; waits for groups. */
  void refuseFull(long object) {
    if (ruled) {
      promise(object, 0, 0, false);
    }
  }

  /** A promise of space, by the pool and by the accounts that are charged. */
  private record Grant(List<Account> path, boolean counted, long bytes, SpaceGrant below)
      implements SpaceGrant {
    @Override
    public void settle(long txg, long usedBytes, long sharedBytes) {
      for (Account account : path) {
        if (counted) {
          account.inFlight.settle(txg, bytes, usedBytes + sharedBytes);
        } else {
          account.freedTxg = txg;
        }
      }
      below.settle(txg, usedBytes, sharedBytes);
    }

    @Override
    public void cancel() {
      if (counted) {
        path.forEach(account -> account.inFlight.cancel(bytes));
      }
      below.cancel();
    }
  }
}
