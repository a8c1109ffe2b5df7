package io.lcpfs.fuse;

import static io.lcpfs.error.PoolException.refused;

import io.lcpfs.error.Errno;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Who started this process and waits until it serves, if anybody does: systemd with {@code
 * Type=notify}, or what speaks the same protocol, sd_notify(3).
 */
public final class ServiceManager {
  private static final String SOCKET = "NOTIFY_SOCKET";

  private ServiceManager() {}

  /** Tells that everything is mounted. */
  public static void ready(Map<String, String> environment, String status) {
    send(environment, "READY=1\nSTATUS=" + status.replace('\n', ' '));
  }

  /** Tells that it is about to end. */
  public static void stopping(Map<String, String> environment) {
    send(environment, "STOPPING=1");
  }

  /**
   * Does nothing when nobody waits.
   *
   * @throws io.lcpfs.error.PoolException EIO when who waits cannot be reached
   */
  private static void send(Map<String, String> environment, String text) {
    String socket = environment.getOrDefault(SOCKET, "");
    if (socket.isEmpty()) {
      return;
    }
    byte[] name = socket.getBytes(StandardCharsets.UTF_8);
    if (name[0] == '@') {
      name[0] = 0;
    }
    int rc = Libc.sendDatagram(name, text.getBytes(StandardCharsets.UTF_8));
    if (rc < 0) {
      throw refused(
          Errno.EIO,
          SOCKET + "=" + socket + ": cannot be told (error " + -rc + "); see systemd's log");
    }
  }
}
