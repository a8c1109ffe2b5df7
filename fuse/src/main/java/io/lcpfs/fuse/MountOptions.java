package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.error.Errno;
import java.util.ArrayList;
import java.util.List;

/**
 * How a mount is made.
 *
 * @param source what the system's list of mounts shows as its source, the dataset's name
 * @param readOnly refuse changes
 * @param allowOther users other than the one who mounts may use it
 * @param setuid honour set-user-id bits
 * @param devices honour device nodes
 * @param exec programs may be run from it
 * @param atime keep access times, as the dataset's own properties say
 * @param writeback the kernel gathers small writes and hands them over later
 * @param accessLists the kernel looks at POSIX access control lists
 * @param threads that serve it
 */
public record MountOptions(
    String source,
    boolean readOnly,
    boolean allowOther,
    boolean setuid,
    boolean devices,
    boolean exec,
    boolean atime,
    boolean writeback,
    boolean accessLists,
    int threads) {
  private static final int MOST_THREADS = 64;
  private static final long MS_RDONLY = 1;
  private static final long MS_NOSUID = 2;
  private static final long MS_NODEV = 4;
  private static final long MS_NOEXEC = 8;
  private static final long MS_NOATIME = 1024;

  public MountOptions {
    if (threads < 1 || threads > MOST_THREADS) {
      throw refused(
          Errno.EINVAL, "threads=" + threads + ": give a number from 1 to " + MOST_THREADS);
    }
  }

  /** The defaults: writable, for the user who mounts only, without set-user-id and devices. */
  public static MountOptions of(String source) {
    int threads = Math.clamp(4L * Runtime.getRuntime().availableProcessors(), 8, 32);
    return new MountOptions(source, false, false, false, false, true, true, false, true, threads);
  }

  public MountOptions withReadOnly(boolean value) {
    return new MountOptions(
        source, value, allowOther, setuid, devices, exec, atime, writeback, accessLists, threads);
  }

  public MountOptions withAllowOther(boolean value) {
    return new MountOptions(
        source, readOnly, value, setuid, devices, exec, atime, writeback, accessLists, threads);
  }

  public MountOptions withSetuid(boolean value) {
    return new MountOptions(
        source, readOnly, allowOther, value, devices, exec, atime, writeback, accessLists, threads);
  }

  public MountOptions withDevices(boolean value) {
    return new MountOptions(
        source, readOnly, allowOther, setuid, value, exec, atime, writeback, accessLists, threads);
  }

  public MountOptions withExec(boolean value) {
    return new MountOptions(
        source,
        readOnly,
        allowOther,
        setuid,
        devices,
        value,
        atime,
        writeback,
        accessLists,
        threads);
  }

  public MountOptions withAtime(boolean value) {
    return new MountOptions(
        source,
        readOnly,
        allowOther,
        setuid,
        devices,
        exec,
        value,
        writeback,
        accessLists,
        threads);
  }

  public MountOptions withWriteback(boolean value) {
    return new MountOptions(
        source, readOnly, allowOther, setuid, devices, exec, atime, value, accessLists, threads);
  }

  public MountOptions withAccessLists(boolean value) {
    return new MountOptions(
        source, readOnly, allowOther, setuid, devices, exec, atime, writeback, value, threads);
  }

  public MountOptions withThreads(int value) {
    return new MountOptions(
        source, readOnly, allowOther, setuid, devices, exec, atime, writeback, accessLists, value);
  }

  /**
   * These options changed by a list as in fstab(5), for instance {@code "ro,allow_other"}.
   *
   * @throws io.lcpfs.error.PoolException EINVAL for an option that is not known
   */
  public MountOptions with(String list) {
    MountOptions result = this;
    for (String option : list.split(",", -1)) {
      result = result.withOne(option.strip());
    }
    return result;
  }

  private MountOptions withOne(String option) {
    if (option.startsWith("threads=")) {
      try {
        return withThreads(Integer.parseInt(option.substring("threads=".length())));
      } catch (NumberFormatException e) {
        throw refused(Errno.EINVAL, option + ": is no number; give for instance threads=8");
      }
    }
    return switch (option) {
      case "ro" -> withReadOnly(true);
      case "rw" -> withReadOnly(false);
      case "allow_other" -> withAllowOther(true);
      case "suid" -> withSetuid(true);
      case "nosuid" -> withSetuid(false);
      case "dev" -> withDevices(true);
      case "nodev" -> withDevices(false);
      case "exec" -> withExec(true);
      case "noexec" -> withExec(false);
      case "atime" -> withAtime(true);
      case "noatime" -> withAtime(false);
      case "writeback" -> withWriteback(true);
      case "nowriteback" -> withWriteback(false);
      case "acl" -> withAccessLists(true);
      case "noacl" -> withAccessLists(false);
      // What mount(8), fstab(5) and systemd add, and what is always so.
      case "",
          "defaults",
          "default_permissions",
          "auto",
          "noauto",
          "nofail",
          "_netdev",
          "user",
          "users",
          "nouser",
          "owner",
          "async",
          "relatime" ->
          this;
      default -> {
        if (option.startsWith("x-") || option.startsWith("comment=")) {
          yield this;
        }
        throw refused(
            Errno.EINVAL,
            "mount option '"
                + option
                + "' is not known; use ro, allow_other, suid, dev, noexec, noatime, noacl,"
                + " writeback or threads=N");
      }
    };
  }

  /** The flags of mount(2). */
  long flags() {
    return (readOnly ? MS_RDONLY : 0)
        | (setuid ? 0 : MS_NOSUID)
        | (devices ? 0 : MS_NODEV)
        | (exec ? 0 : MS_NOEXEC)
        | (atime ? 0 : MS_NOATIME);
  }

  /** The data of mount(2) for an open /dev/fuse. */
  String data(int fd, int uid, int gid) {
    return "fd="
        + fd
        + ",rootmode=40000,user_id="
        + uid
        + ",group_id="
        + gid
        + ",default_permissions,max_read="
        + Fuse.MAX_TRANSFER_BYTES
        + (allowOther ? ",allow_other" : "");
  }

  /** The options of fusermount3, which adds nosuid and nodev whoever asks for less. */
  String helperOptions() {
    List<String> words = new ArrayList<>();
    words.add(readOnly ? "ro" : "rw");
    words.add("nosuid");
    words.add("nodev");
    if (!exec) {
      words.add("noexec");
    }
    if (!atime) {
      words.add("noatime");
    }
    words.add("fsname=" + source.replace("\\", "\\\\").replace(",", "\\,"));
    words.add("subtype=lcpfs");
    words.add("default_permissions");
    words.add("max_read=" + Fuse.MAX_TRANSFER_BYTES);
    if (allowOther) {
      words.add("allow_other");
    }
    return String.join(",", words);
  }
}
