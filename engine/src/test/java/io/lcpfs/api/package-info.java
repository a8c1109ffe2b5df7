/** Tests of the face of the engine. */
@NullMarked
package io.lcpfs.api;

import org.jspecify.annotations.NullMarked;
