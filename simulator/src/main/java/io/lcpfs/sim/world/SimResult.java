package io.lcpfs.sim.world;

import io.lcpfs.env.CodeProbe;
import java.util.Map;

/**
 * What a run gave.
 *
 * @param value what the body returned
 * @param digest hash over every scheduling choice, device write and result
 * @param steps scheduling steps
 * @param virtualNanos time that passed inside
 * @param probes how often each probe was reached
 */
public record SimResult<T>(
    T value, long digest, long steps, long virtualNanos, Map<CodeProbe, Long> probes) {}
