package io.lcpfs.posix;

/**
 * The project that a file counts for.
 *
 * @param id an unsigned number; 0 where nobody set another
 * @param inherited whether what is made in it, a directory, takes this over
 */
public record FileProject(int id, boolean inherited) {}
