/**
 * A JUnit extension that gives each test a file system of its own.
 *
 * <p>What lives here: the extension and its annotation. What it may use: the nio module, the
 * engine's exported packages, the JUnit Jupiter API as of 5.10. State: the pool of a test lies in
 * that test's extension store and goes with the test.
 */
@NullMarked
package io.lcpfs.nio.junit;

import org.jspecify.annotations.NullMarked;
