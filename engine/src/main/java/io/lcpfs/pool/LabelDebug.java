package io.lcpfs.pool;

import io.lcpfs.format.ActivityRecord;
import io.lcpfs.format.CheckpointRecord;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.LabelRecord;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.Uberblock;
import io.lcpfs.vdev.LabelScan;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Prints labels, and what is in them: configuration, uberblocks, layout. */
final class LabelDebug {
  private final DebugText out;

  LabelDebug(DebugText out) {
    this.out = out;
  }

  /** All that was found on one device. */
  void device(LabelScan scan, boolean verbose) {
    Geometry geometry = scan.geometry();
    out.line(
        "device "
            + scan.deviceName()
            + (geometry == null
                ? ""
                : ": "
                    + geometry.capacityBytes()
                    + " bytes in blocks of "
                    + geometry.blockBytes()
                    + ", labels of "
                    + geometry.labelBytes()
                    + ", layout slots of "
                    + geometry.layoutSlotBytes()
                    + ", data from "
                    + geometry.dataStart()
                    + " to "
                    + geometry.dataEnd()));
    PoolConfig before = null;
    for (LabelScan.Label label : scan.labels()) {
      label(label, geometry, before, verbose);
      LabelRecord record = label.record();
      before = record == null ? before : record.config();
    }
    for (LabelScan.Layout layout : scan.layouts()) {
      out.line(
          "layout slot "
              + (layout.slot() == 0 ? "A" : "B")
              + (layout.copy() == 0 ? " front" : " back"));
      out.inside(
          () -> {
            if (verbose) {
              layout(layout.record());
            } else {
              layoutHead(layout.record());
            }
          });
    }
    for (String problem : scan.problems()) {
      out.line("problem: " + problem);
    }
  }

  private void label(
      LabelScan.Label label,
      @Nullable Geometry geometry,
      @Nullable PoolConfig before,
      boolean verbose) {
    out.line(
        "label "
            + label.index()
            + (geometry == null ? "" : " at " + geometry.labelOffset(label.index())));
    out.inside(
        () -> {
          LabelRecord record = label.record();
          if (record == null) {
            out.line("no intact configuration");
          } else {
            out.line("device guid " + Long.toUnsignedString(record.deviceGuid()));
            if (record.config().equals(before)) {
              out.line("configuration as before");
            } else {
              config(record.config());
            }
          }
          ActivityRecord activity = label.activity();
          out.line(
              activity == null
                  ? "no sign of activity"
                  : "activity: txg "
                      + activity.txg()
                      + ", sequence "
                      + activity.sequence()
                      + ", at "
                      + time(activity.wallNanos())
                      + ", every "
                      + activity.intervalNanos() / 1_000_000
                      + " ms, host "
                      + Long.toHexString(activity.hostId())
                      + ", boot "
                      + Long.toHexString(activity.bootId()));
          uberblocks(label.uberblocks(), geometry, verbose);
        });
  }

  private void uberblocks(List<Uberblock> all, @Nullable Geometry geometry, boolean verbose) {
    out.line(
        "uberblock ring: "
            + all.size()
            + " intact"
            + (geometry == null ? "" : " of " + geometry.uberblockSlots() + " slots"));
    Optional<Uberblock> newest = all.stream().max(Comparator.comparingLong(Uberblock::txg));
    out.inside(
        () ->
            all.stream()
                .filter(u -> verbose || u.equals(newest.orElse(null)))
                .forEach(
                    u ->
                        out.line(
                            (geometry == null
                                    ? ""
                                    : "slot " + geometry.uberblockSlot(u.txg()) + ": ")
                                + "txg "
                                + u.txg()
                                + " at "
                                + time(u.timestampNanos())
                                + ", layout "
                                + u.layoutGeneration()
                                + ", configuration "
                                + u.configGeneration()
                                + ", root "
                                + u.root())));
  }

  /** Wall clock in nanoseconds since 1970, for a person; hostile values included. */
  static String time(long nanos) {
    return seconds(Math.floorDiv(nanos, 1_000_000_000L));
  }

  /** Wall clock in seconds since 1970, for a person. */
  static String seconds(long seconds) {
    return seconds < Instant.MIN.getEpochSecond() || seconds > Instant.MAX.getEpochSecond()
        ? seconds + " s"
        : Instant.ofEpochSecond(seconds).toString();
  }

  void uberblock(Uberblock uberblock) {
    out.line("uberblock of txg " + uberblock.txg());
    out.inside(
        () -> {
          out.line("written at " + time(uberblock.timestampNanos()));
          out.line(
              "pool guid "
                  + Long.toUnsignedString(uberblock.poolGuid())
                  + ", fork "
                  + Long.toHexString(uberblock.forkId()));
          out.line("meta object set " + uberblock.root());
          out.line(
              "layout generation "
                  + uberblock.layoutGeneration()
                  + ", checksum "
                  + uberblock.layoutChecksum());
          out.line(
              "configuration generation "
                  + uberblock.configGeneration()
                  + ", checksum "
                  + uberblock.configChecksum());
          CheckpointRecord checkpoint = uberblock.checkpoint();
          out.line("checkpoint txg " + checkpoint.txg());
          if (!checkpoint.isNone()) {
            out.line("checkpoint discarded in txg " + checkpoint.discardedTxg());
            out.line("checkpoint meta object set " + checkpoint.root());
          }
        });
  }

  void config(PoolConfig config) {
    out.line(
        "pool '"
            + config.name()
            + "', guid "
            + Long.toUnsignedString(config.poolGuid())
            + ", "
            + config.state()
            + ", generation "
            + config.generation());
    out.inside(
        () -> {
          out.line(
              "created "
                  + seconds(config.creationSeconds())
                  + "; host "
                  + Long.toHexString(config.hostId())
                  + ", boot "
                  + Long.toHexString(config.bootId())
                  + "; fork "
                  + Long.toHexString(config.forkId())
                  + " of "
                  + Long.toHexString(config.parentForkId()));
          config
              .features()
              .forEach(
                  feature ->
                      out.line(
                          "feature "
                              + feature.name()
                              + (feature.incompatible()
                                  ? " (incompatible)"
                                  : " (readable without)")));
          config
              .groups()
              .forEach(
                  group ->
                      out.line(
                          "group "
                              + group.id()
                              + ": "
                              + group.placement()
                              + ", "
                              + group.profile()
                              + ", sectors of "
                              + group.sectorBytes()
                              + ", tiles of "
                              + group.tileBytes()));
          config
              .devices()
              .forEach(
                  device ->
                      out.line(
                          "device "
                              + device.index()
                              + " of group "
                              + device.group()
                              + ": guid "
                              + Long.toUnsignedString(device.guid())
                              + ", "
                              + device.capacityBytes()
                              + " bytes in blocks of "
                              + device.blockBytes()
                              + ", '"
                              + device.pathHint()
                              + "'"));
        });
  }

  private void layoutHead(LayoutRecord layout) {
    out.line(
        "generation "
            + layout.generation()
            + ", pool "
            + Long.toUnsignedString(layout.poolGuid())
            + ", "
            + layout.entries().size()
            + " metaslabs, next "
            + layout.nextMetaslab()
            + ", "
            + layout.encodedBytes()
            + " bytes, checksum "
            + layout.checksum());
  }

  void layout(LayoutRecord layout) {
    layoutHead(layout);
    out.inside(
        () ->
            layout
                .entries()
                .forEach(
                    entry -> {
                      StringBuilder columns = new StringBuilder();
                      entry
                          .columns()
                          .forEach(
                              column ->
                                  columns
                                      .append(' ')
                                      .append(column.device())
                                      .append(':')
                                      .append(column.tile()));
                      out.line(
                          "metaslab "
                              + entry.id()
                              + ": group "
                              + entry.group()
                              + ", "
                              + entry.profile()
                              + ", "
                              + entry.placement()
                              + ", since txg "
                              + entry.birthTxg()
                              + ", device:tile"
                              + columns);
                    }));
  }
}
