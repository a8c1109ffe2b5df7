package io.lcpfs.vdev;

import io.lcpfs.format.ActivityRecord;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.LabelRecord;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.Uberblock;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the labels of one device say.
 *
 * @param deviceName as the device calls itself
 * @param geometry by which it was read; null when the device is too small for labels
 * @param labels all 4, also where nothing is intact; empty without geometry
 * @param layouts the intact layout records, from any slot
 * @param damaged the places with neither a record nor zeros, but for configurations
 * @param problems what was unreadable or damaged, one line each; an unused place is no problem
 */
public record LabelScan(
    String deviceName,
    @Nullable Geometry geometry,
    List<Label> labels,
    List<Layout> layouts,
    List<Damaged> damaged,
    List<String> problems) {

  /**
   * One label.
   *
   * @param index 0 to 3
   * @param record the configuration with the device's guid, or null
   * @param uberblocks the intact ones, in order of their slots
   * @param activity the sign of life, or null
   */
  public record Label(
      int index,
      @Nullable LabelRecord record,
      List<Uberblock> uberblocks,
      @Nullable ActivityRecord activity) {}

  /** An intact layout record in slot A (0) or B (1), front (0) or back (1). */
  public record Layout(int slot, int copy, LayoutRecord record) {}

  /** What a damaged place is for. */
  public enum Part {
    /** A slot of the uberblock ring of a label. */
    UBERBLOCK,
    /** The activity sector of a label. */
    ACTIVITY,
    /** A copy of a layout slot. */
    LAYOUT
  }

  /**
   * A place that does not decode.
   *
   * @param index the label, or the layout slot
   * @param place the slot of the ring, 0 for an activity sector, or the copy of the layout slot
   */
  public record Damaged(Part part, int index, int place) {}

  public LabelScan {
    labels = List.copyOf(labels);
    layouts = List.copyOf(layouts);
    damaged = List.copyOf(damaged);
    problems = List.copyOf(problems);
  }

  /** The label with the newest configuration; of equal ones the first. */
  public Optional<LabelRecord> newest() {
    return labels.stream()
        .map(Label::record)
        .filter(Objects::nonNull)
        .max(Comparator.comparingLong((LabelRecord record) -> record.config().generation()));
  }

  /** The newest configuration that a label holds. */
  public Optional<PoolConfig> config() {
    return newest().map(LabelRecord::config);
  }

  /** The pool that the device belongs to, 0 for none. */
  public long poolGuid() {
    return config().map(PoolConfig::poolGuid).orElse(0L);
  }

  /** The device's guid in its pool, 0 for none. */
  public long deviceGuid() {
    return newest().map(LabelRecord::deviceGuid).orElse(0L);
  }

  /** The intact uberblock of this pool with the highest txg. */
  public Optional<Uberblock> head(long poolGuid) {
    return labels.stream()
        .flatMap(label -> label.uberblocks.stream())
        .filter(uberblock -> uberblock.poolGuid() == poolGuid)
        .max(Comparator.comparingLong(Uberblock::txg));
  }

  /** The sign of life with the highest sequence. */
  public Optional<ActivityRecord> activity() {
    return labels.stream()
        .map(Label::activity)
        .filter(Objects::nonNull)
        .max(Comparator.comparingLong(ActivityRecord::sequence));
  }
}
