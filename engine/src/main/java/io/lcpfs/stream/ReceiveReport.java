package io.lcpfs.stream;

import java.util.List;

/**
 * What a stream came to.
 *
 * @param snapshots received, in their order
 * @param leftOut a line for each value of a property in the stream that does not count, with why;
 *     of one that was received before and did not count then, none
 */
public record ReceiveReport(List<Received> snapshots, List<String> leftOut) {
  /**
   * A snapshot.
   *
   * @param sent its full name where it was sent
   * @param name its full name here
   * @param bytes of the stream
   */
  public record Received(String sent, String name, long bytes) {}
}
