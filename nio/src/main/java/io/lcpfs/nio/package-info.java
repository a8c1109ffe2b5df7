/**
 * The way in for JVM programs: a {@code java.nio.file} provider for {@code lcpfs:} URIs.
 *
 * <p>What lives here: the provider, its paths, channels, streams, views, locks and watch services.
 * What it may use: the engine's exported packages. State: pools that were opened here are counted
 * in OpenedPools under its lock; what concerns one engine file system, whoever looks at it (file
 * locks, watchers), is in SharedState. It reads and writes no structure of FORMAT.md itself.
 *
 * <p>Invariant: a path is the bytes that the directory entry has; text is only a view of it.
 */
@NullMarked
package io.lcpfs.nio;

import org.jspecify.annotations.NullMarked;
