package io.lcpfs.checkup;

import io.lcpfs.checkup.CheckedItem.Verdict;
import io.lcpfs.device.BlockDevice;
import io.lcpfs.env.Env;
import io.lcpfs.error.PoolException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * What has to hold before a pool is put on a machine or a device, looked at one by one. Nothing is
 * thrown: what fails is an item of the list.
 */
public final class IntegrationChecklist {
  /** The JDK that the engine is built for. */
  private static final int LEAST_JAVA = 25;

  /** Below this a pool cannot hold what one sync needs. */
  private static final long LEAST_CACHE_BYTES = 16L << 20;

  private static final long SMALL_CACHE_BYTES = 64L << 20;
  private static final long SMALL_HEAP_BYTES = 96L << 20;
  private static final long ALIGNMENT_BYTES = 2L << 20;
  private static final int CLOCK_READINGS = 2_000;
  private static final long SLEEP_NANOS = 2_000_000;

  /** 2025-01-01 and 2100-01-01, in seconds since 1970. */
  private static final long EARLIEST_SECONDS = 1_735_689_600L;

  private static final long LATEST_SECONDS = 4_102_444_800L;

  private final Surroundings around;
  private final List<CheckedItem> items = new ArrayList<>();

  private IntegrationChecklist(Surroundings around) {
    this.around = around;
  }

  /** Looks at everything but a device. */
  public static List<CheckedItem> machine(Surroundings around) {
    IntegrationChecklist list = new IntegrationChecklist(around);
    list.java();
    list.flags();
    list.system();
    list.fuse();
    list.guarded(MountHelper.NAME, list::mountHelper);
    list.memory();
    list.guarded("clock", list::clock);
    list.guarded("wall clock", list::wallClock);
    list.guarded("randomness", list::randomness);
    list.guarded("threads", list::threads);
    return List.copyOf(list.items);
  }

  /**
   * Tries a device, whose content is lost: the contract of {@link BlockDevice}, and whether what
   * was flushed is there before what was written later.
   *
   * @param fresh gives the device open to be read and written; is called several times, each time
   *     after the one before was closed
   * @param seed decides what is written
   */
  public static List<CheckedItem> device(
      Surroundings around, Supplier<? extends BlockDevice> fresh, long seed) {
    IntegrationChecklist list = new IntegrationChecklist(around);
    DeviceTrial trial = new DeviceTrial(around.env(), fresh, seed);
    list.guarded("device contract", () -> list.items.add(trial.contract()));
    boolean open = list.items.stream().allMatch(item -> item.verdict() != Verdict.BROKEN);
    if (open) {
      list.guarded("write order", () -> list.items.addAll(trial.order()));
    }
    return List.copyOf(list.items);
  }

  /** Whether a pool can be carried: nothing is broken. */
  public static boolean usable(List<CheckedItem> items) {
    return items.stream().allMatch(item -> item.verdict() != Verdict.BROKEN);
  }

  private void ok(String subject, String finding) {
    items.add(CheckedItem.ok(subject, finding));
  }

  private void warning(String subject, String finding, String remedy) {
    items.add(CheckedItem.warning(subject, finding, remedy));
  }

  private void broken(String subject, String finding, String remedy) {
    items.add(CheckedItem.broken(subject, finding, remedy));
  }

  private void guarded(String subject, Runnable look) {
    try {
      look.run();
    } catch (RuntimeException e) {
      broken(subject, "could not be looked at: " + e, "mend what is behind this failure");
    }
  }

  private void java() {
    String finding = "Java " + around.java();
    if (around.java() >= LEAST_JAVA) {
      ok("java", finding);
    } else {
      broken("java", finding, "use JDK " + LEAST_JAVA + " or newer");
    }
  }

  private void flags() {
    if (around.flags().vectors()) {
      ok("vector module", "jdk.incubator.vector is there");
    } else {
      warning(
          "vector module",
          "jdk.incubator.vector is missing: checksums and parity are slower",
          "start Java with --add-modules jdk.incubator.vector");
    }
    if (around.flags().nativeAccess()) {
      ok("native access", "enabled");
    } else {
      warning(
          "native access",
          "not enabled: Java warns, and a later one refuses",
          "start Java with --enable-native-access=io.lcpfs.engine, or =ALL-UNNAMED");
    }
    String heap = mebibytes(around.flags().heapBytes()) + " of heap at most";
    if (around.flags().heapBytes() >= SMALL_HEAP_BYTES) {
      ok("heap", heap);
    } else {
      warning("heap", heap, "start Java with -Xmx" + (SMALL_HEAP_BYTES >> 20) + "m or more");
    }
  }

  private void system() {
    if (around.linux64()) {
      ok("system", "64-bit Linux");
    } else {
      warning(
          "system",
          "not 64-bit Linux: no pools on files and disks, no mounts",
          "supply devices of your own, or use Linux");
    }
  }

  private void fuse() {
    Path node = around.fuse();
    if (!Files.exists(node)) {
      warning(
          "fuse",
          node + " is missing: pools cannot be mounted",
          "run 'modprobe fuse'; in a container give it the device, as with --device /dev/fuse");
    } else if (!Files.isReadable(node) || !Files.isWritable(node)) {
      warning(
          "fuse",
          node + " may not be opened: pools cannot be mounted by this user",
          "allow this user to read and write " + node);
    } else {
      ok("fuse", node + " is there");
    }
  }

  private void mountHelper() {
    MountHelper helper = around.helper();
    if (!helper.needed() || !around.linux64()) {
      return; // root mounts without
    }
    try {
      Optional<Path> program = helper.program();
      if (program.isEmpty()) {
        warning(
            MountHelper.NAME,
            "is not on the PATH: only root can mount pools",
            "install the package fuse3");
      } else if (!MountHelper.runsAsRoot(program.get())) {
        warning(
            MountHelper.NAME,
            program.get() + " is not set-user-id root: only root can mount pools",
            "install the package fuse3 anew, or as root run 'chown root "
                + program.get()
                + " && chmod u+s "
                + program.get()
                + "'");
      } else {
        ok(MountHelper.NAME, program.get() + " mounts for this user");
      }
      allowOther(helper);
    } catch (IOException e) {
      warning(MountHelper.NAME, "could not be looked at: " + e, "mend what is behind this failure");
    }
  }

  private void allowOther(MountHelper helper) throws IOException {
    if (!helper.forOthers()) {
      return;
    }
    if (helper.allowsOthers()) {
      ok("allow_other", helper.configuration() + " lets users open their mounts to others");
    } else {
      warning(
          "allow_other",
          helper.configuration() + " does not let users open their mounts to others",
          "as root add the line user_allow_other to " + helper.configuration());
    }
  }

  private void memory() {
    long cache = around.cacheBytes();
    String budget = mebibytes(cache) + " of cache";
    if (cache < LEAST_CACHE_BYTES) {
      broken("cache budget", budget, "give it " + mebibytes(LEAST_CACHE_BYTES) + " or more");
    } else if (cache < SMALL_CACHE_BYTES) {
      warning(
          "cache budget",
          budget + ": little is read ahead and syncs are small",
          "give it " + mebibytes(SMALL_CACHE_BYTES) + " or more");
    } else {
      ok("cache budget", budget);
    }
    guarded("memory source", this::memorySource);
    availableMemory();
  }

  /** What the source promises, tried on the smallest budget's worth. */
  private void memorySource() {
    long bytes = Math.clamp(around.cacheBytes() & -ALIGNMENT_BYTES, ALIGNMENT_BYTES, 16L << 20);
    MemorySegment chunk = around.memory().acquire(bytes, ALIGNMENT_BYTES);
    if (chunk == null) {
      broken(
          "memory source",
          "gave no " + mebibytes(bytes) + " in one piece",
          "raise the limit on this process's memory, or supply another allocator");
      return;
    }
    boolean asAsked =
        chunk.byteSize() == bytes
            && chunk.isNative()
            && chunk.address() % ALIGNMENT_BYTES == 0
            && !chunk.isReadOnly();
    if (asAsked) {
      chunk.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
      chunk.set(ValueLayout.JAVA_BYTE, bytes - 1, (byte) 2);
      asAsked = chunk.get(ValueLayout.JAVA_BYTE, 0) == 1;
    }
    around.memory().release(chunk);
    if (asAsked) {
      ok("memory source", "gives aligned memory and takes it back");
    } else {
      broken(
          "memory source",
          "gave memory of another size, alignment or kind than asked for",
          "mend the allocator: see io.lcpfs.memory.MemorySource");
    }
  }

  private void availableMemory() {
    OptionalLong available = available(around.procMemory());
    if (available.isEmpty()) {
      warning(
          "free memory",
          around.procMemory() + " does not say",
          "see to it that the cache and the heap fit into memory");
      return;
    }
    long wanted = around.cacheBytes() + around.flags().heapBytes();
    String finding = mebibytes(available.getAsLong()) + " free";
    if (available.getAsLong() < wanted) {
      warning(
          "free memory",
          finding + ", cache and heap may take " + mebibytes(wanted),
          "give the cache less, with LCPFS_CACHE, or free memory");
    } else {
      ok("free memory", finding);
    }
  }

  /** MemAvailable in bytes. */
  private static OptionalLong available(Path file) {
    try {
      for (String line : Files.readAllLines(file)) {
        String[] words = line.split("\\s+", -1);
        if (words.length >= 2 && words[0].equals("MemAvailable:")) {
          return OptionalLong.of(Math.multiplyExact(Long.parseLong(words[1]), 1024L));
        }
      }
    } catch (IOException | ArithmeticException | NumberFormatException e) {
      return OptionalLong.empty(); // the caller tells that it is not known
    }
    return OptionalLong.empty();
  }

  private void clock() {
    Env env = around.env();
    long last = env.nanoTime();
    for (int i = 0; i < CLOCK_READINGS; i++) {
      long now = env.nanoTime();
      if (now - last < 0) {
        broken(
            "clock",
            "the monotonic clock went back by " + (last - now) + " ns",
            "supply an Env whose nanoTime never goes back; in a virtual machine, choose another"
                + " clock source");
        return;
      }
      last = now;
    }
    env.sleep(SLEEP_NANOS);
    long slept = env.nanoTime() - last;
    if (slept < SLEEP_NANOS) {
      broken(
          "clock",
          "a sleep of " + SLEEP_NANOS + " ns took " + slept + " ns of the monotonic clock",
          "supply an Env whose sleep and nanoTime agree");
    } else {
      ok("clock", "monotonic; a sleep of 2 ms took " + slept / 1000 + " us");
    }
  }

  private void wallClock() {
    Env env = around.env();
    long first = env.wallNanos();
    long last = first;
    for (int i = 0; i < CLOCK_READINGS; i++) {
      long now = env.wallNanos();
      if (now < last) {
        warning(
            "wall clock",
            "went back by " + (last - now) + " ns: times of files would too",
            "let it be slewed instead of set, as with 'chronyd' or 'ntpd -x'");
        return;
      }
      last = now;
    }
    long seconds = Math.floorDiv(first, 1_000_000_000L);
    if (seconds < EARLIEST_SECONDS || seconds > LATEST_SECONDS) {
      warning(
          "wall clock",
          "says " + seconds + " seconds since 1970, which cannot be",
          "set the machine's clock");
    } else {
      ok("wall clock", "goes forward");
    }
  }

  private void randomness() {
    long first = around.env().randomLong();
    for (int i = 0; i < 4; i++) {
      if (around.env().randomLong() != first) {
        ok("randomness", "numbers differ");
        return;
      }
    }
    broken(
        "randomness",
        "the same number five times: identities of pools would not be unique",
        "supply an Env whose randomLong is random");
  }

  private void threads() {
    Env env = around.env();
    int sum = env.<Integer>onDevice(() -> 1).join() + env.<Integer>onCpu(() -> 2).join();
    boolean[] forked = {false};
    env.fork("checkup", () -> forked[0] = true).join();
    if (sum == 3 && forked[0] && env.cpus() > 0) {
      ok("threads", env.cpus() + " for computing");
    } else {
      broken("threads", "a job was not run", "supply an Env that runs what it is given");
    }
  }

  private static String mebibytes(long bytes) {
    return (bytes >> 20) + " MiB";
  }

  /** The first line of a failure, for an item. */
  static String shown(PoolException failure) {
    return failure.errno() + ": " + failure.error().message();
  }
}
