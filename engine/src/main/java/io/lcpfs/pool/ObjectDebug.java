package io.lcpfs.pool;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DatasetRecord;
import io.lcpfs.format.DeadlistRecord;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.NameText;
import io.lcpfs.format.ObjectSetRecord;
import io.lcpfs.format.ObjectType;
import io.lcpfs.format.ReferencesRecord;
import io.lcpfs.format.SnapshotRecord;
import io.lcpfs.format.SpaceMapHead;
import io.lcpfs.format.TailRecord;
import io.lcpfs.memory.Slab;
import io.lcpfs.object.Dnode;
import io.lcpfs.object.PathReader;
import io.lcpfs.object.TreeWalk;
import io.lcpfs.zap.Zap;
import io.lcpfs.zap.ZapDump;
import java.lang.foreign.MemorySegment;
import java.util.TreeMap;

/** Prints object sets, datasets, objects and their trees. */
final class ObjectDebug {
  private static final int MAX_DEPTH = 100;

  /** A crafted tree may have more blocks than a disk: a walk without lines ends, too. */
  private static final long MAX_BLOCKS = 100_000_000;

  private final CommittedView view;
  private final DebugText out;

  ObjectDebug(CommittedView view, DebugText out) {
    this.view = view;
    this.out = out;
  }

  /** Tells the walk's damage in lines, and stops what does not end. */
  private abstract class Walker implements TreeWalk.Visitor {
    private long blocks;

    @Override
    public boolean block(long object, long blockId, BlockPointer pointer) {
      if (++blocks > MAX_BLOCKS) {
        throw new DebugText.Full();
      }
      return true;
    }

    @Override
    public void object(long number, DnodeRecord dnode) {}

    @Override
    public void damaged(String where, String what) {
      out.line("problem: " + where + ": " + what);
    }
  }

  /** The pool's own objects and their directory. */
  void mos(DebugTarget mos) {
    out.line("meta object set " + mos.root());
    objectSet(mos);
    out.line("directory, object " + MetaDirectory.OBJECT);
    out.inside(
        () -> {
          try (Dnode directory = view.hold(MetaDirectory.OBJECT, ObjectType.ZAP)) {
            Zap.open(directory, view.context().env())
                .iterate(
                    0,
                    (cookie, name, value) -> {
                      out.line(NameText.decode(name) + " -> object " + number(value));
                      return true;
                    });
          }
        });
  }

  private static String number(byte[] value) {
    return value.length == Long.BYTES
        ? Long.toString(Disk.u64(MemorySegment.ofArray(value), 0))
        : "(" + value.length + " bytes instead of 8)";
  }

  /** Root block and dnodes of an object set. */
  private void objectSet(DebugTarget target) {
    ObjectSetRecord set = target.objectSet();
    if (set == null) {
      out.line("no objects");
      return;
    }
    out.inside(
        () -> {
          out.line(set.objectCount() + " objects");
          out.line("dnodes: " + summary(set.dnodes()));
          out.line("tails: " + summary(set.tails()));
          out.line("meta tails: " + summary(set.metaTails()));
          new TreeWalk(
                  view.context(),
                  new Walker() {
                    @Override
                    public void object(long number, DnodeRecord dnode) {
                      out.line("object " + number + ": " + summary(dnode));
                    }
                  })
              .dnodesOnly(target.root());
        });
  }

  private static String summary(DnodeRecord dnode) {
    return dnode.type()
        + ", levels "
        + dnode.levels()
        + ", blocks "
        + dnode.blockCount()
        + " of "
        + dnode.blockBytes()
        + ", stored "
        + dnode.storedBytes()
        + ", bonus "
        + dnode.bonus().length
        + ", since txg "
        + dnode.generation()
        + (dnode.inTail() ? ", in tail " + dnode.tailBytes() : "");
  }

  /** A line for each dataset, by path. */
  void datasets() {
    dataset("", DebugTarget.rootDataset(view), 0);
  }

  private void dataset(String path, long object, int depth) {
    String line = "/" + path + ": object " + object;
    TreeMap<String, Long> children = new TreeMap<>();
    try {
      DatasetRecord record = view.dataset(object);
      line +=
          ", guid "
              + Long.toUnsignedString(record.guid())
              + ", used "
              + record.usedBytes()
              + ", logical "
              + record.logicalBytes()
              + ", since txg "
              + record.creationTxg();
      try (Dnode zap = view.hold(record.childrenZap(), ObjectType.ZAP)) {
        Zap.open(zap, view.context().env())
            .iterate(
                0,
                (cookie, name, value) -> {
                  children.put(
                      NameText.decode(name),
                      value.length == Long.BYTES ? Disk.u64(MemorySegment.ofArray(value), 0) : 0);
                  return true;
                });
      }
    } catch (PoolException e) {
      line += ", problem: " + e.error().message();
    }
    out.line(line);
    if (depth == MAX_DEPTH) {
      out.line("problem: deeper than " + MAX_DEPTH + " datasets");
      return;
    }
    children.forEach(
        (name, child) -> dataset(path.isEmpty() ? name : path + "/" + name, child, depth + 1));
  }

  /** One dataset and its objects. */
  void dataset(DebugTarget target) {
    DatasetRecord record = target.record();
    if (record == null) {
      mos(target);
      return;
    }
    out.line("dataset " + target.name() + ", object " + target.object());
    out.inside(() -> record(record));
    objectSet(target);
  }

  private void record(DatasetRecord record) {
    out.line(
        "guid "
            + Long.toUnsignedString(record.guid())
            + ", "
            + (record.kind() == 0 ? "file system" : "volume")
            + ", created in txg "
            + record.creationTxg()
            + " at "
            + LabelDebug.seconds(record.creationSeconds()));
    out.line(
        "children in object "
            + record.childrenZap()
            + ", properties in object "
            + record.propertiesZap());
    out.line("used " + record.usedBytes() + " bytes, logical " + record.logicalBytes());
    out.line(record.snapshots().toString());
    out.line("object set " + record.objectSet());
  }

  /** Dnode, bonus and tree of one object. */
  void object(DebugTarget target, String which, boolean verbose) {
    DnodeRecord dnode = target.dnode(which);
    out.line("object " + which + " of " + target.name());
    out.inside(
        () -> {
          out.line(summary(dnode));
          out.line("indirect blocks of " + (1 << dnode.indirectShift()) + ", root " + dnode.root());
          bonus(dnode);
          if (dnode.inTail()) {
            tail(target, Long.parseLong(which), dnode, verbose);
          }
          tree(dnode, verbose);
        });
  }

  private void bonus(DnodeRecord dnode) {
    out.line("bonus of " + dnode.bonus().length + " bytes");
    out.inside(
        () -> {
          try {
            switch (dnode.type()) {
              case DATASET -> record(DatasetRecord.decode(dnode.bonus()));
              case SNAPSHOT -> out.line(SnapshotRecord.decode(dnode.bonus()).toString());
              case DEADLIST -> out.line(DeadlistRecord.decode(dnode.bonus()).toString());
              case BLOCK_REFERENCES -> out.line(ReferencesRecord.decode(dnode.bonus()).toString());
              case SPACE_MAP -> out.line(SpaceMapHead.decode(dnode.bonus()).toString());
              case HISTORY -> out.line("records of " + number(dnode.bonus()) + " bytes");
              default -> {}
            }
          } catch (PoolException e) {
            out.line("problem: " + e.error().message());
          }
          out.hex(MemorySegment.ofArray(dnode.bonus()));
        });
  }

  private void tail(DebugTarget target, long number, DnodeRecord dnode, boolean verbose) {
    ObjectSetRecord set = target.objectSet();
    if (set == null) {
      return;
    }
    DnodeRecord tails = dnode.type().isMetadata() ? set.metaTails() : set.tails();
    int slot = (int) (number % TailRecord.SLOTS);
    try (PathReader path = new PathReader(view.context(), tails)) {
      long id = number / TailRecord.SLOTS;
      out.line("slot " + slot + " of tail block " + id + ", " + path.pointer(0, id));
      Slab block = path.block(0, id);
      if (block == null) {
        out.line("problem: that block is not there");
      } else if (verbose) {
        out.hex(TailRecord.content(block.segment(), slot));
      }
    } catch (PoolException e) {
      out.line("problem: " + e.error().message());
    }
  }

  private void tree(DnodeRecord dnode, boolean verbose) {
    long[] blocks = new long[DnodeRecord.MAX_LEVELS];
    long[] stored = new long[DnodeRecord.MAX_LEVELS];
    long[] embedded = {0};
    new TreeWalk(
            view.context(),
            new Walker() {
              @Override
              public boolean block(long object, long blockId, BlockPointer pointer) {
                super.block(object, blockId, pointer);
                blocks[pointer.level()]++;
                stored[pointer.level()] += view.context().io().allocatedBytes(pointer);
                embedded[0] += pointer.isEmbedded() ? 1 : 0;
                if (verbose) {
                  out.line("level " + pointer.level() + " block " + blockId + ": " + pointer);
                }
                return true;
              }
            })
        .object(0, dnode);
    for (int level = dnode.levels() - 1; level >= 0; level--) {
      out.line(
          "level "
              + level
              + ": "
              + blocks[level]
              + " blocks, "
              + stored[level]
              + " bytes"
              + (level == 0 && embedded[0] > 0 ? ", " + embedded[0] + " embedded" : ""));
    }
  }

  /** A pointer, and the block as it decodes. */
  void block(DebugTarget target, String which, int level, long blockId, boolean verbose) {
    DnodeRecord dnode = target.dnode(which);
    try (PathReader path = new PathReader(view.context(), dnode)) {
      BlockPointer pointer = path.pointer(level, blockId);
      out.line("level " + level + " block " + blockId + " of object " + which + ": " + pointer);
      if (pointer.isHole()) {
        if (dnode.inTail() && level == 0 && blockId == 0) {
          tail(target, Long.parseLong(which), dnode, true);
        }
        return;
      }
      Slab block = path.block(level, blockId);
      if (block == null) {
        return;
      }
      if (level > 0) {
        pointers(block.segment(), level, blockId << (dnode.indirectShift() - 7));
      }
      if (level == 0 || verbose) {
        out.hex(block.segment());
      }
    }
  }

  private void pointers(MemorySegment block, int level, long firstId) {
    for (long i = 0; i < block.byteSize() / BlockPointer.BYTES; i++) {
      String text;
      try {
        BlockPointer child = BlockPointer.decode(block, i * BlockPointer.BYTES);
        if (child.isHole()) {
          continue;
        }
        text = child.toString();
      } catch (PoolException e) {
        text = "problem: " + e.error().message();
      }
      out.line("level " + (level - 1) + " block " + (firstId + i) + ": " + text);
    }
  }

  /** All nodes and entries of a ZAP. */
  void zap(DebugTarget target, String which) {
    DnodeRecord dnode = target.dnode(which);
    if (dnode.type() != ObjectType.ZAP && dnode.type() != ObjectType.DIRECTORY) {
      throw PoolException.refused(
          Errno.EINVAL,
          "object "
              + which
              + " of "
              + target.name()
              + " is "
              + dnode.type()
              + "; understood is one of type ZAP or DIRECTORY");
    }
    try (Dnode held = target.objects().hold(Long.parseLong(which))) {
      ZapDump.print(held, true, out::line);
    }
  }
}
