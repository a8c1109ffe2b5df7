package io.lcpfs.sim;

import io.lcpfs.env.CodeProbe;
import io.lcpfs.sim.device.FaultKind;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one seed gave.
 *
 * @param seed which
 * @param digest over every scheduling choice, device write and result; 0 after a violation
 * @param operations carried out and compared
 * @param refusals operations that the target refused for want of space or memory
 * @param crashes of the machine
 * @param faults injected, by kind
 * @param probes reached, by probe
 * @param virtualNanos time that passed inside
 * @param violation what was broken first; null when nothing was
 */
public record SeedResult(
    long seed,
    long digest,
    long operations,
    long refusals,
    long crashes,
    Map<FaultKind, Long> faults,
    Map<CodeProbe, Long> probes,
    long virtualNanos,
    @Nullable String violation) {}
