@NullMarked
package io.lcpfs.dataset;

import org.jspecify.annotations.NullMarked;
