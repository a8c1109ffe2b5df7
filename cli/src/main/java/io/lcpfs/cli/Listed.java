package io.lcpfs.cli;

import io.lcpfs.api.Bookmark;
import io.lcpfs.api.Dataset;
import io.lcpfs.api.Snapshot;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.dataset.PropertyValue;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What {@code lcpfs fs list} and {@code lcpfs fs get} show: a dataset, a snapshot or a bookmark.
 *
 * @param name in full
 * @param readable false when nothing but the name can be read
 * @param byName one of its properties
 * @param all those that it has
 */
record Listed(
    String name,
    boolean readable,
    Function<String, PropertyValue> byName,
    Supplier<Map<String, PropertyValue>> all) {

  static Listed of(Dataset dataset) {
    return new Listed(dataset.name(), dataset.isReadable(), dataset::property, dataset::properties);
  }

  static Listed of(Snapshot snapshot) {
    return new Listed(snapshot.name(), true, snapshot::property, snapshot::properties);
  }

  static Listed of(Bookmark bookmark) {
    return new Listed(
        bookmark.name(),
        true,
        property -> BookmarkCommands.property(bookmark, property),
        () -> BookmarkCommands.properties(bookmark));
  }

  PropertyValue property(String property) {
    return byName.apply(property);
  }

  /** A cell of a list; where only the name is known, a dash. */
  Object cell(String column) {
    if (column.equals("name")) {
      return name;
    }
    return readable ? FsCommands.cell(PropertyCatalog.dataset(column), property(column)) : "-";
  }
}
