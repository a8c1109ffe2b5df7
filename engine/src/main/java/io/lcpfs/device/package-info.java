/**
 * DEVICE - the block device SPI that anyone can implement, and the devices that come with it: file
 * (buffered, O_DIRECT), block special file, RAM. Uses: error, env. Owner: a device is safe for
 * concurrent use by many threads. Invariant: {@code DeviceContract} (shipped for implementers).
 */
@NullMarked
package io.lcpfs.device;

import org.jspecify.annotations.NullMarked;
