@NullMarked
package io.lcpfs.cli;

import org.jspecify.annotations.NullMarked;
