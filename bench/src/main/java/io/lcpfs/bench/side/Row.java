package io.lcpfs.bench.side;

/**
 * One line of the comparison. A row prepares what it needs once, then measures either system as
 * often as it is asked to, in any order.
 */
abstract class Row {
  private final String id;
  private final String title;
  private final String unit;
  private final double goalRatio;
  private final double goalAbsolute;

  /**
   * @param id what {@code --only} calls it
   * @param unit of the figures; more is better
   * @param goalRatio wanted of LCPFS over the other system's median; 0 for none
   * @param goalAbsolute wanted of LCPFS in {@code unit} on the reference machine; 0 for none
   */
  Row(String id, String title, String unit, double goalRatio, double goalAbsolute) {
    this.id = id;
    this.title = title;
    this.unit = unit;
    this.goalRatio = goalRatio;
    this.goalAbsolute = goalAbsolute;
  }

  final String id() {
    return id;
  }

  final String title() {
    return title;
  }

  final String unit() {
    return unit;
  }

  final double goalRatio() {
    return goalRatio;
  }

  final double goalAbsolute() {
    return goalAbsolute;
  }

  /** What the row sets for itself, beyond the configuration of all rows; empty for nothing. */
  String configuration() {
    return "";
  }

  /** Makes the files that both systems need; not measured. */
  abstract void prepare() throws Exception;

  /** Runs the work on the JDK's default file system. */
  abstract Sample host(long seed) throws Exception;

  /** Runs the same work on LCPFS. */
  abstract Sample lcpfs(long seed) throws Exception;
}
