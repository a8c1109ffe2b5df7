package io.lcpfs.sim;

/**
 * Something that a check of a target found.
 *
 * @param damage whether it is content that a device lost, which beyond the redundancy is nobody's
 *     fault as long as it is reported; else the target is at odds with itself
 * @param text one line for a person
 */
public record Finding(boolean damage, String text) {}
