package io.lcpfs.pool;

import io.lcpfs.alloc.Allocator;
import io.lcpfs.alloc.KeptCheck;
import io.lcpfs.format.CheckpointRecord;
import io.lcpfs.vdev.TileMap;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Checks a checkpoint as a pool of its own: its trees, its maps and its own objects against each
 * other, and every copy of every block read; then that all of it is still kept, and nothing else.
 */
final class CheckpointCheck {
  private final PoolParts parts;
  private final CheckpointRecord record;

  CheckpointCheck(PoolParts parts, CheckpointRecord record) {
    this.parts = parts;
    this.record = record;
  }

  /**
   * Runs the check; no group may be written meanwhile.
   *
   * @param tilesThen the metaslabs that there were
   */
  VerifyReport run(TileMap tilesThen, Consumer<Progress> progress) {
    Allocator then = new Allocator(parts.allocator.sectorBytes(), 1);
    new CheckpointState(parts.context, record)
        .maps(
            tilesThen,
            (metaslab, entry, map) -> {
              metaslab.load(parts.env, map, record.txg());
              then.add(metaslab, entry.columns().getFirst().device(), entry.placement());
            });
    VerifyReport report =
        new PoolVerify(parts.context, record.root(), then, tilesThen, progress).run();
    List<VerifyReport.Finding> findings = new ArrayList<>(report.findings());
    KeptCheck.compare(then, parts.allocator)
        .forEach(text -> findings.add(new VerifyReport.Finding("SpaceCheck", "kept space", text)));
    return new VerifyReport(List.copyOf(findings), report.counts(), report.bytesChecked());
  }
}
