package io.lcpfs.api;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.dataset.PropertyCatalog;
import io.lcpfs.dataset.PropertySource;
import io.lcpfs.dataset.PropertyValue;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The properties of a snapshot: computed ones, and those that users gave its dataset. */
final class SnapshotProperties {
  private static final List<String> NATIVE =
      List.of(
          "type",
          "creation",
          "used",
          "referenced",
          "written",
          "logicalreferenced",
          "compressratio",
          "refcompressratio",
          "guid",
          "clones",
          "createtxg",
          "userrefs",
          "defer_destroy");

  private final Snapshot snapshot;

  SnapshotProperties(Snapshot snapshot) {
    this.snapshot = snapshot;
  }

  PropertyValue get(String name) {
    PropertyCatalog.Property row = PropertyCatalog.dataset(name);
    if (!PropertyCatalog.isUserProperty(name)) {
      return PropertyValue.of(NATIVE.contains(name) ? computed(name) : "-", PropertySource.NONE);
    }
    String dataset = DatasetName.datasetOf(snapshot.name());
    PropertyValue value = snapshot.pool().effective(row, dataset);
    return switch (value.source()) {
      case LOCAL, RECEIVED -> new PropertyValue(value.value(), PropertySource.INHERITED, dataset);
      case INHERITED -> value;
      case DEFAULT, NONE -> PropertyValue.of("-", PropertySource.NONE);
    };
  }

  private String computed(String name) {
    return switch (name) {
      case "type" -> "snapshot";
      case "creation" -> Long.toString(snapshot.creationSeconds());
      case "used" -> Long.toString(snapshot.usedBytes());
      case "referenced" -> Long.toString(snapshot.referencedBytes());
      case "written" -> Long.toString(snapshot.writtenBytes());
      case "logicalreferenced" -> Long.toString(snapshot.logicalBytes());
      case "compressratio", "refcompressratio" ->
          Long.toString(Dataset.ratio(snapshot.logicalBytes(), snapshot.referencedBytes()));
      case "guid" -> Long.toUnsignedString(snapshot.guid());
      case "clones" -> snapshot.clones().isEmpty() ? "-" : String.join(",", snapshot.clones());
      case "createtxg" -> Long.toString(snapshot.creationTxg());
      case "userrefs" -> Integer.toString(snapshot.userRefs());
      case "defer_destroy" -> snapshot.isDestroyDeferred() ? "on" : "off";
      default -> throw new AssertionError("computed property " + name);
    };
  }

  Map<String, PropertyValue> all() {
    Map<String, PropertyValue> values = new LinkedHashMap<>();
    NATIVE.forEach(name -> values.put(name, get(name)));
    String path = DatasetName.pathOf(DatasetName.datasetOf(snapshot.name()));
    snapshot.pool().userProperties(path).forEach(name -> values.put(name, get(name)));
    return values;
  }
}
