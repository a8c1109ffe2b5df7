package io.lcpfs.sim.model;

import io.lcpfs.sim.model.SparseBytes.Fingerprint;
import io.lcpfs.sim.world.Digest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** A whole name space at one moment, immutable: each path with all that can be compared. */
public final class Tree {

  /**
   * One path.
   *
   * @param linkedWith the first path, in order, of the same file: equal to the own path but for
   *     further hard links
   * @param content of a file, else null
   * @param target of a symbolic link, else empty
   * @param xattrs hash of each value by name
   */
  public record Entry(
      Attributes attributes,
      String linkedWith,
      @Nullable Fingerprint content,
      String target,
      NavigableMap<String, Long> xattrs) {

    long hash() {
      Digest digest = new Digest();
      digest.add(attributes.hash());
      digest.add(linkedWith);
      Fingerprint print = content;
      digest.add(print == null ? 0 : print.hash());
      digest.add(target);
      xattrs.forEach(
          (name, hash) -> {
            digest.add(name);
            digest.add(hash);
          });
      return digest.value();
    }
  }

  /** Collects the paths of a tree, in any order. */
  public static final class Builder {
    private final TreeMap<String, Entry> raw = new TreeMap<>();
    private final TreeMap<String, Object> inodes = new TreeMap<>();

    /**
     * @param inode equal for hard links to the same file, different for different files
     */
    public Builder add(
        String path,
        Attributes attributes,
        Object inode,
        @Nullable Fingerprint content,
        String target,
        NavigableMap<String, Long> xattrs) {
      raw.put(path, new Entry(attributes, path, content, target, xattrs));
      inodes.put(path, inode);
      return this;
    }

    public Tree build() {
      Map<Object, String> firstPath = new HashMap<>();
      TreeMap<String, Entry> entries = new TreeMap<>();
      raw.forEach(
          (path, entry) -> {
            String first = path;
            if (entry.attributes.kind() != NodeKind.DIRECTORY) {
              String known = firstPath.putIfAbsent(inodes.get(path), path);
              first = known == null ? path : known;
            }
            entries.put(
                path,
                new Entry(entry.attributes, first, entry.content, entry.target, entry.xattrs));
          });
      return new Tree(entries);
    }
  }

  private final NavigableMap<String, Entry> entries;
  private final long digest;

  private Tree(NavigableMap<String, Entry> entries) {
    this.entries = entries;
    Digest sum = new Digest();
    entries.forEach(
        (path, entry) -> {
          sum.add(path);
          sum.add(entry.hash());
        });
    this.digest = sum.value();
  }

  /** Hash of all but times: trees of different digests differ. */
  public long digest() {
    return digest;
  }

  public int size() {
    return entries.size();
  }

  public NavigableMap<String, Entry> entries() {
    return entries;
  }

  /** The part below {@code root}, paths made relative to it; the root itself is "/". */
  public Tree below(String root) {
    Builder part = new Builder();
    String prefix = root + "/";
    entries.forEach(
        (path, entry) -> {
          if (path.equals(root) || path.startsWith(prefix)) {
            String relative = path.equals(root) ? "/" : path.substring(root.length());
            part.add(
                relative,
                entry.attributes,
                entry.linkedWith,
                entry.content,
                entry.target,
                entry.xattrs);
          }
        });
    return part.build();
  }

  /** Chunks of files that could not be read. */
  public long unreadableChunks() {
    long count = 0;
    for (Entry entry : entries.values()) {
      Fingerprint print = entry.content;
      if (print != null) {
        for (long hash : print.chunkHashes().values()) {
          count += hash == Fingerprint.UNREADABLE ? 1 : 0;
        }
      }
    }
    return count;
  }

  /**
   * The first path at which {@code actual} is not what this tree says, and what is wrong there;
   * null when they agree.
   *
   * @param tolerateUnreadable whether content that could not be read passes for any content
   */
  public @Nullable String firstDifference(Tree actual, boolean tolerateUnreadable) {
    List<String> differences = differences(actual, tolerateUnreadable, 1);
    return differences.isEmpty() ? null : differences.getFirst();
  }

  /** As {@link #firstDifference}, up to {@code limit} of them. */
  public List<String> differences(Tree actual, boolean tolerateUnreadable, int limit) {
    TreeSet<String> paths = new TreeSet<>(entries.keySet());
    paths.addAll(actual.entries.keySet());
    List<String> found = new ArrayList<>();
    for (String path : paths) {
      if (found.size() >= limit) {
        break;
      }
      Entry want = entries.get(path);
      Entry got = actual.entries.get(path);
      if (want == null) {
        found.add(path + ": should not exist");
      } else if (got == null) {
        found.add(path + ": missing (" + want.attributes.kind() + ")");
      } else {
        String what = difference(want, got, tolerateUnreadable);
        if (what != null) {
          found.add(path + ": " + what);
        }
      }
    }
    return found;
  }

  private static @Nullable String difference(Entry want, Entry got, boolean tolerateUnreadable) {
    if (!want.attributes.agrees(got.attributes)) {
      return "expected " + want.attributes + ", got " + got.attributes;
    }
    if (!want.linkedWith.equals(got.linkedWith)) {
      return "expected the same file as " + want.linkedWith + ", got " + got.linkedWith;
    }
    if (!want.target.equals(got.target)) {
      return "expected target " + want.target + ", got " + got.target;
    }
    if (!want.xattrs.equals(got.xattrs)) {
      return "expected xattrs "
          + want.xattrs.keySet()
          + ", got "
          + got.xattrs.keySet()
          + (want.xattrs.keySet().equals(got.xattrs.keySet()) ? " (values differ)" : "");
    }
    Fingerprint wanted = want.content;
    Fingerprint found = got.content;
    if (wanted == null || found == null) {
      return wanted == null && found == null ? null : "content of something that has none";
    }
    return difference(wanted, found, tolerateUnreadable);
  }

  private static @Nullable String difference(
      Fingerprint want, Fingerprint got, boolean tolerateUnreadable) {
    TreeSet<Long> chunks = new TreeSet<>(want.chunkHashes().keySet());
    chunks.addAll(got.chunkHashes().keySet());
    for (long chunk : chunks) {
      long wanted = want.chunkHashes().getOrDefault(chunk, Fingerprint.ZEROS);
      long found = got.chunkHashes().getOrDefault(chunk, Fingerprint.ZEROS);
      if (wanted != found && !(tolerateUnreadable && found == Fingerprint.UNREADABLE)) {
        return "content differs between bytes "
            + chunk * SparseBytes.CHUNK_BYTES
            + " and "
            + (chunk + 1) * SparseBytes.CHUNK_BYTES
            + " of "
            + want.size()
            + (found == Fingerprint.UNREADABLE
                ? " (unreadable)"
                : found == Fingerprint.ZEROS
                    ? " (zeros found)"
                    : wanted == Fingerprint.ZEROS ? " (zeros expected)" : "");
      }
    }
    return null;
  }
}
