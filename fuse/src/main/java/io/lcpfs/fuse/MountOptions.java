package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.error.Errno;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * How a mount is made.
 *
 * @param source what the system's list of mounts shows as its source, the dataset's name
 * @param switches what is on
 * @param threads that serve it
 */
public record MountOptions(String source, Set<Switch> switches, int threads) {
  private static final int MOST_THREADS = 64;

  /** Something that is on or off. */
  public enum Switch {
    /** Changes are refused. */
    READ_ONLY,
    /** Users other than the one who mounts may use it. */
    ALLOW_OTHER,
    /** Set-user-id bits are honoured. */
    SETUID,
    /** Device nodes are honoured. */
    DEVICES,
    /** Programs may be run from it. */
    EXEC,
    /** Access times are kept, as the dataset's own properties say. */
    ATIME,
    /** Every read renews the access time. */
    STRICT_ATIME,
    /** Every change is on disk before its call returns. */
    SYNC,
    /** Symbolic links are followed. */
    SYMLINKS,
    /** The kernel gathers small writes and hands them over later. */
    WRITEBACK,
    /** The kernel looks at POSIX access control lists. */
    ACCESS_LISTS,
    /** What is mounted already is to be changed. */
    REMOUNT
  }

  private static final long MS_RDONLY = 1;
  private static final long MS_NOSUID = 2;
  private static final long MS_NODEV = 4;
  private static final long MS_NOEXEC = 8;
  private static final long MS_SYNCHRONOUS = 16;
  private static final long MS_NOSYMFOLLOW = 256;
  private static final long MS_NOATIME = 1024;
  private static final long MS_STRICTATIME = 1 << 24;

  /** The words of fstab(5) and mount(8), and what each turns on and off. */
  private static final Map<String, Change> WORDS = words();

  /** What mount(8), fstab(5) and systemd add, what is always so, and what FUSE has no use for. */
  private static final Set<String> WITHOUT_EFFECT =
      Set.of(
          "",
          "defaults",
          "default_permissions",
          "auto",
          "noauto",
          "nofail",
          "_netdev",
          "nouser",
          "nousers",
          "noowner",
          "nogroup",
          // Access times are kept by the server; a directory's are as a file's.
          "diratime",
          "nodiratime",
          "lazytime",
          "nolazytime",
          "silent",
          "loud",
          // Linux has no mandatory locks any more, and a FUSE mount that asks for them is refused.
          "mand",
          "nomand",
          "iversion",
          "noiversion");

  /** What the kernel's list of mounts shows beside; mount(8) hands it back with remount. */
  private static final Set<String> OF_A_REMOUNT =
      Set.of(
          "fd",
          "rootmode",
          "user_id",
          "group_id",
          "max_read",
          "blksize",
          "fsname",
          "subtype",
          "idmapped",
          "seclabel",
          "context",
          "fscontext",
          "defcontext",
          "rootcontext");

  private record Change(Set<Switch> on, Set<Switch> off) {}

  private static Map<String, Change> words() {
    Map<String, Change> words = new HashMap<>();
    pair(words, "ro", "rw", Switch.READ_ONLY);
    pair(words, "allow_other", "noallow_other", Switch.ALLOW_OTHER);
    pair(words, "suid", "nosuid", Switch.SETUID);
    pair(words, "dev", "nodev", Switch.DEVICES);
    pair(words, "exec", "noexec", Switch.EXEC);
    pair(words, "atime", "noatime", Switch.ATIME);
    pair(words, "strictatime", "nostrictatime", Switch.STRICT_ATIME);
    pair(words, "norelatime", "relatime", Switch.STRICT_ATIME);
    pair(words, "sync", "async", Switch.SYNC);
    // Stricter than asked for, and right: changes of names are among those that are on disk.
    pair(words, "dirsync", "nodirsync", Switch.SYNC);
    pair(words, "symfollow", "nosymfollow", Switch.SYMLINKS);
    pair(words, "writeback", "nowriteback", Switch.WRITEBACK);
    pair(words, "acl", "noacl", Switch.ACCESS_LISTS);
    words.put("remount", new Change(Set.of(Switch.REMOUNT), Set.of()));
    // Whom fstab lets mount: what it implies can be taken back by a later word.
    Set<Switch> unsafe = Set.of(Switch.SETUID, Switch.DEVICES);
    Set<Switch> foreign = Set.of(Switch.SETUID, Switch.DEVICES, Switch.EXEC);
    words.put("user", new Change(Set.of(), foreign));
    words.put("users", new Change(Set.of(), foreign));
    words.put("owner", new Change(Set.of(), unsafe));
    words.put("group", new Change(Set.of(), unsafe));
    return words;
  }

  private static void pair(Map<String, Change> words, String on, String off, Switch what) {
    words.put(on, new Change(Set.of(what), Set.of()));
    words.put(off, new Change(Set.of(), Set.of(what)));
  }

  public MountOptions {
    switches = Set.copyOf(switches);
    if (threads < 1 || threads > MOST_THREADS) {
      throw refused(
          Errno.EINVAL, "threads=" + threads + ": give a number from 1 to " + MOST_THREADS);
    }
  }

  /** The defaults: writable, for the user who mounts only, without set-user-id and devices. */
  public static MountOptions of(String source) {
    int threads = Math.clamp(4L * Runtime.getRuntime().availableProcessors(), 8, 32);
    return new MountOptions(
        source, Set.of(Switch.EXEC, Switch.ATIME, Switch.SYMLINKS, Switch.ACCESS_LISTS), threads);
  }

  /** Whether something is on. */
  public boolean has(Switch what) {
    return switches.contains(what);
  }

  public boolean readOnly() {
    return has(Switch.READ_ONLY);
  }

  public boolean setuid() {
    return has(Switch.SETUID);
  }

  public boolean devices() {
    return has(Switch.DEVICES);
  }

  boolean atime() {
    return has(Switch.ATIME);
  }

  boolean writeback() {
    return has(Switch.WRITEBACK);
  }

  boolean accessLists() {
    return has(Switch.ACCESS_LISTS);
  }

  /** These options with something on or off. */
  public MountOptions with(Switch what, boolean on) {
    Set<Switch> changed = EnumSet.noneOf(Switch.class);
    changed.addAll(switches);
    if (on) {
      changed.add(what);
    } else {
      changed.remove(what);
    }
    return new MountOptions(source, changed, threads);
  }

  public MountOptions withThreads(int value) {
    return new MountOptions(source, switches, value);
  }

  /**
   * These options changed by a list as in fstab(5), for instance {@code "ro,allow_other"}; of two
   * words that contradict each other the later counts.
   *
   * @throws io.lcpfs.error.PoolException EINVAL for an option that is not known
   */
  public MountOptions with(String list) {
    List<String> words =
        List.of(list.split(",", -1)).stream().map(String::strip).collect(Collectors.toList());
    MountOptions result = this;
    if (words.remove("remount")) {
      result = result.with(Switch.REMOUNT, true);
    }
    for (String word : words) {
      result = result.withOne(word);
    }
    return result;
  }

  private MountOptions withOne(String option) {
    int equals = option.indexOf('=');
    String name = equals < 0 ? option : option.substring(0, equals);
    if (name.equals("threads") && equals > 0) {
      try {
        return withThreads(Integer.parseInt(option.substring(equals + 1)));
      } catch (NumberFormatException e) {
        throw refused(Errno.EINVAL, option + ": is no number; give for instance threads=8");
      }
    }
    // mount(8) adds the name of the user who mounts what fstab allows to users.
    Change change = WORDS.get(name.equals("user") ? name : option);
    if (change != null) {
      Set<Switch> changed = EnumSet.noneOf(Switch.class);
      changed.addAll(switches);
      changed.addAll(change.on);
      changed.removeAll(change.off);
      return new MountOptions(source, changed, threads);
    }
    if (WITHOUT_EFFECT.contains(option)
        || option.startsWith("x-")
        || option.startsWith("X-")
        || name.equals("comment")
        || (has(Switch.REMOUNT) && OF_A_REMOUNT.contains(name))) {
      return this;
    }
    throw refused(
        Errno.EINVAL,
        "mount option '"
            + option
            + "' is not known; use ro, allow_other, suid, dev, noexec, noatime, strictatime, sync,"
            + " nosymfollow, noacl, writeback, threads=N or remount");
  }

  /** The options of what is mounted, as far as the kernel knows them. */
  static MountOptions mounted(MountTable.Entry entry) {
    // The kernel shows what is forbidden, and is silent about what is allowed.
    List<String> shown = List.of(entry.options().split(",", -1));
    return of(entry.source())
        .with(Switch.SETUID, true)
        .with(Switch.DEVICES, true)
        .with(Switch.REMOUNT, true)
        .with(entry.options())
        .with(Switch.READ_ONLY, shown.contains("ro"))
        .with(Switch.STRICT_ATIME, !shown.contains("noatime") && !shown.contains("relatime"));
  }

  /**
   * What differs from how it is mounted, but is the server's matter, or a danger that only a new
   * mount weighs against the dataset's properties; empty when nothing is.
   */
  String differenceThatStays(MountOptions before) {
    for (Switch what : List.of(Switch.SETUID, Switch.DEVICES)) {
      if (has(what) && !before.has(what)) {
        return what == Switch.SETUID ? "suid" : "dev";
      }
    }
    if (has(Switch.ATIME) != before.has(Switch.ATIME)
        || has(Switch.STRICT_ATIME) != before.has(Switch.STRICT_ATIME)) {
      return "how access times are kept";
    }
    if (has(Switch.SYNC) != before.has(Switch.SYNC)) {
      return "sync";
    }
    return has(Switch.ALLOW_OTHER) == before.has(Switch.ALLOW_OTHER) ? "" : "allow_other";
  }

  /** The flags of mount(2). */
  long flags() {
    return (has(Switch.READ_ONLY) ? MS_RDONLY : 0)
        | (has(Switch.SETUID) ? 0 : MS_NOSUID)
        | (has(Switch.DEVICES) ? 0 : MS_NODEV)
        | (has(Switch.EXEC) ? 0 : MS_NOEXEC)
        | (has(Switch.ATIME) ? 0 : MS_NOATIME)
        | (has(Switch.ATIME) && has(Switch.STRICT_ATIME) ? MS_STRICTATIME : 0)
        | (has(Switch.SYNC) ? MS_SYNCHRONOUS : 0)
        | (has(Switch.SYMLINKS) ? 0 : MS_NOSYMFOLLOW);
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
        + (has(Switch.ALLOW_OTHER) ? ",allow_other" : "");
  }

  /** The options of fusermount3, which adds nosuid and nodev whoever asks for less. */
  String helperOptions() {
    List<String> words = new ArrayList<>();
    words.add(has(Switch.READ_ONLY) ? "ro" : "rw");
    words.add("nosuid");
    words.add("nodev");
    if (!has(Switch.EXEC)) {
      words.add("noexec");
    }
    if (!has(Switch.ATIME)) {
      words.add("noatime");
    }
    if (has(Switch.SYNC)) {
      words.add("sync");
    }
    if (!has(Switch.SYMLINKS)) {
      words.add("nosymfollow");
    }
    words.add("fsname=" + source.replace("\\", "\\\\").replace(",", "\\,"));
    words.add("subtype=lcpfs");
    words.add("default_permissions");
    words.add("max_read=" + Fuse.MAX_TRANSFER_BYTES);
    if (has(Switch.ALLOW_OTHER)) {
      words.add("allow_other");
    }
    return String.join(",", words);
  }
}
