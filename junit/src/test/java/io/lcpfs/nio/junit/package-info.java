/** Tests of the JUnit extension. */
@NullMarked
package io.lcpfs.nio.junit;

import org.jspecify.annotations.NullMarked;
