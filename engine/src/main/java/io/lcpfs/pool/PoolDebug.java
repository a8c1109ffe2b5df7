package io.lcpfs.pool;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.format.Disk;
import io.lcpfs.format.DnodeRecord;
import io.lcpfs.format.Dva;
import io.lcpfs.format.GangHeader;
import io.lcpfs.memory.Slab;
import io.lcpfs.vdev.LabelIo;
import io.lcpfs.vdev.LabelScan;
import io.lcpfs.vdev.LabelTarget;
import io.lcpfs.vdev.TileMap;
import java.util.List;

/** Prints what is on disk, as text for a person: chooses who prints what. */
final class PoolDebug {
  private static final String ADDRESS = "METASLAB:OFFSET[:BYTES], the offset in hexadecimal";
  private static final String BLOCK = "block " + ADDRESS + "; block DATASET OBJECT LEVEL BLOCK";

  private final OpenPool pool;

  PoolDebug(OpenPool pool) {
    this.pool = pool;
  }

  /** What can be printed of a device without importing a pool. */
  static String device(LabelScan scan, String what, List<String> arguments) {
    if (!what.equals("label")) {
      throw PoolException.refused(
          Errno.EINVAL, "cannot print '" + what + "' of a device; understood is: label");
    }
    DebugArguments given = DebugArguments.parse(arguments);
    given.expect(0, 0, "label");
    return bounded(given, out -> new LabelDebug(out).device(scan, given.verbose()));
  }

  private interface Printer {
    void print(DebugText out);
  }

  /** Damage ends the text, with a line that says so; what was asked in error is thrown. */
  private static String bounded(DebugArguments given, Printer printer) {
    DebugText out = new DebugText(given.limit());
    try {
      try {
        printer.print(out);
      } catch (PoolException e) {
        if (e.errno() != Errno.EIO) {
          throw e;
        }
        out.line("problem: " + e.error().message());
      }
      return out.finish(false);
    } catch (DebugText.Full enough) {
      return out.finish(true);
    }
  }

  /** See {@link PoolEngine#debug}. */
  String print(String what, List<String> arguments) {
    DebugArguments given = DebugArguments.parse(arguments);
    String[] text = {""};
    // What is on disk must not be given to others while it is looked at.
    pool.parts().sync.whileStill(() -> text[0] = bounded(given, out -> print(what, given, out)));
    return text[0];
  }

  private void print(String what, DebugArguments given, DebugText out) {
    List<String> words = given.words();
    switch (what) {
      case "label" -> {
        given.expect(0, 0, "label");
        labels(given, out);
      }
      case "uberblock" -> {
        given.expect(0, 0, "uberblock");
        new LabelDebug(out).uberblock(pool.parts().sync.committed());
      }
      case "layout" -> {
        given.expect(0, 0, "layout");
        new LabelDebug(out).layout(pool.parts().sync.layout());
      }
      case "config" -> {
        given.expect(0, 0, "config");
        new LabelDebug(out).config(pool.parts().sync.config());
      }
      case "block" -> {
        if (words.size() == 1) {
          address(DebugArguments.address(words.getFirst(), BLOCK), out);
          return;
        }
        given.expect(4, 4, BLOCK);
        int level = (int) DebugArguments.number(words.get(2), 0, DnodeRecord.MAX_LEVELS - 1, BLOCK);
        long id = DebugArguments.number(words.get(3), 0, Long.MAX_VALUE, BLOCK);
        CommittedView view = view();
        new ObjectDebug(view, out)
            .block(target(view, words.get(0)), words.get(1), level, id, given.verbose());
      }
      case "gang" -> {
        given.expect(1, 1, "gang METASLAB:OFFSET, the offset in hexadecimal");
        gang(DebugArguments.address(words.getFirst(), "gang METASLAB:OFFSET"), out);
      }
      case "spacemap" -> {
        given.expect(0, 1, "spacemap [METASLAB]");
        SpaceMapDebug maps = new SpaceMapDebug(view(), tiles(), out);
        if (words.isEmpty()) {
          maps.list();
        } else {
          maps.map(
              (int)
                  DebugArguments.number(
                      words.getFirst(), 1, Dva.MAX_METASLAB, "spacemap [METASLAB]"));
        }
      }
      case "mos", "dataset", "object", "zap" -> objects(what, given, out);
      default ->
          throw PoolException.refused(
              Errno.EINVAL,
              "cannot print '"
                  + what
                  + "'; understood is: label, uberblock, layout, config, mos, dataset [DATASET], "
                  + "object DATASET NUMBER, "
                  + BLOCK
                  + ", zap DATASET OBJECT, spacemap [METASLAB], "
                  + "gang METASLAB:OFFSET");
    }
  }

  private void objects(String what, DebugArguments given, DebugText out) {
    List<String> words = given.words();
    CommittedView view = view();
    ObjectDebug objects = new ObjectDebug(view, out);
    switch (what) {
      case "mos" -> {
        given.expect(0, 0, "mos");
        objects.mos(target(view, DebugTarget.MOS));
      }
      case "dataset" -> {
        given.expect(0, 1, "dataset [DATASET]");
        if (words.isEmpty()) {
          objects.datasets();
        } else {
          objects.dataset(target(view, words.getFirst()));
        }
      }
      case "object" -> {
        given.expect(2, 2, "object DATASET NUMBER");
        objects.object(target(view, words.get(0)), words.get(1), given.verbose());
      }
      default -> {
        given.expect(2, 2, "zap DATASET OBJECT");
        objects.zap(target(view, words.get(0)), words.get(1));
      }
    }
  }

  private CommittedView view() {
    return new CommittedView(pool.parts().context, pool.parts().sync.committed().root());
  }

  private DebugTarget target(CommittedView view, String name) {
    return DebugTarget.find(
        view, pool.parts().sync.committed().root(), pool.parts().sync.config().name(), name);
  }

  private TileMap tiles() {
    return pool.parts().devices.tiles();
  }

  private void labels(DebugArguments given, DebugText out) {
    LabelDebug labels = new LabelDebug(out);
    LabelIo io = new LabelIo(pool.parts().env, pool.parts().slabs);
    for (LabelTarget target : pool.parts().sync.targets()) {
      labels.device(io.scan(target.queue().device()), given.verbose());
    }
  }

  /** Refuses what does not lie in a metaslab. */
  private void checkPlace(long dva, int bytes) {
    TileMap tiles = tiles();
    int metaslab = Dva.metaslab(dva);
    if (tiles.metaslabs().stream().noneMatch(entry -> entry.id() == metaslab)) {
      throw PoolException.refused(
          Errno.EINVAL, "there is no metaslab " + metaslab + "; layout lists them");
    }
    if (Dva.offsetBytes(dva) > tiles.sizeBytes(metaslab) - bytes) {
      throw PoolException.refused(
          Errno.EINVAL,
          bytes
              + " bytes at "
              + Dva.toString(dva)
              + " do not lie in the metaslab, which has "
              + tiles.sizeBytes(metaslab));
    }
  }

  private Slab read(long dva, int bytes) {
    Slab slab = pool.parts().cache.allocateForSync(bytes);
    boolean done = false;
    try {
      pool.parts().devices.read(dva, 0, slab.segment());
      done = true;
      return slab;
    } finally {
      if (!done) {
        pool.parts().slabs.free(slab);
      }
    }
  }

  private void address(DebugArguments.Address address, DebugText out) {
    int sector = pool.parts().allocator.sectorBytes();
    int wanted = address.bytes() == 0 ? sector : address.bytes();
    int bytes = DebugArguments.wholeSectors(wanted, sector);
    checkPlace(address.dva(), bytes);
    if (Dva.offsetBytes(address.dva()) % sector != 0) {
      throw PoolException.refused(Errno.EINVAL, "blocks begin at multiples of " + sector);
    }
    TileMap tiles = tiles();
    StringBuilder places = new StringBuilder();
    for (int way = 0; way < tiles.ways(address.dva()); way++) {
      places
          .append(way == 0 ? "" : ", and")
          .append(" on device ")
          .append(tiles.device(address.dva(), way))
          .append(" at ")
          .append(tiles.deviceOffset(address.dva(), way, bytes));
    }
    out.line(Dva.toString(address.dva()) + ", " + wanted + " bytes," + places);
    Slab slab = read(address.dva(), bytes);
    try {
      out.hex(slab.segment().asSlice(0, wanted));
    } finally {
      pool.parts().slabs.free(slab);
    }
  }

  private void gang(DebugArguments.Address address, DebugText out) {
    int bytes = pool.parts().allocator.sectorBytes();
    checkPlace(address.dva(), bytes);
    Slab slab = read(address.dva(), bytes);
    try {
      GangHeader header =
          GangHeader.decode(
              slab.segment(), address.dva(), Disk.u64(slab.segment(), GangHeader.BIRTH_TXG_AT));
      out.line(
          "gang header at "
              + Dva.toString(header.dva())
              + " of txg "
              + header.birthTxg()
              + ", "
              + header.children().size()
              + " pieces, "
              + header.children().stream().mapToLong(BlockPointer::psizeBytes).sum()
              + " bytes");
      out.inside(() -> header.children().forEach(child -> out.line(child.toString())));
    } catch (PoolException e) {
      out.line(
          "problem: no gang header at " + Dva.toString(address.dva()) + ": " + e.error().message());
      out.hex(slab.segment().asSlice(0, GangHeader.HEADER_BYTES));
    } finally {
      pool.parts().slabs.free(slab);
    }
  }
}
