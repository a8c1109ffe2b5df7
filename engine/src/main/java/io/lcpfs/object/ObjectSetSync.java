package io.lcpfs.object;

import io.lcpfs.codec.ChecksumType;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.Task;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import io.lcpfs.pipeline.BlockIo;
import io.lcpfs.pipeline.WriteSpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Writes what one transaction group changed in one object set. The steps, in order: {@link
 * #writeObjects} (freed ranges, data blocks in parallel, indirect blocks), then {@link #writeRoot}
 * (tail blocks and blocks of dnodes in parallel, their trees, the root block), and after everything
 * is on disk {@link #finish}. The pool's own object set replaces the second step by {@link
 * MetaSync}.
 */
public final class ObjectSetSync {
  private static final byte[] NO_BONUS = {};
  private static final int BLOCKS_PER_JOB = 16;
  private static final long BYTES_PER_JOB = 1 << 20;
  private static final int GROUPS_PER_JOB = 8;

  /** One object's part in this sync. */
  static final class Changed {
    final Dnode dnode;
    final Pending pending;
    final TreeWriter tree;

    /** Content that goes to the tail block, when it changed and fits. */
    Dbuf.@Nullable Version tailContent;

    int tailLength;
    boolean removeTail;

    /** Whether it was, or would be, in a tail block that is lost. */
    boolean leftTail;

    /** As of the group before. */
    final byte[] bonusBefore;

    final long bytesBefore;

    /** Caller holds the dnode's lock. */
    Changed(Dnode dnode, Pending pending, TreeWriter tree) {
      this.dnode = dnode;
      this.pending = pending;
      this.tree = tree;
      this.bonusBefore = dnode.syncedBonus;
      this.bytesBefore = dnode.storedBytes + dnode.tailBytes;
    }

    /** What will be on disk of its content. */
    long bytesAfter() {
      if (pending.freed) {
        return 0;
      }
      int inTail = removeTail ? 0 : tailContent == null ? dnode.tailBytes : tailLength;
      return dnode.storedBytes + inTail;
    }

    private boolean concernsTail() {
      return tailContent != null || removeTail;
    }

    private long group() {
      return dnode.number() / TailRecord.SLOTS;
    }

    byte[] bonusAfter() {
      return pending.freed ? NO_BONUS : dnode.syncedBonus;
    }
  }

  /** A data block on its way. */
  private record DataWrite(Changed owner, Dbuf dbuf, Dbuf.Version version) {}

  private final ObjectSet objectSet;
  private final long txg;
  private final ObjectSetOptions options;
  private final BlockIo io;
  private final Env env;
  private final List<Changed> changed = new ArrayList<>();
  private final List<Dbuf> heldInSync = new ArrayList<>();
  private final List<Slab> slabsInSync = new ArrayList<>();
  private final TreeWriter dnodesTree;
  private final TreeWriter tailsTree;
  private final TreeWriter metaTailsTree;
  private final OldTails oldTails;

  ObjectSetSync(ObjectSet objectSet, long txg) {
    this.objectSet = objectSet;
    this.txg = txg;
    this.options = objectSet.options();
    this.io = objectSet.context().io();
    this.env = objectSet.context().env();
    this.dnodesTree = new TreeWriter(objectSet.dnodes(), txg);
    this.tailsTree = new TreeWriter(objectSet.tails(), txg);
    this.metaTailsTree = new TreeWriter(objectSet.metaTails(), txg);
    this.oldTails = new OldTails(objectSet);
  }

  long txg() {
    return txg;
  }

  ObjectSet objectSet() {
    return objectSet;
  }

  TreeWriter dnodesTree() {
    return dnodesTree;
  }

  List<Changed> changed() {
    return changed;
  }

  /** Frees, data blocks and indirect blocks of all changed objects. */
  public void writeObjects() {
    List<Changed> byUsers = takeChanged();
    ObjectAccounts accounts = byUsers.isEmpty() ? null : objectSet.accounts();
    if (accounts == null) {
      writeObjects(byUsers);
    } else {
      // Who made the accounts may have done so in this group: they come last.
      long object = accounts.object(txg);
      List<Changed> last =
          byUsers.stream().filter(change -> change.dnode.number() == object).toList();
      byUsers.removeAll(last);
      writeObjects(byUsers);
      for (Changed change : byUsers) {
        accounts.changed(
            change.dnode.type(),
            change.bonusBefore,
            change.bytesBefore,
            change.bonusAfter(),
            change.bytesAfter());
      }
      accounts.write(txg);
      List<Changed> own = takeChanged();
      own.addAll(last);
      writeObjects(own);
    }
  }

  private List<Changed> takeChanged() {
    List<Changed> taken = new ArrayList<>();
    for (Dnode dnode : objectSet.takeDirty(txg)) {
      dnode.lock.lock();
      try {
        Pending pending = dnode.pendingOf(txg);
        if (pending != null) {
          taken.add(new Changed(dnode, pending, new TreeWriter(dnode, txg)));
        }
      } finally {
        dnode.lock.unlock();
      }
    }
    return taken;
  }

  private void writeObjects(List<Changed> some) {
    changed.addAll(some);
    for (Changed change : some) {
      free(change);
      place(change);
    }
    List<DataWrite> writes = new ArrayList<>();
    for (Changed change : some) {
      collect(change, writes);
    }
    BlockPointer[] pointers = writeData(writes);
    for (int i = 0; i < pointers.length; i++) {
      DataWrite write = writes.get(i);
      long blockId = write.dbuf.blockId();
      write.owner.tree.ensureHeightFor(blockId);
      write.owner.tree.replace(0, blockId, pointers[i]);
      if (write.owner.dnode.inTail) {
        env.probe(CodeProbe.TAIL_SPILLED_TO_BLOCK);
        write.owner.removeTail = true;
      }
    }
    for (Changed change : some) {
      if (change.pending.blockCount > 0 && !change.pending.freed) {
        // The last block may have been freed again before it was ever written.
        change.tree.ensureHeightFor(change.pending.blockCount - 1);
      }
      change.tree.writeIndirects();
      takeOver(change);
    }
    leaveLostTails(some, false);
    leaveLostTails(some, true);
  }

  /** Of tail blocks that cannot be read any more changed contents go to blocks of their own. */
  private void leaveLostTails(List<Changed> some, boolean meta) {
    List<Changed> ofTails =
        some.stream()
            .filter(change -> change.dnode.type().isMetadata() == meta && change.concernsTail())
            .toList();
    TreeSet<Long> groups = new TreeSet<>();
    ofTails.forEach(change -> groups.add(change.group()));
    oldTails.read(groups, meta);
    for (Changed change : ofTails) {
      if (oldTails.isLost(change.group(), meta)) {
        leaveLostTail(change, meta ? objectSet.metaTails() : objectSet.tails());
      }
    }
  }

  private void leaveLostTail(Changed change, Dnode tails) {
    env.probe(CodeProbe.TAIL_SPILLED_TO_BLOCK);
    Dbuf.Version content = change.tailContent;
    if (content != null && !change.removeTail) {
      change.tree.replace(0, 0, io.write(content.slab.segment(), dataSpec(change.dnode.type()), 1));
    }
    change.tailContent = null;
    change.removeTail = false;
    change.leftTail = true;
    tails.lock.lock();
    try {
      change.dnode.setTail(false, 0);
    } finally {
      tails.lock.unlock();
    }
  }

  private void free(Changed change) {
    for (long[] range : change.pending.freedRanges) {
      change.tree.freeRange(range[0], range[1]);
      if (range[0] == 0 && change.dnode.inTail) {
        change.removeTail = true;
      }
    }
  }

  /** After all that the group freed, what it was given by reference there instead. */
  private void place(Changed change) {
    ClonedRuns clones = change.pending.clones;
    if (clones != null && !change.pending.freed) {
      clones.forEach(
          (first, pointers) -> {
            change.tree.ensureHeightFor(first + pointers.length - 1);
            for (int i = 0; i < pointers.length; i++) {
              if (!pointers[i].isHole()) {
                change.tree.replace(0, first + i, pointers[i].clonedIn(txg));
              }
            }
          });
    }
  }

  private void collect(Changed change, List<DataWrite> writes) {
    Dnode dnode = change.dnode;
    if (change.pending.freed) {
      change.removeTail = dnode.inTail;
      return;
    }
    List<Dbuf> blocks = new ArrayList<>(change.pending.blocks);
    blocks.sort(Comparator.comparingLong(Dbuf::key));
    for (Dbuf dbuf : blocks) {
      Dbuf.Version version;
      dnode.lock.lock();
      try {
        version = dbuf.version(txg);
      } finally {
        dnode.lock.unlock();
      }
      if (version == null) {
        continue; // freed again in the same group
      }
      if (fitsTail(change, dbuf, version)) {
        change.tailContent = version;
        change.tailLength = lengthWithoutZeros(version.slab.segment());
        change.removeTail = change.tailLength == 0;
        change.tree.replace(0, 0, BlockPointer.HOLE);
      } else {
        writes.add(new DataWrite(change, dbuf, version));
      }
    }
  }

  private boolean fitsTail(Changed change, Dbuf dbuf, Dbuf.Version version) {
    ObjectType type = change.dnode.type();
    return options.useTails()
        && dbuf.blockId() == 0
        && change.dnode.levels == 1
        && change.pending.blockCount <= 1
        && version.slab.bytes() <= TailRecord.MAX_ENTRY_BYTES
        && (type == ObjectType.FILE
            || type == ObjectType.DIRECTORY
            || type == ObjectType.SYMLINK
            || type == ObjectType.XATTRS
            || type == ObjectType.ZAP);
  }

  private static int lengthWithoutZeros(MemorySegment content) {
    int length = (int) content.byteSize();
    while (length > 0 && content.get(Disk.U8, length - 1) == 0) {
      length--;
    }
    return length;
  }

  private BlockPointer[] writeData(List<DataWrite> writes) {
    BlockPointer[] pointers = new BlockPointer[writes.size()];
    List<Task<Boolean>> jobs = new ArrayList<>();
    int from = 0;
    while (from < writes.size()) {
      int to = from;
      long bytes = 0;
      while (to < writes.size() && to - from < BLOCKS_PER_JOB && bytes < BYTES_PER_JOB) {
        bytes += writes.get(to++).version.slab.bytes();
      }
      int start = from;
      int end = to;
      if (start == 0 && end == writes.size()) {
        writeSome(writes, pointers, start, end);
      } else {
        jobs.add(
            env.onCpu(
                () -> {
                  writeSome(writes, pointers, start, end);
                  return true;
                }));
      }
      from = to;
    }
    TreeWriter.joinAll(jobs);
    return pointers;
  }

  private void writeSome(List<DataWrite> writes, BlockPointer[] pointers, int from, int to) {
    int start = from;
    while (start < to) {
      // Neighbours of one object go together, so that equal small blocks can be hashed at once.
      ObjectType type = writes.get(start).owner.dnode.type();
      int end = start;
      List<MemorySegment> contents = new ArrayList<>();
      while (end < to && writes.get(end).owner.dnode.type() == type) {
        contents.add(writes.get(end++).version.slab.segment());
      }
      List<BlockPointer> written = io.writeMany(contents, dataSpec(type), 1);
      for (int i = start; i < end; i++) {
        pointers[i] = written.get(i - start);
      }
      start = end;
    }
  }

  WriteSpec dataSpec(ObjectType type) {
    boolean metadata = type.isMetadata();
    ChecksumType checksum = metadata ? options.checksum().metadataType() : options.checksum();
    return new WriteSpec(
        type,
        0,
        options.compression(),
        checksum,
        metadata ? options.metadataCopies() : options.dataCopies(),
        txg,
        type.mayVanish());
  }

  /** The group's values become what is on disk. */
  private static void takeOver(Changed change) {
    Dnode dnode = change.dnode;
    dnode.lock.lock();
    try {
      byte[] bonus = change.pending.bonus;
      if (bonus != null) {
        dnode.syncedBonus = bonus;
      }
      dnode.syncedBlockBytes = change.pending.blockBytes;
      dnode.syncedBlockCount = change.pending.blockCount;
    } finally {
      dnode.lock.unlock();
    }
  }

  /**
   * Tail blocks, blocks of dnodes, and the root block.
   *
   * @return the new root block pointer
   */
  public BlockPointer writeRoot() {
    Map<Long, List<Changed>> groups = new TreeMap<>();
    for (Changed change : changed) {
      groups.computeIfAbsent(change.group(), g -> new ArrayList<>()).add(change);
    }
    List<Long> ids = new ArrayList<>(groups.keySet());
    List<List<Changed>> members = new ArrayList<>(groups.values());
    Group[] written = new Group[ids.size()];
    List<Task<Boolean>> jobs = new ArrayList<>();
    for (int from = 0; from < ids.size(); from += GROUPS_PER_JOB) {
      int start = from;
      int end = Math.min(ids.size(), from + GROUPS_PER_JOB);
      if (end == ids.size() && start == 0) {
        writeGroups(ids, members, written, start, end);
      } else {
        jobs.add(
            env.onCpu(
                () -> {
                  writeGroups(ids, members, written, start, end);
                  return true;
                }));
      }
    }
    TreeWriter.joinAll(jobs);
    for (Group group : written) {
      heldInSync.addAll(group.held);
      place(tailsTree, group.id, group.tails);
      place(metaTailsTree, group.id, group.metaTails);
      place(dnodesTree, group.id, group.dnodes);
    }
    tailsTree.writeIndirects();
    metaTailsTree.writeIndirects();
    dnodesTree.writeIndirects();
    return writeRootBlock();
  }

  private static void place(TreeWriter tree, long id, @Nullable BlockPointer pointer) {
    if (pointer != null) {
      tree.ensureHeightFor(id);
      tree.replace(0, id, pointer);
      tree.dnode().raiseBlockCountInSync(id + 1);
    }
  }

  private void writeGroups(
      List<Long> ids, List<List<Changed>> members, Group[] written, int from, int to) {
    for (int i = from; i < to; i++) {
      Group group = new Group(ids.get(i));
      group.write(members.get(i));
      written[i] = group;
    }
  }

  /** 32 neighbouring objects: their dnodes and their small contents. */
  private final class Group {
    final long id;
    final List<Dbuf> held = new ArrayList<>();
    @Nullable BlockPointer tails;
    @Nullable BlockPointer metaTails;
    BlockPointer dnodes = BlockPointer.HOLE;

    Group(long id) {
      this.id = id;
    }

    void write(List<Changed> members) {
      tails = writeTails(objectSet.tails(), members, false);
      metaTails = writeTails(objectSet.metaTails(), members, true);
      Dbuf block = objectSet.dnodes().loadForSync(0, id);
      held.add(block);
      long fill = encodeDnodes(objectSet.dnodes(), block, members);
      if (fill > 0) {
        dnodes = io.write(block.segment(), dataSpec(ObjectType.DNODE), fill);
      }
    }

    private @Nullable BlockPointer writeTails(Dnode owner, List<Changed> members, boolean meta) {
      @Nullable Changed[] bySlot = new Changed[TailRecord.SLOTS];
      boolean[] left = new boolean[TailRecord.SLOTS];
      boolean any = false;
      for (Changed change : members) {
        if (change.dnode.type().isMetadata() == meta
            && (change.concernsTail() || change.leftTail)) {
          int slot = (int) (change.dnode.number() % TailRecord.SLOTS);
          bySlot[slot] = change;
          left[slot] = change.leftTail;
          any = true;
        }
      }
      if (!any) {
        return null;
      }
      if (oldTails.isLost(id, meta)) {
        // It stays as it is, so that what is lost with it keeps saying so, until nothing is.
        env.probe(CodeProbe.TAIL_BLOCK_LOST);
        return anyoneInTail(owner, left) ? null : BlockPointer.HOLE;
      }
      Dbuf old = oldTails.block(id, meta);
      Slab content =
          TailBlock.merge(objectSet.context(), old == null ? null : old.segment(), bySlot, txg);
      Dbuf block = TailBlock.install(owner, id, old, content, bySlot);
      held.add(block);
      return content == null
          ? BlockPointer.HOLE
          : io.write(content.segment(), dataSpec(owner.type()), 1);
    }

    /** Whether an object has its content in this tail, as of the last group and but for some. */
    private boolean anyoneInTail(Dnode owner, boolean[] exceptSlots) {
      Dbuf block = objectSet.dnodes().loadForSync(0, id);
      held.add(block);
      boolean meta = owner.type().isMetadata();
      for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
        long at = (long) slot * DnodeRecord.BYTES;
        if (exceptSlots[slot] || !DnodeRecord.isAllocated(block.segment(), at)) {
          continue;
        }
        DnodeRecord dnode = DnodeRecord.decode(block.segment(), at);
        if (dnode.inTail() && dnode.type().isMetadata() == meta) {
          return true;
        }
      }
      return false;
    }
  }

  /** Encodes the changed dnodes into their block; returns how many slots are then in use. */
  static long encodeDnodes(Dnode dnodes, Dbuf block, List<Changed> members) {
    dnodes.lock.lock();
    try {
      long before = allocated(block);
      for (Changed change : members) {
        long at = change.dnode.number() % TailRecord.SLOTS * DnodeRecord.BYTES;
        if (change.pending.freed) {
          block.segment().asSlice(at, DnodeRecord.BYTES).fill((byte) 0);
        } else {
          change.dnode.recordAsSynced().encode(block.segment(), at);
        }
      }
      long fill = allocated(block);
      dnodes.objectSet().syncedObjectCount.addAndGet(fill - before);
      return fill;
    } finally {
      dnodes.lock.unlock();
    }
  }

  private static long allocated(Dbuf dnodeBlock) {
    long count = 0;
    for (int slot = 0; slot < TailRecord.SLOTS; slot++) {
      if (DnodeRecord.isAllocated(dnodeBlock.segment(), (long) slot * DnodeRecord.BYTES)) {
        count++;
      }
    }
    return count;
  }

  private BlockPointer writeRootBlock() {
    Slab slab = newRootSlab();
    encodeRoot(slab.segment());
    BlockPointer old = objectSet.root;
    BlockPointer root = io.write(slab.segment(), dataSpec(ObjectType.OBJECT_SET), 1);
    rootWritten(old, root);
    return root;
  }

  /** Memory for the root block, kept until {@link #finish}: it may be written from there. */
  Slab newRootSlab() {
    Slab slab = io.syncMemory(ObjectSetRecord.BYTES);
    slabsInSync.add(slab);
    return slab;
  }

  void encodeRoot(MemorySegment at) {
    new ObjectSetRecord(
            objectSet.dnodes().recordAsSynced(),
            objectSet.tails().recordAsSynced(),
            objectSet.metaTails().recordAsSynced(),
            objectSet.syncedObjectCount.get())
        .encode(at);
  }

  private void rootWritten(BlockPointer old, BlockPointer root) {
    objectSet.storedDelta.addAndGet(io.allocatedBytes(root) - io.allocatedBytes(old));
    objectSet.giveUp(old, txg);
    objectSet.root = root;
  }

  /** Lets go of the group's memory; everything must be on disk. */
  public void finish() {
    for (Changed change : changed) {
      Dnode dnode = change.dnode;
      List<Slab> unused = new ArrayList<>();
      List<Dbuf> clean = new ArrayList<>();
      dnode.lock.lock();
      try {
        dnode.clearPending(txg);
        for (Dbuf dbuf : change.pending.blocks) {
          if (dbuf.version(txg) != null) {
            Slab slab = dbuf.dropVersion(txg);
            if (slab != null) {
              unused.add(slab);
            }
            clean.add(dbuf);
          }
        }
      } finally {
        dnode.lock.unlock();
      }
      unused.forEach(objectSet.context().slabs()::free);
      clean.forEach(Dbuf::unpin);
      change.tree.release();
    }
    tailsTree.release();
    metaTailsTree.release();
    dnodesTree.release();
    heldInSync.forEach(Dbuf::unpin);
    heldInSync.clear();
    slabsInSync.forEach(objectSet.context().slabs()::free);
    slabsInSync.clear();
    for (Changed change : changed) {
      objectSet.dropIfUnused(change.dnode);
    }
  }

  /** Keeps a block pinned until {@link #finish}. */
  void hold(Dbuf pinnedBlock) {
    heldInSync.add(pinnedBlock);
  }
}
