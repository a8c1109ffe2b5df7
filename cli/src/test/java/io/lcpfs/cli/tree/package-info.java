@NullMarked
package io.lcpfs.cli.tree;

import org.jspecify.annotations.NullMarked;
