package io.lcpfs.stream;

import java.util.List;

/**
 * What a stream did for a damaged snapshot.
 *
 * @param snapshot its full name
 * @param healedBlocks that could not be read, and now can
 * @param healedBytes stored bytes of these, of one copy each
 * @param goodBlocks of the stream that could be read
 * @param lostBlocks of the stream that cannot be read still
 * @param lost a line for each of the first of these
 */
public record HealReport(
    String snapshot,
    long healedBlocks,
    long healedBytes,
    long goodBlocks,
    long lostBlocks,
    List<String> lost) {}
