package io.lcpfs.zap;

import static io.lcpfs.format.ZapRecord.BLOCK_BYTES;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.error.PoolException;
import io.lcpfs.object.Block;
import io.lcpfs.object.BlockObject;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.function.Consumer;

/** Prints a ZAP for a person, however damaged it is. */
public final class ZapDump {
  private final BlockObject object;
  private final boolean withEntries;
  private final Consumer<String> out;
  private final Set<Integer> printed = new HashSet<>();
  private int limit;
  private int smallEnd;

  private ZapDump(BlockObject object, boolean withEntries, Consumer<String> out) {
    this.object = object;
    this.withEntries = withEntries;
    this.out = out;
  }

  /**
   * Prints header and nodes, a line each; what does not decode is said in its place.
   *
   * @param withEntries whether to print each entry as well
   */
  public static void print(BlockObject object, boolean withEntries, Consumer<String> out) {
    new ZapDump(object, withEntries, out).header();
  }

  private void header() {
    try (Block block = object.read(0)) {
      MemorySegment header = block.segment();
      int level = ZapHeader.check(header, object.blockBytes());
      limit = ZapHeader.blockLimit(header);
      smallEnd = ZapHeader.layoutBytes(header);
      out.accept(
          "zap: "
              + (level == 0 ? "small" : "tree of level " + level)
              + ", entries "
              + ZapHeader.entryCount(header)
              + ", layout "
              + smallEnd
              + " of "
              + object.blockBytes()
              + " bytes, blocks "
              + limit
              + ", free "
              + ZapHeader.freeCount(header)
              + " from "
              + ZapHeader.freeHead(header)
              + ", salt "
              + HexFormat.of().toHexDigits(ZapHeader.salt0(header))
              + HexFormat.of().toHexDigits(ZapHeader.salt1(header)));
      node(header, 0, level, "  ");
    } catch (PoolException e) {
      out.accept("zap: " + e.error().message());
    }
  }

  private void node(MemorySegment node, int id, int level, String indent) {
    int base = ZapNode.base(id);
    if (level == 0) {
      leaf(node, base, id, indent);
      return;
    }
    int count = ZapInterior.count(node, base, level, id);
    out.accept(indent + "block " + id + ": interior, level " + level + ", branches " + count);
    for (int i = 0; i < count; i++) {
      String key = i == 0 ? "" : cookie(ZapInterior.key(node, base, i));
      try {
        int child = ZapInterior.child(node, base, i, limit);
        out.accept(indent + "from " + key + " -> block " + child);
        if (!printed.add(child)) {
          out.accept(indent + "  (printed above)");
          continue;
        }
        try (Block block = object.read(child)) {
          node(block.segment(), child, level - 1, indent + "  ");
        }
      } catch (PoolException e) {
        out.accept(indent + "  " + e.error().message());
      }
    }
  }

  private void leaf(MemorySegment leaf, int base, int id, String indent) {
    int end = id == 0 ? smallEnd : BLOCK_BYTES;
    int count = ZapLeaf.count(leaf, base, end, id);
    out.accept(
        indent
            + "block "
            + id
            + ": leaf, entries "
            + count
            + ", heap from "
            + ZapLeaf.heapStart(leaf, base)
            + " to "
            + end
            + ", live "
            + ZapLeaf.liveBytes(leaf, base)
            + " bytes");
    for (int i = 0; withEntries && i < count; i++) {
      String entry;
      try {
        int at = ZapLeaf.entryAt(leaf, base, end, i);
        entry =
            printable(ZapLeaf.name(leaf, at))
                + " = "
                + (ZapLeaf.valueBytes(leaf, at) == Long.BYTES
                    ? "0x" + Long.toHexString(ZapLeaf.longValue(leaf, at))
                    : printable(ZapLeaf.value(leaf, at)));
      } catch (PoolException e) {
        entry = e.error().message();
      }
      out.accept(indent + "  " + cookie(ZapLeaf.cookie(leaf, base, i)) + " " + entry);
    }
  }

  private static String cookie(long cookie) {
    return HexFormat.of().toHexDigits(cookie >>> Zap.COLLISION_BITS, 12)
        + "."
        + (cookie & (Zap.FIRST_COOKIE - 1));
  }

  /** The text in quotes when it is plain, else hexadecimal. */
  private static String printable(byte[] bytes) {
    for (byte b : bytes) {
      if (b < ' ' || b == '"' || b == 0x7f) {
        return "x" + HexFormat.of().formatHex(bytes);
      }
    }
    return '"' + new String(bytes, UTF_8) + '"';
  }
}
