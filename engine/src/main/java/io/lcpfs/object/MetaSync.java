package io.lcpfs.object;

import io.lcpfs.codec.Compression;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.error.Check;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import io.lcpfs.pipeline.BlockIo;
import io.lcpfs.pipeline.Placement;
import io.lcpfs.pipeline.WriteSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The last part of a sync of the pool's own object set. The space maps record every allocation of
 * the group, also those for the space maps' own blocks and for everything above them. So all these
 * blocks are <i>placed</i> first, uncompressed and therefore of known size, until nothing new needs
 * a place; only then are contents made and written. No block is written twice.
 */
public final class MetaSync {

  /** An object whose blocks are placed before they are written. */
  private final class PlacedTree {
    final TreeWriter tree;
    final List<TreeMap<Long, Placement>> placed = new ArrayList<>();

    PlacedTree(TreeWriter tree) {
      this.tree = tree;
    }

    private Map<Long, Placement> atLevel(int level) {
      while (placed.size() <= level) {
        placed.add(new TreeMap<>());
      }
      return placed.get(level);
    }

    /** Places a data block and all above it; whether anything was not placed before. */
    boolean place(long blockId) {
      tree.ensureHeightFor(blockId);
      Dnode dnode = tree.dnode();
      boolean any = false;
      long id = blockId;
      for (int level = 0; level < dnode.levels; level++) {
        if (!atLevel(level).containsKey(id)) {
          tree.kill(tree.pointerTo(level, id));
          int bytes = dnode.sizeOf(level);
          atLevel(level).put(id, io.place(bytes, copies, txg));
          any = true;
        }
        id >>>= dnode.fanoutShift();
      }
      return any;
    }

    void write() {
      Dnode dnode = tree.dnode();
      for (int level = 0; level < dnode.levels; level++) {
        for (Map.Entry<Long, Placement> entry : atLevel(level).entrySet()) {
          long id = entry.getKey();
          Dbuf block = level == 0 ? dnode.loadForSync(0, id) : tree.changedBlock(level, id);
          if (level == 0) {
            sync.hold(block);
          }
          long fill = level == 0 ? dataFill(dnode, block) : TreeWriter.fillBelow(block.segment());
          WriteSpec spec =
              new WriteSpec(
                  dnode.type(),
                  level,
                  Compression.OFF,
                  objectSet.options().checksum().metadataType(),
                  copies,
                  txg,
                  false);
          BlockPointer pointer = io.writePlaced(entry.getValue(), block.segment(), spec, fill);
          tree.born(pointer);
          tree.setChild(level, id, pointer);
          if (level == 0) {
            dnode.raiseBlockCountInSync(id + 1);
          }
        }
      }
    }

    private long dataFill(Dnode dnode, Dbuf block) {
      return dnode.type() == ObjectType.DNODE
          ? ObjectSetSync.encodeDnodes(
              dnode, block, groups.getOrDefault(block.blockId(), List.of()))
          : 1;
    }
  }

  private final ObjectSet objectSet;
  private final ObjectSetSync sync;
  private final long txg;
  private final BlockIo io;
  private final int copies;
  private final Map<Long, PlacedTree> spaceMaps = new TreeMap<>();
  private final PlacedTree dnodes;
  private final Map<Long, List<ObjectSetSync.Changed>> groups = new TreeMap<>();
  private final List<TreeWriter> ownTrees = new ArrayList<>();
  private @Nullable Placement rootPlace;

  /**
   * @param sync the sync of the pool's object set, after {@link ObjectSetSync#writeObjects}
   */
  public MetaSync(ObjectSetSync sync) {
    this.sync = sync;
    this.objectSet = sync.objectSet();
    this.txg = sync.txg();
    this.io = objectSet.context().io();
    this.copies = objectSet.options().metadataCopies();
    this.dnodes = new PlacedTree(sync.dnodesTree());
    Check.that(!objectSet.options().useTails(), "the pool's object set has no tails");
    for (ObjectSetSync.Changed change : sync.changed()) {
      groups
          .computeIfAbsent(change.dnode.number() / TailRecord.SLOTS, g -> new ArrayList<>())
          .add(change);
    }
  }

  /**
   * Places what must be written for the objects changed so far: dnode blocks, what is above them,
   * and the root block. Call it first.
   */
  public void placeChangedObjects() {
    rootPlace = io.place(ObjectSetRecord.BYTES, copies, txg);
    io.free(objectSet.root, txg);
    objectSet.storedDelta.addAndGet(-io.allocatedBytes(objectSet.root));
    for (long group : groups.keySet()) {
      dnodes.place(group);
    }
  }

  /**
   * Places the blocks of a space map from the one that holds byte {@code fromBytes} to the one
   * before {@code toBytes}, and its dnode.
   *
   * @return whether anything had to be placed, which changes the space maps again
   */
  public boolean placeSpaceMap(Dnode spaceMap, long fromBytes, long toBytes) {
    PlacedTree placed = spaceMaps.get(spaceMap.number());
    if (placed == null) {
      TreeWriter tree = new TreeWriter(spaceMap, txg);
      ownTrees.add(tree);
      placed = new PlacedTree(tree);
      spaceMaps.put(spaceMap.number(), placed);
    }
    boolean any = false;
    int blockBytes = spaceMap.blockBytes();
    for (long id = fromBytes / blockBytes; id * blockBytes < toBytes; id++) {
      any |= placed.place(id);
    }
    any |= dnodes.place(spaceMap.number() / TailRecord.SLOTS);
    List<ObjectSetSync.Changed> members =
        groups.computeIfAbsent(spaceMap.number() / TailRecord.SLOTS, g -> new ArrayList<>());
    if (members.stream().noneMatch(c -> c.dnode == spaceMap)) {
      members.add(new ObjectSetSync.Changed(spaceMap, new Pending(txg), placed.tree));
    }
    if (any) {
      objectSet.context().env().probe(CodeProbe.SYNC_EXTRA_PASS);
    }
    return any;
  }

  /** Frees the blocks of a space map that is rewritten shorter, before it is placed anew. */
  public void clearSpaceMap(Dnode spaceMap) {
    TreeWriter tree = new TreeWriter(spaceMap, txg);
    ownTrees.add(tree);
    tree.freeRange(0, Long.MAX_VALUE);
    tree.writeIndirects();
    tree.release();
  }

  /**
   * A block of a space map to fill; pinned, close it. Its content goes to disk with {@link #write}.
   */
  public Block spaceMapBlock(Dnode spaceMap, long blockId) {
    Dbuf block = spaceMap.loadForSync(0, blockId);
    block.pin();
    sync.hold(block); // its content exists only here until it is written
    return block;
  }

  /** Sets a space map's bonus. */
  public void setBonus(Dnode spaceMap, byte[] bonus) {
    spaceMap.setBonusInSync(bonus);
  }

  /**
   * Writes everything that was placed, lowest first.
   *
   * @return the new root block pointer
   */
  public BlockPointer write() {
    Placement place = rootPlace;
    if (place == null) {
      throw new AssertionError("placeChangedObjects comes first");
    }
    for (PlacedTree tree : spaceMaps.values()) {
      tree.write();
    }
    dnodes.write();
    Slab slab = sync.newRootSlab();
    sync.encodeRoot(slab.segment());
    WriteSpec spec =
        new WriteSpec(
            ObjectType.OBJECT_SET,
            0,
            Compression.OFF,
            objectSet.options().checksum().metadataType(),
            copies,
            txg,
            false);
    BlockPointer root = io.writePlaced(place, slab.segment(), spec, 1);
    objectSet.storedDelta.addAndGet(io.allocatedBytes(root));
    objectSet.root = root;
    return root;
  }

  /** Lets go of memory; everything must be on disk. */
  public void finish() {
    ownTrees.sort(Comparator.comparingLong(t -> t.dnode().number()));
    ownTrees.forEach(TreeWriter::release);
  }
}
