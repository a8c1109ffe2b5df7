package io.lcpfs.cli.owner;

import java.nio.file.Path;
import java.util.Map;

/** The directory in which a user's list of imported pools is, and what belongs to it. */
public final class Home {
  private Home() {}

  /** {@code $LCPFS_HOME}, or else {@code .lcpfs} in the user's home directory. */
  public static Path of(Map<String, String> environment) {
    String own = environment.getOrDefault("LCPFS_HOME", "");
    if (!own.isEmpty()) {
      return Path.of(own).toAbsolutePath();
    }
    // What the shell calls ~; the JVM's own property is what the password file says.
    String user = environment.getOrDefault("HOME", "");
    return Path.of(user.isEmpty() ? System.getProperty("user.home", "/") : user, ".lcpfs")
        .toAbsolutePath();
  }
}
