package io.lcpfs.cli.tree;

import java.util.concurrent.atomic.AtomicLong;

/** What a copy has done so far; any thread may read it. */
public final class CopyReport {
  final AtomicLong files = new AtomicLong();
  final AtomicLong directories = new AtomicLong();
  final AtomicLong others = new AtomicLong();
  final AtomicLong bytes = new AtomicLong();
  final AtomicLong failures = new AtomicLong();

  /** Regular files copied or linked. */
  public long files() {
    return files.get();
  }

  public long directories() {
    return directories.get();
  }

  /** Symbolic links and nodes. */
  public long others() {
    return others.get();
  }

  /** Bytes of content copied, without holes. */
  public long bytes() {
    return bytes.get();
  }

  /** Entries that could not be copied; each was reported. */
  public long failures() {
    return failures.get();
  }
}
