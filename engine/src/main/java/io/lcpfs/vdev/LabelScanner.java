package io.lcpfs.vdev;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ActivityRecord;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.LabelRecord;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.Uberblock;
import io.lcpfs.memory.Slab;
import io.lcpfs.memory.SlabAllocator;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads all labels and layout slots of one device; on a device thread. */
final class LabelScanner {
  private final BlockDevice device;
  private final SlabAllocator slabs;
  private final List<String> problems = new ArrayList<>();
  private final List<LabelScan.Damaged> damaged = new ArrayList<>();

  LabelScanner(BlockDevice device, SlabAllocator slabs) {
    this.device = device;
    this.slabs = slabs;
  }

  LabelScan scan() {
    String name = device.name();
    if (device.capacity() < Geometry.MIN_SMALL_DEVICE_BYTES) {
      return new LabelScan(
          name, null, List.of(), List.of(), List.of(), List.of(name + " is too small for labels"));
    }
    Geometry geometry = new Geometry(device.capacity(), device.blockSize());
    List<LabelScan.Label> labels = labels(geometry);
    Geometry recorded = recorded(labels);
    if (recorded != null
        && (recorded.usableBytes() != geometry.usableBytes()
            || recorded.labelBytes() != geometry.labelBytes())) {
      // The device was made larger or smaller since: its back labels are where they were then.
      if (device.capacity() < recorded.capacityBytes()) {
        problems.add(
            name
                + " has "
                + device.capacity()
                + " bytes, but had "
                + recorded.capacityBytes()
                + " when it was added");
      }
      problems.removeIf(problem -> problem.contains("label"));
      damaged.clear();
      geometry = recorded;
      labels = labels(geometry);
    }
    List<LabelScan.Layout> layouts = recorded == null ? List.of() : layouts(geometry);
    return new LabelScan(name, geometry, labels, layouts, damaged, problems);
  }

  private static @Nullable Geometry recorded(List<LabelScan.Label> labels) {
    for (LabelScan.Label label : labels) {
      LabelRecord record = label.record();
      if (record != null) {
        Optional<PoolConfig.Device> own =
            record.config().devices().stream()
                .filter(one -> one.guid() == record.deviceGuid())
                .findFirst();
        if (own.isPresent()) {
          return own.get().geometry();
        }
      }
    }
    return null;
  }

  private List<LabelScan.Label> labels(Geometry geometry) {
    List<LabelScan.Label> labels = new ArrayList<>();
    Slab slab = slabs.allocate(geometry.labelBytes());
    try {
      for (int i = 0; i < Geometry.LABELS; i++) {
        readLabel(geometry, i, slab.segment());
        labels.add(label(geometry, i, slab.segment()));
      }
    } finally {
      slabs.free(slab);
    }
    return labels;
  }

  /** Reads a label whole, or else unit by unit: what cannot be read counts as zeros. */
  private void readLabel(Geometry geometry, int label, MemorySegment into) {
    if (read(geometry.labelOffset(label), into) == null) {
      return;
    }
    int unit = geometry.unitBytes();
    PoolException first = null;
    for (long at = 0; at < into.byteSize(); at += unit) {
      MemorySegment part = into.asSlice(at, unit);
      PoolException failure = read(geometry.labelOffset(label) + at, part);
      if (failure != null) {
        part.fill((byte) 0);
        first = first == null ? failure : first;
      }
    }
    if (first != null) {
      problem("label " + label + " is not all readable", first);
    }
  }

  private @Nullable PoolException read(long offset, MemorySegment into) {
    try {
      device.readBlocks(
          offset / device.blockSize(), (int) (into.byteSize() / device.blockSize()), into);
      return null;
    } catch (PoolException e) {
      return e;
    }
  }

  private void problem(String what, PoolException why) {
    problems.add(device.name() + ": " + what + ": " + why.error().message());
  }

  private LabelScan.Label label(Geometry geometry, int index, MemorySegment bytes) {
    long start = geometry.labelOffset(index);
    LabelRecord record = null;
    long configAt = geometry.configOffset(index);
    MemorySegment area = bytes.asSlice(configAt - start, geometry.configBytes());
    try {
      record = LabelRecord.decode(area, configAt);
    } catch (PoolException e) {
      if (!isZero(area.asSlice(0, LabelRecord.HEADER_BYTES))) {
        problem("configuration of label " + index, e);
      }
    }
    List<Uberblock> uberblocks = new ArrayList<>();
    for (int slot = 0; slot < geometry.uberblockSlots(); slot++) {
      long at = geometry.uberblockOffset(index, slot);
      MemorySegment unit = bytes.asSlice(at - start, geometry.unitBytes());
      try {
        if (!isZero(unit.asSlice(0, Long.BYTES))) {
          uberblocks.add(Uberblock.decode(unit, at));
        }
      } catch (PoolException e) {
        problem("uberblock slot " + slot + " of label " + index, e);
        damaged.add(new LabelScan.Damaged(LabelScan.Part.UBERBLOCK, index, slot));
      }
    }
    return new LabelScan.Label(index, record, uberblocks, activity(geometry, index, bytes));
  }

  private @Nullable ActivityRecord activity(Geometry geometry, int index, MemorySegment bytes) {
    long at = geometry.activityOffset(index);
    MemorySegment unit = bytes.asSlice(at - geometry.labelOffset(index), geometry.unitBytes());
    try {
      return isZero(unit.asSlice(0, Long.BYTES)) ? null : ActivityRecord.decode(unit, at);
    } catch (PoolException e) {
      problem("activity sector of label " + index, e);
      damaged.add(new LabelScan.Damaged(LabelScan.Part.ACTIVITY, index, 0));
      return null;
    }
  }

  private static boolean isZero(MemorySegment bytes) {
    for (long at = 0; at < bytes.byteSize(); at++) {
      if (bytes.get(java.lang.foreign.ValueLayout.JAVA_BYTE, at) != 0) {
        return false;
      }
    }
    return true;
  }

  private List<LabelScan.Layout> layouts(Geometry geometry) {
    List<LabelScan.Layout> found = new ArrayList<>();
    for (int slot = 0; slot < 2; slot++) {
      for (int copy = 0; copy < Geometry.LAYOUT_COPIES; copy++) {
        int before = problems.size();
        LayoutRecord record = layout(geometry, slot, copy);
        if (record != null) {
          found.add(new LabelScan.Layout(slot, copy, record));
        } else if (problems.size() > before) {
          damaged.add(new LabelScan.Damaged(LabelScan.Part.LAYOUT, slot, copy));
        }
      }
    }
    return found;
  }

  private @Nullable LayoutRecord layout(Geometry geometry, int slot, int copy) {
    long offset = geometry.layoutOffset(slot, copy);
    int unit = geometry.unitBytes();
    String what = "layout slot " + (slot == 0 ? "A" : "B") + (copy == 0 ? " front" : " back");
    int total;
    Slab head = slabs.allocate(unit);
    try {
      PoolException failure = read(offset, head.segment());
      if (failure != null) {
        throw failure;
      }
      if (isZero(head.segment().asSlice(0, Long.BYTES))) {
        return null;
      }
      total = LayoutRecord.totalBytes(head.segment(), geometry.layoutSlotBytes());
      if (total <= unit) {
        return LayoutRecord.decode(head.segment());
      }
    } catch (PoolException e) {
      problem(what, e);
      return null;
    } finally {
      slabs.free(head);
    }
    Slab whole = slabs.allocate(Math.ceilDiv(total, unit) * unit);
    try {
      PoolException failure = read(offset, whole.segment());
      if (failure != null) {
        throw failure;
      }
      return LayoutRecord.decode(whole.segment());
    } catch (PoolException e) {
      problem(what, e);
      return null;
    } finally {
      slabs.free(whole);
    }
  }
}
