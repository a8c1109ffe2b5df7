package io.lcpfs.sim.model;

/** What a name can stand for. */
public enum NodeKind {
  FILE,
  DIRECTORY,
  SYMLINK,
  FIFO,
  SOCKET,
  CHARACTER_DEVICE,
  BLOCK_DEVICE
}
