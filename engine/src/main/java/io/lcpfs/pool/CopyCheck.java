package io.lcpfs.pool;

import io.lcpfs.env.Task;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.BlockPointer;
import io.lcpfs.memory.Slab;
import io.lcpfs.object.ObjectContext;
import io.lcpfs.pipeline.BlockReader;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads every copy of every block that it is given, in batches, several of which are under way at
 * once, and tells what it found in the order in which the blocks were given. Used by one thread.
 */
final class CopyCheck {
  private static final int MAX_BATCHES = 8;
  private static final int BATCH_BLOCKS = 64;
  private static final long BATCH_BYTES = 1 << 20;

  /** Memory of all batches; a larger one goes alone. */
  private static final long MAX_MEMORY_BYTES = 16 << 20;

  /** Told what was found, on the thread that gives the blocks. */
  interface Results {
    void found(VerifyReport.Finding finding);

    /** A number of bytes was read, of all copies. */
    void read(long bytes);
  }

  /** A block of a batch. */
  private record Item(String dataset, long object, BlockPointer pointer) {}

  /**
   * What a batch came to.
   *
   * @param noMemory why it could not be read, or null
   */
  private record Answer(List<VerifyReport.Finding> findings, @Nullable PoolException noMemory) {}

  /**
   * A batch under way, or findings that keep their place among the batches.
   *
   * @param items its blocks
   * @param bytes what it reads
   * @param memoryBytes what it holds meanwhile
   */
  private record Batch(
      @Nullable Task<Answer> task,
      List<VerifyReport.Finding> known,
      List<Item> items,
      long bytes,
      int memoryBytes) {}

  private final ObjectContext context;
  private final BlockReader reader;
  private final Results results;
  private final ArrayDeque<Batch> underWay = new ArrayDeque<>();
  private List<Item> items = new ArrayList<>();
  private long itemBytes;
  private int largest;
  private int running;
  private long memoryBytes;

  CopyCheck(ObjectContext context, Results results) {
    this.context = context;
    this.reader = context.io().reader();
    this.results = results;
  }

  /** Gives a block that is neither a hole nor embedded. */
  void block(String dataset, long object, BlockPointer pointer) {
    int stored = reader.storedBytes(pointer);
    items.add(new Item(dataset, object, pointer));
    itemBytes += reader.checkedBytes(pointer);
    largest = Math.max(largest, stored);
    if (items.size() == BATCH_BLOCKS || itemBytes >= BATCH_BYTES) {
      start();
    }
  }

  /** Tells a finding of another kind behind those of all blocks given so far. */
  void finding(VerifyReport.Finding finding) {
    start();
    if (underWay.isEmpty()) {
      results.found(finding);
      return;
    }
    underWay.add(new Batch(null, List.of(finding), List.of(), 0, 0));
    if (underWay.size() > 2 * MAX_BATCHES) {
      endOldest();
    }
  }

  private void start() {
    if (items.isEmpty()) {
      return;
    }
    while (running == MAX_BATCHES || (running > 0 && memoryBytes + largest > MAX_MEMORY_BYTES)) {
      endOldest();
    }
    Slab slab = memory(largest);
    List<Item> batch = items;
    Task<Answer> task = context.env().onDevice(() -> check(batch, slab));
    underWay.add(new Batch(task, List.of(), batch, itemBytes, largest));
    running++;
    memoryBytes += largest;
    items = new ArrayList<>();
    itemBytes = 0;
    largest = 0;
  }

  private Slab memory(int bytes) {
    while (true) {
      try {
        return context.cache().allocateForSync(bytes);
      } catch (PoolException e) {
        if (e.errno() != Errno.ENOMEM || running == 0) {
          throw e;
        }
        endOldest(); // and take its memory
      }
    }
  }

  private Answer check(List<Item> batch, Slab slab) {
    List<VerifyReport.Finding> findings = new ArrayList<>();
    try {
      for (Item item : batch) {
        BlockPointer pointer = item.pointer;
        for (int copy = 0; copy < pointer.copies(); copy++) {
          reader.check(
              pointer,
              copy,
              slab.segment().asSlice(0, reader.storedBytes(pointer)),
              (where, why) ->
                  findings.add(
                      new VerifyReport.Finding(
                          "BlockCheck",
                          item.dataset + " object " + item.object,
                          where + ": " + why.error().message())));
        }
      }
      return new Answer(findings, null);
    } catch (PoolException e) {
      if (e.errno() != Errno.ENOMEM) {
        throw e;
      }
      return new Answer(List.of(), e);
    } finally {
      context.slabs().free(slab);
    }
  }

  private void endOldest() {
    Batch oldest = underWay.remove();
    Task<Answer> task = oldest.task;
    if (task != null) {
      running--;
      memoryBytes -= oldest.memoryBytes;
      join(task, oldest).forEach(results::found);
      results.read(oldest.bytes);
    }
    oldest.known.forEach(results::found);
  }

  private List<VerifyReport.Finding> join(Task<Answer> task, Batch batch) {
    Answer answer = task.join();
    if (answer.noMemory == null) {
      return answer.findings;
    }
    waitForAll(); // they may have held what was missing
    Answer again = check(batch.items, context.cache().allocateForSync(batch.memoryBytes));
    if (again.noMemory != null) {
      throw again.noMemory;
    }
    return again.findings;
  }

  private void waitForAll() {
    for (Batch batch : underWay) {
      if (batch.task != null) {
        batch.task.join();
      }
    }
  }

  /** Waits for all blocks. */
  void finish() {
    start();
    while (!underWay.isEmpty()) {
      endOldest();
    }
  }

  /** Waits for what is under way, after a failure; tells nothing any more. */
  void abandon() {
    waitForAll();
    underWay.clear();
  }
}
