package io.lcpfs.pool;

/**
 * How far a long job is.
 *
 * @param stage what it does now, for a person
 * @param doneBytes so far
 * @param totalBytes expected in all; 0 when unknown
 */
public record Progress(String stage, long doneBytes, long totalBytes) {}
