package io.lcpfs.cli;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.posix.PathCalls;
import java.util.Optional;

/**
 * A path in a pool as people write it: {@code pool/dataset:/path}, or {@code
 * pool/dataset@snapshot:/path}. The first ":/" ends the dataset;
 * what starts with '/' or '.' is a path of the host.
 *
 * @param dataset full name, that of a snapshot too
 * @param path absolute, starting with '/'; bytes that are not UTF-8 as {@link
 *     io.lcpfs.format.NameText} shows them
 */
record PathSpec(String dataset, String path) {

  String pool() {
    return DatasetName.poolOf(dataset);
  }

  /** The last component, without trailing slashes; empty for the root, '.' and '..'. */
  Optional<byte[]> lastName() {
    String last = stripped().substring(stripped().lastIndexOf('/') + 1);
    return last.isEmpty() || last.equals(".") || last.equals("..")
        ? Optional.empty()
        : Optional.of(PathCalls.path(last));
  }

  /** The directory that holds {@link #lastName}; the root for the root. */
  PathSpec parent() {
    int slash = stripped().lastIndexOf('/');
    return new PathSpec(dataset, slash <= 0 ? "/" : path.substring(0, slash));
  }

  /** A name in the directory that this is. */
  PathSpec child(String name) {
    return new PathSpec(dataset, path.endsWith("/") ? path + name : path + "/" + name);
  }

  private String stripped() {
    String text = path;
    while (text.endsWith("/")) {
      text = text.substring(0, text.length() - 1);
    }
    return text;
  }

  /** As written. */
  @Override
  public String toString() {
    return dataset + ":" + path;
  }

  /** Parses {@code text}; empty when it is a path of the host. */
  static Optional<PathSpec> parse(String text) {
    int colon = text.indexOf(":/");
    if (text.isEmpty() || text.charAt(0) == '/' || text.charAt(0) == '.' || colon <= 0) {
      return Optional.empty();
    }
    String dataset = text.substring(0, colon);
    if (DatasetName.isSnapshot(dataset)) {
      DatasetName.checkSnapshot(dataset);
    } else {
      DatasetName.check(dataset);
    }
    return Optional.of(new PathSpec(dataset, text.substring(colon + 1)));
  }

  /**
   * Parses what has to be a path in a pool.
   *
   * @throws Failure saying how to write one
   */
  static PathSpec require(String text) {
    return parse(text).orElseThrow(() -> Failure.usage(text, "is no path in a pool", hint(text)));
  }

  private static String hint(String text) {
    if (text.startsWith("/") || text.startsWith(".") || text.isEmpty()) {
      return "write it as pool/dataset:/path";
    }
    int colon = text.indexOf(':');
    return colon < 0
        ? "write '" + text + ":/' for the root of that dataset"
        : "write '" + text.substring(0, colon) + ":/" + text.substring(colon + 1) + "'";
  }
}
