/** Tests of the CHECKUP room. */
@NullMarked
package io.lcpfs.checkup;

import org.jspecify.annotations.NullMarked;
