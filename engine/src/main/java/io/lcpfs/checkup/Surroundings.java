package io.lcpfs.checkup;

import io.lcpfs.env.Env;
import io.lcpfs.memory.MemorySource;
import io.lcpfs.memory.SystemMemorySource;
import java.nio.file.Path;

/**
 * What the list looks at; each part may be another than this machine's.
 *
 * @param env clocks, randomness and threads
 * @param java the feature release of the JDK
 * @param flags what the JVM was started with
 * @param linux64 whether this is 64-bit Linux
 * @param fuse the node of the kernel's FUSE driver
 * @param helper what mounts for users other than root
 * @param procMemory the kernel's account of its memory, in the form of /proc/meminfo
 * @param memory where the cache's memory comes from
 * @param cacheBytes the budget that pools would be given
 */
public record Surroundings(
    Env env,
    int java,
    Flags flags,
    boolean linux64,
    Path fuse,
    MountHelper helper,
    Path procMemory,
    MemorySource memory,
    long cacheBytes) {

  /**
   * What the JVM was started with.
   *
   * @param vectors whether jdk.incubator.vector is there
   * @param nativeAccess whether the engine may call native code without a warning
   * @param heapBytes the largest heap
   */
  public record Flags(boolean vectors, boolean nativeAccess, long heapBytes) {
    /** Those of this JVM. */
    public static Flags ofThisProcess() {
      return new Flags(
          ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(),
          Surroundings.class.getModule().isNativeAccessEnabled(),
          Runtime.getRuntime().maxMemory());
    }
  }

  /** This machine and this JVM, with a cache of {@code cacheBytes}. */
  public static Surroundings ofThisMachine(Env env, long cacheBytes) {
    String arch = System.getProperty("os.arch", "");
    return new Surroundings(
        env,
        Runtime.version().feature(),
        Flags.ofThisProcess(),
        System.getProperty("os.name", "").equals("Linux") && arch.contains("64"),
        Path.of("/dev/fuse"),
        MountHelper.ofThisProcess(),
        Path.of("/proc/meminfo"),
        new SystemMemorySource(),
        cacheBytes);
  }

  public Surroundings withEnv(Env value) {
    return new Surroundings(
        value, java, flags, linux64, fuse, helper, procMemory, memory, cacheBytes);
  }

  public Surroundings withJava(int feature) {
    return new Surroundings(
        env, feature, flags, linux64, fuse, helper, procMemory, memory, cacheBytes);
  }

  public Surroundings withFlags(Flags value) {
    return new Surroundings(
        env, java, value, linux64, fuse, helper, procMemory, memory, cacheBytes);
  }

  public Surroundings withLinux64(boolean value) {
    return new Surroundings(env, java, flags, value, fuse, helper, procMemory, memory, cacheBytes);
  }

  public Surroundings withFuse(Path node) {
    return new Surroundings(
        env, java, flags, linux64, node, helper, procMemory, memory, cacheBytes);
  }

  public Surroundings withHelper(MountHelper value) {
    return new Surroundings(env, java, flags, linux64, fuse, value, procMemory, memory, cacheBytes);
  }

  public Surroundings withProcMemory(Path file) {
    return new Surroundings(env, java, flags, linux64, fuse, helper, file, memory, cacheBytes);
  }

  public Surroundings withMemory(MemorySource source) {
    return new Surroundings(
        env, java, flags, linux64, fuse, helper, procMemory, source, cacheBytes);
  }

  public Surroundings withCacheBytes(long bytes) {
    return new Surroundings(env, java, flags, linux64, fuse, helper, procMemory, memory, bytes);
  }
}
