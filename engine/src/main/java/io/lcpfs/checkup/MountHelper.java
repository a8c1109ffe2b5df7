package io.lcpfs.checkup;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The program that mounts for users other than root, and what it goes by.
 *
 * @param needed whether the user is not root
 * @param forOthers whether mounts are to be used by other users too
 * @param path the directories in which programs are looked for
 * @param configuration its settings, in the form of /etc/fuse.conf
 */
public record MountHelper(boolean needed, boolean forOthers, List<Path> path, Path configuration) {
  static final String NAME = "fusermount3";
  private static final String ALLOWS_OTHERS = "user_allow_other";
  private static final int ROOT = 0;
  private static final int SET_UID = 04000;

  public MountHelper {
    path = List.copyOf(path);
  }

  /** That of the user of this process, whose mounts are for that user. */
  public static MountHelper ofThisProcess() {
    String path = System.getenv().getOrDefault("PATH", "");
    List<Path> directories =
        Stream.of(path.split(File.pathSeparator, -1))
            .filter(one -> !one.isEmpty())
            .map(Path::of)
            .toList();
    return new MountHelper(user() != ROOT, false, directories, Path.of("/etc/fuse.conf"));
  }

  /** The effective user; -1 where the system does not tell. */
  private static int user() {
    try {
      return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    } catch (IOException | UnsupportedOperationException e) {
      return -1; // no Linux, which an item of its own tells
    }
  }

  public MountHelper withForOthers(boolean value) {
    return new MountHelper(needed, value, path, configuration);
  }

  Optional<Path> program() {
    return path.stream().map(one -> one.resolve(NAME)).filter(Files::isExecutable).findFirst();
  }

  /** Whether a program is run as root, whoever starts it. */
  static boolean runsAsRoot(Path program) throws IOException {
    int mode = (int) Files.getAttribute(program, "unix:mode");
    return (mode & SET_UID) != 0 && (int) Files.getAttribute(program, "unix:uid") == ROOT;
  }

  /** Whether users may open their mounts to others. */
  boolean allowsOthers() throws IOException {
    return Files.exists(configuration)
        && Files.readAllLines(configuration).stream()
            .anyMatch(line -> line.strip().equals(ALLOWS_OTHERS));
  }
}
