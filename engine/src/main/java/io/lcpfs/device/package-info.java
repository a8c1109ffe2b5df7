/**
 * DEVICE - the block device SPI that anyone can implement, and the devices that come with it: file
 * and block special file (buffered or O_DIRECT), RAM. Also {@link
 * io.lcpfs.device.ForeignSignature}, which says what others left on a device. Uses: error, env.
 * Owner: a device is safe for concurrent use by many threads; who has a file open is one table of
 * the process, in {@code DeviceClaim}. Disk: none of its own. Invariant: {@link
 * io.lcpfs.device.DeviceContract}, shipped for implementers.
 */
@NullMarked
package io.lcpfs.device;

import org.jspecify.annotations.NullMarked;
