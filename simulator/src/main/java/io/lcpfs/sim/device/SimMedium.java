package io.lcpfs.sim.device;

import io.lcpfs.error.Check;
import io.lcpfs.sim.world.SimRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is on a simulated disk: blocks that are durable, writes that are not yet, and after a crash
 * writes whose fate nobody has looked at. Pages are immutable and shared between copies.
 */
public final class SimMedium {
  /** Stands in {@link #live} where a block depends on writes whose fate is not decided. */
  private static final byte[] UNDECIDED = new byte[0];

  private final String name;
  private final int blockSize;
  private final byte[] zeros;

  /** What a read gives. */
  private byte[][] live;

  /** What a crash cannot take away. */
  private byte[][] durable;

  private ArrayList<LoggedWrite> open = new ArrayList<>();

  /** For each block with undecided writes: those writes, oldest first. */
  private Map<Long, List<LoggedWrite>> undecided = new HashMap<>();

  private CrashChooser chooser = (device, firstBlock, sectors, distinct) -> WriteFate.LOST;
  private long sequence;

  public SimMedium(String name, int blockSize, long blocks) {
    Check.that(
        Integer.bitCount(blockSize) == 1 && blockSize >= 512 && blockSize <= 65_536,
        "block size",
        blockSize);
    this.name = name;
    this.blockSize = blockSize;
    this.zeros = new byte[blockSize];
    this.live = new byte[Math.toIntExact(blocks)][];
    this.durable = new byte[Math.toIntExact(blocks)][];
    Arrays.fill(live, zeros);
    Arrays.fill(durable, zeros);
  }

  private SimMedium(SimMedium other) {
    this.name = other.name;
    this.blockSize = other.blockSize;
    this.zeros = other.zeros;
    this.live = other.live.clone();
    this.durable = other.durable.clone();
    this.chooser = other.chooser;
    this.sequence = other.sequence;
    IdentityHashMap<LoggedWrite, LoggedWrite> copies = new IdentityHashMap<>();
    for (LoggedWrite write : other.open) {
      open.add(copies.computeIfAbsent(write, LoggedWrite::copy));
    }
    other.undecided.forEach(
        (block, writes) -> {
          List<LoggedWrite> list = new ArrayList<>();
          for (LoggedWrite write : writes) {
            list.add(copies.computeIfAbsent(write, LoggedWrite::copy));
          }
          undecided.put(block, list);
        });
  }

  /** An independent medium of the same content; shares pages, so it costs two pointers a block. */
  public SimMedium copy() {
    return new SimMedium(this);
  }

  public String name() {
    return name;
  }

  public int blockSize() {
    return blockSize;
  }

  public long blocks() {
    return live.length;
  }

  /** The content of a block as a read sees it; not to be changed. */
  byte[] read(long block) {
    byte[] page = live[(int) block];
    return page.length == UNDECIDED.length ? settle(block) : page;
  }

  LoggedWrite write(long firstBlock, byte[][] pages) {
    LoggedWrite write = new LoggedWrite(++sequence, firstBlock, pages, blockSize);
    open.add(write);
    for (int i = 0; i < pages.length; i++) {
      live[(int) firstBlock + i] = pages[i];
    }
    return write;
  }

  /** The writes that a flush starting now covers. */
  List<LoggedWrite> coveredByFlush() {
    List<LoggedWrite> covered = new ArrayList<>();
    for (LoggedWrite write : open) {
      if (write.returned) {
        covered.add(write);
      }
    }
    return covered;
  }

  void makeDurable(List<LoggedWrite> covered) {
    for (LoggedWrite write : covered) {
      for (int i = 0; i < write.pages.length; i++) {
        long block = write.firstBlock + i;
        durable[(int) block] = write.pages[i];
        undecided.remove(block);
      }
    }
    forget(covered);
  }

  /** The writes are still seen by reads but will not survive a crash, whatever is flushed later. */
  void forget(List<LoggedWrite> writes) {
    IdentityHashMap<LoggedWrite, Boolean> gone = new IdentityHashMap<>();
    for (LoggedWrite write : writes) {
      gone.put(write, true);
    }
    open.removeIf(gone::containsKey);
  }

  /** Content that appears without any write: both what is read and what survives. */
  void overwriteSilently(long block, byte[] page) {
    durable[(int) block] = page;
    live[(int) block] = page;
    undecided.remove(block);
  }

  /** Flips {@code bits} bits of a block on the medium. */
  public void rot(long block, int bits, SimRandom random) {
    byte[] page = read(block).clone();
    for (int i = 0; i < bits; i++) {
      int bit = random.nextInt(blockSize * 8);
      page[bit >>> 3] ^= (byte) (1 << (bit & 7));
    }
    overwriteSilently(block, page);
  }

  /** Fills one sector of a block on the medium with rubbish. */
  public void rotSector(long block, SimRandom random) {
    byte[] page = read(block).clone();
    byte[] rubbish = new byte[LoggedWrite.SECTOR_BYTES];
    random.nextBytes(rubbish);
    int sector = random.nextInt(blockSize / LoggedWrite.SECTOR_BYTES);
    System.arraycopy(rubbish, 0, page, sector * LoggedWrite.SECTOR_BYTES, rubbish.length);
    overwriteSilently(block, page);
  }

  /**
   * One of the blocks that were ever written and are decided, each as likely as any other, or -1
   * when the medium is empty.
   */
  @SuppressWarnings("ReferenceEquality") // unwritten blocks share one page of zeros
  public long randomWrittenBlock(SimRandom random) {
    int[] written = new int[live.length];
    int count = 0;
    for (int block = 0; block < live.length; block++) {
      if (live[block] != zeros && live[block].length != UNDECIDED.length) {
        written[count++] = block;
      }
    }
    return count == 0 ? -1 : written[random.nextInt(count)];
  }

  /**
   * The power fails: of what was not flushed, {@code decides} says at the first read what survived.
   * Fates decided after an earlier crash stay.
   */
  public void crash(CrashChooser decides) {
    chooser = decides;
    live = durable.clone();
    for (LoggedWrite write : open) {
      write.over(contentBelow(write));
      for (int i = 0; i < write.pages.length; i++) {
        undecided.computeIfAbsent(write.firstBlock + i, block -> new ArrayList<>()).add(write);
      }
    }
    open = new ArrayList<>();
    for (long block : undecided.keySet()) {
      live[(int) block] = UNDECIDED;
    }
  }

  /** What a write was made over; null where that depends on other undecided writes. */
  private byte @Nullable [][] contentBelow(LoggedWrite write) {
    byte[][] below = new byte[write.pages.length][];
    for (int i = 0; i < below.length; i++) {
      if (undecided.containsKey(write.firstBlock + i)) {
        return null;
      }
      below[i] = durable[(int) write.firstBlock + i];
    }
    return below;
  }

  /** Hands the undecided fates to another chooser (of a copy that is explored differently). */
  public void decideBy(CrashChooser decides) {
    chooser = decides;
  }

  /** Writes that no flush covered yet. */
  public int openWrites() {
    return open.size();
  }

  /** Whether there are writes that no flush covered, all of them so far from both ends. */
  public boolean openOnlyInTheMiddle(long endBytes) {
    long end = endBytes / blockSize;
    return !open.isEmpty()
        && open.stream()
            .allMatch(
                write ->
                    write.firstBlock >= end
                        && write.firstBlock + write.pages.length <= blocks() - end);
  }

  /** Blocks whose content nobody has looked at since the crash. */
  public int undecidedBlocks() {
    return undecided.size();
  }

  private byte[] settle(long block) {
    List<LoggedWrite> writes = undecided.remove(block);
    if (writes == null) {
      throw new AssertionError("undecided block without writes: " + block);
    }
    byte[] settled = settle(block, writes, durable[(int) block]);
    durable[(int) block] = settled;
    live[(int) block] = settled;
    return settled;
  }

  /** From the newest write back, so that a fate that makes no difference is never asked for. */
  @SuppressWarnings("ReferenceEquality") // pages are shared: the same array is the same content
  private byte[] settle(long block, List<LoggedWrite> writes, byte[] old) {
    int sectors = blockSize / LoggedWrite.SECTOR_BYTES;
    byte[][] from = new byte[sectors][];
    Arrays.fill(from, old);
    for (int sector = 0; sector < sectors; sector++) {
      for (int i = writes.size() - 1; i >= 0; i--) {
        LoggedWrite write = writes.get(i);
        if (write.sectorDone(name, block, sector, chooser)) {
          from[sector] = write.page(block);
          break;
        }
      }
    }
    boolean whole = true;
    for (int sector = 1; sector < sectors; sector++) {
      whole &= from[sector] == from[0];
    }
    if (whole) {
      return from[0];
    }
    byte[] mixed = new byte[blockSize];
    for (int sector = 0; sector < sectors; sector++) {
      int at = sector * LoggedWrite.SECTOR_BYTES;
      System.arraycopy(from[sector], at, mixed, at, LoggedWrite.SECTOR_BYTES);
    }
    return mixed;
  }
}
