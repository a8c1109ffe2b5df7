package io.lcpfs.intent;

import static io.lcpfs.error.PoolException.corrupt;

/** The kinds of changes that a record holds, by their codes on disk. */
enum EntryKind {
  CREATE(1),
  FREE(2),
  BONUS(3),
  WRITE(4),
  FREE_RANGE(5),
  ZAP_CREATE(6),
  ZAP_PUT(7),
  ZAP_REMOVE(8);

  final int code;

  EntryKind(int code) {
    this.code = code;
  }

  static EntryKind of(int code) {
    for (EntryKind kind : values()) {
      if (kind.code == code) {
        return kind;
      }
    }
    throw corrupt("intent_log_entry.kind", code);
  }
}
