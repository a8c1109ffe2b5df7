package io.lcpfs.nio.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a parameter of a test, or of a method that runs before or after each test, that gets the
 * test's own file system: a {@link java.nio.file.FileSystem}, or a {@link java.nio.file.Path} for
 * its root directory.
 */
@Documented
@Target(ElementType.PARAMETER)
@Retention(RetentionPolicy.RUNTIME)
public @interface InLcpfs {}
