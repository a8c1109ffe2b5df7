package io.lcpfs.pool;

import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.vdev.LabelScan;
import java.util.List;

/** Prints what is on disk, as text for a person. */
final class PoolDebug {
  private final OpenPool pool;

  PoolDebug(OpenPool pool) {
    this.pool = pool;
  }

  /** What can be printed of a device without importing a pool. */
  static String device(LabelScan scan, String what, List<String> arguments) {
    if (!what.equals("label")) {
      throw unknown(what);
    }
    StringBuilder text = new StringBuilder();
    text.append(scan.deviceName()).append('\n');
    scan.labels().forEach(label -> {
      text.append("label ").append(label.index()).append(": ")
          .append(label.record() == null ? "damaged" : label.record().config()).append('\n');
      label.uberblocks().forEach(u -> text.append("  uberblock ").append(u).append('\n'));
    });
    scan.problems().forEach(problem -> text.append(problem).append('\n'));
    return text.toString();
  }

  private static PoolException unknown(String what) {
    return PoolException.refused(Errno.EINVAL, "cannot print '" + what + "'; there are label, "
        + "uberblock, layout, config, mos, dataset, object, block, zap, spacemap, gang");
  }

  /** See {@link PoolEngine#debug}. */
  String print(String what, List<String> arguments) {
    return switch (what) {
      case "uberblock" -> pool.parts().sync.committed() + "\n";
      case "layout" -> pool.parts().sync.layout() + "\n";
      case "config" -> pool.parts().sync.config() + "\n";
      default -> throw unknown(what);
    };
  }
}
