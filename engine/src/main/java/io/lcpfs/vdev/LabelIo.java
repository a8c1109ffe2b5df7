package io.lcpfs.vdev;

import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.CodeProbe;
import io.lcpfs.env.Env;
import io.lcpfs.env.PlantedBug;
import io.lcpfs.env.Task;
import io.lcpfs.error.Check;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.ActivityRecord;
import io.lcpfs.format.Geometry;
import io.lcpfs.format.LabelRecord;
import io.lcpfs.format.LayoutRecord;
import io.lcpfs.format.PoolConfig;
import io.lcpfs.format.PoolState;
import io.lcpfs.format.Uberblock;
import io.lcpfs.memory.Slab;
import io.lcpfs.memory.SlabAllocator;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes labels and layout slots, in the order that makes a commit whole or not at all.
 * Work on several devices goes on side by side; each step ends on all of them before the next
 * begins. Called by one task at a time for the same devices.
 */
public final class LabelIo {
  private static final int ZERO_BYTES = 1 << 20;
  private static final int MEMORY_ATTEMPTS = 4;

  private final Env env;
  private final SlabAllocator slabs;

  public LabelIo(Env env, SlabAllocator slabs) {
    this.env = env;
    this.slabs = slabs;
  }

  /** As {@link #scan}, on the calling thread. */
  public static LabelScan scanHere(BlockDevice device, SlabAllocator slabs) {
    return new LabelScanner(device, slabs).scan();
  }

  /** Reads all labels and layout slots of a device; damage is told in the answer, never thrown. */
  public LabelScan scan(BlockDevice device) {
    return env.onDevice(() -> scanHere(device, slabs)).join();
  }

  /**
   * The newest state that the devices of a pool agree on: the highest txg, up to {@code maxTxg},
   * whose configuration and layout are intact somewhere. Devices left behind in an older fork of
   * the pool do not count; an uberblock of theirs with a higher txg is not considered.
   *
   * @param maxTxg Long.MAX_VALUE, or less to go back to an older uberblock
   * @throws PoolException EIO when there is none; EBUSY when devices were changed apart from each
   *     other
   */
  public LabelChoice chooseBest(List<LabelScan> scans, long poolGuid, long maxTxg) {
    return choose(env, scans, poolGuid, maxTxg);
  }

  /** As {@link #chooseBest}; reads nothing. */
  public static LabelChoice choose(Env env, List<LabelScan> scans, long poolGuid, long maxTxg) {
    return LabelChoice.of(env, scans, poolGuid, maxTxg);
  }

  /**
   * Does {@code step} for each target on a device thread; throws the first failure after all ended.
   */
  private void onAll(List<LabelTarget> targets, Consumer<LabelTarget> step) {
    List<Task<Boolean>> tasks = new ArrayList<>();
    for (LabelTarget target : targets) {
      tasks.add(
          env.onDevice(
              () -> {
                step.accept(target);
                return true;
              }));
    }
    PoolException first = null;
    for (Task<Boolean> task : tasks) {
      try {
        task.join();
      } catch (PoolException e) {
        first = first == null ? e : first;
      }
    }
    if (first != null) {
      throw first;
    }
  }

  /** The queues' writes are waited for before labels are written, so that little else is taken. */
  private Slab memory(int bytes) {
    for (int attempt = 1; ; attempt++) {
      try {
        return slabs.allocateForSync(bytes);
      } catch (PoolException e) {
        if (e.errno() != Errno.ENOMEM || attempt == MEMORY_ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  private void withBuffer(int bytes, Consumer<MemorySegment> use) {
    Slab slab = memory(bytes);
    try {
      use.accept(slab.segment());
    } finally {
      slabs.free(slab);
    }
  }

  private void zero(LabelTarget target, long from, long bytes) {
    withBuffer(
        (int) Math.min(bytes, ZERO_BYTES),
        buffer -> {
          buffer.fill((byte) 0);
          for (long at = 0; at < bytes; at += buffer.byteSize()) {
            long part = Math.min(buffer.byteSize(), bytes - at);
            target.queue().writeHere(from + at, buffer.asSlice(0, part));
          }
        });
  }

  /** Overwrites labels and layout slots with zeros: what was there is no pool any more. */
  private void erase(LabelTarget target) {
    Geometry geometry = target.geometry();
    for (int label = 0; label < Geometry.LABELS; label++) {
      zero(target, geometry.labelOffset(label), geometry.labelBytes());
    }
    for (int slot = 0; slot < 2; slot++) {
      for (int copy = 0; copy < Geometry.LAYOUT_COPIES; copy++) {
        zero(target, geometry.layoutOffset(slot, copy), geometry.unitBytes());
      }
    }
  }

  /**
   * Prepares new devices: erases what was there, then writes layout slots and configurations. They
   * are no pool until the first {@link #commit}, which alone writes an uberblock.
   *
   * @throws PoolException EINVAL when the configuration does not fit in a label; EIO when a device
   *     failed
   */
  public void initialize(List<LabelTarget> targets, PoolConfig config, LayoutRecord layout) {
    targets.forEach(target -> checkFits(target.geometry(), config, layout));
    onAll(
        targets,
        target -> {
          erase(target);
          target.queue().flushHere();
        });
    onAll(
        targets,
        target -> {
          writeLayout(target, layout);
          for (int label = 0; label < Geometry.LABELS; label++) {
            writeConfig(target, label, config);
          }
          target.queue().flushHere();
        });
  }

  /**
   * Refuses (EINVAL) what does not fit on a device of this geometry: too many devices, paths or
   * metaslabs.
   */
  public static void checkFits(Geometry geometry, PoolConfig config, LayoutRecord layout) {
    if (LabelRecord.encodedBytes(config) > geometry.configBytes()) {
      throw PoolException.refused(
          Errno.EINVAL,
          "the configuration takes "
              + LabelRecord.encodedBytes(config)
              + " bytes, a label has room for "
              + geometry.configBytes()
              + "; use fewer devices or shorter paths");
    }
    if (layout.encodedBytes() > geometry.layoutSlotBytes()) {
      throw PoolException.refused(
          Errno.EINVAL,
          "the layout takes "
              + layout.encodedBytes()
              + " bytes, a slot has room for "
              + geometry.layoutSlotBytes());
    }
  }

  /**
   * Commits a txg whose blocks were written through the targets' queues: on return it is durable,
   * and until step 4 a crash leaves the state before.
   *
   * <ol>
   *   <li>the layout, if changed, into the slot that does not hold the present one
   *   <li>queues drained, all devices flushed
   *   <li>the configuration, if changed, into labels 0 and 2; flush
   *   <li>the uberblock into all labels; flush: committed
   *   <li>the configuration into labels 1 and 3; flush
   * </ol>
   *
   * @param config the new configuration, or null when that of the last commit stays
   * @param layout the new layout, or null when that of the last commit stays
   * @throws PoolException EIO when a device failed: whether the txg is committed is unknown; the
   *     pool must not go on
   */
  public void commit(
      List<LabelTarget> targets,
      Uberblock uberblock,
      @Nullable PoolConfig config,
      @Nullable LayoutRecord layout) {
    if (config != null) {
      Check.that(
          config.generation() == uberblock.configGeneration()
              && config.forkId() == uberblock.forkId(),
          "configuration of an uberblock",
          config.generation());
    }
    if (layout != null) {
      Check.that(
          layout.generation() == uberblock.layoutGeneration(),
          "layout of an uberblock",
          layout.generation());
      env.probe(CodeProbe.LAYOUT_REWRITTEN);
    }
    boolean flush = !env.planted(PlantedBug.NO_FLUSH_BEFORE_UBERBLOCK);
    onAll(
        targets,
        target -> {
          if (layout != null) {
            writeLayout(target, layout);
          }
          target.queue().drain();
          if (flush) {
            target.queue().flushHere();
          }
        });
    if (config != null) {
      writeConfigs(targets, config, 0);
    }
    onAll(
        targets,
        target -> {
          for (int label = 0; label < Geometry.LABELS; label++) {
            writeUberblock(target, label, uberblock);
          }
          target.queue().flushHere();
        });
    if (config != null) {
      writeConfigs(targets, config, 1);
    }
  }

  private void writeConfigs(List<LabelTarget> targets, PoolConfig config, int firstLabel) {
    onAll(
        targets,
        target -> {
          writeConfig(target, firstLabel, config);
          writeConfig(target, firstLabel + 2, config);
          target.queue().flushHere();
        });
  }

  private void writeLayout(LabelTarget target, LayoutRecord layout) {
    byte[] bytes = layout.encode();
    int unit = target.geometry().unitBytes();
    int length = Math.ceilDiv(bytes.length, unit) * unit;
    Check.that(length <= target.geometry().layoutSlotBytes(), "layout bytes", length);
    withBuffer(
        length,
        buffer -> {
          buffer.fill((byte) 0);
          MemorySegment.copy(MemorySegment.ofArray(bytes), 0, buffer, 0, bytes.length);
          int slot = Geometry.layoutSlot(layout.generation());
          for (int copy = 0; copy < Geometry.LAYOUT_COPIES; copy++) {
            target.queue().writeHere(target.geometry().layoutOffset(slot, copy), buffer);
          }
        });
  }

  private void writeConfig(LabelTarget target, int label, PoolConfig config) {
    int unit = target.geometry().unitBytes();
    int length = Math.ceilDiv(LabelRecord.encodedBytes(config), unit) * unit;
    Check.that(length <= target.geometry().configBytes(), "configuration bytes", length);
    withBuffer(
        length,
        buffer -> {
          long offset = target.geometry().configOffset(label);
          new LabelRecord(target.guid(), config).encode(buffer, offset);
          target.queue().writeHere(offset, buffer);
        });
  }

  private void writeUberblock(LabelTarget target, int label, Uberblock uberblock) {
    Geometry geometry = target.geometry();
    withBuffer(
        geometry.unitBytes(),
        buffer -> {
          long offset = geometry.uberblockOffset(label, geometry.uberblockSlot(uberblock.txg()));
          uberblock.encode(buffer, offset);
          target.queue().writeHere(offset, buffer);
        });
  }

  /**
   * Commits the present state under the next txg with another pool state: how a pool that is not
   * imported is marked exported or destroyed.
   *
   * @return the new configuration
   */
  public PoolConfig setState(List<LabelTarget> targets, LabelChoice present, PoolState state) {
    PoolConfig config = present.config().withState(state);
    Uberblock old = present.uberblock();
    commit(
        targets,
        new Uberblock(
            present.highestTxg() + 1,
            env.wallNanos(),
            old.poolGuid(),
            old.forkId(),
            old.root(),
            old.layoutGeneration(),
            old.layoutChecksum(),
            config.generation(),
            config.checksum(),
            old.checkpoint()),
        config,
        null);
    return config;
  }

  /**
   * Rewrites what is damaged or out of date in the labels and layout slots of a device, provided
   * that it proves to be the one remembered: its recorded size, and an intact layout slot of the
   * present generation, or blocks that verified. Nothing is written otherwise.
   *
   * @param scan what was read from this device
   * @param blocksVerified whether the caller has read 64 blocks of the pool from it, all intact
   * @return what was rewritten, one line each; empty when all was well or the device did not prove
   *     itself
   * @throws PoolException EIO when a write failed
   */
  public List<String> repair(
      LabelTarget target, LabelScan scan, LabelChoice present, boolean blocksVerified) {
    Optional<PoolConfig.Device> remembered =
        present.config().devices().stream()
            .filter(device -> device.guid() == target.guid())
            .findFirst();
    boolean sameSize =
        remembered.isPresent()
            && target.queue().device().capacity() >= remembered.get().capacityBytes()
            && remembered.get().geometry().equals(target.geometry())
            && target.geometry().equals(scan.geometry());
    boolean layoutThere =
        scan.layouts().stream().anyMatch(layout -> layout.record().equals(present.layout()));
    if (!sameSize || !(layoutThere || blocksVerified)) {
      return List.of();
    }
    List<String> done = new ArrayList<>();
    onAll(List.of(target), one -> rewrite(one, scan, present, done));
    if (!done.isEmpty()) {
      env.probe(CodeProbe.LABEL_REPAIRED);
    }
    return done;
  }

  private void rewrite(LabelTarget target, LabelScan scan, LabelChoice present, List<String> done) {
    String name = target.queue().device().name();
    int slot = Geometry.layoutSlot(present.layout().generation());
    long copies =
        scan.layouts().stream()
            .filter(layout -> layout.slot() == slot && layout.record().equals(present.layout()))
            .count();
    if (copies < Geometry.LAYOUT_COPIES) {
      writeLayout(target, present.layout());
      done.add(name + ": layout slot " + (slot == 0 ? "A" : "B"));
    }
    LabelRecord wanted = new LabelRecord(target.guid(), present.config());
    for (LabelScan.Label label : scan.labels()) {
      boolean configIntact = wanted.equals(label.record());
      boolean uberblockIntact = label.uberblocks().contains(present.uberblock());
      if (!configIntact) {
        writeConfig(target, label.index(), present.config());
        done.add(name + ": configuration of label " + label.index());
      }
      if (!uberblockIntact) {
        writeUberblock(target, label.index(), present.uberblock());
        done.add(name + ": uberblock of label " + label.index());
      }
      if (!configIntact || !uberblockIntact) {
        // One label after the other, so that a crash never leaves two half written.
        target.queue().flushHere();
      }
    }
    target.queue().flushHere();
    if (!scan.damaged().isEmpty()) {
      scan.damaged().forEach(place -> restore(target, scan, present, place, done));
      target.queue().flushHere();
    }
  }

  /** Rewrites a damaged place from its like elsewhere on the device, or with zeros. */
  private void restore(
      LabelTarget target,
      LabelScan scan,
      LabelChoice present,
      LabelScan.Damaged place,
      List<String> done) {
    Geometry geometry = target.geometry();
    String name = target.queue().device().name();
    switch (place.part()) {
      case ACTIVITY -> {
        zero(target, geometry.activityOffset(place.index()), geometry.unitBytes());
        done.add(name + ": activity sector of label " + place.index());
      }
      case UBERBLOCK -> {
        if (place.place() == geometry.uberblockSlot(present.uberblock().txg())) {
          return; // rewritten with its label
        }
        Optional<Uberblock> other =
            scan.labels().stream()
                .flatMap(label -> label.uberblocks().stream())
                .filter(one -> geometry.uberblockSlot(one.txg()) == place.place())
                .max(Comparator.comparingLong(Uberblock::txg));
        if (other.isPresent()) {
          writeUberblock(target, place.index(), other.get());
        } else {
          zero(
              target, geometry.uberblockOffset(place.index(), place.place()), geometry.unitBytes());
        }
        note(done, name + ": uberblock of label " + place.index());
      }
      case LAYOUT -> {
        if (place.index() == Geometry.layoutSlot(present.layout().generation())) {
          return; // rewritten already
        }
        Optional<LabelScan.Layout> other =
            scan.layouts().stream().filter(layout -> layout.slot() == place.index()).findFirst();
        if (other.isPresent()) {
          writeLayout(target, other.get().record());
        } else {
          zero(target, geometry.layoutOffset(place.index(), place.place()), geometry.unitBytes());
        }
        note(done, name + ": layout slot " + (place.index() == 0 ? "A" : "B"));
      }
    }
  }

  /** A ring may have many damaged slots: its label is told once. */
  private static void note(List<String> done, String line) {
    if (!done.contains(line)) {
      done.add(line);
    }
  }

  /**
   * Erases the labels and layout slots of a device, so that it is no part of any pool.
   *
   * @param geometry as the scan found it
   */
  public void clear(DeviceQueue queue, Geometry geometry) {
    onAll(
        List.of(new LabelTarget(0, queue, geometry)),
        target -> {
          erase(target);
          target.queue().flushHere();
        });
  }

  /**
   * Writes a sign of life to all labels of all targets; not flushed, since it is for readers of
   * now.
   */
  public void writeActivity(List<LabelTarget> targets, ActivityRecord activity) {
    onAll(
        targets,
        target ->
            withBuffer(
                target.geometry().unitBytes(),
                buffer -> {
                  for (int label = 0; label < Geometry.LABELS; label++) {
                    long offset = target.geometry().activityOffset(label);
                    activity.encode(buffer, offset);
                    target.queue().writeHere(offset, buffer);
                  }
                }));
  }

  /** The newest sign of life on a device; unreadable and damaged ones do not count. */
  public Optional<ActivityRecord> readActivity(BlockDevice device, Geometry geometry) {
    return env.onDevice(
            () -> {
              ActivityRecord newest = null;
              Slab slab = slabs.allocate(geometry.unitBytes());
              try {
                for (int label = 0; label < Geometry.LABELS; label++) {
                  ActivityRecord one =
                      activity(device, geometry.activityOffset(label), slab.segment());
                  if (one != null && (newest == null || one.sequence() > newest.sequence())) {
                    newest = one;
                  }
                }
              } finally {
                slabs.free(slab);
              }
              return Optional.ofNullable(newest);
            })
        .join();
  }

  private static @Nullable ActivityRecord activity(
      BlockDevice device, long offset, MemorySegment unit) {
    try {
      device.readBlocks(
          offset / device.blockSize(), (int) (unit.byteSize() / device.blockSize()), unit);
      return ActivityRecord.decode(unit, offset);
    } catch (PoolException damaged) {
      return null; // the other labels are asked; none at all is the answer
    }
  }
}
