@NullMarked
package io.lcpfs.error;

import org.jspecify.annotations.NullMarked;
