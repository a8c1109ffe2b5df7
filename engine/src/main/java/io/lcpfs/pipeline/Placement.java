package io.lcpfs.pipeline;

import io.lcpfs.format.Dva;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Space that was allocated for one block before its content is known: up to three copies, each at
 * one address or, when no extent was long enough, in a gang.
 */
public final class Placement {

  /** A copy in pieces: the header's address, and the pieces in order. */
  record Gang(long headerDva, List<Piece> pieces) {}

  /**
   * A piece of a gang.
   *
   * @param dva with the gang bit when it is one itself
   * @param nested the gang that it is, or null
   */
  record Piece(long dva, int bytes, @Nullable Gang nested) {}

  private final long[] dvas;
  private final @Nullable Gang[] gangs;
  private final int bytes;

  Placement(long[] dvas, @Nullable Gang[] gangs, int bytes) {
    this.dvas = dvas;
    this.gangs = gangs;
    this.bytes = bytes;
  }

  /** The addresses as they go into the block pointer, 3 entries. */
  long[] dvas() {
    return dvas.clone();
  }

  int copies() {
    return dvas[1] == Dva.NONE ? 1 : dvas[2] == Dva.NONE ? 2 : 3;
  }

  long dva(int copy) {
    return dvas[copy];
  }

  @Nullable Gang gang(int copy) {
    return gangs[copy];
  }

  /** Stored bytes per copy that there is room for. */
  int bytes() {
    return bytes;
  }
}
