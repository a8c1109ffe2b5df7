package io.lcpfs.zap;

/** A keyed hash of a name, 64 bits of it. Tests put a weak one in its place. */
interface NameHash {

  /** The hash of {@code length} bytes of {@code name} from {@code offset} under the key k0, k1. */
  long hash(long k0, long k1, byte[] name, int offset, int length);
}
