package io.lcpfs.vdev;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.Uberblock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The state of a pool to import: an uberblock with the configuration and layout that it names.
 *
 * @param highestTxg the highest txg of any uberblock seen; new txgs must be above it
 * @param fellBack whether a newer uberblock had to be passed over
 * @param problems why, one line each
 */
public record LabelChoice(
    Uberblock uberblock,
    PoolConfig config,
    LayoutRecord layout,
    long highestTxg,
    boolean fellBack,
    List<String> problems) {

  /** See {@link LabelIo#chooseBest}. */
  static LabelChoice of(Env env, List<LabelScan> scans, long poolGuid, long maxTxg) {
    Map<Long, Long> parents = parents(scans, poolGuid);
    long fork = headFork(scans, poolGuid, parents);
    List<String> problems = new ArrayList<>();
    List<Uberblock> candidates = new ArrayList<>();
    long highest = 0;
    for (LabelScan scan : scans) {
      Optional<Uberblock> head = scan.head(poolGuid);
      highest = Math.max(highest, head.map(Uberblock::txg).orElse(0L));
      if (head.isPresent() && head.get().forkId() == fork) {
        scan.labels().forEach(label -> candidates.addAll(label.uberblocks()));
      } else if (head.isPresent()) {
        // What it did since is no part of the pool, whatever its txg.
        problems.add(
            scan.deviceName()
                + " is at txg "
                + head.get().txg()
                + " of an earlier import of the pool");
      }
    }
    candidates.removeIf(u -> u.poolGuid() != poolGuid || u.txg() > maxTxg);
    candidates.sort(Comparator.comparingLong(Uberblock::txg).reversed());
    boolean fellBack = highest > maxTxg;
    for (Uberblock uberblock : new LinkedHashSet<>(candidates)) {
      Optional<PoolConfig> config = config(scans, uberblock);
      Optional<LayoutRecord> layout = layout(scans, uberblock);
      if (config.isPresent() && layout.isPresent()) {
        if (fellBack) {
          env.probe(CodeProbe.UBERBLOCK_FALLBACK);
        }
        return new LabelChoice(
            uberblock, config.get(), layout.get(), highest, fellBack, List.copyOf(problems));
      }
      fellBack = true;
      problems.add(
          "txg "
              + uberblock.txg()
              + " is passed over: its "
              + (config.isPresent() ? "layout" : "configuration")
              + " is nowhere intact");
    }
    throw PoolException.refused(
        Errno.EIO,
        candidates.isEmpty()
            ? "no intact uberblock on any device of the pool; attach its other devices"
            : "no uberblock has its configuration and layout intact: "
                + String.join("; ", problems));
  }

  private static Map<Long, Long> parents(List<LabelScan> scans, long poolGuid) {
    Map<Long, Long> parents = new TreeMap<>();
    for (LabelScan scan : scans) {
      for (LabelScan.Label label : scan.labels()) {
        if (label.record() != null && label.record().config().poolGuid() == poolGuid) {
          PoolConfig config = label.record().config();
          parents.put(config.forkId(), config.parentForkId());
        }
      }
    }
    return parents;
  }

  /** The fork that all devices are at, or that those at an older one were left behind by. */
  private static long headFork(List<LabelScan> scans, long poolGuid, Map<Long, Long> parents) {
    TreeMap<Long, String> heads = new TreeMap<>();
    for (LabelScan scan : scans) {
      scan.head(poolGuid)
          .ifPresent(head -> heads.merge(head.forkId(), scan.deviceName(), (a, b) -> a + ", " + b));
    }
    TreeSet<Long> left = new TreeSet<>(heads.keySet());
    for (long fork : heads.keySet()) {
      TreeSet<Long> seen = new TreeSet<>();
      for (long at = parents.getOrDefault(fork, 0L); at != 0 && at != fork && seen.add(at); ) {
        left.remove(at);
        at = parents.getOrDefault(at, 0L);
      }
    }
    if (left.size() > 1) {
      throw PoolException.refused(
          Errno.EBUSY,
          "the devices were imported apart from each other and differ: "
              + heads.values()
              + "; import only those of one of these sets");
    }
    return left.isEmpty() ? 0 : left.first();
  }

  private static Optional<PoolConfig> config(List<LabelScan> scans, Uberblock uberblock) {
    for (LabelScan scan : scans) {
      for (LabelScan.Label label : scan.labels()) {
        if (label.record() != null) {
          PoolConfig config = label.record().config();
          if (config.poolGuid() == uberblock.poolGuid()
              && config.forkId() == uberblock.forkId()
              && config.generation() == uberblock.configGeneration()
              && config.checksum().equals(uberblock.configChecksum())) {
            return Optional.of(config);
          }
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<LayoutRecord> layout(List<LabelScan> scans, Uberblock uberblock) {
    for (LabelScan scan : scans) {
      for (LabelScan.Layout layout : scan.layouts()) {
        LayoutRecord record = layout.record();
        if (record.poolGuid() == uberblock.poolGuid()
            && record.generation() == uberblock.layoutGeneration()
            && record.checksum().equals(uberblock.layoutChecksum())) {
          return Optional.of(record);
        }
      }
    }
    return Optional.empty();
  }
}
