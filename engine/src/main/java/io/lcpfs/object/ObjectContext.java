package io.lcpfs.object;

import io.lcpfs.cache.Arc;
import io.lcpfs.env.Env;
import io.lcpfs.memory.SlabAllocator;
import io.lcpfs.pipeline.BlockIo;
import io.lcpfs.txg.TxgManager;

/**
 * What all object sets of a pool share.
 *
 * @param txgs transaction groups; the sync task calls the object sets from inside one
 * @param background jobs that nobody waits for, such as read-ahead
 */
public record ObjectContext(
    Env env,
    SlabAllocator slabs,
    Arc cache,
    BlockIo io,
    TxgManager txgs,
    SpaceGate space,
    BackgroundWork background) {}
