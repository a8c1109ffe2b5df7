/** Tests of the provider: what java.nio.file promises, and real programs on it. */
@NullMarked
package io.lcpfs.nio;

import org.jspecify.annotations.NullMarked;
