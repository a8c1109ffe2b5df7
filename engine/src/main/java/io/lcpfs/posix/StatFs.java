package io.lcpfs.posix;

/**
 * What statfs(2) tells.
 *
 * @param blockBytes the unit of the three counts of blocks
 * @param availableBlocks what unprivileged users may still use
 * @param files objects in use
 * @param freeFiles objects that could still be created, an estimate
 * @param maxNameBytes longest name of a directory entry
 */
public record StatFs(
    int blockBytes,
    long totalBlocks,
    long freeBlocks,
    long availableBlocks,
    long files,
    long freeFiles,
    int maxNameBytes) {}
