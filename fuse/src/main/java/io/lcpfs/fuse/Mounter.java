package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.error.Errno;
import java.util.ArrayList;
import java.util.List;

/**
 * Attaches an open /dev/fuse to a directory and detaches it: as root itself, else by fusermount3.
 */
final class Mounter {
  private static final String DEVICE = "/dev/fuse";
  private static final String HELPER = "fusermount3";
  private static final int ENOSYS = 38;
  private static final int EPERM = 1;
  private static final int EACCES = 13;
  private static final long MS_REMOUNT = 32;

  private Mounter() {}

  private static boolean root() {
    return Libc.euid() == 0;
  }

  /**
   * @return the open /dev/fuse
   */
  static int mount(String directory, MountOptions options) {
    return root() ? mountDirectly(directory, options) : mountByHelper(directory, options);
  }

  private static int mountDirectly(String directory, MountOptions options) {
    int fd = Libc.open(DEVICE, Libc.O_RDWR_CLOEXEC);
    if (fd < 0) {
      throw switch (-fd) {
        case Libc.ENOENT, Libc.ENODEV ->
            refused(
                Errno.ENODEV,
                DEVICE
                    + ": is missing; load it with 'modprobe fuse', or give the container"
                    + " --device /dev/fuse");
        case EPERM, EACCES ->
            refused(
                Errno.EACCES,
                DEVICE + ": may not be opened; in a container give it --device /dev/fuse");
        default -> refused(Errno.EIO, DEVICE + ": cannot be opened (error " + -fd + "); see dmesg");
      };
    }
    int rc =
        Libc.mount(
            options.source(),
            directory,
            MountTable.TYPE,
            options.flags(),
            options.data(fd, Libc.euid(), Libc.egid()));
    if (rc < 0) {
      Libc.close(fd);
      throw switch (-rc) {
        case EPERM ->
            refused(
                Errno.EPERM,
                directory
                    + ": the system lets nobody mount here; in a container give it"
                    + " --cap-add SYS_ADMIN");
        case Libc.EBUSY ->
            refused(Errno.EBUSY, directory + ": is in use; choose another directory");
        default ->
            refused(Errno.EIO, directory + ": mount fails with error " + -rc + "; see dmesg");
      };
    }
    return fd;
  }

  /** Gives what is mounted on {@code directory} the flags of {@code options}. */
  static void remount(String directory, MountOptions options) {
    int rc = Libc.mount(options.source(), directory, "", MS_REMOUNT | options.flags(), "");
    if (rc < 0) {
      throw switch (-rc) {
        case EPERM, EACCES ->
            refused(
                Errno.EPERM,
                directory + ": only root may remount; unmount it and mount it with other options");
        case Libc.EBUSY ->
            refused(
                Errno.EBUSY,
                directory
                    + ": files are open for writing; end what uses them (see 'fuser -vm "
                    + directory
                    + "')");
        default ->
            refused(Errno.EIO, directory + ": remount fails with error " + -rc + "; see dmesg");
      };
    }
  }

  private static int mountByHelper(String directory, MountOptions options) {
    int[] pair = new int[2];
    int rc = Libc.socketPair(pair);
    if (rc < 0) {
      throw refused(Errno.EMFILE, "no socket for " + HELPER + " (error " + -rc + ")");
    }
    int fd;
    int code;
    try {
      int pid;
      try {
        pid = spawn(List.of(HELPER, "-o", options.helperOptions(), "--", directory), pair[1]);
      } finally {
        Libc.close(pair[1]);
      }
      fd = Libc.receiveDescriptor(pair[0]);
      code = Libc.waitFor(pid);
    } finally {
      Libc.close(pair[0]);
    }
    if (fd < 0 || code != 0) {
      if (fd >= 0) {
        Libc.close(fd);
      }
      throw refused(
          Errno.EPERM,
          directory
              + ": "
              + HELPER
              + " refuses to mount it, for the reason above; the directory must be yours, and"
              + " allow_other needs user_allow_other in /etc/fuse.conf");
    }
    return fd;
  }

  private static int spawn(List<String> command, int socket) {
    List<String> environment = new ArrayList<>();
    System.getenv().forEach((name, value) -> environment.add(name + "=" + value));
    if (socket >= 0) {
      environment.add("_FUSE_COMMFD=" + socket);
    }
    int pid = Libc.spawn(command, environment);
    if (pid < 0) {
      throw refused(
          Errno.ENOENT,
          HELPER + ": cannot be started; install the package fuse3, or mount as root");
    }
    return pid;
  }

  /**
   * Detaches what is mounted on {@code directory}.
   *
   * @param lazily at once for new users; those who are inside stay until they leave
   * @return 0 or a negative errno: EBUSY while it is used, EINVAL when nothing is mounted
   */
  static int unmount(String directory, boolean lazily) {
    int rc = Libc.umount(directory, lazily ? Libc.MNT_DETACH : 0);
    if (rc != -EPERM && rc != -ENOSYS) {
      return rc;
    }
    List<String> command = new ArrayList<>(List.of(HELPER, "-u", "-q"));
    if (lazily) {
      command.add("-z");
    }
    command.addAll(List.of("--", directory));
    return Libc.waitFor(spawn(command, -1)) == 0 ? 0 : -Libc.EBUSY;
  }

  /** Removes what a server that was killed left on {@code directory}; true when there was one. */
  static boolean cleanDead(String directory) {
    boolean cleaned = false;
    while (Libc.statfs(directory) == -Libc.ENOTCONN && unmount(directory, true) == 0) {
      cleaned = true;
    }
    return cleaned;
  }
}
