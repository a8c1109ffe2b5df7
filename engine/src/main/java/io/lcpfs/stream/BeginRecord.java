package io.lcpfs.stream;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.lcpfs.dataset.DatasetName;
import io.lcpfs.error.Errno;
import io.lcpfs.error.PoolException;
import io.lcpfs.format.Disk;
import java.lang.foreign.MemorySegment;
import java.util.TreeMap;

/**
 * What a BEGIN record says.
 *
 * @param toGuid guid of the snapshot
 * @param fromGuid of the one that the stream is incremental from; 0 for none
 * @param creationSeconds wall clock, since 1970
 * @param txg whose end the snapshot shows where it was sent
 * @param name full name of the snapshot where it was sent
 * @param rootBytes of the name, how much names the dataset at the top of what is sent
 * @param compressed whether blocks may be as they were stored
 * @param isClone whether the dataset begins as a clone of what the stream is incremental from
 * @param resumed whether it goes on at {@code object} and {@code offset}
 */
record BeginRecord(
    long toGuid,
    long fromGuid,
    long creationSeconds,
    long txg,
    String name,
    int rootBytes,
    boolean compressed,
    boolean isClone,
    boolean resumed,
    long object,
    long offset) {

  String dataset() {
    return DatasetName.datasetOf(name);
  }

  String snapshot() {
    return DatasetName.snapshotOf(name);
  }

  /** What follows the name of the top in that of the dataset: empty, or from a slash on. */
  String belowRoot() {
    return dataset().substring(rootBytes);
  }

  byte[] encode() {
    byte[] text = name.getBytes(UTF_8);
    TreeMap<String, Boolean> features = new TreeMap<>();
    if (compressed) {
      features.put(StreamRecord.COMPRESSED, true);
    }
    if (isClone) {
      features.put(StreamRecord.CLONE, true);
    }
    if (resumed) {
      features.put(StreamRecord.RESUMED, true);
    }
    int at = StreamRecord.BEGIN_BYTES + features.size() * StreamRecord.FEATURE_BYTES;
    byte[] payload = new byte[at + text.length];
    MemorySegment to = MemorySegment.ofArray(payload);
    Disk.putU64(to, 0, toGuid);
    Disk.putU64(to, 8, fromGuid);
    Disk.putU64(to, 16, creationSeconds);
    Disk.putU64(to, 24, txg);
    Disk.putU16(to, 32, text.length);
    Disk.putU16(to, 34, rootBytes);
    Disk.putU16(to, 36, features.size());
    int feature = StreamRecord.BEGIN_BYTES;
    for (String known : features.keySet()) {
      byte[] ascii = known.getBytes(US_ASCII);
      System.arraycopy(ascii, 0, payload, feature, ascii.length);
      payload[feature + 63] = 1;
      feature += StreamRecord.FEATURE_BYTES;
    }
    System.arraycopy(text, 0, payload, at, text.length);
    return payload;
  }

  /**
   * Reads one.
   *
   * @throws PoolException EIO; EOPNOTSUPP naming a feature that is not known here
   */
  static BeginRecord decode(StreamReader reader, StreamReader.Item item) {
    MemorySegment at = item.payload();
    int nameBytes = Disk.u16(at, 32);
    int rootBytes = Disk.u16(at, 34);
    int features = Disk.u16(at, 36);
    long text = StreamRecord.BEGIN_BYTES + (long) features * StreamRecord.FEATURE_BYTES;
    if (text + nameBytes != at.byteSize()) {
      throw reader.damaged("the names in its head do not fit");
    }
    boolean compressed = false;
    boolean clone = false;
    boolean resumed = false;
    for (int i = 0; i < features; i++) {
      long from = StreamRecord.BEGIN_BYTES + (long) i * StreamRecord.FEATURE_BYTES;
      String feature = featureName(at, from);
      compressed |= feature.equals(StreamRecord.COMPRESSED);
      clone |= feature.equals(StreamRecord.CLONE);
      resumed |= feature.equals(StreamRecord.RESUMED);
      if (!StreamRecord.FEATURES.contains(feature) && Disk.u8(at, from + 63) != 0) {
        throw PoolException.refused(
            Errno.EOPNOTSUPP,
            "the stream uses the feature '"
                + feature
                + "', which this version does not know; receive it with a newer one");
      }
    }
    String name = String.valueOf(StreamReader.text(at, text, nameBytes));
    DatasetName.checkSnapshot(name);
    String dataset = DatasetName.datasetOf(name);
    boolean within =
        rootBytes > 0
            && rootBytes <= dataset.length()
            && (rootBytes == dataset.length() || dataset.charAt(rootBytes) == '/');
    if (!within) {
      throw reader.damaged("the name of its top does not fit");
    }
    if (Disk.u64(at, 0) == 0 || Disk.u64(at, 0) == Disk.u64(at, 8)) {
      throw reader.damaged("it has no guid of its own");
    }
    if (clone && Disk.u64(at, 8) == 0) {
      throw reader.damaged("it is a clone of nothing");
    }
    if (!resumed && (item.object() != 0 || item.offset() != 0)) {
      throw reader.damaged("it begins in its middle");
    }
    return new BeginRecord(
        Disk.u64(at, 0),
        Disk.u64(at, 8),
        Disk.u64(at, 16),
        Disk.u64(at, 24),
        name,
        rootBytes,
        compressed,
        clone,
        resumed,
        item.object(),
        item.offset());
  }

  /** A feature's name with what is not printable replaced. */
  private static String featureName(MemorySegment at, long from) {
    StringBuilder name = new StringBuilder();
    for (int i = 0; i < 63; i++) {
      int c = Disk.u8(at, from + i);
      if (c == 0) {
        break;
      }
      name.append(c > ' ' && c < 127 ? (char) c : '?');
    }
    return name.toString();
  }
}
