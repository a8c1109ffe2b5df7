package io.lcpfs.pool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The machine that imports a pool.
 *
 * @param id stable across reboots; 0 when unknown, which never conflicts
 * @param name for a person
 */
public record Host(long id, String name) {
  public static final Host UNKNOWN = new Host(0, "");

  /** The machine that this runs on; {@link #UNKNOWN} where it has neither name nor id. */
  public static Host current() {
    String name = firstLine(Path.of("/proc/sys/kernel/hostname"));
    String id = firstLine(Path.of("/etc/machine-id"));
    long number = 0;
    // FNV-1a: any stable spread of the text over 64 bits will do.
    for (char c : (id.isEmpty() ? name : id).toCharArray()) {
      number = (number ^ c) * 0x100000001b3L + 0x9e3779b97f4a7c15L;
    }
    return new Host(id.isEmpty() && name.isEmpty() ? 0 : number, name);
  }

  private static String firstLine(Path file) {
    try {
      return Files.readString(file).lines().findFirst().orElse("").strip();
    } catch (IOException e) {
      return ""; // not every system has the file; an unknown host never conflicts
    }
  }
}
