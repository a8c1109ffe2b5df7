/**
 * TXG - transaction groups: open, quiescing, syncing. Gives out {@link io.lcpfs.txg.Tx} holds,
 * keeps dirty data within its budget, and drives a {@link io.lcpfs.txg.SyncTarget} once per group.
 * Uses: env, error. Owner: TxgManager's one lock; the sync task alone calls the target. Invariant:
 * groups sync in order, and a group syncs only when no Tx holds it.
 */
@NullMarked
package io.lcpfs.txg;

import org.jspecify.annotations.NullMarked;
