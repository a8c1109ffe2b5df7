package io.lcpfs.fuzz;

import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.object.Block;
import io.lcpfs.zap.HeapBlockObject;
import io.lcpfs.zap.Zap;
import io.lcpfs.zap.ZapWorld;
import java.lang.foreign.MemorySegment;
import java.util.function.BiConsumer;

/** Changes the entries of a ZAP in a forged pool, by the rules of the ZAP itself. */
final class ForgedZap {
  private ForgedZap() {}

  /** Loads the object's blocks, lets {@code edit} change the ZAP, and stores what came of it. */
  static void edit(PoolForge forge, PoolForge.Obj object, BiConsumer<Zap, ZapWorld> edit) {
    ZapWorld world = new ZapWorld(3);
    HeapBlockObject blocks = new HeapBlockObject();
    DnodeRecord before = object.record();
    int count = before.inTail() ? 1 : (int) before.blockCount();
    blocks.setBlockBytes(world.tx, before.blockBytes());
    for (int id = 0; id < count; id++) {
      byte[] content = before.inTail() ? tail(object) : object.block(0, id).read();
      try (Block block = blocks.modify(world.tx, id)) {
        block.segment().asSlice(0, content.length).copyFrom(MemorySegment.ofArray(content));
      }
    }
    edit.accept(Zap.open(blocks, world), world);
    if (blocks.blockCount() == 1) {
      byte[] content = blocks.bytes(0);
      BlockPointer root = forge.store(content, before.type(), 0, 5, 1);
      object.set(
          d ->
              new DnodeRecord(
                  d.type(),
                  1,
                  content.length,
                  d.indirectShift(),
                  1,
                  d.storedBytes(),
                  d.generation(),
                  false,
                  0,
                  root,
                  d.bonus()));
      return;
    }
    if (blocks.blockCount() != count || blocks.blockBytes() != before.blockBytes()) {
      throw new AssertionError("the ZAP has " + blocks.blockCount() + " blocks");
    }
    for (int id = 0; id < count; id++) {
      object.block(0, id).replace(blocks.bytes(id));
    }
  }

  private static byte[] tail(PoolForge.Obj object) {
    byte[][] content = new byte[1][];
    PoolForge.Ref tail = object.tail();
    int slot = (int) (object.number() % io.lcpfs.format.TailRecord.SLOTS);
    content[0] =
        io.lcpfs.format.TailRecord.content(MemorySegment.ofArray(tail.read()), slot)
            .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    return content[0];
  }
}
