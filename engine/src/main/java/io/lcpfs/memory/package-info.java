/**
 * MEMORY - off-heap memory: the allocator SPI that a host can supply, and {@code SlabAllocator},
 * which carves {@link io.lcpfs.memory.Slab} buffers from it within one byte budget. Uses: error.
 * Owner: SlabAllocator's one lock. Invariant: the sum of live slabs and free extents is what was
 * taken from the source, never above the budget ({@code SlabAllocator.verify}); freed slabs are
 * poisoned in tests.
 */
@NullMarked
package io.lcpfs.memory;

import org.jspecify.annotations.NullMarked;
