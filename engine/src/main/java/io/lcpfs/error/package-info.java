/**
 * ERROR - every way the engine can fail, as data: a sealed {@link io.lcpfs.error.PoolError} with
 * one errno each, carried by {@link io.lcpfs.error.PoolException}. Uses: nothing. Owner: immutable.
 */
@NullMarked
package io.lcpfs.error;

import org.jspecify.annotations.NullMarked;
