package io.lcpfs.nio.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Tests of this class, of classes nested in it, or this test, begin with files that were made once:
 * each gets a clone of them that it can change, in constant time, whatever there is. That of a
 * method counts before that of its class, that of a class before that of the class around it.
 *
 * <pre>{@code
 * @ExtendWith(LcpfsExtension.class)
 * @PreparedBy(MyTest.Corpus.class)
 * class MyTest {
 *   static class Corpus implements Preparation {
 *     public void prepare(Path root) throws IOException {
 *       Files.writeString(root.resolve("letter"), "text");
 *     }
 *   }
 *
 *   @Test
 *   void somethingIsChanged(@InLcpfs Path root) throws IOException {
 *     Files.delete(root.resolve("letter"));
 *   }
 * }
 * }</pre>
 */
@Documented
@Inherited
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
public @interface PreparedBy {
  /** What makes the files; has a constructor without parameters. */
  Class<? extends Preparation> value();
}
